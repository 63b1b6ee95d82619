//! A whole call whose packets the process must touch, brought to it and taken from it in memory that it shares with the
//! kernel (AF_XDP): baresip on two hosts, one with SRTP and G.722 and the other plain with G.711, the server on a third
//! host between them, and `tshark` on both wires. Needs the right to make hosts and to load programs into the kernel;
//! where the system refuses, that is said, and `TRONCO_KERNEL_TIER=1` makes it a failure.

#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::Setup;
use conformance::control::{ask, await_call};
use conformance::keyed::{INLINE, Keyed};
use conformance::lab::Host;
use conformance::likeness::judge;
use conformance::moving::Moving;
use conformance::phone::{Phone, call};
use conformance::server::{Server, tronco};
use conformance::{Place, audio, await_some, records};
use serde_json::Value;
use std::net::UdpSocket;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// Net by net: the peer, and the server towards it.
const PEERS: [&str; 2] = ["10.92.1.2", "10.92.2.2"];
const OURS: [&str; 2] = ["10.92.1.1", "10.92.2.1"];
const NETS: [&str; 2] = ["10.92.1.0/24", "10.92.2.0/24"];
const DEVICES: [&str; 2] = ["a0", "b0"];
/// How media leave us towards each.
const MARKS: [&str; 2] = ["34", "10"];

fn skip(reason: &str) {
    let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
    assert!(!declared, "the kernel's engine is declared to work here: {reason}");
    println!("skipped, the kernel's engine cannot be had by this user: {reason}");
}

/// The hosts of the caller, the server and the callee.
fn hosts() -> Option<[Host; 3]> {
    let host = || Host::new().map_err(|reason| skip(&format!("no host can be made: {reason}"))).ok();
    let hosts = [host()?, host()?, host()?];
    for (n, device) in [(0, "s0"), (1, "s1")] {
        let [peer, ours] = [PEERS, OURS].map(|addresses| format!("{}/24", addresses[n]));
        hosts[2 * n].wire((DEVICES[n], &peer), &hosts[1], (device, &ours));
    }
    Some(hosts)
}

fn serve(place: &Place, host: &Host) -> Option<Server> {
    serve_as(place, host, ["srtp = \"required\", codecs = [\"G722\"]", "srtp = \"off\", codecs = [\"PCMA\"]"])
}

/// The same with what each trunk says.
fn serve_as(place: &Place, host: &Host, [pbx, itsp]: [&str; 2]) -> Option<Server> {
    let mut setup = Setup::new(place);
    setup.address = (OURS[0].into(), OURS[1].into());
    setup.pbx = vec![format!("{}:5060", PEERS[0])];
    setup.itsp = vec![format!("{}:5060", PEERS[1])];
    setup.pbx_more = format!("override = {{ {pbx} }}\n");
    setup.itsp_more = format!("override = {{ {itsp} }}\n");
    let [near, far] = MARKS.map(|mark| format!("dscp_media = {mark}\n"));
    setup.listen_more = (near, far);
    setup.more = "[media]\nfast_path = \"xdp\"\ntouched_path = \"required\"\n".into();
    let server = host.inside(|| Server::launch(place, &setup.text()));
    let told = await_some(|| {
        let ready = server.process().lines().iter().any(|line| line.contains("ready"));
        (ready || !server.process().runs()).then_some(ready)
    });
    if told == Some(true) {
        return Some(server);
    }
    let said = server.process().tail();
    assert!(said.contains("Operation not permitted"), "no privilege is wanting, and yet: {said}");
    skip(&said);
    None
}

fn touched(place: &Place) -> Value {
    let socket = place.path("tronco.sock").display().to_string();
    let told = tronco(&["status", "--json", "--socket", &socket]);
    let status: Value = serde_json::from_slice(&told.stdout).unwrap();
    status.pointer("/media/touched_path").unwrap_or_else(|| panic!("{status}")).clone()
}

fn number(told: &Value, key: &str) -> u64 {
    told.get(key).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {key}: {told}"))
}

/// What left us on a wire is whole: sums, marks and hops, one port of ours, and each number of one source once, in order.
fn left_whole(capture: &Capture, n: usize, payload_type: &str) {
    const OPTIONS: [&str; 6] =
        ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "rtp.heuristic_rtp:TRUE"];
    const FIELDS: [&str; 9] = [
        "rtp.seq",
        "udp.srcport",
        "rtp.ssrc",
        "rtp.p_type",
        "ip.checksum.status",
        "udp.checksum.status",
        "ip.dsfield.dscp",
        "ip.ttl",
        "_ws.malformed",
    ];
    let filter = format!("rtp && !icmp && ip.src == {} && ip.dst == {}", OURS[n], PEERS[n]);
    let lines = capture.lines(&OPTIONS, &filter, &FIELDS);
    assert!(lines.len() > 150, "{n}: {}", lines.len());
    let first: Vec<&str> = lines[0].split('\t').collect();
    let mut expected: u16 = first[0].parse().unwrap();
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!(columns[0], expected.to_string(), "{n}: {line}");
        assert_eq!(columns[1..3], first[1..3], "{n}: one port and one source: {line}");
        assert_eq!(columns[3..], [payload_type, "1", "1", MARKS[n], "64", ""], "{n}: {line}");
        expected = expected.wrapping_add(1);
    }
}

/// A call between the two, one protected and in G.722, the other plain and in G.711.
fn talk(place: &Place, near: &Host, far: &Host) -> (Baresip, Baresip) {
    let voice = |codec, voice| Voice { codec, ptime: 20, says: audio::speech(voice, 20) };
    let account = |number: &str, n: usize| format!("<sip:{number}@{}>;regint=0", PEERS[n]);
    let (theirs, ours) = (account(WORLD, 1), format!("{};mediaenc=srtp-mand", account(DID, 0)));
    let callee = far.inside(|| Baresip::at(place, (WORLD, PEERS[1]), &voice("PCMA", 1), &theirs, None));
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}:5060", OURS[0]);
    let caller = near.inside(|| Baresip::at(place, (DID, PEERS[0]), &voice("G722", 2), &ours, Some(&uri)));
    (caller, callee)
}

fn until_brought(place: &Place) -> Value {
    let told = await_some(|| Some(touched(place)).filter(|told| number(told, "received") > 200));
    told.unwrap_or_else(|| panic!("nothing is brought: {}", touched(place)))
}

#[test]
fn a_secured_and_transcoded_call_comes_and_leaves_in_shared_memory_and_is_heard_both_ways() {
    let place = Place::new("touched");
    let Some([near, middle, far]) = hosts() else { return };
    let Some(server) = serve(&place, &middle) else { return };
    let captures = [(&near, 0), (&far, 1)]
        .map(|(host, n)| host.inside(|| Capture::at(&place, DEVICES[n], NETS[n], [PEERS[n], OURS[n]])));
    let (caller, callee) = talk(&place, &near, &far);
    let told = until_brought(&place);
    assert_eq!(number(&told, "directions"), 2, "{told}");
    let queue = &told["workers"][0]["queues"][0];
    assert_eq!((&queue["device"], &queue["mode"]), (&"s0".into(), &"copy".into()), "{told}");
    judge(&caller, &callee, 0.85);
    let call = await_call(&place, |call| call.get("from_callee").is_some());
    for side in ["from_caller", "from_callee"] {
        assert_eq!(call[side]["engine"], "af_xdp", "{call}");
    }
    end(&place, &call);
    drop((caller, callee));
    let told = touched(&place);
    for key in ["directions", "unsound", "lost", "full"] {
        assert_eq!(number(&told, key), 0, "{key}: {told}");
    }
    assert!(number(&told, "sent") > 200, "{told}");
    for (capture, n) in captures.iter().zip(0..) {
        assert!(!capture.end("sip", &["sip.Method"]).is_empty(), "signalling of {n}");
    }
    left_whole(&captures[0], 0, "9");
    left_whole(&captures[1], 1, "8");
    assert_eq!(server.stop(), 0);
}

/// Ends the call; nothing of it was lost.
fn end(place: &Place, call: &Value) {
    let path = format!("/v1/calls/{}", records::word(call, "key"));
    assert!(ask(place, "DELETE", &path).0.starts_with("HTTP/1.1 202"), "{call}");
    let record = records::await_count(place, 1).remove(0);
    for direction in ["from_caller", "from_callee"] {
        let of = |key: &str| record.pointer(&format!("/media/{direction}/{key}")).and_then(Value::as_u64);
        assert!(of("packets") > Some(150) && of("lost") == Some(0), "{record}");
    }
}

#[test]
fn a_server_that_is_killed_during_a_call_leaves_devices_queues_and_ports_to_the_next_one() {
    let place = Place::new("touched-killed");
    let Some([near, middle, far]) = hosts() else { return };
    let Some(server) = serve(&place, &middle) else { return };
    let peers = talk(&place, &near, &far);
    until_brought(&place);
    assert!(middle.run("ip link show s0").contains("xdp"));
    server.kill();
    // At once: the kernel frees the queues a moment after the end of who had them.
    let next = Place::new("touched-next");
    let Some(server) = serve(&next, &middle) else { panic!("the next one has nothing of it") };
    drop(peers);
    let told = touched(&next);
    assert_eq!((&told["devices"]["s0"], &told["devices"]["s1"]), (&1.into(), &1.into()), "{told}");
    let (caller, callee) = talk(&next, &near, &far);
    until_brought(&next);
    judge(&caller, &callee, 0.85);
    end(&next, &await_call(&next, |call| call.get("from_callee").is_some()));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_secured_phone_whose_address_changes_while_it_comes_in_shared_memory_is_followed_within_a_second() {
    let place = Place::new("touched-moves");
    let Some([near, middle, far]) = hosts() else { return };
    let Some(server) = serve_as(&place, &middle, ["srtp = \"required\"", "srtp = \"off\""]) else { return };
    near.run(&format!("ip address add 10.92.1.3/24 dev {}", DEVICES[0]));
    let phone = |host: &Host, n: usize| host.inside(|| Phone::at(PEERS[n], &format!("{}:5060", OURS[n])));
    let (mut caller, callee) = (phone(&near, 0), phone(&far, 1));
    caller.more = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}\r\n");
    let (a, b) = call(&caller, &callee, WORLD, DID, "moves");
    let keys = Some((Keyed::example(), Keyed::told(&a.description)));
    let mut pair = Moving { caller: (&caller, a), callee: (&callee, b), keys, sequence: 0, said_from: 1 };
    let moved = near.inside(|| UdpSocket::bind(("10.92.1.3", 41_000))).unwrap();
    for from in [&caller.rtp, &moved] {
        if pair.sequence > 0 {
            pair.moves_to(from);
        }
        let lent = await_some(|| {
            (0..10).for_each(|_| pair.talk(from));
            (number(&touched(&place), "directions") == 2).then_some(())
        });
        assert!(lent.is_some(), "nothing is brought: {}", touched(&place));
    }
    pair.moves_to(&caller.rtp);
    assert_eq!(server.stop(), 0);
}
