//! Media over IPv6, and from IPv4 to IPv6: two baresip hear each other through the server whatever secures their legs and
//! whichever codecs they have.

use conformance::baresip::{Baresip, Voice};
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::control::await_call;
use conformance::island::on_an_island_of_both;
use conformance::lab::Host;
use conformance::secured::{DID, WORLD, two_codecs_at};
use conformance::server::tronco;
use conformance::{Place, Server, await_some, records};
use serde_json::Value;

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

/// Net by net: the peer, and the server towards it.
const PEERS: [&str; 2] = ["fd78:1::2", "fd78:2::2"];
const OURS: [&str; 2] = ["fd78:1::1", "fd78:2::1"];

/// What a part of the engines has relayed.
fn relayed(place: &Place, part: &str) -> u64 {
    let socket = place.path("tronco.sock").display().to_string();
    let told = tronco(&["status", "--json", "--socket", &socket]);
    let status: Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    status.pointer(&format!("/media/{part}")).and_then(Value::as_u64).unwrap_or_default()
}

/// Two phones of IPv6 on wires to the server, with keys and codecs of their own; `part` of the engines relays what they say.
/// Where this user may not load programs into the kernel, that is said.
fn over_wires(name: &str, rules: [&str; 2], [ours, theirs]: [(&str, &str); 2], part: &str) {
    let place = Place::new(name);
    let [near, server, far] = [(); 3].map(|()| Host::new().expect("a host"));
    for (n, (host, device)) in [(&near, "s0"), (&far, "s1")].into_iter().enumerate() {
        let [peer, ours] = [PEERS, OURS].map(|addresses| format!("{}/64", addresses[n]));
        host.wire(("e0", &peer), &server, (device, &ours));
    }
    let mut setup = Setup::new(&place);
    setup.drain = "1s";
    setup.more = "[media]\ntouched_path = \"auto\"\n".into();
    setup.address = (OURS[0].into(), OURS[1].into());
    (setup.pbx, setup.itsp) = (vec![format!("[{}]:5060", PEERS[0])], vec![format!("[{}]:5060", PEERS[1])]);
    let [pbx, itsp] = rules.map(|rule| format!("override = {{ {rule} }}\n"));
    (setup.pbx_more, setup.itsp_more) = (pbx, itsp);
    let server = server.inside(|| Server::start(&place, &setup.text()));
    let phone = |host: &Host, n: usize, number: &str, (codec, keys): (&str, &str), dial: Option<&str>| {
        let account = format!("<sip:{number}@[{}]>;regint=0{keys}", PEERS[n]);
        let voice = Voice { codec, ..Voice::tone([440.0, 700.0][n]) };
        let phone = host.inside(|| Baresip::at(&place, (number, PEERS[n]), &voice, &account, dial));
        phone.process().line("baresip is ready");
        phone
    };
    let callee = phone(&far, 1, WORLD, theirs, None);
    let uri = format!("sip:{WORLD}@[{}]:5060", OURS[0]);
    let caller = phone(&near, 0, DID, ours, Some(&uri));
    caller.hears_now(700.0);
    callee.hears_now(440.0);
    let lines = server.process().lines();
    if lines.iter().any(|line| line.contains("nothing in the kernel")) {
        let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
        assert!(!declared, "the kernel's engine is declared to work here: {}", server.process().tail());
        println!("heard, but by sockets: {}", server.process().tail());
    } else {
        let by = await_some(|| Some(relayed(&place, part)).filter(|packets| *packets > 100));
        let call = await_call(&place, |_| true);
        assert!(by.is_some(), "{part} has relayed {}: {call}", relayed(&place, part));
    }
    drop((caller, callee));
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_kernel_relays_plain_ipv6_and_both_are_heard() {
    over_wires("six-kernel", [OFF, OFF], [("PCMA", ""); 2], "fast_path/packets");
}

#[test]
fn secured_and_transcoded_ipv6_comes_in_shared_memory_and_both_are_heard() {
    let secured = format!("{SDES}, codecs = [\"G722\"]");
    let plain = format!("{OFF}, codecs = [\"PCMA\"]");
    let phones = [("G722", ";mediaenc=srtp-mand"), ("PCMA", "")];
    over_wires("six-touched", [&secured, &plain], phones, "touched_path/sent");
}
