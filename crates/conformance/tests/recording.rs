//! Recorded calls: SIPp takes the recording, baresip phones speak, and what the recorder's ports hear is judged by its
//! sound. The metadata are read by Python's parser of XML.

use conformance::audio::{self, share};
use conformance::baresip::{Baresip, Voice};
use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::server::tronco;
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// Last byte of the recorder's address.
const SRS: u8 = 40;
const CALLER_PORT: u16 = 7000;
const CALLEE_PORT: u16 = 7004;
const CALLER_TONE: f64 = 440.0;
const CALLEE_TONE: f64 = 700.0;

fn setup(place: &Place) -> Setup {
    let mut setup = Setup::new(place);
    setup.pbx_more = "record = \"rec\"\noverride = { latch = \"nat\" }\n".into();
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    setup.more = format!(
        "[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"{};transport=udp\"]\noptions_interval = \"0s\"\n{}",
        place.sip(SRS),
        setup.more
    );
    setup
}

fn recorder(place: &Place, scenario: &str) -> Running {
    let recorder = Sipp::new(place, "recorder", scenario, &place.sip(SRS)).calls(1).keep_messages();
    let keys = [("caller_port", CALLER_PORT), ("callee_port", CALLEE_PORT)];
    keys.into_iter().fold(recorder, |sipp, (key, port)| sipp.key(key, &port.to_string())).answer()
}

fn phones(place: &Place) -> (Baresip, Baresip) {
    let account = |number: &str, host| format!("<sip:{number}@{}>;regint=0", place.ip(host));
    let (a, b) = (Voice::tone(CALLER_TONE), Voice::tone(CALLEE_TONE));
    let callee = Baresip::with_voice(place, WORLD, ITSP, &b, &account(WORLD, ITSP), None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_voice(place, DID, PBX, &a, &account(DID, PBX), Some(&uri));
    (caller, callee)
}

/// A port of the recorder's, and the RTCP port above it.
struct Ear {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Ear {
    fn new(place: &Place, port: u16) -> Ear {
        let open = |port| {
            let socket = UdpSocket::bind((place.ip(SRS), port)).expect("a port of the recorder's");
            socket.set_read_timeout(Some(Duration::from_secs(20))).expect("patience");
            socket
        };
        Ear { rtp: open(port), rtcp: open(port + 1) }
    }

    /// So many packets in a row: SSRC and sequence number of each, and the sound.
    fn hear(&self, count: usize) -> (Vec<(u32, u16)>, Vec<i16>) {
        let (mut heads, mut sound, mut buffer) = (Vec::new(), Vec::new(), [0; 2048]);
        while heads.len() < count {
            let length = self.rtp.recv(&mut buffer).expect("a packet for the recorder");
            let packet = &buffer[..length];
            assert!(length > 12 && packet[0] == 0x80 && packet[1] & 0x7f == 8, "RTP with A-law: {packet:?}");
            let ssrc = u32::from_be_bytes(packet[8..12].try_into().expect("four bytes"));
            heads.push((ssrc, u16::from_be_bytes([packet[2], packet[3]])));
            sound.extend(packet[12..].iter().map(|byte| a_law(*byte)));
        }
        (heads, sound)
    }

    /// A second and a half of one stream without a gap, which is one tone.
    fn hears(&self, hertz: f64, not: f64) -> u32 {
        let (heads, sound) = self.hear(75);
        let ssrc = heads[0].0;
        for pair in heads.windows(2) {
            assert_eq!(pair[1], (ssrc, pair[0].1.wrapping_add(1)), "one stream, one after the other");
        }
        let later = &sound[audio::RATE as usize / 2..];
        let (own, other) = (share(later, hertz), share(later, not));
        assert!(own > 0.8 && other < 0.1, "{own:.2} at {hertz}, {other:.2} at {not}");
        ssrc
    }

    /// Whose sender report comes; it is answered with a receiver report (RFC 3550 §6.4).
    fn report(&self) -> u32 {
        let mut buffer = [0; 2048];
        let (length, from) = self.rtcp.recv_from(&mut buffer).expect("a sender report");
        let report = &buffer[..length];
        assert_eq!((report[0], report[1], length), (0x80, 200, 56), "a sender report and a description");
        assert_eq!((report[28], report[29]), (0x81, 202), "SDES");
        let ssrc: [u8; 4] = report[4..8].try_into().expect("four bytes");
        let mut answer = vec![0x81, 201, 0, 7, 9, 9, 9, 9];
        answer.extend_from_slice(&ssrc);
        answer.extend_from_slice(&[0; 20]);
        self.rtcp.send_to(&answer, from).expect("a receiver report leaves");
        u32::from_be_bytes(ssrc)
    }
}

/// ITU-T G.711, A-law.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (byte >> 4 & 7, i16::from(byte & 0x0f));
    let level = match exponent {
        0 => (mantissa << 4) + 8,
        e => ((mantissa << 4) + 0x108) << (e - 1),
    };
    if byte & 0x80 == 0 { -level } else { level }
}

/// What Python's parser finds in metadata: mode, tags, names, labels, who sends what.
const READER: &str = r"
import sys, base64, xml.etree.ElementTree as E
n = '{urn:ietf:params:xml:ns:recording:1}'
r = E.fromstring(sys.stdin.buffer.read())
assert r.tag == n + 'recording', r.tag
ids = [v for e in r.iter() for k, v in e.attrib.items() if k.endswith('_id')]
assert all(len(base64.b64decode(i, validate=True)) == 16 for i in ids), ids
labels = {s.get('stream_id'): s.find(n + 'label').text for s in r.iter(n + 'stream')}
names = {p.get('participant_id'): p.find(n + 'nameID').get('aor') for p in r.iter(n + 'participant')}
print(r.find(n + 'datamode').text, len(list(r.iter(n + 'session'))))
for a in r.iter(n + 'participantstreamassoc'):
    said = ','.join(labels[e.text] for e in a.iter(n + 'send'))
    heard = ','.join(labels[e.text] for e in a.iter(n + 'recv'))
    print(names[a.get('participant_id')].split('@')[0], 'send', said, 'recv', heard)
";

fn read_metadata(invite: &str, place: &Place) -> Vec<String> {
    let at = invite.find("<?xml").expect("metadata");
    let end = invite[at..].find("</recording>").expect("their end") + at + "</recording>".len();
    let file = place.write("metadata.xml", &invite[at..end]);
    let input = std::fs::File::open(file).expect("the metadata");
    let output = Command::new("python3").args(["-c", READER]).stdin(input).output().expect("python3");
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), &invite[at..end]);
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_recorder_hears_each_side_in_a_stream_of_its_own() {
    let place = Place::new("recorded");
    let (caller_ear, callee_ear) = (Ear::new(&place, CALLER_PORT), Ear::new(&place, CALLEE_PORT));
    let server = Server::start(&place, &setup(&place).text());
    let recorder = recorder(&place, "uas_records");
    let (caller, callee) = phones(&place);
    let invite = recorder.await_received("INVITE ");
    for row in
        ["Require: siprec", ";+sip.src", "Content-Type: multipart/mixed;boundary=", "a=label:1", "a=label:2"]
    {
        assert!(invite.contains(row), "{row}: {invite}");
    }
    assert!(invite.contains("Content-Disposition: recording-session"), "{invite}");
    let told = read_metadata(&invite, &place);
    assert_eq!(told[0], "complete 1");
    assert_eq!(
        told[1..],
        [format!("sip:{DID} send 1 recv 2"), format!("sip:{WORLD} send 2 recv 1")],
        "who says what"
    );
    let one = caller_ear.hears(CALLER_TONE, CALLEE_TONE);
    let two = callee_ear.hears(CALLEE_TONE, CALLER_TONE);
    assert_eq!((caller_ear.report(), callee_ear.report()), (one, two), "reports of the same streams");
    caller.hears(CALLEE_TONE, CALLER_TONE);
    callee.hears(CALLER_TONE, CALLEE_TONE);
    drop(caller);
    let tally = recorder.finish();
    assert_eq!((tally.good, tally.failed), (1, 0), "the end of the call ended the recording");
    let record = &records::await_count(&place, 1)[0];
    assert_eq!(records::word(record, "recording"), "rec: ok");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_call_goes_on_when_its_recorder_is_killed() {
    let place = Place::new("killed");
    let ears = (Ear::new(&place, CALLER_PORT), Ear::new(&place, CALLEE_PORT));
    let server = Server::start(&place, &setup(&place).text());
    let recorder = recorder(&place, "uas_records");
    let (caller, callee) = phones(&place);
    ears.0.hears(CALLER_TONE, CALLEE_TONE);
    recorder.kill();
    drop(ears);
    // Two more seconds of sound than there were, on both sides, are one tone still.
    let before = (caller.heard().len(), callee.heard().len());
    let more = 2 * audio::RATE as usize;
    for (phone, before, own, other) in
        [(&caller, before.0, CALLEE_TONE, CALLER_TONE), (&callee, before.1, CALLER_TONE, CALLEE_TONE)]
    {
        let heard = conformance::await_some(|| Some(phone.heard()).filter(|s| s.len() >= before + more));
        let heard = heard.unwrap_or_else(|| panic!("no sound any more\n{}", phone.process().tail()));
        let later = &heard[before..];
        let (own, other) = (share(later, own), share(later, other));
        assert!(own > 0.8 && other < 0.1, "{own:.2}, {other:.2}");
    }
    drop(caller);
    let record = &records::await_count(&place, 1)[0];
    assert!(records::word(record, "reason").starts_with("P-HANGUP-"), "a phone ended it: {record}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_recorder_that_refuses_costs_the_call_nothing() {
    let place = Place::new("refused");
    let server = Server::start(&place, &setup(&place).text());
    let recorder = recorder(&place, "uas_refuses_503");
    let (caller, callee) = phones(&place);
    recorder.await_received("INVITE ");
    recorder.finish();
    caller.hears(CALLEE_TONE, CALLER_TONE);
    callee.hears(CALLER_TONE, CALLEE_TONE);
    drop(caller);
    let record = &records::await_count(&place, 1)[0];
    assert!(records::word(record, "recording").starts_with("rec: failed, "), "{record}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn hold_is_told_to_the_recorder() {
    let place = Place::new("held");
    let server = Server::start(&place, &setup(&place).text());
    let recorder = recorder(&place, "uas_records");
    let callee = Sipp::new(&place, "callee", "uas_held", &place.sip(ITSP)).calls(1).answer();
    let caller = Sipp::new(&place, "caller", "uac_hold_sendonly", &place.sip(PBX)).calls(1);
    let caller = caller.call(WORLD, &place.sip(INSIDE));
    let change = conformance::await_some(|| {
        recorder
            .received()
            .into_iter()
            .find(|text| text.starts_with("INVITE ") && text.contains("a=inactive"))
    });
    let change = change.expect("the recorder hears of the hold");
    assert!(change.contains("<datamode>partial</datamode>"), "{change}");
    caller.finish();
    callee.finish();
    assert_eq!(recorder.finish().failed, 0);
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_operator_has_a_call_recorded() {
    let place = Place::new("ordered");
    let mut setup = setup(&place);
    setup.pbx_more = setup.pbx_more.replace("record = \"rec\"\n", "");
    let server = Server::start(&place, &setup.text());
    let recorder = recorder(&place, "uas_records");
    let (caller, callee) = phones(&place);
    caller.hears(CALLEE_TONE, CALLER_TONE);
    let socket = place.path("tronco.sock").display().to_string();
    let order = |arguments: &[&str]| {
        let output = tronco(&[arguments, &["--socket", &socket]].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let list = order(&["call", "list", "--json"]);
    let key =
        list.split("\"key\":").nth(1).and_then(|rest| rest.split('"').nth(1)).expect("a call").to_owned();
    order(&["call", "record", &key, "--by", "rec"]);
    recorder.await_received("INVITE ");
    recorder.await_received("ACK ");
    order(&["call", "record", &key, "--off"]);
    assert_eq!(recorder.finish().failed, 0, "and recorded no more");
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
}
