//! Attacks on the media of a call: strangers who begin before it, packets that are none, forged and old ones. Nothing of
//! theirs arrives, nothing of the call goes to them, and the call does not notice.

use conformance::attacker::{Broken, FOREIGN, FOREIGN_SOURCE, Stranger, ports};
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::keyed::{INLINE, Keyed};
use conformance::openssl::Identity;
use conformance::phone::{Dialog, Phone, call, rtp_packet};
use conformance::stun::Check;
use conformance::{Place, Server, records};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
const SECURED: &str = "override = { srtp = \"required\" }\n";

/// What both sides say, and under which source.
const OURS: (u32, u8) = (0x1111, 0xA5);
const THEIRS: (u32, u8) = (0x2222, 0x5A);

/// A call of a phone, plain or with keys, with a plain one; the ports that it may use are few.
struct Scene {
    place: Place,
    server: Server,
    pbx: Phone,
    itsp: Phone,
    sides: Option<(Dialog, Dialog)>,
    keys: Option<(Keyed, Option<Keyed>)>,
    sequence: u16,
    /// What else has come to the other phone.
    foreign: usize,
}

impl Scene {
    fn new(name: &str, rules: &str) -> Scene {
        let place = Place::new(name);
        let mut setup = Setup::new(&place);
        setup.rtp = ("20000-20007".into(), "30000-30007".into());
        setup.pbx_more = rules.into();
        let server = Server::start(&place, &setup.text());
        let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
        let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
        let keys = rules.contains("\"required\" }").then(|| (Keyed::example(), None));
        if keys.is_some() {
            pbx.more = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}\r\n");
        }
        Scene { place, server, pbx, itsp, sides: None, keys, sequence: 0, foreign: 0 }
    }

    fn calls(mut self, mark: &str) -> Scene {
        let (a, b) = call(&self.pbx, &self.itsp, WORLD, DID, mark);
        if let Some((_, theirs)) = &mut self.keys {
            *theirs = Some(Keyed::told(&a.description));
        }
        self.sides = Some((a, b));
        self
    }

    /// A call of a phone whose agent proves where both its ports are (ICE).
    fn calls_with_checks(mut self, mark: &str) -> Scene {
        let candidate = format!("a=candidate:1 1 UDP 2130706431 {} 40000 typ host", self.place.ip(PBX));
        self.pbx.more = format!("a=ice-ufrag:peer\r\na=ice-pwd:apasswordofthephones22\r\n{candidate}\r\n");
        let scene = self.calls(mark);
        let (a, _) = scene.sides.as_ref().expect("a call");
        let line =
            |start: &str| a.description.lines().find_map(|line| line.strip_prefix(start)).expect("a line");
        let check = Check {
            username: format!("{}:peer", line("a=ice-ufrag:")),
            password: line("a=ice-pwd:").into(),
            nominates: true,
            more: None,
            transaction: *b"of the phone",
        };
        let control = UdpSocket::bind((scene.place.ip(PBX), 40_001)).expect("a socket");
        control.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
        for (socket, port) in [(&scene.pbx.rtp, a.relay.port()), (&control, a.relay.port() + 1)] {
            socket.send_to(&check.bytes(), (a.relay.ip(), port)).expect("a check sent");
            let mut buffer = [0; 1500];
            let length = socket.recv(&mut buffer).expect("an answer");
            assert_eq!(check.read(&buffer[..length]), Ok(socket.local_addr().expect("bound")));
        }
        scene
    }

    /// A call of a phone that shakes hands on both its ports.
    fn calls_with_handshakes(mut self, mark: &str) -> Scene {
        let own_place = Place::new("identity");
        let identity = Identity::new(&own_place, "phone");
        let described = self.pbx.description().replace("RTP/AVP", "UDP/TLS/RTP/SAVP");
        let proof = format!("a=setup:active\r\na=fingerprint:sha-256 {}\r\n", identity.fingerprint());
        self.pbx.described = Some(described + &proof);
        let (a, b) = call(&self.pbx, &self.itsp, WORLD, DID, mark);
        // The port is lent to OpenSSL.
        let ip = self.place.ip(PBX);
        self.pbx.rtp = UdpSocket::bind((ip.as_str(), 0)).expect("another port");
        let shakes = |own: u16, port: u16| {
            identity.shakes(&format!("{ip}:{own}"), &format!("{}:{port}", a.relay.ip()))
        };
        let (mine, theirs) = Keyed::shaken(&shakes(40_000, a.relay.port()));
        let _ = Keyed::shaken(&shakes(40_001, a.relay.port() + 1));
        self.pbx.rtp = UdpSocket::bind((ip.as_str(), 40_000)).expect("the port");
        self.pbx.rtp.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
        (self.keys, self.sides) = (Some((mine, Some(theirs))), Some((a, b)));
        self
    }

    /// Strangers, at an address of their own and at that of the phone, who speak into every port.
    fn strangers(&self) -> Vec<Stranger> {
        let targets = || ports(&self.place, &[(INSIDE, 20_000..20_008), (OUTSIDE, 30_000..30_008)]);
        let places = [(66, 40_000), (PBX, 40_002), (ITSP, 40_002)];
        places.map(|(host, port)| Stranger::speaking((&self.place.ip(host), port), targets())).into()
    }

    fn relays(&self) -> (SocketAddr, SocketAddr) {
        let (a, b) = self.sides.as_ref().expect("a call");
        (a.relay, b.relay)
    }

    /// The next packet of the phone, as it goes on the wire.
    fn packet(&mut self) -> Vec<u8> {
        self.sequence += 1;
        let clear = rtp_packet(OURS.0, self.sequence, OURS.1);
        self.keys.as_ref().map_or(clear.clone(), |(keys, _)| keys.protect(0, &clear))
    }

    /// Each side says something from these sockets, and the other hears it, whatever else comes.
    fn talk_from(&mut self, socket: &UdpSocket) {
        let (a, b) = self.relays();
        let packet = self.packet();
        socket.send_to(&packet, a).expect("a packet sent");
        self.heard();
        self.itsp.send_rtp(b, THEIRS.0, self.sequence, THEIRS.1);
        let wanted = rtp_packet(THEIRS.0, self.sequence, THEIRS.1);
        let mut buffer = [0; 65_536];
        loop {
            let (length, _) = socket.recv_from(&mut buffer).expect("what the other side said");
            let packet = &buffer[..length];
            let opened = self.keys.as_ref().and_then(|(_, theirs)| theirs.as_ref()?.open(0, packet));
            if opened.as_deref().unwrap_or(packet)[1..] == wanted[1..] {
                return;
            }
            assert!(packet.get(8..12) != Some(&FOREIGN_SOURCE.to_be_bytes()), "a stranger is heard");
        }
    }

    /// Waits for what the phone said last; other packets are counted.
    fn heard(&mut self) {
        let wanted = rtp_packet(OURS.0, self.sequence, OURS.1);
        while self.itsp.receive_rtp().0[1..] != wanted[1..] {
            self.foreign += 1;
        }
    }

    fn talk(&mut self, times: usize) {
        let socket = self.pbx.rtp.try_clone().expect("the phone's socket");
        (0..times).for_each(|_| self.talk_from(&socket));
    }

    /// Ends the call and the server; the call's record.
    fn ends(self) -> serde_json::Value {
        let (a, _) = self.sides.as_ref().expect("a call");
        self.pbx.hang_up(a, &self.itsp);
        let record = records::await_count(&self.place, 1).remove(0);
        assert_eq!(records::word(&record, "released_by"), "caller", "{record}");
        assert_eq!(self.server.stop(), 0);
        record
    }
}

fn dropped(record: &serde_json::Value) -> u64 {
    record.pointer("/media/from_caller/dropped").and_then(serde_json::Value::as_u64).expect("a count")
}

/// Strangers speak for half a second before the call and all along it, on default settings.
fn strangers_first(name: &str, rules: &str) {
    let scene = Scene::new(name, rules);
    let strangers = scene.strangers();
    strangers.iter().for_each(Stranger::has_begun);
    let mut scene = scene.calls(name);
    scene.talk(250);
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    let left = scene.itsp.drain_rtp();
    assert_eq!(scene.foreign + left.len(), 0, "packets of strangers came through");
    scene.ends();
}

#[test]
fn strangers_who_begin_before_the_call_neither_speak_nor_hear() {
    strangers_first("strangers", "");
}

#[test]
fn strangers_who_begin_before_a_secured_call_neither_speak_nor_hear() {
    strangers_first("strangers-srtp", SECURED);
}

/// The phone's address changes behind its NAT while strangers speak: its stream is followed within a second.
fn rebinds(name: &str, rules: &str, host: u8) {
    let mut scene = Scene::new(name, rules).calls(name);
    scene.talk(50);
    let strangers = scene.strangers();
    strangers.iter().for_each(Stranger::has_begun);
    scene.talk(50);
    let moved = UdpSocket::bind((scene.place.ip(host), 41_000)).expect("another address");
    let (relay, _) = scene.relays();
    scene.itsp.rtp.set_read_timeout(Some(Duration::from_millis(20))).expect("a read timeout");
    let (begun, mut buffer) = (Instant::now(), [0; 2048]);
    loop {
        let packet = scene.packet();
        moved.send_to(&packet, relay).expect("a packet sent");
        if let Ok((length, _)) = scene.itsp.rtp.recv_from(&mut buffer) {
            let wanted = rtp_packet(OURS.0, scene.sequence, OURS.1);
            assert_eq!(buffer[1..length], wanted[1..], "what the phone sent just now");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "not followed within a second");
    }
    scene.itsp.rtp.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
    moved.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
    (0..100).for_each(|_| scene.talk_from(&moved));
    assert_eq!(strangers.into_iter().map(Stranger::ends).sum::<usize>(), 0, "strangers hear the call");
    assert_eq!(scene.foreign, 0, "packets of strangers came through");
    scene.ends();
}

#[test]
fn a_phone_whose_port_changes_is_followed_within_a_second() {
    rebinds("rebind", "override = { latch = \"signalled\" }\n", PBX);
    rebinds("rebind-srtp", "override = { latch = \"signalled\", srtp = \"required\" }\n", PBX);
}

#[test]
fn a_phone_whose_address_changes_is_followed_within_a_second() {
    rebinds("rebind-nat", "override = { latch = \"nat\" }\n", 11);
    rebinds("rebind-nat-srtp", "override = { latch = \"nat\", srtp = \"required\" }\n", 11);
}

/// Broken packets at the four ports of a call, from the phone's own sockets, from others at its address and from
/// elsewhere, `per_word` for each word that the phones exchange: no word is lost.
fn storm(mut scene: Scene, packets: usize) -> Scene {
    const AT_ONCE: usize = 10;
    let (a, b) = scene.relays();
    let control = |relay: SocketAddr| SocketAddr::new(relay.ip(), relay.port() + 1);
    let bind = |host: u8, port: u16| UdpSocket::bind((scene.place.ip(host), port)).expect("a socket");
    let own =
        [scene.pbx.rtp.try_clone().expect("the phone's"), scene.itsp.rtp.try_clone().expect("the phone's")];
    let sockets = [bind(PBX, 40_001), bind(ITSP, 40_001), bind(PBX, 40_004), bind(66, 40_000)];
    let [mine, theirs] = &own;
    let [my_control, their_control, near, far] = &sockets;
    let ways = [(mine, a), (theirs, b), (my_control, control(a)), (their_control, control(b))];
    let foreign = [near, far].into_iter().flat_map(|socket| [(socket, a), (socket, control(a)), (socket, b)]);
    let ways: Vec<_> = ways.into_iter().chain(foreign).collect();
    let mut broken = Broken::new(0x5EED);
    for _ in 0..packets / (AT_ONCE * ways.len()) {
        for packet in broken.by_ref().take(AT_ONCE) {
            for (socket, target) in &ways {
                // The operating system refuses those of strangers: their sockets are told, later.
                let _ = socket.send_to(&packet, target);
            }
        }
        scene.talk(1);
    }
    scene
}

/// How many packets a storm has: 20,000, or as `TRONCO_STORM` says.
fn storm_size() -> usize {
    std::env::var("TRONCO_STORM").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_no_word() {
    let scene = storm(Scene::new("storm", "").calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_latched_call_no_word() {
    let scene =
        storm(Scene::new("storm-nat", "override = { latch = \"nat\" }\n").calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_secured_call_no_word() {
    let scene = storm(Scene::new("storm-srtp", SECURED).calls("storm"), storm_size());
    scene.ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_with_ice_no_word() {
    let scene = Scene::new("storm-ice", "override = { ice = \"lite\" }\n").calls_with_checks("storm");
    storm(scene, storm_size()).ends();
}

#[test]
fn a_storm_of_broken_packets_costs_a_call_with_handshakes_no_word() {
    let rules = "override = { srtp = \"required\", srtp_keys = [\"dtls\"], srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"] }\n";
    storm(Scene::new("storm-dtls", rules).calls_with_handshakes("storm"), storm_size()).ends();
}

#[test]
fn forged_and_replayed_packets_are_not_relayed_and_end_no_call() {
    let mut scene = Scene::new("forged", SECURED).calls("forged");
    scene.talk(10);
    let (relay, _) = scene.relays();
    let (mut forged, mut replayed) = (0, 0);
    for _ in 0..storm_size() / 40 {
        let before = scene.sequence;
        let old = {
            let (keys, _) = scene.keys.as_ref().expect("keys");
            keys.protect(0, &rtp_packet(OURS.0, before, OURS.1))
        };
        for n in 0..20_u16 {
            let mut packet = rtp_packet(OURS.0, before + 1 + n % 5, FOREIGN);
            packet.extend([n as u8; 10]);
            scene.pbx.rtp.send_to(&packet, relay).expect("a packet sent");
            scene.pbx.rtp.send_to(&old, relay).expect("a packet sent");
            (forged, replayed) = (forged + 1, replayed + 1);
        }
        scene.talk(1);
    }
    assert_eq!(scene.foreign, 0, "a forged or old packet was relayed");
    assert_eq!(dropped(&scene.ends()), forged + replayed);
}
