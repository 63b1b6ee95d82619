//! What a description says of DTLS: fingerprints of certificates (RFC 8122 §5) and who begins (RFC 4145 §4).

use crate::media::Media;
use crate::session::Session;
use std::fmt;
use std::io::Write;

/// The longest fingerprint, bytes.
const SUM_MAX: usize = 64;

/// A hash function that certificates may be told by. MD5 and MD2 prove nothing and are not read (RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashName {
    /// `sha-1`
    Sha1,
    /// `sha-224`
    Sha224,
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

impl HashName {
    const ALL: [HashName; 5] =
        [HashName::Sha1, HashName::Sha224, HashName::Sha256, HashName::Sha384, HashName::Sha512];

    /// Its name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HashName::Sha1 => "sha-1",
            HashName::Sha224 => "sha-224",
            HashName::Sha256 => "sha-256",
            HashName::Sha384 => "sha-384",
            HashName::Sha512 => "sha-512",
        }
    }

    /// Bytes of its sum.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            HashName::Sha1 => 20,
            HashName::Sha224 => 28,
            HashName::Sha256 => 32,
            HashName::Sha384 => 48,
            HashName::Sha512 => 64,
        }
    }
}

/// The fingerprint of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    hash: HashName,
    sum: [u8; SUM_MAX],
}

impl Fingerprint {
    /// From a sum; `None` when its length is not that of the hash.
    #[must_use]
    pub fn new(hash: HashName, sum: &[u8]) -> Option<Fingerprint> {
        let mut all = [0; SUM_MAX];
        all.get_mut(..sum.len()).filter(|_| sum.len() == hash.length())?.copy_from_slice(sum);
        Some(Fingerprint { hash, sum: all })
    }

    /// Reads `sha-256 AB:CD:…`.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Fingerprint> {
        let text = std::str::from_utf8(value).ok()?;
        let (name, digits) = text.trim().split_once([' ', '\t'])?;
        let hash = HashName::ALL.into_iter().find(|hash| hash.name().eq_ignore_ascii_case(name))?;
        let mut sum = [0; SUM_MAX];
        let mut used = 0;
        for pair in digits.trim().split(':') {
            let both = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            *sum.get_mut(used)? = u8::from_str_radix(pair, 16).ok().filter(|_| both)?;
            used += 1;
        }
        (used == hash.length()).then_some(Fingerprint { hash, sum })
    }

    /// The hash function.
    #[must_use]
    pub fn hash(&self) -> HashName {
        self.hash
    }

    /// The sum.
    #[must_use]
    pub fn sum(&self) -> &[u8] {
        self.sum.get(..self.hash.length()).unwrap_or_default()
    }

    /// Appends the `a=fingerprint` line.
    pub fn write(&self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "a=fingerprint:{self}\r\n");
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        for (at, byte) in self.sum().iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who sends the first DTLS message (RFC 4145 §4, RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The sender of the description begins.
    Active,
    /// It waits.
    Passive,
    /// Either; the other side chooses.
    Actpass,
    /// Nobody, for now.
    Holdconn,
}

impl Setup {
    /// Its word in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::Actpass => "actpass",
            Setup::Holdconn => "holdconn",
        }
    }

    /// What an answer says to an offer: we begin wherever we may, for who answers may be heard first
    /// (RFC 5763 §5). `None`: to `holdconn` there is nothing to begin.
    #[must_use]
    pub const fn answer(self) -> Option<Setup> {
        match self {
            Setup::Active => Some(Setup::Passive),
            Setup::Passive | Setup::Actpass => Some(Setup::Active),
            Setup::Holdconn => None,
        }
    }
}

impl<'a> Session<'a> {
    /// The fingerprints that are said of a media description of this session, its own or those of the session
    /// (RFC 8122 §5). The peer's certificate must have one of them.
    pub fn fingerprints(&self, media: &Media<'a>) -> impl Iterator<Item = Fingerprint> + use<'a> {
        let own = media.has_attribute("fingerprint");
        let common = self.attributes("fingerprint").filter(move |_| !own);
        media.attributes("fingerprint").chain(common).filter_map(Fingerprint::read)
    }

    /// Who begins; an offer that does not say means `active`, an answer `passive` (RFC 4145 §4).
    #[must_use]
    pub fn setup(&self, media: &Media<'a>) -> Option<Setup> {
        let value = media.attributes("setup").next().or_else(|| self.attributes("setup").next())?;
        let all = [Setup::Active, Setup::Passive, Setup::Actpass, Setup::Holdconn];
        all.into_iter().find(|setup| value.eq_ignore_ascii_case(setup.name().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    const SHA1: &str = "sha-1 99:41:49:83:4a:97:0e:1f:ef:6d:f7:c9:c7:70:9d:1f:66:79:a8:07";

    #[test]
    fn fingerprints_are_read_and_written() {
        let read = Fingerprint::read(SHA1.as_bytes()).unwrap();
        assert_eq!((read.hash(), read.sum().len(), read.sum()[0]), (HashName::Sha1, 20, 0x99));
        let mut out = Vec::new();
        read.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("a=fingerprint:{}\r\n", SHA1.to_uppercase()).replace("SHA-1", "sha-1")
        );
        assert_eq!(Fingerprint::read(read.to_string().as_bytes()), Some(read));
        assert_eq!(Fingerprint::new(HashName::Sha1, read.sum()), Some(read));
        assert_eq!(Fingerprint::new(HashName::Sha256, read.sum()), None);
    }

    #[test]
    fn nonsense_is_no_fingerprint() {
        for bad in ["", "sha-1", "sha-1 99", "md5 99:41", "sha-256 +1:22", &SHA1.replace("99", "9g")] {
            assert_eq!(Fingerprint::read(bad.as_bytes()), None, "{bad}");
        }
        let long = format!("sha-512 {}", ["AB"; 65].join(":"));
        assert_eq!(Fingerprint::read(long.as_bytes()), None);
        assert!(Fingerprint::read(format!("SHA-512 {}", ["ab"; 64].join(":")).as_bytes()).is_some());
    }

    #[test]
    fn the_medias_own_lines_come_before_the_sessions() {
        let other = SHA1.replace("99", "98");
        let text = format!(
            "v=0\r\ns=-\r\na=setup:actpass\r\na=fingerprint:{SHA1}\r\nm=audio 4 UDP/TLS/RTP/SAVP 0\r\nm=video 4 UDP/TLS/RTP/SAVPF 34\r\na=setup:passive\r\na=fingerprint:{other}\r\na=fingerprint:md5 00\r\n"
        );
        let session = parse(text.as_bytes(), &Limits::default()).unwrap();
        let first =
            |at: usize| session.fingerprints(&session.media()[at]).map(|f| f.sum()[0]).collect::<Vec<_>>();
        assert_eq!((first(0), first(1)), (vec![0x99], vec![0x98]));
        let setup = |at: usize| session.setup(&session.media()[at]);
        assert_eq!((setup(0), setup(1)), (Some(Setup::Actpass), Some(Setup::Passive)));
        assert_eq!(Setup::Actpass.answer(), Some(Setup::Active));
        assert_eq!(Setup::Active.answer(), Some(Setup::Passive));
    }
}
