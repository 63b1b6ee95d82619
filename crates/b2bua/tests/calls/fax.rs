//! Fax in a call: T.38 that either side asks for, refused or taken, and back to sound; voice-band data; what a
//! trunk's `fax` lets through.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use media::{Command, Side};

/// What T.38 says of itself (RFC 3362, ITU-T T.38 annex D).
const ATTRIBUTES: &str = "a=T38FaxVersion:3\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxBuffer:1800\r\na=T38FaxMaxDatagram:238\r\na=T38FaxUdpEC:t38UDPRedundancy\r\na=T38VendorInfo:0 0 0\r\n";

const DISABLED: &str = "m=audio 0 RTP/AVP 8\r\n";

fn t38(host: &str, version: u8, port: u16, before: &str) -> String {
    format!(
        "v=0\r\no=fax {version} {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{before}m=image {port} udptl t38\r\n{ATTRIBUTES}"
    )
}

fn with(trunk: &str, fax: &str) -> String {
    let header = format!("[trunk.{trunk}]");
    CONFIG.replace(&header, &format!("{header}\noverride = {{ fax = \"{fax}\" }}"))
}

fn sessions(world: &World) -> usize {
    world.media.iter().filter(|command| matches!(command, Command::Open { .. })).count()
}

/// Our port of an m-line in a description.
fn port(sent: &Sent, kind: &str) -> String {
    let line = sent.body().split(&format!("m={kind} ")).nth(1).expect("the m-line");
    line.split(' ').next().unwrap_or_default().to_owned()
}

fn hang_up(world: &mut World, to: &str) -> String {
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("BYE").clone();
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
    let media = world.records[0].media.as_ref();
    media.map(|media| media.codec.to_string()).unwrap_or_default()
}

#[test]
fn a_callee_turns_a_call_to_t38_and_back_in_the_place_of_its_sound() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let (ours_a, ours_b) = (port(&ok, "audio"), port(&out, "audio"));
    world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "fx1", &t38("192.0.2.70", 6, 6100, "")));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert!(asked.body().contains(ATTRIBUTES), "untouched: {}", asked.body());
    assert_eq!(port(&asked, "image"), ours_a, "the same port");
    world.receive(PBX, &response(&asked, "200 OK", "", "", &t38("10.0.0.21", 2, 4100, "")));
    let sent = world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    assert!(sent[1].body().contains(ATTRIBUTES));
    assert_eq!(port(&sent[1], "image"), ours_b);
    world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "fxa", ""));
    for (side, place) in [(Side::A, "10.0.0.21:4100"), (Side::B, "192.0.2.70:6100")] {
        let remote = world.told(side).1;
        assert!(remote.udptl && remote.rtp == place.parse().ok(), "{remote:?}");
    }
    let back = ANSWER.replace("bob 5 5", "fax 7 7");
    world.receive(GW1, &from_callee("INVITE", 8, &out, "tb", "fx2", &back));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(port(&asked, "audio"), ours_a);
    world.receive(PBX, &response(&asked, "200 OK", "", "", OFFER));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("ACK", 8, &out, "tb", "fxb", ""));
    assert!(!world.told(Side::A).1.udptl && !world.told(Side::B).1.udptl);
    assert_eq!(sessions(&world), 1, "one media session all along");
    assert_eq!(hang_up(&mut world, ok.header("To")), "PCMA+t38");
}

#[test]
fn t38_behind_disabled_sound_keeps_the_ports_of_the_sound() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let (ours_a, ours_b) = (port(&ok, "audio"), port(&out, "audio"));
    let offer = t38("10.0.0.21", 2, 4100, DISABLED);
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "fx1", "", &offer));
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!((port(&asked, "audio").as_str(), port(&asked, "image")), ("0", ours_b.clone()));
    world.receive(GW1, &response(&asked, "200 OK", "", "", &t38("192.0.2.70", 6, 6100, DISABLED)));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!((port(&sent[1], "audio").as_str(), port(&sent[1], "image")), ("0", ours_a));
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "fxa", "", ""));
    assert_eq!(world.told(Side::A).1.rtp, "10.0.0.21:4100".parse().ok());
    assert_eq!(world.told(Side::B).1.rtp, "192.0.2.70:6100".parse().ok());
    assert!(world.told(Side::A).1.udptl);
    // And back: the sound returns to its place, the fax is disabled.
    let disabled = format!("m=image 0 udptl t38\r\n{ATTRIBUTES}");
    let offer = format!("{}{disabled}", OFFER.replace("alice 1 1", "fax 2 3"));
    world.receive(PBX, &inside("INVITE", 3, ok.header("To"), "fx2", "", &offer));
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!((port(&asked, "audio"), port(&asked, "image").as_str()), (ours_b, "0"));
    world.receive(GW1, &response(&asked, "200 OK", "", "", &format!("{ANSWER}m=image 0 udptl t38\r\n")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 3, ok.header("To"), "fxb", "", ""));
    assert!(!world.told(Side::A).1.udptl);
    assert_eq!(hang_up(&mut world, ok.header("To")), "PCMA+t38");
}

#[test]
fn a_refused_t38_leaves_the_call_with_its_sound() {
    for (status, code) in
        [("488 Not Acceptable Here", "SIP/2.0 488"), ("415 Unsupported Media Type", "SIP/2.0 415")]
    {
        let mut world = World::new(CONFIG);
        let (out, ok) = answered(&mut world);
        let before = world.told(Side::A).1;
        world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "fx1", &t38("192.0.2.70", 6, 6100, "")));
        let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
        world.receive(PBX, &response(&asked, status, "", "", ""));
        world.expect(&[(PBX, "ACK"), (GW1, code)]);
        world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "fx1", ""));
        assert_eq!(world.told(Side::A).1, before, "nothing changes");
        assert_eq!(world.board.live_calls(), 1);
        assert_eq!(hang_up(&mut world, ok.header("To")), "PCMA+passthrough");
    }
}

#[test]
fn a_trunk_without_t38_is_not_asked_for_it() {
    let mut world = World::new(&with("pbx", "passthrough"));
    let (out, ok) = answered(&mut world);
    let offer = t38("192.0.2.70", 6, 6100, DISABLED);
    for (cseq, branch, offer) in [(7, "fx1", t38("192.0.2.70", 6, 6100, "")), (8, "fx2", offer)] {
        world.receive(GW1, &from_callee("INVITE", cseq, &out, "tb", branch, &offer));
        let sent = world.expect(&[(GW1, "SIP/2.0 488")]);
        assert!(sent[0].header("Warning").starts_with("304 "), "{}", sent[0].text);
        world.receive(GW1, &from_callee("ACK", cseq, &out, "tb", branch, ""));
    }
    // What it was told before still holds, and the other side goes on with sound.
    let back = ANSWER.replace("bob 5 5", "bob 5 6").replace("6000", "6002");
    world.receive(GW1, &from_callee("INVITE", 9, &out, "tb", "fx3", &back));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(port(&asked, "audio"), port(&ok, "audio"));
    world.receive(PBX, &response(&asked, "200 OK", "", "", OFFER));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("ACK", 9, &out, "tb", "fxc", ""));
    assert_eq!(hang_up(&mut world, ok.header("To")), "PCMA+passthrough");
}

#[test]
fn an_invite_may_offer_sound_and_t38() {
    let both = format!("{OFFER}m=image 4002 udptl t38\r\n{ATTRIBUTES}");
    for (fax, image) in [("auto", true), ("passthrough", false)] {
        let mut world = World::new(&with("one", fax));
        world.receive(PBX, &invite("004420700000", &both, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert_ne!(port(&out, "audio"), "0");
        assert_eq!(port(&out, "image") != "0", image, "{}", out.body());
        let answer = format!("{ANSWER}m=image 0 udptl t38\r\n");
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        assert_eq!(port(&ok, "image"), "0");
        world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
        assert_eq!(hang_up(&mut world, ok.header("To")), "PCMA");
    }
}

#[test]
fn an_invite_of_t38_alone_goes_to_a_trunk_that_takes_it() {
    let offer = t38("10.0.0.21", 1, 4000, "");
    let mut world = World::new(&with("one", "passthrough"));
    world.receive(PBX, &invite("004420700000", &offer, ""));
    let out = world.expect(&[(GW2, "INVITE")]).remove(0);
    assert!(out.body().contains(ATTRIBUTES));
    world.receive(GW2, &response(&out, "200 OK", "tb", "", &t38("192.0.2.80", 1, 6100, "")));
    let ok = world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    assert!(world.told(Side::A).1.udptl && world.told(Side::B).1.udptl);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW2, "BYE")]).remove(1);
    world.receive(GW2, &response(&bye, "200 OK", "", "", ""));
    world.settle();
    assert!(world.records[0].decision.contains("one skipped: M-FAX"), "{}", world.records[0].decision);
    assert_eq!(world.records[0].media.as_ref().map(|m| &*m.codec), Some("+t38"));

    let neither = with("one", "passthrough")
        .replace("[trunk.two]", "[trunk.two]\noverride = { fax = \"passthrough\" }");
    let mut world = World::new(&neither);
    world.receive(PBX, &invite("004420700000", &offer, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
    assert!(sent[0].text.contains("M-FAX"));
    world.receive(PBX, &inside("ACK", 1, sent[0].header("To"), "a1", "", ""));
    world.settle();
}

#[test]
fn voice_band_data_crosses_unless_the_trunk_is_for_t38() {
    let vbd = "a=rtpmap:98 PCMU/8000\r\na=gpmd:98 vbd=yes;ecan=on\r\na=ptime:20\r\n";
    let offer = format!("{}{vbd}", OFFER.replace("AVP 8 0 101", "AVP 8 98 101"));
    for (fax, crosses) in [("auto", true), ("passthrough", true), ("t38", false)] {
        let mut world = World::new(&with("one", fax));
        world.receive(PBX, &invite("004420700000", &offer, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert!(out.body().contains("RTP/AVP 8 98 101\r\n"), "{}", out.body());
        let kept = if crosses { vbd.to_owned() } else { vbd.replace("a=gpmd:98 vbd=yes;ecan=on\r\n", "") };
        assert!(out.body().contains(&kept), "{}", out.body());
        let answer = format!("{}{kept}", ANSWER.replace("AVP 8 101", "AVP 8 98 101"));
        world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
        let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
        assert!(ok.body().contains("RTP/AVP 8 98 101\r\n") && ok.body().contains(&kept));
        world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
        hang_up(&mut world, ok.header("To"));
    }
}
