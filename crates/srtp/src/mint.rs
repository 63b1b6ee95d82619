//! Where our own master keys and other secrets come from: a generator that is seeded once, and forgets what it has given.

use crate::cipher::Aes;
use crate::keys::{MASTER_KEY_MAX, MASTER_SALT_MAX, MasterKey};
use crate::suite::Suite;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a seed.
const SEED: usize = 32;
/// Bytes that one key needs at most.
const DRAWN_MAX: usize = MASTER_KEY_MAX + MASTER_SALT_MAX;
/// The first counter behind the blocks that become the next seed.
const DRAWN_AT: u128 = SEED as u128 / 16;

/// A cryptographic generator of secrets: AES-256 in counter mode, whose first bytes replace its own key before
/// the rest is given away (fast key erasure), so that who learns its state learns no key of the past.
pub struct Mint {
    seed: Zeroizing<[u8; SEED]>,
    certificate: [u8; 32],
}

impl Mint {
    /// From a seed of the operating system's; from the same seed come the same keys.
    #[must_use]
    pub fn new(seed: [u8; SEED]) -> Mint {
        Mint { seed: Zeroizing::new(seed), certificate: [0; 32] }
    }

    /// The same, with the SHA-256 of the certificate that our handshakes show.
    #[must_use]
    pub fn with_certificate(mut self, fingerprint: [u8; 32]) -> Mint {
        self.certificate = fingerprint;
        self
    }

    /// The SHA-256 of the certificate that our handshakes show.
    #[must_use]
    pub fn certificate(&self) -> &[u8; 32] {
        &self.certificate
    }

    /// A master key that nobody had before.
    pub fn draw(&mut self, suite: Suite) -> Option<MasterKey> {
        let mut drawn = Zeroizing::new([0; DRAWN_MAX]);
        self.fill(&mut *drawn);
        MasterKey::new(suite, drawn.get(..suite.key_length() + suite.salt_length())?)
    }

    /// Fills `drawn` with bytes that nobody can guess.
    pub fn fill(&mut self, drawn: &mut [u8]) {
        drawn.fill(0);
        let aes = Aes::new(&*self.seed);
        aes.apply(DRAWN_AT.to_be_bytes(), drawn);
        self.seed.fill(0);
        aes.apply([0; 16], &mut *self.seed);
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_is_the_key_stream_behind_the_next_seed() {
        let mut mint = Mint::new([7; SEED]);
        let mut stream = [0; SEED + 40];
        Aes::new(&[7; SEED]).apply([0; 16], &mut stream);
        let mut drawn = [1; 40];
        mint.fill(&mut drawn);
        assert_eq!((&*mint.seed, &drawn[..]), (&stream[..SEED].try_into().unwrap(), &stream[SEED..]));
    }

    #[test]
    fn no_key_comes_twice_and_the_same_seed_gives_the_same_keys() {
        let draw = |seed: u8| {
            let mut mint = Mint::new([seed; SEED]);
            (0..200)
                .map(|n| mint.draw(Suite::ALL[n % Suite::ALL.len()]).unwrap().key_and_salt().to_vec())
                .collect::<Vec<_>>()
        };
        let (first, again, other) = (draw(1), draw(1), draw(2));
        assert_eq!(first, again);
        let mut all: Vec<&[u8]> = first.iter().chain(&other).map(|key| &key[..16]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 400, "every key is another one");
    }
}
