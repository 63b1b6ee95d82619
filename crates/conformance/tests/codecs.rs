//! Codecs that the two sides of a call do not share: each hears what the other says, at its level, in time, without a slip.
//!
//! The phones are baresip with its G.711, G.722 and Opus modules, so every payload is made and read by others.

#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::audio;
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::control::{ask, await_call};
use conformance::likeness::{judge, judge_at};
use conformance::script::SDP;
use conformance::stalls::{meets, stalled};
use conformance::{Place, Script, Server, Sipp, records};

#[path = "codecs/noise.rs"]
mod noise;
#[path = "codecs/uneven.rs"]
mod uneven;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

/// Two phones with one codec each, both behind what looks like NAT (as in `peers.rs`).
struct Pair<'a> {
    a: (&'a str, u32),
    b: (&'a str, u32),
    pbx: &'a str,
    itsp: &'a str,
}

fn each_hears_the_other(name: &str, pair: &Pair<'_>, likeness_min: f64) {
    each_hears_the_other_at(&Place::new(name), pair, likeness_min);
}

fn each_hears_the_other_at(place: &Place, pair: &Pair<'_>, likeness_min: f64) {
    let mut setup = Setup::new(place);
    setup.pbx_more = format!("override = {{ latch = \"nat\"{} }}\n", pair.pbx);
    setup.itsp_more = format!("override = {{ latch = \"nat\"{} }}\n", pair.itsp);
    let server = Server::start(place, &setup.text());
    let voice = |(codec, ptime), number| Voice { codec, ptime, says: audio::speech(number, 20) };
    let (a, b) = (voice(pair.a, 1), voice(pair.b, 2));
    let account = |number: &str, host| format!("<sip:{number}@{}>;regint=0", place.ip(host));
    let callee = Baresip::with_voice(place, WORLD, ITSP, &b, &account(WORLD, ITSP), None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_voice(place, DID, PBX, &a, &account(DID, PBX), Some(&uri));
    judge(&caller, &callee, likeness_min);
    let call = await_call(place, |call| call.get("from_callee").is_some());
    let path = format!("/v1/calls/{}", records::word(&call, "key"));
    assert!(ask(place, "DELETE", &path).0.starts_with("HTTP/1.1 202"), "{call}");
    let record = records::await_count(place, 1).remove(0);
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
    let said = |side: &str| [pair.a, pair.b][usize::from(side == "from_callee")].0.split('/').next();
    let why = if said("from_caller") == said("from_callee") { "ptime" } else { "codec" };
    for (side, other) in [("from_caller", "from_callee"), ("from_callee", "from_caller")] {
        for told in [call.get(side), record.get("media").and_then(|media| media.get(side))] {
            let word = |name: &str| told.and_then(|told| told.get(name)?.as_str());
            let named = [word("codec"), word("recoded_to"), word("recoded_why")];
            assert_eq!(named, [said(side), said(other), Some(why)], "{side}: {call}\n{record}");
        }
    }
}

/// A caller of one codec and a callee of another.
fn between(name: &str, a: &str, b: &str, likeness_min: f64) {
    let list = |codec: &str| {
        let name = codec.split('/').next().unwrap_or_default();
        format!(", codecs = [\"{name}\"]")
    };
    let pair = Pair { a: (a, 20), b: (b, 20), pbx: &list(a), itsp: &list(b) };
    each_hears_the_other(name, &pair, likeness_min);
}

#[test]
fn a_law_and_mu_law_hear_each_other() {
    between("pcma-pcmu", "PCMA", "PCMU", 0.99);
}

#[test]
fn a_law_and_g722_hear_each_other() {
    between("pcma-g722", "PCMA", "G722", 0.97);
}

#[test]
fn mu_law_and_g722_hear_each_other() {
    between("g722-pcmu", "G722", "PCMU", 0.97);
}

#[test]
fn a_law_and_opus_hear_each_other() {
    between("pcma-opus", "PCMA", "opus/48000/2", 0.85);
}

#[test]
fn mu_law_and_opus_hear_each_other() {
    between("opus-pcmu", "opus/48000/2", "PCMU", 0.85);
}

#[test]
fn g722_and_opus_hear_each_other() {
    between("g722-opus", "G722", "opus/48000/2", 0.85);
}

/// Louder on the way to one side, softer on the way to the other: each in dB at the far end, in the same codec and in another.
#[test]
fn sound_is_as_much_louder_or_softer_as_its_trunk_says() {
    for (codec, likeness_min) in [("PCMA", 0.99), ("G722", 0.97)] {
        let place = Place::new("gain");
        let mut setup = Setup::new(&place);
        setup.pbx_more = "override = { latch = \"nat\", codecs = [\"PCMA\"], gain = 6 }\n".into();
        setup.itsp_more = format!("override = {{ latch = \"nat\", codecs = [\"{codec}\"], gain = -9 }}\n");
        let server = Server::start(&place, &setup.text());
        let voice = |codec, number| Voice { codec, ptime: 20, says: soft(number) };
        let account = |number: &str, host| format!("<sip:{number}@{}>;regint=0", place.ip(host));
        let (a, b) = (voice("PCMA", 1), voice(codec, 2));
        let callee = Baresip::with_voice(&place, WORLD, ITSP, &b, &account(WORLD, ITSP), None);
        callee.process().line("baresip is ready");
        let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
        let caller = Baresip::with_voice(&place, DID, PBX, &a, &account(DID, PBX), Some(&uri));
        judge_at(&caller, &callee, likeness_min, [6.0, -9.0]);
        let call = await_call(&place, |call| call.get("from_callee").is_some());
        let why = call.pointer("/from_callee/recoded_why").and_then(|why| why.as_str());
        assert_eq!(why, Some(if codec == "PCMA" { "gain" } else { "codec" }), "{call}");
        let path = format!("/v1/calls/{}", records::word(&call, "key"));
        assert!(ask(&place, "DELETE", &path).0.starts_with("HTTP/1.1 202"), "{call}");
        drop(caller);
        drop(callee);
        assert_eq!(server.stop(), 0);
    }
}

/// A voice that has room above it.
fn soft(number: u32) -> Vec<i16> {
    audio::speech(number, 20).into_iter().map(|sample| sample / 2).collect()
}

/// SIPp, which answers with all that it was offered, beside a trunk that wants one codec named.
#[test]
fn an_answer_to_a_trunk_with_locked_codecs_names_one_alone() {
    for (rule, formats) in [("", "8 0 101"), ("override = { codecs_locked = true }\n", "8 101")] {
        let place = Place::new("locked");
        let mut setup = Setup::new(&place);
        setup.pbx_more = rule.into();
        let server = Server::start(&place, &setup.text());
        let callee = Script::answers(SDP).hung_up();
        let callee = Sipp::of_script(&place, "callee", &callee, &place.sip(ITSP)).keep_messages().answer();
        let caller = Script::default()
            .call(WORLD, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", SDP)
            .expect(200, &[("", &format!("RTP/AVP {formats}[[:space:]]"))])
            .inside("ACK", "", "")
            .inside("BYE", "", "")
            .expect(200, &[]);
        let caller =
            Sipp::of_script(&place, "caller", &caller, &place.sip(PBX)).call(WORLD, &place.sip(INSIDE));
        let invite = callee.await_received("m=audio");
        assert!(invite.contains("RTP/AVP 8 0 101"), "offers stay whole: {invite}");
        caller.finish();
        callee.finish();
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn packets_of_twenty_and_of_forty_milliseconds_hear_each_other() {
    let pair = Pair { a: ("PCMA", 20), b: ("PCMA", 40), pbx: ", ptime = 20", itsp: ", ptime = 40" };
    each_hears_the_other("ptime", &pair, 0.99);
}

#[test]
fn short_packets_leave_one_by_one_where_long_ones_come() {
    let place = Place::new("pace");
    let wire = Capture::start(&place);
    let pair = Pair { a: ("PCMA", 60), b: ("PCMA", 20), pbx: ", ptime = 60", itsp: ", ptime = 20" };
    each_hears_the_other_at(&place, &pair, 0.99);
    let filter = format!("ip.src == {} && udp.length == 180", place.ip(OUTSIDE));
    let times: Vec<f64> =
        wire.end(&filter, &["frame.time_relative"]).iter().filter_map(|time| time.parse().ok()).collect();
    // Where somebody stood still what waited leaves at once, and for a while nothing is in its time.
    let stalls: Vec<_> = stalled(&times).iter().map(|stall| stall.start - 0.01..stall.end + 0.6).collect();
    let gaps = times.windows(2).filter(|pair| !meets(&stalls, &(pair[0]..pair[1])));
    let gaps: Vec<f64> = gaps.map(|pair| pair[1] - pair[0]).collect();
    // Packets of 60 ms come; the engine looks every 10 ms, and the machine is a busy one.
    let even = gaps.iter().filter(|gap| (0.008..0.035).contains(*gap)).count();
    assert!(times.len() > 150 && gaps.len() * 2 > times.len(), "{} gaps, stalls: {stalls:?}", gaps.len());
    assert!(even * 10 > gaps.len() * 8, "{even} of {} gaps are even", gaps.len());
}

#[test]
fn a_caller_with_a_law_alone_reaches_a_gateway_with_mu_law_alone() {
    let place = Place::new("laws");
    let mut setup = Setup::new(&place);
    setup.itsp_more = "override = { codecs = [\"PCMU\"] }\n".into();
    let _server = Server::start(&place, &setup.text());
    let only = |file: &str, name: &str, pt: &str, other: &str| {
        let text = std::fs::read_to_string(Place::own(&format!("scenarios/{file}.xml"))).unwrap();
        let text = text.replace("AVP 8 0 101", &format!("AVP {pt} 101"));
        let text: Vec<&str> =
            text.lines().filter(|l| !l.starts_with(&format!("a=rtpmap:{other} "))).collect();
        place.write(&format!("{name}.xml"), text.join("\n"))
    };
    let callee = Sipp::of_path(&place, "callee", &only("uas", "uas_mu", "0", "8"), &place.sip(ITSP));
    let callee = callee.calls(5).keep_messages().answer();
    let caller = Sipp::of_path(&place, "caller", &only("uac", "uac_a", "8", "0"), &place.sip(PBX));
    let caller = caller.calls(5).keep_messages().with(&["-d", "50"]).call(WORLD, &place.sip(INSIDE));
    caller.await_received("SIP/2.0 200");
    let invite = callee.await_received("INVITE ");
    assert!(invite.contains("RTP/AVP 0 101"), "{invite}");
    let ok = caller.await_received("m=audio");
    assert!(ok.contains("RTP/AVP 8 101"), "{ok}");
    caller.finish();
    callee.finish();
    let _ = records::await_count(&place, 5);
}

/// RFC 3264 §8.3.2, read by `tshark`.
#[test]
fn no_number_gets_another_meaning_when_the_callee_holds_a_call_of_another_codec() {
    let place = Place::new("numbers-stay");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { latch = \"nat\", codecs = [\"opus\"] }\n".into();
    setup.itsp_more = "override = { codecs = [\"PCMA\"] }\n".into();
    let _server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let callee = Sipp::new(&place, "callee", "uas_holds", &place.sip(ITSP)).answer();
    let voice = Voice { codec: "opus/48000/2", ..Voice::tone(440.0) };
    let account = format!("<sip:{DID}@{}>;regint=0", place.ip(PBX));
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_voice(&place, DID, PBX, &voice, &account, Some(&uri));
    callee.finish();
    drop(caller);
    let said = |from, to| format!("sdp && ip.src == {} && ip.dst == {}", place.ip(from), place.ip(to));
    let mut lines = capture.end(&said(PBX, INSIDE), &["sdp.media_attr"]);
    let ours = capture.lines(&[], &said(INSIDE, PBX), &["sdp.media_attr"]);
    assert!(lines.len() >= 3 && ours.len() >= 3, "{lines:#?} {ours:#?}");
    lines.extend(ours);
    let mut meanings = std::collections::BTreeMap::new();
    for line in &lines {
        assert!(line.contains("opus/48000/2"), "{line}");
        for map in line.split("rtpmap:").skip(1) {
            let (number, rest) = map.split_once(' ').expect("a number");
            let codec = rest.split(',').next().unwrap_or_default().to_ascii_lowercase();
            let known = meanings.entry(number.to_owned()).or_insert_with(|| codec.clone());
            assert_eq!(*known, codec, "{number} in {lines:#?}");
        }
    }
    let numbers = meanings.values().filter(|codec| codec.starts_with("opus")).count();
    assert_eq!(numbers, 1, "{lines:#?}");
}
