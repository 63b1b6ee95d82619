//! What follows from a key exchange: keys of records, checksums, and the keys for SRTP (RFC 5246 §6.3, §8.1; RFC 7627
//! §4; RFC 5764 §4.2).

use crate::crypto::{Cipher, Suite};
use crate::reader::Reader;
use crate::trouble::Trouble;
use srtp::{MasterKey, Suite as Profile};
use zeroize::Zeroizing;

/// Length of a Finished message.
const FINISHED: usize = 12;

/// The master secret of one handshake.
pub(crate) struct Secrets {
    suite: Suite,
    master: Zeroizing<Vec<u8>>,
    /// Of client and server.
    randoms: [[u8; 32]; 2],
}

impl Secrets {
    /// `transcript`: through ClientKeyExchange, where both have agreed on the extended master secret.
    pub(crate) fn new(
        suite: Suite,
        premaster: &[u8],
        randoms: [[u8; 32]; 2],
        transcript: Option<&[u8]>,
    ) -> Secrets {
        let master = match transcript {
            Some(said) => {
                let digest = suite.digest(said);
                suite.derive(premaster, b"extended master secret", &[digest.as_ref()], 48)
            }
            None => suite.derive(premaster, b"master secret", &[&randoms[0], &randoms[1]], 48),
        };
        Secrets { suite, master, randoms }
    }

    /// The keys with which client and server seal.
    pub(crate) fn ciphers(&self) -> Result<[Cipher; 2], Trouble> {
        let length = self.suite.key_length();
        let [client, server] = &self.randoms;
        let block = self.suite.derive(&self.master, b"key expansion", &[server, client], 2 * (length + 4));
        let mut reader = Reader(&block);
        let keys = [reader.take(length)?, reader.take(length)?];
        let salts: [[u8; 4]; 2] = [reader.array()?, reader.array()?];
        Ok([Cipher::new(self.suite, keys[0], salts[0])?, Cipher::new(self.suite, keys[1], salts[1])?])
    }

    /// The content of Finished, of the client or the server.
    pub(crate) fn finished(&self, client: bool, transcript: &[u8]) -> Zeroizing<Vec<u8>> {
        let label: &[u8] = if client { b"client finished" } else { b"server finished" };
        self.suite.derive(&self.master, label, &[self.suite.digest(transcript).as_ref()], FINISHED)
    }

    /// The keys with which client and server protect their media.
    pub(crate) fn media(&self, profile: Profile) -> Result<[MasterKey; 2], Trouble> {
        let (key, salt) = (profile.key_length(), profile.salt_length());
        let [client, server] = &self.randoms;
        let label = b"EXTRACTOR-dtls_srtp";
        let block = self.suite.derive(&self.master, label, &[client, server], 2 * (key + salt));
        let mut reader = Reader(&block);
        let keys = [reader.take(key)?, reader.take(key)?];
        let salts = [reader.take(salt)?, reader.take(salt)?];
        let master = |at: usize| {
            let both = Zeroizing::new([keys[at], salts[at]].concat());
            MasterKey::new(profile, &both).ok_or(Trouble::Internal)
        };
        Ok([master(0)?, master(1)?])
    }
}
