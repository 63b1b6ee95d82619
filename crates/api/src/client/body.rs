//! The head of an answer, and its body as a reader: by length, in chunks, or to the end
//! (RFC 9112 §6.3).

use std::io::{self, BufRead, BufReader, Read};

/// Longest line of a head or of a chunk's size, bytes.
const LINE_MAX: u64 = 8 * 1024;
/// Most header lines.
const LINES_MAX: usize = 64;

/// How much of the body is left.
#[derive(Debug)]
enum Left {
    /// So many bytes.
    Length(u64),
    /// So many bytes of this chunk; `None` before the next chunk's size.
    Chunk(Option<u64>),
    /// All until the connection ends.
    ToEnd,
    /// Nothing.
    Nothing,
}

/// The body of an answer.
#[derive(Debug)]
pub struct Answer<R> {
    reader: BufReader<R>,
    left: Left,
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    reader.take(LINE_MAX).read_line(&mut text)?;
    match text.strip_suffix('\n') {
        Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
        None if text.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(strange("a line without end")),
    }
}

/// Reads the head: the status and the body that follows.
pub(super) fn head<R: Read>(stream: R) -> io::Result<(u16, Answer<R>)> {
    let mut reader = BufReader::new(stream);
    let first = line(&mut reader)?;
    let mut words = first.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok()).filter(|s| (100..600).contains(s));
    let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
        return Err(strange("no HTTP answer"));
    };
    let mut left = Left::ToEnd;
    for _ in 0..LINES_MAX {
        let text = line(&mut reader)?;
        if text.is_empty() {
            return Ok((status, Answer { reader, left: if status == 204 { Left::Nothing } else { left } }));
        }
        let (name, value) = text.split_once(':').ok_or_else(|| strange("a header without colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(strange("an unknown transfer coding"));
            }
            left = Left::Chunk(None);
        } else if name.eq_ignore_ascii_case("content-length") && !matches!(left, Left::Chunk(_)) {
            left = Left::Length(value.parse().map_err(|_| strange("a bad Content-Length"))?);
        }
    }
    Err(strange("too many header lines"))
}

impl<R: Read> Answer<R> {
    /// The size of the next chunk; after the last one its trailer is read too.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let text = line(&mut self.reader)?;
        let digits = text.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| strange("a bad chunk size"))?;
        if size == 0 {
            for _ in 0..LINES_MAX {
                if line(&mut self.reader)?.is_empty() {
                    return Ok(0);
                }
            }
            return Err(strange("too many trailer lines"));
        }
        Ok(size)
    }
}

impl<R: Read> Read for Answer<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Left::Chunk(None) = self.left {
            self.left = match self.next_chunk()? {
                0 => Left::Nothing,
                size => Left::Chunk(Some(size)),
            };
        }
        let room = match self.left {
            Left::Nothing | Left::Length(0) => return Ok(0),
            Left::ToEnd => return self.reader.read(into),
            Left::Length(left) | Left::Chunk(Some(left)) => left,
            Left::Chunk(None) => return Err(strange("no chunk")),
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(into.len());
        let count = self.reader.read(into.get_mut(..room).unwrap_or_default())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let took = count as u64;
        self.left = match self.left {
            Left::Chunk(Some(left)) if left == took => {
                // Each chunk ends with CRLF (RFC 9112 §7.1).
                if !line(&mut self.reader)?.is_empty() {
                    return Err(strange("a chunk longer than its size"));
                }
                Left::Chunk(None)
            }
            Left::Chunk(Some(left)) => Left::Chunk(Some(left - took)),
            Left::Length(left) => Left::Length(left - took),
            Left::Chunk(None) | Left::ToEnd | Left::Nothing => Left::Nothing,
        };
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> io::Result<(u16, String)> {
        let (status, mut answer) = head(text.as_bytes())?;
        let mut body = String::new();
        answer.read_to_string(&mut body)?;
        Ok((status, body))
    }

    #[test]
    fn bodies_end_where_they_should() {
        let by_length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef";
        assert_eq!(read(by_length).unwrap(), (200, "abc".into()));
        let chunked =
            "HTTP/1.1 404 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read(chunked).unwrap(), (404, "ab0123456789".into()));
        assert_eq!(read("HTTP/1.0 200 OK\r\n\r\nrest").unwrap(), (200, "rest".into()));
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap(), (200, String::new()));
    }

    #[test]
    fn a_part_is_never_taken_for_the_whole() {
        for cut in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\n",
            "",
            "SIP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 999 OK\r\n\r\n",
        ] {
            assert!(read(cut).is_err(), "{cut:?}");
        }
    }
}
