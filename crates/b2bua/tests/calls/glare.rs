//! Offers that meet in an answered call (RFC 3261 §14.2, RFC 3311 §5.2).

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, from_callee, inside, response};

fn hold(text: &str) -> String {
    if text.contains("a=sendrecv") {
        text.replace("a=sendrecv", "a=sendonly")
    } else {
        format!("{text}a=sendonly\r\n")
    }
}

/// An answered call in which the caller's UPDATE with an offer has no answer yet: our INVITE, the caller's To,
/// the UPDATE that went on.
fn updating(world: &mut World) -> (Sent, String, Sent) {
    let (out, ok) = answered(world);
    let to = ok.header("To").to_owned();
    world.receive(PBX, &inside("UPDATE", 2, &to, "up1", "", &hold(OFFER)));
    let sent = world.expect(&[(GW1, "UPDATE")]);
    (out, to, sent[0].clone())
}

/// The open UPDATE is answered and the call ends; nothing else is under way.
fn end(world: &mut World, to: &str, update: &Sent) {
    world.receive(GW1, &response(update, "200 OK", "", "", &format!("{ANSWER}a=recvonly\r\n")));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("BYE", 50, to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}

fn says_when(sent: &Sent) -> bool {
    sent.header("Retry-After").parse::<u8>().is_ok_and(|seconds| seconds <= 10)
}

#[test]
fn an_update_of_the_other_side_while_one_is_open_hears_491() {
    let mut world = World::new(CONFIG);
    let (out, to, update) = updating(&mut world);
    world.receive(GW1, &from_callee("UPDATE", 9, &out, "tb", "g1", &hold(ANSWER)));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    end(&mut world, &to, &update);
}

#[test]
fn a_second_update_of_the_same_side_hears_500_and_when_to_try_again() {
    let mut world = World::new(CONFIG);
    let (_, to, update) = updating(&mut world);
    let again = OFFER.replace("a=sendrecv", "a=inactive");
    world.receive(PBX, &inside("UPDATE", 3, &to, "up2", "", &again));
    let sent = world.expect(&[(PBX, "SIP/2.0 500")]);
    assert!(says_when(&sent[0]), "{}", sent[0].text);
    end(&mut world, &to, &update);
}

#[test]
fn a_reinvite_during_an_update_hears_491_or_of_the_same_side_500() {
    let mut world = World::new(CONFIG);
    let (out, to, update) = updating(&mut world);
    world.receive(GW1, &from_callee("INVITE", 9, &out, "tb", "g1", &hold(ANSWER)));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    world.receive(GW1, &from_callee("ACK", 9, &out, "tb", "g1", ""));
    world.receive(PBX, &inside("INVITE", 3, &to, "re1", "", &OFFER.replace("4000", "4004")));
    let sent = world.expect(&[(PBX, "SIP/2.0 500")]);
    assert!(says_when(&sent[0]), "{}", sent[0].text);
    world.receive(PBX, &inside("ACK", 3, &to, "re1", "", ""));
    end(&mut world, &to, &update);
}

#[test]
fn an_update_during_a_reinvite_of_the_same_side_hears_500_and_one_without_offer_200() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    let to = ok.header("To").to_owned();
    world.receive(PBX, &inside("INVITE", 2, &to, "re1", "", &hold(OFFER)));
    let sent = world.expect(&[(GW1, "INVITE")]);
    world.receive(PBX, &inside("UPDATE", 3, &to, "up1", "", OFFER));
    let refused = world.expect(&[(PBX, "SIP/2.0 500")]);
    assert!(says_when(&refused[0]), "{}", refused[0].text);
    world.receive(PBX, &inside("INVITE", 4, &to, "re2", "", OFFER));
    let refused = world.expect(&[(PBX, "SIP/2.0 500")]);
    assert!(says_when(&refused[0]), "{}", refused[0].text);
    world.receive(PBX, &inside("ACK", 4, &to, "re2", "", ""));
    world.receive(PBX, &inside("UPDATE", 5, &to, "up2", "", ""));
    world.expect(&[(PBX, "SIP/2.0 200")]);
    world.receive(GW1, &from_callee("UPDATE", 9, &out, "tb", "g1", &hold(ANSWER)));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    world.receive(GW1, &response(&sent[0], "200 OK", "", "", &format!("{ANSWER}a=recvonly\r\n")));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    world.receive(PBX, &inside("ACK", 2, &to, "ack2", "", ""));
    world.receive(PBX, &inside("BYE", 50, &to, "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}
