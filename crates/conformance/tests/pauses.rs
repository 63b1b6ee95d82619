//! Recordings that pause and go on, as `tshark` sees them at the recorder's wire and at the phones: what is offered to
//! the recorder, what is sent to it, and what phones that know of recordings are told (RFC 7866 §6.1.2, §7.1.2).

#![allow(clippy::panic, reason = "a peer that does not do its part fails the test")]

use conformance::audio;
use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX};
use conformance::recorder::{
    CALLEE_PORT, CALLEE_TONE, CALLER_PORT, CALLER_TONE, DID, Ear, SRS, WORLD, phones, recorder, setup,
};
use conformance::script::{SDP, Script};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;
use std::collections::BTreeSet;

/// How much later than its order a busy machine may send the last packet, seconds; a pause lasts a second and more.
const AT_ONCE: f64 = 0.5;

/// A column of `tshark`'s, as a number.
fn time(line: &str) -> f64 {
    line.split('\t').next().and_then(|time| time.parse().ok()).expect("a time")
}

/// Waits until a phone has heard another second.
fn another_second(phone: &Baresip) {
    let before = phone.heard_all().len();
    let heard = conformance::await_some(|| {
        Some(()).filter(|()| phone.heard_all().len() > before + audio::RATE as usize)
    });
    assert!(heard.is_some(), "no sound any more:\n{}", phone.process().tail());
}

/// An operator's order about the only call.
fn order(place: &Place, arguments: &[&str]) {
    let socket = place.path("tronco.sock").display().to_string();
    let list = tronco(&["call", "list", "--json", "--socket", &socket]);
    let calls: Value = serde_json::from_slice(&list.stdout).expect("a list of calls");
    let key = calls.pointer("/calls/0/key").or(calls.pointer("/0/key")).and_then(Value::as_str);
    let key = key.unwrap_or_else(|| panic!("no call: {calls}"));
    let done = tronco(&[&["call", arguments[0], key], &arguments[1..], &["--socket", &socket]].concat());
    assert!(done.status.success(), "{done:?}");
}

/// A caller who knows of recordings, and is told how its own stands with each change.
fn aware() -> Script {
    let from = format!("<sip:{DID}@[local_ip]:[local_port]>");
    let mut script = Script::default().call(WORLD, &from, "Supported: record-aware\n", SDP).expect(200, &[]);
    script = script.inside("ACK", "", "");
    for (at, told) in ["on", "paused", "on", "off"].into_iter().enumerate() {
        let told = format!("a=record:{told}");
        script = script.receive("INVITE", &[("", &told)]).agree(SDP).receive("ACK", &[]);
        if at == 0 {
            script = script.play("/usr/share/sip-tester/g711a.pcap");
        }
    }
    script.hung_up()
}

#[test]
fn a_pause_stops_the_streams_to_the_recorder_and_the_aware_phone_alone_hears_of_it() {
    let place = Place::new("pause");
    let ears = [CALLER_PORT, CALLEE_PORT].map(|port| Ear::new(&place, SRS, port));
    let server = Server::start(&place, &setup(&place, &[SRS], "").text());
    let capture = Capture::start(&place);
    let recorder = recorder(&place, SRS, "uas_records");
    let account = format!("<sip:{WORLD}@{}>;regint=0", place.ip(ITSP));
    let callee = Baresip::with_account(&place, WORLD, ITSP, CALLEE_TONE, &account, None);
    callee.process().line("baresip is ready");
    let script = aware();
    let caller = Sipp::of_script(&place, "caller", &script, &place.sip(PBX)).keep_messages();
    let caller = caller.with(&["-mp", "40000"]).call(WORLD, &place.sip(INSIDE));
    caller.await_received("a=record:on");
    another_second(&callee);
    order(&place, &["record", "--pause"]);
    caller.await_received("a=record:paused");
    recorder.await_received("a=inactive");
    another_second(&callee);
    order(&place, &["record", "--resume"]);
    let again = || recorder.received().iter().filter(|text| text.starts_with("ACK ")).count();
    assert!(conformance::await_some(|| Some(()).filter(|()| again() >= 3)).is_some(), "it goes on");
    another_second(&callee);
    order(&place, &["record", "--off"]);
    caller.await_received("a=record:off");
    assert_eq!(recorder.finish().failed, 0, "the recording ended before the call");
    order(&place, &["hangup"]);
    caller.finish();
    let record = records::await_count(&place, 1).remove(0);
    let said = records::word(&record, "recording");
    assert!(said.starts_with("rec: ok, paused ") && said.ends_with(" s, then ended"), "{said}");
    drop((callee, ears));
    assert_eq!(server.stop(), 0);
    judge_recorder(&place, &capture);
    judge_phones(&place, &capture);
}

/// Three offers to the recorder, and two streams of which nothing is sent in the pause.
fn judge_recorder(place: &Place, capture: &Capture) {
    let to = place.ip(SRS);
    let asked = capture.end(
        &format!("sip.Method == \"INVITE\" && ip.dst == {to}"),
        &["frame.time_relative", "sip.CSeq.seq", "sdp.media_attr"],
    );
    let mut asked: Vec<(f64, Vec<&str>)> =
        asked.iter().map(|line| (time(line), line.split('\t').skip(1).collect())).collect();
    asked.dedup_by(|a, b| a.1[0] == b.1[0]);
    let ways: Vec<Vec<&str>> = asked
        .iter()
        .map(|(_, columns)| columns[1].split(',').filter(|a| matches!(*a, "sendonly" | "inactive")).collect())
        .collect();
    assert_eq!(ways, [["sendonly"; 2], ["inactive"; 2], ["sendonly"; 2]], "{asked:#?}");
    judge_streams(&to, capture, asked[1].0, asked[2].0);
}

/// Of two streams to the recorder nothing is sent in the pause; they go on where they were.
fn judge_streams(to: &str, capture: &Capture, pause: f64, resume: f64) {
    for port in [CALLER_PORT, CALLEE_PORT] {
        let fields = ["frame.time_relative", "rtp.ssrc", "rtp.seq"];
        // `tshark` takes these ports for those of another protocol.
        let as_rtp = format!("udp.port=={port},rtp");
        let filter = format!("rtp && !icmp && ip.dst == {to} && udp.dstport == {port}");
        let sent = capture.lines(&["-d", &as_rtp], &filter, &fields);
        let (before, after): (Vec<&String>, Vec<&String>) = sent.iter().partition(|line| time(line) < resume);
        assert!(before.len() >= 25 && after.len() >= 25, "{} and {} packets", before.len(), after.len());
        let last = time(before[before.len() - 1]);
        assert!(last < pause + AT_ONCE, "sent at {last} s, paused at {pause} s");
        let name = |line: &str| line.split('\t').nth(1).expect("a name").to_owned();
        let number = |line: &str| -> u16 {
            line.split('\t').nth(2).and_then(|number| number.parse().ok()).expect("a number")
        };
        assert!(sent.iter().all(|line| name(line) == name(&sent[0])), "one source: {sent:#?}");
        let gap = number(after[0]).wrapping_sub(number(before[before.len() - 1]));
        assert_eq!(gap, 1, "nothing is missing");
    }
}

/// What is told of the recording: to the caller, who knows of recordings; to nobody else.
fn judge_phones(place: &Place, capture: &Capture) {
    let told = |filter: &str| capture.lines(&[], filter, &["sip.CSeq.seq", "sdp.session_attr"]);
    let mut caller = told(&format!("sip.Method == \"INVITE\" && ip.dst == {}", place.ip(PBX)));
    caller.dedup();
    let states: Vec<&str> = caller.iter().map(|line| line.split('\t').nth(1).unwrap_or_default()).collect();
    assert_eq!(states, ["record:on", "record:paused", "record:on", "record:off"], "{caller:#?}");
    let others = format!(
        "frame contains \"a=record:\" && (ip.dst == {} || ip.dst == {})",
        place.ip(ITSP),
        place.ip(SRS)
    );
    assert_eq!(told(&others), Vec::<String>::new());
    let ours = format!("frame contains \"record-aware\" && ip.src == {}", place.ip(OUTSIDE));
    assert_eq!(told(&ours), Vec::<String>::new());
}

/// RFC 7866 §6.2: a recorder may refuse what is sent by `a=inactive`, and take it again.
#[test]
fn a_recorder_that_pauses_the_recording_itself_gets_nothing_until_it_goes_on() {
    let place = Place::new("pauses-itself");
    let ears = [CALLER_PORT, CALLEE_PORT].map(|port| Ear::new(&place, SRS, port));
    let server = Server::start(&place, &setup(&place, &[SRS], "").text());
    let capture = Capture::start(&place);
    let recorder = recorder(&place, SRS, "uas_records_pauses");
    let (caller, callee) = phones(&place);
    // A response may come twice.
    let agreed = || -> BTreeSet<String> {
        let numbers = |text: &String| text.lines().find(|line| line.starts_with("CSeq:")).map(str::to_owned);
        recorder
            .received()
            .iter()
            .filter(|text| text.starts_with("SIP/2.0 200"))
            .filter_map(numbers)
            .collect()
    };
    assert!(conformance::await_some(|| Some(()).filter(|()| agreed().len() == 2)).is_some(), "it goes on");
    another_second(&callee);
    callee.hears(CALLER_TONE, CALLEE_TONE);
    order(&place, &["hangup"]);
    assert_eq!(recorder.finish().failed, 0);
    let record = records::await_count(&place, 1).remove(0);
    let said = records::word(&record, "recording");
    assert!(said.starts_with("rec: ok, but for ") && said.ends_with(" s"), "{said}");
    drop((caller, callee, ears));
    assert_eq!(server.stop(), 0);
    let from = place.ip(SRS);
    let asked = capture.end(
        &format!("sip.Method == \"INVITE\" && ip.src == {from}"),
        &["frame.time_relative", "sip.CSeq.seq"],
    );
    let times: Vec<f64> = asked.iter().map(|line| time(line)).collect();
    judge_streams(&from, &capture, times[0], times[times.len() - 1]);
}
