//! What RTCP says of a half: what its peer reported, and what is reported to it.

use super::Half;
use crate::flow::Action;
use crate::reports::Voice;
use base::Time;
use rtp::ReportBlock;
use std::net::SocketAddr;
use std::time::Duration;

/// So many reports of a peer must have come before it counts as one that sends them.
const REPORTS: u64 = 2;

impl Half {
    /// Remembers a sender report that passes on to the other side.
    pub(crate) fn note_sender_report(&mut self, now: Time, ntp: u32) {
        self.sent_reports = [Some((ntp, now)), self.sent_reports[0]];
    }

    /// When the sender report of that NTP time passed.
    pub(crate) fn sender_report_passed(&self, ntp: u32) -> Option<Time> {
        self.sent_reports.iter().flatten().find(|(n, _)| *n == ntp).map(|&(_, at)| at)
    }

    /// What the peer reports of the stream that it receives. `passed`: when the sender report it
    /// names went by, from which follows the round trip between us and the peer (RFC 3550 §6.4.1).
    pub(crate) fn note_block(&mut self, now: Time, block: &ReportBlock, passed: Option<Time>) {
        self.peer_loss_fraction = Some(f32::from(block.fraction_lost) / 256.0);
        self.peer_lost = Some(block.cumulative_lost);
        self.peer_jitter = Some(block.jitter);
        if let Some(passed) = passed {
            self.note_round_trip(now, passed, block.dlsr);
        }
    }

    /// The peer answered what had `passed`, after having `held` it for so many 1/65536 s.
    pub(super) fn note_round_trip(&mut self, now: Time, passed: Time, held: u32) {
        let held = Duration::from_nanos(rtp::ntp::nanos_from_short(held));
        let Some(rtt) = now.since(passed).checked_sub(held) else { return };
        let ms = rtt.as_secs_f32() * 1000.0;
        self.rtt_ms = Some(ms);
        self.rtt_max_ms = Some(self.rtt_max_ms.map_or(ms, |m| m.max(ms)));
    }

    /// Of what the peer sent, since the last report about it: the block that says how it came.
    pub(crate) fn block(&mut self, now: Time) -> Option<ReportBlock> {
        let (lsr, dlsr) = self.sent_reports[0].map_or((0, 0), |(ntp, at)| {
            let held = u64::try_from(now.since(at).as_nanos()).unwrap_or(u64::MAX);
            (ntp, rtp::ntp::short_from_nanos(held))
        });
        self.reception.block(lsr, dlsr)
    }

    /// Whether it sends reports, so that their absence says something.
    pub(crate) fn sends_reports(&self) -> bool {
        self.rtcp_packets >= REPORTS
    }

    /// What the other side hears of this peer where packets pass as they are.
    pub(crate) fn spoken(&self, now: Time) -> Option<Voice> {
        let since = now.since(self.last_rtp?).as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        self.reception.spoken(since as u32)
    }

    /// The payload type of what it sent last.
    pub(crate) fn payload_type(&self) -> Option<u8> {
        self.reception.heard().map(|_| self.reception.payload_type())
    }

    /// Packets of RTP that came.
    pub(crate) fn sound(&self) -> u64 {
        let totals = &self.reception.totals;
        totals.packets.saturating_sub(totals.opaque.into())
    }

    /// When something of this peer last went on to the other side.
    pub(crate) fn spoken_at(&self) -> Option<Time> {
        self.last_rtp.filter(|_| matches!(self.rtp.action, Action::Relay { .. }))
    }

    /// Where media of ours for the peer would go, whether it wants some now or not.
    pub(crate) fn keepalive_target(&self) -> Option<SocketAddr> {
        let remote = self.remote.as_ref().filter(|remote| !remote.udptl)?;
        self.address(remote).ok()
    }
}
