//! [`Msg`]: one parsed message as a borrowed view, with typed values read when asked.
//!
//! A `Msg` is two references. It allocates nowhere and remembers nothing, so reading a value twice parses it
//! twice: keep what you use. Single-valued headers that stand more than once are an error, never a choice.

use crate::addr::NameAddr;
use crate::chars::{lws_byte, number, part, trim};
use crate::header::{CSeq, HeaderError, HeaderErrorKind, RAck, Reason, SessionExpires};
use crate::list::List;
use crate::method::Method;
use crate::name::Name;
use crate::parse::Index;
use crate::rows::Row;
use crate::via::Via;

/// A parsed message; copy it freely.
#[derive(Clone, Copy, Debug)]
pub struct Msg<'a> {
    bytes: &'a [u8],
    index: &'a Index,
}

/// The start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// RFC 3261 §7.1
    Request {
        /// [`Method::Other`] if unknown.
        method: Method,
        /// The method as written.
        method_token: &'a [u8],
        /// The Request-URI as written.
        uri: &'a [u8],
    },
    /// RFC 3261 §7.2
    Response {
        /// 100 to 699.
        status: u16,
        /// The reason phrase, any bytes but CR and LF; may be empty.
        reason: &'a [u8],
    },
}

/// One header row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The id, the same for long and compact spelling.
    pub name: Name,
    /// The name as written, without blanks.
    pub raw_name: &'a [u8],
    /// The value without blanks at its ends; folds are still inside.
    pub value: &'a [u8],
    /// The whole row with all its line ends.
    pub row: &'a [u8],
}

impl<'a> Msg<'a> {
    pub(crate) fn new(bytes: &'a [u8], index: &'a Index) -> Msg<'a> {
        Msg { bytes, index }
    }

    /// The message from start line to end of body, exactly as it came.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The start line.
    pub fn start(self) -> Start<'a> {
        if self.is_request() {
            let (method, method_token, uri) = (self.method(), self.method_token(), self.request_uri());
            Start::Request { method, method_token, uri }
        } else {
            Start::Response { status: self.status(), reason: self.reason_phrase() }
        }
    }

    /// Whether this is a request.
    pub fn is_request(self) -> bool {
        self.index.start.status == 0
    }

    /// The method of a request; of a response the method in its CSeq ([`Method::Other`] if unreadable).
    pub fn method(self) -> Method {
        if self.is_request() {
            return self.index.start.method;
        }
        self.cseq().map_or(Method::Other, |cseq| cseq.method)
    }

    /// Like [`Msg::method`], the bytes; empty for a response whose CSeq is unreadable.
    pub fn method_token(self) -> &'a [u8] {
        if self.is_request() {
            return part(self.bytes, 0, self.index.start.method_length as usize);
        }
        self.cseq().map_or(&[], |cseq| cseq.token)
    }

    /// The status of a response; 0 for a request.
    pub fn status(self) -> u16 {
        self.index.start.status
    }

    /// The reason phrase of a response; empty for a request.
    pub fn reason_phrase(self) -> &'a [u8] {
        if self.is_request() { &[] } else { self.start_text() }
    }

    /// The Request-URI as written; empty for a response.
    pub fn request_uri(self) -> &'a [u8] {
        if self.is_request() { self.start_text() } else { &[] }
    }

    fn start_text(self) -> &'a [u8] {
        part(self.bytes, self.index.start.text_start as usize, self.index.start.text_end as usize)
    }

    /// The start line with its line end.
    pub(crate) fn start_row(self) -> &'a [u8] {
        part(self.bytes, 0, self.index.start.next as usize)
    }

    /// Where the Request-URI or reason phrase stands.
    pub(crate) fn start_text_span(self) -> (usize, usize) {
        (self.index.start.text_start as usize, self.index.start.text_end as usize)
    }

    /// From the empty line after the headers to the start of the body.
    pub(crate) fn separator(self) -> &'a [u8] {
        let after_rows = self.index.rows.last().map_or(self.index.start.next, |row| row.next);
        part(self.bytes, after_rows as usize, self.index.body_start)
    }

    /// All header rows in order.
    pub fn headers(self) -> impl Iterator<Item = Header<'a>> + Clone {
        self.index.rows.iter().map(move |row| self.header(row))
    }

    fn header(self, row: &Row) -> Header<'a> {
        let start = row.start as usize;
        Header {
            name: row.name,
            raw_name: part(self.bytes, start, start + usize::from(row.name_length)),
            value: self.value(row),
            row: part(self.bytes, start, row.next as usize),
        }
    }

    #[inline(always)]
    fn value(self, row: &Row) -> &'a [u8] {
        part(self.bytes, row.value_start as usize, row.value_end as usize)
    }

    /// The values of all rows of that name, in order; may be empty values.
    pub fn rows(self, name: Name) -> RowsOf<'a> {
        RowsOf::new(self, name)
    }

    /// The values of all rows whose name is spelled so (ASCII case-insensitive). Compact forms are not expanded:
    /// use it for names outside [`Name`].
    pub fn row_named(self, raw: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let wanted = move |header: &Header<'a>| header.raw_name.eq_ignore_ascii_case(raw.as_bytes());
        self.headers().filter(wanted).map(|header| header.value)
    }

    /// The value of the first row of that name.
    pub fn first(self, name: Name) -> Option<&'a [u8]> {
        let row = usize::from(*self.index.first.get(name as usize)?);
        self.index.rows.get(row).map(|row| self.value(row))
    }

    /// Whether that name has more than one row.
    pub fn is_repeated(self, name: Name) -> bool {
        self.index.repeated & (1 << (name as usize)) != 0
    }

    /// The comma-separated elements over all rows of that name, empty ones left out (RFC 3261 §7.3.1).
    pub fn list(self, name: Name) -> List<'a> {
        List::new(self, name)
    }

    /// Whether a list header (option tags, methods) holds that token, ASCII case-insensitive, parameters ignored.
    pub fn has_token(self, name: Name, token: &str) -> bool {
        self.list(name).any(|element| before_params(element).eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The body; empty if there is none.
    pub fn body(self) -> &'a [u8] {
        part(self.bytes, self.index.body_start, self.bytes.len())
    }

    /// The value of a header that may stand at most once.
    fn single(self, name: Name) -> Result<Option<&'a [u8]>, HeaderError> {
        if self.is_repeated(name) {
            return Err(HeaderError { name, kind: HeaderErrorKind::Duplicate, offset: 0 });
        }
        Ok(self.first(name))
    }

    /// The value of a header that must stand exactly once.
    fn required(self, name: Name) -> Result<&'a [u8], HeaderError> {
        self.single(name)?.ok_or(HeaderError { name, kind: HeaderErrorKind::Missing, offset: 0 })
    }

    /// The topmost Via (RFC 3261 §18.2.1).
    pub fn via(self) -> Result<Via<'a>, HeaderError> {
        let missing = HeaderError { name: Name::Via, kind: HeaderErrorKind::Missing, offset: 0 };
        Via::parse(self.first(Name::Via).ok_or(missing)?)
    }

    /// From (RFC 3261 §20.20).
    pub fn from(self) -> Result<NameAddr<'a>, HeaderError> {
        NameAddr::parse_in(Name::From, self.required(Name::From)?)
    }

    /// To (RFC 3261 §20.39).
    pub fn to(self) -> Result<NameAddr<'a>, HeaderError> {
        NameAddr::parse_in(Name::To, self.required(Name::To)?)
    }

    /// The first Contact (RFC 3261 §20.10). `*`, which only REGISTER may carry, is an error here.
    pub fn contact(self) -> Result<Option<NameAddr<'a>>, HeaderError> {
        let Some(element) = self.list(Name::Contact).next() else {
            return Ok(None);
        };
        NameAddr::parse_in(Name::Contact, element).map(Some)
    }

    /// CSeq (RFC 3261 §20.16).
    pub fn cseq(self) -> Result<CSeq<'a>, HeaderError> {
        CSeq::parse(self.required(Name::CSeq)?)
    }

    /// Call-ID (RFC 3261 §20.8): one word of visible bytes.
    pub fn call_id(self) -> Result<&'a [u8], HeaderError> {
        let value = self.required(Name::CallId)?;
        match value.iter().position(|byte| *byte <= 0x20 || *byte == 0x7f) {
            None if !value.is_empty() => Ok(value),
            stray => Err(HeaderError::malformed(Name::CallId, "one word", stray.unwrap_or(0))),
        }
    }

    /// Max-Forwards (RFC 3261 §20.22), 0 to 255.
    pub fn max_forwards(self) -> Result<Option<u8>, HeaderError> {
        let Some(value) = self.single(Name::MaxForwards)? else {
            return Ok(None);
        };
        match number(value).and_then(|hops| u8::try_from(hops).ok()) {
            Some(hops) => Ok(Some(hops)),
            None => Err(HeaderError::malformed(Name::MaxForwards, "a number from 0 to 255", 0)),
        }
    }

    /// Session-Expires (RFC 4028 §4).
    pub fn session_expires(self) -> Result<Option<SessionExpires>, HeaderError> {
        self.single(Name::SessionExpires)?.map(SessionExpires::parse).transpose()
    }

    /// Min-SE in seconds (RFC 4028 §5); parameters ignored.
    pub fn min_se(self) -> Result<Option<u32>, HeaderError> {
        self.single_number(Name::MinSe, "a number of seconds")
    }

    /// RSeq (RFC 3262 §7.1), 1 to 2^32-1.
    pub fn rseq(self) -> Result<Option<u32>, HeaderError> {
        match self.single_number(Name::RSeq, "a number from 1 to 2^32-1")? {
            Some(0) => Err(HeaderError::malformed(Name::RSeq, "a number from 1 to 2^32-1", 0)),
            rseq => Ok(rseq),
        }
    }

    fn single_number(self, name: Name, expected: &'static str) -> Result<Option<u32>, HeaderError> {
        let Some(value) = self.single(name)? else {
            return Ok(None);
        };
        match number(before_params(value)).and_then(|value| u32::try_from(value).ok()) {
            Some(value) => Ok(Some(value)),
            None => Err(HeaderError::malformed(name, expected, 0)),
        }
    }

    /// RAck (RFC 3262 §7.2).
    pub fn rack(self) -> Result<Option<RAck<'a>>, HeaderError> {
        self.single(Name::RAck)?.map(RAck::parse).transpose()
    }

    /// Retry-After in seconds (RFC 3261 §20.33), comment and parameters ignored; saturated at `u32::MAX`.
    pub fn retry_after(self) -> Option<u32> {
        leading_seconds(self.first(Name::RetryAfter)?)
    }

    /// Expires in seconds (RFC 3261 §20.19), saturated at `u32::MAX`; `None` if absent or malformed.
    pub fn expires(self) -> Option<u32> {
        leading_seconds(self.first(Name::Expires)?)
    }

    /// Content-Type as written, parameters included.
    pub fn content_type(self) -> Option<&'a [u8]> {
        self.first(Name::ContentType)
    }

    /// Whether the body is `application/sdp`, parameters ignored. Repeated Content-Type rows are no type.
    pub fn is_sdp(self) -> bool {
        let is_sdp = |value| media_type_is(before_params(value), b"application", b"sdp");
        let once = !self.is_repeated(Name::ContentType) && !self.is_encoded();
        once && self.content_type().is_some_and(is_sdp)
    }

    /// Whether the body is encoded in a way that has to be undone to read it (RFC 3261 §20.12).
    pub fn is_encoded(self) -> bool {
        self.list(Name::ContentEncoding).any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
    }

    /// The Reason values in order (RFC 3326 §2).
    pub fn reason(self) -> impl Iterator<Item = Reason<'a>> + Clone {
        self.list(Name::Reason).map(Reason::parse)
    }
}

/// What stands before the first semicolon, trimmed.
fn before_params(value: &[u8]) -> &[u8] {
    trim(part(value, 0, memchr::memchr(b';', value).unwrap_or(value.len())))
}

/// Whether `value` is `kind/subtype`, blanks around the slash allowed (RFC 3261 §25.1 `m-type SLASH m-subtype`).
fn media_type_is(value: &[u8], kind: &[u8], subtype: &[u8]) -> bool {
    let Some(slash) = memchr::memchr(b'/', value) else {
        return false;
    };
    trim(part(value, 0, slash)).eq_ignore_ascii_case(kind)
        && trim(part(value, slash + 1, value.len())).eq_ignore_ascii_case(subtype)
}

/// The digits at the start of a value, which must end, or go on after a blank, `;` or `(`.
fn leading_seconds(value: &[u8]) -> Option<u32> {
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    match value.get(end) {
        Some(byte) if !(lws_byte(*byte) || matches!(byte, b';' | b'(')) => None,
        _ => number(part(value, 0, end)).map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}

/// Iterator of [`Msg::rows`].
#[derive(Clone, Debug)]
pub struct RowsOf<'a> {
    message: Msg<'a>,
    name: Name,
    next: usize,
    done: bool,
}

impl<'a> RowsOf<'a> {
    pub(crate) fn new(message: Msg<'a>, name: Name) -> RowsOf<'a> {
        let next = message.index.first.get(name as usize).map_or(usize::MAX, |first| usize::from(*first));
        RowsOf { message, name, next, done: false }
    }
}

impl<'a> Iterator for RowsOf<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.done {
            return None;
        }
        let rows = self.message.index.rows.get(self.next..)?;
        let found = rows.iter().position(|row| row.name == self.name)?;
        let row = rows.get(found)?;
        self.next += found + 1;
        self.done = !self.message.is_repeated(self.name);
        Some(self.message.value(row))
    }
}
