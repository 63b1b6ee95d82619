//! Whose calls are recorded, and by whom; pauses, streams that come later, and what the parties hear of it.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, inside, invite, response};
use crate::recorded::{SRS, SRS2, TAKES, answered_call, begun, hung_up, part, recorded, taken};
use b2bua::Command;
use b2bua::input::RecordWish;
use base::TrunkId;
use media::Side;

fn directions(sdp: &str) -> Vec<&str> {
    let direction = |line: &&str| ["a=sendonly", "a=inactive"].contains(line);
    sdp.split("\r\n").filter(direction).collect()
}

/// The last two orders to the engine say whether something is sent to the recorder.
fn sends(world: &World) -> Vec<bool> {
    let sets = world.media.iter().filter_map(|command| match command {
        media::Command::Set { remote, .. } => Some(remote.send),
        _ => None,
    });
    let all: Vec<bool> = sets.collect();
    all[all.len() - 2..].to_vec()
}

#[test]
fn an_operator_pauses_a_recording_and_goes_on_with_it() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let call = world.board.calls()[0].key;
    assert_eq!(sends(&world), [true, true]);
    world.command(Command::Record { call, wish: RecordWish::Pause });
    let change = world.expect(&[(SRS, "INVITE sip:bob@10.0.0.30")]).remove(0);
    assert_eq!(directions(change.body()), ["a=inactive", "a=inactive"], "{}", change.body());
    assert_eq!(sends(&world), [false, false], "before the recorder has answered");
    let pausing = TAKES.replace("srs 1 1", "srs 1 2").replace("recvonly", "inactive");
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &pausing));
    world.expect(&[(SRS, "ACK")]);
    assert_eq!(&*world.board.calls()[0].recording, "rec: paused");
    world.command(Command::Record { call, wish: RecordWish::Resume });
    let change = world.expect(&[(SRS, "INVITE sip:bob@10.0.0.30")]).remove(0);
    assert_eq!(directions(change.body()), ["a=sendonly", "a=sendonly"]);
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &TAKES.replace("srs 1 1", "srs 1 3")));
    world.expect(&[(SRS, "ACK")]);
    assert_eq!(sends(&world), [true, true]);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

fn with_route(trunk: &str, route: &str) -> World {
    let text = CONFIG.replace("[trunk.pbx]\n", &format!("[trunk.pbx]\n{trunk}"));
    let text = text.replacen("[[route]]\n", &format!("[[route]]\n{route}"), 1);
    World::new(&format!(
        "{text}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n\
         [trunk.other]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.31\"]\noptions_interval = \"0s\"\n"
    ))
}

#[test]
fn a_route_says_who_records_before_the_trunks_do_and_an_operator_before_both() {
    let mut world = with_route("record = \"rec\"\n", "record = \"other\"\n");
    let (ok, invite) = begun(&mut world);
    assert_eq!(&*invite.to.to_string(), SRS2, "the route's recorder");
    world.receive(SRS2, &response(&invite, "200 OK", "srs", "", TAKES));
    world.expect(&[(SRS2, "ACK")]);
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish: RecordWish::By(TrunkId(3)) });
    let bye = world.expect(&[(SRS2, "BYE")]).remove(0);
    world.receive(SRS2, &response(&bye, "200 OK", "", "", ""));
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    taken(&mut world, &invite, TAKES);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn who_is_not_in_the_calls_own_configuration_cannot_record_it_and_nothing_stops() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let call = world.board.calls()[0].key;
    let later = "[trunk.late]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.31\"]\n";
    let loaded = config::parse(&format!("{CONFIG}{later}"), "test.toml", config::Format::Toml).expect("good");
    let late = loaded.config.trunk_named("late").expect("a trunk");
    world.command(Command::Apply(std::sync::Arc::new(b2bua::Snapshot::new(loaded.config, 2))));
    world.take();
    world.command(Command::Record { call, wish: RecordWish::By(late) });
    world.expect(&[]);
    assert_eq!(&*world.board.calls()[0].recording, "rec: ok", "it goes on");
    assert_eq!(world.board.calls()[0].recorder.as_deref(), Some("rec"), "the order was not taken");
    hung_up(&mut world, &ok, 2);
    world.pass(std::time::Duration::from_secs(1));
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_recording_that_an_operator_orders_anew_is_not_paused() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish: RecordWish::Pause });
    let change = world.expect(&[(SRS, "INVITE sip:bob@10.0.0.30")]).remove(0);
    let pausing = TAKES.replace("srs 1 1", "srs 1 2").replace("recvonly", "inactive");
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &pausing));
    world.expect(&[(SRS, "ACK")]);
    world.command(Command::Record { call, wish: RecordWish::Off });
    let bye = world.expect(&[(SRS, "BYE")]).remove(0);
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    world.command(Command::Record { call, wish: RecordWish::By(TrunkId(3)) });
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    assert_eq!(directions(part(&invite, "application/sdp")), ["a=sendonly", "a=sendonly"]);
    taken(&mut world, &invite, TAKES);
    assert_eq!(sends(&world), [true, true]);
    hung_up(&mut world, &ok, 2);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

#[test]
fn a_call_that_a_recorder_waits_for_may_be_paused_before_its_answer_and_one_without_shows_nobody() {
    let mut world = recorded("\"10.0.0.30\"");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let view = world.board.calls().remove(0);
    assert_eq!((view.recorder.as_deref(), &*view.recording, view.paused), (Some("rec"), "", false));
    world.command(Command::Record { call: view.key, wish: RecordWish::Pause });
    assert!(world.board.calls()[0].paused);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.take();
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.expect(&[]);
    let invite = &sent[2];
    assert_eq!(directions(part(invite, "application/sdp")), ["a=inactive", "a=inactive"]);
    taken(&mut world, invite, &TAKES.replace("recvonly", "inactive"));
    assert_eq!(sends(&world), [false, false]);
    world.command(Command::Record { call: view.key, wish: RecordWish::Off });
    world.expect(&[(SRS, "BYE")]);
    let view = world.board.calls().remove(0);
    assert_eq!((view.recorder, view.paused), (None, false), "nobody records it, nor will");
}

#[test]
fn a_pause_that_is_ordered_first_holds_for_the_recording_that_begins_later() {
    let mut world = with_route("", "");
    let (ok, _) = answered_call(&mut world);
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish: RecordWish::Pause });
    world.expect(&[]);
    world.command(Command::Record { call, wish: RecordWish::By(TrunkId(3)) });
    let invite = world.expect(&[(SRS, "INVITE sip:10.0.0.30")]).remove(0);
    assert_eq!(directions(part(&invite, "application/sdp")), ["a=inactive", "a=inactive"]);
    let quiet = TAKES.replace("recvonly", "inactive");
    taken(&mut world, &invite, &quiet);
    assert_eq!(sends(&world), [false, false], "whoever records it");
    world.command(Command::Record { call, wish: RecordWish::Resume });
    let change = world.expect(&[(SRS, "INVITE sip:bob@10.0.0.30")]).remove(0);
    let again = TAKES.replace("srs 1 1", "srs 1 2");
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &again));
    world.expect(&[(SRS, "ACK")]);
    assert_eq!(sends(&world), [true, true]);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_route_or_a_trunk_keeps_calls_off_the_record() {
    for (trunk, route) in [("record = \"rec\"\n", "record = \"off\"\n"), ("record = \"off\"\n", "")] {
        let mut world = with_route(trunk, route);
        let (ok, sent) = answered_call(&mut world);
        assert_eq!(sent.len(), 2, "nobody but the peers hears of it: {sent:?}");
        hung_up(&mut world, &ok, 2);
        world.settle();
        assert_eq!(&*world.records[0].recording, "");
    }
}

#[test]
fn a_recorded_call_has_its_media_here_although_its_trunks_let_them_go() {
    for (record, anchored) in [("", false), ("record = \"rec\"\n", true)] {
        let direct = CONFIG.replace("[trunk.pbx]\n", &format!("[trunk.pbx]\n{record}"));
        let direct =
            direct.replace("gateways = [\"10", "override = { media = \"direct\" }\ngateways = [\"10");
        let direct =
            direct.replace("gateways = [\"192", "override = { media = \"direct\" }\ngateways = [\"192");
        let mut world = World::new(&format!(
            "{direct}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n"
        ));
        let (ok, sent) = answered_call(&mut world);
        assert_eq!(world.board.calls()[0].anchored, anchored);
        if let Some(invite) = sent.get(2) {
            taken(&mut world, invite, TAKES);
            assert!(
                world.board.calls()[0].decision.contains("recorded"),
                "{}",
                world.board.calls()[0].decision
            );
        }
        hung_up(&mut world, &ok, 2);
        world.settle();
    }
}

/// Streams, sides and ports of the last four orders to the engine, the last one first.
fn ports_told(world: &World) -> Vec<(u8, Side, u16)> {
    let told = world.media.iter().rev().take(4).map_while(|command| match command {
        media::Command::Set { stream, side, remote, .. } => {
            Some((*stream, *side, remote.rtp.map_or(0, |rtp| rtp.port())))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn a_stream_that_a_recorded_call_is_given_gets_ports_at_the_recorder() {
    let mut world = recorded("\"10.0.0.30\"");
    let (ok, invite) = begun(&mut world);
    taken(&mut world, &invite, TAKES);
    let second = "m=audio 4010 RTP/AVP 0\r\n";
    let offer = format!("{}{second}", OFFER.replace("alice 1 1", "alice 1 2"));
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "more", "", &offer));
    let asked = world.take().into_iter().find(|s| s.to.to_string() == GW1).expect("the offer goes on");
    let answer = format!("{}{}", ANSWER.replace("bob 5 5", "bob 5 6"), second.replace("4010", "6010"));
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", &answer));
    let change =
        world.take().into_iter().find(|s| s.to.to_string() == SRS).expect("the recorder hears of it");
    assert!(change.start().starts_with("INVITE sip:bob@10.0.0.30"), "in the dialog: {}", change.start());
    let asked = world.media.iter().filter(|c| matches!(c, media::Command::Copy { .. })).count();
    assert_eq!(asked, 1, "the ports that it has stay");
    let sdp = part(&change, "application/sdp");
    let lines: Vec<&str> =
        sdp.split("\r\n").filter(|l| l.starts_with("m=") || l.starts_with("a=label")).collect();
    let known = ["m=audio 40000 RTP/AVP 8 101", "a=label:1", "m=audio 41000 RTP/AVP 8 101", "a=label:2"];
    assert_eq!(lines[..4], known);
    assert!(lines[4].ends_with(" RTP/AVP 0") && !lines[4].starts_with("m=audio 0 "), "{lines:?}");
    assert_eq!((lines.len(), lines[5], lines[7]), (8, "a=label:3", "a=label:4"));
    let xml = part(&change, "application/rs-metadata+xml");
    assert_eq!(xml.matches("<label>").count(), 4, "{xml}");
    let takes = |port| format!("m=audio {port} RTP/AVP 0\r\na=recvonly\r\n");
    let takes = format!("{}{}{}", TAKES.replace("srs 1 1", "srs 1 2"), takes(7004), takes(7006));
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &takes));
    world.expect(&[(SRS, "ACK")]);
    let told = ports_told(&world);
    assert_eq!(told, [(1, Side::B, 7006), (1, Side::A, 7004), (0, Side::B, 7002), (0, Side::A, 7000)]);
    hung_up(&mut world, &ok, 3);
    world.settle();
    assert_eq!(&*world.records[0].recording, "rec: ok");
}

/// A call whose caller knows of recordings, up to the ACK of what the recorder takes.
fn aware(policy: &str) -> (World, Sent, Sent) {
    let pbx = format!("[trunk.pbx]\nrecord = \"rec\"\noverride = {{ {policy} }}\n");
    let mut world = World::new(&format!(
        "{}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n",
        CONFIG.replace("[trunk.pbx]\n", &pbx)
    ));
    world.receive(PBX, &invite("004420700000", OFFER, "Supported: record-aware\r\n"));
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "tb", "", ANSWER));
    let sent = world.take();
    let (ok, invite) = (sent[1].clone(), sent[2].clone());
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    world.receive(SRS, &response(&invite, "200 OK", "srs", "", TAKES));
    (world, ok, invite)
}

/// The caller hears how the recording stands, and takes it.
fn hears(world: &mut World, word: &str, version: u8) {
    let told =
        world.take().into_iter().filter(|s| s.to.to_string() == PBX && s.start().starts_with("INVITE"));
    let told: Vec<Sent> = told.collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let body = told[0].body();
    assert!(body.contains(&format!("a=record:{word}\r\nm=audio")), "{body}");
    assert_eq!(body.matches("a=record:").count(), 1, "{body}");
    let answer = OFFER.replace("alice 1 1", &format!("alice 1 {version}")).replace("8 0 101", "8 101");
    world.receive(PBX, &response(&told[0], "200 OK", "", "", &answer));
    let sent = world.take();
    assert!(sent.iter().any(|s| s.to.to_string() == PBX && s.start().starts_with("ACK")), "{sent:?}");
    assert!(sent.iter().all(|s| s.to.to_string() != GW1), "the other peer does not hear of it: {sent:?}");
}

#[test]
fn a_peer_that_knows_of_recordings_hears_how_its_own_stands() {
    let (mut world, ok, _) = aware("");
    hears(&mut world, "on", 2);
    let call = world.board.calls()[0].key;
    world.command(Command::Record { call, wish: RecordWish::Pause });
    let change =
        world.sent.iter().find(|s| s.to.to_string() == SRS).cloned().expect("the recorder hears of it");
    hears(&mut world, "paused", 3);
    world.receive(SRS, &response(&change, "200 OK", "srs", "", &TAKES.replace("srs 1 1", "srs 1 2")));
    world.take();
    world.command(Command::Record { call, wish: RecordWish::Off });
    let bye = world.sent.iter().find(|s| s.to.to_string() == SRS).cloned().expect("the recorder is left");
    world.receive(SRS, &response(&bye, "200 OK", "", "", ""));
    hears(&mut world, "off", 4);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_trunk_that_says_never_keeps_its_peer_from_hearing_of_recordings() {
    let (mut world, ok, _) = aware("record_notice = \"never\"");
    world.expect(&[(SRS, "ACK")]);
    hung_up(&mut world, &ok, 2);
    world.settle();
}

#[test]
fn a_peer_that_does_not_want_to_be_recorded_is_heard_where_its_trunk_says_so() {
    for (policy, recorded) in [("", true), ("record_preference = \"honour\"", false)] {
        let pbx = format!("[trunk.pbx]\nrecord = \"rec\"\noverride = {{ {policy} }}\n");
        let mut world = World::new(&format!(
            "{}[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [\"10.0.0.30\"]\noptions_interval = \"0s\"\n",
            CONFIG.replace("[trunk.pbx]\n", &pbx)
        ));
        let offer = format!("{OFFER}a=recordpref:off\r\n");
        world.receive(PBX, &invite("004420700000", &offer, ""));
        let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);
        world.receive(GW1, &response(&sent[0], "200 OK", "tb", "", ANSWER));
        let sent = world.take();
        assert_eq!(sent.iter().any(|s| s.to.to_string() == SRS), recorded, "{policy}");
        world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
        if recorded {
            taken(&mut world, &sent[2], TAKES);
        }
        hung_up(&mut world, &sent[1], 2);
        world.settle();
    }
}
