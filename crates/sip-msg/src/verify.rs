//! [`verify`]: what every element must find in a message before it acts on it.
//!
//! [`crate::parse`] makes sure that a message can be cut safely; this reads the headers that routing and matching
//! stand on. It decides nothing about extensions, methods or schemes: those have their own answers (405, 416, 420).

use crate::addr::NameAddr;
use crate::chars::part;
use crate::header::{HeaderError, HeaderErrorKind};
use crate::limits::Leniency;
use crate::message::Msg;
use crate::method::Method;
use crate::name::Name;
use crate::uri::{Scheme, Uri, UriError};
use crate::via::Via;

/// Why a message may not be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A header is missing, repeated or malformed.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// The Request-URI breaks its grammar.
    #[error("Request-URI: {0}")]
    RequestUri(UriError),
    /// The Request-URI carries URI headers (RFC 3261 §19.1.1).
    #[error("Request-URI: expected no URI headers")]
    RequestUriHeaders,
    /// CSeq names another method than the request line (RFC 3261 §8.1.1.5).
    #[error("CSeq: expected the method of the request line")]
    MethodMismatch,
}

impl Fault {
    /// The status that answers a request with this fault; a response with it is dropped.
    pub fn status(self) -> u16 {
        400
    }
}

/// Checks Via, From, To, Call-ID, CSeq (RFC 3261 §8.1.1), their agreement with the request line, and the form of
/// Max-Forwards, Contact, Route, Record-Route and, in requests, Date where they stand. Max-Forwards may be missing (§16.3).
pub fn verify(message: Msg<'_>, leniency: Leniency) -> Result<(), Fault> {
    if message.is_request() {
        verify_request_uri(message, leniency)?;
    }
    verify_vias(message)?;
    message.from()?;
    message.to()?;
    message.call_id()?;
    let cseq = message.cseq()?;
    if message.is_request() && cseq.token != message.method_token() {
        return Err(Fault::MethodMismatch);
    }
    message.max_forwards()?;
    for name in [Name::Contact, Name::Route, Name::RecordRoute] {
        verify_addresses(message, name)?;
    }
    // A request is refused with a word; a response would be lost, and with it the call, for a header that nobody uses.
    if message.is_request() && !leniency.foreign_date {
        verify_date(message)?;
    }
    Ok(())
}

fn verify_request_uri(message: Msg<'_>, leniency: Leniency) -> Result<(), Fault> {
    let uri = Uri::parse(message.request_uri()).map_err(Fault::RequestUri)?;
    let has_headers = uri.scheme != Scheme::Other && !uri.headers.is_empty();
    if has_headers && !leniency.request_uri_headers { Err(Fault::RequestUriHeaders) } else { Ok(()) }
}

fn verify_vias(message: Msg<'_>) -> Result<(), HeaderError> {
    message.via()?;
    for row in message.rows(Name::Via) {
        let mut at = 0;
        // Each turn takes one value, so this ends with the row.
        while at < row.len() || at == 0 {
            let (_, length) = Via::parse_first(part(row, crate::chars::skip_lws(row, at), row.len()))
                .map_err(|error| HeaderError { offset: error.offset + at, ..error })?;
            let end = crate::chars::skip_lws(row, at) + length;
            if end >= row.len() {
                break;
            }
            at = end + 1;
        }
    }
    Ok(())
}

fn verify_addresses(message: Msg<'_>, name: Name) -> Result<(), HeaderError> {
    for element in message.list(name) {
        let wildcard = name == Name::Contact && element == b"*";
        if !wildcard {
            NameAddr::parse_in(name, element)?;
        } else if message.method() != Method::Register {
            // RFC 3261 §10.2.2: it means all bindings, and nothing where a dialog wants a target.
            return Err(HeaderError::malformed(name, "an address", 0));
        }
    }
    Ok(())
}

/// Date is RFC 1123's form in GMT (RFC 3261 §20.17).
fn verify_date(message: Msg<'_>) -> Result<(), HeaderError> {
    let Some(value) = message.first(Name::Date) else {
        return Ok(());
    };
    if message.is_repeated(Name::Date) {
        return Err(HeaderError { name: Name::Date, kind: HeaderErrorKind::Duplicate, offset: 0 });
    }
    // Letters and digits by place: a letter, 9 a digit, all else itself.
    let pattern = b"aaa, 99 aaa 9999 99:99:99 GMT";
    let fits = |(byte, place): (&u8, &u8)| match place {
        b'a' => byte.is_ascii_alphabetic(),
        b'9' => byte.is_ascii_digit(),
        place => byte == place,
    };
    match value.iter().zip(pattern).position(|pair| !fits(pair)) {
        None if value.len() == pattern.len() => Ok(()),
        stray => Err(HeaderError::malformed(Name::Date, "a date in GMT", stray.unwrap_or(0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Index, Limits};

    #[test]
    fn a_date_that_nobody_reads_costs_a_request_and_no_response() {
        let rows = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\n\
                    Call-ID: 1\r\nCSeq: 1 INVITE\r\nDate: Thu, 26 Nov 2026 19:00:00 CET\r\nContent-Length: 0\r\n\r\n";
        let judged = |start: &str| {
            let text = format!("{start}\r\n{rows}");
            let mut index = Index::default();
            let message = crate::parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default())
                .expect("a message");
            verify(message, Leniency::default()).is_ok()
        };
        assert!(judged("SIP/2.0 200 OK"));
        assert!(!judged("INVITE sip:b@x SIP/2.0"));
    }
}
