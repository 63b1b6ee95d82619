//! Master keys, and the session keys derived from them (RFC 3711 §4.3, RFC 6188 §3, RFC 7714 §11).

use crate::cipher::{Aes, Cipher};
use crate::suite::Suite;
use std::fmt;
use zeroize::Zeroizing;

/// The longest master key, bytes.
pub const MASTER_KEY_MAX: usize = 32;
/// The longest master salt, bytes.
pub const MASTER_SALT_MAX: usize = 14;
/// The longest master key identifier, bytes (RFC 4568 §6.1): limit `srtp_mki`.
pub const MKI_MAX: usize = 128;
/// Keys of one sender that are told apart by their identifiers: limit `srtp_line_keys`.
pub const KEYS_MAX: usize = 4;
/// Bytes of an HMAC-SHA1 key (RFC 3711 §5.2).
const AUTH_KEY: usize = 20;

/// A master key with its salt, as SDES or DTLS hands it over. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    key: Zeroizing<[u8; MASTER_KEY_MAX]>,
    salt: Zeroizing<[u8; MASTER_SALT_MAX]>,
    mki: Box<[u8]>,
    /// Others that the same sender may use.
    more: Vec<MasterKey>,
}

impl MasterKey {
    /// From key and salt in one piece, as in `inline:` (RFC 4568 §6.1). `None` when the length does not fit
    /// the suite.
    #[must_use]
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Option<MasterKey> {
        if key_and_salt.len() != suite.key_length() + suite.salt_length() {
            return None;
        }
        let (key, salt) = key_and_salt.split_at(suite.key_length());
        let mut master = MasterKey {
            suite,
            key: Zeroizing::new([0; MASTER_KEY_MAX]),
            salt: Zeroizing::new([0; MASTER_SALT_MAX]),
            mki: Box::default(),
            more: Vec::new(),
        };
        master.key.get_mut(..key.len())?.copy_from_slice(key);
        master.salt.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(master)
    }

    /// With a master key identifier, which every packet then bears (RFC 3711 §3.1). `None` when it is longer
    /// than [`MKI_MAX`].
    #[must_use]
    pub fn with_mki(mut self, mki: &[u8]) -> Option<MasterKey> {
        self.mki = mki.into();
        (mki.len() <= MKI_MAX).then_some(self)
    }

    /// With another key that the same sender may use, whose identifier is as long and not the same (RFC 4568 §6.1). One
    /// that cannot be told apart, or is one of more than [`KEYS_MAX`], is left out.
    #[must_use]
    pub fn or(mut self, other: MasterKey) -> MasterKey {
        let is_apart = |one: &MasterKey| one.mki.len() == other.mki.len() && one.mki != other.mki;
        let fits = other.suite == self.suite && !other.mki.is_empty() && self.more.len() + 1 < KEYS_MAX;
        if fits && is_apart(&self) && self.more.iter().all(is_apart) {
            self.more.push(other);
        }
        self
    }

    /// Others that the same sender may use.
    pub(crate) fn others(&self) -> &[MasterKey] {
        &self.more
    }

    /// Its suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Its identifier; empty without one.
    #[must_use]
    pub fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// Key and salt in one piece.
    #[must_use]
    pub fn key_and_salt(&self) -> Zeroizing<Vec<u8>> {
        let key = self.key.iter().take(self.suite.key_length());
        Zeroizing::new(key.chain(self.salt.iter().take(self.suite.salt_length())).copied().collect())
    }

    /// The session keys of one kind of packet.
    pub(crate) fn derive(&self, kind: Kind) -> SessionKeys {
        let first = kind as u8;
        let length = self.suite.key_length();
        let master = Aes::new(self.key.get(..length).unwrap_or_default());
        let mut key = Zeroizing::new([0; MASTER_KEY_MAX]);
        let key = key.get_mut(..length).unwrap_or_default();
        self.fill(&master, first, key);
        let mut auth = Zeroizing::new([0; AUTH_KEY]);
        self.fill(&master, first + 1, &mut *auth);
        let mut salt = [0; MASTER_SALT_MAX];
        self.fill(&master, first + 2, salt.get_mut(..self.suite.salt_length()).unwrap_or_default());
        SessionKeys { cipher: Cipher::new(self.suite, key, &auth), salt }
    }

    /// The key derivation of RFC 3711 §4.3.1 with a rate of 0: the key stream of the master key, begun at the
    /// salt with the label in its eighth byte.
    fn fill(&self, master: &Aes, label: u8, out: &mut [u8]) {
        let mut counter = [0; 16];
        counter[..MASTER_SALT_MAX].copy_from_slice(&*self.salt);
        counter[7] ^= label;
        out.fill(0);
        master.apply(counter, out);
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.suite.name())
    }
}

/// What is protected; the label of its encryption key (RFC 3711 §4.3.1).
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Rtp = 0,
    Rtcp = 3,
}

/// Keys of one kind of packet, ready for use.
pub(crate) struct SessionKeys {
    pub(crate) cipher: Cipher,
    pub(crate) salt: [u8; MASTER_SALT_MAX],
}

impl SessionKeys {
    /// The counter block that a packet's key stream begins with (RFC 3711 §4.1.1).
    pub(crate) fn counter(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let value = u128::from(ssrc) << 64 | u128::from(index) << 16;
        let mut salt = [0; 16];
        salt[..MASTER_SALT_MAX].copy_from_slice(&self.salt);
        (u128::from_be_bytes(salt) ^ value).to_be_bytes()
    }

    /// The initialisation vector of a packet (RFC 7714 §8.1 and §9.1; an RTCP index has its upper bits zero, so
    /// that both have one form).
    pub(crate) fn nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&self.salt[..12]);
        let bytes = ssrc.to_be_bytes().into_iter().chain(index.to_be_bytes().into_iter().skip(2));
        nonce.iter_mut().skip(2).zip(bytes).for_each(|(n, b)| *n ^= b);
        nonce
    }
}
