//! Networks that lose packets and bring them unevenly: what a phone hears is whole, as loud as it was said, and in its time.
//!
//! SIPp plays recordings in which packets are missing or late; baresip hears them in G.722, so that all of them are decoded.

use super::{DID, WORLD};
use conformance::baresip::{Baresip, Voice};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::SDP;
use conformance::stream::{self, Packet, dice};
use conformance::{Place, Script, Server, Sipp, audio, records};
use serde_json::Value;

const SECOND: usize = audio::RATE as usize;
/// Plays of a recording until one is met in which nobody stood still.
const PLAYS: usize = 5;
/// How much is looked for at a time.
const PART: usize = SECOND / 2;

/// What a phone has heard of a recording, the record of the call, and packets by time and timestamp as `tshark` read them:
/// those of SIPp as they came, and those to the phone.
struct Heard {
    samples: Vec<i16>,
    record: Value,
    came: Vec<(f64, u32)>,
    left: Vec<(f64, u32)>,
}

fn played(place: &Place, packets: &[Packet]) -> Heard {
    let mut setup = Setup::new(place);
    setup.pbx_more = "override = { latch = \"nat\", codecs = [\"PCMA\"] }\n".into();
    setup.itsp_more = "override = { latch = \"nat\", codecs = [\"G722\"] }\n".into();
    let server = Server::start(place, &setup.text());
    let recording = place.path("stream.pcap");
    stream::record(&recording, packets);
    let last = packets.iter().map(|packet| packet.at).max().unwrap_or_default();
    let voice = Voice { codec: "G722", ..Voice::tone(440.0) };
    let account = format!("<sip:{WORLD}@{}>;regint=0", place.ip(ITSP));
    let callee = Baresip::with_voice(place, WORLD, ITSP, &voice, &account, None);
    callee.process().line("baresip is ready");
    let capture = Capture::start(place);
    let caller = Script::default()
        .call(WORLD, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", SDP)
        .expect(200, &[])
        .inside("ACK", "", "")
        .play(&recording.display().to_string())
        .pause((last / 1_000) as u32 + 500)
        .inside("BYE", "", "")
        .expect(200, &[]);
    let caller = Sipp::of_script(place, "caller", &caller, &place.sip(PBX)).with(&["-mp", "45000"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    let record = records::await_count(place, 1).remove(0);
    let fields = ["frame.time_relative", "rtp.timestamp"];
    let of = |from, number| format!("rtp && !icmp && ip.src == {} && rtp.p_type == {number}", place.ip(from));
    let left = capture.end(&of(OUTSIDE, 9), &fields);
    // SIPp sends what it plays from no port at all, which no description names.
    let came = capture.lines(&["-o", "rtp.heuristic_rtp:TRUE"], &of(PBX, 8), &fields);
    let samples = callee.heard_all();
    drop(callee);
    assert_eq!(server.stop(), 0);
    let read = |line: &String| {
        let (time, stamp) = line.split_once('\t')?;
        Some((time.parse().ok()?, stamp.parse().ok()?))
    };
    let [came, left] = [came, left].map(|lines| lines.iter().filter_map(read).collect());
    Heard { samples, record, came, left }
}

impl Heard {
    /// How long somebody stood still, by the wire: SIPp, which came later than it was to, or the server, which sends without
    /// a hole whatever it lacks.
    fn stood_still(&self) -> f64 {
        let (begun, first) = self.came[0];
        let late = |(time, stamp): &(f64, u32)| time - begun - f64::from(stamp.wrapping_sub(first)) / 8_000.0;
        let (least, most) =
            self.came.iter().map(late).fold((0.0f64, 0.0f64), |(a, b), c| (a.min(c), b.max(c)));
        let gaps = self.left.windows(2).map(|pair| pair[1].0 - pair[0].0);
        gaps.fold(most - least, f64::max)
    }
}

/// Plays packets at a place of this name until nobody stands still meanwhile: what such a play would be judged by is the
/// machine. A server that itself leaves holes does so at every play. `still_max`: seconds, longer than what is played is late
/// or lacks at once.
fn at_ease(name: &str, packets: &[Packet], still_max: f64) -> Heard {
    for _ in 0..PLAYS {
        let heard = played(&Place::new(name), packets);
        let still = heard.stood_still();
        if still < still_max {
            return heard;
        }
        println!("{name}: somebody stood still for {still:.3} s");
    }
    panic!("{name}: somebody stood still at each of {PLAYS} plays");
}

fn figure(record: &Value, name: &str) -> f64 {
    let path = format!("/media/from_caller/quality/{name}");
    record.pointer(&path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {name}: {record}"))
}

/// Where in what was said a part of what was heard lies, in samples behind where it was heard, and how alike it is.
fn behind(heard: &[i16], at: usize, said: &[i16]) -> (i64, f64) {
    let part = &heard[at..at + PART];
    let from = at.saturating_sub(SECOND);
    let to = (at + PART + SECOND).min(said.len());
    let (place, likeness) = audio::find(part, &said[from..to]);
    ((from + place) as i64 - at as i64, likeness)
}

/// Single packets, and a burst of 60 ms once a second.
fn is_lost(number: u32, ptime: u32) -> bool {
    let ms = number * ptime;
    let burst = (700..760).contains(&(ms % 1_000));
    let alone = dice(number).is_multiple_of(33) && !(600..860).contains(&(ms % 1_000));
    ms > 400 && (burst || alone)
}

fn losses(ptime: u32) {
    let said = audio::speech(3, 6);
    let mut packets = stream::a_law(&said, ptime);
    let count = packets.len() as u32;
    packets.retain(|packet| !is_lost(u32::from(packet.sequence), ptime));
    let lost: Vec<u32> = (0..count).filter(|number| is_lost(*number, ptime)).collect();
    let Heard { samples, record, .. } = at_ease(&format!("losses-{ptime}"), &packets, 0.16);
    // At every half second the same: nothing slips, whatever is lost.
    let moments: Vec<usize> = (1..9).map(|half| half * SECOND / 2).collect();
    let found: Vec<(i64, f64)> = moments.iter().map(|at| behind(&samples, *at, &said)).collect();
    let first = found[0].0;
    let slip = found.iter().map(|(place, _)| (place - first).abs()).max();
    assert!(slip.is_some_and(|slip| slip <= 4), "{ptime} ms: {found:?}");
    assert!(found.iter().all(|(_, likeness)| *likeness > 0.8), "{ptime} ms: {found:?}");
    // What is lost is made up, about as loud as it was: the first 30 ms of each gap, for what is longer fades.
    let gaps = lost.iter().filter(|number| !lost.contains(&(*number - 1)));
    for number in gaps.map(|number| (number * ptime * 8) as usize) {
        let (place, length) = ((number as i64 - first) as usize, (ptime.min(30) * 8) as usize);
        let here = audio::level(&samples[place..place + length]).max(1.0);
        let gain = 20.0 * (here / audio::level(&said[number..number + length])).log10();
        assert!((-12.0..9.0).contains(&gain), "{ptime} ms: {gain:.1} dB at {number}");
    }
    let concealed = figure(&record, "concealed_ms");
    assert!((concealed - f64::from(lost.len() as u32 * ptime)).abs() <= 60.0, "{ptime} ms: {record}");
    assert_eq!(record.pointer("/media/from_caller/lost").and_then(Value::as_u64), Some(lost.len() as u64));
    println!("{ptime} ms: {} lost, {concealed} ms made up, {found:?}", lost.len());
}

#[test]
fn what_is_lost_is_made_up_at_every_packet_time_and_nothing_slips() {
    std::thread::scope(|scope| {
        for ptime in [10, 20, 30, 40, 50, 60] {
            scope.spawn(move || losses(ptime));
        }
    });
}

/// Two seconds in which packets come in time, four in which each needs up to 60 ms more, and nine more in time.
fn uneven() -> (Vec<i16>, Vec<Packet>) {
    let said = audio::speech(3, 15);
    let mut packets = stream::a_law(&said, 20);
    let mut before = 0;
    for packet in &mut packets {
        let late =
            if (100..300).contains(&packet.sequence) { dice(u32::from(packet.sequence)) % 61 } else { 0 };
        // None overtakes another.
        packet.at = (packet.at + u64::from(late) * 1_000).max(before);
        before = packet.at;
    }
    (said, packets)
}

/// How late packets were, in milliseconds, within some seconds of the stream, against the first one: that before which 5 in
/// 100 were less so, the median, and that behind which 25 in 100 were more so: the machine, too, stands still for a moment
/// now and then, and what leaves after it is not what is judged.
fn lateness(packets: &[(f64, u32)], seconds: std::ops::Range<f64>) -> [f64; 3] {
    let (begun, first) = packets[0];
    let of = |(time, stamp): &(f64, u32)| {
        let media = f64::from(stamp.wrapping_sub(first)) / 8_000.0;
        seconds.contains(&media).then_some((time - begun - media) * 1_000.0)
    };
    let mut sorted: Vec<f64> = packets.iter().filter_map(of).collect();
    sorted.sort_by(f64::total_cmp);
    [sorted.len() / 20, sorted.len() / 2, sorted.len() * 3 / 4].map(|place| sorted[place])
}

#[test]
fn sound_is_held_while_packets_come_unevenly_and_not_afterwards() {
    let (said, packets) = uneven();
    let Heard { samples, record, came, left } = at_ease("uneven", &packets, 0.1);
    let seen = |seconds: std::ops::Range<f64>| [lateness(&came, seconds.clone()), lateness(&left, seconds)];
    let ([came_held, held], [came_after, after]) = (seen(3.5..5.8), seen(13.4..14.8));
    let put_in = figure(&record, "stretched_ms");
    let told = format!("{came_held:?} {held:?} {came_after:?} {after:?}\n{record}");
    // What came unevenly leaves evenly, and later.
    let spread = |[least, _, most]: [f64; 3]| most - least;
    assert!(spread(came_held) > 30.0 && spread(held) < spread(came_held) / 2.0, "{told}");
    assert!(held[1] + put_in >= came_held[1] + 10.0, "{told}");
    let most = figure(&record, "buffer_max_ms");
    assert!((40.0..=201.0).contains(&most) && figure(&record, "buffer_changes") >= 1.0, "{told}");
    let mean = figure(&record, "buffer_ms");
    assert!(mean > 5.0 && mean < most, "{told}");
    // A machine so busy that SIPp itself sends late, or we hear late, is an uneven network to the end: so much may be held on.
    let needed = Some(late(&came, 6.2).max(hole(&left, 6.2))).filter(|ms| *ms > 15.0).unwrap_or_default();
    println!("{told}\nneeded: {needed}");
    // In the end nothing else is held, and what comes evenly leaves so. A packet that is late so may both have sound put in
    // and be provided for from then on.
    let held_on = after[1] - came_after[1] + put_in - figure(&record, "cut_ms");
    assert!((-45.0..=45.0 + 2.0 * needed).contains(&held_on), "{held_on} {needed} {told}");
    assert!(spread(after) <= 5.0 + spread(came_after).max(needed / 2.0), "{needed} {told}");
    assert!(after[1] <= held[1] - 10.0 + needed, "{needed} {told}");
    // By as much as was put in and not left out again the phone is behind, and no further as time goes on.
    let slips: Vec<(i64, f64)> =
        [5, 12, 134, 140].iter().map(|tenth| behind(&samples, tenth * SECOND / 10, &said)).collect();
    let [(first, _), (second, _), (third, _), (last, _)] = slips[..] else { panic!("{slips:?}") };
    println!("{slips:?}");
    // Where sound is held and let go to the end a part may hold one joint: then its longer piece is found.
    let alike = |from: usize| if from > 1 && needed > 0.0 { 0.45 } else { 0.9 };
    assert!((0..).zip(&slips).all(|(at, (_, likeness))| *likeness > alike(at)), "{slips:?} {needed}");
    let more = needed * 8.0;
    assert!((second - first).abs() <= 4 && (last - third).abs() as f64 <= 4.0 + more, "{slips:?} {needed}");
    let slip = (figure(&record, "cut_ms") - put_in) * 8.0;
    assert!(((last - first) as f64 - slip).abs() <= 8.0 * 5.0 + more, "{slips:?} {needed} {told}");
    assert!((last - first).abs() as f64 <= 8.0 * 60.0 + more, "{slips:?} {needed}");
}

/// For how much longer than a packet lasts nothing was sent from some second on, in milliseconds.
fn hole(packets: &[(f64, u32)], from: f64) -> f64 {
    let begun = packets[0].0;
    let quiet = packets.windows(2).filter(|pair| pair[0].0 - begun >= from);
    quiet.map(|pair| (pair[1].0 - pair[0].0) * 1_000.0 - 20.0).fold(0.0, f64::max)
}

/// How much later than the others the latest packet was from some second on, in milliseconds.
fn late(packets: &[(f64, u32)], from: f64) -> f64 {
    let (begun, first) = packets[0];
    let behind = |(time, stamp): &(f64, u32)| time - begun - f64::from(stamp.wrapping_sub(first)) / 8_000.0;
    let quiet = packets.iter().filter(|(time, _)| time - begun >= from).map(behind);
    let (least, most) =
        quiet.fold((f64::MAX, f64::MIN), |(least, most), late| (least.min(late), most.max(late)));
    (most - least) * 1_000.0
}
