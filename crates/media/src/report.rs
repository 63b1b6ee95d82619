//! What was heard during a session: the figures for records, alarms and quality pages.
//!
//! Values only. A [`StreamReport`] speaks of what the peer of one side **sent to us** on one
//! stream, plus what that peer reported in RTCP about what it received.

use crate::control::Side;
use crate::one_way::OneWay;
use crate::secured::Security;
use bridge::{Recoded, Tally};
use rtp::BurstReport;
use rtp::xr::VoipMetrics;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a packet was not relayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum DropReason {
    /// It came from a source that this session does not expect.
    ForeignSource,
    /// Right address, wrong port, and not the stream that is heard (SSRC or sequence differ).
    Ssrc,
    /// It is neither RTP version 2 nor RTCP version 2.
    BadVersion,
    /// Too short, or its lengths do not fit its size.
    BadLength,
    /// A payload type that was not negotiated.
    PayloadType,
    /// The sender may not send now, or the receiver may not be sent to (hold).
    Direction,
    /// The receiver's address is not known.
    NoRemote,
    /// Larger than any datagram that is relayed.
    Oversize,
    /// The operating system refused to send it.
    SendFailed,
    /// SRTP: its tag is wrong. Another key, a forgery, or plain RTP where SRTP is agreed.
    SrtpForged,
    /// SRTP: received or sent before, or too old to tell (RFC 3711 §3.3.2).
    SrtpReplayed,
    /// SRTP: no key for it, for none is agreed yet or its identifier (MKI) is another one.
    SrtpKey,
    /// SRTP: the key has protected as many packets as it may (RFC 3711 §9.2).
    SrtpExhausted,
    /// ICE: no good check: broken, without our credentials, or of the wrong role (RFC 8445 §7.3).
    IceCheck,
    /// ICE: more checks than are answered in the time.
    IceFlood,
    /// ICE: the receiver has not nominated an address yet.
    IceUnproven,
    /// DTLS: of nobody who may agree on keys here, or a handshake that failed.
    Dtls,
    /// SRTP: of a source that is not described, and more such than are opened in the time.
    SrtpUntried,
    /// It describes silence of G.729 to a receiver that has refused annex B (RFC 4856 §2.1.9).
    AnnexB,
    /// A copy for a recorder: what was left out before it has its number.
    Late,
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = 20;
    /// All, in order.
    pub const ALL: [DropReason; DropReason::COUNT] = [
        DropReason::ForeignSource,
        DropReason::Ssrc,
        DropReason::BadVersion,
        DropReason::BadLength,
        DropReason::PayloadType,
        DropReason::Direction,
        DropReason::NoRemote,
        DropReason::Oversize,
        DropReason::SendFailed,
        DropReason::SrtpForged,
        DropReason::SrtpReplayed,
        DropReason::SrtpKey,
        DropReason::SrtpExhausted,
        DropReason::IceCheck,
        DropReason::IceFlood,
        DropReason::IceUnproven,
        DropReason::Dtls,
        DropReason::SrtpUntried,
        DropReason::AnnexB,
        DropReason::Late,
    ];

    /// A stable name for records and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DropReason::ForeignSource => "foreign_source",
            DropReason::Ssrc => "ssrc",
            DropReason::BadVersion => "bad_version",
            DropReason::BadLength => "bad_length",
            DropReason::PayloadType => "payload_type",
            DropReason::Direction => "direction",
            DropReason::NoRemote => "no_remote",
            DropReason::Oversize => "oversize",
            DropReason::SendFailed => "send_failed",
            DropReason::SrtpForged => "srtp_forged",
            DropReason::SrtpReplayed => "srtp_replayed",
            DropReason::SrtpKey => "srtp_key",
            DropReason::SrtpExhausted => "srtp_exhausted",
            DropReason::IceCheck => "ice_check",
            DropReason::IceFlood => "ice_flood",
            DropReason::IceUnproven => "ice_unproven",
            DropReason::Dtls => "dtls",
            DropReason::SrtpUntried => "srtp_untried",
            DropReason::AnnexB => "annex_b",
            DropReason::Late => "late",
        }
    }
}

/// Packets not relayed, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drops([u32; DropReason::COUNT]);

impl Drops {
    /// Counts one.
    pub fn add(&mut self, reason: DropReason) {
        let n = &mut self.0[reason as usize];
        *n = n.saturating_add(1);
    }

    /// How many for `reason`.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u32 {
        self.0[reason as usize]
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&n| u64::from(n)).sum()
    }

    /// Reason and count of those that occurred.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u32)> + '_ {
        DropReason::ALL.into_iter().map(|r| (r, self.of(r))).filter(|&(_, n)| n > 0)
    }
}

/// One side's stream, as heard here.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StreamReport {
    /// Valid RTP (or UDPTL) packets from the right source, forwarded or not.
    pub packets: u64,
    /// Of these, those of T.38 (UDPTL).
    pub fax_packets: u64,
    /// Their UDP payload bytes.
    pub bytes: u64,
    /// Packets expected from the sequence numbers (RFC 3550 §A.3).
    pub expected: u64,
    /// Packets that never came: `expected` less those received, duplicates aside; never below 0.
    pub lost: u64,
    /// `lost` over `expected`, 0.0 to 1.0.
    pub loss_fraction: f32,
    /// Packets that came after a later one.
    pub out_of_order: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Packets so late that a 60 ms jitter buffer would not have played them.
    pub late: u64,
    /// Interarrival jitter at the end (RFC 3550 §6.4.1), milliseconds.
    pub jitter_ms: f32,
    /// Its largest value.
    pub jitter_max_ms: f32,
    /// Round trip between us and this peer, from LSR and DLSR of reports seen in passing, last.
    pub rtt_ms: Option<f32>,
    /// Its largest value.
    pub rtt_max_ms: Option<f32>,
    /// Estimated MOS × 100 (ITU-T G.107) over 5 s spans: lowest. 0 when nothing was rated.
    pub mos_min: u16,
    /// Mean over the spans.
    pub mos_avg: u16,
    /// Last span.
    pub mos_last: u16,
    /// Packets from this side that were not relayed.
    pub dropped: Drops,
    /// RTCP packets (compounds) from this peer.
    pub rtcp_packets: u64,
    /// Loss that this peer reported for what it received, last fraction, 0.0 to 1.0.
    pub peer_loss_fraction: Option<f32>,
    /// Loss that this peer reported, packets, last cumulative number.
    pub peer_lost: Option<i32>,
    /// Jitter that this peer reported, milliseconds, last.
    pub peer_jitter_ms: Option<f32>,
    /// How it sounds there by the last extended report of this peer (RFC 3611 §4.7).
    pub peer_voip: Option<VoipMetrics>,
    /// From the opening of the session to the first packet.
    pub first_packet_after: Option<Duration>,
    /// From the opening of the session to the last packet.
    pub last_packet_after: Option<Duration>,
    /// Longest pause between two packets while the peer was allowed to send.
    pub silence_max: Duration,
    /// At the end nothing of it is heard although it might send, while the other side is, or while packets came that were
    /// not believed.
    pub one_way: bool,
    /// Why that is so, or was the last time.
    pub one_way_why: Option<OneWay>,
    /// How long that was so, in all.
    pub one_way_for: Option<Duration>,
    /// Where its packets came from that were not believed, and where it said that it is, when that was why.
    pub foreign: Option<(SocketAddr, SocketAddr)>,
    /// Bursts of loss and the gaps between them (RFC 3611 §4.7.2).
    pub bursts: BurstReport,
    /// How much sound one packet holds, milliseconds.
    pub packet_ms: u8,
    /// By how much its clock runs faster than ours, parts in a million.
    pub drift_ppm: Option<f32>,
    /// Packets of comfort noise (RFC 3389), of payload type 13.
    pub noise_packets: u64,
    /// Of its sound that was looked at, how much was silent, 0.0 to 1.0.
    pub silent: Option<f32>,
    /// Times that the synchronisation source changed.
    pub ssrc_changes: u32,
    /// Where its media really came from.
    pub source: Option<SocketAddr>,
    /// Times that a rebind of the source was followed.
    pub rebinds: u32,
    /// How it was protected at the end; none where nothing was agreed of it, or it is no RTP.
    pub security: Option<Security>,
    /// What was counted where its packets are changed on their way (transcoding, other packet times).
    pub bridged: Option<Tally>,
    /// The payload type of its last packet.
    pub payload_type: Option<u8>,
    /// How its sound is changed on its way, or was the last time.
    pub recoded: Option<Recoded>,
    /// Digits that were read of it, where digits are turned into something else.
    pub digits: Option<u64>,
    /// Who relays it at this moment: `sockets`, or the hook of the fast path. Said while the session lives.
    pub engine: Option<&'static str>,
}

impl StreamReport {
    /// Takes in what bridges have counted of it: where one decodes (`now`), it knows all of the sound.
    #[must_use]
    pub(crate) fn with_bridge(mut self, bridged: Option<Tally>, now: bool) -> StreamReport {
        let knows = now || self.silent.is_none();
        if let Some(tally) = bridged.filter(|tally| knows && tally.heard_ms > 0) {
            self.silent = Some(tally.silent_ms as f32 / tally.heard_ms as f32);
        }
        StreamReport { bridged, ..self }
    }
}

/// A whole session.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// From open to close.
    pub duration: Duration,
    /// What side A sent, by stream.
    pub a: Vec<StreamReport>,
    /// What side B sent, by stream.
    pub b: Vec<StreamReport>,
    /// Of a session towards a recorder: packets that it wanted and that were lost on our side of it. They could not be
    /// sent, or came too late to have a place.
    pub uncopied: u64,
}

impl Report {
    /// Each stream, and whose it is.
    pub(crate) fn streams_mut(&mut self) -> impl Iterator<Item = (Side, u8, &mut StreamReport)> {
        let a = (0u8..).zip(&mut self.a).map(|(stream, report)| (Side::A, stream, report));
        a.chain((0u8..).zip(&mut self.b).map(|(stream, report)| (Side::B, stream, report)))
    }

    /// What `side` sent, by stream.
    #[must_use]
    pub fn side(&self, side: Side) -> &[StreamReport] {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}
