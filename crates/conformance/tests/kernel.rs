//! Whole calls whose sound the kernel relays: SIPp on two hosts, the server on a third between them, and `tshark` on both
//! wires. Needs the right to make hosts and to load programs into the kernel; where the system refuses, that is said, and
//! `TRONCO_KERNEL_TIER=1` makes it a failure.

#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::capture::Capture;
use conformance::config::Setup;
use conformance::control::await_call;
use conformance::lab::Host;
use conformance::moving::Moving;
use conformance::phone::{Phone, call};
use conformance::script::Script;
use conformance::server::{Server, tronco};
use conformance::sipp::{Running, Sipp};
use conformance::{Place, await_some, records};
use serde_json::Value;
use std::net::UdpSocket;

#[path = "kernel/neighbours.rs"]
mod neighbours;

const WORLD: &str = "+441632960001";
const EXTENSION: &str = "+493023125100";
/// Net by net: the peer, and the server towards it.
const PEERS: [&str; 2] = ["10.91.1.2", "10.91.2.2"];
const OURS: [&str; 2] = ["10.91.1.1", "10.91.2.1"];
const NETS: [&str; 2] = ["10.91.1.0/24", "10.91.2.0/24"];
const DEVICES: [&str; 2] = ["a0", "b0"];
/// How media leave us towards each.
const MARKS: [u8; 2] = [34, 10];
const AUDIO: &str = "40000";
const SSRC: u32 = 0x7a11_0ed5;
/// Packets before the hold and after it.
const SOUND: [u16; 2] = [150, 100];

/// The hosts of the caller, the server and the callee.
struct Lab {
    caller: Host,
    server: Host,
    callee: Host,
}

impl Lab {
    fn new() -> Option<Lab> {
        let host = || Host::new().map_err(|reason| skip(&format!("no host can be made: {reason}"))).ok();
        let lab = Lab { caller: host()?, server: host()?, callee: host()? };
        for (host, n, device) in [(&lab.caller, 0, "s0"), (&lab.callee, 1, "s1")] {
            let [peer, ours] = [PEERS, OURS].map(|addresses| format!("{}/24", addresses[n]));
            host.wire((DEVICES[n], &peer), &lab.server, (device, &ours));
        }
        Some(lab)
    }

    /// The server with the kernel's engine at this hook; none where this user may not have it.
    fn serve(&self, place: &Place, hook: &str) -> Option<Server> {
        let setup = setup(place, hook);
        let server = self.server.inside(|| Server::launch(place, &setup.text()));
        let told = await_some(|| {
            let lines = server.process().lines();
            let ready = lines.iter().any(|line| line.contains("ready"));
            (ready || !server.process().runs()).then_some(ready)
        });
        if told == Some(true) {
            return Some(server);
        }
        server.process().exit_code();
        let said = server.process().tail();
        assert!(said.contains("Operation not permitted"), "no privilege is wanting, and yet: {said}");
        skip(&said);
        None
    }

    fn capture(&self, place: &Place, n: usize) -> Capture {
        let host = if n == 0 { &self.caller } else { &self.callee };
        host.inside(|| Capture::at(place, DEVICES[n], NETS[n], [PEERS[n], OURS[n]]))
    }
}

fn setup(place: &Place, hook: &str) -> Setup {
    let mut setup = Setup::new(place);
    setup.address = (OURS[0].into(), OURS[1].into());
    setup.pbx = vec![format!("{}:5060", PEERS[0])];
    setup.itsp = vec![format!("{}:5060", PEERS[1])];
    let [near, far] = MARKS.map(|mark| format!("dscp_media = {mark}\n"));
    setup.listen_more = (near, far);
    setup.more = format!("[media]\nfast_path = \"{hook}\"\n");
    setup
}

fn skip(reason: &str) {
    let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
    assert!(!declared, "the kernel's engine is declared to work here: {reason}");
    println!("skipped, the kernel's engine cannot be had by this user: {reason}");
}

/// From the second on there is a codec more, so that it says something new.
fn description(version: u8, direction: &str) -> String {
    let more = if version > 1 { " 0" } else { "" };
    format!(
        "v=0\no=- 1 {version} IN IP4 [media_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n\
         m=audio [media_port] RTP/AVP 8{more}\na=rtpmap:8 PCMA/8000\na=ptime:20\na={direction}\n"
    )
}

/// Packets of G.711, 20 ms apart, as a file that SIPp plays.
fn recording(place: &Place, name: &str, numbers: std::ops::Range<u16>) -> String {
    let mut file = Vec::new();
    // A capture of Ethernet frames, microseconds, whole packets.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for number in numbers {
        let ms = u32::from(number) * 20;
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend([0x45, 0, 0, 200, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        frame.extend([5000_u16, 5000, 180, 0].map(u16::to_be_bytes).as_flattened());
        frame.extend([0x80, 8]);
        frame.extend(number.to_be_bytes());
        frame.extend((u32::from(number) * 160).to_be_bytes());
        frame.extend(SSRC.to_be_bytes());
        frame.extend((0..160).map(|n: u16| (n ^ number) as u8));
        let length = frame.len() as u32;
        for word in [ms / 1000, ms % 1000 * 1000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    place.write(name, file).display().to_string()
}

/// A caller who speaks, renews the description while speaking, holds, resumes and speaks again.
fn caller(place: &Place) -> Running {
    let again = |script: Script, version, direction| {
        let script = script.inside("INVITE", "", &description(version, direction));
        script.expect(200, &[]).inside("ACK", "", "")
    };
    let [first, second] = SOUND;
    let script = Script::default()
        .call(WORLD, &format!("<sip:{EXTENSION}@[local_ip]:[local_port]>"), "", &description(1, "sendrecv"))
        .expect(200, &[])
        .inside("ACK", "", "")
        .play(&recording(place, "first.pcap", 0..first))
        .pause(u32::from(first) * 10);
    let script = again(script, 2, "sendrecv").pause(u32::from(first) * 10 + 1_500);
    let script = again(script, 3, "inactive").pause(1_000);
    let script = again(script, 4, "sendrecv")
        .play(&recording(place, "second.pcap", first..first + second))
        .pause(u32::from(second) * 20 + 1_500);
    let script = script.inside("BYE", "", "").expect(200, &[]);
    let sipp = Sipp::of_script(place, "caller", &script, &format!("{}:5060", PEERS[0]));
    sipp.with(&["-mp", AUDIO]).call(WORLD, &format!("{}:5060", OURS[0]))
}

/// A callee who says back what it hears.
fn callee(place: &Place) -> Running {
    let mut script = Script::default().receive("INVITE", &[]);
    script = script.answer("200 OK", "", &description(1, "sendrecv")).receive("ACK", &[]);
    for (version, direction) in [(2, "sendrecv"), (3, "inactive"), (4, "sendrecv")] {
        script = script.receive("INVITE", &[]).agree(&description(version, direction)).receive("ACK", &[]);
    }
    let script = script.hung_up();
    let sipp = Sipp::of_script(place, "callee", &script, &format!("{}:5060", PEERS[1])).keep_messages();
    sipp.with(&["-mp", AUDIO, "-rtp_echo"]).answer()
}

fn status(place: &Place) -> Value {
    let socket = place.path("tronco.sock").display().to_string();
    let told = tronco(&["status", "--json", "--socket", &socket]);
    serde_json::from_slice(&told.stdout).unwrap()
}

/// Who relays what arrives at the interfaces, one after the other: hook, device, and why it is no better.
fn relayed(place: &Place) -> Vec<[Value; 3]> {
    let told = status(place);
    let of = |n: usize| ["by", "device", "reason"].map(|key| told["listens"][n]["relayed"][key].clone());
    vec![of(0), of(1)]
}

/// What the server says of the kernel's engine.
fn engine(place: &Place) -> Value {
    status(place).pointer("/media/fast_path").unwrap_or_else(|| panic!("no engine")).clone()
}

fn number(engine: &Value, key: &str) -> u64 {
    engine.get(key).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {key}: {engine}"))
}

fn await_engine(place: &Place, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let found = await_some(|| Some(engine(place)).filter(&is_it));
    found.unwrap_or_else(|| panic!("{what}: {}", engine(place)))
}

/// Packets of sound on a wire from a host, in order: port, number, time and payload, and all else as it must be.
fn sound(capture: &Capture, from: &str, to: &str) -> Vec<String> {
    const OPTIONS: [&str; 6] =
        ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-d", "udp.port==40000,rtp"];
    const FIELDS: [&str; 11] = [
        "udp.srcport",
        "rtp.seq",
        "rtp.timestamp",
        "rtp.payload",
        "udp.dstport",
        "rtp.version",
        "rtp.p_type",
        "rtp.ssrc",
        "ip.checksum.status",
        "udp.checksum.status",
        "_ws.malformed",
    ];
    let filter = format!("rtp && !icmp && ip.src == {from} && ip.dst == {to}");
    let lines = capture.lines(&OPTIONS, &filter, &FIELDS);
    let cut = |line: &String| {
        let columns: Vec<&str> = line.split('\t').collect();
        let rest = &columns[5..];
        assert_eq!(rest, ["2", "8", &format!("{SSRC:#010x}"), "1", "1", ""], "{line}");
        columns[..5].join(" ")
    };
    lines.iter().map(cut).collect()
}

/// Of packets: all but their ports.
fn bare(packets: &[String]) -> Vec<&str> {
    packets
        .iter()
        .filter_map(|packet| packet.split_once(' ')?.1.rsplit_once(' '))
        .map(|(all, _)| all)
        .collect()
}

/// What came from a wire left us on the other, packet by packet, from our one port to the peer's, marked as configured.
fn crossed(captures: &[Capture; 2], from: usize, ports: std::ops::RangeInclusive<u16>) {
    let to = 1 - from;
    let said = sound(&captures[from], PEERS[from], OURS[from]);
    let heard = sound(&captures[to], OURS[to], PEERS[to]);
    let count = usize::from(SOUND[0] + SOUND[1]);
    assert_eq!(said.len(), count, "{from}: said");
    assert_eq!(bare(&said), bare(&heard), "from {from}: what left us is not what came");
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let told: Vec<&str> = bare(&heard).iter().filter_map(|packet| packet.split(' ').next()).collect();
    assert_eq!(told, numbers, "each once, in order");
    let ours: Vec<&str> = heard.iter().filter_map(|packet| packet.split(' ').next()).collect();
    let port: u16 = ours[0].parse().unwrap();
    assert!(
        ports.contains(&port) && ours.iter().all(|other| *other == ours[0]),
        "one port of ours: {ours:?}"
    );
    assert!(heard.iter().all(|packet| packet.ends_with(AUDIO)), "to the peer's port");
    let (ours, mark) = (OURS[to], MARKS[to]);
    let filter = format!("rtp && ip.src == {ours} && !(ip.dsfield.dscp == {mark} && ip.ttl == 64)");
    let unmarked =
        captures[to].lines(&["-d", "udp.port==40000,rtp"], &filter, &["ip.dsfield.dscp", "ip.ttl"]);
    assert!(unmarked.is_empty(), "{unmarked:?}");
}

fn a_whole_call(hook: &str) {
    let place = Place::new(&format!("kernel-{hook}"));
    let Some(lab) = Lab::new() else { return };
    let Some(server) = lab.serve(&place, hook) else { return };
    assert_eq!(
        relayed(&place),
        [[hook.into(), "s0".into(), Value::Null], [hook.into(), "s1".into(), Value::Null]]
    );
    let captures = [lab.capture(&place, 0), lab.capture(&place, 1)];
    let callee = lab.callee.inside(|| callee(&place));
    let caller = lab.caller.inside(|| caller(&place));
    await_engine(&place, "the kernel relays nothing", |told| number(told, "packets") > 20);
    let call = await_call(&place, |call| call.pointer("/from_caller/engine") == Some(&hook.into()));
    assert!(call.pointer("/from_caller/packets").and_then(Value::as_u64) > Some(20), "{call}");
    callee.await_received("a=inactive");
    let held = await_engine(&place, "still lent while held", |told| number(told, "directions") == 0);
    let before = number(&held, "packets");
    await_engine(&place, "nothing after the hold", |told| number(told, "packets") > before + 20);
    caller.finish();
    callee.finish();
    for (capture, n) in captures.iter().zip(0..) {
        assert!(!capture.end("sip", &["sip.Method"]).is_empty(), "signalling of {n}");
    }
    crossed(&captures, 0, 30_000..=33_999);
    crossed(&captures, 1, 20_000..=23_999);
    let record = records::await_count(&place, 1).remove(0);
    let all = u64::from(SOUND[0] + SOUND[1]);
    for direction in ["from_caller", "from_callee"] {
        let of = |key: &str| record.pointer(&format!("/media/{direction}/{key}")).and_then(Value::as_u64);
        assert_eq!((of("packets"), of("lost")), (Some(all), Some(0)), "{record}");
    }
    let relayed = number(&engine(&place), "packets");
    assert!(relayed > all / 2 && relayed <= 2 * all, "the kernel relayed {relayed} of {}", 2 * all);
    assert_eq!(server.stop(), 0);
}

#[test]
fn at_the_driver_a_whole_call_is_heard_both_ways_through_a_new_offer_and_a_hold() {
    a_whole_call("xdp");
}

#[test]
fn behind_the_driver_a_whole_call_is_heard_both_ways_through_a_new_offer_and_a_hold() {
    a_whole_call("tcx");
}

#[test]
fn a_node_that_finds_the_driver_taken_stands_behind_it_and_says_why() {
    let (first, second) = (Place::new("kernel-first"), Place::new("kernel-second"));
    let Some(lab) = Lab::new() else { return };
    let Some(_server) = lab.serve(&first, "xdp") else { return };
    let mut setup = setup(&second, "auto");
    setup.sip = (r#""udp:5070""#, r#""udp:5070""#);
    setup.rtp = ("24000-24099".into(), "34000-34099".into());
    let server = lab.server.inside(|| Server::start(&second, &setup.text()));
    let told = relayed(&second);
    let reason = told[0][2].as_str().unwrap_or_default();
    assert!(reason.starts_with("xdp: s0: ") && reason.contains("busy"), "{told:?}");
    assert_eq!((&told[0][0], &told[0][1]), (&"tcx".into(), &"s0".into()));
    assert_eq!((&told[1][0], &told[1][1]), (&"tcx".into(), &"s1".into()));
    let socket = second.path("tronco.sock").display().to_string();
    let said = String::from_utf8(tronco(&["status", "--socket", &socket]).stdout).unwrap();
    assert!(said.contains("tcx on s0") && said.contains("inside: not at the driver (xdp: s0: "), "{said}");
    assert_eq!(server.stop(), 0);
}

/// A phone whose port changes while the kernel relays it, and changes back: on default settings it is followed each time.
fn moves(hook: &str) {
    let place = Place::new(&format!("kernel-moves-{hook}"));
    let Some(lab) = Lab::new() else { return };
    let Some(server) = lab.serve(&place, hook) else { return };
    let phone = |host: &Host, n: usize| host.inside(|| Phone::at(PEERS[n], &format!("{}:5060", OURS[n])));
    let (caller, callee) = (phone(&lab.caller, 0), phone(&lab.callee, 1));
    let (a, b) = call(&caller, &callee, WORLD, EXTENSION, "moves");
    let mut pair =
        Moving { caller: (&caller, a), callee: (&callee, b), keys: None, sequence: 0, said_from: 1 };
    let moved = lab.caller.inside(|| UdpSocket::bind((PEERS[0], 41_000))).unwrap();
    for from in [&caller.rtp, &moved] {
        if pair.sequence > 0 {
            pair.moves_to(from);
        }
        let lent = await_some(|| {
            (0..10).for_each(|_| pair.talk(from));
            (number(&engine(&place), "directions") == 2).then_some(())
        });
        assert!(lent.is_some(), "the kernel does not relay: {}", engine(&place));
    }
    pair.moves_to(&caller.rtp);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_phone_whose_port_changes_while_the_kernel_relays_it_is_followed_within_a_second() {
    moves("xdp");
    moves("tcx");
}
