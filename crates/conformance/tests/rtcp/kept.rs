//! What keeps a held call's way open on the wire (RFC 6263): comfort noise to a peer that has named it, and packets
//! without sound to one that has not; read by `tshark`. Two phones, played by hand.

use super::{DID, WORLD};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::find;
use conformance::phone::{Dialog, Phone, call};
use conformance::{Place, Server};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a busy machine adds or takes: a relay that is held up between its clock and a packet notes an earlier time for
/// the packet.
const BUSY: f64 = 1.0;
/// Nothing was sent for so long before one is due, and the latest that it may come.
const QUIET: f64 = 10.0 - BUSY;
const LATEST: f64 = 17.5 + BUSY;

/// A peer, where we are towards it, and its keepalives: their payload type, and what they hold.
struct Kept {
    host: u8,
    ours: u8,
    payload_type: &'static str,
    payload: &'static str,
}

const KEPT: [Kept; 2] = [
    // -127 dBov: as good as silence.
    Kept { host: PBX, ours: INSIDE, payload_type: "13", payload: "7f" },
    // The highest number that the peer has not named.
    Kept { host: ITSP, ours: OUTSIDE, payload_type: "127", payload: "" },
];

/// The caller asks for another direction, and the callee agrees.
fn turns(pbx: &Phone, itsp: &Phone, dialog: &mut Dialog, version: u8, direction: &str) {
    let described = |phone: &Phone| {
        phone.description().replace("o=- 1 1", &format!("o=- 1 {version}")) + &format!("a={direction}\r\n")
    };
    pbx.asks(dialog, &described(pbx));
    let _ = itsp.takes_again(|_| described(itsp));
    let _ = pbx.agreed(dialog);
    let _ = itsp.sip.await_message("ACK", "");
}

/// Both phones speak for a while; packets of this number and those after it.
fn speak(phones: [(&Phone, SocketAddr); 2], from: u16, time: Duration) -> u16 {
    let (end, mut number) = (Instant::now() + time, from);
    while Instant::now() < end {
        for (source, (phone, relay)) in phones.iter().enumerate() {
            phone.send_rtp(*relay, 0x1111 * (source as u32 + 1), number, 0x55);
        }
        number += 1;
        std::thread::park_timeout(Duration::from_millis(20));
    }
    number
}

#[test]
fn a_held_call_is_kept_awake_by_noise_or_packets_without_sound_until_it_goes_on() {
    let place = Place::new("kept");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { rtp_keepalive = \"noise\" }\n".into();
    setup.itsp_more = "override = { rtp_keepalive = \"empty\" }\n".into();
    let server = Server::start(&place, &setup.text());
    let capture = Capture::start(&place);
    let (mut pbx, itsp) =
        (Phone::new(&place, PBX, &place.sip(INSIDE)), Phone::new(&place, ITSP, &place.sip(OUTSIDE)));
    let named = pbx.description().replace("AVP 8\r\n", "AVP 8 13\r\n");
    pbx.described = Some(named);
    let (mut a, b) = call(&pbx, &itsp, WORLD, DID, "kept");
    let phones = [(&pbx, a.relay), (&itsp, b.relay)];
    let number = speak(phones, 1, Duration::from_secs(1));
    turns(&pbx, &itsp, &mut a, 2, "inactive");
    // What was under way is heard no more; then each is told twice that the way is open.
    for phone in [&pbx, &itsp] {
        let mut told = 0;
        let twice = find(&phone.rtp, Duration::from_secs_f64(2.0 * LATEST), |bytes, _| {
            told += usize::from(bytes.len() <= 13);
            (told == 2).then_some(())
        });
        assert!(twice.is_some(), "{told} keepalives to {:?}", phone.rtp);
    }
    turns(&pbx, &itsp, &mut a, 3, "sendrecv");
    // Longer than any keepalive would wait.
    let _ = speak([(&pbx, a.relay), (&itsp, b.relay)], number, Duration::from_secs_f64(LATEST));
    pbx.hang_up(&a, &itsp);
    assert_eq!(server.stop(), 0);
    let asked = format!("sip.Method == INVITE && ip.src == {} && sip.CSeq.seq > 1", place.ip(PBX));
    let asked: Vec<f64> = numbers(&capture.end(&asked, &["frame.time_epoch"]));
    let (held, resumed) = (asked[0], asked[asked.len() - 1]);
    KEPT.iter().for_each(|kept| judge(&place, &capture, kept, (held, resumed)));
}

fn numbers(lines: &[String]) -> Vec<f64> {
    lines.iter().filter_map(|line| line.split('\t').next()?.parse().ok()).collect()
}

/// Those of one peer came in the hold, each in its time, in a stream of their own; none when it was over.
fn judge(place: &Place, capture: &Capture, kept: &Kept, (held, resumed): (f64, f64)) {
    let way =
        format!("rtp && !icmp && ip.src == {} && ip.dst == {}", place.ip(kept.ours), place.ip(kept.host));
    let fields = ["frame.time_epoch", "rtp.p_type", "rtp.payload", "rtp.ssrc", "rtp.seq"];
    let mut lines = capture.lines(&[], &way, &fields);
    // The loopback interface may show a packet twice.
    lines.dedup_by_key(|line| line.split('\t').skip(3).collect::<Vec<_>>().join("\t"));
    let is_sound = |line: &&String| line.split('\t').nth(1) == Some("8");
    let (sound, others): (Vec<&String>, Vec<&String>) = lines.iter().partition(is_sound);
    let told = || format!("held at {held}, resumed at {resumed}: {others:#?}");
    assert!(sound.len() > 500, "{} packets of sound", sound.len());
    let columns: Vec<Vec<&str>> = others.iter().map(|line| line.split('\t').collect()).collect();
    let alike =
        columns.iter().all(|line| line[1] == kept.payload_type && line[2].replace(':', "") == kept.payload);
    assert!(alike && columns.len() >= 2, "{}", told());
    let name = columns[0][3];
    let number = |line: &[&str]| line[4].parse::<u16>().expect("a number");
    for pair in columns.windows(2) {
        assert!(pair[1][3] == name && number(&pair[1]) == number(&pair[0]).wrapping_add(1), "{}", told());
    }
    assert!(sound.iter().all(|line| !line.contains(name)), "a name of their own: {name}");
    let times: Vec<f64> = columns.iter().filter_map(|line| line[0].parse().ok()).collect();
    let last_sound = numbers(&sound.iter().map(|line| (*line).clone()).collect::<Vec<_>>());
    let quiet = last_sound.iter().copied().filter(|time| *time < times[0]).fold(0.0, f64::max);
    for pair in [quiet].iter().chain(&times).collect::<Vec<_>>().windows(2) {
        let apart = pair[1] - pair[0];
        assert!((QUIET..LATEST).contains(&apart), "{apart} s: {}", told());
    }
    assert!(times.iter().all(|time| (held..resumed + BUSY).contains(time)), "{}", told());
}
