//! Transports of RTP by how it is secured (RFC 3551, RFC 3711, RFC 4585, RFC 5124, RFC 5764 §8).

use crate::media::{Media, Proto};

/// What a transport says of how RTP is secured.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Wrap {
    /// RTP/AVP: not, or with keys where the peer takes them (RFC 8643).
    #[default]
    Plain,
    /// RTP/SAVP: with keys in the description.
    Savp,
    /// UDP/TLS/RTP/SAVP: with the keys of a handshake.
    Dtls,
}

impl Wrap {
    /// What a line says.
    #[must_use]
    pub fn of(media: &Media<'_>) -> Wrap {
        match media.transport() {
            Proto::RtpSavp => Wrap::Savp,
            Proto::DtlsSavp => Wrap::Dtls,
            _ => Wrap::Plain,
        }
    }
}

/// The transport to print: an answer repeats the offer's (RFC 3264 §6), also where the other peer answered RTP/AVPF
/// with RTP/AVP, or has its media secured otherwise. In an offer we say whether it is secured; feedback (RFC 4585)
/// stays as it was, but that of a peer with handshakes: such peers always say it (RFC 8827 §6.5, RFC 8834 §5.1), and
/// many that are called for them take no profile with it.
pub(crate) fn printed_proto<'a>(
    media: &Media<'a>,
    port: u16,
    offered: Option<&Media<'a>>,
    wrap: Wrap,
) -> &'a [u8] {
    let same = match media.transport() {
        Proto::RtpAvp | Proto::RtpAvpf => wrap == Wrap::Plain,
        Proto::RtpSavp => wrap == Wrap::Savp,
        Proto::DtlsSavp => wrap == Wrap::Dtls,
        Proto::Udptl | Proto::Other => true,
    };
    match offered {
        Some(offered) if offered.is_rtp() && media.is_rtp() => offered.proto,
        _ if same || offered.is_some() || port == 0 => media.proto,
        _ => proto_of(wrap, has_feedback(media) && media.transport() != Proto::DtlsSavp).as_bytes(),
    }
}

/// The transport's name; feedback is RFC 4585.
pub(crate) fn proto_of(wrap: Wrap, feedback: bool) -> &'static str {
    match (wrap, feedback) {
        (Wrap::Plain, false) => "RTP/AVP",
        (Wrap::Plain, true) => "RTP/AVPF",
        (Wrap::Savp, false) => "RTP/SAVP",
        (Wrap::Savp, true) => "RTP/SAVPF",
        (Wrap::Dtls, false) => "UDP/TLS/RTP/SAVP",
        (Wrap::Dtls, true) => "UDP/TLS/RTP/SAVPF",
    }
}

fn has_feedback(media: &Media<'_>) -> bool {
    media.proto.last().is_some_and(|last| last.eq_ignore_ascii_case(&b'F'))
}
