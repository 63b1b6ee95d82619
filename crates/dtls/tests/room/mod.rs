//! A session whose side A is to be secured by a handshake, and those who speak to it.

#![allow(dead_code, reason = "each suite uses a part of it")]

use base::Time;
use dtls::{Associations, Certificate, Desk, Shake};
use media::{
    Component, Datagram, DropReason, Dtls, Fingerprint, Hash, Keys, Latch, Remote, Session, SessionId, Side,
    Spot, Srtp, Verdict,
};
use srtp::{Protector, Suite};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const RTP: Spot = Spot { side: Side::A, stream: 0, component: Component::Rtp };

pub(crate) fn peer() -> SocketAddr {
    ([192, 0, 2, 7], 4000).into()
}

pub(crate) fn stranger() -> SocketAddr {
    ([198, 51, 100, 9], 9000).into()
}

pub(crate) fn other_side() -> SocketAddr {
    ([203, 0, 113, 5], 6000).into()
}

pub(crate) fn named(certificate: &Certificate) -> Vec<Fingerprint> {
    vec![Fingerprint { hash: Hash::Sha256, digest: (*certificate.fingerprint()).into() }]
}

/// A session whose side A is to be secured by a handshake, side B plain.
pub(crate) struct Room {
    pub(crate) now: Time,
    pub(crate) own: Arc<Certificate>,
    pub(crate) theirs: Arc<Certificate>,
    pub(crate) session: Session,
    pub(crate) desk: Desk,
    pub(crate) all: Associations,
    pub(crate) out: Vec<(Spot, SocketAddr, Vec<u8>)>,
}

impl Room {
    pub(crate) fn new(client: bool, latch: Latch) -> Room {
        let mut room = Room::open();
        room.describe(client, latch, "first", true);
        room
    }

    /// Nobody has described itself on side A.
    pub(crate) fn open() -> Room {
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
        room
    }

    pub(crate) fn describe(&mut self, client: bool, latch: Latch, association: &str, answered: bool) {
        let terms = Dtls {
            client,
            open: false,
            fingerprints: named(&self.theirs),
            association: association.into(),
            suites: vec![Suite::AesCm128Sha1_80],
            answered,
        };
        let srtp = Srtp::Dtls(Box::new(terms));
        self.set(Remote { srtp, latch, ..Remote::audio(peer()) });
    }

    pub(crate) fn set(&mut self, remote: Remote) {
        self.session.set(self.now, Side::A, 0, remote);
        let out = &mut self.out;
        let mut send = |spot, to, bytes: &[u8]| out.push((spot, to, bytes.to_vec()));
        self.all.follow(self.now, &mut self.session, &mut self.desk, &mut send);
    }

    /// A datagram comes to side A's port: what the session makes of it; handshakes go their way.
    pub(crate) fn hear(&mut self, source: SocketAddr, bytes: &[u8]) -> Verdict {
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
    pub(crate) fn sent_to(&mut self, to: SocketAddr) -> Vec<Vec<u8>> {
        let (taken, left) =
            std::mem::take(&mut self.out).into_iter().partition(|(spot, at, _)| *spot == RTP && *at == to);
        self.out = left;
        taken.into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.session.on_tick(self.now);
        let out = &mut self.out;
        let mut send = |spot, to, bytes: &[u8]| out.push((spot, to, bytes.to_vec()));
        self.all.on_tick(self.now, &mut self.session, &mut self.desk, &mut send);
    }

    /// Somebody else's client with this certificate.
    pub(crate) fn client(&self, certificate: &Arc<Certificate>) -> Shake {
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
    pub(crate) fn meet(&mut self, source: SocketAddr, shake: &mut Shake) -> Option<Keys> {
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

    pub(crate) fn drops(&self) -> u32 {
        self.session.report(self.now).a[0].dropped.of(DropReason::Dtls)
    }

    /// Whether a packet of the peer's, protected with these keys, is relayed in clear.
    pub(crate) fn relays(&mut self, keys: &Keys, source: SocketAddr) -> bool {
        let packet = [&[0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xD5; 160]].concat();
        let mut buffer = [&packet[..], &[0; 64]].concat();
        let length = Protector::new(keys.send.clone()).rtp(&mut buffer, packet.len()).unwrap();
        let verdict = self.hear(source, &buffer[..length]);
        matches!(verdict, Verdict::Relay { to, .. } if to == other_side())
    }
}
