//! Digits from one side's way into the other's, with other people's programs on both ends: SIPp plays recorded
//! events and speaks INFO, baresip plays and records sound, `multimon-ng` and `tshark` say what arrived.

#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::audio;
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::{SDP, Script};
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};

const WORLD: &str = "+441632960001";
const EXTENSION: &str = "+493023125100";
const DIALLED: &str = "1590*#3377";
/// SIPp's own recordings.
const RECORDINGS: &str = "/usr/share/sip-tester";
/// From one digit to the next, milliseconds.
const PACE: u32 = 700;
const PLAIN: &str = "v=0\no=- 1 1 IN IP[media_ip_type] [media_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n\
                     m=audio [audio] RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=ptime:20\na=sendrecv\n";

/// A server whose trunks have digits go so, at the most talkative level of its log.
fn server(place: &Place, pbx: &str, itsp: &str) -> Server {
    let mut setup = Setup::new(place);
    setup.pbx_more = format!("override = {{ dtmf = \"{pbx}\", latch = \"nat\" }}\n");
    let (itsp, form) = itsp.split_once(':').unwrap_or((itsp, "dtmf-relay"));
    setup.itsp_more =
        format!("override = {{ dtmf = \"{itsp}\", dtmf_info = \"{form}\", latch = \"nat\" }}\n");
    setup.more = "[log]\nlevel = \"debug\"\n".into();
    Server::start(place, &setup.text())
}

fn dials(sdp: &str) -> Script {
    Script::default()
        .call(WORLD, &format!("<sip:{EXTENSION}@[local_ip]:[local_port]>"), "", sdp)
        .expect(200, &[])
        .inside("ACK", "", "")
        .pause(1_000)
}

fn hangs_up(script: Script) -> Script {
    script.pause(1_000).inside("BYE", "", "").expect(200, &[])
}

/// A caller who plays the recorded events of each digit.
fn plays_events(place: &Place, sdp: &str) -> Running {
    let mut script = dials(sdp);
    let next = DIALLED.chars().skip(1).map(Some).chain([None]);
    for (digit, next) in DIALLED.chars().zip(next) {
        let name = match digit {
            '*' => "star".to_owned(),
            '#' => "pound".to_owned(),
            digit => digit.to_string(),
        };
        // The same recording bears the same timestamps: what is soon repeated is a repetition of the one event.
        let pause = if next == Some(digit) { 2 * PACE } else { PACE };
        script = script.play(&format!("{RECORDINGS}/dtmf_2833_{name}.pcap")).pause(pause);
    }
    let caller = Sipp::of_script(place, "caller", &hangs_up(script), &place.sip(PBX)).keep_messages();
    caller.with(&["-mp", "40000"]).call(WORLD, &place.sip(INSIDE))
}

/// A caller who sends each digit in an INFO.
fn sends_info(place: &Place, sdp: &str) -> Running {
    let mut script = dials(sdp);
    for digit in DIALLED.chars() {
        let body = format!("Signal={digit}\nDuration=120\n");
        script = script.info("application/dtmf-relay", &body).expect(200, &[]).pause(300);
    }
    let caller = Sipp::of_script(place, "caller", &hangs_up(script), &place.sip(PBX)).keep_messages();
    caller.call(WORLD, &place.sip(INSIDE))
}

/// A callee who answers, takes `infos` INFO requests and is hung up on.
fn takes(place: &Place, sdp: &str, infos: usize) -> Running {
    let mut script = Script::answers(sdp);
    for _ in 0..infos {
        script = script.receive("INFO", &[]).agree("");
    }
    let script = script.hung_up();
    Sipp::of_script(place, "callee", &script, &place.sip(ITSP)).keep_messages().answer()
}

/// The digits of the INFO requests that came, in order, each once.
fn informed(callee: &Running) -> String {
    let mut seen = Vec::new();
    let infos = callee.received().into_iter().filter(|message| message.starts_with("INFO "));
    let mut digits = String::new();
    for info in infos {
        let (head, body) = info.split_once("\n\n").unwrap();
        let cseq = head.lines().find(|line| line.starts_with("CSeq")).unwrap().to_owned();
        if seen.contains(&cseq) {
            continue;
        }
        seen.push(cseq);
        let digit = match body.lines().find_map(|line| line.strip_prefix("Signal=")) {
            Some(digit) => digit,
            None => body.trim(),
        };
        digits.push_str(digit);
    }
    digits
}

/// Lines of a capture, each once: the loopback interface shows packets as they leave and as they come.
fn once(lines: &[String]) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for line in lines {
        if !known.contains(line) {
            known.push(line.clone());
        }
    }
    known
}

/// The digits of the events that left an interface, each by its timestamp: `tshark` reads them.
fn events_from(capture: &Capture, ip: &str) -> String {
    let filter = format!("rtpevent && ip.src == {ip}");
    let fields = ["rtp.timestamp", "rtpevent.event_id", "rtpevent.end_of_event", "rtp.seq"];
    let lines = once(&capture.end(&filter, &fields));
    let (mut digits, mut known) = (String::new(), Vec::new());
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        if !known.contains(&columns[0].to_owned()) {
            known.push(columns[0].to_owned());
            let event: usize = columns[1].parse().unwrap();
            digits.push("0123456789*#ABCD".chars().nth(event).unwrap());
        }
    }
    let ends = lines.iter().filter(|line| matches!(line.split('\t').nth(2), Some("1" | "True"))).count();
    assert_eq!(ends, 3 * known.len(), "each event ends three times: {lines:?}");
    digits
}

/// A callee with a sound card that is a file.
fn records_sound(place: &Place) -> Baresip {
    let callee = Baresip::start(place, WORLD, ITSP, 300.0, None);
    callee.process().line("baresip is ready");
    callee
}

fn hears(callee: &Baresip, place: &Place, digits: &str) {
    let file = place.path("heard.raw");
    let heard = conformance::await_some(|| {
        let heard = audio::digits_heard(&callee.heard_all(), &file);
        (heard.len() >= digits.len()).then_some(heard)
    });
    assert_eq!(heard.as_deref(), Some(digits), "{}", audio::digits_heard(&callee.heard_all(), &file));
}

/// A caller that plays digits as tones.
fn plays_tones(place: &Place) -> Baresip {
    let mut sound = vec![0; 8_000];
    sound.extend(audio::dtmf(DIALLED, 100, 200));
    sound.extend(vec![0; 80_000]);
    let account = format!("<sip:{EXTENSION}@{}>;regint=0", place.ip(PBX));
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let voice = Voice { says: sound, ..Voice::tone(0.0) };
    Baresip::with_voice(place, EXTENSION, PBX, &voice, &account, Some(&uri))
}

/// Nothing that the server wrote down holds a digit that was dialled.
fn says_nothing(server: &Server, place: &Place) {
    let log = server.process().lines().join("\n");
    let record = records::await_count(place, 1).remove(0).to_string();
    for text in [&log, &record] {
        assert!(!text.contains("Signal"), "{text}");
        assert!(!text.contains(DIALLED), "{text}");
    }
}

#[test]
fn recorded_events_become_info() {
    let place = Place::new("dtmf-events-info");
    let server = server(&place, "auto", "info");
    let callee = takes(&place, PLAIN, DIALLED.len());
    let caller = plays_events(&place, SDP);
    caller.finish();
    callee.finish();
    assert_eq!(informed(&callee), DIALLED);
    let invite = callee.await_received("INVITE ");
    assert!(!invite.contains("telephone-event"), "{invite}");
    assert!(caller.await_received("200 OK").contains("telephone-event"));
    says_nothing(&server, &place);
}

#[test]
fn info_becomes_events_that_tshark_reads() {
    let place = Place::new("dtmf-info-events");
    let server = server(&place, "info", "rfc4733");
    let capture = Capture::start(&place);
    let callee = takes(&place, SDP, 0);
    sends_info(&place, PLAIN).finish();
    callee.finish();
    assert!(callee.await_received("INVITE ").contains("telephone-event/8000"));
    assert_eq!(events_from(&capture, &place.ip(OUTSIDE)), DIALLED);
    says_nothing(&server, &place);
}

#[test]
fn recorded_events_become_tones() {
    let place = Place::new("dtmf-events-tones");
    let server = server(&place, "auto", "inband");
    let callee = records_sound(&place);
    plays_events(&place, SDP).finish();
    hears(&callee, &place, DIALLED);
    says_nothing(&server, &place);
}

#[test]
fn info_becomes_tones() {
    let place = Place::new("dtmf-info-tones");
    let server = server(&place, "info", "inband");
    let callee = records_sound(&place);
    sends_info(&place, PLAIN).finish();
    hears(&callee, &place, DIALLED);
    says_nothing(&server, &place);
}

#[test]
fn tones_become_events_that_tshark_reads() {
    let place = Place::new("dtmf-tones-events");
    let server = server(&place, "inband", "rfc4733");
    let capture = Capture::start(&place);
    let callee = Baresip::start(&place, WORLD, ITSP, 300.0, None);
    callee.process().line("baresip is ready");
    let caller = plays_tones(&place);
    // The last digit has been said when the far end hears silence behind it.
    let all = conformance::await_some(|| (callee.heard_all().len() > 8_000 * 5).then_some(()));
    assert!(all.is_some(), "the callee hears the caller");
    assert_eq!(events_from(&capture, &place.ip(OUTSIDE)), DIALLED);
    let left = audio::digits_heard(&callee.heard_all(), &place.path("left.raw"));
    assert_eq!(left, "", "the tones are taken out of the sound");
    drop(caller);
    says_nothing(&server, &place);
}

#[test]
fn tones_become_info() {
    let place = Place::new("dtmf-tones-info");
    let server = server(&place, "inband", "info:dtmf");
    let script = Script::answers(PLAIN);
    let script = DIALLED.chars().fold(script, |script, _| script.receive("INFO", &[]).agree(""));
    let callee = Sipp::of_script(&place, "callee", &script, &place.sip(ITSP)).keep_messages().answer();
    let caller = plays_tones(&place);
    callee.finish();
    drop(caller);
    assert_eq!(informed(&callee), DIALLED);
    assert!(callee.received().iter().any(|message| message.contains("Content-Type: application/dtmf\n")));
    says_nothing(&server, &place);
}

#[test]
fn tones_pass_as_tones() {
    let place = Place::new("dtmf-tones-tones");
    let server = server(&place, "inband", "inband");
    let callee = records_sound(&place);
    let caller = plays_tones(&place);
    hears(&callee, &place, DIALLED);
    // What follows the last digit is silence: none comes twice.
    let end = callee.heard_all().len() + 8_000;
    assert!(conformance::await_some(|| (callee.heard_all().len() > end).then_some(())).is_some());
    hears(&callee, &place, DIALLED);
    drop(caller);
    says_nothing(&server, &place);
}

#[test]
fn info_of_one_form_becomes_info_of_the_other() {
    let place = Place::new("dtmf-info-info");
    let server = server(&place, "info", "info:dtmf");
    let callee = takes(&place, PLAIN, DIALLED.len());
    sends_info(&place, PLAIN).finish();
    callee.finish();
    assert_eq!(informed(&callee), DIALLED);
    says_nothing(&server, &place);
}

#[test]
fn between_trunks_that_say_nothing_events_pass_as_they_came() {
    let place = Place::new("dtmf-events-events");
    let _server = server(&place, "auto", "auto");
    let capture = Capture::start(&place);
    let callee = takes(&place, SDP, 0);
    plays_events(&place, SDP).finish();
    callee.finish();
    // SIPp says the end of each event three times in one packet's number: eight numbers each.
    let filter = format!("rtpevent && ip.dst == {}", place.ip(ITSP));
    let lines =
        once(&capture.end(&filter, &["rtp.timestamp", "rtp.seq", "rtpevent.event_id", "rtpevent.duration"]));
    let distinct: std::collections::BTreeSet<char> = DIALLED.chars().collect();
    assert_eq!(lines.len(), 8 * distinct.len(), "{lines:?}");
}
