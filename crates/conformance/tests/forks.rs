//! Called ends that ring at once and are heard before one of them answers, each secured by itself: two of rtpengine's,
//! with handshakes and with ICE, and two whose handshakes are OpenSSL's, so that the keys of each are known. (baresip
//! neither checks nor shakes hands before it answers.)

use conformance::config::{INSIDE, ITSP, ITSP_2, OUTSIDE, PBX, Setup};
use conformance::keyed::Keyed;
use conformance::openssl::Identity;
use conformance::phone::{Phone, ok, rtp_packet};
use conformance::rtpengine::{Rtpengine, Way, place_of};
use conformance::wire::Message;
use conformance::{Place, Server};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
const LONG: &str = "AES_CM_128_HMAC_SHA1_80";

/// Two gateways that ring at once, with these rules.
fn two(place: &Place, rules: &str) -> Setup {
    let mut setup = Setup::new(place);
    setup.itsp = [ITSP, ITSP_2].map(|host| place.sip(host)).to_vec();
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    setup.itsp_more = format!("hunt = \"parallel\"\noverride = {{ {rules} }}\n");
    setup.drain = "1s";
    setup
}

/// A called phone in clear, whose media rtpengine secures.
struct Ring {
    phone: Phone,
    engine: Rtpengine,
    invite: Message,
    /// What it describes.
    description: String,
    /// Where it speaks to, and what.
    relay: Option<SocketAddr>,
    fill: u8,
    said: u16,
}

impl Ring {
    fn new(place: &Place, host: u8, fill: u8) -> Ring {
        let phone = Phone::new(place, host, &place.sip(OUTSIDE));
        let engine = Rtpengine::start(place, host + 10);
        Ring {
            phone,
            engine,
            invite: Message(String::new()),
            description: String::new(),
            relay: None,
            fill,
            said: 0,
        }
    }

    fn rings(&mut self, way: &Way) {
        self.invite = self.phone.sip.await_message("INVITE", "");
        let inner = self.engine.offer(self.invite.body(), &way.behind());
        self.relay = Some(place_of(&inner, 0));
        self.description = self.engine.answer(&self.phone.description(), &way.how);
        self.says_to_caller("183 Session Progress");
    }

    fn says_to_caller(&self, line: &str) {
        self.phone.sip.send(self.phone.response(&self.invite, line, &self.description));
    }

    fn speaks(&mut self) {
        self.said += 1;
        self.phone.send_rtp(self.relay.expect("a place"), u32::from(self.fill), self.said, self.fill);
    }
}

/// Whose words the caller hears in the time of one.
fn heard_of(caller: &Phone) -> Vec<u8> {
    let words = std::iter::from_fn(|| heard(caller));
    words.filter_map(|packet| packet.get(12).copied()).collect()
}

/// Words that each phone says while one alone is heard, and how many of them may be lost.
const ROUNDS: usize = 25;
const LOST_MAX: usize = 5;
/// Somebody stands still when nothing is heard for so long: the other one may have its turn after half a second.
const STILL: Duration = Duration::from_millis(250);

/// Phones speak until the caller hears this one, which the others may be before; then for half a second it alone is
/// heard, though all speak. Whoever stands still loses its turn: then all of that begins anew.
fn is_heard(caller: &Phone, rings: &mut [Ring], which: usize, others_wait: bool) {
    let end = Instant::now() + Duration::from_secs(30);
    let fill = rings[which].fill;
    let heard = std::iter::from_fn(|| {
        assert!(Instant::now() < end, "it is never heard:\n{}", rings[which].description);
        for (at, ring) in rings.iter_mut().enumerate() {
            if at == which || !others_wait {
                ring.speaks();
            }
        }
        Some(heard_of(caller).contains(&fill).then(|| all_speak(caller, rings)).flatten())
    });
    let heard = heard.flatten().next().unwrap_or_default();
    let fits = heard.len() >= ROUNDS - LOST_MAX && heard.iter().all(|word| *word == fill);
    assert!(fits, "{fill}: {heard:?}");
}

/// Whose words the caller hears while all speak, until as many have come as one of them has said, or none come any more;
/// nothing when somebody stood still meanwhile.
fn all_speak(caller: &Phone, rings: &mut [Ring]) -> Option<Vec<u8>> {
    let (mut heard, mut last) = (Vec::new(), Instant::now());
    for _ in 0..ROUNDS {
        rings.iter_mut().for_each(Ring::speaks);
        let words = heard_of(caller);
        if last.elapsed() > STILL {
            return None;
        }
        if !words.is_empty() {
            last = Instant::now();
        }
        heard.extend(words);
    }
    while heard.len() < ROUNDS && last.elapsed() < 4 * STILL {
        let words = heard_of(caller);
        if !words.is_empty() {
            last = Instant::now();
        }
        heard.extend(words);
    }
    Some(heard)
}

/// Two phones ring and speak before they answer: the caller hears who spoke first, and nobody besides; the other one
/// answers and is heard.
fn both_speak_and_the_other_answers(name: &str, way: &Way) {
    let place = Place::new(name);
    let server = Server::start(&place, &two(&place, &way.rules).text());
    let caller = Phone::new(&place, PBX, &place.sip(INSIDE));
    let mut rings = [Ring::new(&place, ITSP, 0x11), Ring::new(&place, ITSP_2, 0x22)];
    caller.calls(WORLD, DID, name);
    rings.iter_mut().for_each(|ring| ring.rings(way));
    caller.rtp.set_read_timeout(Some(Duration::from_millis(20))).expect("a read timeout");
    is_heard(&caller, &mut rings, 0, true);
    rings[1].says_to_caller("200 OK");
    let dialog = caller.is_answered();
    let _ = rings[1].phone.sip.await_message("ACK", "");
    let cancel = rings[0].phone.sip.await_message("CANCEL", "");
    rings[0].phone.sip.send(ok(&cancel));
    rings[0].phone.sip.send(rings[0].phone.response(&rings[0].invite, "487 Request Terminated", ""));
    is_heard(&caller, &mut rings, 1, false);
    let told = rtp_packet(0x3333, 1, 0x77);
    caller.rtp.send_to(&told, dialog.relay).expect("a packet sent");
    assert_eq!(rings[1].phone.receive_rtp().0[12..], told[12..], "who answered hears the caller");
    assert!(rings[0].phone.drain_rtp().is_empty(), "the other one does not");
    caller.hang_up(&dialog, &rings[1].phone);
    assert_eq!(server.stop(), 0);
}

#[test]
fn two_that_shake_hands_are_heard_before_the_answer_and_who_answers_behind_it() {
    both_speak_and_the_other_answers("forks-dtls", &Way::shaken(LONG, false, ""));
}

#[test]
fn two_with_checks_and_handshakes_are_heard_before_the_answer_and_who_answers_behind_it() {
    both_speak_and_the_other_answers("forks-ice-dtls", &Way::shaken(LONG, true, ""));
}

#[test]
fn two_with_checks_and_keys_in_descriptions_are_heard_before_the_answer_and_who_answers_behind_it() {
    both_speak_and_the_other_answers("forks-ice-keys", &Way::keys(LONG).checked());
}

#[test]
fn two_with_checks_alone_are_heard_before_the_answer_and_who_answers_behind_it() {
    both_speak_and_the_other_answers("forks-ice", &Way::plain().checked());
}

/// One has rung too long and speaks on, for it obeys the CANCEL late; the other one rings without media of its own, and
/// answers.
#[test]
fn one_that_has_rung_too_long_is_heard_no_more_before_it_obeys() {
    let place = Place::new("forks-given-up");
    let mut setup = two(&place, "");
    setup.itsp_more = "hunt = \"parallel\"\nring_timeout = \"5s\"\n".into();
    let server = Server::start(&place, &setup.text());
    let caller = Phone::new(&place, PBX, &place.sip(INSIDE));
    let [long, other] = [ITSP, ITSP_2].map(|host| Phone::new(&place, host, &place.sip(OUTSIDE)));
    caller.calls(WORLD, DID, "given-up");
    caller.rtp.set_read_timeout(Some(Duration::from_millis(20))).expect("a read timeout");
    let [first, second] = [&long, &other].map(|phone| phone.sip.await_message("INVITE", ""));
    long.sip.send(long.response(&first, "183 Session Progress", &long.description()));
    let mut said = 0;
    let mut speaks = |phone: &Phone, invite: &Message, fill: u8| {
        said += 1;
        phone.send_rtp(invite.media().expect("an offer with audio"), u32::from(fill), said, fill);
        heard_of(&caller)
    };
    let begun = Instant::now();
    while !speaks(&long, &first, 0x11).contains(&0x11) {
        assert!(begun.elapsed() < Duration::from_secs(4), "its early media are not heard");
    }
    let cancel = long.sip.await_message("CANCEL", "");
    other.sip.send(other.response(&second, "180 Ringing", ""));
    heard_of(&caller);
    let heard: Vec<u8> = (0..50).flat_map(|_| speaks(&long, &first, 0x11)).collect();
    assert_eq!(heard, [] as [u8; 0], "it was given up");
    long.sip.send(ok(&cancel));
    long.sip.send(long.response(&first, "487 Request Terminated", ""));
    other.sip.send(other.response(&second, "200 OK", &other.description()));
    let dialog = caller.is_answered();
    let _ = other.sip.await_message("ACK", "");
    let begun = Instant::now();
    while !speaks(&other, &second, 0x22).contains(&0x22) {
        assert!(begun.elapsed() < Duration::from_secs(5), "who answers is not heard");
    }
    caller.hang_up(&dialog, &other);
    assert_eq!(server.stop(), 0);
}

/// A called end: its signalling, its place, the keys that OpenSSL agreed on for it, and its media.
struct End<'p> {
    phone: Phone,
    identity: Identity<'p>,
    ip: String,
    invite: Message,
    /// What it seals with, and what is sealed for it.
    keys: Option<(Keyed, Keyed)>,
    rtp: Option<UdpSocket>,
    ssrc: u32,
    said: u16,
}

impl<'p> End<'p> {
    fn new(place: &'p Place, host: u8, name: &'static str, ssrc: u32) -> End<'p> {
        let phone = Phone::new(place, host, &place.sip(OUTSIDE));
        let identity = Identity::new(place, name);
        let invite = Message(String::new());
        End { phone, identity, ip: place.ip(host), invite, keys: None, rtp: None, ssrc, said: 0 }
    }

    fn description(&self) -> String {
        let (ip, fingerprint) = (&self.ip, self.identity.fingerprint());
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 42000 UDP/TLS/RTP/SAVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=setup:active\r\na=fingerprint:sha-256 {fingerprint}\r\n"
        )
    }

    fn relay(&self) -> SocketAddr {
        self.invite.media().expect("an offer with audio")
    }

    /// It rings, describes itself, and shakes hands.
    fn rings(&mut self) {
        self.invite = self.phone.sip.await_message("INVITE", "a=setup:actpass");
        let response = self.phone.response(&self.invite, "183 Session Progress", &self.description());
        self.phone.sip.send(response);
        let said = self.identity.shakes(&format!("{}:42000", self.ip), &self.relay().to_string());
        self.keys = Some(Keyed::shaken(&said));
        let rtp = UdpSocket::bind((self.ip.as_str(), 42_000)).expect("its port");
        rtp.set_read_timeout(Some(Duration::from_secs(5))).expect("a read timeout");
        self.rtp = Some(rtp);
    }

    /// It says a word under the keys of an end; the word.
    fn says(&mut self, keys: Option<&End<'_>>, fill: u8) -> Vec<u8> {
        self.said += 1;
        let word = rtp_packet(self.ssrc, self.said, fill);
        let keys = keys.map_or(&self.keys, |end| &end.keys).as_ref().expect("keys");
        let sealed = keys.0.protect(0, &word);
        self.rtp.as_ref().expect("a port").send_to(&sealed, self.relay()).expect("a packet sent");
        word
    }
}

/// The next word that the caller hears, if it comes at once.
fn heard(caller: &Phone) -> Option<Vec<u8>> {
    let mut buffer = [0; 2048];
    let length = caller.rtp.recv(&mut buffer).ok()?;
    buffer.get(..length).map(<[u8]>::to_vec)
}

/// An end speaks until one of these words is heard, for others had their turn before.
fn speaks_until_heard(end: &mut End<'_>, caller: &Phone, fill: u8) {
    let (begun, mut words) = (Instant::now(), Vec::new());
    loop {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is never heard");
        words.push(end.says(None, fill));
        if std::iter::from_fn(|| heard(caller)).any(|packet| words.contains(&packet)) {
            return;
        }
    }
}

/// The caller hears a word of all that come, and none of these.
fn hears(caller: &Phone, word: &[u8], never: &[Vec<u8>]) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is never heard");
        let Some(packet) = heard(caller) else { continue };
        assert!(!never.contains(&packet), "opened with another's keys: {packet:?}");
        if packet == word {
            return;
        }
    }
}

/// What one end seals with the other's keys is nobody's, from wherever it comes; the one that is heard speaks beside it, so
/// that it has not fallen silent. Those words, of which none may ever be heard.
fn borrows(one: &mut End<'_>, two: &mut End<'_>, caller: &Phone) -> Vec<Vec<u8>> {
    let mut never = Vec::new();
    for _ in 0..10 {
        never.push(one.says(Some(two), 0x22));
        never.push(two.says(Some(one), 0x33));
        hears(caller, &one.says(None, 0x12), &never);
    }
    never
}

#[test]
fn the_key_of_one_called_end_opens_nothing_of_the_other_before_the_answer_and_behind_it() {
    let place = Place::new("forks-keys");
    let rules = "srtp = \"required\", srtp_keys = [\"dtls\"], srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"]";
    let server = Server::start(&place, &two(&place, rules).text());
    let caller = Phone::new(&place, PBX, &place.sip(INSIDE));
    let mut one = End::new(&place, ITSP, "one", 0x1111);
    let mut two = End::new(&place, ITSP_2, "two", 0x2222);
    caller.calls(WORLD, DID, "forks");
    one.rings();
    two.rings();
    caller.rtp.set_read_timeout(Some(Duration::from_millis(20))).expect("a read timeout");
    speaks_until_heard(&mut one, &caller, 0x11);
    let mut never = borrows(&mut one, &mut two, &caller);
    // The first has fallen silent: the second is heard, and under its own keys alone.
    speaks_until_heard(&mut two, &caller, 0x44);
    let response = two.phone.response(&two.invite, "200 OK", &two.description());
    two.phone.sip.send(response);
    let dialog = caller.is_answered();
    let _ = two.phone.sip.await_message("ACK", "");
    let cancel = one.phone.sip.await_message("CANCEL", "");
    one.phone.sip.send(ok(&cancel));
    one.phone.sip.send(one.phone.response(&one.invite, "487 Request Terminated", ""));
    for _ in 0..10 {
        // From wherever it comes.
        never.push(one.says(None, 0x55));
        never.push(two.says(Some(&one), 0x33));
        hears(&caller, &two.says(None, 0x66), &never);
    }
    // What goes to it is sealed for it alone.
    let told = rtp_packet(0x3333, 1, 0x77);
    caller.rtp.send_to(&told, dialog.relay).expect("a packet sent");
    let mut buffer = [0; 2048];
    let length = two.rtp.as_ref().expect("a port").recv(&mut buffer).expect("the caller's word");
    let opened = [&one, &two].map(|end| end.keys.as_ref().expect("keys").1.open(0, &buffer[..length]));
    assert_eq!(opened, [None, Some(told)]);
    caller.hang_up(&dialog, &two.phone);
    assert_eq!(server.stop(), 0);
}
