//! SRTP with keys in SDP (RFC 4568): each leg by its own policy, keyed apart.
#![allow(clippy::panic, reason = "keys that are not there fail the test")]

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, inside, invite, response};
use crate::told::proto;
use base::ReasonId;
use media::{Keys, Side, Srtp};

const KEY: &str =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n";
const OTHER: &str =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20\r\n";

/// The PBX's trunk and the first provider's with these policies.
fn world(pbx: &str, one: &str) -> World {
    let rule = |name: &str, srtp: &str| format!("[trunk.{name}]\noverride = {{ srtp = \"{srtp}\" }}");
    World::new(&CONFIG.replace("[trunk.pbx]", &rule("pbx", pbx)).replace("[trunk.one]", &rule("one", one)))
}

fn secured(text: &str, key: &str) -> String {
    format!("{}{key}", text.replace("RTP/AVP", "RTP/SAVP"))
}

fn crypto(body: &str) -> Vec<&str> {
    body.lines().filter(|line| line.starts_with("a=crypto:")).collect()
}

fn keys(world: &World, side: Side) -> Keys {
    match world.srtp(side) {
        Srtp::On(keys) => *keys,
        other => panic!("{side:?} is {other:?}"),
    }
}

/// The callee's answer to what we offered: the first key's line, and a key of its own.
fn answer_to(out: &Sent) -> String {
    let text = ANSWER.replace("RTP/AVP", proto(out.body()));
    let line = crypto(out.body()).first().map(|l| l.split("inline:").next().unwrap_or("").to_owned());
    match line {
        Some(line) => format!("{text}{line}inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"),
        None => text,
    }
}

/// Every pair of policies that lets a call happen: what leaves on each leg, and what the engine has.
#[test]
fn each_leg_is_secured_by_its_own_policy() {
    for (pbx, offer) in [
        ("off", OFFER.into()),
        ("optional", secured(OFFER, KEY)),
        ("optional", format!("{OFFER}{KEY}")),
        ("optional", OFFER.into()),
        ("required", secured(OFFER, KEY)),
    ] {
        for (one, wanted) in [("off", "RTP/AVP"), ("optional", "RTP/AVP"), ("required", "RTP/SAVP")] {
            let mut world = world(pbx, one);
            world.receive(PBX, &invite("+4420700000", &offer, ""));
            let out = world.expect(&[(GW1, "INVITE")]).remove(0);
            assert_eq!(proto(out.body()), wanted, "{pbx} {one}");
            assert_eq!(crypto(out.body()).len(), if one == "off" { 0 } else { 5 }, "{}", out.body());
            assert!(!out.body().contains("WVNfX19"), "the caller's key stays on its leg");
            world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer_to(&out)));
            let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
            assert_eq!(proto(ok.body()), proto(&offer), "an answer repeats the offer's transport");
            let keyed = crypto(&offer).len();
            assert_eq!(crypto(ok.body()).len(), keyed, "{pbx} {one}: {}", ok.body());
            assert!(!ok.body().contains("d0RmdmcmV"), "the callee's key stays on its leg");
            assert_eq!(matches!(world.srtp(Side::A), Srtp::On(_)), keyed > 0, "{pbx} {one}");
            assert_eq!(matches!(world.srtp(Side::B), Srtp::On(_)), one != "off", "{pbx} {one}");
            if keyed > 0 {
                assert_eq!(keys(&world, Side::A).receive.mki(), [0, 0, 0, 1]);
                assert!(keys(&world, Side::A).send.mki().is_empty());
            }
        }
    }
}

#[test]
fn offers_that_a_trunk_does_not_take_are_refused_with_488() {
    for (policy, offer, reason) in [
        ("off", secured(OFFER, KEY), "M-SRTP"),
        ("auto", secured(OFFER, KEY), "M-SRTP"),
        ("required", OFFER.to_owned(), "M-SRTP-REQUIRED"),
        ("optional", secured(OFFER, ""), "M-SRTP"),
        ("required", secured(OFFER, &KEY.replace("\r\n", " UNENCRYPTED_SRTP\r\n")), "M-SRTP-REQUIRED"),
        (
            "required",
            secured(OFFER, &KEY.replace("AES_CM_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80")),
            "M-SRTP-REQUIRED",
        ),
    ] {
        let mut world = world(policy, "off");
        world.receive(PBX, &invite("+4420700000", &offer, ""));
        let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
        assert!(sent[0].text.contains(&format!("\"{reason}\"")), "{policy}: {}", sent[0].text);
        world.settle();
    }
}

#[test]
fn an_answer_without_keys_is_no_answer() {
    for answer in [ANSWER.to_owned(), ANSWER.replace("RTP/AVP", "RTP/SAVP")] {
        let mut world = world("off", "required");
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
        let sent = world.expect(&[(GW1, "ACK"), (GW1, "BYE"), (PBX, "SIP/2.0 488")]);
        world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
        world.settle();
        assert_eq!(world.records[0].reason, ReasonId::SrtpAnswerBad);
    }
}

#[test]
fn keys_stay_while_nothing_changes_and_a_new_key_of_the_peers_gets_a_new_one_of_ours() {
    let mut world = world("required", "required");
    let offer = secured(OFFER, KEY);
    world.receive(PBX, &invite("+4420700000", &offer, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer_to(&out)));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let first = keys(&world, Side::A);
    // Hold: the same key is said again, and so are ours.
    let hold = offer.replace("a=sendrecv", "a=sendonly");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &hold));
    let sent = world.take();
    let passed = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("the hold goes on");
    assert_eq!(crypto(passed.body()), crypto(out.body()), "our keys on the other leg stay");
    world.receive(GW1, &response(passed, "200 OK", "", "", &answer_to(&out)));
    let sent = world.take();
    let again = sent.iter().find(|s| s.start().starts_with("SIP/2.0 200")).expect("the answer");
    assert_eq!(crypto(again.body()), crypto(ok.body()));
    assert_eq!(keys(&world, Side::A), first);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    // Another key of the peer's.
    world.receive(PBX, &inside("INVITE", 3, ok.header("To"), "re2", "", &secured(OFFER, OTHER)));
    let sent = world.take();
    if let Some(passed) = sent.iter().find(|s| s.start().starts_with("INVITE")) {
        assert_eq!(crypto(passed.body()), crypto(out.body()));
        world.receive(GW1, &response(passed, "200 OK", "", "", &answer_to(&out)));
    }
    let second = keys(&world, Side::A);
    assert_ne!(second.receive, first.receive);
    assert_ne!(second.send, first.send, "two parties, two new keys");
}

#[test]
fn a_change_to_plain_media_of_a_secured_leg_is_refused() {
    let mut world = world("required", "off");
    world.receive(PBX, &invite("+4420700000", &secured(OFFER, KEY), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.take();
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", OFFER));
    world.expect(&[(PBX, "SIP/2.0 488")]);
    assert!(matches!(world.srtp(Side::A), Srtp::On(_)), "what held goes on");
}

const FAX: &str = "v=0\r\no=fax 6 6 IN IP4 192.0.2.70\r\ns=-\r\nc=IN IP4 192.0.2.70\r\nt=0 0\r\nm=image 6100 udptl t38\r\na=T38FaxVersion:0\r\n";

/// T.38 has no security: it neither comes from a leg that must be secured nor goes there, unless the trunk says so.
#[test]
fn a_fax_in_clear_keeps_off_a_leg_that_must_be_secured() {
    for (secured_side, t38) in
        [(Side::A, "refuse"), (Side::B, "refuse"), (Side::A, "plain"), (Side::B, "plain")]
    {
        let required = format!("override = {{ srtp = \"required\", srtp_t38 = \"{t38}\" }}");
        let rule = |on: bool| if on { required.as_str() } else { "override = { srtp = \"off\" }" };
        let (a, b) = (rule(secured_side == Side::A), rule(secured_side == Side::B));
        let text = CONFIG.replace("[trunk.pbx]", &format!("[trunk.pbx]\n{a}"));
        let mut world = World::new(&text.replace("[trunk.one]", &format!("[trunk.one]\n{b}")));
        let offer = if secured_side == Side::A { secured(OFFER, KEY) } else { OFFER.to_owned() };
        world.receive(PBX, &invite("+4420700000", &offer, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer_to(&out)));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
        world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "fx1", "", FAX));
        if t38 == "plain" {
            world.expect(&[(GW1, "INVITE")]);
            continue;
        }
        let refused = world.expect(&[(PBX, "SIP/2.0 488")]).remove(0);
        assert!(
            refused.header("Reason").contains("M-SRTP-FAX") || refused.header("Warning").starts_with("30")
        );
        world.receive(PBX, &inside("ACK", 2, ok.header("To"), "fx1", "", ""));
        assert!(matches!(world.srtp(secured_side), Srtp::On(_)), "the sound goes on");
        assert!(!world.told(secured_side).1.udptl);
        world.receive(PBX, &inside("BYE", 3, ok.header("To"), "bye1", "", ""));
        let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
        world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
        world.settle();
        let media = world.records[0].media.as_ref().expect("media");
        assert_eq!(&*media.codec, "PCMA+passthrough", "{secured_side:?}: T.38 was asked for and refused");
    }
}

#[test]
fn of_an_offer_in_both_forms_the_allowed_one_is_taken() {
    let both = format!("{}m=audio 4002 RTP/AVP 8\r\n", secured(OFFER, KEY));
    let mut world = world("off", "off");
    world.receive(PBX, &invite("+4420700000", &both, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(out.body().contains("m=audio 0 RTP/SAVP"), "{}", out.body());
    assert!(out.body().contains("m=audio 30002 RTP/AVP 8"), "{}", out.body());
}

#[test]
fn early_media_have_their_keys_before_the_answer() {
    let mut world = world("required", "required");
    world.receive(PBX, &invite("+4420700000", &secured(OFFER, KEY), ""));
    assert_eq!(world.srtp(Side::A), Srtp::Awaited, "nothing passes in clear");
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", &answer_to(&out)));
    let early = world.expect(&[(PBX, "SIP/2.0 183")]).remove(0);
    assert_eq!(crypto(early.body()).len(), 1);
    let (a, b) = (keys(&world, Side::A), keys(&world, Side::B));
    assert_ne!(a.send, b.send, "each leg is keyed apart");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer_to(&out)));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert_eq!(crypto(ok.body()), crypto(early.body()));
    assert_eq!((keys(&world, Side::A), keys(&world, Side::B)), (a, b));
}

#[test]
fn a_late_offer_is_secured_on_both_legs() {
    let mut world = world("required", "required\", early_offer = \"pass");
    world.receive(PBX, &invite("+4420700000", "", ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(out.body().is_empty(), "{}", out.body());
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER, OTHER)));
    let ok = world.expect(&[(PBX, "SIP/2.0 200")]).remove(0);
    assert_eq!((proto(ok.body()), crypto(ok.body()).len()), ("RTP/SAVP", 5));
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", &secured(OFFER, KEY)));
    let ack = world.expect(&[(GW1, "ACK")]).remove(0);
    assert_eq!((proto(ack.body()), crypto(ack.body()).len()), ("RTP/SAVP", 1), "{}", ack.body());
    assert_ne!(keys(&world, Side::A).send, keys(&world, Side::B).send);
}

#[test]
fn an_offer_of_our_own_bears_keys() {
    let mut world = world("required", "required\", early_offer = \"make");
    world.receive(PBX, &invite("+4420700000", "", ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!((proto(out.body()), crypto(out.body()).len()), ("RTP/SAVP", 5), "{}", out.body());
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer_to(&out)));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", &secured(OFFER, KEY)));
    assert_ne!(keys(&world, Side::A).send, keys(&world, Side::B).send);
}

#[test]
fn keys_over_plain_signalling_may_be_barred() {
    let rule = "[trunk.pbx]\noverride = { srtp = \"required\", srtp_over_plain = \"off\" }";
    let mut world = World::new(&CONFIG.replace("[trunk.pbx]", rule));
    world.receive(PBX, &invite("+4420700000", &secured(OFFER, KEY), ""));
    world.expect(&[(PBX, "SIP/2.0 488")]);
    world.receive(
        PBX,
        &invite("+4420700001", OFFER, "").replace("call-a", "call-b").replace("z9hG4bKa1", "z9hG4bKb1"),
    );
    world.take();
    assert_eq!(world.srtp(Side::A), Srtp::Off);
}

/// RFC 5109, RFC 4588: what names packets by numbers that may be moved on their way is not offered where they may be.
#[test]
fn repair_by_packet_numbers_is_offered_between_plain_legs_alone() {
    let more =
        "a=rtpmap:97 red/8000\r\na=rtpmap:98 ULPFEC/8000\r\na=rtpmap:99 rtx/8000\r\na=fmtp:99 apt=8\r\n";
    let first = OFFER.lines().find(|line| line.starts_with("m=audio")).expect("a line");
    let offer = format!("{}{more}", OFFER.replace(first, &format!("{first} 97 98 99")));
    for (pbx, one) in [("off", "off"), ("off", "required"), ("optional", "off"), ("off", "optional")] {
        let mut world = world(pbx, one);
        world.receive(PBX, &invite("+4420700000", &offer, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        let line = out.body().lines().find(|line| line.starts_with("m=audio")).expect("a line");
        let plain = (pbx, one) == ("off", "off");
        assert_eq!(line.ends_with(" 97 98 99"), plain, "{line}");
        assert_eq!(out.body().contains("ULPFEC") || out.body().contains("apt=8"), plain, "{}", out.body());
        assert!(line.contains(" 97"), "copies of sound name no numbers: {line}");
    }
}
