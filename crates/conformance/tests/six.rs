//! Media over IPv6, and from IPv4 to IPv6: two baresip hear each other through the server whatever secures their legs and
//! whichever codecs they have.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX};
use conformance::island::on_an_island_of_both;
use conformance::secured::two_codecs_at;
use conformance::{Place, records};

/// Which hosts have IPv6: those within, those outside, or all.
const WITHIN: &[u8] = &[INSIDE, PBX];
const BEYOND: &[u8] = &[OUTSIDE, ITSP];
const ALL: &[u8] = &[INSIDE, PBX, OUTSIDE, ITSP];

const SDES: &str = "srtp = \"required\"";
const DTLS: &str = "srtp = \"required\", srtp_keys = [\"dtls\"]";
const OFF: &str = "srtp = \"off\"";
const SAME: (&str, &str) = ("PCMA", "PCMA");

/// A call between hosts of which these have IPv6; each hears the other, and the record has the way of either leg.
fn talk(name: &str, six: &[u8], rules: (&str, &str), encryptions: (&str, &str), codecs: (&str, &str)) {
    on_an_island_of_both(name, || {
        let place = two_codecs_at(Place::six("six", six), rules, encryptions, codecs);
        let record = records::await_count(&place, 1).remove(0);
        for (way, host) in [("from_caller", PBX), ("from_callee", ITSP)] {
            let source = record.pointer(&format!("/media/{way}/source")).and_then(|word| word.as_str());
            let is_six = source.is_some_and(|source| source.starts_with('['));
            assert_eq!(is_six, six.contains(&host), "{record}");
        }
    });
}

#[test]
fn plain_phones_of_ipv6_hear_each_other() {
    talk("plain_phones_of_ipv6_hear_each_other", ALL, (OFF, OFF), ("", ""), SAME);
}

#[test]
fn a_phone_of_ipv4_calls_one_of_ipv6() {
    talk("a_phone_of_ipv4_calls_one_of_ipv6", BEYOND, (OFF, OFF), ("", ""), SAME);
}

#[test]
fn keys_in_descriptions_secure_ipv6_toward_a_plain_phone_of_ipv4() {
    let name = "keys_in_descriptions_secure_ipv6_toward_a_plain_phone_of_ipv4";
    talk(name, WITHIN, (SDES, OFF), ("srtp-mand", ""), SAME);
}

#[test]
fn a_plain_phone_of_ipv4_calls_one_of_ipv6_that_shakes_hands() {
    let name = "a_plain_phone_of_ipv4_calls_one_of_ipv6_that_shakes_hands";
    talk(name, BEYOND, (OFF, DTLS), ("", "dtls_srtp"), SAME);
}

#[test]
fn handshakes_over_ipv6_meet_keys_in_descriptions_over_ipv4() {
    let name = "handshakes_over_ipv6_meet_keys_in_descriptions_over_ipv4";
    talk(name, WITHIN, (DTLS, SDES), ("dtls_srtp", "srtp-mand"), SAME);
}

#[test]
fn sound_changes_its_codec_between_ipv6_and_ipv4() {
    let name = "sound_changes_its_codec_between_ipv6_and_ipv4";
    let rules = ("codecs = [\"G722\"]", "codecs = [\"PCMA\"]");
    talk(name, WITHIN, rules, ("", ""), ("G722", "PCMA"));
}
