//! A whole description: parsed once, kept as views over the given bytes.
//!
//! Enter through [`parse`]. Order and unknown lines stay as they were; the strictness is in what
//! the media descriptions mean, not in how the lines are arranged.

use crate::address::{Address, Origin};
use crate::direction::Direction;
use crate::error::{SdpError, SdpErrorKind};
use crate::line::{Line, Lines, attribute, attributes};
use crate::media::Media;
use smallvec::SmallVec;

/// What a description may cost us. Every hit is an [`SdpErrorKind`] of its own, for the caller to
/// count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// m= lines.
    pub media: usize,
    /// Lines of any type.
    pub lines: usize,
    /// Formats on one m= line.
    pub formats: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 32_768, media: 16, lines: 1_024, formats: 64 }
    }
}

/// A parsed description; a view over the bytes given to [`parse`].
#[derive(Clone, Debug)]
pub struct Session<'a> {
    pub(crate) bytes: &'a [u8],
    /// The lines above the first m= line.
    pub(crate) head: &'a [u8],
    connection: Option<Address<'a>>,
    media: SmallVec<[Media<'a>; 2]>,
}

/// Reads a description (RFC 8866 §9), tolerant as the module `line` says.
///
/// # Errors
/// The first line that breaks a limit, has no type letter, or is a v=, c= or m= line that cannot
/// be understood. Other lines are kept whatever they hold.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Session<'a>, SdpError> {
    if bytes.len() > limits.bytes {
        return Err(SdpError::at(0, SdpErrorKind::TooLong { max: limits.bytes }));
    }
    let mut reading = Reading::new(bytes, limits);
    let mut count = 0;
    for line in Lines::new(bytes) {
        count += 1;
        if count > limits.lines {
            return Err(SdpError::at(line.number, SdpErrorKind::TooManyLines { max: limits.lines }));
        }
        if count == 1 && (line.kind != b'v' || line.value.trim_ascii() != b"0") {
            return Err(SdpError::at(line.number, SdpErrorKind::Version));
        }
        reading.take(&line).map_err(|kind| SdpError::at(line.number, kind))?;
    }
    if count == 0 {
        return Err(SdpError::at(0, SdpErrorKind::Version));
    }
    Ok(reading.finish())
}

/// A description half read: which section the next line belongs to.
struct Reading<'a, 'l> {
    limits: &'l Limits,
    session: Session<'a>,
    direction: Option<Direction>,
    /// Offset where the current section's lines begin.
    section_start: usize,
}

impl<'a, 'l> Reading<'a, 'l> {
    fn new(bytes: &'a [u8], limits: &'l Limits) -> Reading<'a, 'l> {
        let session = Session { bytes, head: bytes, connection: None, media: SmallVec::new() };
        Reading { limits, session, direction: None, section_start: 0 }
    }

    fn take(&mut self, line: &Line<'a>) -> Result<(), SdpErrorKind> {
        // No byte-string of the grammar may hold these (RFC 8866 §9).
        if memchr::memchr2(b'\r', 0, line.value).is_some() {
            return Err(SdpErrorKind::StrayByte);
        }
        match line.kind {
            0 => return Err(SdpErrorKind::NotALine),
            b'm' => self.open_media(line)?,
            b'c' => {
                let address = Address::from_connection(line.value)?;
                let slot = match self.session.media.last_mut() {
                    Some(media) => &mut media.own_connection,
                    None => &mut self.session.connection,
                };
                slot.get_or_insert(address);
            }
            b'a' => {
                if let Some(direction) = Direction::from_name(attribute(line.value).0) {
                    let slot = match self.session.media.last_mut() {
                        Some(media) => &mut media.own_direction,
                        None => &mut self.direction,
                    };
                    slot.get_or_insert(direction);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_media(&mut self, line: &Line<'a>) -> Result<(), SdpErrorKind> {
        let max = self.limits.media;
        if self.session.media.len() >= max {
            return Err(SdpErrorKind::TooManyMedia { max });
        }
        let media = Media::from_line(line, self.limits.formats)?;
        self.close_section(line.start);
        self.section_start = line.next;
        self.session.media.push(media);
        Ok(())
    }

    fn close_section(&mut self, end: usize) {
        let section = self.session.bytes.get(self.section_start..end).unwrap_or_default();
        match self.session.media.last_mut() {
            Some(media) => media.section = section,
            None => self.session.head = section,
        }
    }

    fn finish(mut self) -> Session<'a> {
        self.close_section(self.session.bytes.len());
        for media in &mut self.session.media {
            media.session_connection = self.session.connection;
            media.session_direction = self.direction;
            media.head = self.session.head;
        }
        self.session
    }
}

impl<'a> Session<'a> {
    /// The bytes as given.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The o= line; none where it is missing or has too few fields.
    #[must_use]
    pub fn origin(&self) -> Option<Origin<'a>> {
        self.lines().find(|line| line.kind == b'o').and_then(|line| Origin::from_value(line.value))
    }

    /// The session's connection address; media may have their own.
    #[must_use]
    pub fn connection(&self) -> Option<Address<'a>> {
        self.connection
    }

    /// The media descriptions, in order.
    #[must_use]
    pub fn media(&self) -> &[Media<'a>] {
        &self.media
    }

    /// The lines above the first m= line, in order; unknown ones too.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        Lines::new(self.head)
    }

    /// The bandwidth of a kind that the session's b= line allows its media (RFC 8866 §5.8).
    #[must_use]
    pub fn bandwidth(&self, kind: &str) -> Option<u32> {
        crate::media::bandwidth(self.head, kind)
    }

    /// The values of the session's a= lines of that name (empty for property attributes).
    pub fn attributes<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        attributes(self.head, name.as_bytes())
    }
}

/// Whether two descriptions are the same line by line, the version in o= aside.
///
/// RFC 3264 §8: an unchanged description keeps its version; some peers count it up in every
/// refresh, some change the description and forget to. This compares what is said.
#[must_use]
pub fn same_except_version(a: &[u8], b: &[u8]) -> bool {
    let mut left = Lines::new(a);
    let mut right = Lines::new(b);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if is_same_line(&a, &b) => {}
            _ => return false,
        }
    }
}

fn is_same_line(a: &Line<'_>, b: &Line<'_>) -> bool {
    if a.kind != b.kind {
        return false;
    }
    if a.value == b.value {
        return true;
    }
    match (a.kind, Origin::from_value(a.value), Origin::from_value(b.value)) {
        (b'o', Some(a), Some(b)) => Origin { sess_version: b.sess_version, ..a } == b,
        _ => false,
    }
}
