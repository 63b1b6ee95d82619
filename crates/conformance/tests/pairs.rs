//! Every pair of codecs and securities that no other suite holds, many at once in one server: speech in both directions of
//! each call is judged at the far end by its likeness, its level and its delay.
//!
//! The ends are rtpengine: it makes and reads what is secured and encoded. Behind it stand plain sockets with A-law, whose
//! sound is at hand.

use conformance::audio::{self, a_law, of_a_law};
use conformance::hearing::find;
use conformance::phone::{Dialog, Phone, call_answered};
use conformance::rtpengine::{Rtpengine, Value, Way, place_of};
use conformance::{Place, Server, config, records};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[path = "pairs/judged.rs"]
mod judged;

use judged::judge;

const DID: &str = "+493023125100";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
const CODECS: [&str; 4] = ["PCMA", "PCMU", "G722", "opus"];
const SECURITIES: usize = 3;
const ENDS: usize = CODECS.len() * SECURITIES;
/// The addresses of both rtpengines, and of the first end of each side.
const NEAR: u8 = 11;
const FAR: u8 = 12;
const FIRST: [u8; 2] = [100, 150];

/// Calls that talk at once.
const AT_ONCE: usize = 11;
/// Samples of a packet, and how long it lasts.
const PACKET: usize = 160;
const PTIME: Duration = Duration::from_millis(20);
/// Packets that an ear must hear: half a second until all is at ease, and what is judged.
const ENOUGH: usize = 260;
/// How long a call may take for that: handshakes, and a busy machine.
const TALK_MAX: Duration = Duration::from_secs(20);

/// A codec and a security.
type End = (&'static str, &'static str);

/// What other suites hold, in either order of the ends: `codecs`, `secure`, `dtls`.
const HELD: [(End, End); 15] = [
    (("PCMA", "plain"), ("PCMA", "plain")),
    (("PCMA", "plain"), ("PCMU", "plain")),
    (("PCMA", "plain"), ("G722", "plain")),
    (("PCMA", "plain"), ("opus", "plain")),
    (("PCMU", "plain"), ("G722", "plain")),
    (("PCMU", "plain"), ("opus", "plain")),
    (("G722", "plain"), ("opus", "plain")),
    (("PCMA", "plain"), ("PCMA", "keys")),
    (("PCMA", "plain"), ("PCMA", "shaken")),
    (("PCMA", "keys"), ("PCMA", "keys")),
    (("PCMA", "keys"), ("PCMA", "shaken")),
    (("PCMA", "shaken"), ("PCMA", "shaken")),
    (("PCMA", "plain"), ("G722", "keys")),
    (("PCMU", "plain"), ("opus", "shaken")),
    (("G722", "keys"), ("opus", "shaken")),
];

/// The end of this number.
fn end(number: usize) -> End {
    (CODECS[number / SECURITIES], ["plain", "keys", "shaken"][number % SECURITIES])
}

fn way((_, security): End) -> Way {
    match security {
        "plain" => Way::plain(),
        "keys" => Way::keys(SUITE),
        _ => Way::shaken(SUITE, false, ""),
    }
}

/// Caller and callee of each pair that is missing; which of both calls changes from pair to pair.
fn missing() -> Vec<(usize, usize)> {
    let pairs = (0..ENDS).flat_map(|a| (a..ENDS).map(move |b| (a, b)));
    let held = |a: End, b: End| HELD.contains(&(a, b)) || HELD.contains(&(b, a));
    let missing = pairs.filter(|(a, b)| !held(end(*a), end(*b)));
    missing.enumerate().map(|(n, (a, b))| if n % 2 == 0 { (a, b) } else { (b, a) }).collect()
}

/// A trunk for each end on either side; what is called says which end of the outer ones is meant.
fn configuration(place: &Place) -> String {
    let mut text = String::from("version = 1\ncountry = \"DE\"\nnode = { name = \"conformance\" }\n");
    for (listen, host, rtp) in
        [("inside", config::INSIDE, "20000-23999"), ("outside", config::OUTSIDE, "30000-33999")]
    {
        let ip = place.ip(host);
        let _ =
            writeln!(text, "[listen.{listen}]\naddress = \"{ip}\"\nsip = [\"udp:5060\"]\nrtp = \"{rtp}\"");
    }
    for (side, (listen, kind)) in [("inside", "direct"), ("outside", "itsp")].into_iter().enumerate() {
        for number in 0..ENDS {
            let (at, rules) = (place.sip(host(side, number)), way(end(number)).rules);
            let _ = writeln!(
                text,
                "[trunk.{listen}-{number}]\nkind = \"{kind}\"\nlisten = \"{listen}\"\ngateways = [\"{at}\"]\n\
                 options_interval = 0\noverride = {{ {rules}, codecs = [\"{}\"] }}",
                end(number).0
            );
        }
    }
    for number in 0..ENDS {
        let _ = writeln!(
            text,
            "[[route]]\nname = \"to-{number}\"\nmatch = {{ called = \"{}*\" }}\nto = \"outside-{number}\"",
            called(number)
        );
    }
    let folder = place.folder().display();
    let _ = write!(
        text,
        "[[numbers]]\nrange = \"+493023125000..+493023125999\"\ndeliver = \"inside-0\"\n\
         [records]\npath = \"{folder}/data\"\njsonl = \"{folder}/records.jsonl\"\n\
         [api]\nsocket = \"{folder}/tronco.sock\"\n[signalling]\ndrain_timeout = \"1s\"\n"
    );
    text
}

/// The last byte of an end's address.
fn host(side: usize, number: usize) -> u8 {
    FIRST[side] + u8::try_from(number).expect("few ends")
}

/// How every number of an outer end begins.
fn called(number: usize) -> String {
    format!("+441632{number:02}")
}

/// What rtpengine is asked, and to speak `codec` there where A-law is spoken here.
fn recoded(how: Vec<(&'static str, Value)>, from: &str, to: &str) -> Vec<(&'static str, Value)> {
    let list = |codec: &str| Value::List(vec![codec.into()]);
    let change = [("mask".to_owned(), list(from)), ("transcode".to_owned(), list(to))];
    let change = (from != to).then(|| ("codec", Value::Map(BTreeMap::from(change))));
    how.into_iter().chain(change).collect()
}

/// A call, and the plain sockets behind both of its rtpengines.
struct Talk {
    name: String,
    ends: [End; 2],
    sockets: [UdpSocket; 2],
    relays: [SocketAddr; 2],
    dialog: Dialog,
    numbers: (usize, usize),
}

/// Everything that calls are made of.
struct Scene {
    place: Place,
    phones: [Vec<Phone>; 2],
    engines: [Rtpengine; 2],
}

impl Scene {
    fn new(place: Place) -> Scene {
        let servers = [config::INSIDE, config::OUTSIDE].map(|host| place.sip(host));
        let phones =
            [0, 1].map(|side| (0..ENDS).map(|n| Phone::new(&place, host(side, n), &servers[side])).collect());
        let engines = [NEAR, FAR].map(|host| Rtpengine::start(&place, host));
        Scene { place, phones, engines }
    }

    /// A plain socket with A-law at an end's address, and its description.
    fn socket(&self, side: usize, number: usize, port: u16) -> (UdpSocket, String) {
        let ip = self.place.ip(host(side, number));
        let socket = UdpSocket::bind((ip.as_str(), port)).expect("a socket");
        let told = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n"
        );
        (socket, told)
    }

    /// The call of this number between two ends.
    fn calls(&mut self, call: usize, (a, b): (usize, usize)) -> Talk {
        let port = 41_000 + 2 * u16::try_from(call).expect("few calls");
        let ends = [end(a), end(b)];
        let [near, far] = ends.map(way);
        let [(here, told), (there, answer)] = [self.socket(0, a, port), self.socket(1, b, port)];
        let mark = format!("pair{call:02}");
        self.engines.iter_mut().for_each(|engine| engine.speak_of(&mark));
        let [before, behind] = &self.engines;
        self.phones[0][a].described =
            Some(before.offer(&told, &recoded(near.how.clone(), "PCMA", ends[0].0)));
        let (caller, callee) = (&self.phones[0][a], &self.phones[1][b]);
        let mut relay = None;
        let number = format!("{}{call:05}", called(b));
        let (dialog, _) = call_answered(caller, callee, (&number, DID, &mark), |offer| {
            let inner = behind.offer(offer, &recoded(far.behind(), ends[1].0, "PCMA"));
            relay = Some(place_of(&inner, 0));
            behind.answer(&answer, &far.how)
        });
        let inner = before.answer(&dialog.description, &near.behind());
        Talk {
            name: format!("{:?} calls {:?}", ends[0], ends[1]),
            ends,
            sockets: [here, there],
            relays: [place_of(&inner, 0), relay.expect("an offer")],
            dialog,
            numbers: (a, b),
        }
    }
}

/// A packet with A-law that was heard: its time, timestamp and samples.
type Word = (Instant, u32, Vec<i16>);

/// All that one ear hears of a stream, until that is enough or the time is over.
fn listens(socket: &UdpSocket, end: Instant, done: &AtomicUsize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    while words.len() < ENOUGH {
        let left = end.saturating_duration_since(Instant::now());
        let word = find(socket, left, |bytes, _| {
            let timestamp = bytes.get(4..8)?.try_into().map(u32::from_be_bytes).ok()?;
            let sound = bytes.get(12..).filter(|_| bytes[1] & 0x7f == 8)?;
            Some((Instant::now(), timestamp, sound.iter().map(|code| of_a_law(*code)).collect()))
        });
        let Some(word) = word else { break };
        words.push(word);
    }
    done.fetch_add(1, Ordering::Relaxed);
    words
}

/// A voice as it is said: its samples, and the payloads of its packets.
struct Voice {
    samples: Vec<i16>,
    codes: Vec<u8>,
}

impl Voice {
    fn new(number: usize) -> Voice {
        let seconds = u32::try_from(TALK_MAX.as_secs()).expect("seconds") + 1;
        let samples = audio::speech(number as u32 + 1, seconds);
        Voice { codes: a_law(&samples), samples }
    }

    fn packet(&self, number: usize, source: u32) -> Vec<u8> {
        let mut packet = vec![0x80, 8];
        packet.extend((number as u16).to_be_bytes());
        packet.extend(((number * PACKET) as u32).to_be_bytes());
        packet.extend(source.to_be_bytes());
        packet.extend(&self.codes[number * PACKET..(number + 1) * PACKET]);
        packet
    }
}

/// Speaks in all calls until every ear has heard enough; when each packet was said, and what was heard.
fn talk(talks: &[Talk], voices: &[Voice]) -> (Vec<Instant>, Vec<Vec<Word>>) {
    let (begun, done) = (Instant::now(), AtomicUsize::new(0));
    let end = begun + TALK_MAX;
    let ears: Vec<&UdpSocket> = talks.iter().flat_map(|talk| &talk.sockets).collect();
    let mut said = Vec::new();
    let heard = std::thread::scope(|scope| {
        let ears: Vec<_> = ears.iter().map(|ear| scope.spawn(|| listens(ear, end, &done))).collect();
        while done.load(Ordering::Relaxed) < ears.len() && Instant::now() + PTIME < end {
            let next = begun + PTIME * said.len() as u32;
            while let Some(left) = next.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            {
                std::thread::park_timeout(left);
            }
            for (number, talk) in talks.iter().enumerate() {
                for side in 0..2 {
                    let voice = 2 * number + side;
                    let packet = voices[voice].packet(said.len(), 0x1000 + voice as u32);
                    talk.sockets[side].send_to(&packet, talk.relays[side]).expect("a packet sent");
                }
            }
            said.push(Instant::now());
        }
        ears.into_iter().map(|ear| ear.join().expect("an ear")).collect()
    });
    (said, heard)
}

#[test]
fn whatever_codec_and_security_either_side_has_each_hears_the_other() {
    let place = Place::new("pairs");
    let server = Server::start(&place, &configuration(&place));
    let mut scene = Scene::new(place);
    let voices: Vec<Voice> = (0..2 * AT_ONCE).map(Voice::new).collect();
    let (pairs, mut wrong, mut call) = (missing(), Vec::new(), 0);
    assert_eq!(pairs.len(), ENDS * (ENDS + 1) / 2 - HELD.len(), "what is missing");
    for some in pairs.chunks(AT_ONCE) {
        let talks: Vec<Talk> = some
            .iter()
            .map(|pair| {
                call += 1;
                scene.calls(call, *pair)
            })
            .collect();
        let (said, heard) = talk(&talks, &voices);
        for (number, (talk, heard)) in talks.iter().zip(heard.chunks(2)).enumerate() {
            // The caller hears the callee.
            for (who, ear, from) in [("caller", 0, 1), ("callee", 1, 0)] {
                let ends = [talk.ends[from], talk.ends[ear]];
                let judged = judge(&voices[2 * number + from], &said, &heard[ear], ends);
                let told = format!("{}, {who}: {}", talk.name, judged.as_ref().unwrap_or_else(|told| told));
                println!("{told}");
                wrong.extend(judged.err().map(|_| told));
            }
            let (a, b) = talk.numbers;
            scene.phones[0][a].hang_up(&talk.dialog, &scene.phones[1][b]);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    judge_records(&scene.place, &pairs);
    assert_eq!(server.stop(), 0);
}

/// Every record says what either side was.
fn judge_records(place: &Place, pairs: &[(usize, usize)]) {
    let records = records::await_count(place, pairs.len());
    for (number, pair) in (1..).zip(pairs) {
        let mark = format!("pair{number:02}@");
        let record = records.iter().find(|record| records::word(record, "sip_call_id").starts_with(&mark));
        let record = record.expect("a record of each call");
        for (side, number) in [("from_caller", pair.0), ("from_callee", pair.1)] {
            let word = |name: &str| {
                record
                    .pointer(&format!("/media/{side}/{name}"))
                    .and_then(|word| word.as_str())
                    .map(str::to_owned)
            };
            let told = (word("codec"), word("security"));
            assert_eq!(told, (Some(end(number).0.into()), Some(way(end(number)).told)), "{record}");
        }
    }
}
