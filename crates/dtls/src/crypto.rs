//! What the handshake asks of the cryptographic library: suites, groups, signatures, and the derivation of keys
//! (RFC 5246 §5, §8.1; RFC 5289; RFC 8422).

use crate::trouble::Trouble;
use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::{aead, digest, hmac, signature};
use zeroize::Zeroizing;

/// A cipher suite; which kind of certificate it names is the server's affair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    Aes128,
    Aes256,
}

/// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` and so on (RFC 5289 §3.2), in our order.
pub(crate) const ECDSA_SUITES: [(u16, Suite); 2] = [(0xC02B, Suite::Aes128), (0xC02C, Suite::Aes256)];
pub(crate) const RSA_SUITES: [(u16, Suite); 2] = [(0xC02F, Suite::Aes128), (0xC030, Suite::Aes256)];

impl Suite {
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Suite::Aes128 => 16,
            Suite::Aes256 => 32,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Suite::Aes128 => hmac::HMAC_SHA256,
            Suite::Aes256 => hmac::HMAC_SHA384,
        }
    }

    /// The digest of what was said so far.
    pub(crate) fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Suite::Aes128 => &digest::SHA256,
            Suite::Aes256 => &digest::SHA384,
        };
        digest::digest(algorithm, bytes)
    }

    /// The pseudorandom function (RFC 5246 §5).
    pub(crate) fn derive(
        self,
        secret: &[u8],
        label: &[u8],
        seeds: &[&[u8]],
        length: usize,
    ) -> Zeroizing<Vec<u8>> {
        let key = hmac::Key::new(self.hmac(), secret);
        let seed: Vec<u8> = [&[label], seeds].concat().concat();
        let mut out = Zeroizing::new(Vec::with_capacity(length + 64));
        let mut chain = hmac::sign(&key, &seed);
        while out.len() < length {
            let mut context = hmac::Context::with_key(&key);
            context.update(chain.as_ref());
            context.update(&seed);
            out.extend_from_slice(context.sign().as_ref());
            chain = hmac::sign(&key, chain.as_ref());
        }
        out.truncate(length);
        out
    }
}

/// Seals or opens records of one direction (RFC 5288 §3).
pub(crate) struct Cipher {
    key: aead::LessSafeKey,
    salt: [u8; 4],
}

impl Cipher {
    pub(crate) const TAG: usize = 16;

    pub(crate) fn new(suite: Suite, key: &[u8], salt: [u8; 4]) -> Result<Cipher, Trouble> {
        let algorithm = match suite {
            Suite::Aes128 => &aead::AES_128_GCM,
            Suite::Aes256 => &aead::AES_256_GCM,
        };
        let key = aead::UnboundKey::new(algorithm, key).map_err(|_| Trouble::Internal)?;
        Ok(Cipher { key: aead::LessSafeKey::new(key), salt })
    }

    fn nonce(&self, explicit: &[u8; 8]) -> aead::Nonce {
        let mut nonce = [0; aead::NONCE_LEN];
        nonce[..4].copy_from_slice(&self.salt);
        nonce[4..].copy_from_slice(explicit);
        aead::Nonce::assume_unique_for_key(nonce)
    }

    pub(crate) fn seal(&self, explicit: &[u8; 8], aad: &[u8], body: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut bytes = body.to_vec();
        let sealed =
            self.key.seal_in_place_append_tag(self.nonce(explicit), aead::Aad::from(aad), &mut bytes);
        sealed.map(|()| bytes).map_err(|_| Trouble::Internal)
    }

    /// Opens in place; the tag's bytes stay behind the content.
    pub(crate) fn open(&self, explicit: &[u8; 8], aad: &[u8], bytes: &mut [u8]) -> Result<(), Trouble> {
        let opened = self.key.open_in_place(self.nonce(explicit), aead::Aad::from(aad), bytes);
        opened.map(drop).map_err(|_| Trouble::Signature)
    }
}

/// The groups of a key exchange by their numbers (RFC 8422 §5.1.1), in our order.
pub(crate) const GROUPS: [u16; 3] = [29, 23, 24];
/// P-256: that of our certificate, and of a peer that says none (RFC 8422 §4).
pub(crate) const OWN_GROUP: u16 = 23;

fn group(number: u16) -> Result<&'static agreement::Algorithm, Trouble> {
    match number {
        29 => Ok(&agreement::X25519),
        23 => Ok(&agreement::ECDH_P256),
        24 => Ok(&agreement::ECDH_P384),
        _ => Err(Trouble::NothingInCommon),
    }
}

/// Our half of a key exchange.
pub(crate) struct Exchange {
    secret: EphemeralPrivateKey,
    pub(crate) group: u16,
    pub(crate) public: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(number: u16) -> Result<Exchange, Trouble> {
        let made = EphemeralPrivateKey::generate(group(number)?, &SystemRandom::new());
        let secret = made.map_err(|_| Trouble::Internal)?;
        let public = secret.compute_public_key().map_err(|_| Trouble::Internal)?.as_ref().to_vec();
        Ok(Exchange { secret, group: number, public })
    }

    /// The secret that both halves make.
    pub(crate) fn agree(self, theirs: &[u8]) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let theirs = UnparsedPublicKey::new(group(self.group)?, theirs);
        agree_ephemeral(self.secret, theirs, Trouble::Malformed, |secret| Ok(Zeroizing::new(secret.to_vec())))
    }
}

/// Schemes of signatures that we believe (RFC 5246 §7.4.1.4.1, RFC 8446 §4.2.3), in our order.
pub(crate) const SCHEMES: [u16; 8] = [0x0403, 0x0503, 0x0804, 0x0401, 0x0805, 0x0501, 0x0806, 0x0601];
/// Our own: ECDSA with SHA-256.
pub(crate) const OWN_SCHEME: u16 = 0x0403;

const OID_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const OID_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];

/// Whether `signature` over `message` is of who holds the key (a DER SubjectPublicKeyInfo with its algorithm's bytes).
pub(crate) fn verify(
    (key, algorithm): (&[u8], &[u8]),
    scheme: u16,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Trouble> {
    let holds = |oid: &[u8]| algorithm.windows(oid.len()).any(|window| window == oid);
    let (rsa, p256, p384) = (holds(OID_RSA), holds(OID_P256), holds(OID_P384));
    let by: &'static dyn signature::VerificationAlgorithm = match scheme {
        0x0403 if p256 => &signature::ECDSA_P256_SHA256_ASN1,
        0x0503 if p256 => &signature::ECDSA_P256_SHA384_ASN1,
        0x0403 if p384 => &signature::ECDSA_P384_SHA256_ASN1,
        0x0503 if p384 => &signature::ECDSA_P384_SHA384_ASN1,
        0x0401 if rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
        0x0501 if rsa => &signature::RSA_PKCS1_2048_8192_SHA384,
        0x0601 if rsa => &signature::RSA_PKCS1_2048_8192_SHA512,
        0x0804 if rsa => &signature::RSA_PSS_2048_8192_SHA256,
        0x0805 if rsa => &signature::RSA_PSS_2048_8192_SHA384,
        0x0806 if rsa => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return Err(Trouble::NothingInCommon),
    };
    let verified = signature::UnparsedPublicKey::new(by, key).verify(message, signature);
    verified.map_err(|_| Trouble::Signature)
}

/// 32 bytes that nobody can guess.
pub(crate) fn random() -> Result<[u8; 32], Trouble> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Trouble::Internal)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the field passes around for P_SHA256 (IETF TLS list, 2009).
    #[test]
    fn the_pseudorandom_function_is_that_of_tls() {
        let secret =
            [0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35];
        let seed =
            [0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c];
        let out = Suite::Aes128.derive(&secret, b"test label", &[&seed], 100);
        assert_eq!(&out[..8], [0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b]);
        assert_eq!(&out[96..], [0x87, 0x34, 0x7b, 0x66]);
    }
}
