//! Bytes in, [`Msg`] out: one datagram, or one message that a [`crate::Framer`] cut from a stream.
//!
//! Parsing finds the start line, the header rows and the body, and checks only what must be right for that
//! finding to be safe. It never reads header values, except Content-Length. Nothing is allocated once the
//! [`Index`] has grown to the size of the traffic.

use crate::chars::part;
use crate::limits::{Leniency, Limits};
use crate::message::Msg;
use crate::name::{COUNT, Name};
use crate::rows::{ContentLength, Row, empty_line, row};
use crate::start::{StartSpans, start_line};

/// No message is larger than this, whatever [`Limits::message`] says: spans are 32 bits wide.
const MESSAGE_MAX: usize = 16 << 20;
/// No more rows than this, whatever [`Limits::headers`] says: row numbers are 16 bits wide.
const HEADERS_MAX: usize = 65_534;
/// In [`Index::first`]: no row of that name.
pub(crate) const NONE: u16 = u16::MAX;

/// The reusable table of spans of one message. Keep one per worker; parsing empties it first.
#[derive(Clone, Debug)]
pub struct Index {
    pub(crate) start: StartSpans,
    pub(crate) rows: Vec<Row>,
    /// The first row of each name.
    pub(crate) first: [u16; COUNT],
    /// Bit by name: it has more than one row.
    pub(crate) repeated: u128,
    pub(crate) body_start: usize,
}

impl Index {
    /// An empty table; it allocates on first use and then keeps its room.
    pub fn new() -> Index {
        Index { start: StartSpans::EMPTY, rows: Vec::new(), first: [NONE; COUNT], repeated: 0, body_start: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.start = StartSpans::EMPTY;
        self.rows.clear();
        self.first = [NONE; COUNT];
        self.repeated = 0;
        self.body_start = 0;
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, row: Row) {
        let id = row.name as usize;
        if let Some(first) = self.first.get_mut(id) {
            if *first == NONE {
                *first = self.rows.len() as u16;
            } else {
                self.repeated |= 1 << id;
            }
        }
        self.rows.push(row);
    }
}

impl Default for Index {
    fn default() -> Index {
        Index::new()
    }
}

const _: () = assert!(COUNT <= 128, "Index::repeated has one bit for each name");

/// Why bytes are not a message, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// What was expected.
    pub kind: ParseErrorKind,
    /// Offset into the bytes handed to [`parse`].
    pub offset: usize,
}

/// The cause of a [`ParseError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// Nothing but line ends (a keepalive, RFC 5626 §4.4.1) or nothing at all.
    #[error("expected a message, found none")]
    Empty,
    /// More than [`Limits::message`] bytes.
    #[error("message larger than the limit")]
    MessageTooLarge,
    /// More than [`Limits::start_line`] bytes.
    #[error("start line longer than the limit")]
    StartLineTooLong,
    /// Not three parts with one space between them.
    #[error("expected a start line of three parts with single spaces")]
    StartLineMalformed,
    /// The method is not a token.
    #[error("expected a method token")]
    MethodMalformed,
    /// The Request-URI is empty or holds control bytes.
    #[error("expected a Request-URI")]
    RequestUriMalformed,
    /// A SIP version other than 2.0.
    #[error("expected SIP/2.0")]
    VersionUnsupported,
    /// Not three digits from 100 to 699.
    #[error("expected a status code from 100 to 699")]
    StatusCodeMalformed,
    /// The bytes end before the empty line that ends the header.
    #[error("expected an empty line after the headers")]
    HeadUnterminated,
    /// A CR that no LF follows.
    #[error("expected LF after CR")]
    BareCarriageReturn,
    /// An LF that no CR precedes.
    #[error("expected CR before LF")]
    BareLineFeed,
    /// A NUL byte outside a quoted pair.
    #[error("expected no NUL byte here")]
    Nul,
    /// The first header row starts with a blank.
    #[error("expected a header name before a folded line")]
    FoldWithoutHeader,
    /// A header name that is not a token.
    #[error("expected a header name")]
    HeaderNameMalformed,
    /// A row without colon.
    #[error("expected a colon after the header name")]
    ColonMissing,
    /// A row longer than [`Limits::header_line`].
    #[error("header row longer than the limit")]
    HeaderTooLong,
    /// More rows than [`Limits::headers`].
    #[error("more header rows than the limit")]
    TooManyHeaders,
    /// Content-Length is not a plain decimal number.
    #[error("expected digits in Content-Length")]
    ContentLengthMalformed,
    /// Content-Length stands more than once.
    #[error("expected one Content-Length")]
    ContentLengthRepeated,
    /// Content-Length is above [`Limits::message`].
    #[error("body larger than the limit")]
    BodyTooLarge,
    /// The datagram ends before the body does (RFC 3261 §18.3).
    #[error("expected a body as long as Content-Length says")]
    BodyShort,
}

impl ParseErrorKind {
    /// The status that answers a request with this fault (RFC 3261 §21.4.1, §21.4.11, §21.5.6, §21.5.7);
    /// a response with it is dropped.
    pub fn status(self) -> u16 {
        match self {
            ParseErrorKind::VersionUnsupported => 505,
            ParseErrorKind::BodyTooLarge => 413,
            ParseErrorKind::StartLineTooLong => 414,
            ParseErrorKind::MessageTooLarge
            | ParseErrorKind::HeaderTooLong
            | ParseErrorKind::TooManyHeaders => 513,
            _ => 400,
        }
    }
}

/// Reads one message from `bytes`: a datagram, or what a [`crate::Framer`] cut out.
///
/// The body is as long as Content-Length says: bytes after it are ignored, too few are an error. Without
/// Content-Length it is all the rest (RFC 3261 §18.3). Line ends before the start line are skipped (§7.5).
pub fn parse<'a>(
    bytes: &'a [u8],
    index: &'a mut Index,
    limits: &Limits,
    leniency: Leniency,
) -> Result<Msg<'a>, ParseError> {
    if bytes.len() > limits.message.min(MESSAGE_MAX) {
        return Err(ParseError {
            kind: ParseErrorKind::MessageTooLarge,
            offset: limits.message.min(MESSAGE_MAX),
        });
    }
    let lead = leading_line_ends(bytes, leniency);
    let bytes = bytes.get(lead..).unwrap_or(&[]);
    match fill(bytes, index, limits, leniency) {
        Ok(end) => Ok(Msg::new(bytes.get(..end).unwrap_or(bytes), index)),
        Err(error) => Err(ParseError { offset: error.offset + lead, ..error }),
    }
}

/// The number of bytes of empty lines before the start line.
pub(crate) fn leading_line_ends(bytes: &[u8], leniency: Leniency) -> usize {
    let mut at = 0;
    while let Some(next) = empty_line(bytes, at, leniency) {
        at = next;
    }
    at
}

/// Fills `index` and returns where the message ends.
fn fill(bytes: &[u8], index: &mut Index, limits: &Limits, leniency: Leniency) -> Result<usize, ParseError> {
    index.clear();
    if bytes.is_empty() {
        return Err(ParseError { kind: ParseErrorKind::Empty, offset: 0 });
    }
    index.start = start_line(bytes, limits, leniency)?;
    let rows_max = limits.headers.min(HEADERS_MAX);
    let mut at = index.start.next as usize;
    index.body_start = loop {
        if let Some(body) = empty_line(bytes, at, leniency) {
            break body;
        }
        if index.rows.len() >= rows_max {
            return Err(ParseError { kind: ParseErrorKind::TooManyHeaders, offset: at });
        }
        let row = row(bytes, at, limits, leniency)?;
        at = row.next as usize;
        index.add(row);
    };
    body_end(bytes, index, limits, leniency)
}

fn body_end(bytes: &[u8], index: &Index, limits: &Limits, leniency: Leniency) -> Result<usize, ParseError> {
    let mut length = ContentLength::default();
    let rows_max = if index.repeated & (1 << Name::ContentLength as u32) == 0 { 1 } else { usize::MAX };
    let first = usize::from(index.first[Name::ContentLength as usize]);
    let rows = index.rows.get(first..).unwrap_or(&[]).iter();
    for row in rows.filter(|row| row.name == Name::ContentLength).take(rows_max) {
        let value = part(bytes, row.value_start as usize, row.value_end as usize);
        length
            .add(value, limits, leniency)
            .map_err(|kind| ParseError { kind, offset: row.value_start as usize })?;
    }
    let Some(length) = length.length() else {
        return Ok(bytes.len());
    };
    let end = index.body_start.saturating_add(length);
    if end > bytes.len() && !leniency.short_datagram_body {
        return Err(ParseError { kind: ParseErrorKind::BodyShort, offset: bytes.len() });
    }
    Ok(end.min(bytes.len()))
}
