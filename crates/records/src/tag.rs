//! Our dialog tags: each carries the shard, the call and the side, so that a request inside a
//! dialog finds its call without a table, and random bits, so that nobody can guess one.

use base::rng::hex;
use base::{Rng, ShardId};
use media::Side;
use slotmap::{Key, KeyData};

slotmap::new_key_type! {
    /// A live call of one switchboard; stale handles are detected.
    pub struct CallRef;
}

/// Text length of a tag: shard 2, side 1, call 16, random 16.
pub const TAG_LENGTH: usize = 35;

/// A local tag as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag([u8; TAG_LENGTH]);

impl Tag {
    /// A fresh tag for a side of a call; 64 of its bits are unpredictable (RFC 3261 §19.3).
    #[must_use]
    pub fn new(shard: ShardId, side: Side, call: CallRef, rng: &mut Rng) -> Tag {
        let mut text = [0; TAG_LENGTH];
        hex(u64::from(shard.0), &mut text[..2]);
        text[2] = if side == Side::A { b'a' } else { b'b' };
        hex(call.data().as_ffi(), &mut text[3..19]);
        hex(rng.next_u64(), &mut text[19..]);
        Tag(text)
    }

    /// Its text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the places in a tag; whether its random bits are right, the dialog knows.
    #[must_use]
    pub fn decode(text: &[u8]) -> Option<(ShardId, Side, CallRef)> {
        if text.len() != TAG_LENGTH {
            return None;
        }
        let shard = ShardId(u8::try_from(unhex(text.get(..2)?)?).ok()?);
        let side = match text.get(2)? {
            b'a' => Side::A,
            b'b' => Side::B,
            _ => return None,
        };
        Some((shard, side, CallRef::from(KeyData::from_ffi(unhex(text.get(3..19)?)?))))
    }
}

fn unhex(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |n, c| Some(n << 4 | u64::from(char::from(*c).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_back_to_its_call() {
        let mut rng = Rng::new((1, 2));
        let call = CallRef::from(KeyData::from_ffi(0x0000_0003_0000_0007));
        let tag = Tag::new(ShardId(9), Side::B, call, &mut rng);
        assert_eq!(Tag::decode(tag.as_bytes()), Some((ShardId(9), Side::B, call)));
        assert_ne!(tag, Tag::new(ShardId(9), Side::B, call, &mut rng));
        assert_eq!(Tag::decode(b"short"), None);
        assert_eq!(Tag::decode(&[b'x'; TAG_LENGTH]), None);
    }
}
