//! Comfort noise (RFC 3389). baresip neither sends nor names any, so SIPp sends it; baresip hears it, where it is made for
//! whoever knows no name for it, and `tshark` reads it, where it passes under the receiver's number.

use super::{DID, WORLD};
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::SDP;
use conformance::stream::{self, NOISE, Packet};
use conformance::{Place, Script, Server, Sipp, audio, records};

const SECOND: usize = audio::RATE as usize;
/// 38 dB below the overload point, and reflection coefficients of a sound that is not flat (RFC 3389 §3).
const NOISES: [u8; 4] = [38, 150, 110, 127];
/// The root mean square that this is.
const LEVEL: f64 = 412.0;

/// Two seconds of a voice, two of a pause with its noise told each half second, and two of the voice again.
fn pause() -> Vec<Packet> {
    let said = audio::speech(3, 6);
    let all = stream::a_law(&said, 20);
    let (pause, mut packets) = (100..200u16, Vec::new());
    let mut sequence = 0;
    for packet in all {
        let place = packet.sequence;
        let told = pause.contains(&place);
        if told && !(place - pause.start).is_multiple_of(25) {
            continue;
        }
        let packet =
            if told { Packet { payload_type: NOISE, payload: NOISES.to_vec(), ..packet } } else { packet };
        packets.push(Packet { sequence, ..packet });
        sequence += 1;
    }
    packets
}

/// The caller's description, which names noise.
fn offer() -> String {
    SDP.replace("8 0 101", "8 13 101").replace("a=rtpmap:0 PCMU/8000\n", "a=rtpmap:13 CN/8000\n")
}

/// One call of SIPp that plays the pause.
fn calls(place: &Place) {
    let recording = place.path("stream.pcap");
    stream::record(&recording, &pause());
    let caller = Script::default()
        .call(WORLD, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", &offer())
        .expect(200, &[])
        .inside("ACK", "", "")
        .play(&recording.display().to_string())
        .pause(6_300)
        .inside("BYE", "", "")
        .expect(200, &[]);
    let caller = Sipp::of_script(place, "caller", &caller, &place.sip(PBX)).with(&["-mp", "45000"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
}

fn server(place: &Place) -> Server {
    let mut setup = Setup::new(place);
    setup.pbx_more = "override = { latch = \"nat\", codecs = [\"PCMA\"] }\n".into();
    setup.itsp_more = "override = { latch = \"nat\", codecs = [\"G722\"] }\n".into();
    Server::start(place, &setup.text())
}

#[test]
fn a_phone_that_knows_no_comfort_noise_hears_it_as_loud_as_it_was_told() {
    let place = Place::new("noise-heard");
    let server = server(&place);
    let voice = Voice { codec: "G722", ..Voice::tone(440.0) };
    let account = format!("<sip:{WORLD}@{}>;regint=0", place.ip(ITSP));
    let callee = Baresip::with_voice(&place, WORLD, ITSP, &voice, &account, None);
    callee.process().line("baresip is ready");
    calls(&place);
    let record = records::await_count(&place, 1).remove(0);
    let heard = callee.heard_all();
    drop(callee);
    assert_eq!(server.stop(), 0);
    let noise = record.pointer("/media/from_caller/quality/noise_packets").and_then(|n| n.as_u64());
    assert_eq!(noise, Some(4), "{record}");
    // Voice, noise, voice: each at its time, without a hole between.
    let said = audio::speech(3, 6);
    let level = |from: usize, to: usize| audio::level(&heard[from * SECOND / 10..to * SECOND / 10]);
    let off = |level: f64| 20.0 * (level.max(1.0) / LEVEL).log10();
    let levels: Vec<f64> = (22..38).map(|tenth| off(level(tenth, tenth + 1))).collect();
    assert!(levels.iter().all(|db| db.abs() < 4.0), "{levels:?}");
    let (at, likeness) = audio::find(&heard[9 * SECOND / 2..5 * SECOND], &said);
    assert!(likeness > 0.95, "{likeness}");
    let slip = at as i64 - 9 * SECOND as i64 / 2;
    assert!(slip.abs() < SECOND as i64 / 10, "{slip} samples after the pause");
    println!("{levels:.1?} dB beside what was told, {slip} samples");
}

#[test]
fn a_peer_that_names_comfort_noise_gets_it_word_for_word_under_its_own_number() {
    let place = Place::new("noise-passes");
    let server = server(&place);
    let capture = Capture::start(&place);
    let answer = SDP.replace("8 0 101", "9 98 101").replace(
        "a=rtpmap:8 PCMA/8000\na=rtpmap:0 PCMU/8000\n",
        "a=rtpmap:9 G722/8000\na=rtpmap:98 CN/8000\n",
    );
    let callee = Script::answers(&answer).hung_up();
    let callee =
        Sipp::of_script(&place, "callee", &callee, &place.sip(ITSP)).with(&["-mp", "45000"]).answer();
    calls(&place);
    callee.finish();
    let filter = format!("rtp && !icmp && ip.src == {} && rtp.p_type == 98", place.ip(OUTSIDE));
    let lines = capture.end(&filter, &["rtp.payload", "rtp.timestamp"]);
    assert_eq!(server.stop(), 0);
    let told: String = NOISES.iter().map(|byte| format!("{byte:02x}")).collect();
    let payloads: Vec<String> =
        lines.iter().map(|line| line.split('\t').next().unwrap_or_default().replace(':', "")).collect();
    assert_eq!(payloads, vec![told; 4]);
    let stamps: Vec<u32> = lines.iter().filter_map(|line| line.split('\t').nth(1)?.parse().ok()).collect();
    let apart: Vec<u32> = stamps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert_eq!(apart, [4_000; 3], "each at its place");
}
