//! What a REFER asks for (RFC 3515 §2.1, §2.4.2), and what of it goes back to its sender.

use crate::headers::push_row;
use crate::received::number_of;
use base::ReasonId;
use config::ReferTarget;
use sip_msg::refer::renounces;
use sip_msg::{Msg, Name, NameAddr, ReferTo, Replaces, Scheme};

/// What a REFER asks for: one target that a call can be placed to.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The number in Refer-To, as received.
    pub called: Box<str>,
    /// Refer-To demands TLS.
    pub secure: bool,
    /// The dialog whose place the call is to take.
    pub replaces: Option<Replaces>,
    /// The number in Referred-By, as received; empty when there is none.
    pub by: Box<str>,
    /// Its Max-Forwards.
    pub hops: Option<u8>,
    /// The peer wants to be told how it goes (RFC 4488).
    pub wanted: bool,
    /// Words that go back to the peer as they came, where the call does.
    pub back: Option<Box<Back>>,
}

/// Words of a REFER that its sender gets back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Back {
    /// The URI of Refer-To, without headers in it.
    pub uri: Box<[u8]>,
    /// The value of Referred-By; empty when there is none.
    pub referred_by: Box<[u8]>,
    /// Its host, for people.
    pub host: Box<str>,
}

impl Back {
    /// Whom the call is for, as people are told: the number, else the host of the URI.
    #[must_use]
    pub fn shown(back: Option<&Back>, called: &str) -> Box<str> {
        let host = back.filter(|_| called.is_empty()).map(|back| back.host.clone());
        host.unwrap_or_else(|| called.into())
    }
}

impl Asked {
    /// Reads a REFER, whose target is called where `target` says.
    ///
    /// # Errors
    /// It names no single target, or none that could be called.
    pub fn read(msg: Msg<'_>, target: ReferTarget) -> Result<Asked, ReasonId> {
        let mut targets = msg.list(Name::ReferTo);
        let (Some(value), None) = (targets.next(), targets.next()) else { return Err(ReasonId::BadRequest) };
        let to = ReferTo::parse(value).ok_or(ReasonId::BadRequest)?;
        if to.uri.scheme == Scheme::Other {
            return Err(ReasonId::UriScheme);
        }
        if to.method.is_some_and(|method| !method.eq_ignore_ascii_case(b"INVITE")) {
            return Err(ReasonId::ReferRefused);
        }
        let referred_by = msg.first(Name::ReferredBy).unwrap_or_default();
        let by = NameAddr::parse(referred_by).map(|by| number_of(by.uri)).unwrap_or_default();
        let is_sip = to.uri.scheme != Scheme::Tel;
        let back = (target == ReferTarget::Peer && to.replaces.is_none() && is_sip).then(|| {
            let uri = to.uri.raw.split(|c| *c == b'?').next().unwrap_or_default();
            let host = String::from_utf8_lossy(to.uri.host).into_owned().into();
            Box::new(Back { uri: uri.into(), referred_by: referred_by.into(), host })
        });
        Ok(Asked {
            called: number_of(to.uri.raw),
            secure: to.uri.scheme == Scheme::Sips,
            replaces: to.replaces,
            by,
            hops: msg.max_forwards().ok().flatten(),
            wanted: !renounces(msg) && !msg.has_token(Name::Require, "norefersub"),
            back,
        })
    }
}

/// Appends whose place an INVITE is to take (RFC 3891 §4), and who asked for it where that goes back as it came.
pub fn push_asked(replaces: Option<&Replaces>, back: Option<&Back>, rows: &mut Vec<u8>) {
    if let Some(replaces) = replaces {
        let mut value = Vec::new();
        replaces.write(&mut value);
        push_row(rows, b"Replaces", &value);
        push_row(rows, b"Require", b"replaces");
    }
    if let Some(back) = back.filter(|back| !back.referred_by.is_empty()) {
        push_row(rows, b"Referred-By", &back.referred_by);
    }
}
