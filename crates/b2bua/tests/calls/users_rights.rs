//! What users show of themselves, may call, and where they are, as sentences.

use crate::common::{ANSWER, GW1, GW2, OFFER, Sent, World, from_callee, invite, response};
use crate::users::{OTHER, PHONE, ack, config, contact, credentials, register, request};

/// A call of a proven user; gives what left.
fn calls(
    world: &mut World,
    from: &str,
    name: &str,
    who: (&str, &str),
    number: &str,
    rows: &str,
) -> Vec<Sent> {
    let to = format!("sip:{number}@10.0.0.5");
    let aor = format!("sip:{name}@10.0.0.5");
    let rows = format!("Contact: <sip:x@192.168.1.9>\r\n{rows}");
    world.receive(from, &request("INVITE", &to, 1, &aor, &rows, OFFER));
    let asked = world.expect(&[(from, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, who.0, who.1, "INVITE", &to);
    world.receive(from, &ack(&asked, &to, 1));
    world.receive(from, &request("INVITE", &to, 2, &aor, &format!("{row}{rows}"), OFFER));
    world.take()
}

#[test]
fn a_phone_whose_name_is_no_number_shows_its_first_number() {
    let named = config("").replace("username = \"101\"", "username = \"anna\"");
    let mut world = World::new(&named);
    let preferred = "P-Preferred-Identity: <sip:anna@10.0.0.5>\r\n";
    let sent = calls(&mut world, PHONE, "anna", ("anna", "streng"), "+4420700000", preferred);
    let invite = sent.iter().find(|s| s.start().starts_with("INVITE")).expect("an INVITE");
    assert!(invite.header("From").starts_with("<sip:+493023125101@"), "{}", invite.text);
    assert_eq!(invite.header("Contact"), "<sip:+493023125101@192.0.2.1:5060>");
    assert!(!invite.text.contains("anna"), "{}", invite.text);
}

#[test]
fn the_policy_of_a_user_and_of_its_group_rules_its_calls() {
    let more = "[policy.house]\nusages = [\"none\"]\n[policy.world]\nusages = [\"out\"]\n[group.lobby]\npolicy = \"house\"\n";
    let text = config(more)
        .replace("name = \"world\"", "name = \"world\"\nusages = [\"out\"]")
        .replace("password = \"geheim\"", "password = \"geheim\", group = \"lobby\"")
        .replace("password = \"streng\"", "password = \"streng\", group = \"lobby\", policy = \"world\"");
    let mut world = World::new(&text);
    let sent = calls(&mut world, PHONE, "+493023125100", ("100", "geheim"), "+4420700000", "");
    assert!(sent.last().is_some_and(|s| s.start().starts_with("SIP/2.0 403")), "{sent:?}");
    assert_eq!(world.records[0].reason.id(), "R-POLICY");
    let sent = calls(&mut world, OTHER, "+493023125101", ("101", "streng"), "+4420700000", "");
    assert!(sent.iter().any(|s| s.start().starts_with("INVITE sip:+4420700000@")), "{sent:?}");
}

#[test]
fn a_registered_phone_is_at_the_site_of_its_address() {
    let sites = "[site.near]\nsubnets = [\"10.9.0.1/32\"]\n[site.far]\nsubnets = [\"10.9.0.0/24\"]\n";
    let text = config(sites).replace("[trunk.one]", "[trunk.one]\nsite = \"near\"\nsite_only = true");
    let mut world = World::new(&text);
    register(&mut world, PHONE, "100", "geheim", 1, &contact("near"));
    register(&mut world, OTHER, "101", "streng", 11, &contact("far"));
    let from_one = |number: &str| invite(number, OFFER, "").replace("10.0.0.21", "192.0.2.7");
    world.receive(GW1, &from_one("+493023125101"));
    world.expect(&[(GW1, "SIP/2.0 403")]);
    let record = world.records.last().expect("a record");
    assert_eq!((record.reason.id(), &*record.facts.site), ("R-SITE", "near"));
    world.receive(GW1, &from_one("+493023125100").replace("call-a", "call-b").replace("a1", "b1"));
    let sent = world.expect(&[(PHONE, "INVITE sip:near@192.168.1.9:5060 SIP/2.0")]);
    world.receive(PHONE, &response(&sent[0], "486 Busy Here", "x", "", ""));
    assert_eq!(&*world.records.last().expect("a record").attempts[0].facts.site, "near");
    // And the other way: who calls from elsewhere does not get that trunk.
    world.take();
    let sent = calls(&mut world, OTHER, "+493023125101", ("101", "streng"), "+4420700000", "");
    let invites: Vec<_> =
        sent.iter().filter(|s| s.start().starts_with("INVITE")).map(|s| s.to.to_string()).collect();
    assert_eq!(invites, [GW2], "{sent:?}");
}

#[test]
fn a_phone_calls_with_its_own_number_and_with_no_other() {
    let mut world = World::new(&config(""));
    let to = "sip:+4420700000@10.0.0.5";
    let call = |cseq, number: &str, rows: &str| {
        let rows = format!("Contact: <sip:x@192.168.1.9>\r\n{rows}");
        request("INVITE", to, cseq, &format!("sip:{number}@10.0.0.5"), &rows, OFFER)
    };
    world.receive(PHONE, &call(1, "+493023125115", ""));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    world.receive(PHONE, &ack(&asked, to, 1));
    assert_eq!(world.records.len(), 0, "no call yet");
    let row = credentials(&asked, 1, "101", "streng", "INVITE", to);
    world.receive(PHONE, &call(2, "+493023125115", &row));
    world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]);

    let mut world = World::new(&config(""));
    world.receive(PHONE, &call(1, "+493023125100", ""));
    let asked = world.expect(&[(PHONE, "SIP/2.0 401")])[0].clone();
    let row = credentials(&asked, 0, "101", "streng", "INVITE", to);
    world.receive(PHONE, &ack(&asked, to, 1));
    world.receive(PHONE, &call(2, "+493023125100", &row));
    world.expect(&[(PHONE, "SIP/2.0 403")]);
    assert_eq!(world.records[0].reason.id(), "A-IDENTITY");
}

#[test]
fn a_phone_refers_to_no_number_that_its_own_policy_keeps_from_it() {
    let more = "override = { refer = \"local\" }\n\
                [policy.house]\nusages = [\"none\"]\n[policy.world]\nusages = [\"out\"]\n";
    let text = config(more)
        .replace("name = \"world\"", "name = \"world\"\nusages = [\"out\"]")
        .replace("password = \"geheim\"", "password = \"geheim\", policy = \"house\"")
        .replace("password = \"streng\"", "password = \"streng\", policy = \"world\"");
    for (user, password, number, status) in
        [("100", "geheim", "+493023125100", "SIP/2.0 403"), ("101", "streng", "+493023125101", "SIP/2.0 202")]
    {
        let mut world = World::new(&text);
        register(&mut world, PHONE, user, password, 1, &contact("x"));
        world.receive(GW1, &invite(number, OFFER, "").replace("10.0.0.21", "192.0.2.7"));
        let first = world.expect(&[(PHONE, "INVITE")])[0].clone();
        world.receive(PHONE, &response(&first, "200 OK", "tb", "", ANSWER));
        let ok = world.expect(&[(PHONE, "ACK"), (GW1, "SIP/2.0 200")])[1].clone();
        world.receive(GW1, &ack(&ok, "sip:10.0.0.5", 1));
        world.take();
        let refer = from_callee("REFER", 1, &first, "tb", "r1", "");
        let to = "Refer-To: <sip:+4420711111@10.0.0.5>\r\nContact: ";
        world.receive(PHONE, &refer.replace("Contact: ", to));
        let sent = world.take();
        assert!(sent[0].start().starts_with(status), "{user}: {sent:?}");
    }
}
