//! Where a description points: connection addresses and the origin line.
//!
//! A host name is kept as a name: whoever needs an address resolves it elsewhere.

use crate::error::SdpErrorKind;
use crate::line::{first_token, last_token, tokens};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A connection address (RFC 8866 §5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address<'a> {
    /// A literal address.
    Ip(IpAddr),
    /// A host name, letters, digits, dots, hyphens and underscores only.
    Name(&'a [u8]),
}

impl<'a> Address<'a> {
    /// The address where it is a literal.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Address::Ip(ip) => Some(ip),
            Address::Name(_) => None,
        }
    }

    /// Whether this is 0.0.0.0 or ::, the old sign of hold (RFC 3264 §8.4).
    #[must_use]
    pub fn is_null(self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }

    /// Whether this is a multicast group.
    #[must_use]
    pub fn is_multicast(self) -> bool {
        self.ip().is_some_and(|ip| ip.is_multicast())
    }

    /// Reads `IP4|IP6 <address>[/ttl[/count]]`, as in c= and a=rtcp lines.
    ///
    /// A literal of the other family than announced is taken as what it is.
    pub(crate) fn from_typed(kind: &[u8], text: &'a [u8]) -> Result<Address<'a>, SdpErrorKind> {
        if !kind.eq_ignore_ascii_case(b"IP4") && !kind.eq_ignore_ascii_case(b"IP6") {
            return Err(SdpErrorKind::NetworkType);
        }
        let host = text.split(|byte| *byte == b'/').next().unwrap_or_default();
        let host = match host {
            [b'[', inner @ .., b']'] => inner,
            other => other,
        };
        let literal = std::str::from_utf8(host).ok().and_then(|text| text.parse::<IpAddr>().ok());
        match literal {
            Some(ip) => Ok(Address::Ip(ip)),
            None if is_host_name(host) => Ok(Address::Name(host)),
            None => Err(SdpErrorKind::Connection),
        }
    }

    /// Reads a c= value: `IN IP4 192.0.2.1` (RFC 8866 §5.7).
    pub(crate) fn from_connection(value: &'a [u8]) -> Result<Address<'a>, SdpErrorKind> {
        let mut tokens = tokens(value);
        let (Some(net), Some(kind), Some(address)) = (tokens.next(), tokens.next(), tokens.next()) else {
            return Err(SdpErrorKind::Connection);
        };
        if !net.eq_ignore_ascii_case(b"IN") {
            return Err(SdpErrorKind::NetworkType);
        }
        Address::from_typed(kind, address)
    }
}

/// A name that can be looked up, and that is no mistyped IPv4 literal.
fn is_host_name(host: &[u8]) -> bool {
    host.len() <= 255
        && host.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && host.iter().any(u8::is_ascii_alphabetic)
}

/// The o= line (RFC 8866 §5.2), as bytes: numbers may be longer than any integer of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// User name; may hold blanks although the grammar forbids them, may be empty.
    pub user: &'a [u8],
    /// Session identifier.
    pub sess_id: &'a [u8],
    /// Version of this description of the session.
    pub sess_version: &'a [u8],
    /// Network type, `IN`.
    pub net: &'a [u8],
    /// Address type, `IP4` or `IP6`.
    pub addr_type: &'a [u8],
    /// Address as written; never to be relied upon.
    pub addr: &'a [u8],
}

impl<'a> Origin<'a> {
    /// Reads an o= value from its end, so that blanks in the user name do no harm.
    pub(crate) fn from_value(value: &'a [u8]) -> Option<Origin<'a>> {
        let (rest, addr) = last_token(value);
        let (rest, addr_type) = last_token(rest);
        let (rest, net) = last_token(rest);
        let (rest, sess_version) = last_token(rest);
        let (user, sess_id) = last_token(rest);
        let (first, _) = first_token(sess_id);
        (!first.is_empty()).then_some(Origin { user, sess_id, sess_version, net, addr_type, addr })
    }
}

/// Appends `IN IP4 192.0.2.1` or its IPv6 form.
pub(crate) fn write_connection(address: IpAddr, out: &mut Vec<u8>) {
    let kind = if address.is_ipv4() { "IP4" } else { "IP6" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "IN {kind} {address}");
}

/// The null address of the same family (RFC 3264 §8.4).
pub(crate) fn null_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Result<&str, SdpErrorKind>) {
        let found = Address::from_connection(value.as_bytes()).map(|address| match address {
            Address::Ip(ip) => ip.to_string(),
            Address::Name(name) => String::from_utf8(name.to_vec()).unwrap(),
        });
        assert_eq!(found.as_deref().map_err(|kind| *kind), expected, "{value}");
    }

    #[test]
    fn connections_in_the_field() {
        check("IN IP4 192.0.2.1", Ok("192.0.2.1"));
        check(" IN  IP4\t192.0.2.1 ", Ok("192.0.2.1"));
        check("IN IP4 233.252.0.1/127/3", Ok("233.252.0.1"));
        check("IN IP6 2001:db8::1", Ok("2001:db8::1"));
        check("IN IP6 [2001:db8::1]", Ok("2001:db8::1"));
        check("IN IP4 media.example.com", Ok("media.example.com"));
        check("in ip4 192.0.2.1", Ok("192.0.2.1"));
        check("IN IP4 256.1.1.1", Err(SdpErrorKind::Connection));
        check("IN IP4", Err(SdpErrorKind::Connection));
        check("IN IP4 a b", Ok("a"));
        check("IN IP4 x@y", Err(SdpErrorKind::Connection));
        check("ATM NSAP 47.0091", Err(SdpErrorKind::NetworkType));
        check("IN E164 4930", Err(SdpErrorKind::NetworkType));
    }

    #[test]
    fn origin_is_read_from_its_end() {
        let origin = Origin::from_value(b"My Phone 1 99999999999999999999999 2 IN IP4 host").unwrap();
        assert_eq!(origin.user, b"My Phone 1");
        assert_eq!(origin.sess_id, b"99999999999999999999999");
        assert_eq!((origin.sess_version, origin.addr), (&b"2"[..], &b"host"[..]));
        assert_eq!(Origin::from_value(b"1 2 IN IP4 h").unwrap().user, b"");
        assert_eq!(Origin::from_value(b"2 IN IP4 h"), None);
    }
}
