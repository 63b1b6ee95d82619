//! Secure media between the peers: what both trunks say of SRTP holds for what they agree on, although no key is ours.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, from_callee, inside, invite, response};
use base::ReasonId;

const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
const OTHER: &str = "a=crypto:1 AES_CM_256_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n";

/// Both let their media go, with these policies.
fn world(pbx: &str, one: &str) -> World {
    let rule = |name: &str, more: &str| {
        let (mode, keys) = more.split_once('/').unwrap_or((more, "sdes"));
        format!(
            "[trunk.{name}]\noverride = {{ media = \"direct\", srtp = \"{mode}\", srtp_keys = [\"{keys}\"] }}"
        )
    };
    World::new(&CONFIG.replace("[trunk.pbx]", &rule("pbx", pbx)).replace("[trunk.one]", &rule("one", one)))
}

fn secured(text: &str) -> String {
    format!("{}{KEY}", text.replace("RTP/AVP", "RTP/SAVP"))
}

fn beside(text: &str) -> String {
    format!("{text}{KEY}")
}

/// A fingerprint in the place of keys.
fn shaken(text: &str, setup: &str) -> String {
    let digest = vec!["C4"; 32].join(":");
    let text = text.replace("RTP/AVP", "UDP/TLS/RTP/SAVP");
    format!("{text}a=setup:{setup}\r\na=fingerprint:sha-256 {digest}\r\n")
}

#[test]
fn an_offer_crosses_as_it_is_where_both_trunks_take_it() {
    for (pbx, one, offer) in [
        ("off", "off", OFFER.to_owned()),
        ("off", "off", beside(OFFER)),
        ("required", "required", secured(OFFER)),
        ("required", "optional", secured(OFFER)),
        ("optional", "required", beside(OFFER)),
        ("optional", "off", OFFER.to_owned()),
    ] {
        let mut world = world(pbx, one);
        world.receive(PBX, &invite("004420700000", &offer, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert_eq!(out.body(), offer, "{pbx} {one}");
    }
}

#[test]
fn an_offer_that_one_of_both_trunks_does_not_take_is_refused_with_488() {
    for (pbx, one, offer, reason) in [
        ("required", "off", OFFER.to_owned(), "M-SRTP-REQUIRED"),
        ("off", "required", OFFER.to_owned(), "M-SRTP-REQUIRED"),
        ("required", "required", secured(OFFER).replace(KEY, OTHER), "M-SRTP-REQUIRED"),
        ("required", "required", shaken(OFFER, "actpass"), "M-SRTP-REQUIRED"),
        ("off", "off", secured(OFFER), "M-SRTP"),
        ("off", "required", secured(OFFER), "M-SRTP"),
        ("off", "optional", secured(OFFER), "M-SRTP"),
    ] {
        let mut world = world(pbx, one);
        world.receive(PBX, &invite("004420700000", &offer, ""));
        let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
        assert!(sent[0].text.contains(&format!("\"{reason}\"")), "{pbx} {one}: {}", sent[0].text);
        world.settle();
    }
}

#[test]
fn of_an_offer_with_several_streams_those_in_clear_are_not_passed() {
    let video = "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
    let mut world = world("optional", "required");
    world.receive(PBX, &invite("004420700000", &format!("{}{video}", secured(OFFER)), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(out.body().contains("m=audio 4000 RTP/SAVP") && out.body().contains(KEY), "{}", out.body());
    assert!(out.body().contains("m=video 0 RTP/AVP 97"), "{}", out.body());
}

#[test]
fn an_answer_in_clear_is_none_where_a_trunk_requires_more() {
    for (answer, taken) in [
        (beside(ANSWER), true),
        (secured(ANSWER), true),
        (ANSWER.to_owned(), false),
        (format!("{ANSWER}{OTHER}"), false),
    ] {
        for (pbx, one) in [("required", "optional"), ("optional", "required")] {
            let mut world = world(pbx, one);
            world.receive(PBX, &invite("004420700000", &beside(OFFER), ""));
            let out = world.expect(&[(GW1, "INVITE")]).remove(0);
            world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
            if taken {
                let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
                assert_eq!(ok.body(), answer);
                continue;
            }
            let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 488")]);
            world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
            world.settle();
            assert_eq!(world.records[0].reason, ReasonId::SrtpAnswerBad, "{pbx} {one} {answer}");
        }
    }
}

#[test]
fn handshakes_between_the_peers_count_as_keys_do() {
    let mut world = world("required/dtls", "required/dtls");
    world.receive(PBX, &invite("004420700000", &shaken(OFFER, "actpass"), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let answer = shaken(ANSWER, "active");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert_eq!(ok.body(), answer);
}

#[test]
fn an_answer_keys_media_by_a_way_that_both_trunks_allow_though_the_offer_bears_both_ways() {
    let offer = shaken(&beside(OFFER), "actpass").replace("UDP/TLS/RTP/SAVP", "RTP/AVP");
    let clear = |text: String| text.replace("UDP/TLS/RTP/SAVP", "RTP/AVP");
    for (rule, answer, taken) in [
        ("required/dtls", clear(shaken(ANSWER, "active")), true),
        ("required/dtls", beside(ANSWER), false),
        ("required/sdes", beside(ANSWER), true),
        ("required/sdes", clear(shaken(ANSWER, "active")), false),
    ] {
        for (pbx, one) in [(rule, "off"), ("off", rule)] {
            let mut world = world(pbx, one);
            world.receive(PBX, &invite("004420700000", &offer, ""));
            let out = world.expect(&[(GW1, "INVITE")]).remove(0);
            world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
            if taken {
                world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
                continue;
            }
            let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 488")]);
            world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
            world.settle();
            assert_eq!(world.records[0].reason, ReasonId::SrtpAnswerBad, "{pbx} {one} {answer}");
        }
    }
}

/// A secured call; our INVITE to the gateway and our 200.
fn called(world: &mut World) -> (Sent, Sent) {
    world.receive(PBX, &invite("004420700000", &secured(OFFER), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER)));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (out, ok)
}

#[test]
fn a_call_does_not_become_plain_or_fax_inside_where_that_is_barred() {
    let fax = "v=0\r\no=bob 5 6 IN IP4 192.0.2.70\r\ns=-\r\nc=IN IP4 192.0.2.70\r\nt=0 0\r\n\
               m=image 6100 udptl t38\r\na=T38FaxVersion:0\r\n";
    for offer in [ANSWER.replace("bob 5 5", "bob 5 6"), fax.to_owned()] {
        let mut world = world("required", "optional");
        let (out, _) = called(&mut world);
        world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "re7", &offer));
        let sent = world.expect(&[(GW1, "SIP/2.0 488")]);
        assert!(sent[0].text.contains("Warning: 302"), "{}", sent[0].text);
        world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "re7", ""));
        world.expect(&[]);
    }
}
