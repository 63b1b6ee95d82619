//! A second look at a request that [`crate::parse`] refused, only to answer it.
//!
//! What comes out is good for copying Via, From, To, Call-ID and CSeq into an error response and for logging,
//! for nothing else: it must never be forwarded or acted upon.

use crate::chars::{part, skip, token_byte, trim};
use crate::limits::{Leniency, Limits};
use crate::message::Msg;
use crate::name::Name;
use crate::parse::{Index, leading_line_ends};
use crate::rows::Row;
use crate::start::{StartSpans, start_line};

/// What an error response must copy (RFC 3261 §8.2.6.2).
const COPIED: [Name; 5] = [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq];

const TOLERANT: Leniency = Leniency {
    bare_lf: true,
    missing_content_length_on_stream: true,
    repeated_content_length: true,
    start_line_blanks: true,
    short_datagram_body: true,
    foreign_date: true,
    request_uri_headers: true,
};

/// Finds what is needed to refuse a broken request: `Some` if it looks like a request, its topmost Via can be
/// read, and From, To, Call-ID and CSeq are there (their values may be malformed). The body is always empty.
pub fn salvage<'a>(bytes: &'a [u8], index: &'a mut Index, limits: &Limits) -> Option<Msg<'a>> {
    let bytes = part(bytes, 0, bytes.len().min(limits.message));
    let bytes = part(bytes, leading_line_ends(bytes, TOLERANT), bytes.len());
    index.clear();
    index.start = start_line(bytes, limits, TOLERANT).ok().or_else(|| guessed_start(bytes))?;
    if index.start.status != 0 {
        return None;
    }
    let end = collect_rows(bytes, index, limits);
    index.body_start = end;
    let message = Msg::new(part(bytes, 0, end), index);
    let complete = COPIED.iter().all(|name| message.first(*name).is_some()) && message.via().is_ok();
    complete.then_some(message)
}

/// A start line that is wrong after its method, or too long: keeps the method alone.
fn guessed_start(bytes: &[u8]) -> Option<StartSpans> {
    let end = memchr::memchr(b'\n', bytes)?;
    let method = skip(bytes, 0, token_byte);
    let looks_like_status = part(bytes, 0, 4).eq_ignore_ascii_case(b"SIP/");
    if method == 0 || !matches!(bytes.get(method), Some(b' ' | b'\t')) || looks_like_status {
        return None;
    }
    Some(StartSpans {
        method: crate::Method::from_token(part(bytes, 0, method)),
        method_length: method as u32,
        next: end as u32 + 1,
        ..StartSpans::EMPTY
    })
}

/// Keeps every line that has a name and a colon, with its folds; skips the others. Returns the end of the head.
fn collect_rows(bytes: &[u8], index: &mut Index, limits: &Limits) -> usize {
    let mut at = index.start.next as usize;
    let mut in_row = false;
    while let Some(length) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        let next = at + length + 1;
        let line = part(bytes, at, next);
        if trim(line).is_empty() && !matches!(line.first(), Some(b' ' | b'\t')) {
            return next;
        }
        if let Some(b' ' | b'\t') = line.first() {
            if in_row && let Some(row) = index.rows.last_mut() {
                row.next = next as u32;
                row.value_end =
                    row.value_start + trim(part(bytes, row.value_start as usize, next)).len() as u32;
            }
        } else {
            let found =
                tolerant_row(bytes, at, next).filter(|_| index.rows.len() < limits.headers.min(1_000));
            in_row = found.is_some();
            if let Some(row) = found {
                index.add(row);
            }
        }
        at = next;
    }
    at
}

fn tolerant_row(bytes: &[u8], at: usize, next: usize) -> Option<Row> {
    let line = part(bytes, at, next);
    let name_length = u16::try_from(skip(line, 0, token_byte)).ok().filter(|length| *length > 0)?;
    let colon = skip(line, usize::from(name_length), |byte| byte == b' ' || byte == b'\t');
    if line.get(colon) != Some(&b':') {
        return None;
    }
    let blanks = skip(line, colon + 1, |byte| byte == b' ' || byte == b'\t');
    let value = trim(part(line, blanks, line.len()));
    Some(Row {
        start: at as u32,
        value_start: (at + blanks) as u32,
        value_end: (at + blanks + value.len()) as u32,
        next: next as u32,
        name_length,
        name: Name::from_bytes(part(line, 0, usize::from(name_length))),
    })
}
