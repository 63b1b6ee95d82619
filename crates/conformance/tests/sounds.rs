//! Sound of ours to other people's programs: SIPp waits, refuses and holds, `tshark` and baresip say what was heard.

use conformance::audio;
use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::phone::{Phone, call_answered};
use conformance::rtpengine::Rtpengine;
use conformance::script::{SDP, Script};
use conformance::sipp::Running;
use conformance::timeline::{Timeline, pattern};
use conformance::{Place, Server, Sipp};
use std::path::Path;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
const SECOND: usize = audio::RATE as usize;
/// Milliseconds that a callee rings: a turn of the longest cadence, and a second more.
const RINGS: u32 = 7_000;
/// How much later than it is told to a busy machine may do something, seconds.
const LATE_MAX: f64 = 1.5;

fn server(place: &Place, pbx: &str, itsp: &str) -> Server {
    let mut setup = Setup::new(place);
    setup.pbx_more = format!("override = {{ latch = \"nat\"{pbx} }}\n");
    setup.itsp_more = format!("override = {{ latch = \"nat\"{itsp} }}\n");
    Server::start(place, &setup.text())
}

/// A tone as a file of ours.
fn tone(place: &Place, hertz: f64, seconds: u32) -> String {
    let path = place.path("sound.wav");
    audio::write(&path, &audio::tone(hertz, seconds));
    path.display().to_string()
}

fn dials(number: &str) -> Script {
    Script::default().call(number, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", SDP)
}

fn hangs_up(script: Script) -> Script {
    script.inside("BYE", "", "").expect(200, &[])
}

fn calls(place: &Place, script: &Script) -> Running {
    let caller = Sipp::of_script(place, "caller", script, &place.sip(PBX)).keep_messages();
    caller.with(&["-mp", "40000"]).call(WORLD, &place.sip(INSIDE))
}

/// A caller on a trunk of this country, and a callee that rings and answers; it has ended.
fn rings(place: &Place, country: &str) -> Capture {
    let more = format!(", ringback = \"auto\", ringback_of = \"{country}\"");
    let server = server(place, &more, "");
    let capture = Capture::start(place);
    let script = Script::default().receive("INVITE", &[]).answer("180 Ringing", "", "");
    let script = script.pause(RINGS).answer("200 OK", "", SDP).receive("ACK", &[]);
    let callee = script.receive("BYE", &[]).agree("");
    let callee = Sipp::of_script(place, "callee", &callee, &place.sip(ITSP)).answer();
    let caller = dials(WORLD).hears(180, &[("Content-Type", "application/sdp")]).expect(200, &[]);
    let caller = hangs_up(caller.inside("ACK", "", "").pause(500));
    calls(place, &caller).finish();
    callee.finish();
    assert_eq!(server.stop(), 0);
    capture
}

/// A caller hears this tone in these tenths of a second, and nothing of it once the callee has answered.
fn hears_ringing(name: &str, country: &str, hertz: &[f64], wanted: &str) {
    let place = Place::new(name);
    let capture = rings(&place, country);
    let timeline = Timeline::sent_to(&capture, &place.ip(PBX));
    timeline.sounds(hertz, wanted);
    let said = |status: u16| -> f64 {
        let filter = format!(
            "sip.Status-Code == {status} && sip.CSeq.method == INVITE && ip.src == {}",
            place.ip(ITSP)
        );
        let times = capture.lines(&[], &filter, &["frame.time_epoch"]);
        times.first().and_then(|time| time.parse().ok()).expect("a time")
    };
    for (what, at, status) in [("begins", timeline.from, 180), ("is over", timeline.until, 200)] {
        let late = at - said(status);
        assert!((-0.05..LATE_MAX).contains(&late), "the tone {what} {late} s after the {status}");
    }
}

#[test]
fn a_caller_of_a_german_trunk_hears_the_german_ringing_tone() {
    let wanted = format!("{}{}{}", "#".repeat(10), ".".repeat(40), "#".repeat(10));
    hears_ringing("ring-de", "DE", &[425.0], &wanted);
}

#[test]
fn a_caller_of_an_american_trunk_hears_the_american_ringing_tone() {
    let wanted = format!("{}{}{}", "#".repeat(20), ".".repeat(40), "#".repeat(3));
    hears_ringing("ring-us", "US", &[440.0, 480.0], &wanted);
}

#[test]
fn a_caller_of_a_british_trunk_hears_the_british_ringing_tone() {
    let turn = format!("####..####{}", ".".repeat(20));
    hears_ringing("ring-gb", "GB", &[400.0, 450.0], &turn.repeat(2));
}

/// A call that is refused with 404 behind a file of so many seconds; it has ended.
fn announces(place: &Place, seconds: u32) -> Capture {
    let file = tone(place, 850.0, seconds);
    let server = server(place, &format!(", announce = [{{ status = 404, file = \"{file}\" }}]"), "");
    let capture = Capture::start(place);
    let refuses =
        Script::default().receive("INVITE", &[]).answer("404 Not Found", "", "").receive("ACK", &[]);
    let callee = Sipp::of_script(place, "callee", &refuses, &place.sip(ITSP)).answer();
    let caller = dials(WORLD).hears(183, &[("Content-Type", "application/sdp")]);
    let caller = caller.expect(404, &[("Reason", "Q.850;cause=1;")]).refused();
    calls(place, &caller).finish();
    callee.finish();
    assert_eq!(server.stop(), 0);
    capture
}

#[test]
fn an_announcement_is_heard_before_a_404() {
    let place = Place::new("announce");
    let heard = Timeline::sent_to(&announces(&place, 2), &place.ip(PBX));
    heard.sounds(&[850.0], &"#".repeat(20));
    let pattern = heard.pattern(&[850.0]);
    assert!(heard.heard() <= 2 * SECOND && !pattern.contains(['.', '?']), "nothing else: {pattern}");
}

/// A call that the caller holds for so many seconds; it has ended.
fn holds(place: &Place, direction: &str, seconds: u32) -> Capture {
    let file = tone(place, 700.0, 1);
    let server = server(place, &format!(", hold_music = \"{file}\""), "");
    let capture = Capture::start(place);
    let answer = SDP.replace("a=sendrecv", "a=recvonly");
    let script = Script::default().receive("INVITE", &[]).answer("200 OK", "", SDP).receive("ACK", &[]);
    let script = script.receive("INVITE", &[("", "a=sendonly")]).agree(&answer).receive("ACK", &[]);
    let script = script.receive("INVITE", &[("", "a=sendrecv")]).agree(SDP).receive("ACK", &[]);
    let script = script.receive("BYE", &[]).agree("");
    let callee = Sipp::of_script(place, "callee", &script, &place.sip(ITSP)).answer();
    let hold = SDP.replace("a=sendrecv", direction).replace("- 1 1 IN", "- 1 2 IN");
    let resume = SDP.replace("- 1 1 IN", "- 1 3 IN");
    let caller = dials(WORLD).expect(200, &[]).inside("ACK", "", "").pause(500);
    let caller = caller.inside("INVITE", "", &hold).expect(200, &[]).inside("ACK", "", "");
    let caller = caller.pause(seconds * 1_000).inside("INVITE", "", &resume).expect(200, &[]);
    calls(place, &hangs_up(caller.inside("ACK", "", "").pause(1_000))).finish();
    callee.finish();
    assert_eq!(server.stop(), 0);
    capture
}

/// What a callee hears of a call that is held for three seconds.
fn is_held_to_music(name: &str, direction: &str) {
    let place = Place::new(name);
    let capture = holds(&place, direction, 3);
    let heard = Timeline::sent_to(&capture, &place.ip(ITSP));
    let filter = format!("sip.Method == INVITE && ip.src == {} && sip.CSeq.seq > 1", place.ip(PBX));
    let asked = capture.lines(&[], &filter, &["frame.time_epoch"]);
    let asked: Vec<f64> = asked.iter().filter_map(|time| time.parse().ok()).collect();
    for (what, at, asked) in [("begins", heard.from, asked[0]), ("ends", heard.until, asked[asked.len() - 1])]
    {
        let late = at - asked;
        assert!((-0.05..LATE_MAX).contains(&late), "it {what} {late} s after that was asked for");
    }
    // The last tenth may be a part of one.
    heard.sounds(&[700.0], &"#".repeat((heard.tenths() - 1).max(24)));
}

#[test]
fn whoever_is_held_hears_the_file_until_the_call_goes_on() {
    std::thread::scope(|scope| {
        scope.spawn(|| is_held_to_music("hold-sendonly", "a=sendonly"));
        is_held_to_music("hold-inactive", "a=inactive");
    });
}

/// What our reports about sound that is played to an address say (RFC 3550 §6.4.1, §6.6), as `tshark` reads them: the
/// first are a sender's, in the name of the sound and with what was sent of it by then; the last takes leave when it is
/// over, with all that was sent. Nothing of that name follows.
fn judge_reports(capture: &Capture, from: &str, to: &str) {
    let of_us = format!("ip.src == {from} && ip.dst == {to} && !icmp");
    let sound = format!("rtp && {of_us}");
    let sound = capture.end(&sound, &["frame.time_relative", "rtp.ssrc", "rtp.seq"]);
    let mut sound: Vec<Vec<&str>> = sound.iter().map(|line| line.split('\t').collect()).collect();
    // The loopback interface shows packets as they leave and as they come.
    sound.dedup_by_key(|columns| columns[2]);
    let name = sound.first().expect("sound")[1];
    let of_name: Vec<_> = sound.iter().filter(|columns| columns[1] == name).collect();
    let ends: f64 = of_name.last().expect("sound")[0].parse().expect("a time");
    let fields = [
        "frame.time_relative",
        "rtcp.pt",
        "rtcp.senderssrc",
        "rtcp.sender.packetcount",
        "rtcp.ssrc.identifier",
        "_ws.malformed",
    ];
    let reports = capture.lines(&[], &format!("rtcp && {of_us}"), &fields);
    let mut reports: Vec<Vec<&str>> = reports.iter().map(|line| line.split('\t').collect()).collect();
    reports.retain(|columns| columns[2].split(',').next() == Some(name));
    let said: Vec<_> = reports.iter().map(|columns| (columns[1], columns[5])).collect();
    let (last, before) = said.split_last().expect("reports");
    assert_eq!(*last, ("200,202,203", ""), "{reports:#?}");
    assert!(!before.is_empty() && before.iter().all(|one| *one == ("200,202", "")), "{reports:#?}");
    let farewell = reports.last().expect("a farewell");
    let at: f64 = farewell[0].parse().expect("a time");
    assert!((ends..ends + LATE_MAX).contains(&at), "{at} s, its sound ends at {ends} s");
    assert_eq!(farewell[3], of_name.len().to_string(), "all that was sent of it");
}

#[test]
fn a_ringing_tone_is_reported_while_it_sounds_and_says_farewell_with_the_answer() {
    let place = Place::new("ring-reports");
    let capture = rings(&place, "DE");
    judge_reports(&capture, &place.ip(INSIDE), &place.ip(PBX));
}

#[test]
fn an_announcement_is_reported_while_it_sounds_and_says_farewell_at_its_end() {
    let place = Place::new("announce-reports");
    let capture = announces(&place, 4);
    judge_reports(&capture, &place.ip(INSIDE), &place.ip(PBX));
}

#[test]
fn music_on_hold_is_reported_while_it_sounds_and_says_farewell_when_the_call_goes_on() {
    let place = Place::new("hold-reports");
    let capture = holds(&place, "a=sendonly", 6);
    judge_reports(&capture, &place.ip(OUTSIDE), &place.ip(ITSP));
}

#[test]
fn ringing_is_heard_over_srtp_too() {
    let place = Place::new("ring-srtp");
    let more = ", ringback = \"auto\", srtp = \"required\", ringing = { map_180 = \"183\" }";
    let server = server(&place, more, "");
    let script = Script::default().receive("INVITE", &[]).answer("180 Ringing", "", "");
    let script =
        script.pause(3_000).answer("200 OK", "", SDP).receive("ACK", &[]).receive("BYE", &[]).agree("");
    let callee = Sipp::of_script(&place, "callee", &script, &place.sip(ITSP)).answer();
    let account = format!("<sip:{DID}@{}>;regint=0;mediaenc=srtp-mand", place.ip(PBX));
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_account(&place, DID, PBX, 300.0, &account, Some(&uri));
    let mut line = caller.control();
    let heard = conformance::await_some(|| Some(caller.heard_all()).filter(|s| s.len() > SECOND));
    let heard = pattern(&heard.unwrap_or_default(), &[425.0]);
    assert!(heard.contains("####"), "{heard}\n{}", caller.process().tail());
    line.await_word("CALL_ESTABLISHED");
    line.order("hangup");
    callee.finish();
    assert_eq!(server.stop(), 0);
}

#[test]
fn music_is_heard_over_srtp_too() {
    let place = Place::new("hold-srtp");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { srtp = \"required\" }\n".into();
    setup.itsp_more = format!("override = {{ hold_music = \"{}\" }}\n", tone(&place, 700.0, 1));
    let server = Server::start(&place, &setup.text());
    // baresip writes nothing of what it hears while it listens alone: rtpengine opens the packets for a plain phone.
    let mut caller = Phone::new(&place, PBX, &place.sip(INSIDE));
    let callee = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let engine = Rtpengine::start(&place, PBX + 1);
    let how = |proto: &str| {
        [("transport-protocol", proto.into()), ("ICE", "remove".into()), ("DTLS", "off".into())]
    };
    caller.described = Some(engine.offer(&caller.description(), &how("RTP/SAVP")));
    // Answered on hold.
    let held = |_: &str| format!("{}a=sendonly\r\n", callee.description());
    let (dialog, _) = call_answered(&caller, &callee, (WORLD, DID, "held"), held);
    assert!(dialog.description.contains("RTP/SAVP 8"), "{}", dialog.description);
    let _ = engine.answer(&dialog.description, &how("RTP/AVP"));
    let mut heard = Vec::new();
    while heard.len() < 2 * SECOND {
        heard.extend(caller.receive_rtp().0[12..].iter().map(|code| audio::of_a_law(*code)));
    }
    let heard = pattern(&heard, &[700.0]);
    assert!(heard.contains(&"#".repeat(15)), "{heard}\n{}", engine.process().tail());
    caller.hang_up(&dialog, &callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_file_that_cannot_be_played_is_told_with_its_place() {
    let place = Place::new("sound-check");
    let bad = place.path("bad.wav");
    std::fs::write(&bad, b"RIFF....").expect("a file");
    let music = format!("override = {{ hold_music = \"{}\" }}", bad.display());
    let refusal = format!("override = {{ announce = [{{ status = 404, file = \"{}\" }}] }}", bad.display());
    // Of a trunk, of all trunks, and of the trunks of a site.
    for (of, written) in [("", &music), ("[defaults]", &music), ("[site.here.defaults]", &refusal)] {
        let mut setup = Setup::new(&place);
        match of {
            "" => setup.pbx_more = format!("{written}\n"),
            of => {
                setup.pbx_more = if of == "[defaults]" { String::new() } else { "site = \"here\"\n".into() };
                setup.more = format!("{of}\n{written}\n");
            }
        }
        let told = checked(&place, &setup.text());
        let line = setup.text().lines().position(|line| line == written).expect("the line") + 1;
        let right = told.contains(&format!("tronco.toml:{line}:")) && told.contains("no WAV file");
        assert!(right && told.contains("expected a WAV file of one channel"), "{told}");
        assert_eq!(told.matches("no WAV file").count(), 1, "once: {told}");
    }
}

fn checked(place: &Place, text: &str) -> String {
    let file: &Path = &place.path("tronco.toml");
    std::fs::write(file, text).expect("a configuration");
    let mut command = std::process::Command::new(conformance::server::program());
    let output = command.args(["check", "--config"]).arg(file).output().expect("the program");
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
