//! Which of an interface's addresses a peer is told for media, by where its user is (Microsoft Teams).

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, inside, invite, response};

const INSIDE: &str = "10.0.0.5";
const OUTSIDE: &str = "203.0.113.10";

fn world(policy: &str) -> World {
    let text = CONFIG.replace(
        "address = \"10.0.0.5\"\n",
        "address = \"10.0.0.5\"\nadvertise = \"sbc.example.com\"\nmedia_advertise = \"203.0.113.10\"\n",
    );
    World::new(&text.replace("[trunk.pbx]\n", &format!("[trunk.pbx]\noverride = {{ {policy} }}\n")))
}

/// The address in our description.
fn told(sent: &Sent) -> &str {
    let line = sent.body().split("\r\n").find_map(|line| line.strip_prefix("c=IN IP4 "));
    line.expect("an address")
}

/// A call of a user who is said to be somewhere; the answer that its peer gets.
fn call(world: &mut World, rows: &str) -> Sent {
    world.receive(PBX, &invite("004420700000", OFFER, rows));
    let out = world.expect(&[(GW1, "INVITE sip:+4420700000@192.0.2.7")]).remove(0);
    assert_eq!(told(&out), "192.0.2.1", "the other peer is told as ever");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "ack1", "", ""));
    ok
}

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 9, to, "bye", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn a_user_inside_is_told_the_own_address_of_the_interface_and_any_other_that_which_it_advertises() {
    let internal = "X-MS-UserLocation: internal\r\n";
    for (policy, rows, address) in [
        ("media_location = \"teams\"", internal.to_owned(), INSIDE),
        ("media_location = \"teams\"", "X-MS-UserLocation: external\r\n".to_owned(), OUTSIDE),
        ("media_location = \"teams\"", String::new(), OUTSIDE),
        (
            "media_location = \"teams\"",
            format!("{internal}X-MS-MediaPath: sbc.example.com, proxy.example.com\r\n"),
            INSIDE,
        ),
        (
            "media_location = \"teams\"",
            format!("{internal}X-MS-MediaPath: branch.example.com, sbc.example.com\r\n"),
            OUTSIDE,
        ),
        ("", internal.to_owned(), OUTSIDE),
    ] {
        let mut world = world(policy);
        let ok = call(&mut world, &rows);
        assert_eq!(told(&ok), address, "{policy} {rows}");
        hang_up(&mut world, ok.header("To"));
    }
}

#[test]
fn a_user_that_moves_in_is_told_in_the_answer_to_its_re_invite() {
    let mut world = world("media_location = \"teams\"");
    let ok = call(&mut world, "X-MS-UserLocation: external\r\n");
    assert_eq!(told(&ok), OUTSIDE);
    let moved = OFFER.replace("alice 1 1", "alice 1 2").replace("m=audio 4000", "m=audio 4100");
    let rows = "X-MS-UserLocation: internal\r\n";
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "moves", rows, &moved));
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", &ANSWER.replace("bob 5 5", "bob 5 6")));
    let answer = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    assert_eq!(told(&answer), INSIDE);
    let version =
        |sent: &Sent| sent.body().split("\r\n").nth(1).and_then(|o| o.split(' ').nth(2)).map(str::to_owned);
    assert_ne!(version(&ok), version(&answer), "a further version of the session (RFC 3264 §8)");
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "ack2", "", ""));
    hang_up(&mut world, ok.header("To"));
}
