//! The primitives: AES in counter mode with HMAC-SHA1, and AES-GCM.

use crate::suite::Suite;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Blocks of key stream made at once: enough for 20 ms of G.711, and the processor works on several at the same time.
const BLOCKS: usize = 10;
/// Bytes of a block.
const BLOCK: usize = 16;

/// A keyed AES.
pub(crate) enum Aes {
    Short(Box<Aes128>),
    Long(Box<Aes256>),
}

impl Aes {
    /// 32 bytes make AES-256; the first 16 make AES-128.
    pub(crate) fn new(key: &[u8]) -> Aes {
        match <[u8; 32]>::try_from(key) {
            Ok(key) => Aes::Long(Box::new(Aes256::new(&Array(key)))),
            Err(_) => {
                let mut short = [0; 16];
                short.iter_mut().zip(key).for_each(|(s, k)| *s = *k);
                Aes::Short(Box::new(Aes128::new(&Array(short))))
            }
        }
    }

    /// Combines `bytes` with the key stream that begins at `counter` (RFC 3711 §4.1.1).
    pub(crate) fn apply(&self, counter: [u8; BLOCK], bytes: &mut [u8]) {
        let mut counter = u128::from_be_bytes(counter);
        for chunk in bytes.chunks_mut(BLOCKS * BLOCK) {
            let mut stream = [Array([0; BLOCK]); BLOCKS];
            let needed = chunk.len().div_ceil(BLOCK);
            for block in stream.iter_mut().take(needed) {
                block.0 = counter.to_be_bytes();
                counter = counter.wrapping_add(1);
            }
            let used = stream.get_mut(..needed).unwrap_or_default();
            match self {
                Aes::Short(aes) => aes.encrypt_blocks(used),
                Aes::Long(aes) => aes.encrypt_blocks(used),
            }
            let (blocks, rest) = chunk.as_chunks_mut::<BLOCK>();
            let (whole, last) = used.split_at(blocks.len());
            for (block, key) in blocks.iter_mut().zip(whole) {
                *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(key.0)).to_ne_bytes();
            }
            let last = last.iter().flat_map(|block| &block.0);
            rest.iter_mut().zip(last).for_each(|(byte, key)| *byte ^= key);
        }
    }
}

/// What a suite does with a packet.
pub(crate) enum Cipher {
    Counter { aes: Aes, hmac: Box<Hmac<Sha1>> },
    Gcm128(Box<Aes128Gcm>),
    Gcm256(Box<Aes256Gcm>),
}

impl Cipher {
    pub(crate) fn new(suite: Suite, key: &[u8], auth: &[u8; 20]) -> Cipher {
        let long = || <[u8; 32]>::try_from(key).unwrap_or_default();
        let short = || <[u8; 16]>::try_from(key).unwrap_or_default();
        match suite {
            Suite::AeadAes128Gcm => Cipher::Gcm128(Box::new(Aes128Gcm::new(&Array(short())))),
            Suite::AeadAes256Gcm => Cipher::Gcm256(Box::new(Aes256Gcm::new(&Array(long())))),
            _ => {
                let mut block = [0; 64];
                block[..auth.len()].copy_from_slice(auth);
                let hmac = Hmac::<Sha1>::new(&Array(block));
                Cipher::Counter { aes: Aes::new(key), hmac: Box::new(hmac) }
            }
        }
    }

    /// The whole tag of HMAC-SHA1 over two pieces; zeros for suites that have no HMAC.
    pub(crate) fn sum(&self, packet: &[u8], more: &[u8]) -> [u8; 20] {
        let Cipher::Counter { hmac, .. } = self else { return [0; 20] };
        let mut sum = Hmac::clone(hmac);
        sum.update(packet);
        sum.update(more);
        sum.finalize().into_bytes().into()
    }

    /// Encrypts in place; the tag.
    pub(crate) fn seal(&self, nonce: [u8; 12], known: &[u8], bytes: &mut [u8]) -> Option<[u8; 16]> {
        let tag = match self {
            Cipher::Gcm128(gcm) => gcm.encrypt_inout_detached(&Array(nonce), known, bytes.into()),
            Cipher::Gcm256(gcm) => gcm.encrypt_inout_detached(&Array(nonce), known, bytes.into()),
            Cipher::Counter { .. } => return None,
        };
        tag.ok().map(Into::into)
    }

    /// Decrypts in place when the tag is right.
    pub(crate) fn unseal(&self, nonce: [u8; 12], known: &[u8], bytes: &mut [u8], tag: [u8; 16]) -> bool {
        match self {
            Cipher::Gcm128(gcm) => {
                gcm.decrypt_inout_detached(&Array(nonce), known, bytes.into(), &Array(tag)).is_ok()
            }
            Cipher::Gcm256(gcm) => {
                gcm.decrypt_inout_detached(&Array(nonce), known, bytes.into(), &Array(tag)).is_ok()
            }
            Cipher::Counter { .. } => false,
        }
    }

    /// Counter mode in place.
    pub(crate) fn apply(&self, counter: [u8; BLOCK], bytes: &mut [u8]) {
        if let Cipher::Counter { aes, .. } = self {
            aes.apply(counter, bytes);
        }
    }
}

/// Compares without telling by its time where they differ.
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
