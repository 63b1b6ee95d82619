//! Which headers cross from one leg to the other, and how rows of our own are written.
//!
//! Topology hiding: nothing of the other side crosses unless it is named here or by the trunk's
//! policy. Rows are rewritten from the parsed value, so that no spelling of a protected header
//! (white space before the colon, folding, compact form) can smuggle it across.

use crate::header_rules::received;
use crate::topology;
use crate::warning::restated;
use config::{HeaderRow, Policy};
use sip_msg::{Msg, Name};

/// End-to-end headers that always cross (they speak of the call, not of the network).
const ALWAYS: &[Name] = &[
    Name::Subject,
    Name::Priority,
    Name::AlertInfo,
    Name::AcceptLanguage,
    Name::ResourcePriority,
    Name::UserToUser,
    Name::PEarlyMedia,
    Name::Geolocation,
    Name::GeolocationRouting,
];

/// Who calls and who was called before: read and written anew by `identity`, never passed.
const IDENTITY: &[Name] = &[
    Name::PAssertedIdentity,
    Name::PPreferredIdentity,
    Name::RemotePartyId,
    Name::Privacy,
    Name::Diversion,
    Name::HistoryInfo,
    Name::PChargeInfo,
    Name::PCalledPartyId,
    Name::ReferredBy,
];

/// What a user says of itself, taken off for one who wants to stay unknown (RFC 3323 §5.3); with the
/// signature of a number that is not shown (RFC 8224).
const USERS_OWN: &[Name] = &[
    Name::Subject,
    Name::CallInfo,
    Name::Organization,
    Name::ReplyTo,
    Name::InReplyTo,
    Name::Identity,
    Name::IdentityInfo,
];

/// Headers that belong to the hop or to us; a policy's `headers_pass` cannot let them cross.
const NEVER: &[Name] = &[
    Name::Via,
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::Contact,
    Name::MaxForwards,
    Name::Route,
    Name::RecordRoute,
    Name::ContentType,
    Name::ContentLength,
    Name::ContentEncoding,
    Name::Allow,
    Name::Supported,
    Name::Require,
    Name::ProxyRequire,
    Name::Unsupported,
    Name::SessionExpires,
    Name::MinSe,
    Name::RSeq,
    Name::RAck,
    Name::Authorization,
    Name::ProxyAuthorization,
    Name::WwwAuthenticate,
    Name::ProxyAuthenticate,
    Name::Path,
    Name::ServiceRoute,
    Name::Replaces,
    Name::Timestamp,
    Name::Expires,
];

/// What kind of message the rows go into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invite,
    Response,
    Bye,
    Inner,
}

/// Appends one row; bytes that could end it are made blanks (RFC 3261 §7.3.1).
#[inline]
pub fn push_row(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    push_parts(out, name, &[value]);
}

/// Appends one row whose value is the parts joined.
#[inline]
pub fn push_parts(out: &mut Vec<u8>, name: &[u8], parts: &[&[u8]]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    for part in parts {
        out.extend(part.iter().map(|&c| if matches!(c, b'\r' | b'\n' | 0) { b' ' } else { c }));
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a row with a number.
#[inline]
pub fn push_number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    let mut digits = [0u8; 20];
    push_row(out, name, decimal(number, &mut digits));
}

/// A number as decimal digits.
#[inline]
pub fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// A header of the caller's INVITE that may cross to one trunk or another.
pub struct Kept {
    name: Name,
    spelled: Box<[u8]>,
    value: Box<[u8]>,
}

/// Keeps what may cross to some trunk; which of it does, each attempt's policy says.
pub fn keep_rows(msg: Msg<'_>, from: &Policy) -> Box<[Kept]> {
    if let Some(rows) = received(msg, from, is_withheld) {
        let keep = |row: HeaderRow| Kept {
            name: Name::from_bytes(row.name.as_bytes()),
            spelled: row.name.into_bytes().into(),
            value: row.value.into(),
        };
        return rows.into_iter().map(keep).collect();
    }
    let crossing = msg.headers().filter(|header| !is_withheld(header.name));
    let keep = |header: sip_msg::Header<'_>| Kept {
        name: header.name,
        spelled: header.raw_name.into(),
        value: header.value.into(),
    };
    crossing.map(keep).collect()
}

/// Appends the kept rows that may cross to the trunk with policy `to`; without the user's own when
/// the caller wants to stay unknown there.
pub fn pass_kept(kept: &[Kept], hides_user: bool, to: &Policy, out: &mut Vec<u8>) {
    let shown = |row: &&Kept| !hides_user || !USERS_OWN.contains(&row.name);
    for row in kept.iter().filter(shown).filter(|row| crosses(row.name, &row.spelled, Kind::Invite, to)) {
        let name = row.name.as_str().as_bytes();
        let name = if name.is_empty() { &row.spelled } else { name };
        push_crossing(out, (name, &row.value), row.name, (to, "-"));
    }
}

/// Appends a row that crosses, without what names hosts of the other side as far as the policy hides it; `agent` is
/// who warns on this side, in place of a peer's host.
fn push_crossing(
    out: &mut Vec<u8>,
    (name, value): (&[u8], &[u8]),
    known: Name,
    (to, agent): (&Policy, &str),
) {
    let shown = to.headers.topology;
    let told = match known {
        Name::Warning => restated(value, agent, !shown.text).into(),
        Name::AlertInfo if !shown.alert_info => topology::alert_info(value),
        Name::Reason if !shown.text => topology::reason(value),
        _ => return push_row(out, name, value),
    };
    if !told.is_empty() {
        push_row(out, name, &told);
    }
}

/// Appends the Reasons of a request that ends something, as they may cross to a trunk ("completed elsewhere", RFC
/// 3326).
pub fn pass_reason(msg: Msg<'_>, to: &Policy, out: &mut Vec<u8>) {
    for value in msg.rows(Name::Reason) {
        push_crossing(out, (b"Reason", value), Name::Reason, (to, "-"));
    }
}

/// Appends the rows of `msg` that may cross from the trunk with policy `from` to that with `to`; `agent` is this
/// node as who is there knows it.
pub fn pass_rows(msg: Msg<'_>, kind: Kind, from: &Policy, (to, agent): (&Policy, &str), out: &mut Vec<u8>) {
    if let Some(rows) = received(msg, from, is_withheld) {
        for row in &rows {
            let raw = row.name.as_bytes();
            let known = Name::from_bytes(raw);
            if crosses(known, raw, kind, to) {
                push_crossing(out, (raw, &row.value), known, (to, agent));
            }
        }
        return;
    }
    for header in msg.headers() {
        if crosses(header.name, header.raw_name, kind, to) {
            let name = header.name.as_str().as_bytes();
            let name = if name.is_empty() { header.raw_name } else { name };
            push_crossing(out, (name, header.value), header.name, (to, agent));
        }
    }
}

/// Whether a header crosses by no name: it is the hop's or ours, or `identity` decides about it.
fn is_withheld(name: Name) -> bool {
    NEVER.contains(&name) || IDENTITY.contains(&name)
}

fn crosses(name: Name, raw: &[u8], kind: Kind, to: &Policy) -> bool {
    let is = |h: &String| h.as_bytes().eq_ignore_ascii_case(raw) || h.eq_ignore_ascii_case(name.as_str());
    if is_withheld(name) || to.headers.strip.iter().any(is) {
        return false;
    }
    if ALWAYS.contains(&name) {
        return kind != Kind::Bye || name == Name::UserToUser;
    }
    match name {
        // RFC 3326: why a call ends is worth knowing on both sides.
        Name::Reason => kind != Kind::Invite,
        Name::Warning => kind == Kind::Response,
        // A request names one agent, and that is us (RFC 3261 §20.41).
        Name::UserAgent if kind != Kind::Response => false,
        Name::ContentDisposition => kind == Kind::Inner,
        _ => {
            to.headers_pass.iter().any(is)
                || (kind == Kind::Inner && raw.eq_ignore_ascii_case(b"Info-Package"))
        }
    }
}
