//! How those who call and were called are written in a row.

use crate::decide::Shown;
use crate::headers::push_row;
use crate::number_uri::{push_uri, push_user};
use crate::party::{Party, push_display};
use config::{AnonymousHost, Caller, PaiForm, Policy};

/// An address that stands for nobody (RFC 3323 §4.1.1.3).
const NOBODY: &[u8] = b"sip:anonymous@anonymous.invalid";

/// What rows towards a trunk have in common.
pub(crate) struct Scene<'a> {
    /// The host part of URIs.
    pub host: &'a str,
    /// Numbers bear `;user=phone`.
    pub user_phone: bool,
    /// The peer may see what is private.
    pub trust: bool,
}

/// Appends `"Name" <sip:number@host>`; nobody when the peer may not see it.
pub(crate) fn push_party(out: &mut Vec<u8>, party: &Party, private: bool, scene: &Scene<'_>) {
    if !private || scene.trust {
        push_display(out, &party.display);
    }
    out.push(b'<');
    push_user_at(out, party, private, scene);
    out.push(b'>');
}

/// Appends `sip:number@host`; nobody when the peer may not see it.
pub(crate) fn push_user_at(out: &mut Vec<u8>, party: &Party, private: bool, scene: &Scene<'_>) {
    if private && !scene.trust {
        return out.extend_from_slice(NOBODY);
    }
    out.extend_from_slice(b"sip:");
    push_user(out, &party.number);
    if !party.number.is_empty() {
        out.push(b'@');
    }
    out.extend_from_slice(scene.host.as_bytes());
    if scene.user_phone && !party.number.is_empty() {
        out.extend_from_slice(b";user=phone");
    }
}

/// The value of From without its tag (RFC 3261 §20.20). `user`: that of the account stands in the number's place.
pub(crate) fn from_value(shown: &Shown, user: Option<&str>, policy: &Policy, scene: &Scene<'_>) -> Vec<u8> {
    let mut value = Vec::with_capacity(128);
    match (&shown.from, policy.caller.anonymous_host) {
        (Some(party), _) => {
            push_display(&mut value, &party.display);
            value.push(b'<');
            match user {
                Some(user) => {
                    value.extend_from_slice(b"sip:");
                    push_user(&mut value, user);
                    value.push(b'@');
                    value.extend_from_slice(scene.host.as_bytes());
                }
                None => push_uri(&mut value, &party.number, scene.host, b"", policy),
            }
            value.push(b'>');
        }
        (None, AnonymousHost::Invalid) => {
            value.extend_from_slice(b"\"Anonymous\" <");
            value.extend_from_slice(NOBODY);
            value.push(b'>');
        }
        (None, AnonymousHost::Domain) => {
            value.extend_from_slice(b"\"Anonymous\" <sip:anonymous@");
            value.extend_from_slice(scene.host.as_bytes());
            value.push(b'>');
        }
    }
    value
}

/// Appends P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID and Privacy, each once.
pub(crate) fn push(out: &mut Vec<u8>, shown: &Shown, to: &Caller, scene: &Scene<'_>) {
    if let Some(party) = &shown.pai {
        push_row(out, b"P-Asserted-Identity", &asserted_value(party, to.pai, scene));
    }
    if let Some(party) = &shown.ppi {
        let mut value = Vec::new();
        push_party(&mut value, party, false, scene);
        push_row(out, b"P-Preferred-Identity", &value);
    }
    if let Some(party) = &shown.rpid {
        let mut value = Vec::new();
        push_party(&mut value, party, false, scene);
        push_remote_params(&mut value, b"calling", shown.screened, shown.withheld);
        push_row(out, b"Remote-Party-ID", &value);
    }
    let privacy = shown.privacy.value();
    if !privacy.is_empty() {
        push_row(out, b"Privacy", privacy.as_bytes());
    }
}

/// Appends the parameters of Remote-Party-ID (draft-ietf-sip-privacy-04 §5).
pub(crate) fn push_remote_params(value: &mut Vec<u8>, party: &[u8], screened: bool, withheld: bool) {
    value.extend_from_slice(b";party=");
    value.extend_from_slice(party);
    value.extend_from_slice(if screened { b";screen=yes" } else { b";screen=no" });
    value.extend_from_slice(if withheld { b";privacy=full" } else { b";privacy=off" });
}

/// The value of P-Asserted-Identity (RFC 3325 §9.1). A number that is not global has no tel URI
/// without a context (RFC 3966 §5.1.4): it stays sip.
pub(crate) fn asserted_value(party: &Party, form: PaiForm, scene: &Scene<'_>) -> Vec<u8> {
    let mut value = Vec::with_capacity(128);
    let global = party
        .number
        .strip_prefix('+')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()));
    if form != PaiForm::Tel || !global {
        push_party(&mut value, party, false, scene);
    }
    if form != PaiForm::Sip && global {
        if !value.is_empty() {
            value.extend_from_slice(b", ");
        }
        push_display(&mut value, &party.display);
        value.extend_from_slice(b"<tel:");
        value.extend_from_slice(party.number.as_bytes());
        value.push(b'>');
    }
    value
}
