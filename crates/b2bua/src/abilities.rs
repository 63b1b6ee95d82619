//! What we allow a trunk's peers, and what they say that they can do.

use config::{Policy, Refer, Replaces, Update};
use sip_msg::{Msg, Name};

/// The methods that we answer or pass, as `Allow` says (RFC 3261 §20.5).
pub(crate) const ALLOW: &[u8] = b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE";

/// [`ALLOW`] towards peers that are to send no UPDATE.
const ALLOW_BUT_UPDATE: &[u8] = b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE";

/// [`ALLOW`] towards peers that may transfer calls; what comes of that they hear by NOTIFY, and we hear
/// theirs.
const ALLOW_REFER: &[u8] =
    b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE";

/// [`ALLOW_REFER`] towards peers that are to send no UPDATE.
const ALLOW_REFER_BUT_UPDATE: &[u8] =
    b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE";

/// The methods that the peers of a trunk may send us inside a call.
pub(crate) fn allow(policy: &Policy) -> &'static [u8] {
    match (policy.dialog.update, policy.transfer.refer) {
        (Update::Auto, Refer::Refuse) => ALLOW,
        (Update::Off, Refer::Refuse) => ALLOW_BUT_UPDATE,
        (Update::Auto, _) => ALLOW_REFER,
        (Update::Off, _) => ALLOW_REFER_BUT_UPDATE,
    }
}

/// The extensions that the peers of a trunk may use towards us.
pub(crate) fn supported(policy: &Policy) -> &'static [u8] {
    match (policy.transfer.replaces, policy.transfer.refer) {
        (Replaces::Refuse, Refer::Refuse) => b"timer",
        (Replaces::Refuse, _) => b"timer, norefersub",
        (_, Refer::Refuse) => b"timer, replaces",
        (..) => b"timer, replaces, norefersub",
    }
}

/// What the peer of a leg said that it can do.
#[derive(Clone, Copy, Default)]
pub(crate) struct Abilities {
    pub(crate) update: bool,
    pub(crate) reliable: bool,
    pub(crate) timer: bool,
    /// 199, the end of an early dialog (RFC 6228).
    pub(crate) early_end: bool,
}

impl Abilities {
    /// Reads Allow and Supported (also Require) of a request or response.
    pub(crate) fn of(msg: Msg<'_>) -> Abilities {
        let option = |tag| msg.has_token(Name::Supported, tag) || msg.has_token(Name::Require, tag);
        Abilities {
            update: msg.has_token(Name::Allow, "UPDATE"),
            reliable: option("100rel"),
            timer: option("timer"),
            early_end: option("199"),
        }
    }
}
