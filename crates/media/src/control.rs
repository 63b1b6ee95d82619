//! The words in which signalling and the media plane talk: commands down, replies up.
//!
//! This room holds values only. It knows neither SIP nor SDP: whoever speaks those turns a
//! negotiated description into a [`Remote`]. Enter through [`Command`] and [`Reply`].

use crate::care::Care;
use crate::one_way::NotHeard;
pub use crate::open_error::OpenError;
use crate::ports::Ports;
use crate::report::Report;
use crate::secured::{Security, Srtp};
use crate::session::Silence;
use base::ListenId;
use bridge::{Digit, Plan, Play};
use ice::{Credentials, PeerDescription};
use std::net::SocketAddr;
use std::time::Duration;

/// How many m-lines of one call may be anchored.
pub const MAX_STREAMS: usize = 4;

/// One relayed call; chosen by whoever opens it, unique while it is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u64);

/// One of the two ends of a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// The end that called us.
    A,
    /// The end that we called.
    B,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }

    /// 0 for A, 1 for B.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Side::A => 0,
            Side::B => 1,
        }
    }
}

/// What signalling asks of the media plane.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Take ports and sockets for a session. Answered at once by [`Reply::Opened`] or
    /// [`Reply::OpenFailed`].
    Open {
        /// The new session.
        session: SessionId,
        /// Interface on which side A is met.
        a: ListenId,
        /// Interface on which side B is met.
        b: ListenId,
        /// M-lines to anchor, 1 to [`MAX_STREAMS`] (other values are clamped).
        streams: u8,
    },
    /// Take ports for further streams of a session that is open. Answered at once by [`Reply::Grown`].
    Grow {
        session: SessionId,
        /// Interface on which side A is met.
        a: ListenId,
        /// Interface on which side B is met.
        b: ListenId,
        /// M-lines to anchor in all, up to [`MAX_STREAMS`]; those that are there stay as they are.
        streams: u8,
    },
    /// Take ports towards a recorder on one interface, a pair for each side of each stream of `of`, whose media are
    /// copied there from then on. Answered as [`Command::Open`]; [`Command::Set`] says where the recorder wants
    /// what that side says.
    Copy {
        /// The new session, closed for itself.
        session: SessionId,
        /// The session that is copied.
        of: SessionId,
        /// Interface on which the recorder is met.
        listen: ListenId,
        /// As many as `of` has.
        streams: u8,
        /// From which the identity of the streams that we send follows.
        seed: u64,
    },
    /// What the peer of one side has said about one stream; send it after each session
    /// description of that peer. Saying the same again changes nothing.
    Set {
        /// The session; unknown ones are ignored and counted.
        session: SessionId,
        /// Whose description this is.
        side: Side,
        /// Index of the m-line, from 0.
        stream: u8,
        /// What was said.
        remote: Remote,
    },
    /// What we are known by in the checks of a peer (ICE), from before it hears of it. Others
    /// restart its ICE; the same again change nothing.
    Ice {
        session: SessionId,
        /// Whose checks, of any stream.
        side: Side,
        /// Fragment and password of ours.
        local: Credentials,
    },
    /// How the packets of one stream must be changed on their way; send it again whenever that changes.
    Bridge {
        session: SessionId,
        stream: u8,
        /// What side A says, and what side B says; none: packets pass as they are.
        plans: Option<Box<[Plan; 2]>>,
        /// From which the identity of the streams that we send follows.
        seed: u64,
    },
    /// What a peer hears from us in place of the other one; saying the same again changes nothing. Samples that are
    /// heard once end with [`Reply::Played`].
    Play {
        session: SessionId,
        stream: u8,
        /// Who hears it.
        toward: Side,
        /// None: nothing any more.
        play: Option<Box<Play>>,
        seed: u64,
    },
    /// The m-line was refused later: its ports are freed on both sides, its report is kept.
    Reject { session: SessionId, stream: u8 },
    /// A digit that one side has signalled, for the other. It is lost where no stream has a bridge that says digits.
    Digit {
        session: SessionId,
        /// Who is to hear it.
        toward: Side,
        /// Which.
        digit: Digit,
    },
    /// End of the session. Answered by [`Reply::Closed`] a little later.
    Close { session: SessionId },
}

/// Where a peer wants its packets of one stream, and what it may send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remote {
    /// Where RTP (or UDPTL) goes. `None` when not known yet, or 0.0.0.0 was said (hold of
    /// RFC 2543): nothing is sent there, and only the source known before is listened to.
    pub rtp: Option<SocketAddr>,
    /// Where RTCP goes. `None` means the RTP port plus one (RFC 3550 §11); equal to `rtp`
    /// means that the peer multiplexes (RFC 5761) and RTCP leaves from our RTP port.
    pub rtcp: Option<SocketAddr>,
    /// Whether the peer may send media to us (its direction is sendrecv or sendonly).
    pub receive: bool,
    /// Whether we may send media to the peer (its direction is sendrecv or recvonly).
    pub send: bool,
    /// How far the true source may differ from what was signalled.
    pub latch: Latch,
    /// Payload types that are let through, one bit each: type `n` is bit `n % 64` of word
    /// `n / 64`. Others are dropped and counted.
    pub payload_types: [u64; 2],
    /// RTP clock of the first codec whose number the description assigns, Hz; 0 is read as 8000. For jitter.
    pub clock_rate: u32,
    /// Packet time of the first codec, milliseconds; 0 is read as 20. For the quality estimate.
    pub ptime_ms: u8,
    /// Report [`Reply::Timeout`] when this peer sent neither RTP nor RTCP on any stream for
    /// this long. `None`: never. The time starts anew with each [`Command::Set`]. Set it from the
    /// answer on: it also arms [`Reply::OneWay`], and before the answer silence is normal.
    pub timeout: Option<Duration>,
    /// The stream is UDPTL (T.38), not RTP: only sources are checked.
    pub udptl: bool,
    /// First codec, for the quality estimate.
    pub codec: CodecKind,
    /// Whether and with which keys the stream is SRTP (RFC 3711) between us and this peer.
    pub srtp: Srtp,
    /// One of several peers of the side before the answer (forks): it does not replace the one that was set, but
    /// is heard in its place when it speaks first, or when that one has fallen silent, each under its own keys. Said
    /// again with `receive` off it is heard no more. A description without this forgets those beside.
    pub beside: bool,
    /// Another party than the one that was set before (a pickup, a fork that nobody named): what that one still sends
    /// is not heard.
    pub other: bool,
    /// The peer makes ICE checks, and is where it nominates with them; `rtp`, `rtcp` and `latch` then say nothing but
    /// whether it wants media at all, and whether RTCP is multiplexed. It counts with a [`Command::Ice`].
    pub ice: Option<Box<PeerDescription>>,
    /// How it is kept alive, and judged by its silence.
    pub care: Care,
}

impl Remote {
    /// Every payload type.
    pub const ANY_PAYLOAD_TYPE: [u64; 2] = [u64::MAX; 2];

    /// A two-way G.711 stream at `rtp`, strict about its source, RTCP one port above,
    /// timeout 30 s. A start from which to say what differs.
    #[must_use]
    pub fn audio(rtp: SocketAddr) -> Remote {
        Remote {
            rtp: Some(rtp),
            rtcp: None,
            receive: true,
            send: true,
            latch: Latch::Off,
            payload_types: Remote::ANY_PAYLOAD_TYPE,
            clock_rate: 8000,
            ptime_ms: 20,
            timeout: Some(Duration::from_secs(30)),
            udptl: false,
            codec: CodecKind::G711,
            srtp: Srtp::Off,
            beside: false,
            other: false,
            ice: None,
            care: Care::default(),
        }
    }

    /// The same, of an answered call or not: a handshake for its keys is awaited only so long, and reports and
    /// keepalives are made from then on.
    #[must_use]
    pub fn answered(mut self, answered: bool) -> Remote {
        self.care.live = answered;
        if let Srtp::Dtls(terms) = &mut self.srtp {
            terms.answered = answered;
        }
        self
    }

    /// Whether payload type `pt` (0 to 127) is let through.
    #[must_use]
    pub fn allows(&self, pt: u8) -> bool {
        self.payload_types[usize::from(pt >> 6 & 1)] >> (pt & 63) & 1 == 1
    }

    /// The bitmap of some payload types; those above 127 are left out.
    #[must_use]
    pub fn bitmap(types: impl IntoIterator<Item = u8>) -> [u64; 2] {
        types.into_iter().filter(|&pt| pt < 128).fold([0; 2], |mut map, pt| {
            map[usize::from(pt >> 6 & 1)] |= 1 << (pt & 63);
            map
        })
    }
}

/// How far the source of a peer's packets may differ from what was signalled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Latch {
    /// Only the exact signalled address and port, and who proves to be the peer from there. Nobody else can inject or
    /// divert.
    #[default]
    Off,
    /// The signalled address, any port: the first valid packet's port is locked, the exact
    /// signalled port is preferred at any time, and a rebind is followed only with the same
    /// SSRC and a continuing sequence. Another host cannot win; another program on the
    /// same host (or behind the same address) that is faster than the peer can.
    Signalled,
    /// Any address: for peers behind NAT that signal a private address. The first valid
    /// packet after the description was set locks the source. **Whoever guesses the port and
    /// is faster than the peer receives the call's audio**; use only where the
    /// alternative is no audio.
    Nat,
}

/// What the quality estimate must know of a codec (Ie and Bpl of ITU-T G.113).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CodecKind {
    /// PCMU or PCMA.
    #[default]
    G711,
    /// G.722, 64 kbit/s.
    G722,
    /// G.729, also annex A and B.
    G729,
    /// Opus.
    Opus,
    /// Anything else: judged like G.729.
    Other,
}

/// The media plane's answers and news.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// The session has its ports.
    Opened {
        session: SessionId,
        /// Our RTP ports.
        ports: Ports,
    },
    /// The session does not exist: nothing was taken.
    OpenFailed {
        session: SessionId,
        /// Why.
        reason: OpenError,
    },
    /// The answer to [`Command::Grow`].
    Grown {
        session: SessionId,
        /// Its ports, all of them; or why there are no more: it is as it was.
        ports: Result<Ports, OpenError>,
    },
    /// The session is over: closed as asked, or (with an empty report) lost to a fault of ours.
    Closed {
        session: SessionId,
        /// What was heard during its life.
        report: Box<Report>,
    },
    /// A peer sent neither RTP nor RTCP for its timeout. Said once per silence; the session
    /// stays until it is closed.
    Timeout {
        session: SessionId,
        /// The silent side.
        side: Side,
        /// Since when.
        silence: Silence,
    },
    /// Nothing is heard of a side that may send while the other side's media flow, or while packets for it come that are not
    /// believed; or it is heard again.
    OneWay {
        session: SessionId,
        /// The silent side.
        side: Side,
        /// Why it is not heard; none: it is again.
        why: Option<NotHeard>,
    },
    /// A side has sent a digit, and the other one wants it in signalling.
    Digit {
        session: SessionId,
        /// Who has sent it.
        from: Side,
        /// Which.
        digit: Digit,
    },
    /// The handshake with a peer that must be secured did not succeed in time. Said once.
    Unkeyed {
        session: SessionId,
        /// Whose.
        side: Side,
        /// What went wrong.
        why: Box<str>,
    },
    /// A handshake has ended well: the first stream of this side is protected so from now on.
    Keyed(SessionId, Side, Security),
    /// A side has heard all samples that it was to hear once, or nothing can be played to it.
    Played {
        session: SessionId,
        /// Who has heard them.
        toward: Side,
    },
    /// What is copied to a recorder does not get there: its host has said so for a while. Said once.
    Unreached {
        /// The session towards the recorder.
        session: SessionId,
    },
    /// Packets that a recorder wants are lost on our side of it: how many since the session towards it was opened. Said
    /// now and then, while there are more.
    Uncopied { session: SessionId, packets: u64 },
    /// The true source of a peer's media was learnt, or changed by a followed rebind, and is
    /// not the signalled one.
    Latched {
        session: SessionId,
        /// Whose.
        side: Side,
        /// Index of the m-line, from 0.
        stream: u8,
        /// Where media now comes from and goes to.
        source: SocketAddr,
    },
}

impl Reply {
    /// The session of which it speaks.
    #[must_use]
    pub fn session(&self) -> SessionId {
        match self {
            Reply::Opened { session, .. }
            | Reply::OpenFailed { session, .. }
            | Reply::Grown { session, .. }
            | Reply::Closed { session, .. }
            | Reply::Timeout { session, .. }
            | Reply::OneWay { session, .. }
            | Reply::Digit { session, .. }
            | Reply::Unkeyed { session, .. }
            | Reply::Keyed(session, ..)
            | Reply::Played { session, .. }
            | Reply::Unreached { session }
            | Reply::Uncopied { session, .. }
            | Reply::Latched { session, .. } => *session,
        }
    }
}
