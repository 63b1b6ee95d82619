//! What has left for a peer that was made here, by a bridge or a player: whose name reports of ours bear, and what they
//! count.

use super::Stream;
use crate::control::Side;
use crate::reports::Voice;
use base::Time;

/// Of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    last: Option<(Time, Voice)>,
    /// When whoever speaks was served last.
    now: Time,
}

impl Said {
    /// Whoever speaks is served.
    #[inline]
    pub(super) fn serve(&mut self, now: Time) {
        self.now = now;
    }

    /// A packet is about to leave.
    pub(super) fn note(&mut self, packet: &[u8]) {
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
        self.last.map(|(at, _)| at)
    }

    /// What is heard at a moment, by a clock of so many Hz.
    fn voice(&self, now: Time, clock: u32) -> Option<Voice> {
        let (at, voice) = self.last?;
        let since = (now.since(at).as_nanos() * u128::from(clock) / 1_000_000_000) as u32;
        Some(Voice { timestamp: voice.timestamp.wrapping_add(since), ..voice })
    }
}

impl Stream {
    /// What the peer of a side hears.
    pub(super) fn voice(&self, toward: Side, now: Time) -> Option<Voice> {
        let from = toward.other();
        let clock = self.playing_clock(from).or_else(|| self.bridges.as_ref()?.clock(from));
        let own = clock.and_then(|clock| self.said[from.index()].voice(now, clock));
        own.or_else(|| self.halves[from.index()].spoken(now))
    }
}
