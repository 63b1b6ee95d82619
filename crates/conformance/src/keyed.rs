//! SRTP with AES_CM_128_HMAC_SHA1_80 as a peer makes and reads it, written here from RFC 3711 and RFC 4568 alone.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt};
use hmac::{Hmac, KeyInit as _, Mac};
use sha1::Sha1;

/// Key and salt of the example of RFC 4568 §6.1, as `inline:` has them.
pub const INLINE: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
/// The same in bytes.
const KEY_AND_SALT: &[u8; 30] = b"YS___semctl () {\t220;}\n}\nunles";
/// Bytes of a tag.
const TAG: usize = 10;

/// The keys of one direction.
#[derive(Debug)]
pub struct Keyed {
    cipher: Aes128,
    salt: [u8; 14],
    auth: [u8; 20],
}

impl Keyed {
    /// Those of [`INLINE`].
    #[must_use]
    pub fn example() -> Keyed {
        Keyed::new(KEY_AND_SALT)
    }

    /// Those of an `a=crypto` line of this suite.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn told(description: &str) -> Keyed {
        let lines = description.lines().filter(|line| line.starts_with("a=crypto:"));
        let told = lines.filter_map(|line| line.split_once(" AES_CM_128_HMAC_SHA1_80 inline:"));
        let key = told.map(|(_, key)| key.get(..40).expect("forty digits")).next().expect("a key");
        Keyed::new(&from_base64(key))
    }

    /// Those of the client and of the server of a handshake, by what OpenSSL says of its keys' bytes (RFC 5764 §4.2).
    ///
    /// # Panics
    /// It says nothing of them.
    #[must_use]
    pub fn shaken(said: &str) -> (Keyed, Keyed) {
        let digits =
            said.lines().find_map(|line| line.trim().strip_prefix("Keying material: ")).expect("keys");
        let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
        let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect();
        let master = |key: usize, salt: usize| [&bytes[key..key + 16], &bytes[salt..salt + 14]].concat();
        let keyed = |master: Vec<u8>| Keyed::new(&master.try_into().expect("thirty bytes"));
        (keyed(master(0, 32)), keyed(master(16, 46)))
    }

    /// Session keys from a master key and its salt (RFC 3711 §4.3), derived once.
    fn new(master: &[u8; 30]) -> Keyed {
        let (key, salt) = master.split_at(16);
        let master = Aes128::new(&Array(key.try_into().expect("16 bytes")));
        let salt: [u8; 14] = salt.try_into().expect("14 bytes");
        let derive = |label: u8, out: &mut [u8]| {
            let mut seed = salt;
            seed[7] ^= label;
            apply(&master, &seed, out);
        };
        let (mut key, mut session_salt, mut auth) = ([0; 16], [0; 14], [0; 20]);
        derive(0, &mut key);
        derive(1, &mut auth);
        derive(2, &mut session_salt);
        Keyed { cipher: Aes128::new(&Array(key)), salt: session_salt, auth }
    }

    /// An RTP packet without CSRCs and extension, protected: its index is `roc` rounds and its sequence (§4.1).
    #[must_use]
    pub fn protect(&self, roc: u32, packet: &[u8]) -> Vec<u8> {
        let mut bytes = packet.to_vec();
        self.crypt(roc, &mut bytes);
        let tag = self.tag(&[&bytes, &roc.to_be_bytes()]);
        bytes.extend(tag);
        bytes
    }

    /// The RTP packet in a protected one of this round; none where the tag is wrong.
    #[must_use]
    pub fn open(&self, roc: u32, packet: &[u8]) -> Option<Vec<u8>> {
        let (covered, tag) = packet.split_at_checked(packet.len().checked_sub(TAG)?)?;
        if covered.len() < 12 || self.tag(&[covered, &roc.to_be_bytes()]) != tag {
            return None;
        }
        let mut bytes = covered.to_vec();
        self.crypt(roc, &mut bytes);
        Some(bytes)
    }

    fn crypt(&self, roc: u32, packet: &mut [u8]) {
        let (header, payload) = packet.split_at_mut(12);
        let index = header[8..12].iter().copied().chain(roc.to_be_bytes()).chain([header[2], header[3]]);
        let mut counter = self.salt;
        counter[4..].iter_mut().zip(index).for_each(|(byte, with)| *byte ^= with);
        apply(&self.cipher, &counter, payload);
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.auth).expect("a key of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()[..TAG].try_into().expect("ten bytes")
    }
}

/// Combines bytes with the key stream whose counter begins with these bytes (§4.1.1).
fn apply(cipher: &Aes128, start: &[u8; 14], bytes: &mut [u8]) {
    for (block, chunk) in (0_u16..).zip(bytes.chunks_mut(16)) {
        let mut counter = [0; 16];
        counter[..14].copy_from_slice(start);
        counter[14..].copy_from_slice(&block.to_be_bytes());
        let mut stream = Array(counter);
        cipher.encrypt_block(&mut stream);
        chunk.iter_mut().zip(stream.0).for_each(|(byte, key)| *byte ^= key);
    }
}

fn from_base64(digits: &str) -> [u8; 30] {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bytes = digits.as_bytes().chunks(4).flat_map(|four| {
        let word = four.iter().fold(0_u32, |word, digit| word << 6 | u32::from(value(*digit)));
        word.to_be_bytes()[1..].to_vec()
    });
    bytes.collect::<Vec<_>>().try_into().expect("thirty bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
    }

    #[test]
    fn the_example_is_that_of_rfc_4568() {
        assert_eq!(from_base64(INLINE), *KEY_AND_SALT);
        let packet = [&[0x80, 8, 0, 1][..], &[7; 40]].concat();
        let keyed = Keyed::told(&format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}|2^20\r\n"));
        let protected = Keyed::example().protect(3, &packet);
        assert_eq!(keyed.open(3, &protected), Some(packet));
        assert_eq!(keyed.open(2, &protected), None);
    }

    #[test]
    fn session_keys_are_those_of_rfc_3711_b_3() {
        let master = bytes("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
        let keyed = Keyed::new(&master.try_into().expect("30 bytes"));
        let mut key = [0; 16];
        // The first block of key stream under the session key tells it apart from any other.
        apply(&keyed.cipher, &[0; 14], &mut key);
        let mut wanted = [0; 16];
        let told = bytes("C61E7A93744F39EE10734AFE3FF7A087");
        apply(&Aes128::new(&Array(told.try_into().expect("16 bytes"))), &[0; 14], &mut wanted);
        assert_eq!(key, wanted);
        assert_eq!(keyed.salt.to_vec(), bytes("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keyed.auth.to_vec(), bytes("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }
}
