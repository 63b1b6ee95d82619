//! How a stream is protected between us and one peer: what signalling asks for, and what came of it.

use crate::control::{Remote, Side};
use crate::flow::Component;
use srtp::{MasterKey, Suite};
use std::fmt;
use std::net::SocketAddr;

/// Whether a stream is protected between us and one peer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Srtp {
    /// Plain RTP.
    #[default]
    Off,
    /// It will be protected, but keys are not agreed yet: nothing passes, unless former keys still hold.
    Awaited,
    /// Protected.
    On(Box<Keys>),
    /// It will be protected with the keys of a DTLS handshake on its own ports (RFC 5764); until then as `Awaited`.
    Dtls(Box<Dtls>),
}

/// How certificates are known by signalling (RFC 8122 §5), the strongest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The digest of a peer's certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// By which hash.
    pub hash: Hash,
    /// As many bytes as the hash makes.
    pub digest: Box<[u8]>,
}

/// What names an association of DTLS (RFC 8842 §4).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Association {
    /// What never changes while it lasts.
    pub name: Box<str>,
    /// Where the peer's end is and by which session it is known, where it has no name: one of both may change. Who says
    /// nothing of that is who it was.
    pub end: [Option<Box<str>>; 2],
}

impl Association {
    /// Whether what is said now names the same one.
    #[must_use]
    pub fn goes_on(&self, now: &Association) -> bool {
        let mut both = self.end.iter().zip(&now.end);
        let met = self.is_silent() || now.is_silent() || both.any(|(one, now)| one.is_some() && one == now);
        self.name == now.name && met
    }

    fn is_silent(&self) -> bool {
        self.end.iter().all(Option::is_none)
    }

    /// Takes what is said now.
    pub fn follow(&mut self, now: &Association) {
        if self.name != now.name || !now.is_silent() {
            self.clone_from(now);
        }
    }
}

impl From<&str> for Association {
    fn from(name: &str) -> Association {
        Association { name: name.into(), ..Association::default() }
    }
}

/// With whom a stream's keys are to be agreed, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dtls {
    /// We begin (`a=setup:active`).
    pub client: bool,
    /// The peer has left open who begins: of an association that is known whoever began goes on (RFC 8842 §5.5).
    pub open: bool,
    /// Of which one must be the peer's.
    pub fingerprints: Vec<Fingerprint>,
    /// Another one wants another handshake.
    pub association: Association,
    /// What we take, in our order.
    pub suites: Vec<Suite>,
    /// The call is answered: keys must come now.
    pub answered: bool,
}

impl Dtls {
    /// Whether what is said now means the same association.
    #[must_use]
    pub fn goes_on(&self, now: &Dtls) -> bool {
        let begins = now.open || self.client == now.client;
        let same = self.association.goes_on(&now.association) && self.fingerprints == now.fingerprints;
        begins && same && self.suites == now.suites
    }
}

impl Remote {
    /// A peer that was offered a handshake and has not described itself: it may begin all the same (RFC 5763 §5).
    #[must_use]
    pub fn unknown() -> Remote {
        let terms = Dtls {
            client: false,
            open: false,
            fingerprints: Vec::new(),
            association: Association::default(),
            suites: Vec::new(),
            answered: false,
        };
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Remote { rtp: None, timeout: None, srtp: Srtp::Dtls(Box::new(terms)), ..Remote::audio(nowhere) }
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(&self.srtp, Srtp::Dtls(terms) if terms.is_unknown())
    }
}

impl Dtls {
    /// Nobody has said yet who the peer is.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.fingerprints.is_empty()
    }
}

/// One port of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// Whose peer sends there.
    pub side: Side,
    /// Index of the m-line, from 0.
    pub stream: u8,
    /// For RTP or RTCP.
    pub component: Component,
}

/// The keys of one stream between us and one peer. They show themselves to nobody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    /// What the peer protects with.
    pub receive: MasterKey,
    /// What we protect with.
    pub send: MasterKey,
}

/// How what one peer sends was protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// Not at all.
    Plain,
    /// It was to be, and no keys were ever agreed.
    Awaited,
    /// By keys in the session descriptions (RFC 4568).
    Sdes(Suite),
    /// By a DTLS handshake (RFC 5764); the suite, once it has ended.
    Dtls(Option<Suite>),
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Security::Plain => f.write_str("none"),
            Security::Awaited => f.write_str("awaited"),
            Security::Sdes(suite) => write!(f, "sdes {}", suite.name()),
            Security::Dtls(Some(suite)) => write!(f, "dtls {}", suite.name()),
            Security::Dtls(None) => f.write_str("dtls"),
        }
    }
}
