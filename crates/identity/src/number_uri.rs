//! Numbers as URIs towards a trunk: `sip` (RFC 3261 §19.1) or `tel` (RFC 3966), as its policy says.
//!
//! Enter through [`push_uri`].

use config::{Policy, UriScheme};
use sip_msg::{Scheme, Uri};

/// Appends the URI of a number at a host. `params` are parameters of a sip URI, which tel does not have.
///
/// A tel URI is global, or says what it is local to (RFC 3966 §5.1.5); what can be neither stays a sip
/// URI.
pub fn push_uri(out: &mut Vec<u8>, number: &str, host: &str, params: &[u8], policy: &Policy) {
    let dialled = number.split(';').next().unwrap_or_default();
    let context = policy.phone_context.as_deref().filter(|_| is_local(dialled));
    if policy.uri == UriScheme::Tel && (is_global(dialled) || context.is_some()) {
        out.extend_from_slice(b"tel:");
        out.extend_from_slice(number.as_bytes());
        push_context(out, context);
        return;
    }
    out.extend_from_slice(b"sip:");
    push_user(out, number);
    if !number.is_empty() {
        push_context(out, context.filter(|_| policy.user_phone));
        out.push(b'@');
    }
    out.extend_from_slice(host.as_bytes());
    out.extend_from_slice(params);
    if policy.user_phone && !number.is_empty() {
        out.extend_from_slice(b";user=phone");
    }
}

fn push_context(out: &mut Vec<u8>, context: Option<&str>) {
    if let Some(context) = context {
        out.extend_from_slice(b";phone-context=");
        out.extend_from_slice(context.as_bytes());
    }
}

/// A number at the host of a registered contact, with the contact's parameters but for that of bulk registration
/// (RFC 6140 §5.3); `None` when the contact is no URI.
#[must_use]
pub fn number_at(contact: &[u8], number: &str, policy: &Policy) -> Option<Vec<u8>> {
    let contact = Uri::parse(contact).ok()?;
    let mut host = String::from_utf8(contact.host.to_vec()).ok()?;
    if let Some(port) = contact.port {
        host = format!("{host}:{port}");
    }
    let mut params = Vec::new();
    for param in contact.params.iter().filter(|p| !p.name.eq_ignore_ascii_case(b"bnc")) {
        params.push(b';');
        params.extend_from_slice(param.name);
        if !param.value.is_empty() {
            params.push(b'=');
            params.extend_from_slice(param.value);
        }
    }
    let policy = Policy { uri: UriScheme::Sip, ..policy.clone() };
    let mut uri = Vec::with_capacity(64);
    push_uri(&mut uri, number, &host, &params, &policy);
    if contact.scheme == Scheme::Sips {
        uri.splice(..b"sip".len(), *b"sips");
    }
    Some(uri)
}

/// The user part of our Contact: the number when it needs no escaping.
#[must_use]
pub fn contact_user(number: &str) -> &[u8] {
    let plain = number.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'.' | b'-' | b'_'));
    if plain { number.as_bytes() } else { b"" }
}

/// `global-number-digits` without separators (RFC 3966 §3).
fn is_global(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

/// `local-number-digits` without separators; one with `#`, which ends a URI elsewhere, counts as none.
fn is_local(number: &str) -> bool {
    let dialled = |b: u8| b.is_ascii_digit() || b == b'*';
    !number.is_empty() && number.bytes().all(dialled)
}

/// Appends a user part, escaping what RFC 3261 §25.1 does not allow there.
#[inline]
pub fn push_user(out: &mut Vec<u8>, user: &str) {
    for &c in user.as_bytes() {
        if c.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&c) {
            out.push(c);
        } else {
            out.push(b'%');
            out.push(b"0123456789ABCDEF"[usize::from(c >> 4)]);
            out.push(b"0123456789ABCDEF"[usize::from(c & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::received::number_of;
    use proptest::prelude::*;

    fn policy(uri: UriScheme, user_phone: bool, context: Option<&str>) -> Policy {
        let usual = &config::profile::find("generic-pbx").expect("a profile").defaults.policy;
        Policy { uri, user_phone, phone_context: context.map(str::to_owned), ..usual.clone() }
    }

    fn written(number: &str, policy: &Policy) -> String {
        let mut out = Vec::new();
        push_uri(&mut out, number, "example.com", b";transport=tcp", policy);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_form() {
        use UriScheme::{Sip, Tel};
        for (number, scheme, phone, context, uri) in [
            ("+4930", Sip, false, None, "sip:+4930@example.com;transport=tcp"),
            ("+4930", Sip, true, Some("+49"), "sip:+4930@example.com;transport=tcp;user=phone"),
            ("100", Sip, true, Some("+49"), "sip:100;phone-context=+49@example.com;transport=tcp;user=phone"),
            ("100", Sip, false, Some("+49"), "sip:100@example.com;transport=tcp"),
            ("+4930", Tel, false, None, "tel:+4930"),
            ("+4930;ext=7", Tel, true, Some("x.example"), "tel:+4930;ext=7"),
            ("100", Tel, false, Some("x.example"), "tel:100;phone-context=x.example"),
            ("100", Tel, false, None, "sip:100@example.com;transport=tcp"),
            ("*21#", Tel, false, Some("x.example"), "sip:*21%23@example.com;transport=tcp"),
            ("alice", Tel, false, Some("x.example"), "sip:alice@example.com;transport=tcp"),
            ("", Tel, true, Some("x.example"), "sip:example.com;transport=tcp"),
            ("+", Tel, false, None, "sip:+@example.com;transport=tcp"),
        ] {
            assert_eq!(written(number, &policy(scheme, phone, context)), uri, "{number} as {scheme}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            number in "\\+[0-9]{1,15}(;ext=[0-9]{1,7})?|[0-9*#]{1,20}|[a-z.]{1,20}|[^\\x00-\\x1f;]{0,30}",
            tel in any::<bool>(),
            user_phone in any::<bool>(),
            context in prop::option::of(prop::sample::select(vec!["+49", "pbx.example"])),
        ) {
            let scheme = if tel { UriScheme::Tel } else { UriScheme::Sip };
            let uri = written(&number, &policy(scheme, user_phone, context));
            prop_assert_eq!(&*number_of(uri.as_bytes()), number.as_str(), "{}", uri);
        }
    }
}
