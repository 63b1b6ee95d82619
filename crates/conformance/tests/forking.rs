//! Several gateways at once, over the wire: SIPp rings at three places.

use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::keyed::{INLINE, Keyed};
use conformance::script::{SDP, Script};
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;
use std::ops::Range;

const WORLD: &str = "+441632960001";

/// Three gateways that ring at once.
fn three(place: &Place) -> Setup {
    let mut setup = Setup::new(place);
    setup.itsp = (0..3).map(|n| place.sip(ITSP + n)).collect();
    setup.itsp_more = "hunt = \"parallel\"\n".into();
    setup
}

fn branch<'a>(place: &'a Place, n: u8, scenario: &str) -> Sipp<'a> {
    Sipp::new(place, &format!("branch-{n}"), scenario, &place.sip(ITSP + n)).keep_messages()
}

fn caller<'a>(place: &'a Place, scenario: &str, calls: u32) -> Sipp<'a> {
    Sipp::new(place, "caller", scenario, &place.sip(PBX)).calls(calls).rate(50)
}

/// Reasons of a record's attempts, by gateway.
fn reasons(record: &Value) -> Vec<String> {
    let list = record.get("attempts").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|a| records::word(a, "reason").to_owned()).collect()
}

#[test]
fn the_first_that_answers_has_the_call_and_the_others_hear_where_it_went() {
    let place = Place::new("forking-first");
    let _server = Server::start(&place, &three(&place).text());
    let losers: Vec<_> =
        [0, 2].map(|n| branch(&place, n, "uas_cancelled").calls(20).answer()).into_iter().collect();
    let winner = branch(&place, 1, "uas").calls(20).answer();
    caller(&place, "uac", 20).with(&["-d", "50"]).call(WORLD, &place.sip(INSIDE)).finish();
    winner.finish();
    for loser in losers {
        loser.finish();
        let cancels: Vec<String> =
            loser.received().into_iter().filter(|m| m.starts_with("CANCEL ")).collect();
        assert!(cancels.len() >= 20);
        for cancel in cancels {
            assert!(cancel.contains("Reason: SIP;cause=200;text=\"Call completed elsewhere\""), "{cancel}");
        }
    }
    for record in records::await_count(&place, 20) {
        assert_eq!(records::number(&record, "status"), 200, "{record}");
        assert_eq!(reasons(&record), ["P-ELSEWHERE", "P-HANGUP-A", "P-ELSEWHERE"], "{record}");
    }
}

#[test]
fn answers_that_cross_their_cancel_are_ended_and_no_call_is_lost() {
    let place = Place::new("forking-race");
    let _server = Server::start(&place, &three(&place).text());
    // All three answer at the same time: whoever is slower gets ACK and BYE.
    let all: Vec<_> = (0..3).map(|n| branch(&place, n, "uas_races").calls(40).answer()).collect();
    caller(&place, "uac", 40).with(&["-d", "300"]).call(WORLD, &place.sip(INSIDE)).finish();
    for one in &all {
        one.finish();
    }
    for record in records::await_count(&place, 40) {
        assert_eq!(records::number(&record, "status"), 200, "{record}");
        let reasons = reasons(&record);
        assert_eq!(reasons.iter().filter(|r| *r == "P-HANGUP-A").count(), 1, "{record}");
        assert_eq!(reasons.iter().filter(|r| *r == "P-ELSEWHERE").count(), 2, "{record}");
    }
}

#[test]
fn the_best_refusal_is_heard_when_all_have_refused() {
    let place = Place::new("forking-refused");
    let _server = Server::start(&place, &three(&place).text());
    let all = [(0, "uas_refuses_503"), (1, "uas_rings_486"), (2, "uas_refuses_503")];
    let all = all.map(|(n, scenario)| branch(&place, n, scenario).calls(5).answer());
    caller(&place, "uac_486", 5).call(WORLD, &place.sip(INSIDE)).finish();
    for one in &all {
        one.finish();
    }
}

#[test]
fn the_callers_cancel_ends_every_branch() {
    let place = Place::new("forking-cancelled");
    let _server = Server::start(&place, &three(&place).text());
    let all: Vec<_> = (0..3).map(|n| branch(&place, n, "uas_cancelled").calls(5).answer()).collect();
    caller(&place, "uac_cancel", 5).call(WORLD, &place.sip(INSIDE)).finish();
    for one in &all {
        one.finish();
    }
    for record in records::await_count(&place, 5) {
        assert_eq!(reasons(&record), ["P-CANCELLED"; 3], "{record}");
    }
}

#[test]
fn a_crash_while_branches_ring_leaves_one_record_with_all_of_them() {
    let place = Place::new("forking-crash");
    let server = Server::start(&place, &three(&place).text());
    let all: Vec<_> = (0..3).map(|n| branch(&place, n, "uas_cancelled").answer()).collect();
    let caller = caller(&place, "uac", 1).keep_messages().call(WORLD, &place.sip(INSIDE));
    for one in &all {
        one.await_received("INVITE ");
    }
    caller.await_received("SIP/2.0 180");
    server.kill();
    let config = place.path("tronco.toml");
    let text = std::fs::read_to_string(config).unwrap();
    let _server = Server::start(&place, &text);
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!((records::word(&record, "reason"), reasons(&record).len()), ("X-CRASHED", 3), "{record}");
}

/// The numbers of the packets of sound that pass `filter`, in the order of the wire.
fn numbers(lines: &[String], column: usize, ip: &str) -> Vec<u32> {
    let rows = lines.iter().map(|line| line.split('\t').collect::<Vec<_>>());
    let mut numbers: Vec<u32> =
        rows.filter(|row| row[column] == ip).filter_map(|row| row[2].parse().ok()).collect();
    // The loopback interface shows packets as they leave and as they come.
    numbers.dedup();
    numbers
}

/// A call that hears early media of the gateway that plays `script` up to its answer, and talks for so many milliseconds.
fn early(place: &Place, script: Script, talks_ms: u32) {
    let script = script.receive("ACK", &[]).hung_up();
    let callee = Sipp::of_script(place, "callee", &script, &place.sip(ITSP)).keep_messages();
    let callee = callee.with(&["-mp", "40000"]).answer();
    let from = format!("<sip:+493023125100@{}>", place.sip(PBX));
    let script =
        Script::default().call(WORLD, &from, "", SDP).hears(183, &[("Content-Type", "application/sdp")]);
    let script = script.expect(200, &[]).inside("ACK", "", "").pause(talks_ms);
    let script = script.inside("BYE", "", "").expect(200, &[]);
    let caller = Sipp::of_script(place, "caller", &script, &place.sip(PBX)).keep_messages();
    caller.with(&["-mp", "40000"]).call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
}

#[test]
fn early_media_of_a_second_fork_are_heard_from_their_first_packet_and_through_the_answer() {
    let place = Place::new("forking-early");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    // One gateway that forks: the first callee describes itself and says nothing, the second one is heard and answers.
    let silent = SDP.replace("[audio]", "45000");
    let script =
        Script::default().receive("INVITE", &[]).answer_as("one", "183 Session Progress", "", &silent);
    let script = script.pause(300).answer_as("two", "183 Session Progress", "", SDP).pause(100);
    let script =
        script.play("/usr/share/sip-tester/g711a.pcap").pause(2_000).answer_as("two", "200 OK", "", SDP);
    early(&place, script, 2_000);
    let lines = capture.end("rtp && rtp.p_type == 8", &["ip.src", "ip.dst", "rtp.seq"]);
    let (said, heard) = (numbers(&lines, 0, &place.ip(ITSP)), numbers(&lines, 1, &place.ip(PBX)));
    assert!(heard.len() > 100, "some seconds of it: {} of {}", heard.len(), said.len());
    assert_eq!(heard, said[..heard.len()], "nothing is lost, from the first packet on");
}

/// A recording with some of the packets of sound of SIPp's own, each protected with these keys; its path, and the sound.
fn sealed(place: &Place, name: &str, keys: &Keyed, which: Range<usize>) -> (String, Vec<String>) {
    let whole = std::fs::read("/usr/share/sip-tester/g711a.pcap").expect("SIPp's sound");
    let (head, mut rest) = whole.split_at(24);
    let (mut out, mut sound, mut number) = (head.to_vec(), Vec::new(), 0);
    while let Some((record, behind)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(record[8..12].try_into().expect("4 bytes")) as usize;
        let (frame, behind) = behind.split_at(length);
        rest = behind;
        // Ethernet, IPv4, UDP; SIPp takes the lengths of both.
        let (below, packet) = frame.split_at(14 + 20 + 8);
        if which.contains(&number) {
            let packet_out = keys.protect(0, packet);
            let mut below = below.to_vec();
            below[16..18].copy_from_slice(&(28 + packet_out.len() as u16).to_be_bytes());
            below[38..40].copy_from_slice(&(8 + packet_out.len() as u16).to_be_bytes());
            let length = (below.len() + packet_out.len()) as u32;
            out.extend(
                [&record[..8], &length.to_le_bytes(), &length.to_le_bytes(), &below, &packet_out].concat(),
            );
            sound.push(packet[12..].iter().map(|byte| format!("{byte:02x}")).collect());
        }
        number += 1;
    }
    let path = place.path(name);
    std::fs::write(&path, out).expect("a file");
    (path.display().to_string(), sound)
}

#[test]
fn secured_forks_are_heard_each_under_its_own_keys_before_the_answer_and_through_it() {
    let place = Place::new("forking-sealed");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    setup.itsp_more =
        "override = { latch = \"nat\", srtp = \"required\", srtp_over_plain = \"allow\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    // One gateway that forks: two callees with keys of their own, at one address. The one described first speaks, falls
    // silent, and then the other one speaks and answers.
    let line = |inline: &str| format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{inline}");
    let lines = [line(INLINE), line("PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR")];
    let told = lines.clone().map(|line| format!("{}{line}\n", SDP.replace("RTP/AVP", "RTP/SAVP")));
    let (first, one) = sealed(&place, "one.pcap", &Keyed::told(&lines[0]), 0..50);
    let (second, two) = sealed(&place, "two.pcap", &Keyed::told(&lines[1]), 50..130);
    let script = Script::default().receive("INVITE", &[]);
    let script = script.answer_as("one", "183 Session Progress", "", &told[0]);
    let script = script.pause(100).answer_as("two", "183 Session Progress", "", &told[1]).pause(100);
    let script = script.play(&first).pause(2_300).play(&second).pause(1_000);
    let script = script.answer_as("two", "200 OK", "", &told[1]);
    early(&place, script, 2_500);
    let lines = capture.end("rtp && rtp.p_type == 8", &["ip.src", "ip.dst", "rtp.payload"]);
    let to_caller = lines.iter().map(|line| line.split('\t').collect::<Vec<_>>());
    let mut heard: Vec<String> =
        to_caller.filter(|row| row[1] == place.ip(PBX)).map(|row| row[2].replace(':', "")).collect();
    // The loopback interface shows packets as they leave and as they come.
    heard.dedup();
    let mut said = [one, two].concat();
    said.dedup();
    assert_eq!(heard.len(), said.len(), "from the first packet of each fork to the last");
    assert_eq!(heard, said, "opened with the keys of its own fork");
}
