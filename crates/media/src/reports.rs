//! RTCP of our own toward one peer on one stream (RFC 3550 §6): when it is due, and what it says.
//!
//! It speaks for whoever is heard through us: under the name of the stream that we send to the peer, or one of our
//! own while there is none. What the peer sends is reported as it came here. Values only: whether anything is to be
//! said, and where it goes, is decided in [`crate::session`].

use crate::care::{Keepalive, RoundTrip};
use crate::control::Remote;
use base::{Rng, Time};
use rtp::rtcp::build::Builder;
use rtp::xr::{Extension, LastReceived, VoipMetrics};
use rtp::{Header, Ntp, ReportBlock, SenderInfo};
use std::time::Duration;

/// Between two reports, on average (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// The other side has fallen silent when it has sent no RTCP for this long: longer than any wait between two reports
/// of a peer that keeps RFC 3550.
pub(crate) const FILL_AFTER: Duration = Duration::from_secs(10);
/// Nothing was sent for this long: a keepalive is due at the next look, so that none waits longer than 15 s and a half
/// interval (RFC 6263 §6).
pub(crate) const QUIET_AFTER: Duration = Duration::from_secs(10);
/// Reports that are remembered, so that what a peer says about one still finds it.
const REMEMBERED: usize = 2;
/// Letters of a CNAME: 96 bits (RFC 7022 §4.2).
const CNAME: usize = 16;
/// The quietest level that comfort noise can name (RFC 3389 §3.1).
const NOISE: [u8; 1] = [127];
/// The clock of keepalives, Hz.
const KEEPALIVE_CLOCK: u64 = 8_000;

/// What is sent to the peer at a moment, and under which name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Voice {
    pub(crate) ssrc: u32,
    /// The stream's timestamp at that moment.
    pub(crate) timestamp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// What a report says besides (RFC 3611).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    /// How the peer's stream sounds.
    pub(crate) voip: Option<VoipMetrics>,
    /// When the peer's reference time came.
    pub(crate) received: Option<LastReceived>,
    /// Who answers reference times.
    pub(crate) round_trip: RoundTrip,
}

impl Extras {
    /// Adds it to one report: whoever speaks has told the time already, and may always answer.
    fn say<'b>(&self, builder: Builder<'b>, ssrc: u32, speaks: bool, ntp: Ntp) -> Builder<'b> {
        let mut blocks = Vec::new();
        if self.round_trip != RoundTrip::Off && !speaks {
            blocks.push(Extension::ReferenceTime(ntp));
        }
        let answers = speaks || self.round_trip == RoundTrip::All;
        blocks.extend(self.received.filter(|_| answers).map(Extension::LastReceived));
        blocks.extend(self.voip.map(Extension::Voip));
        if blocks.is_empty() { builder } else { builder.extended(ssrc, &blocks) }
    }
}

/// When something may be due for a peer, cheap to look at; what it needs besides is made at the first need.
#[derive(Debug)]
pub(crate) struct Tending {
    pub(crate) due: Time,
    /// Since when the call is answered.
    pub(crate) live_since: Option<Time>,
    pub(crate) owes_report: bool,
    /// The name of ours that was reported is heard no more (RFC 3550 §6.6).
    pub(crate) owes_farewell: bool,
    pub(crate) owes_keepalive: bool,
    pub(crate) reporter: Option<Box<Reporter>>,
}

impl Default for Tending {
    fn default() -> Tending {
        Tending {
            due: Time::NEVER,
            live_since: None,
            owes_report: false,
            owes_farewell: false,
            owes_keepalive: false,
            reporter: None,
        }
    }
}

impl Tending {
    /// When the report of ours was sent that a peer means by this time.
    pub(crate) fn sent_at(&self, lsr: u32) -> Option<Time> {
        self.reporter.as_ref().and_then(|reporter| reporter.sent_at(lsr))
    }

    /// The peer has described itself.
    pub(crate) fn begin(&mut self, now: Time, remote: &Remote) {
        if remote.care.live {
            self.live_since.get_or_insert(now);
        }
        self.due = self.due.min(now + INTERVAL / 2);
    }
}

/// See the module text.
#[derive(Debug)]
pub(crate) struct Reporter {
    rng: Rng,
    cname: [u8; CNAME],
    /// Our own name.
    own: u32,
    /// The name of the last report.
    said: Option<u32>,
    /// Middle of the NTP time of reports, and when they were sent.
    sent: [Option<(u32, Time)>; REMEMBERED],
    /// Packets of the voice at the last two reports.
    counts: [u32; 2],
    sequence: u16,
    /// When the last keepalive was sent.
    pub(crate) kept_alive: Time,
}

impl Reporter {
    /// For one stream toward a side: streams of the same `seed` have the same CNAME, those of different numbers
    /// different names.
    pub(crate) fn new(seed: (u64, u64), stream: u8) -> Reporter {
        let mut named = Rng::new(seed);
        let cname = letters(named.next_pair());
        let mut rng = Rng::new((named.next_u64(), u64::from(stream)));
        let (own, sequence) = (rng.next_u64() as u32, rng.next_u64() as u16 & 0x7fff);
        let (said, sent) = (None, [None; REMEMBERED]);
        Reporter { rng, cname, own, said, sent, counts: [0; 2], sequence, kept_alive: Time::ZERO }
    }

    /// How long to wait until the next look: half to one and a half of [`INTERVAL`], so that peers that began at
    /// the same time do not all speak at once (RFC 3550 §6.3.1).
    pub(crate) fn wait(&mut self) -> Duration {
        let span = u64::try_from(INTERVAL.as_millis()).unwrap_or_default();
        Duration::from_millis(span / 2 + self.rng.below(span + 1))
    }

    /// Whether a report of ours has been sent, and nothing since that ended it.
    pub(crate) fn has_spoken(&self) -> bool {
        self.said.is_some()
    }

    /// The name that it has reported last.
    pub(crate) fn said(&self) -> Option<u32> {
        self.said
    }

    /// It has said its last.
    pub(crate) fn end(&mut self) {
        self.said = None;
    }

    /// When the report was sent that a peer means by this time.
    pub(crate) fn sent_at(&self, lsr: u32) -> Option<Time> {
        self.sent.iter().flatten().find(|(ntp, _)| *ntp == lsr).map(|(_, at)| *at)
    }

    /// Writes a report: a sender's while the voice speaks, else a receiver's (RFC 3550 §6.4), the CNAME, what is
    /// said besides, and a farewell of a name that is given up. `last`: it is the farewell of this one, too.
    pub(crate) fn report(
        &mut self,
        now: Time,
        voice: Option<Voice>,
        (block, extras): (Option<ReportBlock>, Extras),
        last: bool,
        out: &mut [u8],
    ) -> Option<usize> {
        let ssrc = voice.map_or(self.own, |voice| voice.ssrc);
        let given_up = self.said.filter(|said| *said != ssrc);
        if given_up.is_some() {
            self.counts = [0; 2];
        }
        // Time since birth is as good as the time of day (RFC 3550 §6.4.1), and tells nobody how our clock goes.
        let ntp = Ntp((u128::from(now.0) << 32).wrapping_div(1_000_000_000) as u64);
        let speaks = voice.filter(|voice| voice.packets != self.counts[1]);
        let blocks = block.as_slice();
        let builder = match speaks {
            Some(Voice { timestamp, packets, octets, .. }) => {
                let info = SenderInfo { ntp, rtp_timestamp: timestamp, packets, octets };
                Builder::new(out).sender_report(ssrc, &info, blocks)
            }
            None => Builder::new(out).receiver_report(ssrc, blocks),
        };
        let builder = builder.cname(ssrc, &self.cname);
        let mut builder = extras.say(builder, ssrc, speaks.is_some(), ntp);
        if let Some(old) = given_up {
            builder = builder.bye(old, b"");
        }
        if last {
            builder = builder.bye(ssrc, b"");
        }
        let length = builder.finish().ok()?;
        self.said = Some(ssrc).filter(|_| !last);
        self.counts = [voice.map_or(0, |voice| voice.packets), self.counts[0]];
        if speaks.is_some() || extras.round_trip != RoundTrip::Off {
            self.sent = [Some((ntp.middle(), now)), self.sent[0]];
        }
        Some(length)
    }

    /// Writes a keepalive, under our own name so that the numbers of the stream stay whole.
    pub(crate) fn keepalive(&mut self, now: Time, kind: Keepalive, out: &mut [u8]) -> Option<usize> {
        let (payload_type, payload): (u8, &[u8]) = match kind {
            Keepalive::Off => return None,
            Keepalive::Empty(payload_type) => (payload_type, &[]),
            Keepalive::Noise(payload_type) => (payload_type, &NOISE),
        };
        let timestamp = (now.0 / 1_000).wrapping_mul(KEEPALIVE_CLOCK).wrapping_div(1_000_000) as u32;
        self.sequence = self.sequence.wrapping_add(1);
        let header =
            Header { marker: false, payload_type, sequence: self.sequence, timestamp, ssrc: self.own };
        self.kept_alive = now;
        header.write(payload, out).ok()
    }
}

/// 96 bits as letters of base64 (RFC 7022 §4.2).
fn letters((high, low): (u64, u64)) -> [u8; CNAME] {
    let bits = u128::from(high) << 64 | u128::from(low);
    std::array::from_fn(|at| base::base64::DIGITS[(bits >> (6 * at) & 63) as usize])
}
