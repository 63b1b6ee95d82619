//! Handshakes of a peer that describes itself again: when its end is the same one, and when another (RFC 8842 §5, §6).

use crate::common::{ANSWER, GW1, OFFER, PBX, inside, invite, response};
use crate::dtls::{OFF, REQUIRED, line, proof, secured, terms, world};
use media::Side;

/// The offer of a browser: its session, at this port, with checks and a handshake, and by this name of its end, if any.
fn browsers(session: u8, version: u32, port: u32, name: &str) -> String {
    let text = OFFER.replace("alice 1 1", &format!("alice {session} {version}"));
    let text = text.replace("m=audio 4000 ", &format!("m=audio {port} "));
    let checks = format!(
        "a=ice-ufrag:{port}\r\na=ice-pwd:0123456789abcdefghijkl\r\n\
         a=candidate:1 1 UDP 2130706431 10.0.0.21 {port} typ host\r\n"
    );
    secured(&text, &(proof(0xC4, "actpass", name) + &checks))
}

/// A call of the PBX by this trunk that begins with `first` and offers `next` one by one: whether each goes on with the
/// handshake of the one before.
fn goes_on(policy: &str, first: &str, next: &[String]) -> Vec<bool> {
    let mut world = world(policy, OFF);
    world.receive(PBX, &invite("+4420700000", first, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let mut all = Vec::new();
    for (cseq, again) in (2..).zip(next) {
        let before = terms(&world, Side::A);
        world.receive(PBX, &inside("INVITE", cseq, ok.header("To"), &format!("re{cseq}"), "", again));
        let sent = world.take();
        if let Some(passed) = sent.iter().find(|s| s.start().starts_with("INVITE")) {
            world.receive(GW1, &response(passed, "200 OK", "", "", ANSWER));
        }
        let said = sent.into_iter().chain(world.take()).find(|s| s.start().starts_with("SIP/2.0 200"));
        assert_eq!(line(said.expect("the answer").body(), "a=setup:"), Some("a=setup:active"));
        all.push(before.goes_on(&terms(&world, Side::A)));
        world.receive(PBX, &inside("ACK", cseq, ok.header("To"), &format!("ack{cseq}"), "", ""));
        world.take();
    }
    all
}

const CHECKED: &str = "srtp = \"required\", srtp_keys = [\"dtls\"], ice = \"lite\"";

/// RFC 8842 §6: a browser restarts its ICE at another port, names no end, and goes on with its handshake. Without checks
/// another place is another end.
#[test]
fn a_restart_of_ice_is_no_other_handshake() {
    for (policy, same) in [(CHECKED, true), (REQUIRED, false)] {
        let next = [2, 3].map(|version| browsers(1, version, 4_000 + 10 * version, ""));
        assert_eq!(goes_on(policy, &browsers(1, 1, 4_000, ""), &next), [same; 2], "{policy}");
    }
}

/// As a gateway does that passes on the session of whoever is behind it now: its transport and certificate are the same,
/// so it does not shake hands again (RFC 8842 §5.1).
#[test]
fn another_session_from_the_same_place_is_no_other_handshake_and_one_from_elsewhere_is() {
    let first = browsers(1, 1, 4_000, "");
    let (session, place) = (browsers(2, 1, 4_000, ""), browsers(2, 2, 4_010, ""));
    let (both, back) = (browsers(3, 1, 4_020, ""), browsers(1, 3, 4_000, ""));
    let next = [session.clone(), place.clone(), both.clone(), back.clone()];
    assert_eq!(goes_on(CHECKED, &first, &next), [true, true, false, false]);
    assert_eq!(
        goes_on(REQUIRED, &first, &next),
        [true, false, false, false],
        "without checks the place counts"
    );
}

/// RFC 9429 §5.2.1: the null address beside candidates says nothing; they do.
#[test]
fn an_end_that_names_candidates_alone_is_where_they_are() {
    let at = |session, version, port: u32| {
        let text = browsers(session, version, port, "").replace("c=IN IP4 10.0.0.21", "c=IN IP4 0.0.0.0");
        text.replace(&format!("m=audio {port} "), "m=audio 9 ")
    };
    let next = [at(2, 1, 4_000), at(2, 2, 4_010), at(3, 1, 4_020)];
    assert_eq!(goes_on(CHECKED, &at(1, 1, 4_000), &next), [true, true, false]);
}

/// Who has gathered no candidates yet is known by its session alone, also behind a gateway with one certificate for all.
#[test]
fn an_end_without_candidates_yet_is_known_by_its_session() {
    let at = |session, version, ufrag: u32| {
        let text = browsers(session, version, ufrag, "").replace("c=IN IP4 10.0.0.21", "c=IN IP4 0.0.0.0");
        let text = text.replace(&format!("m=audio {ufrag} "), "m=audio 9 ");
        text.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect::<String>()
    };
    let next = [at(1, 2, 4_010), at(2, 1, 4_020)];
    assert_eq!(goes_on(CHECKED, &at(1, 1, 4_000), &next), [true, false]);
}

/// RFC 8842 §5.1: a name says it alone.
#[test]
fn who_names_its_end_is_known_by_the_name_whatever_else_changes() {
    let (name, other) = ("abc3de65cddef001be82", "0123456789abcdef0123");
    for policy in [CHECKED, REQUIRED] {
        let next = [
            browsers(2, 1, 4_010, name),
            browsers(2, 2, 4_010, other),
            browsers(2, 3, 4_010, ""),
            browsers(2, 4, 4_010, other),
        ];
        let gone = goes_on(policy, &browsers(1, 1, 4_000, name), &next);
        assert_eq!(gone, [true, false, false, false], "{policy}");
    }
}

/// RFC 3264 §8.4: the null address says that nothing is wanted, and nothing of where its sender is.
#[test]
fn a_hold_by_the_null_address_is_no_other_handshake() {
    let at = |version: u32, ip: &str, port: u32| {
        let text = OFFER.replace("alice 1 1", &format!("alice 1 {version}"));
        let text = text.replace("m=audio 4000 ", &format!("m=audio {port} "));
        secured(&text.replace("c=IN IP4 10.0.0.21", &format!("c=IN IP4 {ip}")), &proof(0xC4, "actpass", ""))
    };
    let next = [at(2, "0.0.0.0", 4_000), at(3, "10.0.0.21", 4_000), at(4, "10.0.0.21", 4_010)];
    let first = at(1, "10.0.0.21", 4_000);
    assert_eq!(goes_on(REQUIRED, &first, &next), [true, true, false]);
}
