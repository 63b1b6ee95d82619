//! Reading STUN: a view over one datagram (RFC 8489 §5, §14).
//!
//! Enter through [`Message::parse`]. Reading is total: any bytes give a view or an error, and a view's attributes
//! lie inside the bytes.

use crate::integrity::{self, Key, SUM};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of the header.
pub const HEADER: usize = 20;
/// The magic cookie.
pub const COOKIE: u32 = 0x2112_a442;
/// Attributes that are read of one message; one with more is refused: limit `stun_attributes`.
pub const ATTRIBUTES_MAX: usize = 32;

/// Attribute types (RFC 8489 §18.3, RFC 8445 §16.1).
pub mod kind {
    /// MAPPED-ADDRESS
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    /// USERNAME
    pub const USERNAME: u16 = 0x0006;
    /// MESSAGE-INTEGRITY
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    /// ERROR-CODE
    pub const ERROR_CODE: u16 = 0x0009;
    /// UNKNOWN-ATTRIBUTES
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
    /// REALM
    pub const REALM: u16 = 0x0014;
    /// NONCE
    pub const NONCE: u16 = 0x0015;
    /// MESSAGE-INTEGRITY-SHA256
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
    /// XOR-MAPPED-ADDRESS
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    /// PRIORITY
    pub const PRIORITY: u16 = 0x0024;
    /// USE-CANDIDATE
    pub const USE_CANDIDATE: u16 = 0x0025;
    /// FINGERPRINT
    pub const FINGERPRINT: u16 = 0x8028;
    /// ICE-CONTROLLED
    pub const ICE_CONTROLLED: u16 = 0x8029;
    /// ICE-CONTROLLING
    pub const ICE_CONTROLLING: u16 = 0x802a;
}

/// Types below 0x8000 must be understood (RFC 8489 §14); these are.
const UNDERSTOOD: [u16; 11] = [
    kind::MAPPED_ADDRESS,
    kind::USERNAME,
    kind::MESSAGE_INTEGRITY,
    kind::ERROR_CODE,
    kind::UNKNOWN_ATTRIBUTES,
    kind::REALM,
    kind::NONCE,
    kind::MESSAGE_INTEGRITY_SHA256,
    kind::XOR_MAPPED_ADDRESS,
    kind::PRIORITY,
    kind::USE_CANDIDATE,
];

/// What kind of message it is (RFC 8489 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request.
    Success,
    /// Refuses a request.
    Error,
}

/// Why bytes are no STUN message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StunError {
    /// No header, or not STUN's.
    Header,
    /// The header's length is not that of the datagram.
    Length,
    /// An attribute does not fit.
    Attribute,
    /// More attributes than [`ATTRIBUTES_MAX`].
    TooMany,
    /// FINGERPRINT is wrong, or not the last attribute.
    Fingerprint,
}

impl fmt::Display for StunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StunError::Header => "no STUN header",
            StunError::Length => "the length is not that of the datagram",
            StunError::Attribute => "an attribute does not fit",
            StunError::TooMany => "too many attributes",
            StunError::Fingerprint => "the fingerprint is wrong",
        })
    }
}

impl std::error::Error for StunError {}

/// One attribute: its type, its value, and where its header begins in the message.
#[derive(Clone, Copy, Debug)]
struct Attribute<'a> {
    kind: u16,
    value: &'a [u8],
    at: usize,
}

/// One message; a view.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    class: Class,
    method: u16,
    /// Offset and value of MESSAGE-INTEGRITY; what follows it is not covered and not read.
    integrity: Option<(usize, &'a [u8])>,
    fingerprint: bool,
}

impl<'a> Message<'a> {
    /// Reads a whole datagram (RFC 8489 §6.3). A FINGERPRINT that is there must be right and last.
    ///
    /// # Errors
    /// Why it is no STUN message.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, StunError> {
        let first = u16_at(bytes, 0).filter(|_| bytes.len() >= HEADER).ok_or(StunError::Header)?;
        let cookie = (u16_at(bytes, 4), u16_at(bytes, 6));
        if first >= 0x4000 || cookie != (Some((COOKIE >> 16) as u16), Some(COOKIE as u16)) {
            return Err(StunError::Header);
        }
        let length = u16_at(bytes, 2).map(usize::from).unwrap_or_default();
        if !length.is_multiple_of(4) || HEADER + length != bytes.len() {
            return Err(StunError::Length);
        }
        let class = match (first >> 4 & 1) | (first >> 7 & 2) {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::Success,
            _ => Class::Error,
        };
        let method = first & 0xf | first >> 1 & 0x70 | first >> 2 & 0xf80;
        let mut message = Message { bytes, class, method, integrity: None, fingerprint: false };
        message.walk()?;
        Ok(message)
    }

    /// Looks at every attribute once.
    fn walk(&mut self) -> Result<(), StunError> {
        let mut at = HEADER;
        for _ in 0..ATTRIBUTES_MAX {
            let Some((attribute, next)) = attribute_at(self.bytes, at)? else { return Ok(()) };
            match attribute.kind {
                kind::MESSAGE_INTEGRITY if self.integrity.is_none() => {
                    if attribute.value.len() != SUM {
                        return Err(StunError::Attribute);
                    }
                    self.integrity = Some((at, attribute.value));
                }
                kind::FINGERPRINT => {
                    let right = integrity::fingerprint(self.bytes.get(..at).unwrap_or_default());
                    if attribute.value != right.to_be_bytes() || next != self.bytes.len() {
                        return Err(StunError::Fingerprint);
                    }
                    self.fingerprint = true;
                }
                _ => {}
            }
            at = next;
        }
        if at == self.bytes.len() { Ok(()) } else { Err(StunError::TooMany) }
    }

    /// Attributes that count: those before MESSAGE-INTEGRITY (RFC 8489 §14.5), or all without it.
    fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let bytes = self.bytes;
        let end = self.integrity.map_or(bytes.len(), |(at, _)| at);
        let mut at = HEADER;
        std::iter::from_fn(move || {
            let (attribute, next) = attribute_at(bytes, at).ok()??;
            at = next;
            (attribute.at < end).then_some(attribute)
        })
    }

    /// The value of the first attribute of that type.
    #[must_use]
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|a| a.kind == kind).map(|a| a.value)
    }

    /// Request, indication or response.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether the method is Binding, the only one that ICE uses.
    #[must_use]
    pub fn is_binding(&self) -> bool {
        self.method == 1
    }

    /// The transaction ID.
    #[must_use]
    pub fn transaction(&self) -> [u8; 12] {
        self.bytes.get(8..HEADER).and_then(|id| id.try_into().ok()).unwrap_or_default()
    }

    /// Whether it carries a FINGERPRINT (which was right, or it would not have been read).
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint
    }

    /// Whether it carries a MESSAGE-INTEGRITY.
    #[must_use]
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether its MESSAGE-INTEGRITY is that of `key`; false without one.
    #[must_use]
    pub fn is_from(&self, key: &Key) -> bool {
        self.integrity.is_some_and(|(at, sum)| key.is_right(self.bytes.get(..at).unwrap_or_default(), sum))
    }

    /// USERNAME.
    #[must_use]
    pub fn username(&self) -> Option<&'a [u8]> {
        self.attribute(kind::USERNAME)
    }

    /// PRIORITY (RFC 8445 §7.1.1).
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        self.attribute(kind::PRIORITY)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Whether it nominates its pair (RFC 8445 §7.1.2).
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.attribute(kind::USE_CANDIDATE).is_some()
    }

    /// Whether the sender believes to be controlled (RFC 8445 §7.1.3).
    #[must_use]
    pub fn is_controlled(&self) -> bool {
        self.attribute(kind::ICE_CONTROLLED).is_some()
    }

    /// ERROR-CODE (RFC 8489 §14.8).
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        let value = self.attribute(kind::ERROR_CODE)?;
        let (class, number) = (value.get(2)? & 7, value.get(3)?);
        ((3..=6).contains(&class) && *number < 100).then(|| u16::from(class) * 100 + u16::from(*number))
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    #[must_use]
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        let value = self.attribute(kind::XOR_MAPPED_ADDRESS)?;
        let port = u16_at(value, 2)? ^ (COOKIE >> 16) as u16;
        let masked = value.get(4..)?.iter().zip(self.bytes.get(4..HEADER)?).map(|(v, m)| v ^ m);
        let ip = match (value.get(1)?, value.len()) {
            (1, 8) => {
                let mut octets = [0; 4];
                octets.iter_mut().zip(masked).for_each(|(o, b)| *o = b);
                IpAddr::V4(Ipv4Addr::from(octets))
            }
            (2, 20) => {
                let mut octets = [0; 16];
                octets.iter_mut().zip(masked).for_each(|(o, b)| *o = b);
                IpAddr::V6(Ipv6Addr::from(octets))
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Types that must be understood and are not (RFC 8489 §6.3.1).
    pub fn not_understood(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.attributes().map(|a| a.kind).filter(|k| *k < 0x8000 && !UNDERSTOOD.contains(k))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

/// The attribute whose header begins at `at`, and where the next begins; `None` at the end.
fn attribute_at(bytes: &[u8], at: usize) -> Result<Option<(Attribute<'_>, usize)>, StunError> {
    if at == bytes.len() {
        return Ok(None);
    }
    let kind = u16_at(bytes, at).ok_or(StunError::Attribute)?;
    let length = u16_at(bytes, at + 2).map(usize::from).ok_or(StunError::Attribute)?;
    let value = bytes.get(at + 4..at + 4 + length).ok_or(StunError::Attribute)?;
    let next = at + 4 + length.next_multiple_of(4);
    if next > bytes.len() {
        return Err(StunError::Attribute);
    }
    Ok(Some((Attribute { kind, value, at }, next)))
}
