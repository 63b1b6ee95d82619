//! Names of what metadata speak of: random UUIDs in base64 (RFC 7865 §6.10; RFC 4122 §4.4).

use base::{Rng, base64};
use std::fmt;

/// Digits of a UUID; two `=` fill the last group.
const LENGTH: usize = 22;

/// One such name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Id([u8; 16]);

impl Id {
    /// A fresh one.
    pub fn draw(rng: &mut Rng) -> Id {
        let (high, low) = rng.next_pair();
        let mut bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Id(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for place in 0..LENGTH {
            let shift = 128 - 6 * (place as i32 + 1);
            let digit = if shift >= 0 { bits >> shift } else { bits << -shift } & 63;
            write!(f, "{}", char::from(base64::DIGITS[digit as usize]))?;
        }
        f.write_str("==")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_base64_of_sixteen_bytes() {
        let all = Id([0xff; 16]).to_string();
        assert_eq!(all, "/////////////////////w==");
        assert_eq!(Id(*b"abcdefghijklmnop").to_string(), "YWJjZGVmZ2hpamtsbW5vcA==");
    }

    #[test]
    fn a_name_says_that_it_is_random() {
        let Id(bytes) = Id::draw(&mut Rng::new((1, 2)));
        assert_eq!((bytes[6] >> 4, bytes[8] >> 6), (4, 2));
    }
}
