//! Recorded calls: SIPp takes the recording, baresip phones speak, and what the recorder's ports hear is judged by its
//! sound. The metadata are read by Python's parser of XML.

use conformance::audio::{self, share};
use conformance::config::{INSIDE, ITSP, PBX};
use conformance::control::{ask, await_call};
use conformance::island::on_an_island_of_both;
use conformance::recorder::{
    CALLEE_PORT, CALLEE_TONE, CALLER_PORT, CALLER_TONE, DID, Ear, SRS, WORLD, phones, recorder, setup,
};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp, records};
use std::process::Command;

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
    is_recorded(&Place::new("recorded"));
}

#[test]
fn a_recorder_of_ipv6_hears_a_call_between_ipv6_and_ipv4() {
    let name = "a_recorder_of_ipv6_hears_a_call_between_ipv6_and_ipv4";
    on_an_island_of_both(name, || is_recorded(&Place::six("recorded-six", &[INSIDE, PBX, SRS])));
}

/// A whole call and its recording.
fn is_recorded(place: &Place) {
    let (caller_ear, callee_ear) = (Ear::new(place, SRS, CALLER_PORT), Ear::new(place, SRS, CALLEE_PORT));
    let server = Server::start(place, &setup(place, &[SRS], "").text());
    let recorder = recorder(place, SRS, "uas_records");
    let (caller, callee) = phones(place);
    let invite = recorder.await_received("INVITE ");
    for row in
        ["Require: siprec", ";+sip.src", "Content-Type: multipart/mixed;boundary=", "a=label:1", "a=label:2"]
    {
        assert!(invite.contains(row), "{row}: {invite}");
    }
    assert!(invite.contains("Content-Disposition: recording-session"), "{invite}");
    let told = read_metadata(&invite, place);
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
    caller.control().order("hangup");
    let tally = recorder.finish();
    assert_eq!((tally.good, tally.failed), (1, 0), "the end of the call ended the recording");
    let record = &records::await_count(place, 1)[0];
    // A recorder that was held up may have missed a moment.
    let said = records::word(record, "recording");
    let missed =
        said.strip_prefix("rec: ok, but for ").and_then(|time| time.strip_suffix(" s")?.parse().ok());
    assert!(said == "rec: ok" || missed.is_some_and(|missed: f64| missed < 3.0), "{said}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_call_goes_on_when_its_recorder_is_killed() {
    let place = Place::new("killed");
    let ears = (Ear::new(&place, SRS, CALLER_PORT), Ear::new(&place, SRS, CALLEE_PORT));
    let server = Server::start(&place, &setup(&place, &[SRS], "").text());
    let recorder = recorder(&place, SRS, "uas_records");
    let (caller, callee) = phones(&place);
    let _ = ears.0.hears(CALLER_TONE, CALLEE_TONE);
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
    caller.control().order("hangup");
    let record = &records::await_count(&place, 1)[0];
    assert!(records::word(record, "reason").starts_with("P-HANGUP-"), "a phone ended it: {record}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_recorder_that_refuses_costs_the_call_nothing() {
    let place = Place::new("refused");
    let server = Server::start(&place, &setup(&place, &[SRS], "").text());
    let recorder = recorder(&place, SRS, "uas_refuses_503");
    let (caller, callee) = phones(&place);
    recorder.await_received("INVITE ");
    recorder.finish();
    caller.hears(CALLEE_TONE, CALLER_TONE);
    callee.hears(CALLER_TONE, CALLEE_TONE);
    caller.control().order("hangup");
    let record = &records::await_count(&place, 1)[0];
    assert!(records::word(record, "recording").starts_with("rec: failed, "), "{record}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn hold_is_told_to_the_recorder() {
    let place = Place::new("held");
    let server = Server::start(&place, &setup(&place, &[SRS], "").text());
    let recorder = recorder(&place, SRS, "uas_records");
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

/// Of a call that nobody records nothing pauses.
fn check_no_pause(place: &Place, key: &str) {
    let socket = place.path("tronco.sock").display().to_string();
    for pause in ["--pause", "--resume"] {
        let vain = tronco(&["call", "record", key, pause, "--socket", &socket]);
        let said = String::from_utf8_lossy(&vain.stderr);
        assert!(!vain.status.success() && said.contains("nobody records call"), "{vain:?}");
    }
    let (head, body) = ask(place, "POST", &format!("/v1/calls/{key}/record?pause=true"));
    assert!(head.starts_with("HTTP/1.1 409") && body.contains("\"not-recorded\""), "{head}\n{body}");
}

#[test]
fn an_operator_has_a_call_recorded() {
    let place = Place::new("ordered");
    let mut setup = setup(&place, &[SRS], "");
    setup.pbx_more = setup.pbx_more.replace("record = \"rec\"\n", "");
    let server = Server::start(&place, &setup.text());
    let recorder = recorder(&place, SRS, "uas_records");
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
    check_no_pause(&place, &key);
    order(&["call", "record", &key, "--by", "rec"]);
    recorder.await_received("INVITE ");
    recorder.await_received("ACK ");
    let from = server.reload(&setup.text().replace("[trunk.rec]", "[trunk.late]"));
    server.process().line_after(from, "reloaded");
    let late = tronco(&["call", "record", &key, "--by", "late", "--socket", &socket]);
    let said = String::from_utf8_lossy(&late.stderr);
    assert!(
        !late.status.success() && said.contains("keeps the configuration that it began with"),
        "{late:?}"
    );
    let (head, body) = ask(&place, "POST", &format!("/v1/calls/{key}/record?by=late"));
    assert!(head.starts_with("HTTP/1.1 409") && body.contains("\"no-recorder-then\""), "{head}\n{body}");
    order(&["call", "record", &key, "--off"]);
    assert_eq!(recorder.finish().failed, 0, "and recorded no more");
    let call = await_call(&place, |call| call.get("recording").is_some());
    assert_eq!(records::word(&call, "recording"), "rec: ok, then ended");
    caller.control().order("hangup");
    drop(callee);
    assert_eq!(server.stop(), 0);
}
