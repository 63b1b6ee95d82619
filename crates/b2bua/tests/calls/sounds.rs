//! What a party hears from us: ringing, announcements, music on hold.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, inside, invite, response};
use media::{Command, Reply, Side, Sound, Yields};
use std::time::Duration;

/// All sounds that a configuration names: a moment of something.
pub(crate) fn all_of(config: &config::Config) -> sounds::Sounds {
    let mut sounds = sounds::Sounds::default();
    for file in config.trunks.iter().flat_map(|trunk| trunk.policy.sounds.files()) {
        assert!(sounds.keep(file, bridge::Samples { rate: 8_000, samples: [1; 8].into() }));
    }
    sounds
}

fn world(pbx: &str) -> World {
    let pbx = format!("[trunk.pbx]\noverride = {{ {pbx} }}");
    World::new(&CONFIG.replace("[trunk.pbx]", &pbx))
}

/// What the engine was last told that a side hears from us: payload type, sound.
fn heard(world: &World, side: Side) -> Option<(u8, Sound, Yields)> {
    let of = |command: &Command| match command {
        Command::Play { toward, play, .. } if *toward == side => {
            Some(play.as_ref().map(|play| (play.format.payload_type, play.sound.clone(), play.yields)))
        }
        _ => None,
    };
    world.media.iter().filter_map(of).next_back().flatten()
}

fn hertz(world: &World) -> Vec<f64> {
    match heard(world, Side::A) {
        Some((_, Sound::Tone(tone), _)) => tone.sines.iter().map(|sine| sine.hertz).collect(),
        _ => Vec::new(),
    }
}

fn session(world: &World) -> media::SessionId {
    let open = world.media.iter().rev().find_map(|command| match command {
        Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    open.expect("a session")
}

/// A call that rings.
fn ringing(world: &mut World, offer: &str) -> (Sent, Sent) {
    world.receive(PBX, &invite("004420700000", offer, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "180 Ringing", "tb", "", ""));
    let shown = world.expect(&[(PBX, "SIP/2.0 180")]).remove(0);
    (out, shown)
}

#[test]
fn without_a_word_a_caller_makes_its_own_ringing_tone() {
    let mut world = World::new(CONFIG);
    let (_, shown) = ringing(&mut world, OFFER);
    assert_eq!((shown.body(), heard(&world, Side::A)), ("", None));
}

#[test]
fn a_caller_hears_the_ringing_tone_of_its_trunks_country_until_the_answer() {
    let mut world = world("ringback = \"auto\"");
    let (out, shown) = ringing(&mut world, OFFER);
    assert!(shown.body().contains("m=audio 20000 RTP/AVP 8 101\r\n"), "{}", shown.body());
    assert_eq!(
        (hertz(&world), heard(&world, Side::A).map(|h| (h.0, h.2))),
        (vec![425.0], Some((8, Yields::AtOnce)))
    );
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].body(), shown.body(), "the answer that it has (RFC 3261 §13.2.1)");
    assert_eq!(heard(&world, Side::A), None);
    assert!(
        !world.media.iter().any(|c| matches!(c, Command::Bridge { plans: Some(_), .. })),
        "nothing is changed"
    );
}

#[test]
fn another_countrys_tone_can_be_named() {
    let mut world = world("ringback = \"auto\", ringback_of = \"GB\"");
    let _ = ringing(&mut world, OFFER);
    assert_eq!(hertz(&world), [400.0, 450.0]);
}

#[test]
fn a_callee_with_another_codec_is_joined_to_the_answer_that_the_caller_has() {
    let mut world = world("ringback = \"auto\"");
    let (out, shown) = ringing(&mut world, OFFER);
    let mu = ANSWER.replace(" 8 101", " 0").replace("a=rtpmap:101 telephone-event/8000\r\n", "");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &mu));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].body(), shown.body());
    let plans = world.media.iter().rev().find_map(|command| match command {
        Command::Bridge { plans: Some(plans), .. } => Some(plans),
        _ => None,
    });
    let [forth, back] = &**plans.expect("a bridge");
    assert_eq!((forth.speaks.payload_type, back.speaks.payload_type), (0, 8));
    assert!(forth.digits.is_some(), "the callee has no events: it hears tones");
}

#[test]
fn a_callee_whose_codec_is_not_spoken_here_is_described_anew() {
    let mut world = world("ringback = \"auto\"");
    let offer = OFFER.replace(" 8 0 101", " 8 18 101");
    let (out, shown) = ringing(&mut world, &offer);
    let g729 = ANSWER.replace(" 8 101", " 18 101");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &g729));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert!(sent[1].body().contains("RTP/AVP 18 101"), "{}", sent[1].body());
    assert_ne!(sent[1].body(), shown.body());
}

#[test]
fn early_media_of_the_callee_take_the_tones_place() {
    let mut world = world("ringback = \"auto\"");
    let (out, _) = ringing(&mut world, OFFER);
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", ANSWER));
    let shown = world.expect(&[(PBX, "SIP/2.0 183")]).remove(0);
    assert_eq!(shown.body(), "", "it has its answer");
    let opened = world.media.iter().any(|c| matches!(c, Command::Set { side: Side::B, .. }));
    assert!(opened, "the callee's media are heard, and end the tone with their first packet");
    // Described before the 180 they are heard alone.
    let mut world = self::world("ringback = \"auto\"");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", ANSWER));
    world.expect(&[(PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&out, "180 Ringing", "tb", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    assert_eq!(heard(&world, Side::A), None);
}

#[test]
fn the_tone_can_be_heard_whatever_the_callee_sends() {
    let mut world = world("ringback = \"always\", ringing = { map_180 = \"183\" }");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", ANSWER));
    assert_eq!(world.expect(&[(PBX, "SIP/2.0 183")])[0].body(), "");
    world.receive(GW1, &response(&out, "180 Ringing", "tb", "", ""));
    let shown = world.expect(&[(PBX, "SIP/2.0 183")]).remove(0);
    assert!(shown.body().contains("m=audio 20000"), "{}", shown.body());
    assert_eq!(heard(&world, Side::A).map(|h| h.2), Some(Yields::Never));
    let opened = world.media.iter().any(|c| matches!(c, Command::Set { side: Side::B, .. }));
    assert!(!opened, "the callee's early media are not heard");
}

#[test]
fn a_caller_that_offers_more_than_sound_hears_no_tone() {
    let mut world = world("ringback = \"auto\"");
    let offer = format!("{OFFER}m=video 4002 RTP/AVP 31\r\n");
    let (_, shown) = ringing(&mut world, &offer);
    assert_eq!((shown.body(), heard(&world, Side::A)), ("", None));
}

#[test]
fn an_offer_of_two_streams_of_sound_is_answered_in_both_and_the_first_one_rings() {
    let mut world = world("ringback = \"auto\"");
    let offer = format!("{OFFER}m=audio 4002 RTP/AVP 0 18\r\n");
    let (out, shown) = ringing(&mut world, &offer);
    assert!(shown.body().contains("m=audio 20000 RTP/AVP 8 101\r\n"), "{}", shown.body());
    assert!(shown.body().contains("m=audio 20002 RTP/AVP 0\r\n"), "{}", shown.body());
    let played = world.media.iter().rev().find_map(|command| match command {
        Command::Play { stream, play: Some(_), .. } => Some(*stream),
        _ => None,
    });
    assert_eq!(played, Some(0));
    // The callee takes the first one alone: the caller keeps the answer that it has.
    let answer = format!("{ANSWER}m=audio 0 RTP/AVP 0\r\n");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &answer));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].body(), shown.body());
    assert_eq!(heard(&world, Side::A), None);
}

/// What the log, the counter and the record of the only call say of sound that nobody heard.
fn unheard(world: &World, why: &str) {
    let notes = world.notes.iter().filter(|note| note.starts_with("sound not heard: "));
    assert_eq!(notes.filter(|note| note.ends_with(why)).count(), 1, "{:?}", world.notes);
    let counters = world.board.status().counters;
    assert!(counters.contains(&("sounds_unheard", 1)), "{counters:?}");
    let decision = &world.records[0].decision;
    assert!(decision.ends_with(&format!("; sound of ours not heard: {why}")), "{decision}");
}

const NOT_MADE: &str = "sound is made in PCMA, PCMU, G722 and opus, and its codecs are G729";

#[test]
fn where_no_sound_can_be_made_for_a_caller_it_is_said() {
    let mut world = world("ringback = \"auto\", announce = [{ status = 404, file = \"gone.wav\" }]");
    let g729 = OFFER.replace(" 8 0 101", " 18 101");
    let (out, shown) = ringing(&mut world, &g729);
    assert_eq!((shown.body(), heard(&world, Side::A)), ("", None));
    world.receive(GW1, &response(&out, "404 Not Found", "tb", "", ""));
    world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 404")]);
    world.settle();
    unheard(&world, NOT_MADE);
    // No offer at all.
    let mut world = self::world("announce = [{ status = 404, file = \"gone.wav\" }]");
    world.receive(PBX, &invite("999", "", ""));
    world.expect(&[(PBX, "SIP/2.0 404")]);
    world.settle();
    unheard(&world, "no offer of sound, both ways, alone");
}

#[test]
fn where_no_music_can_be_made_for_who_is_held_it_is_said() {
    let mut world = world("hold_music = \"music.wav\"");
    let g729 = |text: &str| text.replace(" 8 0 101", " 18 101").replace(" 8 101", " 18 101");
    world.receive(PBX, &invite("004420700000", &g729(OFFER), ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &g729(ANSWER)));
    let ok = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 200")]).remove(1);
    let to = ok.header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    // It has nothing to listen to: the form is as received.
    for (number, branch, form) in [(2, "hold", "inactive"), (3, "again", "sendonly")] {
        let held = g729(OFFER)
            .replace("a=sendrecv", &format!("a={form}"))
            .replace("alice 1 1", &format!("alice 1 {number}"));
        world.receive(PBX, &inside("INVITE", number, &to, branch, "", &held));
        let sent = world.take();
        if let Some(asked) = sent.iter().find(|sent| sent.start().starts_with("INVITE")) {
            assert!(asked.body().contains(&format!("a={form}")), "{}", asked.body());
            world
                .receive(GW1, &response(asked, "200 OK", "", "", &format!("{}a=recvonly\r\n", g729(ANSWER))));
        }
        world.receive(PBX, &inside("ACK", number, &to, &format!("{branch}-ack"), "", ""));
    }
    assert_eq!(heard(&world, Side::B), None);
    world.receive(PBX, &inside("BYE", 4, &to, "bye", "", ""));
    let bye = world.take().into_iter().find(|sent| sent.start().starts_with("BYE")).expect("a BYE");
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
    unheard(&world, NOT_MADE);
}

#[test]
fn an_announcement_is_heard_on_the_stream_of_sound_wherever_it_stands() {
    let mut world = world("announce = [{ status = 404, file = \"gone.wav\" }]");
    let (head, sound) = OFFER.split_at(OFFER.find("m=audio").expect("sound"));
    let offer = format!("{head}m=video 4002 RTP/AVP 31\r\n{sound}m=audio 4004 RTP/AVP 8\r\n");
    world.receive(PBX, &invite("999", &offer, ""));
    let shown = world.expect(&[(PBX, "SIP/2.0 183")]).remove(0);
    let lines: Vec<&str> = shown.body().lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 31", "m=audio 20002 RTP/AVP 8 101", "m=audio 0 RTP/AVP 8"]);
    let played = world.media.iter().rev().find_map(|command| match command {
        Command::Play { stream, play: Some(_), .. } => Some(*stream),
        _ => None,
    });
    assert_eq!(played, Some(1));
}

#[test]
fn a_caller_hears_the_announcement_before_the_last_gateways_refusal() {
    let mut world = world("announce = [{ status = 404, file = \"gone.wav\" }]");
    world.receive(PBX, &invite("004420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    world.receive(GW1, &response(&out, "404 Not Found", "tb", "", ""));
    let sent = world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 183")]);
    assert!(sent[1].body().contains("m=audio 20000 RTP/AVP 8 101\r\n"), "{}", sent[1].body());
    assert!(matches!(heard(&world, Side::A), Some((8, Sound::Once(_), Yields::Never))));
    let played = Reply::Played { session: session(&world), toward: Side::A };
    world.media_reply(played);
    let refused = world.expect(&[(PBX, "SIP/2.0 404")]).remove(0);
    assert!(refused.header("Reason").starts_with("Q.850;cause=1"), "{}", refused.text);
    world.settle();
    assert_eq!((world.records[0].status, world.records[0].early_media.is_some()), (404, true));
}

#[test]
fn a_refusal_of_ours_is_announced_too_and_the_announcement_has_an_end() {
    let mut world = world("announce = [{ status = 404, file = \"gone.wav\" }]");
    world.receive(PBX, &invite("999", OFFER, ""));
    world.expect(&[(PBX, "SIP/2.0 183")]);
    world.pass(Duration::from_secs(59));
    assert!(world.take().iter().all(|sent| !sent.start().contains(" 404")));
    world.pass(Duration::from_millis(1_100));
    world.expect(&[(PBX, "SIP/2.0 404")]);
    world.settle();
}

#[test]
fn whoever_hangs_up_during_the_announcement_is_gone() {
    let mut world = world("announce = [{ status = 404, file = \"gone.wav\" }]");
    let call = invite("999", OFFER, "");
    world.receive(PBX, &call);
    world.expect(&[(PBX, "SIP/2.0 183")]);
    world.receive(PBX, &call.replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL"));
    world.expect(&[(PBX, "SIP/2.0 200"), (PBX, "SIP/2.0 487")]);
    let played = Reply::Played { session: session(&world), toward: Side::A };
    world.media_reply(played);
    world.expect(&[]);
    world.settle();
}

#[test]
fn other_refusals_and_calls_without_ports_are_refused_at_once() {
    let mut world =
        world("announce = [{ status = 486, file = \"busy.wav\" }, { status = 404, file = \"gone.wav\" }]");
    world.media_fails = true;
    world.receive(PBX, &invite("999", OFFER, ""));
    world.expect(&[(PBX, "SIP/2.0 404")]);
    let mut world = self::world("announce = [{ status = 486, file = \"busy.wav\" }]");
    world.receive(PBX, &invite("999", OFFER, ""));
    world.expect(&[(PBX, "SIP/2.0 404")]);
    world.settle();
}

#[test]
fn an_announcement_in_a_codec_that_is_not_spoken_here_delays_no_refusal() {
    let mut world = world("announce = [{ status = 486, file = \"busy.wav\" }]");
    let offer = OFFER.replace(" 8 0 101", " 8 18 101");
    world.receive(PBX, &invite("004420700000", &offer, ""));
    let out = world.expect(&[(GW1, "INVITE ")]).remove(0);
    let g729 = ANSWER.replace(" 8 101", " 18 101");
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", &g729));
    world.expect(&[(PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&out, "486 Busy Here", "tb", "", ""));
    world.expect(&[(GW1, "ACK "), (PBX, "SIP/2.0 486")]);
    world.settle();
    unheard(&world, NOT_MADE);
}

#[test]
fn a_call_over_its_trunks_limit_is_refused_without_a_word() {
    for limit in ["calls_max = 1", "cps_max = 1"] {
        let announce = "announce = [{ status = 503, file = \"busy.wav\" }]";
        let trunk = format!("[trunk.pbx]\n{limit}\noverride = {{ {announce} }}");
        let mut world = World::new(&CONFIG.replace("[trunk.pbx]", &trunk));
        ringing(&mut world, OFFER);
        let opened = world.media.len();
        let second = invite("004420700000", OFFER, "").replace("z9hG4bK", "z9hG4bKsecond");
        world.receive(PBX, &second.replace("Call-ID: ", "Call-ID: second-"));
        world.expect(&[(PBX, "SIP/2.0 503")]);
        assert_eq!(world.media.len(), opened, "{limit}");
    }
}

#[test]
fn a_trunk_that_is_held_with_inactive_is_told_so_whatever_music_there_would_be() {
    let inactive = CONFIG
        .replace("[trunk.pbx]", "[trunk.pbx]\noverride = { hold_music = \"music.wav\" }")
        .replace("[trunk.one]", "[trunk.one]\noverride = { hold = \"inactive\" }");
    let mut world = World::new(&inactive);
    let (_, ok) = answered(&mut world);
    let to = ok.header("To").to_owned();
    world.receive(PBX, &inside("INVITE", 2, &to, "hold", "", &OFFER.replace("a=sendrecv", "a=sendonly")));
    let asked = world.take().into_iter().find(|s| s.start().starts_with("INVITE")).expect("a re-INVITE");
    assert!(asked.body().contains("a=inactive"), "{}", asked.body());
}

#[test]
fn whoever_is_held_hears_the_music_of_the_trunk_that_holds() {
    for hold in ["a=sendonly", "a=inactive"] {
        let mut world = world("hold_music = \"music.wav\"");
        let (_, ok) = answered(&mut world);
        let to = ok.header("To").to_owned();
        assert_eq!(heard(&world, Side::B), None);
        let held = OFFER.replace("a=sendrecv", hold);
        world.receive(PBX, &inside("INVITE", 2, &to, "hold", "", &held));
        let sent = world.take();
        let asked = sent.iter().find(|sent| sent.start().starts_with("INVITE")).expect("a re-INVITE");
        assert!(asked.body().contains("a=sendonly"), "it is to listen: {}", asked.body());
        let answer = format!("{ANSWER}a=recvonly\r\n");
        world.receive(GW1, &response(asked, "200 OK", "", "", &answer));
        let sent = world.take();
        let told = sent.iter().find(|sent| sent.start().starts_with("SIP/2.0 200")).expect("an answer");
        let wanted = if hold == "a=inactive" { "a=inactive" } else { "a=recvonly" };
        assert!(told.body().contains(wanted), "{}", told.body());
        assert!(matches!(heard(&world, Side::B), Some((8, Sound::Again(_), Yields::ToTalk))), "{hold}");
        assert_eq!(heard(&world, Side::A), None);
        world.receive(PBX, &inside("ACK", 2, &to, "ack2", "", ""));
        world.receive(PBX, &inside("INVITE", 3, &to, "resume", "", OFFER));
        let asked = world.take().into_iter().find(|s| s.start().starts_with("INVITE")).expect("a re-INVITE");
        world.receive(GW1, &response(&asked, "200 OK", "", "", ANSWER));
        assert_eq!(heard(&world, Side::B), None, "the music ends with the hold");
    }
}

#[test]
fn the_callees_hold_is_its_own_trunks_affair() {
    let mut world = world("hold_music = \"music.wav\"");
    let (out, _) = answered(&mut world);
    let held = format!("{}a=sendonly\r\n", ANSWER.replace("5 5 IN", "5 6 IN"));
    let hold = crate::common::from_callee("INVITE", 7, &out, "tb", "bhold", &held);
    world.receive(GW1, &hold);
    assert_eq!(heard(&world, Side::A), None, "its trunk has no music");
}
