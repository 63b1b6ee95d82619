//! Whether a text names a host or an address: what may not leave a network where its topology is hidden.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a text holds an IP address, a host name of more than one label, or a user at a host. Words that only look
/// so (`Node.js`) count too; versions and codecs (`1.2.3`, `G.711`) do not.
///
/// ```
/// assert!(base::names_place(b"ended by sbc2.corp.example (10.8.0.31)"));
/// assert!(!base::names_place(b"Normal call clearing, G.711 1.2.3."));
/// ```
#[must_use]
pub fn names_place(text: &[u8]) -> bool {
    let named = |part: &[u8]| is_host(part) || holds_ip4(part);
    text.iter().any(is_mark)
        && words(text).any(|word| word.contains(&b'@') || is_ip6(word) || parts(word).any(named))
}

/// Whether a text holds an IP address; host names are let pass.
#[must_use]
pub fn holds_address(text: &[u8]) -> bool {
    text.iter().any(is_mark) && words(text).any(|word| is_ip6(word) || parts(word).any(holds_ip4))
}

/// Without one of these a text names nothing.
fn is_mark(c: &u8) -> bool {
    matches!(c, b'.' | b':' | b'@')
}

/// The words that may name something.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let in_word = |c: &u8| c.is_ascii_alphanumeric() || is_mark(c) || matches!(c, b'-' | b'_' | b'%');
    text.split(move |c| !in_word(c)).filter(|word| word.iter().any(is_mark))
}

/// What stands between colons in a word, where it has points.
fn parts(word: &[u8]) -> impl Iterator<Item = &[u8]> {
    word.split(|c| matches!(c, b':' | b'%')).filter(|part| part.contains(&b'.'))
}

/// Whether an IPv6 address stands at the end of a word, behind a colon or from its beginning.
fn is_ip6(word: &[u8]) -> bool {
    let word = word.split(|c| *c == b'%').next().unwrap_or_default();
    if word.iter().filter(|c| **c == b':').count() < 2 {
        return false;
    }
    let text = std::str::from_utf8(word).unwrap_or_default();
    let starts = text.char_indices().filter(|(at, c)| *at == 0 || *c == ':');
    starts.map(|(at, _)| &text[at..]).any(|rest| {
        let is = |text: &str| text.len() > 3 && text.parse::<Ipv6Addr>().is_ok();
        is(rest) || rest.strip_prefix(':').is_some_and(is)
    })
}

/// Labels with a name at the end, as the names of hosts have.
fn is_host(part: &[u8]) -> bool {
    let mut labels = part.split(|c| *c == b'.').filter(|label| !label.is_empty()).rev();
    let is_top = |label: &[u8]| label.len() > 1 && label.iter().all(u8::is_ascii_alphabetic);
    labels.next().is_some_and(is_top) && labels.next().is_some()
}

/// Four numbers with points between them, wherever they stand in a word.
fn holds_ip4(part: &[u8]) -> bool {
    let runs = part.split(|c| !c.is_ascii_digit() && *c != b'.');
    let text = |run| std::str::from_utf8(run).unwrap_or_default().trim_matches('.');
    runs.map(text).any(|run| run.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::names_place;

    #[test]
    fn hosts_and_addresses_are_found_wherever_they_stand() {
        for text in [
            "10.8.0.31",
            "at 10.8.0.31:5060.",
            "node-10.8.0.31-a",
            "[2001:db8::1]",
            "fe80::1%eth0",
            "x-addr:2001:db8::1",
            "::ffff:10.0.0.1",
            "pbx.corp.example",
            "(sbc2.lan)",
            "host=sbc2.lan;port=5060",
            "sip:alice@pbx",
            "https://pbx.corp.example/ring",
        ] {
            assert!(names_place(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn words_numbers_and_versions_are_no_places() {
        for text in [
            "",
            "Normal call clearing",
            "Q.850;cause=16",
            "G.711",
            "H.264/90000",
            "1.2.3",
            "300.0.0.1",
            "Wait... Done.",
            "e.g. this",
            "12:30:45",
            "urn:alert:service:forward",
            "PCMA/8000/1",
            "std::net",
            "+49.30.23125",
        ] {
            assert!(!names_place(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_host_name_alone_is_no_address() {
        assert!(super::holds_address(b"x=10.8.0.31") && super::holds_address(b"x 2001:db8::1"));
        assert!(!super::holds_address(b"sbc2.corp.example alice@pbx 0-15 1.2.3"));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut rng = crate::Rng::new((7, 7));
        for _ in 0..20_000 {
            let length = rng.next_u64() % 24;
            let draw = b"0123456789abcdef.:-%@[] \xff\xc3g";
            let text: Vec<u8> =
                (0..length).map(|_| draw[(rng.next_u64() % draw.len() as u64) as usize]).collect();
            let _ = names_place(&text);
        }
    }
}
