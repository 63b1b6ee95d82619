//! Whose rights a party has that a transfer has brought into a call, and the one that stayed.

use crate::common::{ANSWER, GW1, OFFER, Sent, World, from_callee, invite, response};
use crate::users::{OTHER, PHONE, ack, config, contact, credentials, register, request};

const BEN: &str = "+493023125100";
const ANNA: &str = "+493023125101";
const CARL: &str = "+493023125120";
/// Where Carl is; Ben is at `PHONE`, Anna at `OTHER`.
const CARLS: &str = "10.9.0.3:5060";

/// Ben and Carl may call the world, Anna may not; a call without a user may.
fn world(refer: &str) -> World {
    let more = "override = { refer = \"REFER\", refer_max = 9, replaces = \"own\" }\n\
                [policy.house]\nusages = [\"none\"]\n[policy.world]\nusages = [\"out\"]\n";
    let carl =
        format!("{{ username = \"102\", password = \"drei\", numbers = \"{CARL}\", policy = \"world\" }},");
    let text = config(more)
        .replace("REFER", refer)
        .replace("name = \"world\"", "name = \"world\"\nusages = [\"out\"]")
        .replace("password = \"geheim\"", "password = \"geheim\", policy = \"world\"")
        .replace("password = \"streng\"", "password = \"streng\", policy = \"house\"")
        .replace("+493023125119\"] },", &format!("+493023125119\"] }},\n{carl}"));
    let mut world = World::new(&text);
    register(&mut world, PHONE, "100", "geheim", 1, &contact("ben"));
    register(&mut world, OTHER, "101", "streng", 1, &contact("anna"));
    register(&mut world, CARLS, "102", "drei", 1, &contact("carl"));
    world.take();
    world
}

/// Everybody agrees to everything; gives our INVITEs and the answers to INVITEs of theirs.
fn agreed(world: &mut World) -> (Vec<Sent>, Vec<Sent>) {
    let (mut invites, mut answers) = (Vec::new(), Vec::new());
    loop {
        let sent = world.take();
        if sent.is_empty() {
            return (invites, answers);
        }
        for one in sent {
            let from = one.to.to_string();
            match one.start().split(' ').next().unwrap_or_default() {
                "INVITE" => {
                    world.receive(&from, &response(&one, "200 OK", "t", "", ANSWER));
                    invites.push(one);
                }
                "NOTIFY" | "BYE" => world.receive(&from, &response(&one, "200 OK", "", "", "")),
                "ACK" => {}
                _ if one.header("CSeq").ends_with("INVITE") => answers.push(one),
                _ => {}
            }
        }
    }
}

/// A telephone calls; gives our INVITEs and the 200 that it heard.
fn calls(
    world: &mut World,
    (from, number): (&str, &str),
    who: (&str, &str),
    to: &str,
    rows: &str,
) -> (Vec<Sent>, Sent) {
    let (to, aor) = (format!("sip:{to}@10.0.0.5"), format!("sip:{number}@10.0.0.5"));
    let rows = format!("Contact: <sip:x@192.168.1.9>\r\n{rows}");
    world.receive(from, &request("INVITE", &to, 1, &aor, &rows, OFFER));
    let asked = world.expect(&[(from, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, who.0, who.1, "INVITE", &to);
    world.receive(from, &ack(&asked, &to, 1));
    world.receive(from, &request("INVITE", &to, 2, &aor, &format!("{row}{rows}"), OFFER));
    let (invites, answers) = agreed(world);
    let ok = answers.into_iter().find(|a| a.start().contains(" 200 ")).expect("an answer");
    world.receive(from, &ack(&ok, "sip:10.0.0.5", 2));
    (invites, ok)
}

/// REFER of who called: in the dialog of our answer.
fn by_caller(ok: &Sent, cseq: u32, to: &str) -> String {
    ack(ok, "sip:10.0.0.5", cseq)
        .replace("ACK", "REFER")
        .replace("branch=z9hG4bK", &format!("branch=z9hG4bKr{cseq}"))
        .replace(
            "CSeq",
            &format!(
                "Max-Forwards: 70\r\nRefer-To: <sip:{to}@10.0.0.5>\r\nContact: <sip:x@192.168.1.9>\r\nCSeq"
            ),
        )
}

/// REFER of who was called: in the dialog of our INVITE.
fn by_callee(out: &Sent, cseq: u32, to: &str) -> String {
    let rows = format!("Refer-To: <sip:{to}@10.0.0.5>\r\nContact: ");
    from_callee("REFER", cseq, out, "t", &format!("r{cseq}"), "").replace("Contact: ", &rows)
}

/// What a telephone hears that refers its peer to a number abroad.
fn hears(world: &mut World, from: &str, refer: &str) -> String {
    world.receive(from, refer);
    let sent = world.take();
    sent.iter().find(|s| s.header("CSeq").ends_with("REFER")).expect("an answer").start().to_owned()
}

const ABROAD: &str = "+4420711111";

#[test]
fn who_comes_into_the_place_of_the_caller_has_its_own_rights() {
    let mut world = world("local");
    let (_, ok) = calls(&mut world, (PHONE, BEN), ("100", "geheim"), "+4420700000", "");
    world.receive(PHONE, &by_caller(&ok, 3, ANNA));
    let (invites, _) = agreed(&mut world);
    assert_eq!(invites[0].to.to_string(), OTHER, "{invites:?}");
    let heard = hears(&mut world, OTHER, &by_callee(&invites[0], 1, ABROAD));
    assert!(heard.starts_with("SIP/2.0 403"), "{heard}");
}

#[test]
fn who_stays_keeps_its_rights_and_hands_them_to_nobody() {
    for (refers, status) in [(OTHER, "SIP/2.0 403"), (CARLS, "SIP/2.0 202")] {
        let mut world = world("local");
        let (first, ok) = calls(&mut world, (PHONE, BEN), ("100", "geheim"), ANNA, "");
        world.receive(PHONE, &by_caller(&ok, 3, CARL));
        let (invites, _) = agreed(&mut world);
        assert_eq!(invites[0].to.to_string(), CARLS, "{invites:?}");
        let dialog = if refers == OTHER { &first[0] } else { &invites[0] };
        let heard = hears(&mut world, refers, &by_callee(dialog, 1, ABROAD));
        assert!(heard.starts_with(status), "{refers}: {heard}");
    }
}

#[test]
fn who_takes_a_place_by_replaces_has_its_own_rights() {
    let mut world = world("local");
    world.receive(GW1, &invite(BEN, OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    let (invites, answers) = agreed(&mut world);
    let (first, ok) = (&invites[0], &answers[answers.len() - 1]);
    world.receive(GW1, &ack(ok, "sip:192.0.2.1", 1));
    let ours = first.header("From").split(";tag=").nth(1).unwrap_or_default();
    let call = first.header("Call-ID");
    let rows = format!("Replaces: {call};to-tag={ours};from-tag=t\r\nRequire: replaces\r\n");
    let (_, ok) = calls(&mut world, (OTHER, ANNA), ("101", "streng"), BEN, &rows);
    agreed(&mut world);
    let heard = hears(&mut world, OTHER, &by_caller(&ok, 3, ABROAD));
    assert!(heard.starts_with("SIP/2.0 403"), "{heard}");
}

#[test]
fn a_call_that_a_transfer_places_is_of_the_user_that_stays() {
    let more = "override = { refer = \"local\" }\n[group.lobby]\n[[dialplan]]\nname = \"again\"\n\
                match = '(\\+4930231251009*)'\nto = \"${1}9\"\ngroup = \"lobby\"\n";
    let told = "override = { caller = { trust = true, referred_by = \"pass\" } }";
    let text = config(more)
        .replace("password = \"geheim\"", "password = \"geheim\", group = \"lobby\"")
        .replace("[trunk.one]", &format!("[trunk.one]\n{told}"));
    let mut world = World::new(&text);
    register(&mut world, OTHER, "101", "streng", 1, &contact("anna"));
    let (_, ok) = calls(&mut world, (PHONE, BEN), ("100", "geheim"), ANNA, "");
    world.receive(PHONE, &by_caller(&ok, 3, "+49307777777"));
    let (invites, _) = agreed(&mut world);
    // Read once, when Ben called; not again by the rules of Ben's group.
    assert!(invites[0].header("Referred-By").contains("+4930231251009@"), "{}", invites[0].text);
}

#[test]
fn a_refer_that_is_passed_on_is_judged_by_the_rights_of_its_user_too() {
    for (from, number, status) in [(OTHER, ANNA, Some("SIP/2.0 403")), (PHONE, BEN, None)] {
        let mut world = world("pass");
        world.receive(GW1, &invite(number, OFFER, "").replace("10.0.0.21", "192.0.2.7"));
        let (invites, answers) = agreed(&mut world);
        world.receive(GW1, &ack(&answers[answers.len() - 1], "sip:192.0.2.1", 1));
        world.take();
        world.receive(from, &by_callee(&invites[0], 1, ABROAD));
        match status {
            Some(status) => drop(world.expect(&[(from, status)])),
            None => drop(world.expect(&[(GW1, "REFER")])),
        }
    }
}
