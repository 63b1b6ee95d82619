//! Redirects: what a 3xx of a callee's side gets, by the policy of its trunk and of the caller's.

use crate::common::{ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, inside, invite, response};
use base::ReasonId;
use std::time::Duration;

/// The configuration with more policy for the trunks `pbx` and `one`.
fn config(pbx: &str, one: &str) -> String {
    let with = |text: &str, trunk: &str, policy: &str| {
        let head = format!("[trunk.{trunk}]\n");
        text.replacen(&head, &format!("{head}override = {{ {policy} }}\n"), 1)
    };
    with(&with(CONFIG, "pbx", pbx), "one", one)
}

/// A call of the first provider's to one of our numbers; gives the INVITE that the PBX gets.
fn incoming(world: &mut World, rows: &str) -> Sent {
    let text = invite("+493023125100", OFFER, rows)
        .replace("10.0.0.21", "192.0.2.7")
        .replace("10.0.0.5", "192.0.2.1")
        .replace("<sip:+493023125100@192.0.2.7>", "<sip:+4930777@192.0.2.7>");
    world.receive(GW1, &text);
    world.expect(&[(PBX, "INVITE sip:+493023125100@10.0.0.21")]).remove(0)
}

fn redirect(world: &mut World, sent: &Sent, status: &str, contacts: &str) -> Vec<Sent> {
    let rows = format!("Contact: {contacts}\r\n");
    world.receive(&sent.to.to_string(), &response(sent, status, "r", &rows, ""));
    let mut left = world.take();
    assert!(left.remove(0).start().starts_with("ACK"), "a final response is acknowledged");
    left
}

fn lines(sent: &[Sent]) -> Vec<(String, String)> {
    let line = |s: &Sent| (s.to.to_string(), s.start().trim_end_matches(" SIP/2.0").to_owned());
    sent.iter().map(line).collect()
}

fn one(to: &str, line: &str) -> Vec<(String, String)> {
    vec![(to.to_owned(), line.to_owned())]
}

const FOLLOW: &str = "redirect = \"follow\"";

#[test]
fn a_redirect_is_refused_unless_the_trunk_says_otherwise() {
    let mut world = World::new(CONFIG);
    let sent = incoming(&mut world, "");
    let left = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@10.0.0.21>");
    assert!(left[0].start().starts_with("SIP/2.0 480"), "{}", left[0].start());
    assert_eq!(left.len(), 1);
    assert_eq!(world.records[0].attempts[0].reason, ReasonId::Redirected);
    world.settle();
}

#[test]
fn a_followed_redirect_goes_where_the_number_is_routed_and_never_to_its_host() {
    let mut world = World::new(&config(FOLLOW, ""));
    let sent = incoming(&mut world, "");
    let left = redirect(&mut world, &sent, "302 Moved", "<sip:004420700000@203.0.113.66:5999>");
    assert_eq!(lines(&left), one(GW1, "INVITE sip:+4420700000@192.0.2.7"));
    let out = &left[0];
    assert!(out.header("From").contains("+4930777@"), "who calls stays who calls: {}", out.text);
    world.receive(GW1, &response(out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (GW1, "SIP/2.0 200")]).remove(1);
    let text = |method, cseq, branch| {
        inside(method, cseq, ok.header("To"), branch, "", "")
            .replace("\"Alice\" <sip:+493023125100@10.0.0.21>", "\"Alice\" <sip:+4930777@192.0.2.7>")
            .replace("10.0.0.21", "192.0.2.7")
            .replace("10.0.0.5", "192.0.2.1")
    };
    world.receive(GW1, &text("ACK", 1, "ack1"));
    world.receive(GW1, &text("BYE", 2, "bye1"));
    let bye = world.expect(&[(GW1, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    let record = &world.records[0];
    assert_eq!((record.status, &*record.called), (200, "+493023125100"), "what was called stays on record");
    let seen: Vec<(u16, &str)> = record.attempts.iter().map(|a| (a.status, &*a.facts.called_sent)).collect();
    assert_eq!(seen, [(302, "+493023125100"), (200, "+4420700000")]);
    assert!(record.decision.contains("pbx redirects to 004420700000: route world"), "{}", record.decision);
    world.settle();
}

#[test]
fn who_redirected_is_told_as_who_was_called_before() {
    let tells = "diversion = \"pass\", history_info = \"pass\"";
    let mut world = World::new(&config(FOLLOW, tells));
    let sent = incoming(&mut world, "");
    let out = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@10.0.0.21>").remove(0);
    assert_eq!(out.header("Diversion"), "<sip:+493023125100@192.0.2.1>;reason=unconditional");
    assert!(out.text.contains("<sip:+4420700000@192.0.2.1;cause=302>;index=1.1;mp=1\r\n"), "{}", out.text);
    let mut world = World::new(&config(FOLLOW, "diversion = \"strip\", history_info = \"strip\""));
    let sent = incoming(&mut world, "");
    let out = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@10.0.0.21>").remove(0);
    assert_eq!((out.header("Diversion"), out.header("History-Info")), ("", ""));
}

#[test]
fn the_contacts_of_a_redirect_are_tried_by_preference_until_one_says_no_for_all() {
    let contacts = "<sip:+441@x>;q=0.2, <sip:+442@x>;q=0.9, <sip:x>, <tel:+443>, <sip:+444@x>;q=0.1";
    let mut world = World::new(&config(FOLLOW, ""));
    let sent = incoming(&mut world, "");
    let first = redirect(&mut world, &sent, "300 Multiple Choices", contacts).remove(0);
    assert_eq!(lines(std::slice::from_ref(&first)), one(GW1, "INVITE sip:+443@192.0.2.7"));
    let mut next = |sent: &Sent, status: &str| {
        world.receive(&sent.to.to_string(), &response(sent, status, "x", "", ""));
        world.take().remove(1)
    };
    let second = next(&first, "486 Busy Here");
    assert_eq!(second.start(), "INVITE sip:+442@192.0.2.7 SIP/2.0");
    let third = next(&second, "404 Not Found");
    assert_eq!(third.start(), "INVITE sip:+441@192.0.2.7 SIP/2.0");
    assert!(next(&third, "603 Decline").start().starts_with("SIP/2.0 603"));
    let statuses: Vec<u16> = world.records[0].attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [300, 486, 404, 603]);
    world.settle();
}

#[test]
fn redirects_that_lead_in_a_circle_or_too_far_end() {
    let mut world = World::new(&config(FOLLOW, ""));
    let sent = incoming(&mut world, "");
    let next = redirect(&mut world, &sent, "302 Moved", "<sip:+493023125101@x>").remove(0);
    assert_eq!(next.start(), "INVITE sip:+493023125101@10.0.0.21 SIP/2.0");
    let heard = redirect(&mut world, &next, "302 Moved", "<sip:+493023125100@x>, <sip:03023125101@x>");
    assert!(heard[0].start().starts_with("SIP/2.0 480"), "{}", heard[0].start());
    assert_eq!(world.records[0].decision.matches("C-LOOP").count(), 2, "{}", world.records[0].decision);

    let mut world = World::new(&config("redirect = \"follow\", redirect_max = 2", ""));
    let mut sent = incoming(&mut world, "");
    for n in 1..=2 {
        let contact = format!("<sip:+49302312520{n}@x>");
        sent = redirect(&mut world, &sent, "302 Moved", &contact).remove(0);
        assert!(sent.start().starts_with("INVITE"), "{}", sent.start());
    }
    let heard = redirect(&mut world, &sent, "302 Moved", "<sip:+493023125203@x>");
    assert!(heard[0].start().starts_with("SIP/2.0 480"), "{}", heard[0].start());
    assert!(world.records[0].decision.contains("redirect_max"), "{}", world.records[0].decision);
    world.settle();
}

#[test]
fn a_redirect_gets_no_further_than_the_redirecting_side_may_call() {
    let closed = config(FOLLOW, "").replace("called = \"+*\"", "called = \"+44*\"");
    for (contact, why) in [
        ("<sip:+12025550100@x>", "R-NO-ROUTE"),
        ("<sip:192.0.2.99>", "names no number"),
        ("<mailto:a@b>", "names no number"),
    ] {
        let mut world = World::new(&closed);
        let sent = incoming(&mut world, "");
        let heard = redirect(&mut world, &sent, "302 Moved", contact);
        assert!(heard[0].start().starts_with("SIP/2.0 480"), "{}", heard[0].start());
        let record = world.records.last().expect("a record");
        assert!(record.decision.contains(why), "{contact}: {}", record.decision);
        world.settle();
    }
    let mut world = World::new(&config(FOLLOW, ""));
    let sent = incoming(&mut world, "");
    let heard = redirect(&mut world, &sent, "305 Use Proxy", "<sip:+4420700000@x>");
    assert!(heard[0].start().starts_with("SIP/2.0 480"), "no proxy of the peer's choice");
}

#[test]
fn a_provider_redirects_to_our_numbers_and_to_another_provider_only_where_it_may_transit() {
    let follows = |text: &str, contact: &str| {
        let mut world = World::new(text);
        world.receive(PBX, &invite("004420700000", OFFER, ""));
        let sent = world.expect(&[(GW1, "INVITE")]).remove(0);
        let left = redirect(&mut world, &sent, "302 Moved", contact);
        let told = world.records.first().map(|r| r.decision.to_string()).unwrap_or_default();
        (lines(&left), told)
    };
    let plain = config("", FOLLOW);
    let ours = follows(&plain, "<sip:+493023125101@x>");
    assert_eq!(ours.0, one(PBX, "INVITE sip:+493023125101@10.0.0.21"));
    let elsewhere = follows(&plain, "<sip:+4420711111@192.0.2.7>");
    assert!(elsewhere.0[0].1.starts_with("SIP/2.0 480"), "{:?}", elsewhere.0);
    assert!(elsewhere.1.contains("one redirects to +4420711111: R-"), "{}", elsewhere.1);
    let transit = plain.replace("[trunk.one]\n", "[trunk.one]\ntransit = true\n");
    let elsewhere = follows(&transit, "<sip:+4420711111@192.0.2.7>");
    assert_eq!(elsewhere.0, one(GW2, "INVITE sip:+4420711111@192.0.2.8"), "the other provider: not itself");
}

#[test]
fn a_call_that_rang_is_redirected_while_the_callers_media_are_open() {
    let mut world = World::new(&config(FOLLOW, "diversion = \"pass\""));
    let sent = incoming(&mut world, "");
    world.receive(PBX, &response(&sent, "180 Ringing", "r", "", ""));
    world.expect(&[(GW1, "SIP/2.0 180")]);
    let out = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@x>").remove(0);
    assert!(out.header("Diversion").ends_with(";reason=deflection"), "{}", out.header("Diversion"));

    // Media that were settled reliably cannot be settled again.
    let mut world = World::new(&config(FOLLOW, ""));
    let sent = incoming(&mut world, "Supported: 100rel\r\n");
    world.receive(PBX, &response(&sent, "183 Progress", "r", "", ANSWER));
    world.expect(&[(GW1, "SIP/2.0 183")]);
    let left = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@x>");
    assert!(left.iter().all(|s| !s.start().starts_with("INVITE")), "{:?}", lines(&left));
    world.pass(Duration::from_secs(60));
    assert!(world.records[0].decision.contains("media are settled"), "{}", world.records[0].decision);
}

#[test]
fn a_passed_redirect_names_numbers_at_our_own_address() {
    let mut world = World::new(&config("redirect = \"pass\"", "number_format = \"e164\""));
    let sent = incoming(&mut world, "");
    let contacts = "<sip:004420700000@10.0.0.21:5999;x=1>;q=0.5, \"Bob\" <sip:101@10.0.0.21>";
    let left = redirect(&mut world, &sent, "302 Moved", contacts);
    assert_eq!(lines(&left), one(GW1, "SIP/2.0 302 Moved Temporarily"));
    let told: Vec<&str> =
        left[0].text.split("\r\n").filter_map(|row| row.strip_prefix("Contact: ")).collect();
    assert_eq!(told, ["<sip:101@192.0.2.1:5060>", "<sip:4420700000@192.0.2.1:5060>;q=0.500"]);
    assert!(!left[0].text.contains("10.0.0."), "{}", left[0].text);
    let record = &world.records[0];
    assert_eq!((record.status, record.reason), (302, ReasonId::Redirected));
    world.receive(GW1, &ack_of(&left[0]));
    world.settle();
}

#[test]
fn what_the_caller_does_not_take_is_followed_instead() {
    let mut world = World::new(&config("redirect = \"pass\"", "redirect_taken = false"));
    let sent = incoming(&mut world, "");
    let left = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@x>");
    assert_eq!(lines(&left), one(GW1, "INVITE sip:+4420700000@192.0.2.7"));
}

/// The caller's ACK of a final response other than 2xx.
fn ack_of(response: &Sent) -> String {
    format!(
        "ACK sip:+493023125100@192.0.2.1 SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        response.header("Via"),
        response.header("From"),
        response.header("To"),
        response.header("Call-ID")
    )
}

#[test]
fn a_call_that_arrived_by_a_trunk_kept_to_its_site_stays_there_when_it_is_redirected() {
    let kept = |config: String| {
        let kept = config
            .replace("[trunk.pbx]\n", "[site.berlin]\n[trunk.pbx]\nsite = \"berlin\"\n")
            .replace("[trunk.one]\n", "[trunk.one]\nsite = \"berlin\"\nsite_only = true\n");
        World::new(&kept)
    };
    for (site, mut world) in [(false, World::new(&config(FOLLOW, ""))), (true, kept(config(FOLLOW, "")))] {
        let sent = incoming(&mut world, "");
        let out = redirect(&mut world, &sent, "302 Moved", "<sip:+4420700000@10.0.0.21>").remove(0);
        assert_eq!(out.to.to_string(), GW1, "by the trunk of its own site");
        world.receive(GW1, &response(&out, "503 Service Unavailable", "x", "", ""));
        let left = world.take();
        let elsewhere = left.iter().any(|s| s.to.to_string() == GW2);
        assert_eq!(elsewhere, !site, "{:?}", lines(&left));
        if site {
            let record = &world.records[0];
            assert!(record.decision.contains("two skipped"), "{}", record.decision);
        }
    }
}
