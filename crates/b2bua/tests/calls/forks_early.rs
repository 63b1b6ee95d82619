//! What branches that ring at once say before the answer: early dialogs, media, PRACK, challenges, redirects.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, from_callee, inside, invite, response,
};
use crate::forking::{GW3, NEXT, config, hang_up, left, lines, ringing, say};
use base::ReasonId;
use media::{Command, Side};

const PROGRESS: &str = "183 Session Progress";
const RELIABLE: &str = "Require: 100rel\r\nRSeq: 7\r\n";

/// Two gateways of the first trunk ring at once; `pbx`, `one`: policy of the trunks.
fn two(pbx: &str, one: &str) -> String {
    let text =
        config(&format!("override = {{ {one} }}")).replace("\"192.0.2.8\", \"192.0.2.9\"]", "\"192.0.2.8\"]");
    text.replacen("[trunk.pbx]\n", &format!("[trunk.pbx]\noverride = {{ {pbx} }}\n"), 1)
}

/// The answer of a branch whose media are at this port.
fn answer_at(port: u16) -> String {
    ANSWER.replace("m=audio 6000", &format!("m=audio {port}"))
}

/// Where the engine was last told that the called side's media are.
fn engine(world: &World) -> Option<u16> {
    let of = |command: &Command| match command {
        Command::Set { side: Side::B, remote, .. } => remote.rtp.map(|a| a.port()),
        _ => None,
    };
    world.media.iter().rev().find_map(of)
}

fn body_sent(world: &mut World) -> bool {
    !world.take().last().expect("a response").body().is_empty()
}

#[test]
fn whose_early_media_are_heard_is_the_callers_trunks_matter() {
    for (rules, second, heard) in
        [("early_dialogs = \"all\"", true, 7002), ("early_dialogs = \"one\"", false, 7001)]
    {
        let mut world = World::new(&two(rules, ""));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
        say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
        assert!(body_sent(&mut world));
        say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
        assert_eq!(body_sent(&mut world), second, "{rules}");
        assert_eq!(engine(&world), Some(heard), "{rules}");
        // The answer settles it, without another word about the media to wait for.
        say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
        assert_eq!(engine(&world), Some(7002));
        let to = world.take().last().expect("answered").header("To").to_owned();
        say(&mut world, &sent[0], "487 Request Terminated", "t1", "");
        hang_up(&mut world, &to);
        world.settle();
    }
}

#[test]
fn the_media_of_another_branch_are_heard_when_the_heard_one_fails() {
    let mut world = World::new(&two("early_dialogs = \"one\"", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    assert_eq!(engine(&world), Some(7001));
    say(&mut world, &sent[0], "486 Busy Here", "t1", "");
    assert_eq!(engine(&world), Some(7002), "at once, without a word of the second");
    world.take();
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    assert!(body_sent(&mut world), "and it may be shown from now on");
    say(&mut world, &sent[1], "480 Temporarily Unavailable", "t2", "");
    assert_eq!(left(&mut world), lines(&[(PBX, "SIP/2.0 486 Busy Here")]));
    world.settle();
}

#[test]
fn media_that_are_not_authorised_do_not_take_the_place() {
    let mut world = World::new(&two("early_dialogs = \"one\"", "early_media = \"gate\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    let gate = "P-Early-Media: sendonly\r\n";
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", gate, &answer_at(7001)));
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    say(&mut world, &sent[0], "486 Busy Here", "t1", "");
    assert_eq!(engine(&world), Some(7001));
    say(&mut world, &sent[1], "486 Busy Here", "t2", "");
    world.take();
    world.settle();
}

#[test]
fn reliable_provisionals_are_acknowledged_in_each_branch() {
    let mut world = World::new(&config(""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE"), (GW3, "INVITE")]);
    let mut shown = Vec::new();
    for (invite, tag) in sent.iter().zip(["t1", "t2", "t3"]) {
        world.receive(&invite.to.to_string(), &response(invite, "180 Ringing", tag, RELIABLE, ""));
        let out = world.take();
        let prack = out.iter().find(|s| s.start().starts_with("PRACK")).expect("PRACK");
        assert_eq!((prack.to, prack.header("Call-ID")), (invite.to, invite.header("Call-ID")));
        assert!(prack.header("To").ends_with(tag));
        world.receive(&prack.to.to_string(), &response(prack, "200 OK", "", "", ""));
        shown.extend(out.into_iter().filter(|s| s.to.to_string() == PBX));
    }
    // Towards the caller one reliable response is in flight at a time (RFC 3262 §3).
    assert_eq!(shown.len(), 1);
    let to = shown[0].header("To").to_owned();
    let mut last = shown.remove(0);
    for n in 2..4 {
        let rack = format!("RAck: {} 1 INVITE\r\n", last.header("RSeq"));
        world.receive(PBX, &inside("PRACK", n, &to, &format!("prack{n}"), &rack, ""));
        last = world.take().into_iter().find(|s| s.start().starts_with("SIP/2.0 180")).expect("the next");
    }
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    for sent in &sent {
        say(&mut world, sent, "487 Request Terminated", "t1", "");
    }
    world.settle();
}

#[test]
fn offers_of_several_branches_to_a_late_caller_are_answered_with_one_answer() {
    let mut world = World::new(&two("", "early_offer = \"pass\""));
    world.receive(PBX, &invite("+4420700000", "", "Supported: 100rel\r\n"));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", RELIABLE, &answer_at(7001)));
    let shown = world.expect(&[(PBX, "SIP/2.0 183")]);
    world.receive(GW2, &response(&sent[1], PROGRESS, "t2", RELIABLE, &answer_at(7002)));
    assert!(!left(&mut world).iter().any(|(_, start)| start == "PRACK"), "the caller has not answered yet");
    let rack = format!("RAck: {} 1 INVITE\r\n", shown[0].header("RSeq"));
    let to = shown[0].header("To").to_owned();
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, OFFER));
    let pracks: Vec<Sent> = world.take().into_iter().filter(|s| s.start().starts_with("PRACK")).collect();
    assert_eq!(pracks.iter().map(|s| s.to.to_string()).collect::<Vec<_>>(), [GW1, GW2]);
    for prack in &pracks {
        assert!(prack.body().contains("m=audio 30000 "), "{}", prack.text);
        world.receive(&prack.to.to_string(), &response(prack, "200 OK", "", "", ""));
    }
    say(&mut world, &sent[1], "200 OK", "t2", "");
    assert_eq!(engine(&world), Some(7002), "the winner's media");
    say(&mut world, &sent[0], "487 Request Terminated", "t1", "");
    world.take();
    hang_up(&mut world, &to);
    world.settle();
}

#[test]
fn an_offer_that_the_callers_answer_does_not_fit_ends_its_branch_alone() {
    let mut world = World::new(&two("", "early_offer = \"pass\""));
    world.receive(PBX, &invite("+4420700000", "", "Supported: 100rel\r\n"));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", RELIABLE, ANSWER));
    let shown = world.expect(&[(PBX, "SIP/2.0 183")]);
    let other =
        ANSWER.replace("RTP/AVP 8 101", "RTP/AVP 9").replace("a=rtpmap:101 telephone-event/8000\r\n", "");
    world.receive(GW2, &response(&sent[1], PROGRESS, "t2", RELIABLE, &other));
    world.take();
    let rack = format!("RAck: {} 1 INVITE\r\n", shown[0].header("RSeq"));
    let to = shown[0].header("To").to_owned();
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, OFFER));
    let out = left(&mut world);
    assert!(out.contains(&(GW1.to_owned(), "PRACK".to_owned())), "{out:?}");
    assert!(out.contains(&(GW2.to_owned(), "CANCEL".to_owned())), "{out:?}");
    say(&mut world, &sent[1], "487 Request Terminated", "t2", "");
    say(&mut world, &sent[0], "200 OK", "t1", "");
    world.take();
    hang_up(&mut world, &to);
    assert_eq!(world.records[0].attempts[1].reason, ReasonId::SdpAnswerBad);
    world.settle();
}

#[test]
fn an_answer_that_cannot_be_used_ends_its_branch_alone() {
    let mut world = World::new(&two("", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[0], "200 OK", "t1", "");
    let out = world.expect(&[(GW1, "ACK"), (GW1, "BYE")]);
    world.receive(GW1, &response(&out[1], "200 OK", "", "", ""));
    say(&mut world, &sent[1], "200 OK", "t2", ANSWER);
    let to = world.expect(&[(GW2, "ACK"), (PBX, "SIP/2.0 200")])[1].header("To").to_owned();
    hang_up(&mut world, &to);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::SdpAnswerMissing);
    world.settle();
}

#[test]
fn an_update_of_the_caller_goes_on_only_while_one_branch_has_a_dialog() {
    let mut world = World::new(&two("", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", RELIABLE, ANSWER));
    let out = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&out[0], "200 OK", "", "", ""));
    let to = out[1].header("To").to_owned();
    let rack = format!("RAck: {} 1 INVITE\r\n", out[1].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, ""));
    world.take();
    let hold = OFFER.replace("a=sendrecv", "a=inactive");
    world.receive(PBX, &inside("UPDATE", 3, &to, "update1", "", &hold));
    let update = world.expect(&[(GW1, "UPDATE")]).remove(0);
    // The other branch speaks between the UPDATE and its answer: that still belongs to the first.
    say(&mut world, &sent[1], "180 Ringing", "t2", "");
    world.take();
    let held = ANSWER.replace("a=rtpmap", "a=inactive\r\na=rtpmap");
    world.receive(GW1, &response(&update, "200 OK", "", "", &held));
    let out: Vec<Sent> = world.take().into_iter().filter(|s| s.header("CSeq") == "3 UPDATE").collect();
    assert!(out[0].start().starts_with("SIP/2.0 200") && out[0].body().contains("a=inactive"));
    world.receive(PBX, &inside("UPDATE", 4, &to, "update2", "", OFFER));
    assert!(left(&mut world).contains(&(PBX.to_owned(), "SIP/2.0 504 Server Time-out".to_owned())));
    // What the callee's side asks inside its own early dialog is answered there.
    world.receive(GW2, &from_callee("OPTIONS", 1, &sent[1], "t2", "opt1", ""));
    assert_eq!(left(&mut world), lines(&[(GW2, "SIP/2.0 200 OK")]));
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();
}

#[test]
fn an_update_under_way_to_a_branch_that_loses_is_answered() {
    let mut world = World::new(&two("", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Supported: 100rel\r\n"));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", RELIABLE, ANSWER));
    let out = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&out[0], "200 OK", "", "", ""));
    let to = out[1].header("To").to_owned();
    let rack = format!("RAck: {} 1 INVITE\r\n", out[1].header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, &to, "prack1", &rack, ""));
    let hold = OFFER.replace("a=sendrecv", "a=inactive");
    world.receive(PBX, &inside("UPDATE", 3, &to, "update1", "", &hold));
    world.take();
    say(&mut world, &sent[1], "200 OK", "t2", ANSWER);
    let out = world.take();
    let answered = |cseq: &str, status: &str| {
        out.iter().any(|s| s.header("CSeq") == cseq && s.start().starts_with(&format!("SIP/2.0 {status}")))
    };
    assert!(answered("3 UPDATE", "491") && answered("1 INVITE", "200"), "{out:#?}");
    say(&mut world, &sent[0], "487 Request Terminated", "t1", "");
    hang_up(&mut world, &to);
    world.settle();
}

#[test]
fn a_challenge_and_a_session_interval_are_heeded_in_each_branch() {
    let text = config(
        "username = \"acme\"\npassword = \"geheim\"\noverride = { session_timer = { expires = 600 } }",
    );
    let mut world = World::new(&text);
    let sent = ringing(&mut world);
    let rows = "Proxy-Authenticate: Digest realm=\"one\", nonce=\"n1\", qop=\"auth\"\r\n";
    for n in [0, 2] {
        let to = sent[n].to.to_string();
        world.receive(&to, &response(&sent[n], "407 Proxy Authentication Required", "x", rows, ""));
        let again = world.expect(&[(to.as_str(), "ACK"), (to.as_str(), "INVITE")]).remove(1);
        assert!(again.header("Proxy-Authorization").contains("n1"));
        let refusal = response(&again, "422 Session Interval Too Small", "y", "Min-SE: 1200\r\n", "");
        world.receive(&to, &refusal);
        let third = world.expect(&[(to.as_str(), "ACK"), (to.as_str(), "INVITE")]).remove(1);
        assert_eq!(third.header("Min-SE"), "1200");
    }
    assert_eq!(world.board.trunks(world.now)[1].calls_out, 3);
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();
}

#[test]
fn a_redirect_waits_until_the_other_branches_have_failed() {
    let text = config("override = { redirect = \"follow\" }").replace(
        "[[route]]\n",
        "[[route]]\nname = \"back\"\nmatch = { called = \"+4420711111\" }\nto = [\"two\"]\n[[route]]\n",
    );
    let mut world = World::new(&text.replace("kind = \"itsp\"", "kind = \"itsp\"\ntransit = true"));
    let [one, two, three] = ringing(&mut world);
    world.receive(GW1, &response(&one, "302 Moved", "t1", "Contact: <sip:+4420711111@192.0.2.7>\r\n", ""));
    say(&mut world, &two, "503 Service Unavailable", "t2", "");
    assert_eq!(left(&mut world), [], "the third may still answer");
    say(&mut world, &three, "486 Busy Here", "t3", "");
    let sent = world.take();
    let invite = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("the redirect is followed");
    assert!(invite.to.to_string() == NEXT && invite.start().contains("+4420711111"), "{}", invite.start());
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();
}

#[test]
fn a_redirect_for_the_caller_is_a_refusal_better_than_busy() {
    let text = config("override = { redirect = \"pass\" }");
    let mut world = World::new(&text);
    let [one, two, three] = ringing(&mut world);
    world.receive(GW1, &response(&one, "302 Moved", "t1", "Contact: <sip:+4420711111@192.0.2.7>\r\n", ""));
    for sent in [&two, &three] {
        say(&mut world, sent, "486 Busy Here", "t2", "");
    }
    let heard = world.take().pop().expect("a final response");
    assert!(
        heard.start().starts_with("SIP/2.0 302") && heard.header("Contact").contains("20711111"),
        "{}",
        heard.text
    );
    assert_eq!((world.records[0].status, world.records[0].reason), (302, ReasonId::Redirected));
    world.settle();
}

#[test]
fn calls_of_other_trunks_have_one_attempt_at_a_time() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    world.expect(&[(GW1, "INVITE")]);
    world.receive(PBX, &inside("CANCEL", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();
}
