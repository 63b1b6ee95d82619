//! A call in whose media strangers meddle, and what both phones say and hear meanwhile.

use conformance::attacker::{FOREIGN_SOURCE, Stranger, ports};
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::await_datagram;
use conformance::keyed::{INLINE, Keyed};
use conformance::openssl::Identity;
use conformance::phone::{Dialog, Phone, call, rtp_packet};
use conformance::stun::Check;
use conformance::{Place, Server, records};
use std::net::{SocketAddr, UdpSocket};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// The phone's keys stand in its description.
pub(crate) const SECURED: &str = "override = { srtp = \"required\" }\n";
/// The phone shakes hands.
pub(crate) const SHAKEN: &str = "override = { srtp = \"required\", srtp_keys = [\"dtls\"], srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"] }\n";

/// What both sides say, and under which source.
pub(crate) const OURS: (u32, u8) = (0x1111, 0xA5);
pub(crate) const THEIRS: (u32, u8) = (0x2222, 0x5A);

/// A call of a phone, plain or with keys, with a plain one; the ports that it may use are few.
pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) server: Server,
    pub(crate) pbx: Phone,
    pub(crate) itsp: Phone,
    pub(crate) sides: Option<(Dialog, Dialog)>,
    pub(crate) keys: Option<(Keyed, Option<Keyed>)>,
    pub(crate) sequence: u16,
    /// What else has come to the other phone.
    pub(crate) foreign: usize,
}

impl Scene {
    pub(crate) fn new(name: &str, rules: &str) -> Scene {
        let place = Place::new(name);
        let mut setup = Setup::new(&place);
        setup.rtp = ("20000-20007".into(), "30000-30007".into());
        setup.pbx_more = rules.into();
        let server = Server::start(&place, &setup.text());
        let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
        let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
        let keys =
            (rules.contains("\"required\"") && !rules.contains("dtls")).then(|| (Keyed::example(), None));
        if keys.is_some() {
            pbx.more = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{INLINE}\r\n");
        }
        Scene { place, server, pbx, itsp, sides: None, keys, sequence: 0, foreign: 0 }
    }

    pub(crate) fn calls(mut self, mark: &str) -> Scene {
        let (a, b) = call(&self.pbx, &self.itsp, WORLD, DID, mark);
        if let Some((_, theirs)) = &mut self.keys {
            *theirs = Some(Keyed::told(&a.description));
        }
        self.sides = Some((a, b));
        self
    }

    /// A call of a phone whose agent proves where both its ports are (ICE).
    pub(crate) fn calls_with_checks(mut self, mark: &str) -> Scene {
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
        for (socket, port) in [(&scene.pbx.rtp, a.relay.port()), (&control, a.relay.port() + 1)] {
            socket.send_to(&check.bytes(), (a.relay.ip(), port)).expect("a check sent");
            let told = await_datagram(socket, "answer", |bytes, _| Some(check.read(bytes)));
            assert_eq!(told, Ok(socket.local_addr().expect("bound")));
        }
        scene
    }

    /// A call of a phone that shakes hands on both its ports.
    pub(crate) fn calls_with_handshakes(mut self, mark: &str) -> Scene {
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

    /// Every port that a call may have.
    pub(crate) fn media_ports(&self) -> Vec<SocketAddr> {
        ports(&self.place, &[(INSIDE, 20_000..20_008), (OUTSIDE, 30_000..30_008)])
    }

    /// Strangers, at an address of their own and at that of the phone, who speak into every port.
    pub(crate) fn strangers(&self) -> Vec<Stranger> {
        let places = [(66, 40_000), (PBX, 40_002), (ITSP, 40_002)];
        places.map(|(host, port)| Stranger::speaking((&self.place.ip(host), port), self.media_ports())).into()
    }

    pub(crate) fn relays(&self) -> (SocketAddr, SocketAddr) {
        let (a, b) = self.sides.as_ref().expect("a call");
        (a.relay, b.relay)
    }

    /// The next packet of the phone, as it goes on the wire.
    pub(crate) fn packet(&mut self) -> Vec<u8> {
        self.sequence += 1;
        let clear = rtp_packet(OURS.0, self.sequence, OURS.1);
        self.keys.as_ref().map_or(clear.clone(), |(keys, _)| keys.protect(0, &clear))
    }

    /// Each side says something from these sockets, and the other hears it, whatever else comes.
    pub(crate) fn talk_from(&mut self, socket: &UdpSocket) {
        let (a, b) = self.relays();
        let packet = self.packet();
        socket.send_to(&packet, a).expect("a packet sent");
        self.heard();
        self.itsp.send_rtp(b, THEIRS.0, self.sequence, THEIRS.1);
        let wanted = rtp_packet(THEIRS.0, self.sequence, THEIRS.1);
        await_datagram(socket, "word of the other side", |packet, _| {
            let opened = self.keys.as_ref().and_then(|(_, theirs)| theirs.as_ref()?.open(0, packet));
            assert!(packet.get(8..12) != Some(&FOREIGN_SOURCE.to_be_bytes()), "a stranger is heard");
            (opened.as_deref().unwrap_or(packet).get(1..) == wanted.get(1..)).then_some(())
        });
    }

    /// Waits for what the phone said last; other packets are counted.
    fn heard(&mut self) {
        let wanted = rtp_packet(OURS.0, self.sequence, OURS.1);
        let foreign = &mut self.foreign;
        await_datagram(&self.itsp.rtp, "word of the phone", |packet, _| {
            let is_it = packet.get(1..) == wanted.get(1..);
            *foreign += usize::from(!is_it);
            is_it.then_some(())
        });
    }

    pub(crate) fn talk(&mut self, times: usize) {
        let socket = self.pbx.rtp.try_clone().expect("the phone's socket");
        (0..times).for_each(|_| self.talk_from(&socket));
    }

    /// Ends the call and the server; the call's record.
    pub(crate) fn ends(self) -> serde_json::Value {
        let (a, _) = self.sides.as_ref().expect("a call");
        self.pbx.hang_up(a, &self.itsp);
        let record = records::await_count(&self.place, 1).remove(0);
        assert_eq!(records::word(&record, "released_by"), "caller", "{record}");
        assert_eq!(self.server.stop(), 0);
        record
    }
}
