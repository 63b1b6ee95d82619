//! The handshakes of a session: with the peer that signalling names, whoever else tries.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use base::Time;
use dtls::{Associations, Certificate, Desk, Shake};
use media::{
    Component, Datagram, DropReason, Dtls, Fingerprint, Hash, Keys, Latch, Remote, Reply, Session, SessionId,
    Side, Spot, Srtp, Verdict,
};
use srtp::{Opener, Protector, Suite};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const RTP: Spot = Spot { side: Side::A, stream: 0, component: Component::Rtp };

fn peer() -> SocketAddr {
    ([192, 0, 2, 7], 4000).into()
}

fn stranger() -> SocketAddr {
    ([198, 51, 100, 9], 9000).into()
}

fn other_side() -> SocketAddr {
    ([203, 0, 113, 5], 6000).into()
}

fn named(certificate: &Certificate) -> Vec<Fingerprint> {
    vec![Fingerprint { hash: Hash::Sha256, digest: (*certificate.fingerprint()).into() }]
}

/// A session whose side A is to be secured by a handshake, side B plain.
struct Room {
    now: Time,
    own: Arc<Certificate>,
    theirs: Arc<Certificate>,
    session: Session,
    desk: Desk,
    all: Associations,
    out: Vec<(Spot, SocketAddr, Vec<u8>)>,
}

impl Room {
    fn new(client: bool, latch: Latch) -> Room {
        let (own, theirs) = (Arc::new(Certificate::make().unwrap()), Arc::new(Certificate::make().unwrap()));
        let (session, desk) = (Session::new(SessionId(1), Time::ZERO, 1), Desk::new(own.clone()).unwrap());
        let mut room = Room {
            now: Time::ZERO,
            own,
            theirs,
            session,
            desk,
            all: Associations::default(),
            out: Vec::new(),
        };
        room.session.set(Time::ZERO, Side::B, 0, Remote::audio(other_side()));
        room.describe(client, latch, "first", true);
        room
    }

    fn describe(&mut self, client: bool, latch: Latch, association: &str, answered: bool) {
        let terms = Dtls {
            client,
            open: false,
            fingerprints: named(&self.theirs),
            association: association.into(),
            suites: vec![Suite::AesCm128Sha1_80],
            answered,
        };
        let srtp = Srtp::Dtls(Box::new(terms));
        self.session.set(self.now, Side::A, 0, Remote { srtp, latch, ..Remote::audio(peer()) });
        let out = &mut self.out;
        let mut send = |spot, to, bytes: &[u8]| out.push((spot, to, bytes.to_vec()));
        self.all.follow(self.now, &mut self.session, &mut self.desk, &mut send);
    }

    /// A datagram comes to side A's port: what the session makes of it; handshakes go their way.
    fn hear(&mut self, source: SocketAddr, bytes: &[u8]) -> Verdict {
        let mut buffer = [bytes, &[0; 64]].concat();
        let packet = Datagram { buffer: &mut buffer, length: bytes.len() };
        let verdict = self.session.on_packet(self.now, Side::A, 0, Component::Rtp, source, packet);
        if verdict == Verdict::Handshake {
            let out = &mut self.out;
            let mut send = |spot, to, bytes: &[u8]| out.push((spot, to, bytes.to_vec()));
            let house = (&mut self.session, &mut self.desk);
            self.all.receive(self.now, (RTP, source), bytes, house, &mut send);
        }
        verdict
    }

    /// What was sent from the RTP port to an address.
    fn sent_to(&mut self, to: SocketAddr) -> Vec<Vec<u8>> {
        let (taken, left) =
            std::mem::take(&mut self.out).into_iter().partition(|(spot, at, _)| *spot == RTP && *at == to);
        self.out = left;
        taken.into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.session.on_tick(self.now);
        let out = &mut self.out;
        let mut send = |spot, to, bytes: &[u8]| out.push((spot, to, bytes.to_vec()));
        self.all.on_tick(self.now, &mut self.session, &mut self.desk, &mut send);
    }

    /// Somebody else's client with this certificate.
    fn client(&self, certificate: &Arc<Certificate>) -> Shake {
        let suites = vec![Suite::AesCm128Sha1_80];
        let terms = Dtls {
            client: true,
            open: false,
            fingerprints: named(&self.own),
            association: "x".into(),
            suites,
            answered: true,
        };
        Shake::client(self.now, certificate.clone(), terms).unwrap()
    }

    /// Lets such a client and the session speak until it has ended or nothing more is said.
    fn meet(&mut self, source: SocketAddr, shake: &mut Shake) -> Option<Keys> {
        for _ in 0..20 {
            while let Some(datagram) = shake.poll() {
                self.hear(source, &datagram);
            }
            for datagram in self.sent_to(source) {
                shake.receive(self.now, &datagram);
            }
        }
        shake.ended().and_then(|ended| ended.clone().ok())
    }

    fn drops(&self) -> u32 {
        self.session.report(self.now).a[0].dropped.of(DropReason::Dtls)
    }

    /// Whether a packet of the peer's, protected with these keys, is relayed in clear.
    fn relays(&mut self, keys: &Keys, source: SocketAddr) -> bool {
        let packet = [&[0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xD5; 160]].concat();
        let mut buffer = [&packet[..], &[0; 64]].concat();
        let length = Protector::new(keys.send.clone()).rtp(&mut buffer, packet.len()).unwrap();
        let verdict = self.hear(source, &buffer[..length]);
        matches!(verdict, Verdict::Relay { to, .. } if to == other_side())
    }
}

#[test]
fn the_peer_that_begins_agrees_and_its_media_pass_both_ways() {
    let mut room = Room::new(false, Latch::Off);
    let early = [0x80; 172];
    assert_eq!(room.hear(peer(), &early), Verdict::Drop(DropReason::SrtpKey), "media before keys");
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert!(room.relays(&keys, peer()));
    // The other way.
    let packet = [&[0x80, 8, 0, 1, 0, 0, 0, 160, 9, 9, 9, 9][..], &[0xD5; 160]].concat();
    let mut buffer = [&packet[..], &[0; 64]].concat();
    let datagram = Datagram { buffer: &mut buffer, length: packet.len() };
    let verdict = room.session.on_packet(room.now, Side::B, 0, Component::Rtp, other_side(), datagram);
    let Verdict::Relay { to, length, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!((to, length), (peer(), packet.len() + 10));
    let opened = Opener::new(keys.receive).rtp(&mut buffer[..length]).unwrap();
    assert_eq!(buffer[..opened], packet);
    assert_eq!(room.drops(), 0);
}

/// A datagram with one message, as two with a half each.
fn halved(datagram: &[u8], at: usize) -> [Vec<u8>; 2] {
    let (header, message) = datagram.split_at(13);
    let (head, body) = message.split_at(12);
    let half = |number: u8, offset: usize, bytes: &[u8]| {
        let three = |value: usize| [0, (value >> 8) as u8, value as u8];
        let fragment = [&head[..6], &three(offset), &three(bytes.len()), bytes].concat();
        let mut out = header.to_vec();
        out[10] = header[10] * 2 + number;
        out[11..13].copy_from_slice(&(fragment.len() as u16).to_be_bytes());
        [out, fragment].concat()
    };
    [half(0, 0, &body[..at]), half(1, at, &body[at..])]
}

#[test]
fn a_peer_whose_hello_comes_in_pieces_agrees() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let [first, second] = halved(&shake.poll().unwrap(), 60);
    room.hear(peer(), &second);
    assert!(room.sent_to(peer()).is_empty(), "a piece without cookie is nobody's");
    room.hear(peer(), &first);
    let asked = room.sent_to(peer());
    assert!(asked.len() == 1 && asked[0].len() <= first.len(), "no more than came");
    shake.receive(room.now, &asked[0]);
    let [first, second] = halved(&shake.poll().unwrap(), 90);
    for piece in [&first, &first, &second] {
        assert!(room.sent_to(peer()).is_empty());
        assert_eq!(room.hear(peer(), piece), Verdict::Handshake);
    }
    for datagram in room.sent_to(peer()) {
        shake.receive(room.now, &datagram);
    }
    let keys = room.meet(peer(), &mut shake).unwrap();
    assert!(room.relays(&keys, peer()));
    assert_eq!(room.drops(), 1, "the piece without cookie");
}

#[test]
fn a_hello_in_pieces_with_the_last_number_that_there_is_begins_nothing() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    room.hear(peer(), &shake.poll().unwrap());
    let asked = room.sent_to(peer());
    shake.receive(room.now, &asked[0]);
    let hello = shake.poll().unwrap();
    let last = |mut datagram: Vec<u8>| {
        // The number of the message stands behind its type and length.
        datagram[17..19].copy_from_slice(&u16::MAX.to_be_bytes());
        datagram
    };
    for piece in halved(&hello, 90) {
        room.hear(peer(), &last(piece));
    }
    assert!(room.sent_to(peer()).is_empty());
    assert_eq!(room.drops(), 2, "both pieces are nobody's");
    room.hear(peer(), &hello);
    for datagram in room.sent_to(peer()) {
        shake.receive(room.now, &datagram);
    }
    assert!(room.meet(peer(), &mut shake).is_some(), "the peer itself agrees all the same");
}

#[test]
fn we_begin_where_that_is_our_part() {
    let mut room = Room::new(true, Latch::Off);
    let suites = vec![Suite::AesCm128Sha1_80];
    let terms = Dtls {
        client: false,
        open: false,
        fingerprints: named(&room.own),
        association: "x".into(),
        suites,
        answered: true,
    };
    let hello = room.sent_to(peer()).remove(0);
    let mut server = Shake::server(room.now, room.theirs.clone(), terms, &hello).unwrap();
    for _ in 0..10 {
        while let Some(datagram) = server.poll() {
            room.hear(peer(), &datagram);
        }
        for datagram in room.sent_to(peer()) {
            server.receive(room.now, &datagram);
        }
    }
    let keys = server.ended().unwrap().clone().unwrap();
    assert!(room.relays(&keys, peer()));
}

#[test]
fn a_strangers_handshake_is_not_heard_where_only_the_peer_may_speak() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let hello = shake.poll().unwrap();
    assert_eq!(room.hear(stranger(), &hello), Verdict::Drop(DropReason::ForeignSource));
    assert!(room.sent_to(stranger()).is_empty());
}

#[test]
fn a_stranger_who_comes_first_gets_no_keys_and_the_peer_gets_its_own() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut first = room.client(&forged);
    assert!(room.meet(stranger(), &mut first).is_none());
    assert_eq!(room.drops(), 1, "it is counted");
    // One that has begun and does not go on stands in nobody's way.
    let mut second = room.client(&forged);
    for _ in 0..2 {
        let hello = second.poll().unwrap();
        room.hear(stranger(), &hello);
        for reply in room.sent_to(stranger()) {
            second.receive(room.now, &reply);
        }
    }
    room.pass(60);
    let theirs = room.theirs.clone();
    let behind_nat = SocketAddr::from(([192, 0, 2, 200], 1234));
    let mut genuine = room.client(&theirs);
    let keys = room.meet(behind_nat, &mut genuine).unwrap();
    assert!(room.relays(&keys, behind_nat));
    assert_eq!(
        room.session.report(room.now).a[0].source,
        Some(behind_nat),
        "who has proved itself is latched to"
    );
    // Afterwards, too.
    room.pass(60);
    let mut late = room.client(&forged);
    assert!(room.meet(stranger(), &mut late).is_none());
    room.pass(60);
    assert_eq!(room.session.report(room.now).a[0].source, Some(behind_nat));
}

#[test]
fn a_flood_of_hellos_is_bounded_and_the_peer_still_agrees() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut refused = 0;
    for n in 0..200_u16 {
        let source = SocketAddr::from(([198, 51, 100, 9], 10_000 + n));
        let mut shake = room.client(&forged);
        let hello = shake.poll().unwrap();
        room.hear(source, &hello);
        let asked = room.sent_to(source).remove(0);
        shake.receive(room.now, &asked);
        let again = shake.poll().unwrap();
        room.hear(source, &again);
        refused += usize::from(room.sent_to(source).is_empty());
    }
    assert_eq!(refused, 199, "one handshake at a moment");
    assert_eq!(room.drops(), 199);
    room.pass(60);
    let theirs = room.theirs.clone();
    let mut genuine = room.client(&theirs);
    let keys = room.meet(peer(), &mut genuine).unwrap();
    assert!(room.relays(&keys, peer()));
}

#[test]
fn an_answered_call_without_keys_is_told_once_and_why() {
    let mut room = Room::new(false, Latch::Nat);
    let forged = Arc::new(Certificate::make().unwrap());
    let mut shake = room.client(&forged);
    room.meet(stranger(), &mut shake);
    for _ in 0..100 {
        room.pass(200);
    }
    let told: Vec<Reply> = std::iter::from_fn(|| room.session.poll_reply()).collect();
    let why: Vec<&str> = told
        .iter()
        .filter_map(|reply| match reply {
            Reply::Unkeyed { side: Side::A, why, .. } => Some(&**why),
            _ => None,
        })
        .collect();
    assert_eq!(why, ["the peer's certificate is not the one that its description names"]);
}

#[test]
fn before_the_answer_nobody_is_waited_for() {
    let mut room = Room::new(false, Latch::Off);
    room.describe(false, Latch::Off, "second", false);
    for _ in 0..200 {
        room.pass(200);
    }
    assert!(!std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
    room.describe(false, Latch::Off, "second", true);
    room.pass(14_000);
    assert!(!std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
    room.pass(2_000);
    assert!(std::iter::from_fn(|| room.session.poll_reply()).any(|r| matches!(r, Reply::Unkeyed { .. })));
}

#[test]
fn the_same_terms_keep_their_keys_and_another_association_gets_new_ones() {
    let mut room = Room::new(false, Latch::Off);
    let theirs = room.theirs.clone();
    let mut shake = room.client(&theirs);
    let keys = room.meet(peer(), &mut shake).unwrap();
    room.describe(false, Latch::Off, "first", true);
    assert!(room.relays(&keys, peer()));
    room.pass(1_000);
    room.describe(false, Latch::Off, "second", true);
    let mut again = room.client(&theirs);
    let renewed = room.meet(peer(), &mut again).unwrap();
    assert_ne!(renewed.send, keys.send);
    assert!(room.relays(&renewed, peer()));
}

#[test]
fn one_host_with_many_ports_takes_nobodys_place() {
    let mut room = Room::new(false, Latch::Nat);
    let (theirs, forged) = (room.theirs.clone(), Arc::new(Certificate::make().unwrap()));
    let begins = |room: &mut Room, source: SocketAddr, shake: &mut Shake| {
        room.pass(60);
        for _ in 0..2 {
            let hello = shake.poll().unwrap();
            room.hear(source, &hello);
            if let Some(asked) = room.sent_to(source).first().filter(|asked| asked.len() < 100) {
                shake.receive(room.now, asked);
            }
        }
    };
    let behind_nat = SocketAddr::from(([192, 0, 2, 200], 1234));
    let mut genuine = room.client(&theirs);
    let hello = genuine.poll().unwrap();
    room.hear(behind_nat, &hello);
    let asked = room.sent_to(behind_nat).remove(0);
    genuine.receive(room.now, &asked);
    let again = genuine.poll().unwrap();
    room.hear(behind_nat, &again);
    let flight = room.sent_to(behind_nat);
    assert!(!flight.is_empty());
    for port in 0..5 {
        let mut shake = room.client(&forged);
        begins(&mut room, SocketAddr::from(([198, 51, 100, 9], 10_000 + port)), &mut shake);
    }
    for datagram in flight {
        genuine.receive(room.now, &datagram);
    }
    let keys = room.meet(behind_nat, &mut genuine).expect("what it began goes on");
    assert!(room.relays(&keys, behind_nat));
}
