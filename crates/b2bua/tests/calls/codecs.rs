//! Codecs of trunks: order, filter, one alone, packet times, and sides that have none in common.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, from_callee, inside, invite, response};
use crate::transfers::{LOCAL, TARGET, fine, refer};
use bridge::Codec;
use codec::Law;

const CALLED: &str = "+441632960001";

fn config(pbx: &str, one: &str) -> String {
    let rules = |text: String, trunk: &str, rules: &str| {
        let header = format!("[trunk.{trunk}]");
        text.replace(&header, &format!("{header}\noverride = {{ {rules} }}"))
    };
    rules(rules(CONFIG.to_owned(), "pbx", pbx), "one", one)
}

/// The formats of the first m-line.
fn formats(sent: &Sent) -> &str {
    let line = sent.body().lines().find(|line| line.starts_with("m=")).unwrap_or_default();
    line.split_once("AVP ").map_or("", |(_, formats)| formats)
}

fn offered(world: &mut World, offer: &str) -> Sent {
    world.receive(PBX, &invite(CALLED, offer, ""));
    world.take().into_iter().find(|sent| sent.start().starts_with("INVITE")).expect("INVITE")
}

fn answered(world: &mut World, invite: &Sent, answer: &str) -> Sent {
    world.receive(GW1, &response(invite, "200 OK", "tb", "", answer));
    world.take().into_iter().find(|sent| sent.start().contains(" 200 ")).expect("200")
}

/// The plans that the engine was told last.
fn plans(world: &World) -> Option<Option<Box<[bridge::Plan; 2]>>> {
    world.media.iter().rev().find_map(|command| match command {
        media::Command::Bridge { plans, .. } => Some(plans.clone()),
        _ => None,
    })
}

fn mu_answer(more: &str) -> String {
    ANSWER.replace("AVP 8 101", "AVP 0 101") + more
}

#[test]
fn without_a_rule_nothing_is_touched() {
    let mut world = World::new(CONFIG);
    let invite = offered(&mut world, OFFER);
    assert_eq!(formats(&invite), "8 0 101");
    let ok = answered(&mut world, &invite, ANSWER);
    assert_eq!(formats(&ok), "8 101");
    assert_eq!(plans(&world), None);
}

#[test]
fn an_offer_holds_what_both_trunks_allow_in_the_order_of_where_it_goes() {
    let mut world =
        World::new(&config("codecs = [\"PCMU\", \"PCMA\", \"G729\"]", "codecs = [\"PCMA\", \"PCMU\"]"));
    let offer = OFFER.replace("AVP 8 0 101", "AVP 0 9 8 18 101");
    let invite = offered(&mut world, &offer);
    assert_eq!(formats(&invite), "8 0 101");
    let ok = answered(&mut world, &invite, ANSWER);
    assert_eq!(formats(&ok), "8 101");
    assert_eq!(plans(&world), None, "nothing is transcoded when it need not be");
}

/// RFC 7261 §3: what an offer of ours has promised holds from the first early sound on.
#[test]
fn descriptions_of_silence_are_kept_off_a_callee_that_was_promised_none_before_the_answer_too() {
    let mut world = World::new(&config("", "early_offer = \"make\", offer_codecs = [\"G729\"]"));
    world.receive(PBX, &invite(CALLED, "", "Supported: 100rel\r\n"));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(out.body().contains("annexb=no"), "{}", out.text);
    let spoken = |text: &str| text.replace("AVP 8 0 101", "AVP 18 101").replace("AVP 8 101", "AVP 18 101");
    world.receive(GW1, &response(&out, "183 Session Progress", "tb", "", &spoken(ANSWER)));
    let sent = world.expect(&[(PBX, "SIP/2.0 183")]).remove(0);
    assert_eq!(plans(&world), None, "the caller has not answered");
    let rack = format!("RAck: {} 1 INVITE\r\n", sent.header("RSeq"));
    world.receive(PBX, &inside("PRACK", 2, sent.header("To"), "prack1", &rack, &spoken(OFFER)));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    let [from_caller, from_callee] = *plans(&world).flatten().expect("plans before the answer");
    assert_eq!([from_caller.annex_b, from_callee.annex_b], [Some(18), None]);
}

#[test]
fn sides_without_a_codec_in_common_are_joined() {
    let mut world = World::new(&config("", "codecs = [\"PCMU\", \"G722\"]"));
    let invite = offered(&mut world, &OFFER.replace("AVP 8 0 101", "AVP 8 101"));
    assert_eq!(formats(&invite), "0 9 101");
    assert!(invite.body().contains("a=rtpmap:9 G722/8000"));
    let ok = answered(&mut world, &invite, &mu_answer(""));
    assert_eq!(formats(&ok), "8 101");
    let [forth, back] = *plans(&world).flatten().expect("a bridge");
    assert_eq!(forth.hears, [(8, Codec::G711(Law::A))]);
    assert_eq!((forth.speaks.payload_type, forth.speaks.codec), (0, Codec::G711(Law::Mu)));
    assert_eq!(back.hears, [(0, Codec::G711(Law::Mu))]);
    assert_eq!((back.speaks.payload_type, back.speaks.codec), (8, Codec::G711(Law::A)));
    assert!(forth.is_in_place() && back.is_in_place());
    assert_eq!((forth.events[0].from, forth.events[0].to), (101, 101));
}

#[test]
fn of_a_transcoded_call_both_codecs_are_shown_the_callers_first() {
    let mut world = World::new(&config("absorb = []", "codecs = [\"PCMU\", \"G722\"]"));
    let first = offered(&mut world, &OFFER.replace("AVP 8 0 101", "AVP 8 101"));
    let ok = answered(&mut world, &first, &mu_answer(""));
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    assert_eq!(world.board.calls()[0].codec().as_deref(), Some("PCMA/PCMU"));
}

#[test]
fn a_refresh_of_a_transcoded_call_is_answered_with_the_codec_that_its_sender_speaks() {
    let mut world = World::new(&config("", "codecs = [\"PCMU\", \"G722\"]"));
    let first = offered(&mut world, &OFFER.replace("AVP 8 0 101", "AVP 8 101"));
    let ok = answered(&mut world, &first, &mu_answer(""));
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    let again = mu_answer("").replace(" 5 5 IN", " 5 6 IN");
    world.receive(GW1, &from_callee("INVITE", 1, &first, "tb", "re1", &again));
    let out = world.expect(&[(PBX, "INVITE")]).remove(0);
    world.receive(PBX, &response(&out, "200 OK", "", "", &OFFER.replace("AVP 8 0 101", "AVP 8 101")));
    let sent = world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    assert_eq!(formats(&sent[1]), "0 101");
    assert_eq!(world.board.calls()[0].codec().as_deref(), Some("PCMA/PCMU"), "whoever answers last");
}

#[test]
fn a_change_of_the_codec_inside_the_call_changes_the_bridge() {
    let mut world = World::new(&config("absorb = []", "codecs = [\"PCMU\", \"PCMA\"]"));
    let first = offered(&mut world, &OFFER.replace("AVP 8 0 101", "AVP 8 101"));
    let ok = answered(&mut world, &first, &mu_answer(""));
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    assert!(plans(&world).flatten().is_some());
    let again = OFFER.replace("AVP 8 0 101", "AVP 0 101").replace(" 1 1 IN", " 1 2 IN");
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &again));
    let sent = world.take();
    let invite = sent.iter().find(|sent| sent.start().starts_with("INVITE")).expect("INVITE");
    assert_eq!(formats(invite), "0 8 101");
    let ok = answered(&mut world, invite, &mu_answer("").replace(" 5 5 IN", " 5 6 IN"));
    assert_eq!(formats(&ok), "0 101");
    assert_eq!(plans(&world), Some(None), "packets pass as they are from here on");
}

#[test]
fn who_may_not_be_transcoded_is_refused() {
    let mut world = World::new(&config("", "codecs = [\"PCMU\"], transcode = \"never\""));
    world.receive(PBX, &invite(CALLED, &OFFER.replace("AVP 8 0 101", "AVP 8 101"), ""));
    let sent = world.take();
    assert!(sent.last().is_some_and(|sent| sent.start().contains(" 488 ")), "{sent:#?}");
}

#[test]
fn an_answer_names_one_codec_where_the_trunk_wants_it() {
    let mut world = World::new(&config("codecs_locked = true", ""));
    let invite = offered(&mut world, OFFER);
    let ok = answered(&mut world, &invite, &ANSWER.replace("AVP 8 101", "AVP 8 0 101"));
    assert_eq!(formats(&ok), "8 101");
    let [_, back] = *plans(&world).flatten().expect("the callee may send both");
    assert_eq!(back.hears.len(), 2);
    assert!(back.is_in_place());
}

#[test]
fn packet_times_of_trunks_are_said_and_made() {
    let mut world = World::new(&config("ptime = 20", "ptime = 30"));
    let invite = offered(&mut world, &OFFER.replace("a=sendrecv", "a=ptime:20"));
    assert!(invite.body().contains("a=ptime:30") && !invite.body().contains("a=ptime:20"));
    let ok = answered(&mut world, &invite, &format!("{ANSWER}a=ptime:30\r\n"));
    assert!(ok.body().contains("a=ptime:20") && !ok.body().contains("a=ptime:30"));
    let [forth, back] = *plans(&world).flatten().expect("a bridge");
    assert_eq!((forth.speaks.ptime_ms, back.speaks.ptime_ms), (30, 20));
    assert!(!forth.is_in_place());
}

#[test]
fn a_packet_time_that_one_side_needs_is_told_to_the_other_and_watched() {
    let mut world = World::new(&config("", "ptime = 20"));
    let invite = offered(&mut world, OFFER);
    assert!(invite.body().contains("a=ptime:20"));
    let ok = answered(&mut world, &invite, ANSWER);
    assert!(ok.body().contains("a=ptime:20"), "the caller may send what is needed at once");
    let [forth, back] = *plans(&world).flatten().expect("what it really sends is watched");
    assert!(forth.takes.is_some_and(|takes| takes.alone && takes.takes(20) && !takes.takes(60)));
    assert_eq!((back.takes, forth.speaks.ptime_ms), (None, 20));
}

#[test]
fn a_longest_packet_that_a_side_has_named_is_watched() {
    let mut world = World::new(&config("codecs = [\"PCMA\"]", ""));
    let invite = offered(&mut world, OFFER);
    let _ = answered(&mut world, &invite, &format!("{ANSWER}a=maxptime:40\r\n"));
    let [forth, back] = *plans(&world).flatten().expect("what it really sends is watched");
    assert!(forth.takes.is_some_and(|takes| takes.takes(20) && takes.takes(40) && !takes.takes(60)));
    assert_eq!(back.takes, None);
}

/// Opus with events at its clock.
fn opus_offer() -> String {
    OFFER.replace("AVP 8 0 101", "AVP 96 97").replace(
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000",
    )
}

#[test]
fn events_are_offered_at_the_clock_of_a_codec_that_is_added() {
    for dtmf in ["auto", "rfc4733"] {
        let mut world = World::new(&config("", &format!("codecs = [\"PCMA\"], dtmf = \"{dtmf}\"")));
        let invite = offered(&mut world, &opus_offer());
        assert_eq!(formats(&invite), "8 97 101", "{}", invite.body());
        assert!(invite.body().contains("a=rtpmap:101 telephone-event/8000\r\n"), "{}", invite.body());
        let ok = answered(&mut world, &invite, ANSWER);
        assert_eq!(formats(&ok), "96 97", "{}", ok.body());
        assert!(ok.body().contains("a=rtpmap:97 telephone-event/48000\r\n"), "{}", ok.body());
        let [forth, back] = *plans(&world).expect("told").expect("a bridge");
        let clocks = |plan: &bridge::Plan| {
            plan.events.iter().map(|e| (e.from, e.from_clock, e.to, e.to_clock)).collect::<Vec<_>>()
        };
        assert_eq!(clocks(&back), [(101, 8_000, 97, 48_000)]);
        match dtmf {
            "auto" => assert_eq!(clocks(&forth)[0], (97, 48_000, 101, 8_000)),
            _ => assert!(forth.digits.is_some(), "each digit is said anew"),
        }
    }
}

#[test]
fn events_that_both_have_stay_in_an_answer_that_names_others_too() {
    let mut world = World::new(&config("", "dtmf = \"rfc4733\""));
    let invite = offered(&mut world, OFFER);
    assert_eq!(formats(&invite), "8 0 101");
    let more = ANSWER.replace("AVP 8 101", "AVP 8 101 97") + "a=rtpmap:97 telephone-event/16000\r\n";
    let ok = answered(&mut world, &invite, &more);
    assert_eq!(formats(&ok), "8 101", "{}", ok.body());
}

/// The PBX speaks Opus and is called `one`'s PCMA; the call is answered and acknowledged. Our INVITE and our 200.
fn opus_to_pcma(more: &str) -> (World, Sent, Sent) {
    let text = config(&format!("codecs = [\"opus\", \"PCMA\"]{more}"), &format!("codecs = [\"PCMA\"]{more}"));
    let mut world = World::new(&text);
    let out = offered(&mut world, &opus_offer());
    let ok = answered(&mut world, &out, ANSWER);
    assert_eq!(formats(&ok), "96 97", "{}", ok.body());
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    (world, out, ok)
}

/// What the PBX is asked by a further offer of the callee, which it answers.
fn asked_again(world: &mut World, out: &Sent, cseq: u32, offer: &str) -> Sent {
    let branch = format!("re{cseq}");
    world.receive(GW1, &from_callee("INVITE", cseq, out, "tb", &branch, offer));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    let answer = match offer.contains("m=image") {
        true => offer.replace("192.0.2.70", "10.0.0.21"),
        false => opus_offer().replace(" 1 1 IN", &format!(" 1 {cseq} IN")),
    };
    world.receive(PBX, &response(&asked, "200 OK", "", "", &answer));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("ACK", cseq, out, "tb", &format!("{branch}a"), ""));
    asked
}

fn version(sent: &Sent) -> u64 {
    let line = sent.body().lines().find(|line| line.starts_with("o=")).unwrap_or_default();
    line.split(' ').nth(2).and_then(|version| version.parse().ok()).expect("a version")
}

/// RFC 3264 §8.3.2.
#[test]
fn a_payload_number_means_the_same_as_long_as_the_call_lasts() {
    let (mut world, out, ok) = opus_to_pcma("");
    let hold = ANSWER.replace("bob 5 5", "bob 5 6") + "a=sendonly\r\n";
    let asked = asked_again(&mut world, &out, 7, &hold);
    let maps = |sent: &Sent| {
        let lines = sent.body().lines().filter(|line| line.starts_with("a=rtpmap:")).map(str::to_owned);
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    };
    assert_eq!(formats(&asked), "8 96 101 97", "{}", asked.body());
    let held = maps(&asked);
    for map in ["a=rtpmap:96 opus/48000/2", "a=rtpmap:97 telephone-event/48000"] {
        assert!(held.iter().any(|line| line == map), "{held:?}");
    }
    assert_eq!(version(&asked), version(&ok) + 1);
    let fax = "v=0\r\no=bob 5 7 IN IP4 192.0.2.70\r\ns=-\r\nc=IN IP4 192.0.2.70\r\nt=0 0\r\n\
               m=image 6100 udptl t38\r\na=T38FaxVersion:0\r\n";
    let fax = asked_again(&mut world, &out, 8, fax);
    assert!(fax.body().contains("m=image"));
    let back = asked_again(&mut world, &out, 9, &ANSWER.replace("bob 5 5", "bob 5 8"));
    assert_eq!((formats(&back), maps(&back)), ("8 96 101 97", held), "after a fax, too");
}

/// RFC 4028 §7.4, RFC 3264 §8.
#[test]
fn an_offer_of_nothing_new_is_told_as_what_holds_and_under_its_version() {
    let (mut world, out, ok) = opus_to_pcma(", absorb = []");
    for (cseq, said) in [(7, "bob 5 5"), (8, "bob 5 6")] {
        let asked = asked_again(&mut world, &out, cseq, &ANSWER.replace("bob 5 5", said));
        assert_eq!(asked.body(), ok.body());
    }
}

#[test]
fn events_that_are_put_in_keep_their_number() {
    let mut world = World::new(&config("dtmf = \"rfc4733\"", "dtmf = \"info\", absorb = []"));
    let out = offered(&mut world, &OFFER.replace("101", "96"));
    assert_eq!(formats(&out), "8 0");
    let ok = answered(&mut world, &out, &ANSWER.replace("AVP 8 101", "AVP 8"));
    assert_eq!(formats(&ok), "8 96");
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    let hold = ANSWER.replace("AVP 8 101", "AVP 8").replace("bob 5 5", "bob 5 6") + "a=sendonly\r\n";
    world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "re7", &hold));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(formats(&asked), "8 96", "{}", asked.body());
    assert!(asked.body().contains("a=rtpmap:96 telephone-event/8000"), "{}", asked.body());
}

/// RFC 3264 §8.3.2: who comes has numbers of its own.
#[test]
fn who_stays_after_a_transfer_hears_of_no_number_with_another_meaning() {
    let mut world = World::new(&config(LOCAL, "dtmf = \"auto\""));
    let offer = OFFER.replace("AVP 8 0 101", "AVP 8 96 101") + "a=rtpmap:96 opus/48000/2\r\n";
    let out = offered(&mut world, &offer);
    assert_eq!(formats(&out), "8 96 101");
    let ok = answered(&mut world, &out, ANSWER);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    world.expect(&[]);
    let left = refer(&mut world, &ok, 2, "<sip:004420711111@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let came = TARGET.replace("AVP 8 101", "AVP 8 96").replace("a=rtpmap:101", "a=rtpmap:96");
    world.receive(GW1, &response(&left[2], "200 OK", "tc", "", &came));
    let asked = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]).remove(1);
    assert_eq!(formats(&asked), "8 101", "{}", asked.body());
    assert!(asked.body().contains("a=rtpmap:101 telephone-event/8000"), "{}", asked.body());
    assert!(!asked.body().contains(":96 "), "{}", asked.body());
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", &ANSWER.replace("bob 5 5", "bob 5 6")));
    let sent = world.take();
    assert!(sent.iter().any(|sent| sent.start().starts_with("ACK")), "{sent:#?}");
    let told = plans(&world).flatten().expect("events are told apart");
    let digits: Vec<_> = told.iter().filter_map(|plan| plan.digits.as_ref()).collect();
    assert!(!digits.is_empty() && told.iter().all(|plan| plan.hears.is_empty()), "sound passes: {told:?}");
}
