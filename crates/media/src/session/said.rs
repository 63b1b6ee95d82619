//! What has left for a peer that was made here, by a bridge or a player: whose name reports of ours bear, and what they
//! count.

use super::Stream;
use crate::control::Side;
use crate::reports::Voice;
use base::Time;
use bridge::Moved;

/// Of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    last: Option<(Time, Voice)>,
    /// The clock of whoever spoke last, Hz.
    clock: u32,
    /// When whoever speaks was served last.
    now: Time,
    /// When the last packet left through a bridge or was made.
    left: Option<Time>,
}

impl Said {
    /// Whoever speaks is served.
    #[inline]
    pub(super) fn serve(&mut self, now: Time) {
        self.now = now;
    }

    /// What is served leaves.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.left = Some(self.now);
    }

    /// A packet is about to leave, by this clock.
    pub(super) fn note(&mut self, packet: &[u8], clock: Option<u32>) {
        self.clock = clock.unwrap_or(self.clock);
        self.leave();
        let Ok(packet) = rtp::Packet::parse(packet) else { return };
        let head = packet.header();
        let before = self.last.map(|(_, voice)| voice).filter(|voice| voice.ssrc == head.ssrc);
        let (packets, octets) = before.map_or((0, 0), |voice| (voice.packets, voice.octets));
        let (packets, octets) = (packets.wrapping_add(1), octets.wrapping_add(packet.payload().len() as u32));
        let voice = Voice { ssrc: head.ssrc, timestamp: head.timestamp, packets, octets };
        self.last = Some((self.now, voice));
    }

    /// When the last packet left.
    pub(super) fn at(&self) -> Option<Time> {
        self.left
    }

    /// The name that was heard last.
    pub(super) fn name(&self) -> Option<u32> {
        self.last.map(|(_, voice)| voice.ssrc)
    }

    /// What is heard at a moment.
    pub(super) fn voice(&self, now: Time) -> Option<Voice> {
        let (at, voice) = self.last?;
        let since = (now.since(at).as_nanos() * u128::from(self.clock) / 1_000_000_000) as u32;
        Some(Voice { timestamp: voice.timestamp.wrapping_add(since), ..voice })
    }
}

impl Stream {
    /// What the peer of a side hears.
    pub(super) fn voice(&self, toward: Side, now: Time) -> Option<Voice> {
        let from = toward.other();
        let own = self.speaking_clock(from).and_then(|_| self.said[from.index()].voice(now));
        own.or_else(|| {
            let voice = self.halves[from.index()].spoken(now)?;
            let moved = self.bridges.as_ref().map(|bridges| bridges.0[from.index()].moved(voice.ssrc));
            let Moved { packets, octets, .. } = moved.unwrap_or_default();
            let (packets, octets) = (voice.packets.wrapping_add(packets), voice.octets.wrapping_add(octets));
            Some(Voice { packets, octets, ..voice })
        })
    }

    /// The clock of whoever speaks in a side's place under a name of ours.
    pub(super) fn speaking_clock(&self, from: Side) -> Option<u32> {
        self.playing_clock(from).or_else(|| self.bridges.as_ref()?.clock(from))
    }
}
