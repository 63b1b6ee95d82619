//! Values that cross, without what names hosts and addresses of the other side: Alert-Info, the texts of Reason and
//! Warning. A trunk's `topology_pass` shows them as they came.

use base::names_place;
use sip_msg::elements;
use std::borrow::Cow;

/// An Alert-Info without the elements that name a host; empty when nothing is left. What stays are URNs (RFC 7462),
/// URLs of the loopback address, which peers use as a name for a tone, and forms without a host.
pub(crate) fn alert_info(value: &[u8]) -> Cow<'_, [u8]> {
    let mut all = elements(value);
    match (all.next(), all.next()) {
        (Some(one), None) if is_placeless(one) => one.into(),
        _ => joined(elements(value).filter(|element| is_placeless(element))).into(),
    }
}

fn is_placeless(element: &[u8]) -> bool {
    let inner = element.iter().position(|c| *c == b'<').map_or(element, |at| &element[at + 1..]);
    let end = inner.iter().position(|c| *c == b'>').unwrap_or(inner.len());
    let (uri, rest) = inner.split_at(end);
    if uri.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"urn:")) {
        return !names_place(rest);
    }
    let Some(at) = uri.windows(3).position(|w| w == b"://") else { return !names_place(element) };
    let authority =
        uri[at + 3..].split(|c| matches!(c, b'/' | b'?' | b'#' | b';')).next().unwrap_or_default();
    let loopback = [&b"127.0.0.1"[..], b"localhost", b"[::1]"];
    let port = |tail: &[u8]| tail.is_empty() || tail.starts_with(b":");
    let is = |host: &&[u8]| authority.strip_prefix(*host).is_some_and(port);
    (authority.is_empty() || loopback.iter().any(is)) && !names_place(rest)
}

/// A Reason whose parameters name no host (RFC 3326 §2): the cause stays.
pub(crate) fn reason(value: &[u8]) -> Cow<'_, [u8]> {
    if !names_place(value) {
        return value.into();
    }
    let mut out = Vec::with_capacity(value.len());
    for element in elements(value) {
        let mut parts = parts(element);
        let Some(protocol) = parts.next().filter(|protocol| !names_place(protocol)) else { continue };
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(protocol);
        for part in parts.filter(|part| !names_place(part)) {
            out.push(b';');
            out.extend_from_slice(part);
        }
    }
    out.into()
}

/// What stands between semicolons outside quotes.
fn parts(element: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    element.split(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' => return !quoted,
            _ => {}
        }
        false
    })
}

fn joined<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for element in elements {
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(element);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{alert_info, reason};
    use std::borrow::Cow;

    #[test]
    fn alert_info_keeps_what_names_no_host() {
        for (value, told) in [
            ("<urn:alert:source:internal>", "<urn:alert:source:internal>"),
            ("<http://127.0.0.1/Bellcore-dr1>", "<http://127.0.0.1/Bellcore-dr1>"),
            ("<http://localhost:80/ring.wav>;info=internal", "<http://localhost:80/ring.wav>;info=internal"),
            ("<Bellcore-dr3>", "<Bellcore-dr3>"),
            ("info=alert-autoanswer", "info=alert-autoanswer"),
            ("<http://pbx.corp.example/ring.wav>", ""),
            ("<http://10.8.0.31/ring.wav>, <urn:alert:service:normal>", "<urn:alert:service:normal>"),
            ("<http://pbx/ring.wav>", ""),
            ("<http://127.0.0.1.corp.example/x>", ""),
            ("<http://127.0.0.1@pbx.corp.example/x>", ""),
            ("<http://alice@127.0.0.1/x>", ""),
            ("<file:///ring.wav>", "<file:///ring.wav>"),
            ("<urn:alert:source:internal>;x=10.8.0.31", ""),
            ("<sip:tone@pbx>", ""),
            ("<", "<"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&alert_info(value.as_bytes())), told, "{value}");
        }
    }

    #[test]
    fn what_hides_nothing_is_not_copied() {
        let is_borrowed = |told: &Cow<'_, [u8]>| matches!(told, Cow::Borrowed(_));
        assert!(is_borrowed(&reason(b"Q.850;cause=16;text=\"Normal call clearing\"")));
        assert!(is_borrowed(&alert_info(b"<urn:alert:source:internal>")));
        assert!(!is_borrowed(&reason(b"SIP;cause=200;text=\"10.8.0.31\"")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_no_reason_names_a_host(value in "[a-z.:;,\"\\\\@<>=0-9 ]{0,60}") {
            let told = reason(value.as_bytes());
            proptest::prop_assert!(!base::names_place(&told), "{}", String::from_utf8_lossy(&told));
            let _ = alert_info(value.as_bytes());
        }
    }

    #[test]
    fn a_reason_keeps_its_cause_and_a_text_that_names_no_host() {
        for (value, told) in [
            ("Q.850;cause=16;text=\"Normal call clearing\"", "Q.850;cause=16;text=\"Normal call clearing\""),
            ("SIP;cause=200;text=\"by sbc2.corp.example; done\"", "SIP;cause=200"),
            (
                "SIP ;cause=503 ;text=\"at 10.8.0.31\", Q.850;cause=41;text=\"Temporary, \\\"x\\\"\"",
                "SIP ;cause=503 , Q.850;cause=41;text=\"Temporary, \\\"x\\\"\"",
            ),
            ("Q.850;cause=31;location=sbc2.lan", "Q.850;cause=31"),
            ("Q.850;text=\"open 10.8.0.31", "Q.850"),
            ("sbc2.corp.example;cause=1, Q.850;cause=2", "Q.850;cause=2"),
            ("\"SIP;text=10.8.0.31\";cause=1", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&reason(value.as_bytes())), told, "{value}");
        }
    }
}
