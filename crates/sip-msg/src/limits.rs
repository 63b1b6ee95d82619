//! What a message may weigh, and which departures from the grammar are tolerated.
//!
//! Limits are checked before anything is stored, so an attacker chooses neither our memory nor our time.
//! Leniencies are named one by one; the default is what RFC 3261 itself allows.

/// Upper bounds on one message. Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A whole message, start line to end of body. Never above 16 MiB, whatever is set.
    pub message: usize,
    /// Header rows in one message. Never above 65,534.
    pub headers: usize,
    /// One header row with its folded lines and CRLF. Never above 65,535.
    pub header_line: usize,
    /// The start line without its CRLF.
    pub start_line: usize,
    /// What a [`crate::Framer`] may hold that has not been taken out yet.
    pub stream_buffer: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message: 65_535,
            headers: 256,
            header_line: 16_384,
            start_line: 8_192,
            stream_buffer: 2 * 65_535,
        }
    }
}

/// Tolerated departures from RFC 3261's grammar; each is off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// A line may end with LF alone.
    pub bare_lf: bool,
    /// On a stream, a message without Content-Length has an empty body (RFC 3261 §18.3 requires the header).
    pub missing_content_length_on_stream: bool,
    /// Content-Length may be repeated if every row says the same number.
    pub repeated_content_length: bool,
    /// The start line may hold runs of blanks between its parts and blanks at its end.
    pub start_line_blanks: bool,
    /// A body shorter than Content-Length in a datagram is taken as it is (RFC 3261 §18.3 says 400).
    pub short_datagram_body: bool,
    /// A Date that is not in GMT does not fault the message ([`crate::verify`]).
    pub foreign_date: bool,
    /// A Request-URI may carry URI headers ("?…"), which RFC 3261 §19.1.1 forbids there.
    pub request_uri_headers: bool,
}
