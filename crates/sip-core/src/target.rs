//! Where a SIP URI points when its host is an address: RFC 3263 §4 without DNS.

use base::Transport;
use sip_msg::{Scheme, Uri};
use std::net::{IpAddr, SocketAddr};

/// The address and transport of a URI whose host (or `maddr`) is an IP literal. RFC 3263 §4.1, §4.2.
///
/// Transport: the `transport` parameter, else TLS for `sips` and UDP for `sip`; port: as written, else 5061
/// for TLS and 5060 otherwise. `None` for names, for schemes other than `sip` and `sips`, and for transports
/// that we do not have (`ws`, `sctp`, UDP under `sips`).
#[must_use]
pub fn target_address(uri: &[u8]) -> Option<(SocketAddr, Transport)> {
    let uri = Uri::parse(uri).ok()?;
    let secure = match uri.scheme {
        Scheme::Sip => false,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other => return None,
    };
    let ip = match uri.params.get("maddr") {
        Some(maddr) => literal(maddr)?,
        None => uri.ip()?,
    };
    let named = match uri.params.get("transport") {
        Some(token) => Some(Transport::from_token(std::str::from_utf8(token).ok()?)?),
        None => None,
    };
    let transport = match (secure, named) {
        (false, named) => named.unwrap_or(Transport::Udp),
        (true, Some(Transport::Udp)) => return None,
        (true, _) => Transport::Tls,
    };
    let port = uri.port.unwrap_or(transport.default_port());
    Some((SocketAddr::new(ip, port), transport))
}

fn literal(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, expected: Option<(&str, Transport)>) {
        let expected = expected.map(|(addr, t)| (addr.parse().unwrap(), t));
        assert_eq!(target_address(uri.as_bytes()), expected, "{uri}");
    }

    #[test]
    fn defaults_follow_rfc_3263() {
        check("sip:192.0.2.1", Some(("192.0.2.1:5060", Transport::Udp)));
        check("sip:u@192.0.2.1:5070;transport=TCP", Some(("192.0.2.1:5070", Transport::Tcp)));
        check("sip:u@192.0.2.1;transport=tls", Some(("192.0.2.1:5061", Transport::Tls)));
        check("sips:u@192.0.2.1", Some(("192.0.2.1:5061", Transport::Tls)));
        check("sips:u@192.0.2.1;transport=tcp", Some(("192.0.2.1:5061", Transport::Tls)));
        check("sips:u@192.0.2.1;transport=udp", None);
        check("sip:u@[2001:db8::1]:5080", Some(("[2001:db8::1]:5080", Transport::Udp)));
        check("sip:u@example.com;maddr=192.0.2.9", Some(("192.0.2.9:5060", Transport::Udp)));
        check("sip:u@example.com", None);
        check("sip:u@192.0.2.1;transport=ws", None);
        check("tel:+4930123", None);
        check("", None);
    }
}
