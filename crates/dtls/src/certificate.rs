//! Our certificate, and what of a peer's counts: its fingerprint and its key.

use crate::reader::Reader;
use crate::trouble::Trouble;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use aws_lc_rs::{constant_time, digest};
use media::{Fingerprint, Hash};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::fmt;

/// What we prove ourselves with: an ECDSA key on P-256 (RFC 8827 §6.5), and a certificate that it has signed itself.
pub struct Certificate {
    der: Vec<u8>,
    key: EcdsaKeyPair,
    fingerprint: [u8; 32],
}

impl Certificate {
    /// A new one, whose key nobody had before and nobody sees.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn make() -> Result<Certificate, Trouble> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|_| Trouble::Internal)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let made = params.self_signed(&pair).map_err(|_| Trouble::Internal)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.serialize_der())
            .map_err(|_| Trouble::Internal)?;
        let der = made.der().to_vec();
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, &der).as_ref());
        Ok(Certificate { der, key, fingerprint })
    }

    /// Its SHA-256, for `a=fingerprint` (RFC 8122 §5).
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Trouble> {
        let signed = self.key.sign(&SystemRandom::new(), message);
        signed.map(|signature| signature.as_ref().to_vec()).map_err(|_| Trouble::Internal)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Whether a certificate is one of those that signalling named: of several hashes the strongest counts (RFC 8122 §5).
pub(crate) fn is_named(der: &[u8], named: &[Fingerprint]) -> bool {
    let Some(strongest) = named.iter().map(|one| one.hash).max() else { return false };
    let algorithm = match strongest {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    let own = digest::digest(algorithm, der);
    let same = |one: &&Fingerprint| {
        one.hash == strongest && constant_time::verify_slices_are_equal(own.as_ref(), &one.digest).is_ok()
    };
    named.iter().any(|one| same(&one))
}

/// The SubjectPublicKeyInfo of a certificate, and the bytes of its algorithm (RFC 5280 §4.1).
pub(crate) fn key_of(der: &[u8]) -> Result<(&[u8], &[u8]), Trouble> {
    let whole = element(&mut Reader(der), Some(0x30))?.content;
    let mut signed = Reader(element(&mut Reader(whole), Some(0x30))?.content);
    if signed.0.first() == Some(&0xA0) {
        element(&mut signed, None)?;
    }
    // Serial number, signature, issuer, validity, subject.
    for _ in 0..5 {
        element(&mut signed, None)?;
    }
    let key = element(&mut signed, Some(0x30))?;
    let algorithm = element(&mut Reader(key.content), Some(0x30))?;
    Ok((key.whole, algorithm.content))
}

struct Element<'a> {
    content: &'a [u8],
    whole: &'a [u8],
}

/// One element of DER (X.690 §8.1).
fn element<'a>(reader: &mut Reader<'a>, wanted: Option<u8>) -> Result<Element<'a>, Trouble> {
    let start = reader.0;
    let tag = reader.byte()?;
    if wanted.is_some_and(|wanted| wanted != tag) {
        return Err(Trouble::Malformed);
    }
    let length = match reader.byte()? {
        short @ 0..=0x7F => usize::from(short),
        0x81 => usize::from(reader.byte()?),
        0x82 => usize::from(reader.short()?),
        0x83 => reader.three()?,
        _ => return Err(Trouble::Malformed),
    };
    let content = reader.take(length)?;
    let whole = start.get(..start.len() - reader.0.len()).unwrap_or_default();
    Ok(Element { content, whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_ours_is_named_by_its_fingerprint_alone() {
        let own = Certificate::make().unwrap();
        let named = |digest: &[u8]| [Fingerprint { hash: Hash::Sha256, digest: digest.into() }];
        assert!(is_named(own.der(), &named(own.fingerprint())));
        assert!(!is_named(own.der(), &named(&[0; 32])));
        assert!(!is_named(own.der(), &named(&own.fingerprint()[..31])));
        assert!(!is_named(own.der(), &[]));
        let stronger = Fingerprint { hash: Hash::Sha512, digest: [0; 64].into() };
        let both = [named(own.fingerprint())[0].clone(), stronger];
        assert!(!is_named(own.der(), &both), "the strongest counts");
    }

    #[test]
    fn what_it_signs_its_key_verifies() {
        let own = Certificate::make().unwrap();
        let signature = own.sign(b"message").unwrap();
        let key = key_of(own.der()).unwrap();
        assert_eq!(crate::crypto::verify(key, 0x0403, b"message", &signature), Ok(()));
        assert_eq!(crate::crypto::verify(key, 0x0403, b"massage", &signature), Err(Trouble::Signature));
        assert_eq!(crate::crypto::verify(key, 0x0401, b"message", &signature), Err(Trouble::NothingInCommon));
        for end in 0..own.der().len() {
            let _ = key_of(&own.der()[..end]);
        }
    }
}
