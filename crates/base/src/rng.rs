//! Randomness as a seed given at birth.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

/// Unpredictable numbers from a secret 128-bit seed: SipHash-2-4 over a counter.
///
/// Good for tags, branches and Call-IDs (RFC 3261 §19.3 asks for 32 bits of cryptographic
/// randomness in tags); not for keys.
#[derive(Clone, Debug)]
pub struct Rng {
    key: (u64, u64),
    counter: u64,
}

impl Rng {
    /// A generator whose whole future follows from `seed`.
    #[must_use]
    pub fn new(seed: (u64, u64)) -> Rng {
        Rng { key: seed, counter: 0 }
    }

    /// The next 128 bits.
    pub fn next_pair(&mut self) -> (u64, u64) {
        let mut h = SipHasher24::new_with_keys(self.key.0, self.key.1);
        h.write_u64(self.counter);
        self.counter += 1;
        let r = h.finish128();
        (r.h1, r.h2)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.next_pair().0
    }

    /// A number below `bound` (which must be at least 1); bias below 2^-32 for 32-bit bounds.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound.max(1))) >> 64) as u64
    }

    /// 64 bits as text, for a tag.
    pub fn tag(&mut self) -> [u8; 16] {
        let mut text = [0; 16];
        hex(self.next_u64(), &mut text);
        text
    }

    /// 128 bits as text, for a Call-ID.
    pub fn call_id(&mut self) -> [u8; 32] {
        let mut text = [0; 32];
        let (high, low) = self.next_pair();
        hex(high, &mut text[..16]);
        hex(low, &mut text[16..]);
        text
    }

    /// A generator for another purpose, independent of this one's future.
    pub fn fork(&mut self) -> Rng {
        Rng::new(self.next_pair())
    }
}

/// Writes the low digits of `value` over the whole of `out`, in lower-case hex.
pub fn hex(mut value: u64, out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        *slot = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}
