//! Call pickup: an INVITE with Replaces that names a callee who only rings (RFC 3891 §3).

use crate::common::{ANSWER, GW1, GW2, OFFER, PBX, Sent, World, invite, response};
use crate::transfers::{config, fine};
use b2bua::{ReleasedBy, TransferHow};
use base::ReasonId;

const OWN: &str = "replaces = \"own\"";
/// What the telephone that picks up offers.
pub(crate) const PHONE: &str = "v=0\r\no=phone 7 7 IN IP4 10.0.0.33\r\ns=-\r\nc=IN IP4 10.0.0.33\r\nt=0 0\r\nm=audio 7000 RTP/AVP 9 8 96\r\na=rtpmap:96 telephone-event/8000\r\n";

/// The same request as the provider sends it to one of our numbers.
pub(crate) fn from_provider(text: &str) -> String {
    text.replace("10.0.0.21", "192.0.2.7").replace("10.0.0.5", "192.0.2.1")
}

/// A call of the provider's that rings at the PBX; gives our INVITE there.
fn ringing(world: &mut World) -> Sent {
    world.receive(GW1, &from_provider(&invite("+493023125107", OFFER, "")));
    let out = world.expect(&[(PBX, "INVITE sip:")]).remove(0);
    world.receive(PBX, &response(&out, "180 Ringing", "tp", "", ""));
    world.expect(&[(GW1, "SIP/2.0 180")]);
    out
}

fn tag(value: &str) -> &str {
    value.split(";tag=").nth(1).unwrap_or_default()
}

/// The INVITE of another telephone of the PBX, for the dialog that rings.
pub(crate) fn picks_up(out: &Sent, body: &str, more: &str) -> String {
    let (call, ours) = (out.header("Call-ID"), tag(out.header("From")));
    let rows = format!("Replaces: {call};to-tag={ours};from-tag=tp{more}\r\nRequire: replaces\r\n");
    let text = invite("+493023125107", body, &rows);
    text.replace("call-a", "call-2")
        .replace("tag=fa", "tag=f2")
        .replace("bKa1", "bKp1")
        .replace("+493023125100", "+493023125108")
}

fn by_phone(method: &str, cseq: u32, to: &str, branch: &str) -> String {
    crate::common::inside(method, cseq, to, branch, "", "")
        .replace("call-a", "call-2")
        .replace("tag=fa", "tag=f2")
        .replace("+493023125100", "+493023125108")
}

#[test]
fn another_telephone_answers_for_the_one_that_rings() {
    let mut world = World::new(&config(OWN, ""));
    let out = ringing(&mut world);
    world.receive(PBX, &picks_up(&out, PHONE, ";early-only"));
    let sent = world.expect(&[(PBX, "CANCEL"), (GW1, "SIP/2.0 200"), (PBX, "SIP/2.0 200")]);
    assert!(sent[0].header("Reason").contains("cause=200"), "no missed call: {}", sent[0].header("Reason"));
    let (ok, picked) = (sent[1].clone(), sent[2].clone());
    // Each is answered with what both have, under the numbers of the one who receives it.
    assert!(
        ok.body().contains("RTP/AVP 8 96\r\n") && ok.body().contains("IN IP4 192.0.2.1"),
        "{}",
        ok.body()
    );
    assert!(picked.body().contains("RTP/AVP 8 101\r\n"), "{}", picked.body());
    assert!(picked.body().contains("IN IP4 10.0.0.5"), "{}", picked.body());
    assert_eq!(picked.header("Call-ID"), "call-2");
    world.receive(GW1, &from_provider(&crate::common::inside("ACK", 1, ok.header("To"), "ack1", "", "")));
    world.receive(PBX, &by_phone("ACK", 1, picked.header("To"), "ack2"));
    fine(&mut world, &sent[0]);
    world.receive(PBX, &response(&out, "487 Request Terminated", "tp", "", ""));
    world.expect(&[(PBX, "ACK")]);
    assert_eq!(world.board.live_calls(), 1, "the two are one call");

    world.receive(PBX, &by_phone("BYE", 2, picked.header("To"), "bye2"));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    assert_eq!(sent[1].header("Call-ID"), "call-a");
    fine(&mut world, &sent[1]);
    world.settle();
    let (picked, record) = (&world.records[0], &world.records[1]);
    assert_eq!((picked.status, picked.reason), (200, ReasonId::Transferred));
    assert_eq!((record.status, record.reason), (200, ReasonId::HangupB));
    assert!(record.answer.is_some() && record.attempts[0].answer.is_none());
    assert_eq!(record.attempts[0].reason, ReasonId::Elsewhere);
    let transfer = &record.transfers[0];
    assert_eq!(
        (transfer.how, transfer.status, transfer.with),
        (TransferHow::Replaced, 200, Some(picked.key))
    );
    assert_eq!((&*transfer.from, &*transfer.to), ("+493023125107", "+493023125108"));
    assert_eq!((transfer.by, &*transfer.trunk), (ReleasedBy::Callee, "pbx"));
}

#[test]
fn media_flow_between_the_caller_and_the_one_that_picked_up() {
    let mut world = World::new(&config(OWN, ""));
    let out = ringing(&mut world);
    world.media.clear();
    world.receive(PBX, &picks_up(&out, PHONE, ""));
    let told: Vec<(media::Side, String)> = world
        .media
        .iter()
        .filter_map(|command| match command {
            media::Command::Set { side, remote, .. } => Some((*side, remote.rtp?.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(media::Side::B, "10.0.0.33:7000".into()), (media::Side::A, "192.0.2.7:4000".into())]);
    let others = world.media.iter().filter_map(|command| match command {
        media::Command::Set { side, remote, .. } => Some((*side, remote.other)),
        _ => None,
    });
    let others: Vec<(media::Side, bool)> = others.collect();
    assert_eq!(
        others,
        [(media::Side::B, true), (media::Side::A, false)],
        "who rang before is not heard any more"
    );
    assert!(!world.media.iter().any(|c| matches!(c, media::Command::Close { .. })), "{:?}", world.media);
}

#[test]
fn a_ringing_place_that_cannot_be_taken_is_refused_and_rings_on() {
    let mut world = World::new(&config(OWN, ""));
    let out = ringing(&mut world);
    for (text, status) in [
        (picks_up(&out, PHONE, "").replace("from-tag=tp", "from-tag=tx"), "481"),
        (picks_up(&out, "", ""), "488"),
        (picks_up(&out, &PHONE.replace("AVP 9 8 96", "AVP 9 96"), ""), "488"),
        (from_provider(&picks_up(&out, PHONE, "")), "420"),
    ] {
        let from = if text.contains("192.0.2.7:5060;rport") { GW1 } else { PBX };
        let text = text.replace("bKp1", &format!("bK{status}{}", text.len()));
        let text = text.replace("call-2", &format!("call-{status}{}", text.len()));
        world.receive(from, &text);
        let sent = world.take();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].start().starts_with(&format!("SIP/2.0 {status}")), "{}", sent[0].start());
    }
    world.receive(PBX, &response(&out, "200 OK", "tp", "", ANSWER));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
}

#[test]
fn what_the_caller_has_heard_as_its_answer_does_not_change() {
    let mut world = World::new(&config(OWN, ""));
    world.receive(GW1, &from_provider(&invite("+493023125107", OFFER, "")));
    let out = world.expect(&[(PBX, "INVITE sip:")]).remove(0);
    world.receive(PBX, &response(&out, "183 Session Progress", "tp", "", ANSWER));
    world.expect(&[(GW1, "SIP/2.0 183")]);
    world.receive(PBX, &picks_up(&out, &PHONE.replace("a=rtpmap:96", "a=ptime:30\r\na=rtpmap:96"), ""));
    world.expect(&[(PBX, "SIP/2.0 488")]);
    world.receive(PBX, &response(&out, "200 OK", "tp", "", ANSWER));
    world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]);
}

#[test]
fn the_callers_own_early_dialog_cannot_be_taken() {
    let mut world = World::new(&config("", OWN));
    world.receive(GW1, &from_provider(&invite("+493023125107", OFFER, "")));
    let out = world.expect(&[(PBX, "INVITE sip:")]).remove(0);
    world.receive(PBX, &response(&out, "180 Ringing", "tp", "", ""));
    let rings = world.expect(&[(GW1, "SIP/2.0 180")]).remove(0);
    // We have not begun it: RFC 3891 §3 wants 481.
    let rows = format!("Replaces: call-a;to-tag={};from-tag=fa\r\n", tag(rings.header("To")));
    let text = invite("+493023125107", OFFER, &rows).replace("Call-ID: call-a", "Call-ID: call-2");
    world.receive(GW1, &from_provider(&text.replace("bKa1", "bKq1").replace("tag=fa\r\nTo", "tag=f2\r\nTo")));
    world.expect(&[(GW1, "SIP/2.0 481")]);
}

#[test]
fn an_answer_that_crosses_the_pickup_is_ended() {
    let mut world = World::new(&config(OWN, ""));
    let out = ringing(&mut world);
    world.receive(PBX, &picks_up(&out, PHONE, ""));
    world.take();
    world.receive(PBX, &response(&out, "200 OK", "tp", "", ANSWER));
    let sent = world.expect(&[(PBX, "ACK"), (PBX, "BYE")]);
    assert_eq!(sent[1].header("Call-ID"), out.header("Call-ID"));
}

/// The INVITE of another telephone behind a provider, for a dialog that rings there.
fn picks_up_at(gateway: &str, out: &Sent, from_tag: &str) -> String {
    let host = gateway.split(':').next().unwrap_or_default();
    let text = from_provider(&picks_up(out, &PHONE.replace("10.0.0.33", host), ""));
    text.replace("192.0.2.7", host)
        .replace("from-tag=tp", &format!("from-tag={from_tag}"))
        .replace("call-2", &format!("call-{host}"))
}

/// Two providers are rung at once; each telephone may answer for those of its own provider alone.
#[test]
fn of_branches_that_ring_at_once_the_trunk_of_the_named_one_is_judged() {
    let parallel = |text: String, trunk: &str| {
        let head = format!("[trunk.{trunk}]\n");
        text.replace(&head, &format!("{head}hunt = \"parallel\"\noverride = {{ {OWN} }}\n"))
    };
    let text = parallel(parallel(config("", ""), "one"), "two").replace("override = {  }\n", "");
    let text = text.replace("to = [\"one\", \"two\"]", "to = [[\"one\", \"two\"]]");
    for (named, other, heard_last) in [(0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1)] {
        let mut world = World::new(&text);
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let outs = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
        let (gateways, tags) = ([GW1, GW2], ["t1", "t2"]);
        for at in [1 - heard_last, heard_last] {
            world.receive(gateways[at], &response(&outs[at], "180 Ringing", tags[at], "", ""));
        }
        world.take();
        world.receive(gateways[other], &picks_up_at(gateways[other], &outs[named], tags[named]));
        let sent = world.take();
        assert!(sent[0].start().starts_with("SIP/2.0 403"), "{named} {heard_last}: {}", sent[0].start());
        let text = picks_up_at(gateways[named], &outs[named], tags[named]);
        world.receive(gateways[named], &text.replace("bKp1", "bKp2").replace("call-192", "again-192"));
        let sent = world.take();
        let to = |gateway: &str, start: &str| {
            sent.iter().any(|s| s.to.to_string() == gateway && s.start().starts_with(start))
        };
        assert!(
            to(PBX, "SIP/2.0 200") && to(gateways[named], "SIP/2.0 200"),
            "{named} {heard_last}: {sent:?}"
        );
        assert!(to(GW1, "CANCEL") && to(GW2, "CANCEL"), "nobody rings on: {sent:?}");
    }
}
