//! Where lines and header rows end: the one reading of CR, LF, NUL, folds and the blank before a colon.
//!
//! Both [`crate::parse`] and [`crate::Framer`] stand on this file, so a datagram, a stream and a forwarded
//! message can never disagree about where a header begins. It looks at nothing past the row it is asked for.

use crate::chars::{part, skip_lws, token_byte, trim};
use crate::limits::{Leniency, Limits};
use crate::name::Name;
use crate::parse::{ParseError, ParseErrorKind};

/// One header row as spans into the message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) start: u32,
    pub(crate) value_start: u32,
    pub(crate) value_end: u32,
    /// Start of the next row: just after this row's last line end.
    pub(crate) next: u32,
    pub(crate) name_length: u16,
    pub(crate) name: Name,
}

/// The end of one line: `text` is where its line end starts, `next` where the following line starts.
#[derive(Clone, Copy)]
pub(crate) struct LineEnd {
    pub(crate) text: usize,
    pub(crate) next: usize,
    pub(crate) nul: bool,
}

#[inline(always)]
fn fail<T>(kind: ParseErrorKind, offset: usize) -> Result<T, ParseError> {
    Err(ParseError { kind, offset })
}

/// The end of the line that holds `at`. A CR without LF is refused always, an LF without CR unless
/// [`Leniency::bare_lf`] (RFC 3261 §7: lines end with CRLF). NUL bytes are reported, not judged.
#[inline(always)]
pub(crate) fn line_end(bytes: &[u8], at: usize, leniency: Leniency) -> Result<LineEnd, ParseError> {
    let mut at = at;
    let mut nul = false;
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let Some(offset) = memchr::memchr3(b'\r', b'\n', 0, rest) else {
            return fail(ParseErrorKind::HeadUnterminated, bytes.len());
        };
        let found = at + offset;
        match rest.get(offset..) {
            Some([b'\r', b'\n', ..]) => return Ok(LineEnd { text: found, next: found + 2, nul }),
            Some([b'\r', ..]) => return fail(ParseErrorKind::BareCarriageReturn, found),
            Some([b'\n', ..]) if leniency.bare_lf => {
                return Ok(LineEnd { text: found, next: found + 1, nul });
            }
            Some([b'\n', ..]) => return fail(ParseErrorKind::BareLineFeed, found),
            _ => {
                nul = true;
                at = found + 1;
            }
        }
    }
}

/// Where the head ends if the line at `at` is empty: the position after it.
#[inline(always)]
pub(crate) fn empty_line(bytes: &[u8], at: usize, leniency: Leniency) -> Option<usize> {
    match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => Some(at + 2),
        Some([b'\n', ..]) if leniency.bare_lf => Some(at + 1),
        _ => None,
    }
}

/// Reads the header row at `at` (RFC 3261 §7.3.1: blanks before the colon and folded lines are part of the row).
#[inline(always)]
pub(crate) fn row(bytes: &[u8], at: usize, limits: &Limits, leniency: Leniency) -> Result<Row, ParseError> {
    let mut name_end = at;
    while bytes.get(name_end).is_some_and(|byte| token_byte(*byte)) {
        name_end += 1;
    }
    let colon = if bytes.get(name_end) == Some(&b':') { name_end } else { late_colon(bytes, at, name_end)? };
    if name_end == at {
        return fail(ParseErrorKind::HeaderNameMalformed, at);
    }
    let mut end = line_end(bytes, colon + 1, leniency)?;
    let mut nul = end.nul;
    while let Some(b' ' | b'\t') = bytes.get(end.next) {
        end = line_end(bytes, end.next, leniency)?;
        nul |= end.nul;
    }
    let length = end.next - at;
    if length > limits.header_line || length > usize::from(u16::MAX) {
        return fail(ParseErrorKind::HeaderTooLong, at);
    }
    if nul && let Some(offset) = stray_nul(part(bytes, at, end.text)) {
        return fail(ParseErrorKind::Nul, at + offset);
    }
    let value_start = skip_lws(bytes, colon + 1).min(end.text);
    let value_end = value_start + trim(part(bytes, value_start, end.text)).len();
    Ok(Row {
        start: at as u32,
        value_start: value_start as u32,
        value_end: value_end as u32,
        next: end.next as u32,
        name_length: (name_end - at) as u16,
        name: Name::from_bytes(part(bytes, at, name_end)),
    })
}

/// The colon after blanks that follow the name (RFC 3261 §25.1 `HCOLON`); folds may not stand there.
#[cold]
fn late_colon(bytes: &[u8], at: usize, name_end: usize) -> Result<usize, ParseError> {
    let mut colon = name_end;
    while let Some(b' ' | b'\t') = bytes.get(colon) {
        colon += 1;
    }
    match bytes.get(colon) {
        Some(b':') => Ok(colon),
        None => fail(ParseErrorKind::HeadUnterminated, bytes.len()),
        Some(_) if name_end == at && colon > at => fail(ParseErrorKind::FoldWithoutHeader, at),
        Some(b'\r' | b'\n') => fail(ParseErrorKind::ColonMissing, colon),
        Some(_) if colon > name_end => fail(ParseErrorKind::ColonMissing, colon),
        Some(_) => fail(ParseErrorKind::HeaderNameMalformed, colon),
    }
}

/// The first NUL that is not the second byte of a quoted pair inside a quoted string, the only place where
/// RFC 3261 §25.1 allows it. One pass, whatever the number of NULs.
#[cold]
pub(crate) fn stray_nul(row: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (offset, byte) in row.iter().enumerate() {
        match byte {
            0 if !(quoted && escaped) => return Some(offset),
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    None
}

/// The one Content-Length of a message (RFC 3261 §20.14), gathered row by row.
#[derive(Default)]
pub(crate) struct ContentLength {
    agreed: Option<usize>,
}

impl ContentLength {
    /// Takes the value of one more row.
    pub(crate) fn add(
        &mut self,
        value: &[u8],
        limits: &Limits,
        leniency: Leniency,
    ) -> Result<(), ParseErrorKind> {
        let length = crate::chars::number(value).ok_or(ParseErrorKind::ContentLengthMalformed)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match self.agreed {
            Some(before) if before != length || !leniency.repeated_content_length => {
                Err(ParseErrorKind::ContentLengthRepeated)
            }
            _ if length > limits.message => Err(ParseErrorKind::BodyTooLarge),
            _ => {
                self.agreed = Some(length);
                Ok(())
            }
        }
    }

    /// The number, if there was a row.
    pub(crate) fn length(&self) -> Option<usize> {
        self.agreed
    }
}
