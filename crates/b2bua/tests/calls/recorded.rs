//! Calls that are recorded: a second dialog with a recorder, which never touches the call.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, inside, response};
use b2bua::input::RecordWish;
use b2bua::{CallKey, Command};
use base::{ReasonId, TrunkId};
use media::Side;
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) const SRS: &str = "10.0.0.30:5060";
pub(crate) const SRS2: &str = "10.0.0.31:5060";
/// What the recorder takes: both sides' words.
pub(crate) const TAKES: &str = "v=0\r\no=srs 1 1 IN IP4 10.0.0.30\r\ns=-\r\nc=IN IP4 10.0.0.30\r\nt=0 0\r\nm=audio 7000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\na=label:1\r\nm=audio 7002 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=recvonly\r\na=label:2\r\n";

/// The engine has no port left on a side.
pub(crate) fn no_ports(session: media::SessionId, side: media::Side) -> Option<media::Reply> {
    Some(media::Reply::OpenFailed { session, reason: media::OpenError::PortsExhausted(side) })
}

/// What the engine answers when ports towards a recorder are asked for.
pub(crate) fn ports_to_it(
    command: &media::Command,
    opened: &mut BTreeMap<media::SessionId, media::Ports>,
) -> Option<media::Reply> {
    let media::Command::Copy { session, streams, .. } = command else { return None };
    let mut ports = media::Ports::default();
    for stream in 0..u16::from(*streams) {
        ports.push(media::StreamPorts { a_rtp: 40_000 + 2 * stream, b_rtp: 41_000 + 2 * stream });
    }
    opened.insert(*session, ports);
    Some(media::Reply::Opened { session: *session, ports })
}

impl World {
    /// The engine's last report of a session; `uncopied`: packets that were lost before a recorder.
    pub(crate) fn closed(&self, session: media::SessionId) -> media::Reply {
        let report = media::Report { uncopied: self.uncopied, ..media::Report::default() };
        media::Reply::Closed { session, report: Box::new(report) }
    }

    /// The session towards a recorder that was opened last.
    pub(crate) fn copied(&self) -> media::SessionId {
        let last = self.media.iter().rev().find_map(|command| match command {
            media::Command::Copy { session, .. } => Some(*session),
            _ => None,
        });
        last.expect("a session towards the recorder")
    }
}

pub(crate) fn recorded(gateways: &str) -> World {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [{gateways}]\noptions_interval = \"0s\"\n"
    ))
}

/// A call up to its answer, and the INVITE to the recorder.
pub(crate) fn begun(world: &mut World) -> (Sent, Sent) {
    let (ok, sent) = answered_call(world);
    (ok, sent.into_iter().next_back().expect("an INVITE to the recorder"))
}

pub(crate) fn answered_call(world: &mut World) -> (Sent, Vec<Sent>) {
    world.receive(PBX, &crate::common::invite("004420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "tb", "", ANSWER));
    let sent = world.take();
    let starts: Vec<&str> = sent.iter().map(Sent::start).collect();
    assert!(starts[0].starts_with("ACK") && starts[1].starts_with("SIP/2.0 200"), "{starts:?}");
    let ok = sent[1].clone();
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (ok, sent)
}

/// The recorder answers; its ACK.
pub(crate) fn taken(world: &mut World, invite: &Sent, body: &str) -> Sent {
    world.receive(SRS, &response(invite, "200 OK", "srs", "", body));
    world.expect(&[(SRS, "ACK sip:bob@10.0.0.30:5060")]).remove(0)
}

/// The caller hangs up; BYE to both peers and to the recorder, all answered.
pub(crate) fn hung_up(world: &mut World, ok: &Sent, cseq: u32) {
    world.receive(PBX, &inside("BYE", cseq, ok.header("To"), "bye1", "", ""));
    let sent = world.take();
    for bye in sent.iter().filter(|sent| sent.start().starts_with("BYE")) {
        world.receive(&bye.to.to_string(), &response(bye, "200 OK", "", "", ""));
    }
}

pub(crate) fn part<'a>(sent: &'a Sent, kind: &str) -> &'a str {
    let body = sent.body();
    let at = body.find(&format!("Content-Type: {kind}")).expect("a part of that type");
    let content = body[at..].split_once("\r\n\r\n").expect("rows").1;
    content.split("\r\n--").next().expect("a boundary")
}

/// A request of the recorder's inside its dialog.
pub(crate) fn from_recorder(method: &str, invite: &Sent, rows: &str, body: &str) -> String {
    format!(
        "{method} sip:10.0.0.5:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {SRS};rport;branch=z9hG4bKr{method}\r\nMax-Forwards: 70\r\nFrom: {};tag=srs\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 5 {method}\r\nContact: <sip:bob@{SRS}>\r\n{rows}Content-Length: {}\r\n\r\n{body}",
        invite.header("To"),
        invite.header("From"),
        invite.header("Call-ID"),
        body.len()
    )
}

pub(crate) fn counter(world: &World, name: &str) -> u64 {
    world.board.status().counters.iter().find(|(of, _)| *of == name).map_or(0, |(_, count)| *count)
}

#[test]
fn a_recorded_call_is_offered_to_its_recorder_with_a_stream_for_each_side() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    assert_eq!((&*invite.to.to_string(), invite.start()), (SRS, "INVITE sip:10.0.0.30 SIP/2.0"));
    assert_eq!(invite.header("Require"), "siprec");
    assert_eq!(invite.header("Contact"), "<sip:10.0.0.5:5060>;+sip.src");
    assert!(invite.header("Content-Type").starts_with("multipart/mixed;boundary="));
    let sdp = part(&invite, "application/sdp");
    let lines: Vec<&str> =
        sdp.split("\r\n").filter(|l| l.starts_with("m=") || l.starts_with("a=label")).collect();
    assert_eq!(
        lines,
        ["m=audio 40000 RTP/AVP 8 101", "a=label:1", "m=audio 41000 RTP/AVP 8 101", "a=label:2"],
        "what each side says, by the codecs that were agreed"
    );
    assert_eq!(sdp.matches("a=sendonly").count(), 2, "{sdp}");
    let xml = part(&invite, "application/rs-metadata+xml");
    assert!(invite.body().contains("Content-Disposition: recording-session\r\n"), "{}", invite.body());
    assert!(xml.contains("<datamode>complete</datamode>"), "{xml}");
    assert!(
        xml.contains("<nameID aor=\"sip:+493023125100@10.0.0.21\">") && xml.contains("<name>Alice</name>"),
        "{xml}"
    );
    assert!(xml.contains("aor=\"sip:+4420700000@192.0.2.7\""), "{xml}");
    taken(&mut world, &invite, TAKES);
    let told: Vec<(Side, u16)> = world
        .media
        .iter()
        .filter_map(|command| match command {
            media::Command::Set { session, side, remote, .. } if session.0 & 0xff == 2 => {
                Some((*side, remote.rtp.map_or(0, |rtp| rtp.port())))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(Side::A, 7000), (Side::B, 7002)], "each side's words go to their port");
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
    assert_eq!((counter(&world, "recordings"), counter(&world, "recordings_failed")), (1, 0));
    assert_eq!(counter(&world, "media_sessions"), 0, "its ports are given back");
}

#[test]
fn the_end_of_a_call_ends_its_recording() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE"), (SRS, "BYE sip:bob@10.0.0.30:5060")]);
    let closed = world.media.iter().filter(|c| matches!(c, media::Command::Close { .. })).count();
    assert_eq!(closed, 2, "the call's session and the recorder's");
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    // The recorder is silent: nothing waits for it but its own transaction.
    world.settle();
    assert_eq!((world.records[0].reason, &*world.records[0].recording), (ReasonId::HangupA, "rec: ok"));
}

#[test]
fn a_call_without_a_recorder_is_not_recorded() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "");
    assert!(!world.media.iter().any(|c| matches!(c, media::Command::Copy { .. })));
}

#[test]
fn hold_is_told_to_the_recorder_as_a_change() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let hold = OFFER.replace("alice 1 1", "alice 1 2").replace("sendrecv", "sendonly");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "hold", "", &hold));
    let sent = world.take();
    let passed = sent.iter().find(|s| s.to.to_string() == GW1).expect("the hold is passed on");
    let held = ANSWER.replace("bob 5 5", "bob 5 6") + "a=recvonly\r\n";
    world.receive(GW1, &response(passed, "200 OK", "tb", "", &held));
    let sent = world.take();
    let change = sent.iter().find(|s| s.to.to_string() == SRS).expect("the recorder hears of it");
    assert!(change.start().starts_with("INVITE sip:bob@10.0.0.30:5060"), "{}", change.start());
    let sdp = part(change, "application/sdp");
    let lines: Vec<&str> = sdp.split("\r\n").filter(|l| *l == "a=sendonly" || *l == "a=inactive").collect();
    assert_eq!(lines, ["a=sendonly", "a=inactive"], "the callee says nothing any more: {sdp}");
    let xml = part(change, "application/rs-metadata+xml");
    assert!(xml.contains("<datamode>partial</datamode>"), "{xml}");
    assert_eq!((xml.matches("<send>").count(), xml.matches("<recv>").count()), (1, 1), "{xml}");
    assert!(!xml.contains("<participant "), "who takes part has not changed: {xml}");
    let answer = TAKES.replace("srs 1 1", "srs 1 2");
    world.receive(SRS, &response(change, "200 OK", "srs", "", &answer));
    world.expect(&[(SRS, "ACK")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "hold2", "", ""));
    hung_up(&mut world, &ok, 3);
    world.settle();
}

#[test]
fn a_recorder_that_asks_for_a_snapshot_is_told_everything() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let rows = "Content-Type: application/rs-metadata-request\r\nContent-Disposition: recording-session\r\n";
    let body = "<?xml version=\"1.0\"?><requestsnapshot xmlns='urn:ietf:params:xml:ns:recording:1'/>";
    world.receive(SRS, &from_recorder("UPDATE", &invite, rows, body));
    let sent = world.expect(&[(SRS, "SIP/2.0 200"), (SRS, "INVITE sip:bob@10.0.0.30")]);
    let xml = part(&sent[1], "application/rs-metadata+xml");
    assert!(xml.contains("<datamode>complete</datamode>"), "{xml}");
    let before = part(&invite, "application/rs-metadata+xml");
    let id = |xml: &str| xml.split("session_id=\"").nth(1).map(|rest| rest[..24].to_owned());
    assert_eq!(id(xml), id(before), "the same session");
    world.receive(SRS, &response(&sent[1], "200 OK", "srs", "", TAKES));
    world.expect(&[(SRS, "ACK")]);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_recorder_that_pauses_by_its_own_offer_is_answered_with_what_stands() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let pause = TAKES.replace("recvonly", "inactive");
    let offer = from_recorder("INVITE", &invite, "Content-Type: application/sdp\r\n", &pause);
    world.receive(SRS, &offer);
    let sent = world.expect(&[(SRS, "SIP/2.0 200")]);
    assert!(sent[0].body().contains("m=audio 40000 "), "{}", sent[0].body());
    let paused = world
        .media
        .iter()
        .rev()
        .take(2)
        .all(|command| matches!(command, media::Command::Set { remote, .. } if !remote.send));
    assert!(paused, "nothing is sent to it any more");
    let ack = from_recorder("ACK", &invite, "", "");
    world.receive(SRS, &ack);
    world.expect(&[]);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn an_operator_begins_and_ends_the_recording_of_one_call() {
    let mut world = World::new(&format!(
        "{CONFIG}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n"
    ));
    let (_, ok) = answered(&mut world);
    let key: CallKey = world.board.calls()[0].key;
    let wish = RecordWish::By(TrunkId(3));
    world.command(Command::Record { call: key, wish });
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &invite, TAKES);
    assert_eq!(&*world.board.calls()[0].recording, "rec: ok");
    world.command(Command::Record { call: key, wish: RecordWish::Off });
    let bye = world.expect(&[(SRS, "BYE")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    assert_eq!(&*world.board.calls()[0].recording, "rec: ok, then ended");
    world.command(Command::Record { call: key, wish });
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &invite, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn the_record_says_that_a_recording_was_ended_before_its_call() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let key: CallKey = world.board.calls()[0].key;
    world.command(Command::Record { call: key, wish: RecordWish::Off });
    let bye = world.expect(&[(SRS, "BYE")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok, then ended");
}

#[test]
fn a_call_from_a_recorder_is_refused() {
    let mut world = recorded("\"10.0.0.30\"");
    let call = crate::common::invite("+4420700000", OFFER, "").replace("10.0.0.21", "10.0.0.30");
    world.receive(SRS, &call);
    world.expect(&[(SRS, "SIP/2.0 403")]);
    world.receive(
        SRS,
        &inside("ACK", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", "").replace("10.0.0.21", "10.0.0.30"),
    );
    world.pass(Duration::from_secs(40));
    assert_eq!(world.records[0].reason, ReasonId::FromRecorder);
}

#[test]
fn a_recorder_that_wants_srtp_is_offered_keys_of_its_own_and_gets_what_it_chose() {
    let pbx = CONFIG.replace("[trunk.pbx]\n", "[trunk.pbx]\nrecord = \"rec\"\n");
    let mut world = World::new(&format!(
        "{pbx}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n\
         override = {{ srtp = \"required\", srtp_over_plain = \"allow\", srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"] }}\n"
    ));
    let (ok, invite) = begun(&mut world);
    let sdp = part(&invite, "application/sdp");
    let keys: Vec<&str> = sdp.split("\r\n").filter_map(|l| l.strip_prefix("a=crypto:1 ")).collect();
    assert_eq!((keys.len(), sdp.matches("RTP/SAVP").count()), (2, 2), "{sdp}");
    assert_ne!(keys[0], keys[1], "a key for each stream");
    let key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
    let takes =
        TAKES.replace("RTP/AVP", "RTP/SAVP").replace("a=recvonly\r\n", &format!("{key}a=recvonly\r\n"));
    taken(&mut world, &invite, &takes);
    let secured = world.media.iter().rev().take(2).all(|command| {
        matches!(command, media::Command::Set { remote, .. } if matches!(remote.srtp, media::Srtp::On(_)))
    });
    assert!(secured, "{:?}", world.media.last());
    hung_up(&mut world, &ok, 2);
    world.settle();
}
