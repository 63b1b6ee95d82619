//! What we tell a trunk's peers that we can do, and what their own messages say of them: Allow, Supported,
//! Allow-Events, Unsupported. INVITE and the answer to OPTIONS say the same (RFC 3261 §11.2); 2xx and requests inside a
//! call leave 100rel out, which is settled by then.

use crate::headers::{push_parts, push_row};
use base::ReasonId;
use config::{Policy, Prack, Refer, Replaces, Update};
use sip_msg::{Method, Msg, Name, Scheme, Start, Uri};

/// The methods that we answer or pass, as `Allow` says (RFC 3261 §20.5).
const ALLOW: &[u8] = b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE";

/// [`ALLOW`] towards peers that are to send no UPDATE.
const ALLOW_BUT_UPDATE: &[u8] = b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE";

/// [`ALLOW`] towards peers that may transfer calls; what comes of that they hear by NOTIFY, and we hear
/// theirs.
const ALLOW_REFER: &[u8] =
    b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE";

/// [`ALLOW_REFER`] towards peers that are to send no UPDATE.
const ALLOW_REFER_BUT_UPDATE: &[u8] =
    b"INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE";

/// The event packages that we know, where the policy lets peers transfer calls (RFC 3515 §3.1).
const EVENTS: &[u8] = b"refer";

/// Whether a P-Early-Media of the callee's side authorises media towards the caller: `sendrecv` and `sendonly` do,
/// `recvonly` and `inactive` do not; the last word of them holds, and without any nothing changes (RFC 5009 §8).
#[must_use]
pub fn authorises(msg: Msg<'_>) -> Option<bool> {
    let is = |word: &[u8], one: &[u8], other: &[u8]| {
        word.eq_ignore_ascii_case(one) || word.eq_ignore_ascii_case(other)
    };
    let said = msg.list(Name::PEarlyMedia).filter_map(|word| match () {
        () if is(word, b"sendrecv", b"sendonly") => Some(true),
        () if is(word, b"recvonly", b"inactive") => Some(false),
        () => None,
    });
    said.last()
}

/// The methods that the peers of a trunk may send us.
#[must_use]
pub fn allow(policy: &Policy) -> &'static [u8] {
    match (policy.dialog.update, policy.transfer.refer) {
        (Update::Auto, Refer::Refuse) => ALLOW,
        (Update::Off, Refer::Refuse) => ALLOW_BUT_UPDATE,
        (Update::Auto, _) => ALLOW_REFER,
        (Update::Off, _) => ALLOW_REFER_BUT_UPDATE,
    }
}

/// The extensions that the peers of a trunk may use towards us, beside reliable provisionals.
fn supported(policy: &Policy) -> &'static [u8] {
    match (policy.transfer.replaces, policy.transfer.refer) {
        (Replaces::Refuse, Refer::Refuse) => b"timer",
        (Replaces::Refuse, _) => b"timer, norefersub",
        (_, Refer::Refuse) => b"timer, replaces",
        (..) => b"timer, replaces, norefersub",
    }
}

/// Appends Allow.
pub fn push_allow(policy: &Policy, rows: &mut Vec<u8>) {
    push_row(rows, b"Allow", allow(policy));
}

/// Appends Allow to what refuses a request outside any call: MESSAGE is taken inside calls alone (RFC 3428 §4).
pub fn push_allow_outside(policy: &Policy, rows: &mut Vec<u8>) {
    const INSIDE: &[u8] = b", MESSAGE";
    let all = allow(policy);
    let at = all.windows(INSIDE.len()).position(|w| w == INSIDE).unwrap_or(all.len());
    let (before, after) = all.split_at(at);
    push_parts(rows, b"Allow", &[before, after.get(INSIDE.len()..).unwrap_or_default()]);
}

/// Appends a further Allow outside calls, where peers may register.
pub fn push_register(registers: bool, rows: &mut Vec<u8>) {
    if registers {
        push_row(rows, b"Allow", b"REGISTER");
    }
}

/// Appends Allow and Supported; `reliable`: with reliable provisionals.
pub fn push(policy: &Policy, reliable: bool, rows: &mut Vec<u8>) {
    push_allow(policy, rows);
    rows.extend_from_slice(b"Supported: ");
    rows.extend_from_slice(supported(policy));
    rows.extend_from_slice(if reliable { b", 100rel\r\n" } else { b"\r\n" });
}

/// Appends all that the answer to OPTIONS tells (RFC 3261 §11.2, RFC 6665 §4.4.4): what an INVITE at this moment
/// would find.
pub fn push_all(policy: &Policy, rows: &mut Vec<u8>) {
    push(policy, policy.prack != Prack::Off, rows);
    rows.extend_from_slice(b"Accept: application/sdp\r\nAccept-Encoding: identity\r\n");
    if takes_events(policy) {
        push_row(rows, b"Allow-Events", EVENTS);
    }
}

/// The row that names us in requests towards a trunk (RFC 3261 §20.41).
#[must_use]
pub fn agent_row(policy: &Policy) -> Box<[u8]> {
    let mut row = Vec::with_capacity(32);
    push_row(&mut row, b"User-Agent", policy.user_agent.as_deref().unwrap_or("Tronco").as_bytes());
    row.into()
}

/// Whether peers may subscribe to something.
fn takes_events(policy: &Policy) -> bool {
    policy.transfer.refer != Refer::Refuse
}

/// How a SUBSCRIBE that belongs to nothing is refused. Where no event package is known the method is
/// not allowed (RFC 3261 §21.4.6); else 489 names those that are (RFC 6665 §4.2.1.1). `unbegun`: the status for one
/// that only a REFER begins (RFC 3515 §2.4.4).
pub fn refuse_event(msg: Msg<'_>, policy: &Policy, unbegun: u16, rows: &mut Vec<u8>) -> u16 {
    if !takes_events(policy) {
        push_allow(policy, rows);
        return 405;
    }
    let event = msg.first(Name::Event).unwrap_or_default();
    let package = event.split(|c| *c == b';').next().unwrap_or_default().trim_ascii();
    if package.eq_ignore_ascii_case(EVENTS) {
        return unbegun;
    }
    push_row(rows, b"Allow-Events", EVENTS);
    489
}

/// Names what the peer requires and the trunk's policy does not know, one `Unsupported` row each (RFC 3261
/// §8.2.2.3).
pub fn push_unsupported(msg: Msg<'_>, policy: &Policy, rows: &mut Vec<u8>) {
    for tag in msg.list(Name::Require) {
        let is = |option: &str| option.as_bytes().eq_ignore_ascii_case(tag);
        let known = is("timer")
            || (is("100rel") && policy.prack != Prack::Off)
            || (is("replaces") && policy.transfer.replaces != Replaces::Refuse)
            || (is("norefersub") && takes_events(policy));
        if !known {
            push_row(rows, b"Unsupported", tag);
        }
    }
}

/// What the peer of a leg said that it can do.
#[derive(Clone, Copy, Default)]
pub struct Abilities {
    /// UPDATE.
    pub update: bool,
    /// Reliable provisionals.
    pub reliable: bool,
    /// Session timers.
    pub timer: bool,
    /// 199, the end of an early dialog (RFC 6228).
    pub early_end: bool,
    /// What is said of recordings (RFC 7866 §6.3).
    pub record_aware: bool,
}

impl Abilities {
    /// Reads Allow and Supported (also Require) of a request or response.
    #[must_use]
    pub fn of(msg: Msg<'_>) -> Abilities {
        let option = |tag| msg.has_token(Name::Supported, tag) || msg.has_token(Name::Require, tag);
        Abilities {
            update: msg.has_token(Name::Allow, "UPDATE"),
            reliable: option("100rel"),
            timer: option("timer"),
            early_end: option("199"),
            record_aware: option("record-aware"),
        }
    }
}

/// What a request outside any dialog gets that concerns no call: its status, with these rows.
pub fn judge(msg: Msg<'_>, policy: &Policy, registers: bool, rows: &mut Vec<u8>) -> u16 {
    match msg.method() {
        Method::Options => {
            push_unsupported(msg, policy, rows);
            if !rows.is_empty() {
                return 420;
            }
            push_all(policy, rows);
            push_register(registers, rows);
            200
        }
        Method::Subscribe => refuse_event(msg, policy, 403, rows),
        Method::Bye | Method::Update | Method::Prack | Method::Info | Method::Notify => 481,
        Method::Refer => 603,
        method => {
            push_allow_outside(policy, rows);
            push_register(registers, rows);
            if method == Method::Other { 501 } else { 405 }
        }
    }
}

/// What is wrong with a Request-URI (RFC 3261 §8.2.2.1), if anything.
fn check_uri(uri: &[u8]) -> Option<ReasonId> {
    match Uri::parse(uri) {
        Err(_) => Some(ReasonId::BadRequest),
        Ok(uri) if uri.scheme == Scheme::Other => Some(ReasonId::UriScheme),
        Ok(_) => None,
    }
}

/// What is wrong with a request's URI, if anything.
#[must_use]
pub fn unusable_uri(msg: Msg<'_>) -> Option<ReasonId> {
    match msg.start() {
        Start::Request { uri, .. } => check_uri(uri),
        Start::Response { .. } => Some(ReasonId::BadRequest),
    }
}
