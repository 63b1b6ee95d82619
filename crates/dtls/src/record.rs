//! Records: how a datagram is cut, and what is sealed (RFC 6347 §4.1, RFC 5288).

use crate::crypto::Cipher;
use crate::reader::{Reader, put_vector16};
use crate::trouble::Trouble;

/// DTLS 1.2.
pub(crate) const VERSION: [u8; 2] = [0xFE, 0xFD];
/// What comes before a record's content.
pub(crate) const HEADER: usize = 13;

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Content {
    ChangeCipherSpec,
    Alert,
    Handshake,
    Other,
}

impl Content {
    fn of(byte: u8) -> Content {
        match byte {
            20 => Content::ChangeCipherSpec,
            21 => Content::Alert,
            22 => Content::Handshake,
            _ => Content::Other,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Content::ChangeCipherSpec => 20,
            Content::Alert => 21,
            Content::Handshake => 22,
            Content::Other => 23,
        }
    }
}

/// One record as it came.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) content: Content,
    kind: u8,
    version: [u8; 2],
    pub(crate) epoch: u16,
    /// 48 bits.
    pub(crate) sequence: u64,
    pub(crate) body: &'a [u8],
}

impl<'a> Record<'a> {
    /// The next record of a datagram; nothing when the rest is none.
    pub(crate) fn next(reader: &mut Reader<'a>) -> Option<Record<'a>> {
        let kind = reader.byte().ok()?;
        let version: [u8; 2] = reader.array().ok()?;
        let epoch = reader.short().ok()?;
        let [a, b, c, d, e, f] = reader.array().ok()?;
        let sequence = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let body = reader.vector16().ok()?;
        // A first ClientHello may be marked as DTLS 1.0 (RFC 6347 §4.1).
        (version[0] == 0xFE).then_some(Record {
            content: Content::of(kind),
            kind,
            version,
            epoch,
            sequence,
            body,
        })
    }

    /// Its content, opened.
    pub(crate) fn open(&self, cipher: &Cipher) -> Result<Vec<u8>, Trouble> {
        let (explicit, sealed) = self.body.split_first_chunk::<8>().ok_or(Trouble::Malformed)?;
        let mut bytes = sealed.to_vec();
        let length = bytes.len().checked_sub(Cipher::TAG).ok_or(Trouble::Malformed)?;
        let aad = aad(number(self.epoch, self.sequence), self.kind, self.version, length);
        cipher.open(explicit, &aad, &mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn number(epoch: u16, sequence: u64) -> [u8; 8] {
    (u64::from(epoch) << 48 | sequence & 0xFFFF_FFFF_FFFF).to_be_bytes()
}

fn aad(number: [u8; 8], kind: u8, version: [u8; 2], length: usize) -> [u8; HEADER] {
    let mut aad = [0; HEADER];
    aad[..8].copy_from_slice(&number);
    aad[8] = kind;
    aad[9..11].copy_from_slice(&version);
    aad[11..].copy_from_slice(&(length as u16).to_be_bytes());
    aad
}

/// Appends a record; `cipher`: it is sealed.
pub(crate) fn write(
    content: Content,
    (epoch, sequence): (u16, u64),
    body: &[u8],
    cipher: Option<&Cipher>,
    out: &mut Vec<u8>,
) -> Result<(), Trouble> {
    let number = number(epoch, sequence);
    out.push(content.byte());
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(&number);
    let Some(cipher) = cipher else {
        put_vector16(body, out);
        return Ok(());
    };
    let mut sealed = Vec::with_capacity(8 + body.len() + Cipher::TAG);
    sealed.extend_from_slice(&number);
    sealed.extend_from_slice(&cipher.seal(
        &number,
        &aad(number, content.byte(), VERSION, body.len()),
        body,
    )?);
    put_vector16(&sealed, out);
    Ok(())
}

/// Which sealed records have come (RFC 6347 §4.1.2.6).
#[derive(Default)]
pub(crate) struct Window {
    newest: u64,
    seen: u64,
}

impl Window {
    /// Whether a record that opened is a new one; it is noted.
    pub(crate) fn takes(&mut self, sequence: u64) -> bool {
        if self.seen == 0 || sequence > self.newest {
            let ahead = sequence.saturating_sub(self.newest).min(63);
            self.seen = if self.seen == 0 { 1 } else { self.seen << ahead | 1 };
            if ahead == 63 {
                self.seen = 1;
            }
            self.newest = sequence;
            return true;
        }
        let behind = self.newest - sequence;
        let fresh = behind < 64 && self.seen >> behind & 1 == 0;
        if fresh {
            self.seen |= 1 << behind;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_taken_once() {
        let mut window = Window::default();
        let taken: Vec<bool> =
            [5, 5, 4, 4, 70, 7, 69, 200, 70].into_iter().map(|n| window.takes(n)).collect();
        assert_eq!(taken, [true, false, true, false, true, true, true, true, false]);
    }

    #[test]
    fn a_datagram_is_cut_into_records() {
        let mut bytes = Vec::new();
        write(Content::Handshake, (0, 7), b"abc", None, &mut bytes).unwrap();
        write(Content::Alert, (0, 8), b"xy", None, &mut bytes).unwrap();
        bytes.extend_from_slice(&[22, 0xFE]);
        let mut reader = Reader(&bytes);
        let first = Record::next(&mut reader).unwrap();
        assert_eq!((first.content, first.sequence, first.body), (Content::Handshake, 7, &b"abc"[..]));
        let second = Record::next(&mut reader).unwrap();
        assert_eq!((second.content, second.epoch, second.body), (Content::Alert, 0, &b"xy"[..]));
        assert!(Record::next(&mut reader).is_none());
    }
}
