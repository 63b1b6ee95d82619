//! What calls show of the account that they are placed with, as sentences.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, inside, invite, response};
use crate::registrations::{ACCOUNT, config, granted, register, state};
use b2bua::Command;
use base::ReasonId;
use std::time::Duration;

#[test]
fn a_provider_may_want_the_account_in_from_and_contact_of_calls() {
    let wants = "from_user = \"trunk-77\"\nregister = { contact_user = \"c77\" }\n\
                 override = { contact = \"account\", caller = { write = [\"from\", \"pai\"] } }";
    let mut world = World::new(&config(wants));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, GW1);
    assert!(first.header("From").starts_with("<sip:+4930231250@tel.example>"), "{}", first.header("From"));
    world.receive(GW1, &granted(&first, 300, ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@tel.example")]);
    assert!(sent[0].header("From").contains("<sip:trunk-77@tel.example>;tag="), "{}", sent[0].header("From"));
    assert_eq!(sent[0].header("Contact"), "<sip:c77@192.0.2.1:5060>");
    assert!(sent[0].header("P-Asserted-Identity").contains("+493023125100@"), "{}", sent[0].text);
    world.receive(GW1, &response(&sent[0], "200 OK", "tb", "", ANSWER));
    let answered = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 1, answered[1].header("To"), "ack1", "", ""));
    // A target refresh names the same (RFC 3261 §12.2).
    let moved = OFFER.replace("4000", "4010");
    world.receive(PBX, &inside("INVITE", 2, answered[1].header("To"), "re1", "", &moved));
    let again = world.take().into_iter().find(|s| s.start().starts_with("INVITE"));
    let again = again.map(|s| s.header("Contact").to_owned()).unwrap_or_default();
    assert_eq!(again, "<sip:c77@192.0.2.1:5060>");
    let hidden =
        invite("+4420700000", OFFER, "Privacy: id\r\n").replace("call-a", "call-b").replace("a1", "b1");
    world.receive(PBX, &hidden);
    let sent = world.expect(&[(GW1, "INVITE sip:+4420700000@tel.example")]);
    assert_eq!(sent[0].header("Privacy"), "id", "told in confidence: {}", sent[0].text);
    assert_eq!(sent[0].header("Contact"), "<sip:c77@192.0.2.1:5060>", "the account is no secret");
}

#[test]
fn an_account_whose_trunk_was_taken_out_is_deregistered_with_the_methods_of_its_own() {
    let last = "[trunk.last]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.9\"]\noptions_interval = \"0s\"\n";
    let with = format!("{last}{ACCOUNT}register = {{}}\noverride = {{ refer = \"local\" }}\n[[numbers]]");
    let mut world = World::new(&CONFIG.replacen("[[numbers]]", &with, 1));
    world.pass(Duration::from_millis(499));
    let first = register(&mut world, "192.0.2.9:5060");
    world.receive("192.0.2.9:5060", &granted(&first, 300, ""));
    let loaded = config::parse(CONFIG, "test.toml", config::Format::Toml).expect("good");
    world.command(Command::Apply(std::sync::Arc::new(b2bua::Snapshot::new(loaded.config, 2))));
    let farewell = register(&mut world, "192.0.2.9:5060");
    assert_eq!((farewell.header("Expires"), farewell.header("Allow")), ("0", first.header("Allow")));
    assert!(first.header("Allow").contains("REFER"));
}

/// Lets time pass until something leaves.
fn next(world: &mut World, seconds: u8) -> Sent {
    let next = (0..seconds).find_map(|_| {
        world.pass(Duration::from_secs(1));
        world.take().pop()
    });
    next.expect("a message")
}

#[test]
fn a_registrar_that_binds_nothing_is_asked_again_later_and_the_trunk_is_not_registered() {
    let bare = |request: &Sent, rows: &str| {
        let contact = format!("Contact: <sip:bob@{}>\r\n", request.to);
        response(request, "200 OK", "reg", rows, "").replacen(&contact, "", 1)
    };
    for bound in [false, true] {
        let mut world = World::new(&config("register = {}"));
        world.pass(Duration::from_millis(499));
        let mut request = register(&mut world, GW1);
        if bound {
            world.receive(GW1, &granted(&request, 300, ""));
            world.pass(Duration::from_secs(205));
            request = next(&mut world, 36);
        }
        let nothing = if bound { granted(&request, 0, "") } else { bare(&request, "") };
        world.receive(GW1, &nothing);
        let now = state(&world);
        assert_eq!((now.state, now.expires, now.last), ("waiting", None, Some(200)));
        assert_eq!(now.trouble, Some(ReasonId::NothingBound));
        assert!(world.board.trunks(world.now)[1].unregistered);
        assert!(world.notes.iter().any(|note| note.starts_with("not registered")), "{:?}", world.notes);
        world.pass(Duration::from_secs(14));
        world.expect(&[]);
        let again = next(&mut world, 16);
        world.receive(GW1, &bare(&again, "Expires: 60\r\n"));
        let now = state(&world);
        assert_eq!((now.state, now.trouble), ("registered", None), "a time without a contact is one");
    }
}
