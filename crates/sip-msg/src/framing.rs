//! [`Framer`] cuts a byte stream (TCP, TLS, WebSocket-less) into messages (RFC 3261 §18.3) and keepalives
//! (RFC 5626 §3.5.1, §4.4.1).
//!
//! It owns one bounded buffer per connection. How the bytes were split on their way never changes the frames.
//! Whatever makes the end of a message uncertain is an error, and after an error there are no more frames: the
//! connection must be closed, since every later byte could be read in two ways.

use crate::chars::part;
use crate::limits::{Leniency, Limits};
use crate::name::Name;
use crate::parse::ParseErrorKind;
use crate::rows::{ContentLength, empty_line, row};

/// An emptied buffer larger than this is given back.
const KEPT_CAPACITY: usize = 16 << 10;

/// One thing cut from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A whole message, ready for [`crate::parse`].
    Message(&'a [u8]),
    /// The second of two empty lines between messages: a ping, to be answered with CRLF if the peer opened the
    /// connection. The first one has been reported as [`Frame::Pong`].
    Ping,
    /// An empty line between messages: the answer to our ping, else without meaning (RFC 3261 §7.5). It is
    /// reported at once, as nothing tells whether another will follow.
    Pong,
}

/// Why there is no frame. All but [`FrameError::BufferFull`] last: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// [`Limits::stream_buffer`] would be passed; nothing was taken. Take frames out, then push again.
    #[error("stream buffer full")]
    BufferFull,
    /// A message without Content-Length (RFC 3261 §18.3).
    #[error("expected Content-Length on a stream")]
    LengthMissing,
    /// Line ends or Content-Length that leave the end of the message uncertain.
    #[error("{0}")]
    Broken(ParseErrorKind),
}

impl FrameError {
    /// The status for a last answer before the connection closes; see [`Framer::pending`].
    pub fn status(self) -> u16 {
        match self {
            FrameError::BufferFull => 513,
            FrameError::LengthMissing => 400,
            FrameError::Broken(kind) => kind.status(),
        }
    }
}

/// The framing state of one connection.
#[derive(Clone, Debug)]
pub struct Framer {
    limits: Limits,
    leniency: Leniency,
    buffer: Vec<u8>,
    /// Where the unfinished frame starts in `buffer`.
    start: usize,
    /// Length of the frame handed out last, dropped at the next call.
    taken: usize,
    head: Head,
    /// Whether the last thing taken out was an odd empty line.
    after_pong: bool,
    failed: Option<FrameError>,
}

/// Progress inside the current message; offsets from [`Framer::start`].
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    /// Start of the line being looked for.
    line: usize,
    /// No line end before this.
    searched: usize,
    /// The first line that may be Content-Length.
    candidate: Option<usize>,
    /// End of the message, once the head has been read.
    total: Option<usize>,
}

impl Framer {
    /// A framer for a new connection.
    pub fn new(limits: &Limits, leniency: Leniency) -> Framer {
        Framer {
            limits: *limits,
            leniency,
            buffer: Vec::new(),
            start: 0,
            taken: 0,
            head: Head::default(),
            after_pong: false,
            failed: None,
        }
    }

    /// Takes bytes in. Call [`Framer::next`] until it gives `None` before pushing again.
    ///
    /// # Errors
    /// [`FrameError::BufferFull`], and the lasting error if there is one.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.drop_taken();
        if self.buffer.len() - self.start + bytes.len() > self.limits.stream_buffer {
            return Err(FrameError::BufferFull);
        }
        // Moving what is left to the front happens at most once per push, and at most one message is left.
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next frame, `None` if more bytes are needed.
    ///
    /// # Errors
    /// Any lasting [`FrameError`].
    #[allow(
        clippy::should_implement_trait,
        reason = "the frame borrows the framer, which Iterator cannot say"
    )]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.drop_taken();
        if self.head.searched == 0 && self.head.total.is_none() {
            let unread = part(&self.buffer, self.start, self.buffer.len());
            if let Some(length) = empty_line(unread, 0, self.leniency) {
                self.taken = length;
                self.after_pong = !self.after_pong;
                return Ok(Some(if self.after_pong { Frame::Pong } else { Frame::Ping }));
            }
        }
        match self.advance() {
            Ok(Some(total)) => {
                self.taken = total;
                self.after_pong = false;
                Ok(Some(Frame::Message(part(&self.buffer, self.start, self.start + total))))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// What has come of the unfinished message: after an error, the bytes to [`crate::salvage`] an answer from.
    pub fn pending(&self) -> &[u8] {
        part(&self.buffer, self.start + self.taken, self.buffer.len())
    }

    fn drop_taken(&mut self) {
        if self.taken > 0 {
            self.start += self.taken;
            self.taken = 0;
            self.head = Head::default();
        }
    }

    /// Reads on; the length of the message once all of it is here.
    fn advance(&mut self) -> Result<Option<usize>, FrameError> {
        let unread = part(&self.buffer, self.start, self.buffer.len());
        let total = match self.head.total {
            Some(total) => total,
            None => {
                let Some(head_end) = self.head.find_end(unread, &self.limits, self.leniency)? else {
                    return Ok(None);
                };
                let total = head_end.saturating_add(self.body_length(part(unread, 0, head_end))?);
                if total > self.limits.message {
                    return Err(FrameError::Broken(ParseErrorKind::MessageTooLarge));
                }
                self.head.total = Some(total);
                total
            }
        };
        Ok((unread.len() >= total).then_some(total))
    }

    /// What Content-Length says, read by the same row reader as [`crate::parse`].
    fn body_length(&self, head: &[u8]) -> Result<usize, FrameError> {
        let mut length = ContentLength::default();
        if let Some(mut at) = self.head.candidate {
            while empty_line(head, at, self.leniency).is_none() {
                let row = row(head, at, &self.limits, self.leniency)
                    .map_err(|error| FrameError::Broken(error.kind))?;
                if row.name == Name::ContentLength {
                    let value = part(head, row.value_start as usize, row.value_end as usize);
                    length.add(value, &self.limits, self.leniency).map_err(FrameError::Broken)?;
                }
                at = row.next as usize;
            }
        }
        match length.length() {
            Some(length) => Ok(length),
            None if self.leniency.missing_content_length_on_stream => Ok(0),
            None => Err(FrameError::LengthMissing),
        }
    }
}

impl Head {
    /// Looks for the empty line, never at a byte twice. `None` if it has not come yet.
    fn find_end(
        &mut self,
        unread: &[u8],
        limits: &Limits,
        leniency: Leniency,
    ) -> Result<Option<usize>, FrameError> {
        let broken = |kind| Err(FrameError::Broken(kind));
        loop {
            let rest = unread.get(self.searched..).unwrap_or(&[]);
            let Some(offset) = memchr::memchr2(b'\r', b'\n', rest) else {
                self.searched = unread.len();
                break;
            };
            let found = self.searched + offset;
            let next = match rest.get(offset..) {
                Some([b'\r', b'\n', ..]) => found + 2,
                Some([b'\r']) => {
                    self.searched = found;
                    break;
                }
                Some([b'\r', ..]) => return broken(ParseErrorKind::BareCarriageReturn),
                _ if leniency.bare_lf => found + 1,
                _ => return broken(ParseErrorKind::BareLineFeed),
            };
            if found == self.line {
                return self.within(next, limits).map(|()| Some(next));
            }
            self.end_line(unread, found, limits)?;
            self.line = next;
            self.searched = next;
        }
        self.within(unread.len(), limits)?;
        self.end_line_length(unread.len(), limits)?;
        Ok(None)
    }

    fn within(&self, length: usize, limits: &Limits) -> Result<(), FrameError> {
        if length > limits.message {
            Err(FrameError::Broken(ParseErrorKind::MessageTooLarge))
        } else {
            Ok(())
        }
    }

    fn end_line(&mut self, unread: &[u8], end: usize, limits: &Limits) -> Result<(), FrameError> {
        self.end_line_length(end, limits)?;
        if self.line > 0
            && self.candidate.is_none()
            && matches!(unread.get(self.line), Some(b'c' | b'C' | b'l' | b'L'))
        {
            self.candidate = Some(self.line);
        }
        Ok(())
    }

    /// One line alone may not pass its limit, so that a peer without line ends is found out early.
    fn end_line_length(&self, end: usize, limits: &Limits) -> Result<(), FrameError> {
        let length = end.saturating_sub(self.line);
        if self.line == 0 && length > limits.start_line.saturating_add(1) {
            return Err(FrameError::Broken(ParseErrorKind::StartLineTooLong));
        }
        if self.line > 0 && length > limits.header_line {
            return Err(FrameError::Broken(ParseErrorKind::HeaderTooLong));
        }
        Ok(())
    }
}
