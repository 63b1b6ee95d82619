//! Messages put together from fragments, and handed on in order (RFC 6347 §4.2.3).

use crate::messages::{HEADER, Kind, whole};
use crate::reader::Reader;

/// The longest message that is taken, bytes, for a chain of certificates: limit `dtls_message`.
const MESSAGE_MAX: usize = 12_288;
/// Messages that may wait for an earlier one: limit `dtls_ahead`.
const AHEAD_MAX: u16 = 8;

/// A message that is not whole yet, or has to wait.
struct Partial {
    number: u16,
    kind: Kind,
    epoch: u16,
    body: Vec<u8>,
    filled: Vec<bool>,
}

/// A message in its turn.
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// Whether it came sealed.
    pub(crate) epoch: u16,
    /// With its header, in one piece.
    pub(crate) whole: Vec<u8>,
}

impl Message {
    pub(crate) fn body(&self) -> &[u8] {
        self.whole.get(HEADER..).unwrap_or_default()
    }
}

/// What a record's fragments were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Taken {
    /// Something new was among them.
    pub(crate) fresh: bool,
    /// Something of a message that was handed on already: the peer repeats itself.
    pub(crate) repeated: bool,
}

/// See the module text.
#[derive(Default)]
pub(crate) struct Reassembly {
    next: u16,
    waiting: Vec<Partial>,
}

impl Reassembly {
    /// One that expects a message of this number first.
    pub(crate) fn from(next: u16) -> Reassembly {
        Reassembly { next, waiting: Vec::new() }
    }

    /// Takes the fragments of a record; what cannot be read is passed over.
    pub(crate) fn take(&mut self, epoch: u16, record: &[u8]) -> Taken {
        let mut reader = Reader(record);
        let mut taken = Taken::default();
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::read(&mut reader) else { break };
            if fragment.number < self.next {
                taken.repeated = true;
            } else {
                taken.fresh |= self.add(epoch, &fragment);
            }
        }
        taken
    }

    fn add(&mut self, epoch: u16, fragment: &Fragment<'_>) -> bool {
        let Some(kind) = Kind::of(fragment.kind) else { return false };
        let end = fragment.offset + fragment.bytes.len();
        if fragment.length > MESSAGE_MAX || end > fragment.length || fragment.number - self.next >= AHEAD_MAX
        {
            return false;
        }
        let known = self.waiting.iter().position(|one| one.number == fragment.number);
        let at = known.unwrap_or_else(|| {
            let (body, filled) = (vec![0; fragment.length], vec![false; fragment.length]);
            self.waiting.push(Partial { number: fragment.number, kind, epoch, body, filled });
            self.waiting.len() - 1
        });
        let Some(partial) = self.waiting.get_mut(at) else { return false };
        if (partial.kind, partial.epoch, partial.body.len()) != (kind, epoch, fragment.length) {
            return false;
        }
        let Some(filled) = partial.filled.get_mut(fragment.offset..end) else { return false };
        let fresh = known.is_none() || filled.iter().any(|done| !done);
        filled.fill(true);
        if let Some(body) = partial.body.get_mut(fragment.offset..end) {
            body.copy_from_slice(fragment.bytes);
        }
        fresh
    }

    /// The next message in order, once it is whole.
    pub(crate) fn next(&mut self) -> Option<Message> {
        // Nothing follows the last number that there is.
        let after = self.next.checked_add(1)?;
        let due = |one: &Partial| one.number == self.next && one.filled.iter().all(|done| *done);
        let at = self.waiting.iter().position(due)?;
        let one = self.waiting.swap_remove(at);
        self.next = after;
        Some(Message { kind: one.kind, epoch: one.epoch, whole: whole(one.kind, one.number, &one.body) })
    }
}

/// One fragment of a message.
pub(crate) struct Fragment<'a> {
    pub(crate) kind: u8,
    length: usize,
    pub(crate) number: u16,
    offset: usize,
    bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Fragment<'a>, crate::Trouble> {
        let (kind, length, number) = (reader.byte()?, reader.three()?, reader.short()?);
        let offset = reader.three()?;
        Ok(Fragment { kind, length, number, offset, bytes: reader.vector24()? })
    }

    /// The bytes that the message begins with.
    pub(crate) fn opening(&self) -> Option<&'a [u8]> {
        (self.offset == 0).then_some(self.bytes)
    }

    /// The whole message, when it is all in here.
    pub(crate) fn entire(&self) -> Option<&'a [u8]> {
        (self.offset == 0 && self.bytes.len() == self.length).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::put_three;

    fn fragment(number: u16, length: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![11];
        put_three(length, &mut out);
        out.extend_from_slice(&number.to_be_bytes());
        put_three(offset, &mut out);
        put_three(bytes.len(), &mut out);
        out.extend_from_slice(bytes);
        out
    }

    #[test]
    fn fragments_in_any_order_and_overlapping_become_messages_in_order() {
        let mut all = Reassembly::default();
        assert!(all.take(0, &fragment(1, 2, 0, b"xy")).fresh);
        assert!(all.take(0, &fragment(0, 6, 3, b"def")).fresh);
        assert!(all.next().is_none());
        assert!(!all.take(0, &fragment(0, 6, 3, b"def")).fresh);
        assert!(all.take(0, &fragment(0, 6, 0, b"abcd")).fresh);
        assert_eq!(all.next().unwrap().body(), b"abcdef");
        assert_eq!(all.next().unwrap().body(), b"xy");
        assert!(all.next().is_none());
        assert!(all.take(0, &fragment(1, 2, 0, b"xy")).repeated);
    }

    #[test]
    fn a_message_with_the_last_number_that_there_is_is_never_handed_on() {
        let mut all = Reassembly::from(u16::MAX - 1);
        all.take(0, &fragment(u16::MAX, 2, 0, b"xy"));
        all.take(0, &fragment(u16::MAX - 1, 2, 0, b"ab"));
        assert_eq!(all.next().unwrap().body(), b"ab");
        assert!(all.next().is_none());
    }

    #[test]
    fn what_is_too_long_too_early_or_contradicts_itself_is_passed_over() {
        let mut all = Reassembly::default();
        for bad in [
            fragment(0, MESSAGE_MAX + 1, 0, b"a"),
            fragment(AHEAD_MAX, 1, 0, b"a"),
            fragment(0, 2, 1, b"ab"),
            vec![11, 0, 0],
            vec![99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(all.take(0, &bad), Taken::default(), "{bad:?}");
        }
        all.take(0, &fragment(0, 4, 0, b"ab"));
        assert!(!all.take(0, &fragment(0, 5, 2, b"cde")).fresh, "another length");
        assert!(!all.take(1, &fragment(0, 4, 2, b"cd")).fresh, "another epoch");
        assert!(all.take(0, &fragment(0, 4, 2, b"cd")).fresh);
        assert_eq!(all.next().unwrap().body(), b"abcd");
    }
}
