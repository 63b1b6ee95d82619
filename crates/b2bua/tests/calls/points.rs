//! What is refused for its form, what of a refusal crosses, and calls that lose their media.

use crate::common::{
    ANSWER, CONFIG, GW1, OFFER, PBX, World, answered, from_callee, inside, invite, response,
};
use b2bua::Command;
use base::ReasonId;

const VIDEO: &str = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn media_of_another_family_than_the_interface_are_refused_before_anybody_rings() {
    let six = OFFER.replace("c=IN IP4 10.0.0.21", "c=IN IP6 fd07::21");
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", &six, ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
    assert!(sent[0].text.contains("Warning: 301 10.0.0.5 "), "{}", sent[0].text);
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::MediaAddress);

    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "re1", "", &six));
    let sent = world.expect(&[(PBX, "SIP/2.0 488")]);
    assert!(sent[0].text.contains("Warning: 301 10.0.0.5 "), "{}", sent[0].text);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "re1", "", ""));
    world.receive(PBX, &inside("UPDATE", 3, ok.header("To"), "up1", "", &six));
    world.expect(&[(PBX, "SIP/2.0 488")]);
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_stream_that_was_refused_and_is_offered_again_reaches_the_other_side() {
    let (offer, refused) = (format!("{OFFER}{VIDEO}"), format!("{ANSWER}m=video 0 RTP/AVP 96\r\n"));
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", &offer, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", &refused));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let to = sent[1].header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    world.receive(PBX, &inside("INVITE", 2, &to, "re1", "", &offer));
    let sent = world.expect(&[(GW1, "INVITE")]);
    assert!(sent[0].body().contains("m=video 30002 "), "{}", sent[0].body());
    let taken = format!("{ANSWER}m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &taken));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 2, &to, "ack2", "", ""));
    world.receive(PBX, &inside("UPDATE", 3, &to, "up1", "", &offer));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    hang_up(&mut world, &to);
}

#[test]
fn whoever_warned_becomes_this_node_and_error_info_stays_behind() {
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let first = world.expect(&[(GW1, "INVITE")]);
    let rows = "Warning: 399 192.0.2.7 \"Busy, really\"\r\nError-Info: <http://192.0.2.7/busy.wav>\r\n";
    world.receive(GW1, &response(&first[0], "486 Busy Here", "x", rows, ""));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 486")]);
    assert_eq!(sent[1].header("Warning"), "399 10.0.0.5 \"Busy, really\"");
    assert!(!sent[1].text.contains("192.0.2."), "{}", sent[1].text);
    world.settle();
}

#[test]
fn a_request_line_that_is_too_long_hears_414() {
    let long = "1".repeat(9_000);
    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite(&long, OFFER, "").replacen("To: <sip:1", "To: <sip:2", 1));
    world.expect(&[(PBX, "SIP/2.0 414")]);
    world.receive("10.0.0.99:5060", &invite(&long, OFFER, ""));
    world.expect(&[]);
    world.settle();
}

#[test]
fn after_bye_nothing_of_the_dialog_is_left() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let to = ok.header("To");
    world.receive(PBX, &inside("BYE", 2, to, "bye1", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
    world.receive(PBX, &inside("UPDATE", 3, to, "up1", "", ""));
    world.receive(PBX, &inside("OPTIONS", 4, to, "op1", "", ""));
    world.receive(GW1, &from_callee("OPTIONS", 7, &out, "tb", "op2", ""));
    world.expect(&[(PBX, "SIP/2.0 481"), (PBX, "SIP/2.0 481"), (GW1, "SIP/2.0 481")]);
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_contact_that_is_no_address_hears_400_and_an_encoded_body_415() {
    let mut world = World::new(CONFIG);
    let star = invite("+4420700000", OFFER, "").replace("Contact: <sip:alice@10.0.0.21:5060>", "Contact: *");
    world.receive(PBX, &star);
    world.expect(&[(PBX, "SIP/2.0 400")]);
    world.receive(PBX, &inside("ACK", 1, "<sip:+4420700000@10.0.0.5>", "a1", "", ""));
    world.settle();

    let mut world = World::new(CONFIG);
    world.receive(PBX, &invite("+4420700000", OFFER, "Content-Encoding: gzip\r\n"));
    let sent = world.expect(&[(PBX, "SIP/2.0 415")]);
    assert_eq!(sent[0].header("Accept-Encoding"), "identity");
    world.settle();

    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    for (cseq, method) in [(2, "UPDATE"), (3, "INFO")] {
        let branch = format!("e{cseq}");
        let text = inside(method, cseq, ok.header("To"), &branch, "Content-Encoding: gzip\r\n", OFFER);
        world.receive(PBX, &text);
        let sent = world.expect(&[(PBX, "SIP/2.0 415")]);
        assert_eq!(sent[0].header("Accept-Encoding"), "identity", "{method}");
    }
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_node_that_drains_tells_those_who_ask() {
    let mut world = World::new(CONFIG);
    world.command(Command::Drain);
    let text = inside("OPTIONS", 1, "<sip:10.0.0.5>", "o1", "", "");
    world.receive(PBX, &text);
    let sent = world.expect(&[(PBX, "SIP/2.0 503")]);
    assert!(!sent[0].header("Retry-After").is_empty());
}

#[test]
fn a_call_whose_media_session_is_lost_ends() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let session = world.media.iter().find_map(|command| match command {
        media::Command::Open { session, .. } => Some(*session),
        _ => None,
    });
    let session = session.expect("a session");
    world.media_reply(media::Reply::Closed { session, report: Box::default() });
    let sent = world.expect(&[(PBX, "BYE"), (GW1, "BYE")]);
    for bye in &sent {
        assert!(bye.header("Reason").contains("cause=41"), "{}", bye.text);
        world.receive(&bye.to.to_string(), &response(bye, "200 OK", "", "", ""));
    }
    assert!(!ok.header("To").is_empty());
    world.settle();
    assert_eq!(world.records[0].reason, ReasonId::MediaWorkerLost);
}

#[test]
fn who_cancels_while_the_answer_waits_for_its_prack_has_talked_to_nobody() {
    let mut world = World::new(CONFIG);
    let message = invite("+4420700000", OFFER, "Supported: 100rel\r\n");
    world.receive(PBX, &message);
    let first = world.expect(&[(GW1, "INVITE")]);
    let reliable = "Require: 100rel\r\nRSeq: 1\r\n";
    world.receive(GW1, &response(&first[0], "183 Session Progress", "tb", reliable, ANSWER));
    let sent = world.expect(&[(GW1, "PRACK"), (PBX, "SIP/2.0 183")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", ""));
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    world.expect(&[(GW1, "ACK")]);
    world.pass(std::time::Duration::from_millis(200));
    world.receive(PBX, &message.replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL"));
    let sent = world.take();
    let bye = sent.iter().find(|s| s.start().starts_with("BYE")).expect("BYE").clone();
    assert!(sent.iter().any(|s| s.start().starts_with("SIP/2.0 487")), "{sent:#?}");
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
    let record = &world.records[0];
    assert_eq!((record.status, record.duration_ms()), (487, 0));
    assert!(record.attempts[0].answer.is_some(), "the callee had answered");
}
