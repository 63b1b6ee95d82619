//! Small typed headers and the error all typed readers share.
//!
//! Each reader is total: it gives a value that obeys the grammar, or says what it expected and where.

use crate::chars::{is_token, number, part, skip, skip_lws, token_byte, trim, unquote};
use crate::method::Method;
use crate::name::Name;
use crate::params::Params;

/// Why a typed header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind} (byte {offset} of the value)", name.as_str())]
pub struct HeaderError {
    /// The header.
    pub name: Name,
    /// The fault.
    pub kind: HeaderErrorKind,
    /// Offset into the header's value.
    pub offset: usize,
}

/// The cause of a [`HeaderError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderErrorKind {
    /// A mandatory header is not there.
    #[error("missing")]
    Missing,
    /// A single-valued header stands more than once.
    #[error("duplicate")]
    Duplicate,
    /// The value breaks its grammar.
    #[error("malformed: expected {expected}")]
    Malformed {
        /// What the grammar wants at the offset.
        expected: &'static str,
    },
}

impl HeaderError {
    pub(crate) fn malformed(name: Name, expected: &'static str, offset: usize) -> HeaderError {
        HeaderError { name, kind: HeaderErrorKind::Malformed { expected }, offset }
    }
}

/// CSeq (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// 0 to 2^31-1 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The method, [`Method::Other`] if unknown.
    pub method: Method,
    /// The method as written.
    pub token: &'a [u8],
}

impl<'a> CSeq<'a> {
    /// Reads a CSeq value.
    pub fn parse(value: &'a [u8]) -> Result<CSeq<'a>, HeaderError> {
        let fail = |expected, offset| Err(HeaderError::malformed(Name::CSeq, expected, offset));
        let digits = skip(value, 0, |byte| byte.is_ascii_digit());
        let Some(number) = number(part(value, 0, digits)).filter(|number| *number < 1 << 31) else {
            return fail("a number below 2^31", 0);
        };
        let start = skip_lws(value, digits);
        let token = part(value, start, value.len());
        if start == digits || !is_token(token) {
            return fail("a method token", start);
        }
        Ok(CSeq { number: number as u32, method: Method::from_token(token), token })
    }
}

/// RAck (RFC 3262 §7.2): which provisional response a PRACK acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of that response.
    pub rseq: u32,
    /// The CSeq number of the request it answers.
    pub cseq: u32,
    /// That request's method.
    pub method: Method,
    /// The method as written.
    pub token: &'a [u8],
}

impl<'a> RAck<'a> {
    /// Reads a RAck value.
    pub fn parse(value: &'a [u8]) -> Result<RAck<'a>, HeaderError> {
        let digits = skip(value, 0, |byte| byte.is_ascii_digit());
        let rseq = number(part(value, 0, digits)).and_then(|rseq| u32::try_from(rseq).ok());
        let start = skip_lws(value, digits);
        let Some(rseq) = rseq.filter(|_| start > digits) else {
            return Err(HeaderError::malformed(Name::RAck, "a response number", 0));
        };
        match CSeq::parse(part(value, start, value.len())) {
            Ok(cseq) => Ok(RAck { rseq, cseq: cseq.number, method: cseq.method, token: cseq.token }),
            Err(error) => Err(HeaderError { name: Name::RAck, offset: error.offset + start, ..error }),
        }
    }
}

/// Who refreshes a session (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent this transaction's request.
    Uac,
    /// The side that answers it.
    Uas,
}

/// Session-Expires (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// The session interval in seconds.
    pub seconds: u32,
    /// Who refreshes, if the header says.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads a Session-Expires value.
    pub fn parse(value: &[u8]) -> Result<SessionExpires, HeaderError> {
        let fail = |expected, offset| Err(HeaderError::malformed(Name::SessionExpires, expected, offset));
        let digits = skip(value, 0, |byte| byte.is_ascii_digit());
        let Some(seconds) = number(part(value, 0, digits)).and_then(|seconds| u32::try_from(seconds).ok())
        else {
            return fail("a number of seconds", 0);
        };
        let mut refresher = None;
        let mut unknown = false;
        let end = Params::check(value, digits, |param| {
            if param.name.eq_ignore_ascii_case(b"refresher") {
                refresher = match param.value {
                    side if side.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
                    side if side.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
                    _ => None,
                };
                unknown |= refresher.is_none();
            }
        });
        match end {
            Ok(end) if end == value.len() && !unknown => Ok(SessionExpires { seconds, refresher }),
            Ok(_) if unknown => fail("refresher uac or uas", digits),
            Ok(offset) | Err(offset) => fail("parameters", offset),
        }
    }
}

/// One Reason value (RFC 3326 §2); what is malformed reads as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, …; compare without regard to case.
    pub protocol: &'a [u8],
    /// The cause number in that protocol's space.
    pub cause: Option<u16>,
    /// The text without its quotes, escapes still inside; empty if absent.
    pub text: &'a [u8],
}

impl<'a> Reason<'a> {
    /// Reads one element of a Reason header.
    pub fn parse(element: &'a [u8]) -> Reason<'a> {
        let end = skip(element, 0, token_byte);
        let params = Params::new(part(element, end, element.len()));
        let cause = params.get("cause").and_then(number).and_then(|cause| u16::try_from(cause).ok());
        let text = params.get("text").map_or(&[][..], unquote);
        Reason { protocol: trim(part(element, 0, end)), cause, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseq_reads_folds_and_refuses_large_numbers() {
        let cseq = CSeq::parse(b"0009\r\n  INVITE").unwrap();
        assert_eq!((cseq.number, cseq.method), (9, Method::Invite));
        assert_eq!(CSeq::parse(b"2147483647 X").unwrap().number, 2_147_483_647);
        for bad in
            [&b"2147483648 INVITE"[..], b"36893488147419103232 INVITE", b"1INVITE", b"1", b"-1 ACK", b"1 A B"]
        {
            assert!(CSeq::parse(bad).is_err());
        }
    }

    #[test]
    fn rack_session_expires_and_reason() {
        let rack = RAck::parse(b"776656 1 INVITE").unwrap();
        assert_eq!((rack.rseq, rack.cseq, rack.method), (776_656, 1, Method::Invite));
        assert!(RAck::parse(b"776656 INVITE").is_err());
        let session = SessionExpires::parse(b"1800 ; Refresher=UAS").unwrap();
        assert_eq!(session, SessionExpires { seconds: 1800, refresher: Some(Refresher::Uas) });
        assert!(SessionExpires::parse(b"1800;refresher=me").is_err());
        assert!(SessionExpires::parse(b"1800,90").is_err());
        let reason = Reason::parse(b"Q.850 ;cause=16 ;text=\"Normal; done\"");
        assert_eq!(
            (reason.protocol, reason.cause, reason.text),
            (&b"Q.850"[..], Some(16), &b"Normal; done"[..])
        );
    }
}
