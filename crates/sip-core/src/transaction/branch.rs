//! Our branches: where a transaction of ours lives, and proof that the text is ours.
//!
//! A branch is the magic cookie and 28 characters of base 32: shard (8 bits), slot and generation of the
//! client transaction (64 bits), random bits (64 bits). A response finds its transaction without a table of
//! texts; a forged branch fails the comparison of the random bits. RFC 3261 §8.1.1.7.

use base::ShardId;

/// The cookie of RFC 3261 branches.
pub(crate) const COOKIE: &[u8] = b"z9hG4bK";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const CODE_LEN: usize = 28;
/// Length of a branch of ours.
pub(crate) const BRANCH_LEN: usize = 7 + CODE_LEN;

/// What a branch of ours says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Branch {
    pub(crate) shard: ShardId,
    /// The client transaction's key; 0 for a request without one (the ACK of a 2xx).
    pub(crate) slot: u64,
    /// The random bits.
    pub(crate) secret: u64,
}

impl Branch {
    /// As text, without allocation.
    pub(crate) fn encode(self) -> [u8; BRANCH_LEN] {
        let mut text = [0u8; BRANCH_LEN];
        let (cookie, code) = text.split_at_mut(COOKIE.len());
        cookie.copy_from_slice(COOKIE);
        // 136 bits, and four zero bits below them: 28 groups of five.
        let high = (u128::from(self.shard.0) << 64) | u128::from(self.slot);
        let mut rest = (high << 32) | u128::from(self.secret >> 32);
        let mut low = u64::from(self.secret as u32) << 4;
        // `rest` holds the upper 104 bits, `low` the lower 36: 140 bits in all.
        for (place, slot) in code.iter_mut().enumerate().rev() {
            *slot = ALPHABET[(low & 31) as usize];
            low >>= 5;
            if place >= 1 {
                // Five bits move down into `low`, above the 31 that are left in it.
                low |= ((rest & 31) as u64) << 31;
                rest >>= 5;
            }
        }
        text
    }

    /// Reads a branch of ours; `None` for every other text.
    pub(crate) fn decode(text: &[u8]) -> Option<Branch> {
        let code = text.get(COOKIE.len()..)?;
        if code.len() != CODE_LEN || !text.get(..COOKIE.len())?.eq_ignore_ascii_case(COOKIE) {
            return None;
        }
        let (mut rest, mut low) = (0u128, 0u64);
        for &c in code {
            let five = match c {
                b'a'..=b'z' => c - b'a',
                b'A'..=b'Z' => c - b'A',
                b'2'..=b'7' => c - b'2' + 26,
                _ => return None,
            };
            low = (low << 5) | u64::from(five);
            rest = (rest << 5) | u128::from(low >> 36);
            low &= (1 << 36) - 1;
        }
        if low & 15 != 0 || rest >> 104 != 0 {
            return None;
        }
        let secret = ((rest as u64 & 0xffff_ffff) << 32) | (low >> 4);
        let high = rest >> 32;
        Some(Branch { shard: ShardId((high >> 64) as u8), slot: high as u64, secret })
    }
}

/// The shard that made a branch of ours; `None` for every other branch.
#[must_use]
pub fn shard_of_branch(branch: &[u8]) -> Option<ShardId> {
    Branch::decode(branch).map(|b| b.shard)
}

/// Appends 13 characters of base 32 that stand for `number`: tags made from fingerprints.
pub(crate) fn push_base32(out: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    for _ in 0..13 {
        out.push(ALPHABET[(rest & 31) as usize]);
        rest >>= 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Rng;

    #[test]
    fn every_branch_reads_back_in_any_case() {
        let mut rng = Rng::new((1, 2));
        for n in 0..2_000u64 {
            let (slot, secret) = rng.next_pair();
            let branch = Branch { shard: ShardId(n as u8), slot, secret };
            let text = branch.encode();
            assert_eq!(Branch::decode(&text), Some(branch));
            assert_eq!(Branch::decode(&text.to_ascii_uppercase()), Some(branch));
            assert_eq!(shard_of_branch(&text), Some(ShardId(n as u8)));
        }
        for odd in [
            &b""[..],
            b"z9hG4bK",
            b"z9hG4bKaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
            b"1234567890123456789012345678901234567",
        ] {
            assert_eq!(Branch::decode(odd), None);
        }
    }

    #[test]
    fn a_changed_letter_changes_the_value() {
        let branch = Branch { shard: ShardId(3), slot: 0x0102_0304_0506_0708, secret: 99 };
        let text = branch.encode();
        for at in COOKIE.len()..BRANCH_LEN {
            let mut forged = text;
            forged[at] = if forged[at] == b'a' { b'b' } else { b'a' };
            assert_ne!(Branch::decode(&forged), Some(branch));
        }
    }
}
