//! One media description: its m= line and the lines below it (RFC 8866 §5.14).

use crate::address::Address;
use crate::codec::{self, Codec, Codecs, RtpMap};
use crate::direction::Direction;
use crate::error::SdpErrorKind;
use crate::line::{Line, Lines, attributes, first_token, number, tokens};

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `audio`
    Audio,
    /// `video`
    Video,
    /// `image`: T.38 fax
    Image,
    /// `application`
    Application,
    /// `message`: MSRP
    Message,
    /// Any other word, see [`Media::kind_token`].
    Other,
}

/// The transport of an m= line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proto {
    /// `RTP/AVP` (RFC 3551)
    RtpAvp,
    /// `RTP/AVPF` (RFC 4585)
    RtpAvpf,
    /// `RTP/SAVP` or `RTP/SAVPF` (RFC 3711, RFC 5124): keyed by SDES (RFC 4568), or by DTLS
    RtpSavp,
    /// `UDP/TLS/RTP/SAVP` or `UDP/TLS/RTP/SAVPF` (RFC 5764)
    DtlsSavp,
    /// `udptl` (RFC 7345, ITU-T T.38)
    Udptl,
    /// Anything else.
    Other,
}

/// Where RTCP goes when not to the next port (RFC 3605).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtcp<'a> {
    /// UDP port, 1 to 65535.
    pub port: u16,
    /// Its own address, if given.
    pub address: Option<Address<'a>>,
}

/// The longest packet time that [`Media::ptime`] believes, in milliseconds.
pub const PTIME_MS_MAX: u32 = 1_000;

/// One m= line with everything below it; a view.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// What is carried.
    pub kind: Kind,
    /// UDP port; 0 refuses or disables this media (RFC 3264 §6).
    pub port: u16,
    /// Transport, as written.
    pub proto: &'a [u8],
    pub(crate) kind_token: &'a [u8],
    pub(crate) port_count: u32,
    pub(crate) formats: &'a [u8],
    /// The lines below the m= line.
    pub(crate) section: &'a [u8],
    /// The lines above the first m= line.
    pub(crate) head: &'a [u8],
    pub(crate) line: u32,
    pub(crate) own_connection: Option<Address<'a>>,
    pub(crate) session_connection: Option<Address<'a>>,
    pub(crate) own_direction: Option<Direction>,
    pub(crate) session_direction: Option<Direction>,
}

/// The port of those that are nowhere yet.
const DISCARD: u16 = 9;

impl<'a> Media<'a> {
    /// Reads an m= line; the lines below come later.
    pub(crate) fn from_line(line: &Line<'a>, formats_max: usize) -> Result<Media<'a>, SdpErrorKind> {
        let (kind_token, rest) = first_token(line.value);
        let (port_token, rest) = first_token(rest);
        let (proto, formats) = first_token(rest);
        if proto.is_empty() {
            return Err(SdpErrorKind::MediaLine);
        }
        let (port, port_count) = read_port(port_token)?;
        let media = Media {
            kind: read_kind(kind_token),
            port,
            proto,
            kind_token,
            port_count,
            formats,
            section: &[],
            head: &[],
            line: line.number,
            own_connection: None,
            session_connection: None,
            own_direction: None,
            session_direction: None,
        };
        media.check_formats(formats_max)?;
        Ok(media)
    }

    fn check_formats(&self, max: usize) -> Result<(), SdpErrorKind> {
        let mut count = 0;
        let rtp = self.is_rtp() && self.port != 0;
        for token in self.formats() {
            count += 1;
            if count > max {
                return Err(SdpErrorKind::TooManyFormats { max });
            }
            if rtp && number(token, codec::PAYLOAD_TYPE_MAX).is_none() {
                return Err(SdpErrorKind::PayloadType);
            }
        }
        Ok(())
    }

    /// The kind as written.
    #[must_use]
    pub fn kind_token(&self) -> &'a [u8] {
        self.kind_token
    }

    /// Number of the m= line, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The formats as written, in order of preference.
    pub fn formats(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        tokens(self.formats)
    }

    /// The payload types among the formats, in order, also those that nothing is said of.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + use<'a> {
        let number = |token: &[u8]| std::str::from_utf8(token).ok()?.parse().ok();
        self.formats().filter_map(number).filter(|pt: &u8| *pt < 128)
    }

    /// Every line below the m= line, in order; unknown ones too. Numbers count from the m= line.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        Lines::new(self.section)
    }

    /// The transport.
    #[must_use]
    pub fn transport(&self) -> Proto {
        const KNOWN: [(&[u8], Proto); 8] = [
            (b"RTP/AVP", Proto::RtpAvp),
            (b"RTP/AVPF", Proto::RtpAvpf),
            (b"RTP/SAVP", Proto::RtpSavp),
            (b"RTP/SAVPF", Proto::RtpSavp),
            (b"UDP/TLS/RTP/SAVP", Proto::DtlsSavp),
            (b"UDP/TLS/RTP/SAVPF", Proto::DtlsSavp),
            (b"udptl", Proto::Udptl),
            (b"RTP/UDPTL", Proto::Udptl),
        ];
        let found = KNOWN.iter().find(|(name, _)| self.proto.eq_ignore_ascii_case(name));
        found.map_or(Proto::Other, |(_, proto)| *proto)
    }

    /// Whether the transport is plain RTP, with or without feedback.
    #[must_use]
    pub fn is_rtp_avp(&self) -> bool {
        matches!(self.transport(), Proto::RtpAvp | Proto::RtpAvpf)
    }

    /// Whether the transport is SRTP, keyed by SDES or by DTLS.
    #[must_use]
    pub fn is_savp(&self) -> bool {
        matches!(self.transport(), Proto::RtpSavp | Proto::DtlsSavp)
    }

    /// Whether the transport is UDPTL, for T.38 fax.
    #[must_use]
    pub fn is_udptl(&self) -> bool {
        self.transport() == Proto::Udptl
    }

    /// Whether the transport is RTP, plain or secured.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        self.is_rtp_avp() || self.is_savp()
    }

    /// The connection address: its own, or the session's (RFC 8866 §5.7).
    #[must_use]
    pub fn connection(&self) -> Option<Address<'a>> {
        self.own_connection.or(self.session_connection)
    }

    /// Whether the address is 0.0.0.0 or ::, the old sign of hold (RFC 3264 §8.4).
    #[must_use]
    pub fn is_null_connection(&self) -> bool {
        self.connection().is_some_and(Address::is_null)
    }

    /// Whether the address says hold (RFC 3264 §8.4): it is null, and not for want of candidates that come later, which
    /// port 9 beside ICE stands for (RFC 9429 §5.2.1, RFC 8840 §4.1.1).
    #[must_use]
    pub fn is_null_hold(&self) -> bool {
        self.is_null_connection() && !(self.port == DISCARD && self.has_ice())
    }

    /// Whether ICE is spoken of, here or for all media of the session (RFC 8839 §5.4).
    #[must_use]
    pub fn has_ice(&self) -> bool {
        [self.section, self.head].iter().any(|at| attributes(at, b"ice-ufrag").next().is_some())
    }

    /// The direction attribute: its own, or the session's, or sendrecv (RFC 3264 §5.1).
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.own_direction.or(self.session_direction).unwrap_or_default()
    }

    /// The direction less receiving when the address is null (RFC 3264 §8.4).
    #[must_use]
    pub fn effective_direction(&self) -> Direction {
        if self.is_null_hold() { self.direction().without_receive() } else { self.direction() }
    }

    /// The values of the a= lines of that name (empty for property attributes), in order.
    pub fn attributes<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        attributes(self.section, name.as_bytes())
    }

    /// Whether there is an a= line of that name.
    #[must_use]
    pub fn has_attribute(&self, name: &str) -> bool {
        self.attributes(name).next().is_some()
    }

    /// What a=rtpmap says of a payload type (RFC 8866 §6.6); malformed lines count as absent.
    #[must_use]
    pub fn rtpmap(&self, pt: u8) -> Option<RtpMap<'a>> {
        codec::rtpmap(self.section, pt)
    }

    /// The a=fmtp parameters of a payload type (RFC 8866 §6.15).
    #[must_use]
    pub fn fmtp(&self, pt: u8) -> Option<&'a [u8]> {
        codec::fmtp(self.section, pt)
    }

    /// The payload types that have a meaning, in order of preference; static ones filled in from
    /// RFC 3551. Dynamic ones without a usable a=rtpmap are left out.
    pub fn codecs(&self) -> impl Iterator<Item = Codec<'a>> + use<'a> {
        self.codec_list().into_iter()
    }

    pub(crate) fn codec_list(&self) -> Codecs<'a> {
        codec::codecs(self.formats, self.section)
    }

    /// The bandwidth of a kind, as its b= line says (RFC 8866 §5.8).
    #[must_use]
    pub fn bandwidth(&self, kind: &str) -> Option<u32> {
        bandwidth(self.section, kind)
    }

    /// The packet time in milliseconds, 1 to [`PTIME_MS_MAX`] (RFC 8866 §6.4); nonsense counts as
    /// absent.
    #[must_use]
    pub fn ptime(&self) -> Option<u16> {
        self.packet_time("ptime")
    }

    /// The longest acceptable packet time in milliseconds (RFC 8866 §6.5).
    #[must_use]
    pub fn maxptime(&self) -> Option<u16> {
        self.packet_time("maxptime")
    }

    fn packet_time(&self, name: &str) -> Option<u16> {
        self.attributes(name).find_map(read_packet_time)
    }

    /// Whether a ptime or maxptime line is there that no audio can obey.
    pub(crate) fn has_absurd_packet_time(&self) -> bool {
        let mut values = self.attributes("ptime").chain(self.attributes("maxptime"));
        values.any(|value| read_packet_time(value).is_none())
    }

    /// Where RTCP goes, if a=rtcp says so (RFC 3605 §2.1).
    #[must_use]
    pub fn rtcp(&self) -> Option<Rtcp<'a>> {
        let mut tokens = tokens(self.attributes("rtcp").next()?);
        let port = u16::try_from(number(tokens.next()?, 65_535)?).ok().filter(|port| *port > 0)?;
        let address = match (tokens.next(), tokens.next(), tokens.next()) {
            (Some(_net), Some(kind), Some(text)) => Address::from_typed(kind, text).ok(),
            _ => None,
        };
        Some(Rtcp { port, address })
    }

    /// Whether RTP and RTCP may share a port (RFC 5761 §5.1.1).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.has_attribute("rtcp-mux")
    }

    /// The a=crypto lines (RFC 4568 §4), in order.
    pub fn crypto(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.attributes("crypto")
    }

    /// Whether there are a=crypto lines.
    #[must_use]
    pub fn has_crypto(&self) -> bool {
        self.crypto().next().is_some()
    }
}

fn read_kind(token: &[u8]) -> Kind {
    const KNOWN: [(&[u8], Kind); 5] = [
        (b"audio", Kind::Audio),
        (b"video", Kind::Video),
        (b"image", Kind::Image),
        (b"application", Kind::Application),
        (b"message", Kind::Message),
    ];
    KNOWN.iter().find(|(name, _)| token.eq_ignore_ascii_case(name)).map_or(Kind::Other, |(_, kind)| *kind)
}

/// Reads `port[/count]`.
fn read_port(token: &[u8]) -> Result<(u16, u32), SdpErrorKind> {
    let mut parts = token.splitn(2, |byte| *byte == b'/');
    let port = parts.next().and_then(|text| number(text, 65_535)).and_then(|port| u16::try_from(port).ok());
    let count = match parts.next() {
        Some(text) => number(text, 65_535),
        None => Some(1),
    };
    port.zip(count).ok_or(SdpErrorKind::Port)
}

/// Reads milliseconds; a fraction is cut off but must not leave 0.
fn read_packet_time(value: &[u8]) -> Option<u16> {
    let whole = value.split(|byte| *byte == b'.').next()?;
    u16::try_from(number(whole, PTIME_MS_MAX)?).ok().filter(|ms| *ms > 0)
}

/// The bandwidth of a kind in a section.
pub(crate) fn bandwidth(section: &[u8], kind: &str) -> Option<u32> {
    let values = Lines::new(section).filter(|line| line.kind == b'b').map(|line| line.value);
    let said = values.filter_map(|value| value.strip_prefix(kind.as_bytes())?.strip_prefix(b":")).next()?;
    number(said, u32::MAX)
}
