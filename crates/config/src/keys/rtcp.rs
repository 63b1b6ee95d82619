//! Keys of the policy about RTCP and keepalives.

use super::Effect::Reload;
use super::Need::Default;
use super::Preset::{Bool, Text};
use super::{Key, Shape};
use crate::model::{RtcpSource, RtcpXr, RtpKeepalive, Words};

pub(super) const RTCP: Key = Key {
    name: "rtcp",
    shape: Shape::Word { now: RtcpSource::TOKENS, later: &[] },
    need: Default(Text("make")),
    effect: Reload,
    doc: "Where RTCP for this trunk's peer comes from (RFC 3550). Where a stream is transcoded or repacketised it is ours in any case. Elsewhere `pass`: what the other side sends, if anything; `make`: reports of ours from the answer on while the other side has sent none for ten seconds, so that a peer that judges calls by RTCP keeps them. A peer that forbids RTCP (`b=RS:0` and `b=RR:0`, RFC 3556, of the stream or the session) gets none of ours in either case.",
};

pub(super) const ACTIVE: Key = Key {
    name: "rtcp_active",
    shape: Shape::Bool,
    need: Default(Bool(true)),
    effect: Reload,
    doc: "Whether `media_timeout` ends a call of this trunk in which media may flow in at least one direction, music on hold counted in (Lync: RTCPActiveCalls). `false` for peers that send no RTCP and nothing while nobody speaks.",
};

pub(super) const HELD: Key = Key {
    name: "rtcp_held",
    shape: Shape::Bool,
    need: Default(Bool(true)),
    effect: Reload,
    doc: "Whether `media_timeout` ends a call of this trunk on hold, in which media may flow in no direction (Lync: RTCPCallsOnHold). `false` for peers that send no RTCP on hold.",
};

pub(super) const EXTENDED: Key = Key {
    name: "rtcp_xr",
    shape: Shape::Word { now: RtcpXr::TOKENS, later: &[] },
    need: Default(Text("pass")),
    effect: Reload,
    doc: "Extended reports of RTCP (RFC 3611), in which peers tell how the call sounds to them. `pass`: what the other side wants (`a=rtcp-xr`) and says crosses, and where RTCP is ours a peer that wants metrics of voice gets ours. `make`: this trunk's peer is asked for its metrics and for round trips besides, for records. `off`: it is not asked, hears none of ours, and those of the other side are taken out of what passes.",
};

pub(super) const KEEPALIVE: Key = Key {
    name: "rtp_keepalive",
    shape: Shape::Word { now: RtpKeepalive::TOKENS, later: &[] },
    need: Default(Text("off")),
    effect: Reload,
    doc: "What this trunk's peer gets in an answered call when no RTP was sent to it for ten seconds, on hold or in silence, so that address translators and timers of providers stay awake (RFC 6263). `empty`: RTP without a payload, of a payload type that the peer has not named. `noise`: comfort noise (RFC 3389), to a peer that has not named it the form of `empty`. Not towards peers that make ICE checks.",
};
