//! Who agrees on keys by DTLS, and who begins: `a=fingerprint`, `a=setup`, `a=tls-id` (RFC 8122 §5, RFC 4145 §4,
//! RFC 8842 §4), of an m= line or of the whole session.

use crate::line::{attributes, first_token};
use crate::media::Media;
use smallvec::SmallVec;
use std::fmt;
use std::io::Write;

/// Fingerprints of one m= line that are looked at: limit `fingerprints`.
const FINGERPRINTS_MAX: usize = 8;
/// The longest digest, bytes: SHA-512.
const DIGEST_MAX: usize = 64;
/// The longest `tls-id` that is kept (RFC 8842 §4): limit `tls_id`.
const TLS_ID_MAX: usize = 255;

/// Who begins the handshake (RFC 4145 §4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    /// Whoever says it.
    Active,
    /// The other side.
    Passive,
    /// As the answer says.
    Actpass,
    /// Nobody for now.
    Holdconn,
}

impl Setup {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::Actpass => "actpass",
            Setup::Holdconn => "holdconn",
        }
    }

    fn read(value: &[u8]) -> Option<Setup> {
        let all = [Setup::Active, Setup::Passive, Setup::Actpass, Setup::Holdconn];
        all.into_iter().find(|setup| setup.word().as_bytes().eq_ignore_ascii_case(value))
    }
}

/// One `a=fingerprint`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digest<'a> {
    /// The hash, as written (`sha-256`).
    pub hash: &'a [u8],
    /// What it makes of the certificate.
    pub bytes: SmallVec<[u8; DIGEST_MAX]>,
}

impl<'a> Digest<'a> {
    fn read(value: &'a [u8]) -> Option<Digest<'a>> {
        let (hash, rest) = first_token(value);
        let (text, _) = first_token(rest);
        let mut bytes = SmallVec::new();
        for pair in text.split(|byte| *byte == b':') {
            let [high, low] = *pair else { return None };
            if bytes.len() == DIGEST_MAX {
                return None;
            }
            bytes.push(digit(high)? << 4 | digit(low)?);
        }
        Some(Digest { hash, bytes })
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// What we say of ourselves.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// SHA-256 of our certificate.
    pub digest: &'a [u8; 32],
    /// Who begins.
    pub setup: Setup,
    /// Names the association; none where the peer knows no names (RFC 8842 §5.3).
    pub tls_id: Option<&'a str>,
}

impl fmt::Display for Proof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a=fingerprint:sha-256 ")?;
        for (at, byte) in self.digest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at > 0 { ":" } else { "" })?;
        }
        write!(f, "\r\na=setup:{}\r\n", self.setup.word())?;
        match self.tls_id {
            Some(id) => write!(f, "a=tls-id:{id}\r\n"),
            None => Ok(()),
        }
    }
}

/// Appends whole lines.
pub fn write_proof(proof: &Proof<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{proof}");
}

impl<'a> Media<'a> {
    /// The line's own attributes of a name, or the session's where it has none.
    fn inherited<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let section = if self.has_attribute(name) { self.section } else { self.head };
        attributes(section, name.as_bytes())
    }

    /// The fingerprints that can be read, in order.
    pub fn fingerprints(&self) -> impl Iterator<Item = Digest<'a>> + use<'a> {
        self.inherited("fingerprint").take(FINGERPRINTS_MAX).filter_map(Digest::read)
    }

    /// Whether there is one at all.
    #[must_use]
    pub fn has_fingerprint(&self) -> bool {
        self.inherited("fingerprint").next().is_some()
    }

    /// Who begins the handshake; unsaid, an offerer does (RFC 4145 §4.1).
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        self.inherited("setup").next().and_then(Setup::read)
    }

    /// The name of the association (RFC 8842 §4).
    #[must_use]
    pub fn tls_id(&self) -> Option<&'a [u8]> {
        self.inherited("tls-id").next().filter(|id| !id.is_empty() && id.len() <= TLS_ID_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    const TEXT: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        a=fingerprint:SHA-256 00:0a:FF\r\na=setup:actpass\r\na=tls-id:abc3de65cddef001be82\r\n\
        m=audio 1 UDP/TLS/RTP/SAVP 0\r\n\
        m=audio 3 UDP/TLS/RTP/SAVP 0\r\na=setup:passive\r\na=fingerprint:sha-256 1\r\na=fingerprint:sha-512 01\r\n";

    #[test]
    fn a_line_has_its_own_or_those_of_the_session() {
        let session = parse(TEXT.as_bytes(), &Limits::default()).unwrap();
        let [first, second] = session.media() else { panic!("two lines") };
        assert_eq!(first.setup(), Some(Setup::Actpass));
        assert_eq!(first.tls_id(), Some(&b"abc3de65cddef001be82"[..]));
        let all: Vec<Digest<'_>> = first.fingerprints().collect();
        assert_eq!((all.len(), all[0].hash, &all[0].bytes[..]), (1, &b"SHA-256"[..], &[0, 10, 255][..]));
        assert_eq!(second.setup(), Some(Setup::Passive));
        let all: Vec<Digest<'_>> = second.fingerprints().collect();
        assert_eq!((all.len(), all[0].hash), (1, &b"sha-512"[..]), "what cannot be read is passed over");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut text = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n".to_vec();
        write_proof(
            &Proof { digest: &[0xA7; 32], setup: Setup::Active, tls_id: Some("0123456789abcdef0123") },
            &mut text,
        );
        let session = parse(&text, &Limits::default()).unwrap();
        let media = &session.media()[0];
        assert_eq!(media.fingerprints().next().unwrap().bytes[..], [0xA7; 32]);
        assert_eq!(
            (media.setup(), media.tls_id()),
            (Some(Setup::Active), Some(&b"0123456789abcdef0123"[..]))
        );
    }
}
