//! One call at a time, each with something in it that a trunk must carry: progress, refusals, hold,
//! reliable provisionals, offers that come late, requests within the call.

use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;

const WORLD: &str = "+441632960001";

/// A server, a callee and a caller with these scenarios; both must end well.
fn between(place: &Place, setup: &Setup, caller: &str, callee: &str) -> (Server, Running, Running) {
    let server = Server::start(place, &setup.text());
    let answering = Sipp::new(place, "callee", callee, &place.sip(ITSP)).keep_messages().answer();
    let calling = Sipp::new(place, "caller", caller, &place.sip(PBX)).keep_messages().with(&["-d", "50"]);
    let calling = calling.call(WORLD, &place.sip(INSIDE));
    calling.finish();
    answering.finish();
    (server, calling, answering)
}

fn requests<'a>(received: &'a [String], method: &str) -> Vec<&'a String> {
    received.iter().filter(|m| m.starts_with(&format!("{method} "))).collect()
}

fn only_record(place: &Place) -> Value {
    records::await_count(place, 1).remove(0)
}

/// The callee's refusal reaches the caller and the record, and the call is not tried elsewhere.
fn refused(name: &str, status: u64, cause: u64) {
    let place = Place::new(name);
    let _peers =
        between(&place, &Setup::new(&place), &format!("uac_{status}"), &format!("uas_rings_{status}"));
    let record = only_record(&place);
    assert_eq!(records::number(&record, "status"), status, "{record}");
    assert_eq!(records::number(&record, "q850"), cause, "{record}");
    assert_eq!(records::word(&record, "released_by"), "callee", "{record}");
}

#[test]
fn busy_is_passed_on_with_its_cause() {
    refused("busy", 486, 17);
}

#[test]
fn declined_is_passed_on_with_its_cause() {
    refused("declined", 603, 21);
}

#[test]
fn an_unknown_number_is_passed_on_with_its_cause() {
    refused("not-found", 404, 1);
}

#[test]
fn a_callee_that_offers_first_is_asked_to_and_both_offers_are_answered() {
    let place = Place::new("withheld");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { early_offer = \"withhold\" }\n".into();
    let (_server, caller, callee) = between(&place, &setup, "uac", "uas_late");
    let invite = callee.received().remove(0);
    assert!(!invite.contains("m=audio"), "no offer leaves:\n{invite}");
    let ok = caller.received().into_iter().find(|m| m.starts_with("SIP/2.0 200")).expect("an answer");
    assert!(ok.contains("m=audio 2"), "the caller's offer is answered:\n{ok}");
    assert_eq!(records::number(&only_record(&place), "status"), 200);
}

#[test]
fn a_caller_who_gives_up_cancels_the_callee() {
    let place = Place::new("cancel");
    let _peers = between(&place, &Setup::new(&place), "uac_cancel", "uas_cancelled");
    let record = only_record(&place);
    assert_eq!(records::number(&record, "status"), 487, "{record}");
    assert_eq!(records::word(&record, "released_by"), "caller", "{record}");
}

#[test]
fn no_answer_ends_by_the_ring_timeout() {
    let place = Place::new("no-answer");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "ring_timeout = \"5s\"\n".into();
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas_cancelled", &place.sip(ITSP)).answer();
    let caller = Sipp::new(&place, "caller", "uac_no_answer", &place.sip(PBX)).keep_messages();
    let caller = caller.call(WORLD, &place.sip(INSIDE));
    caller.finish();
    callee.finish();
    let record = only_record(&place);
    assert!(matches!(records::number(&record, "status"), 408 | 480), "{record}");
    assert_eq!(records::word(&record, "released_by"), "tronco", "{record}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn early_media_reaches_the_caller_before_the_answer() {
    let place = Place::new("early");
    let (_server, caller, _callee) = between(&place, &Setup::new(&place), "uac_early", "uas_early");
    let progress = caller.await_received("SIP/2.0 183");
    assert!(progress.contains(&format!("c=IN IP4 {}", place.ip(INSIDE))), "our media address:\n{progress}");
    assert!(only_record(&place).get("early_media").is_some_and(|v| !v.is_null()), "the record knows of it");
}

#[test]
fn reliable_provisionals_and_update_while_early() {
    let place = Place::new("prack");
    let _peers = between(&place, &Setup::new(&place), "uac_prack", "uas_prack");
}

fn held(form: &str, sent: &[&str]) {
    let place = Place::new(&format!("hold-{form}"));
    let mut setup = Setup::new(&place);
    // Each is counted once, also where the callee is held up.
    setup.signalling = "t1_ms = 2000\n".into();
    let (_server, _caller, callee) = between(&place, &setup, &format!("uac_hold_{form}"), "uas_held");
    let received = callee.received();
    let invites = requests(&received, "INVITE");
    assert_eq!(invites.len(), 3, "first offer, hold, resume");
    assert!(sent.iter().any(|s| invites[1].contains(s)), "hold:\n{}", invites[1]);
    assert!(!invites[2].contains("a=sendonly") && !invites[2].contains("0.0.0.0"), "resume:\n{}", invites[2]);
    let version = |m: &str| {
        let line = m.lines().find(|l| l.starts_with("o=")).unwrap_or_default().to_owned();
        line.split(' ').nth(2).and_then(|v| v.parse::<u64>().ok()).unwrap_or(0)
    };
    assert!(version(invites[0]) < version(invites[1]), "RFC 3264 §8: the version grows");
    assert!(version(invites[1]) < version(invites[2]), "RFC 3264 §8: the version grows");
}

#[test]
fn hold_by_sendonly_and_resume() {
    held("sendonly", &["a=sendonly"]);
}

#[test]
fn hold_by_inactive_and_resume() {
    held("inactive", &["a=inactive"]);
}

#[test]
fn hold_by_address_zero_and_resume() {
    held("zero", &["c=IN IP4 0.0.0.0", "a=sendonly", "a=inactive"]);
}

#[test]
fn an_invite_without_offer_is_answered_in_the_ack() {
    let place = Place::new("late");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { early_offer = \"pass\" }\n".into();
    let (_server, _caller, callee) = between(&place, &setup, "uac_late", "uas_late");
    let received = callee.received();
    assert!(!requests(&received, "INVITE")[0].contains("m=audio"), "the offer stays late");
}

#[test]
fn an_invite_without_offer_gets_one_where_the_trunk_wants_it() {
    let place = Place::new("late-early");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { early_offer = \"make\" }\n".into();
    let (_server, _caller, callee) = between(&place, &setup, "uac_late", "uas");
    let received = callee.received();
    let invite = requests(&received, "INVITE")[0];
    assert!(invite.contains("m=audio") && invite.contains(&place.ip(2)), "an offer of ours:\n{invite}");
}

#[test]
fn info_message_and_update_cross_within_the_call() {
    let place = Place::new("info");
    let (_server, _caller, callee) = between(&place, &Setup::new(&place), "uac_info", "uas_info");
    let received = callee.received();
    assert!(requests(&received, "INFO")[0].contains("application/dtmf-relay"));
    assert!(requests(&received, "MESSAGE")[0].contains("text/plain"));
}

#[test]
fn a_transfer_is_declined_and_the_call_goes_on() {
    let place = Place::new("refer");
    let (_server, _caller, callee) = between(&place, &Setup::new(&place), "uac_refer", "uas");
    assert!(requests(&callee.received(), "REFER").is_empty(), "REFER stays here");
}

#[test]
fn an_invite_too_large_for_udp_goes_over_tcp() {
    let place = Place::new("large");
    let server = Server::start(&place, &Setup::new(&place).direct_media().text());
    let callee =
        Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).keep_messages().with(&["-t", "t1"]).answer();
    let caller = Sipp::new(&place, "caller", "uac_large", &place.sip(PBX)).with(&["-d", "50"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let received = callee.received();
    let invite = requests(&received, "INVITE")[0];
    assert!(invite.contains("Via: SIP/2.0/TCP "), "RFC 3261 §18.1.1:\n{invite}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_invite_too_large_for_udp_still_reaches_a_gateway_without_tcp() {
    let place = Place::new("large-udp");
    let (server, ..) = between(&place, &Setup::new(&place).direct_media(), "uac_large", "uas");
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_is_within_stays_within() {
    let place = Place::new("hiding");
    let (_server, caller, callee) = between(&place, &Setup::new(&place), "uac", "uas");
    for message in callee.received() {
        assert!(!message.contains(&place.ip(PBX)), "the IP-PBX's address went out:\n{message}");
        assert!(!message.contains(&place.ip(INSIDE)), "our inner address went out:\n{message}");
    }
    for message in caller.received() {
        assert!(!message.contains(&place.ip(ITSP)), "the provider's address came in:\n{message}");
    }
}
