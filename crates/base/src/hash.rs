//! Hashing with keys that are given, so that nothing below the runtime draws entropy.

use siphasher::sip::SipHasher13;
use std::hash::BuildHasher;

/// Keyed SipHash-1-3: for keys that an attacker chooses (Call-ID, branch, tags).
#[derive(Clone, Copy, Debug, Default)]
pub struct Keyed(pub u64, pub u64);

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

/// Fast, unkeyed: for our own ids only.
pub type Fast = foldhash::fast::FixedState;
