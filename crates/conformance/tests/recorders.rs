//! Recorders that die in the middle of a call, that demand SRTP, and calls whose sides speak other codecs: SIPp takes
//! the recording, baresip phones speak, libsrtp opens what is protected.

use conformance::config::Setup;
use conformance::recorder::{
    CALLEE_PORT, CALLEE_TONE, CALLER_PORT, CALLER_TONE, Ear, SRS, SRS_2, is_tone, phones, phones_with, read,
    recorder, setup,
};
use conformance::{Place, Server, records};
use std::fmt::Write as _;
use std::process::Command;

#[test]
fn a_recorder_that_dies_is_followed_by_the_next_within_seconds() {
    let place = Place::new("followed");
    let ears = (Ear::new(&place, SRS, CALLER_PORT), Ear::new(&place, SRS, CALLEE_PORT));
    let next = (Ear::new(&place, SRS_2, CALLER_PORT), Ear::new(&place, SRS_2, CALLEE_PORT));
    let server = Server::start(&place, &setup(&place, &[SRS, SRS_2], "").text());
    let (first, second) = (recorder(&place, SRS, "uas_records"), recorder(&place, SRS_2, "uas_records"));
    let (caller, callee) = phones(&place);
    let _ = ears.0.hears(CALLER_TONE, CALLEE_TONE);
    // Its ports go with it: the host refuses what is sent there.
    first.kill();
    drop(ears);
    let _ = next.0.hears(CALLER_TONE, CALLEE_TONE);
    let _ = next.1.hears(CALLEE_TONE, CALLER_TONE);
    assert!(second.await_received("INVITE ").contains("<datamode>complete</datamode>"));
    caller.hears(CALLEE_TONE, CALLER_TONE);
    callee.hears(CALLER_TONE, CALLEE_TONE);
    caller.control().order("hangup");
    assert_eq!(second.finish().failed, 0, "the end of the call ended the recording");
    let record = &records::await_count(&place, 1)[0];
    let said = records::word(record, "recording");
    let gap = said.strip_prefix("rec: ok, but for ").and_then(|rest| rest.strip_suffix(" s"));
    let gap: f64 = gap.and_then(|gap| gap.parse().ok()).expect("a gap, and no more");
    assert!(gap < 5.0, "{said}");
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn each_side_of_a_transcoded_call_is_recorded_in_the_codec_that_it_speaks() {
    let place = Place::new("tongues");
    let (mut caller_ear, callee_ear) =
        (Ear::new(&place, SRS, CALLER_PORT), Ear::new(&place, SRS, CALLEE_PORT));
    caller_ear.payload = 0;
    let mut setup: Setup = setup(&place, &[SRS], "");
    setup.pbx_more = "record = \"rec\"\noverride = { latch = \"nat\", codecs = [\"PCMU\"] }\n".into();
    setup.itsp_more = "override = { latch = \"nat\", codecs = [\"PCMA\"] }\n".into();
    let server = Server::start(&place, &setup.text());
    let taking = include_str!("../scenarios/uas_records.xml")
        .replace("[caller_port] RTP/AVP 8\na=rtpmap:8 PCMA", "[caller_port] RTP/AVP 0\na=rtpmap:0 PCMU");
    let recorder =
        conformance::Sipp::of_path(&place, "recorder", &place.write("taking.xml", &taking), &place.sip(SRS));
    let recorder = recorder.key("caller_port", &CALLER_PORT.to_string());
    let recorder = recorder.key("callee_port", &CALLEE_PORT.to_string()).keep_messages().answer();
    let (caller, callee) = phones_with(&place, ["PCMU", "PCMA"]);
    let invite = recorder.await_received("INVITE ");
    let offered: Vec<&str> = invite.lines().filter(|line| line.starts_with("m=audio ")).collect();
    let types: Vec<&str> = offered.iter().filter_map(|line| line.split(' ').nth(3)).collect();
    assert_eq!(types, ["0", "8"], "the caller's codec and the callee's: {offered:?}");
    let _ = caller_ear.hears(CALLER_TONE, CALLEE_TONE);
    let _ = callee_ear.hears(CALLEE_TONE, CALLER_TONE);
    caller.hears(CALLEE_TONE, CALLER_TONE);
    caller.control().order("hangup");
    assert_eq!(recorder.finish().failed, 0);
    drop(callee);
    assert_eq!(server.stop(), 0);
}

/// Opens packets with libsrtp: key material in base64, then packets in hex, line by line.
const OPENER: &str = r"
import sys, base64
from pylibsrtp import Policy, Session
lines = sys.stdin.read().split()
key = base64.b64decode(lines[0], validate=True)
session = Session(policy=Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND))
for line in lines[1:]:
    print(session.unprotect(bytes.fromhex(line)).hex())
";

fn opened(place: &Place, key: &str, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut text = format!("{key}\n");
    for packet in packets {
        packet.iter().for_each(|byte| _ = write!(text, "{byte:02x}"));
        text.push('\n');
    }
    let input = std::fs::File::open(place.write("protected", &text)).expect("the packets");
    // The system's own, which the Debian package belongs to.
    let output = Command::new("/usr/bin/python3").args(["-c", OPENER]).stdin(input).output();
    let output = output.expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let byte = |line: &str, at: usize| u8::from_str_radix(&line[at..at + 2], 16).expect("hex");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| (0..line.len()).step_by(2).map(|at| byte(line, at)).collect()).collect()
}

#[test]
fn libsrtp_opens_what_a_recorder_that_demands_srtp_gets() {
    let place = Place::new("sealed");
    let ears = [(CALLER_PORT, CALLER_TONE, CALLEE_TONE), (CALLEE_PORT, CALLEE_TONE, CALLER_TONE)]
        .map(|(port, own, other)| (Ear::new(&place, SRS, port), own, other));
    let more = "override = { srtp = \"required\", srtp_over_plain = \"allow\", srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"] }\n";
    let server = Server::start(&place, &setup(&place, &[SRS], more).text());
    let key =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\na=recvonly";
    let taking = include_str!("../scenarios/uas_records.xml")
        .replace("RTP/AVP", "RTP/SAVP")
        .replace("a=recvonly", key);
    let recorder =
        conformance::Sipp::of_path(&place, "recorder", &place.write("taking.xml", &taking), &place.sip(SRS));
    let recorder = recorder.key("caller_port", &CALLER_PORT.to_string());
    let recorder = recorder.key("callee_port", &CALLEE_PORT.to_string()).keep_messages().answer();
    let (caller, callee) = phones(&place);
    let invite = recorder.await_received("INVITE ");
    let keys: Vec<&str> = invite
        .lines()
        .filter_map(|line| line.split_once("inline:"))
        .map(|(_, rest)| rest.trim_end().split('|').next().unwrap_or(rest))
        .collect();
    assert_eq!(keys.len(), 2, "a key for each stream: {invite}");
    for ((ear, own, other), key) in ears.iter().zip(keys) {
        let packets: Vec<Vec<u8>> = (0..75).map(|_| ear.packet()).collect();
        assert!(packets.iter().all(|packet| packet.len() == 12 + 160 + 10), "a tag of 80 bits");
        let (_, sound) = read(&opened(&place, key, &packets), 8);
        is_tone(&sound, *own, *other);
    }
    caller.control().order("hangup");
    assert_eq!(recorder.finish().failed, 0);
    drop(callee);
    assert_eq!(server.stop(), 0);
}
