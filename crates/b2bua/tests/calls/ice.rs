//! ICE toward a trunk (RFC 8445): each leg has fragments and passwords of its own, which the engine hears of first.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, from_callee, inside, invite, response,
};
use crate::forking;
use crate::transfers::{LOCAL, TARGET, config, fine, target_answers};
use media::{Command, Remote, SessionId, Side, Srtp};

/// A peer's description with its checks; the candidate is where its media are.
fn checked(text: &str, ufrag: &str) -> String {
    let at = |line: &str| text.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_default().to_owned();
    let (ip, port) = (at("c=IN IP4 "), at("m=audio ").split(' ').next().unwrap_or_default().to_owned());
    format!(
        "{text}a=ice-ufrag:{ufrag}\r\na=ice-pwd:0123456789abcdefghijkl\r\na=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\n"
    )
}

fn ufrag(body: &str) -> &str {
    body.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or_default()
}

/// The fragment that the engine has for a side of a session, by what it was told last.
fn credentials(world: &World, session: SessionId, wanted: Side) -> String {
    let mut known = String::new();
    for command in &world.media {
        if let Command::Ice { session: s, side, local } = command
            && (*s, *side) == (session, wanted)
        {
            known = local.ufrag().to_owned();
        }
    }
    known
}

#[test]
fn each_leg_has_checks_of_its_own_and_keys_beside_them() {
    let more = |trunk: &str, rules: &str| {
        (format!("[trunk.{trunk}]"), format!("[trunk.{trunk}]\noverride = {{ {rules} }}"))
    };
    let (pbx, one) = (more("pbx", "ice = \"lite\""), more("one", "ice = \"lite\", srtp = \"required\""));
    let mut world = World::new(&CONFIG.replace(&pbx.0, &pbx.1).replace(&one.0, &one.1));
    world.receive(PBX, &invite("+4420700000", &checked(OFFER, "alice"), ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(out.body().contains("a=ice-lite\r\n") && out.body().contains("RTP/SAVP"), "{}", out.body());
    assert!(!out.body().contains("alice") && !out.body().contains("10.0.0.21"), "{}", out.body());
    let key = out.body().lines().find(|line| line.starts_with("a=crypto:")).expect("a key");
    let answer = format!("{}{key}\r\n", checked(&ANSWER.replace("AVP", "SAVP"), "bobs"));
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert!(ok.body().contains("a=ice-lite\r\n") && !ok.body().contains("bobs"), "{}", ok.body());
    let ((session, a), (_, b)) = (world.told(Side::A), world.told(Side::B));
    let of = |remote: &Remote| remote.ice.as_ref().map(|ice| ice.ufrag.to_string());
    assert_eq!((of(&a), of(&b)), (Some("alice".into()), Some("bobs".into())));
    assert!(a.srtp == Srtp::Off && matches!(b.srtp, Srtp::On(_)));
    let ours = [credentials(&world, session, Side::A), credentials(&world, session, Side::B)];
    assert_eq!(ours, [ufrag(ok.body()), ufrag(out.body())]);
    assert_ne!(ours[0], ours[1]);
    // The caller's ICE begins anew: so does ours toward it, and the other side hears nothing of it.
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let anew = checked(OFFER, "anew").replace("alice 1 1", "alice 1 2");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &anew));
    let again = world.take();
    let answered = again.iter().find(|sent| sent.start().starts_with("SIP/2.0 200"));
    let answered = match answered {
        Some(sent) => sent.clone(),
        None => {
            let through = again.iter().find(|sent| sent.start().starts_with("INVITE")).expect("it goes on");
            assert_eq!(ufrag(through.body()), ours[1], "{}", through.body());
            world.receive(GW1, &response(through, "200 OK", "tb", "", &answer));
            world.take().into_iter().find(|sent| sent.to.to_string() == PBX).expect("an answer")
        }
    };
    let renewed = ufrag(answered.body()).to_owned();
    assert!(!renewed.is_empty() && renewed != ours[0], "{}", answered.body());
    assert_eq!(credentials(&world, session, Side::A), renewed);
}

/// RFC 8445 §7.3: each may be checked for as long as it may answer, however late it does.
#[test]
fn gateways_that_ring_at_once_are_told_one_name_for_their_checks_and_a_later_one_another() {
    let mut world = World::new(&forking::config("override = { ice = \"lite\" }"));
    let sent = forking::ringing(&mut world);
    let names: Vec<&str> = sent.iter().map(|sent| ufrag(sent.body())).collect();
    assert!(!names[0].is_empty() && names[0] == names[1] && names[1] == names[2], "{names:?}");
    let opened = world.media.iter().find_map(|command| match command {
        Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    assert_eq!(credentials(&world, opened.expect("ports"), Side::B), names[0]);
    forking::say(&mut world, &sent[2], "486 Busy Here", "t3", "");
    world.take();
    forking::say(&mut world, &sent[0], "200 OK", "t1", &checked(ANSWER, "bobs"));
    let ok = world.take().into_iter().find(|sent| sent.start().starts_with("SIP/2.0 200")).expect("a call");
    assert_eq!(credentials(&world, opened.expect("ports"), Side::B), names[0], "{}", ok.text);
    // One that is tried when the one before has failed has a name of its own.
    let mut world = World::new(
        &CONFIG
            .replace("[trunk.one]", "[trunk.one]\noverride = { ice = \"lite\" }")
            .replace("[trunk.two]", "[trunk.two]\noverride = { ice = \"lite\" }"),
    );
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "503 Service Unavailable", "t1", "", ""));
    let next = world.expect(&[(GW1, "ACK"), (GW2, "INVITE")]).remove(1);
    assert!(!ufrag(next.body()).is_empty() && ufrag(next.body()) != ufrag(first.body()));
}

#[test]
fn who_is_left_after_a_transfer_makes_checks_to_the_new_ports() {
    let mut world = World::new(&config(LOCAL, "ice = \"lite\""));
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    world.receive(GW1, &response(&first, "200 OK", "tb", "", &checked(ANSWER, "bobs")));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert_eq!(ufrag(ok.body()), "", "the PBX has none");
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    let before = world.told(Side::B).0;
    let (target, moved) = target_answers(&mut world, &ok);
    let (to_target, to_bob) = (ufrag(target.body()).to_owned(), ufrag(moved.body()).to_owned());
    assert!(!to_target.is_empty() && !to_bob.is_empty() && to_target != to_bob);
    assert_ne!(to_bob, ufrag(first.body()), "other ports, other checks");
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", &checked(ANSWER, "bob2")));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    let ((session, a), (_, b)) = (world.told(Side::A), world.told(Side::B));
    assert_ne!(session, before);
    let mut engine = [credentials(&world, session, Side::A), credentials(&world, session, Side::B)];
    let mut said = [to_target, to_bob.clone()];
    engine.sort();
    said.sort();
    assert_eq!(engine, said, "both sides of the new session");
    let checks = [&a, &b].map(|remote| remote.ice.as_ref().map(|ice| ice.ufrag.to_string()));
    assert!(
        checks.contains(&Some("bob2".into())) && checks.contains(&None),
        "the target has none: {checks:?}"
    );
    begins_anew(&mut world, &first, &to_bob);
}

/// Who stayed begins its checks anew: ours are others, too.
fn begins_anew(world: &mut World, first: &Sent, before: &str) {
    let offer = checked(&ANSWER.replace("bob 5 5", "bob 5 6"), "bob3");
    world.receive(GW1, &from_callee("INVITE", 9, first, "tb", "re1", &offer));
    let mut left = world.take();
    if let Some(through) = left.iter().find(|sent| sent.start().starts_with("INVITE")).cloned() {
        world.receive(GW1, &response(&through, "200 OK", "tc", "", TARGET));
        left = world.take();
    }
    let answer = left.iter().find(|sent| sent.start().starts_with("SIP/2.0 200")).expect("an answer");
    assert!(!ufrag(answer.body()).is_empty() && ufrag(answer.body()) != before, "{}", answer.body());
}
