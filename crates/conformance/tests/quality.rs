//! How a call sounds, told of a stream whose every packet is known: SIPp plays a recording from which packets are
//! missing, the other SIPp says nothing, and record, command and metrics must say so.

#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::control::{await_call, get};
use conformance::script::{SDP, Script};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp, records, stream};
use std::path::Path;

const WORLD: &str = "+441632960001";
const EXTENSION: &str = "+493023125100";
/// Packets of 20 ms: 18 s.
const PACKETS: u16 = 900;
/// A burst of twelve packets, of which five are missing.
const BURST: (u16, &[u8; 12]) = (200, b"011101011010");
/// Missing alone: of the gaps.
const ALONE: [u16; 2] = [100, 400];
/// The sender's clock runs so much faster than it says, parts in a million.
const DRIFT: u64 = 1_000;

fn is_missing(sequence: u16) -> bool {
    let (begins, pattern) = BURST;
    let place = usize::from(sequence.wrapping_sub(begins));
    ALONE.contains(&sequence) || pattern.get(place) == Some(&b'0')
}

/// A recording of the stream, all of its samples silent, at the times at which the sender's own clock sends it.
fn record_stream(path: &Path) {
    let mut packets = stream::a_law(&vec![0; usize::from(PACKETS) * 160], 20);
    packets.retain(|packet| !is_missing(packet.sequence));
    packets.iter_mut().for_each(|packet| packet.at = packet.at * (1_000_000 - DRIFT) / 1_000_000);
    stream::record(path, &packets);
}

/// One call: the caller plays the stream, the callee says nothing.
fn play(place: &Place) {
    let recording = place.path("stream.pcap");
    record_stream(&recording);
    let caller = Script::default()
        .call(WORLD, &format!("<sip:{EXTENSION}@[local_ip]:[local_port]>"), "", SDP)
        .expect(200, &[])
        .inside("ACK", "", "")
        .play(&recording.display().to_string())
        .pause(u32::from(PACKETS) * 20 + 300)
        .inside("BYE", "", "")
        .expect(200, &[]);
    let callee = Script::answers(SDP).hung_up();
    let callee = Sipp::of_script(place, "callee", &callee, &place.sip(ITSP)).answer();
    let caller = Sipp::of_script(place, "caller", &caller, &place.sip(PBX)).with(&["-mp", "40000"]);
    let caller = caller.call(WORLD, &place.sip(INSIDE));
    check_live(place);
    caller.finish();
    callee.finish();
}

/// What is told of the call while it lives, and that asking costs it nothing: the record is whole.
fn check_live(place: &Place) {
    let call = await_call(place, |call| {
        let bursts = call.pointer("/from_caller/quality/bursts").and_then(serde_json::Value::as_u64);
        bursts == Some(1) && call.get("callee_unheard").is_some()
    });
    let of = |name: &str| call.pointer(&format!("/from_caller/{name}")).cloned().unwrap_or_default();
    let (packets, bytes) = (of("packets").as_u64().unwrap(), of("bytes").as_u64().unwrap());
    assert_eq!(bytes, packets * 172, "{call}");
    assert_eq!((of("codec"), of("recoded_to"), of("engine")), ("PCMA".into(), "".into(), "sockets".into()));
    assert_eq!((of("security"), of("quality/burst_ms")), ("none".into(), 240.into()), "{call}");
    assert!(of("loss").as_f64().is_some_and(|loss| loss > 0.005 && loss < 0.05), "{call}");
    assert!(of("mos").as_f64().is_some_and(|mos| mos > 1.0 && mos < 4.5), "{call}");
    assert!(of("source").as_str().is_some_and(|source| source.starts_with(&place.ip(PBX))), "{call}");
    assert_eq!(call.pointer("/from_callee/one_way"), Some(&true.into()), "{call}");
    let parts = [
        "bursts         1 of 240 ms, 42 % lost",
        "silent         100 % of its sound",
        "not heard",
        "sockets",
    ];
    check_shown(place, records::word(&call, "key"), &parts);
}

/// What `tronco call show` tells of a call, within a hundred columns.
fn check_shown(place: &Place, key: &str, parts: &[&str]) {
    let socket = place.path("tronco.sock").display().to_string();
    let shown = tronco(&["call", "show", key, "--socket", &socket]);
    let shown = String::from_utf8_lossy(&shown.stdout);
    // A line may break anywhere.
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(folded(&shown).contains(&folded(part)), "{part} in\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
}

fn check_record(record: &serde_json::Value) {
    let number = |path: &str| record.pointer(path).and_then(serde_json::Value::as_f64);
    let missing = (0..PACKETS).filter(|sequence| is_missing(*sequence)).count() as f64;
    assert_eq!(number("/media/from_caller/expected"), Some(f64::from(PACKETS)), "{record}");
    assert_eq!(number("/media/from_caller/lost"), Some(missing), "{record}");
    let figure = |name: &str| number(&format!("/media/from_caller/quality/{name}"));
    assert_eq!((figure("bursts"), figure("burst_ms")), (Some(1.0), Some(240.0)), "{record}");
    assert_eq!(figure("burst_density"), Some(0.4167), "five of twelve: {record}");
    assert_eq!(figure("gap_density"), Some(0.0023), "two of 888: {record}");
    assert_eq!(figure("silent"), Some(1.0), "{record}");
    let drift = figure("drift_ppm").unwrap_or_else(|| panic!("no drift: {record}"));
    assert!((drift - DRIFT as f64).abs() < 40.0, "{record}");
    let callee = record.pointer("/media/from_callee").unwrap();
    assert_eq!(callee.get("one_way"), Some(&true.into()), "{record}");
    assert_eq!(records::word(callee, "one_way_why"), "nothing", "{record}");
}

fn check_page(page: &str) {
    for sample in [
        "tronco_one_way_calls_total 1",
        "tronco_one_way_directions_total{from=\"callee\",cause=\"nothing\"} 1",
        "tronco_rtp_loss_bursts_total{from=\"caller\"} 1",
        "tronco_silent_directions_total{from=\"caller\"} 1",
        "tronco_rtp_clock_drift_ratio_count{from=\"caller\"} 1",
        "tronco_rtp_loss_burst_seconds_bucket{from=\"caller\",le=\"0.32\"} 1",
        "tronco_rtp_jitter_seconds_count{from=\"caller\"} 1",
        "tronco_rtp_jitter_seconds_count{from=\"callee\"} 0",
        "tronco_mos_count{from=\"caller\"} 1",
    ] {
        assert!(page.contains(&format!("\n{sample}\n")), "{sample} in\n{page}");
    }
}

#[test]
fn bursts_silence_a_fast_clock_and_a_peer_who_is_not_heard_are_in_record_command_and_metrics() {
    let place = Place::new("quality");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    let server = Server::start(&place, &setup.text());
    // Metrics of ended calls count from the first scrape.
    assert!(get(&place, "/v1/metrics").contains("\ntronco_one_way_calls_total 0\n"));
    play(&place);
    let record = records::await_count(&place, 1).remove(0);
    check_record(&record);
    check_page(&get(&place, "/v1/metrics"));
    let parts =
        ["1 burst of 240 ms with 42 % lost", "silent 100 %", "never sent (one-way)", "firewall or NAT"];
    check_shown(&place, records::word(&record, "call"), &parts);
    assert_eq!(server.stop(), 0);
}

#[test]
fn two_sides_that_both_send_from_elsewhere_are_named_with_both_addresses_and_what_lets_them_in() {
    let place = Place::new("elsewhere");
    let server = Server::start(&place, &Setup::new(&place).text());
    let recording = place.path("stream.pcap");
    record_stream(&recording);
    let recording = recording.display().to_string();
    // SIPp plays a recording from another port than its description says.
    let caller = Script::default()
        .call(WORLD, &format!("<sip:{EXTENSION}@[local_ip]:[local_port]>"), "", SDP)
        .expect(200, &[])
        .inside("ACK", "", "")
        .play(&recording)
        .pause(6_500)
        .inside("BYE", "", "")
        .expect(200, &[]);
    let callee = Script::answers(SDP).play(&recording).hung_up();
    let callee = Sipp::of_script(&place, "callee", &callee, &place.sip(ITSP)).with(&["-mp", "40000"]);
    let callee = callee.answer();
    let caller = Sipp::of_script(&place, "caller", &caller, &place.sip(PBX)).with(&["-mp", "40000"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let record = records::await_count(&place, 1).remove(0);
    for (side, host, who) in [("from_caller", PBX, "caller"), ("from_callee", ITSP, "callee")] {
        let told = record.pointer(&format!("/media/{side}")).unwrap();
        assert_eq!(records::word(told, "one_way_why"), "foreign_source", "{record}");
        let described = format!("{}:40000", place.ip(host));
        assert_eq!(records::word(told, "described"), described, "{record}");
        let heard = records::word(told, "foreign_source");
        assert!(heard.starts_with(&place.ip(host)) && heard != described, "{record}");
        let (_, said) = server.process().line_after(0, &format!("{who} not heard"));
        let why = format!("its packets come from {heard}, but its SDP says {described}");
        assert!(said.contains(&why) && said.contains("signalled"), "{said}");
    }
    assert_eq!(server.stop(), 0);
}
