//! Via (RFC 3261 §20.42): where a response goes back to.

use crate::chars::{host_byte, part, port, skip, skip_lws, token_byte};
use crate::header::HeaderError;
use crate::name::Name;
use crate::params::{Param, Params};
use crate::uri::host_is_bracketed_ip6;

/// The `rport` parameter (RFC 3581 §3, §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// Not there.
    Absent,
    /// There without value: the sender asks for it.
    Requested,
    /// Filled in by the receiver.
    Value(u16),
}

/// One Via value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`, …; compare without regard to case.
    pub transport: &'a [u8],
    /// The sent-by host; brackets kept around IPv6.
    pub host: &'a [u8],
    /// The sent-by port, if written.
    pub port: Option<u16>,
    /// The branch; empty if absent (RFC 2543 peers).
    pub branch: &'a [u8],
    /// The rport parameter.
    pub rport: Rport,
    /// The received parameter; may be an IPv6 address with or without brackets.
    pub received: Option<&'a [u8]>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads the first value of a Via row; a comma and what follows it are not looked at.
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, HeaderError> {
        Via::parse_first(value).map(|(via, _)| via)
    }

    /// Reads the first value of `value` and tells where it ended: at a comma or the end.
    pub(crate) fn parse_first(value: &'a [u8]) -> Result<(Via<'a>, usize), HeaderError> {
        let fail = |expected, offset| Err(HeaderError::malformed(Name::Via, expected, offset));
        let start = transport_start(value)?;
        let end = skip(value, start, token_byte);
        let host_start = skip_lws(value, end);
        if end == start || host_start == end {
            return fail("a transport and a blank", end);
        }
        let transport = part(value, start, end);
        let Some(host_end) = host_end(value, host_start) else {
            return fail("a host", host_start);
        };
        let host = part(value, host_start, host_end);
        let mut at = skip_lws(value, host_end);
        let mut sent_port = None;
        if value.get(at) == Some(&b':') {
            let port_start = skip_lws(value, at + 1);
            at = skip(value, port_start, |byte| byte.is_ascii_digit());
            sent_port = port(part(value, port_start, at));
            if sent_port.is_none() {
                return fail("a port from 0 to 65535", port_start);
            }
        }
        let mut via = Via {
            transport,
            host,
            port: sent_port,
            branch: &[],
            rport: Rport::Absent,
            received: None,
            params: Params::default(),
        };
        let mut faulty_rport = false;
        match Params::check(value, at, |param| faulty_rport |= !via.take(param)) {
            Ok(_) if faulty_rport => fail("a number in rport", at),
            Ok(end) => {
                via.params = Params::new(part(value, at, end));
                Ok((via, end))
            }
            Err(offset) => fail("a parameter", offset),
        }
    }

    /// Keeps the parameters that every receiver needs, the first of each name; `false` for a malformed one.
    #[inline(always)]
    fn take(&mut self, param: Param<'a>) -> bool {
        match param.name.len() {
            6 if self.branch.is_empty() && param.name.eq_ignore_ascii_case(b"branch") => {
                self.branch = param.value
            }
            5 if self.rport == Rport::Absent && param.name.eq_ignore_ascii_case(b"rport") => {
                self.rport = match port(param.value) {
                    Some(port) => Rport::Value(port),
                    None if param.value.is_empty() => Rport::Requested,
                    None => return false,
                };
            }
            8 if self.received.is_none() && param.name.eq_ignore_ascii_case(b"received") => {
                self.received = Some(param.value);
            }
            _ => {}
        }
        true
    }
}

/// Where the transport starts: after protocol name and version with blanks anywhere between. Both may be any
/// token (RFC 3261 §25.1), so a request of another SIP version can still be answered along its Via.
fn transport_start(value: &[u8]) -> Result<usize, HeaderError> {
    if value.starts_with(b"SIP/2.0/") {
        return Ok(skip_lws(value, 8));
    }
    let mut at = 0;
    for _ in 0..2 {
        let end = skip(value, at, token_byte);
        let slash = skip_lws(value, end);
        if end == at || value.get(slash) != Some(&b'/') {
            return Err(HeaderError::malformed(Name::Via, "SIP/2.0/", at));
        }
        at = skip_lws(value, slash + 1);
    }
    Ok(at)
}

/// The end of a host name, IPv4 address or bracketed IPv6 address at `at`.
fn host_end(value: &[u8], at: usize) -> Option<usize> {
    if value.get(at) == Some(&b'[') {
        let end = at + memchr::memchr(b']', value.get(at..)?)? + 1;
        return host_is_bracketed_ip6(part(value, at, end)).then_some(end);
    }
    let end = skip(value, at, host_byte);
    (end > at).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_common_form() {
        let via =
            Via::parse(b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc;rport;received=10.0.0.1").unwrap();
        assert_eq!((via.transport, via.host, via.port), (&b"UDP"[..], &b"192.0.2.1"[..], Some(5060)));
        assert_eq!((via.branch, via.rport), (&b"z9hG4bKabc"[..], Rport::Requested));
        assert_eq!(via.received, Some(&b"10.0.0.1"[..]));
        assert_eq!(via.params.get("rport"), Some(&b""[..]));
    }

    #[test]
    fn reads_blanks_folds_and_stops_at_the_comma() {
        let value = b"SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP / 2.0/UDP b";
        let via = Via::parse(value).unwrap();
        assert_eq!(
            (via.transport, via.host, via.branch),
            (&b"TCP"[..], &b"spindle.example.com"[..], &b"z9hG4bK9ikj8"[..])
        );
        assert_eq!(via.params.iter().count(), 1);
    }

    #[test]
    fn reads_ip6_with_and_without_brackets_where_allowed() {
        let via = Via::parse(b"SIP/2.0/UDP [2001:db8::9:1]:5070;received=2001:db8::9:255;rport=9;branch=b")
            .unwrap();
        assert_eq!((via.host, via.port, via.rport), (&b"[2001:db8::9:1]"[..], Some(5070), Rport::Value(9)));
        assert_eq!(via.received, Some(&b"2001:db8::9:255"[..]));
    }

    #[test]
    fn refuses_what_breaks_the_grammar() {
        for bad in [
            &b"SIP/2.0/UDP 192.0.2.15;;,;,,"[..],
            b"",
            b"SIP/2.0/UDP",
            b"SIP/2.0/UDP ",
            b"SIP/2.0 UDP a",
            b"SIP/2.0/UDP a:99999",
            b"SIP/2.0/UDP a:",
            b"SIP/2.0/UDP [::g]",
            b"SIP/2.0/UDP a;rport=x",
            b"SIP/2.0/UDP a b",
        ] {
            assert!(Via::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
