//! The start line: request line (RFC 3261 §7.1) or status line (§7.2), strict about its blanks.

use crate::chars::{is_token, number, part};
use crate::limits::{Leniency, Limits};
use crate::method::Method;
use crate::parse::{ParseError, ParseErrorKind};
use crate::rows::line_end;

/// Spans of the start line. For a response `text` is the reason phrase, for a request the Request-URI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartSpans {
    pub(crate) method: Method,
    /// 0 for a request.
    pub(crate) status: u16,
    /// Length of the method token, which stands at offset 0.
    pub(crate) method_length: u32,
    pub(crate) text_start: u32,
    pub(crate) text_end: u32,
    /// Where the first header row starts.
    pub(crate) next: u32,
}

impl StartSpans {
    pub(crate) const EMPTY: StartSpans = StartSpans {
        method: Method::Other,
        status: 0,
        method_length: 0,
        text_start: 0,
        text_end: 0,
        next: 0,
    };
}

const VERSION: &[u8] = b"SIP/2.0";

/// Reads the start line at the beginning of `bytes`.
pub(crate) fn start_line(
    bytes: &[u8],
    limits: &Limits,
    leniency: Leniency,
) -> Result<StartSpans, ParseError> {
    let fail = |kind, offset| Err(ParseError { kind, offset });
    // The bound keeps the search short; the two bytes are the line end.
    let window = part(bytes, 0, bytes.len().min(limits.start_line.saturating_add(2)));
    let end = match line_end(window, 0, leniency) {
        Ok(end) => end,
        Err(error) if error.kind == ParseErrorKind::HeadUnterminated && window.len() < bytes.len() => {
            return fail(ParseErrorKind::StartLineTooLong, window.len());
        }
        Err(error)
            if error.kind == ParseErrorKind::BareCarriageReturn && error.offset + 1 == window.len() =>
        {
            let cut = window.len() < bytes.len();
            let kind = if cut { ParseErrorKind::StartLineTooLong } else { ParseErrorKind::HeadUnterminated };
            return fail(kind, error.offset);
        }
        Err(error) => return Err(error),
    };
    if end.nul {
        return fail(ParseErrorKind::Nul, memchr::memchr(0, window).unwrap_or(0));
    }
    let line = part(bytes, 0, end.text);
    let spans = match line.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"SIP/") => status_line(line, leniency)?,
        _ => request_line(line, leniency)?,
    };
    Ok(StartSpans { next: end.next as u32, ..spans })
}

/// Skips one space, or with [`Leniency::start_line_blanks`] a run of blanks. `None` if there is none.
fn gap(line: &[u8], at: usize, leniency: Leniency) -> Option<usize> {
    if line.get(at) == Some(&b' ') && !leniency.start_line_blanks {
        return Some(at + 1);
    }
    let mut end = at;
    while leniency.start_line_blanks && matches!(line.get(end), Some(b' ' | b'\t')) {
        end += 1;
    }
    (end > at).then_some(end)
}

fn word_end(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or(&[]);
    at + memchr::memchr2(b' ', b'\t', rest).unwrap_or(rest.len())
}

fn request_line(line: &[u8], leniency: Leniency) -> Result<StartSpans, ParseError> {
    let fail = |kind, offset| Err(ParseError { kind, offset });
    let method_end = word_end(line, 0);
    let method = part(line, 0, method_end);
    if !is_token(method) {
        return fail(ParseErrorKind::MethodMalformed, 0);
    }
    let Some(uri_start) = gap(line, method_end, leniency) else {
        return fail(ParseErrorKind::StartLineMalformed, method_end);
    };
    let uri_end = word_end(line, uri_start);
    let uri = part(line, uri_start, uri_end);
    if uri.is_empty() || uri.iter().any(|byte| *byte < 0x21 || *byte == 0x7f) {
        return fail(ParseErrorKind::RequestUriMalformed, uri_start);
    }
    let Some(version_start) = gap(line, uri_end, leniency) else {
        return fail(ParseErrorKind::StartLineMalformed, uri_end);
    };
    let mut version = part(line, version_start, line.len());
    if leniency.start_line_blanks {
        version = version.trim_ascii_end();
    }
    if !version.eq_ignore_ascii_case(VERSION) {
        return fail(version_fault(version), version_start);
    }
    Ok(StartSpans {
        method: Method::from_token(method),
        method_length: method_end as u32,
        text_start: uri_start as u32,
        text_end: uri_end as u32,
        ..StartSpans::EMPTY
    })
}

/// Another SIP version is a 505 (RFC 3261 §21.5.6), anything else is no version at all.
fn version_fault(version: &[u8]) -> ParseErrorKind {
    let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    let numbers = match version.split_at_checked(4) {
        Some((sip, numbers)) if sip.eq_ignore_ascii_case(b"SIP/") => numbers,
        _ => return ParseErrorKind::StartLineMalformed,
    };
    match memchr::memchr(b'.', numbers) {
        Some(dot) if digits(part(numbers, 0, dot)) && digits(part(numbers, dot + 1, numbers.len())) => {
            ParseErrorKind::VersionUnsupported
        }
        _ => ParseErrorKind::StartLineMalformed,
    }
}

fn status_line(line: &[u8], leniency: Leniency) -> Result<StartSpans, ParseError> {
    let fail = |kind, offset| Err(ParseError { kind, offset });
    let version_end = word_end(line, 0);
    let version = part(line, 0, version_end);
    if !version.eq_ignore_ascii_case(VERSION) {
        return fail(version_fault(version), 0);
    }
    let Some(code_start) = gap(line, version_end, leniency) else {
        return fail(ParseErrorKind::StartLineMalformed, version_end);
    };
    let code_end = word_end(line, code_start);
    let code = part(line, code_start, code_end);
    let status = match number(code) {
        Some(status @ 100..=699) if code.len() == 3 => status as u16,
        _ => return fail(ParseErrorKind::StatusCodeMalformed, code_start),
    };
    // The space before an empty reason phrase is mandatory (RFC 3261 §7.2), yet often forgotten.
    let text_start = match gap(line, code_end, leniency) {
        Some(text_start) => text_start,
        None if leniency.start_line_blanks && code_end == line.len() => code_end,
        None => return fail(ParseErrorKind::StartLineMalformed, code_end),
    };
    Ok(StartSpans { status, text_start: text_start as u32, text_end: line.len() as u32, ..StartSpans::EMPTY })
}
