//! Calls on the WAN links of sites: counted while their media cross, wherever they move, and given back at any end.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, answered, from_callee, inside, invite, response,
};
use crate::forking;
use crate::pickup::{PHONE, from_provider, picks_up};
use crate::transfers::{LOCAL, TARGET, fine, refer};
use crate::users;
use b2bua::{Command, Snapshot};
use base::ReasonId;
use std::sync::Arc;

/// The node and the PBX are at `hq`, the first provider's gateway is in `london`; the second one is outside.
fn config(london: &str) -> String {
    format!(
        "{CONFIG}[node]\nname = \"n\"\nsite = \"hq\"\n[site.hq]\nsubnets = [\"10.0.0.0/24\"]\n\
         [site.london]\nsubnets = [\"192.0.2.7\"]\n{london}\n"
    )
}

/// The same, but the PBX is in `london` as well and nobody at `hq`; media leave the node within a site.
fn branch(london: &str, policy: &str) -> String {
    let text = config(london)
        .replace("subnets = [\"10.0.0.0/24\"]\n", "")
        .replace("\"192.0.2.7\"]\nwan", "\"192.0.2.7\", \"10.0.0.0/24\"]\nwan");
    let direct = |text: String, trunk: &str| {
        let head = format!("[trunk.{trunk}]\n");
        text.replace(&head, &format!("{head}override = {{ media = \"direct\"{policy} }}\n"))
    };
    let text = ["pbx", "one", "two"].into_iter().fold(text, direct);
    text + "[media]\nbypass = \"match\"\n"
}

/// Calls on the link to a site, and how many attempts found it full.
fn link(world: &World, site: &str) -> (u32, u64) {
    let links = world.board.status().links;
    links.iter().find(|link| *link.site == *site).map(|link| (link.calls, link.skipped)).expect("a link")
}

/// How many calls were refused for want of room on the link to a site.
fn refused(world: &World, site: &str) -> u64 {
    let links = world.board.status().links;
    links.iter().find(|link| *link.site == *site).map(|link| link.refused).expect("a link")
}

/// The message of another call of the same caller.
fn of_call(number: u8, text: &str) -> String {
    text.replace("call-a", &format!("call-{number}"))
        .replace("branch=z9hG4bK", &format!("branch=z9hG4bKn{number}"))
        .replace("tag=fa", &format!("tag=fa{number}"))
}

fn call(world: &mut World, number: u8) {
    world.receive(PBX, &of_call(number, &invite("004420700000", OFFER, "")));
}

fn answer(world: &mut World, number: u8, out: &Sent) -> Sent {
    let from = out.to.to_string();
    world.receive(&from, &response(out, "200 OK", &format!("t{number}"), "", ANSWER));
    let ok = world.expect(&[(&from, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &of_call(number, &inside("ACK", 1, ok.header("To"), "ack", "", "")));
    ok
}

fn hang_up(world: &mut World, number: u8, ok: &Sent) {
    world.receive(PBX, &of_call(number, &inside("BYE", 2, ok.header("To"), "bye", "", "")));
    let sent = world.take();
    fine(world, &sent[1]);
}

#[test]
fn calls_fill_a_link_and_the_next_one_leaves_by_another_trunk() {
    let mut world = World::new(&config("wan_calls_max = 2"));
    let mut up = Vec::new();
    for number in 1..=2 {
        call(&mut world, number);
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert_eq!(link(&world, "london"), (number.into(), 0), "counted from the attempt on");
        up.push(answer(&mut world, number, &out));
    }
    let full = world.notes.iter().filter(|note| *note == "WAN link full: link to london full, 2 of 2");
    assert_eq!(full.count(), 1, "{:?}", world.notes);
    call(&mut world, 3);
    let out = world.expect(&[(GW2, "INVITE")]).remove(0);
    up.push(answer(&mut world, 3, &out));
    assert_eq!(
        (link(&world, "london"), link(&world, "hq")),
        ((2, 1), (3, 0)),
        "two in London, three leave hq"
    );
    hang_up(&mut world, 1, &up[0]);
    assert_eq!(link(&world, "london"), (1, 1));
    call(&mut world, 4);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    up.push(answer(&mut world, 4, &out));
    for (number, ok) in (2..=4).zip(&up[1..]) {
        hang_up(&mut world, number, ok);
    }
    world.settle();
    assert_eq!(refused(&world, "london"), 0, "the third call went another way");
    let told: Vec<&str> = world.records.iter().map(|r| &*r.decision).collect();
    assert_eq!(told[0], "route world; one on the link to london");
    assert_eq!(told[2], "route world; one skipped: link to london full, 2 of 2");
}

#[test]
fn a_call_without_another_way_is_refused_and_told_why() {
    let text = config("wan_calls_max = 0").replace("to = [\"one\", \"two\"]", "to = \"one\"");
    let mut world = World::new(&text);
    call(&mut world, 1);
    let answer = world.expect(&[(PBX, "SIP/2.0 503")]).remove(0);
    assert_eq!(answer.header("Retry-After"), "5");
    assert!(answer.header("Warning").contains("R-LINK-FULL"), "{}", answer.header("Warning"));
    world.settle();
    assert_eq!((world.records[0].reason, link(&world, "london")), (ReasonId::LinkFull, (0, 1)));
    assert_eq!(refused(&world, "london"), 1);
}

#[test]
fn a_call_that_is_cancelled_or_refused_gives_its_place_back() {
    let mut world = World::new(&config("wan_calls_max = 1"));
    call(&mut world, 1);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&out, "180 Ringing", "t1", "", ""));
    world.expect(&[(PBX, "SIP/2.0 180")]);
    assert_eq!(link(&world, "london").0, 1);
    let cancel = inside("CANCEL", 1, "<sip:004420700000@10.0.0.5>", "a1", "", "");
    let cancel = cancel.replace("sip:10.0.0.5:5060 SIP", "sip:004420700000@10.0.0.5 SIP");
    world.receive(PBX, &of_call(1, &cancel));
    assert_eq!(link(&world, "london").0, 0);
    let sent = world.take();
    let cancel = sent.iter().find(|sent| sent.start().starts_with("CANCEL")).expect("a CANCEL");
    fine(&mut world, cancel);
    world.receive(GW1, &response(&out, "487 Request Terminated", "t1", "", ""));
    world.take();
    call(&mut world, 2);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!(link(&world, "london").0, 1);
    world.receive(GW1, &response(&out, "503 Service Unavailable", "t2", "", ""));
    world.expect(&[(GW1, "ACK"), (GW2, "INVITE")]);
    assert_eq!(link(&world, "london").0, 0, "the next attempt is elsewhere");
}

#[test]
fn a_call_within_a_site_goes_past_its_full_link_only_where_its_media_bypass_the_node() {
    let mut world = World::new(&branch("wan_calls_max = 1", ""));
    call(&mut world, 1);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let ok = answer(&mut world, 1, &out);
    assert_eq!((link(&world, "london"), link(&world, "hq")), ((0, 0), (0, 0)), "no link is crossed");
    hang_up(&mut world, 1, &ok);
    world.settle();
    let mut world =
        World::new(&branch("wan_calls_max = 3", "").replace("bypass = \"match\"", "bypass = \"off\""));
    call(&mut world, 1);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let ok = answer(&mut world, 1, &out);
    assert_eq!((link(&world, "london").0, link(&world, "hq").0), (2, 2), "there and back");
    call(&mut world, 2);
    world.expect(&[(GW2, "INVITE")]);
    assert_eq!(link(&world, "london"), (3, 1), "once more, of the caller alone");
    hang_up(&mut world, 1, &ok);
    assert_eq!(link(&world, "london"), (1, 1));
}

#[test]
fn media_between_the_peers_of_two_sites_cross_both_links_and_not_that_of_the_node() {
    let text = branch("wan_calls_max = 3", "")
        .replace("\"192.0.2.7\", \"10.0.0.0/24\"]", "\"10.0.0.0/24\"]")
        .replace("bypass = \"match\"", "bypass = \"always\"");
    let mut world = World::new(&(text + "[site.munich]\nsubnets = [\"192.0.2.7\"]\nwan_calls_max = 1\n"));
    call(&mut world, 1);
    world.expect(&[(GW1, "INVITE")]);
    let all = ["london", "munich", "hq"].map(|site| link(&world, site).0);
    assert_eq!(all, [1, 1, 0]);
    call(&mut world, 2);
    world.expect(&[(GW2, "INVITE")]);
    assert_eq!((link(&world, "munich"), link(&world, "london")), ((1, 1), (2, 0)));
}

#[test]
fn a_bypassed_call_that_is_transferred_out_of_its_place_takes_room_on_the_link() {
    let text = branch("wan_calls_max = 1", &format!(", {LOCAL}"))
        .replace("to = [\"one\", \"two\"]", "to = [\"one\"]")
        + "[[route]]\nname = \"far\"\nmatch = { called = \"+1*\" }\nto = [\"two\"]\npriority = 1\n";
    let mut world = World::new(&text);
    let (_, ok) = answered(&mut world);
    assert_eq!(link(&world, "london").0, 0, "bypassed");
    let left = refer(&mut world, &ok, 2, "<sip:0014255550100@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    assert_eq!((target.to.to_string().as_str(), link(&world, "london").0), (GW2, 1), "kept for who stays");
    world.receive(GW2, &response(&target, "200 OK", "tc", "", TARGET));
    let moved = world.expect(&[(GW2, "ACK"), (GW1, "INVITE")]).remove(1);
    world.receive(GW1, &response(&moved, "200 OK", "", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    assert_eq!(link(&world, "london").0, 1, "who stays speaks through the node now");
    world.receive(GW2, &from_callee("BYE", 8, &target, "tc", "b1", ""));
    let sent = world.expect(&[(GW2, "SIP/2.0 200"), (GW1, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    assert!(
        world.records[0].decision.ends_with("; one on the link to london"),
        "{}",
        world.records[0].decision
    );
}

#[test]
fn a_transfer_that_would_overfill_a_link_fails_and_the_call_stays() {
    let text = branch("wan_calls_max = 0", &format!(", {LOCAL}"))
        .replace("to = [\"one\", \"two\"]", "to = [\"one\"]")
        + "[[route]]\nname = \"far\"\nmatch = { called = \"+1*\" }\nto = [\"two\"]\npriority = 1\n";
    let mut world = World::new(&text);
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, "<sip:0014255550100@10.0.0.5>", "");
    assert!(left.iter().all(|sent| !sent.start().starts_with("INVITE")), "{left:?}");
    assert_eq!(link(&world, "london"), (0, 1));
    assert_eq!(world.board.live_calls(), 1);
}

#[test]
fn who_comes_by_a_transfer_takes_the_place_of_who_goes_on_a_full_link() {
    let text =
        config("wan_calls_max = 1").replace("subnets = [\"192.0.2.7\"]", "subnets = [\"10.0.0.0/24\"]");
    let text = text.replacen("subnets = [\"10.0.0.0/24\"]\n", "", 1);
    let mut world =
        World::new(&text.replace("[trunk.pbx]\n", &format!("[trunk.pbx]\noverride = {{ {LOCAL} }}\n")));
    let (_, ok) = answered(&mut world);
    assert_eq!((link(&world, "london"), link(&world, "hq")), ((1, 0), (2, 0)));
    let left = refer(&mut world, &ok, 2, "<sip:+493023125107@10.0.0.5>", "");
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    assert_eq!((target.to.to_string().as_str(), link(&world, "london")), (PBX, (1, 0)));
    world.receive(PBX, &response(&target, "200 OK", "tc", "", TARGET));
    let moved = world.expect(&[(PBX, "ACK"), (GW1, "INVITE")]).remove(1);
    world.receive(GW1, &response(&moved, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    assert_eq!(link(&world, "london"), (1, 0));
    call(&mut world, 7);
    world.expect(&[(PBX, "SIP/2.0 503")]);
    assert_eq!(link(&world, "london"), (1, 2), "neither trunk");
}

#[test]
fn who_would_pick_a_call_up_over_a_full_link_is_refused_and_it_rings_on() {
    let text =
        config("wan_calls_max = 0").replace("subnets = [\"192.0.2.7\"]", "subnets = [\"10.0.0.0/24\"]");
    let text = text.replacen("subnets = [\"10.0.0.0/24\"]\n", "", 1).replace("[\"pbx\"]", "[\"two\"]");
    let mut world =
        World::new(&text.replace("[trunk.pbx]\n", "[trunk.pbx]\noverride = { replaces = \"any\" }\n"));
    world.receive(GW1, &from_provider(&invite("+493023125107", OFFER, "")));
    let out = world.expect(&[(GW2, "INVITE")]).remove(0);
    world.receive(GW2, &response(&out, "180 Ringing", "tp", "", ""));
    world.expect(&[(GW1, "SIP/2.0 180")]);
    world.receive(PBX, &picks_up(&out, PHONE, ""));
    let answer = world.expect(&[(PBX, "SIP/2.0 503")]).remove(0);
    assert!(answer.header("Warning").contains("R-LINK-FULL"), "{}", answer.header("Warning"));
    assert_eq!((link(&world, "london"), refused(&world, "london")), ((0, 0), 1));
    world.receive(GW2, &response(&out, "200 OK", "tp", "", ANSWER));
    world.expect(&[(GW2, "ACK"), (GW1, "SIP/2.0 200")]);
}

#[test]
fn gateways_that_ring_at_once_take_one_place() {
    let text = forking::config("")
        + "[node]\nname = \"n\"\nsite = \"hq\"\n[site.hq]\n\
           [site.london]\nsubnets = [\"192.0.2.7\", \"192.0.2.8\", \"192.0.2.9\"]\nwan_calls_max = 1\n";
    let mut world = World::new(&text);
    let [one, two, three] = forking::ringing(&mut world);
    assert_eq!(link(&world, "london"), (1, 0), "one of them becomes the call");
    forking::say(&mut world, &one, "486 Busy Here", "x1", "");
    forking::say(&mut world, &two, "200 OK", "x2", ANSWER);
    let ok = world.take().into_iter().find(|s| s.start() == "SIP/2.0 200 OK" && s.to.to_string() == PBX);
    assert_eq!(link(&world, "london"), (1, 0));
    forking::say(&mut world, &three, "487 Request Terminated", "x3", "");
    forking::hang_up(&mut world, ok.expect("an answer").header("To"));
    assert_eq!(link(&world, "london"), (0, 0));
}

#[test]
fn a_limit_that_is_lowered_ends_no_call_and_holds_for_the_next() {
    let mut world = World::new(&config("wan_calls_max = 5"));
    call(&mut world, 1);
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let ok = answer(&mut world, 1, &out);
    let lower = config("wan_calls_max = 1")
        .replace("[site.hq]", "[site.aaa]\nsubnets = [\"203.0.113.9\"]\n[site.hq]");
    let lower = config::parse(&lower, "t", config::Format::Toml).expect("a configuration");
    world.command(Command::Apply(Arc::new(Snapshot::new(lower.config, 2))));
    assert_eq!(link(&world, "london").0, 1, "what runs goes on");
    call(&mut world, 2);
    world.expect(&[(GW2, "INVITE")]);
    assert_eq!(link(&world, "london"), (1, 1));
    hang_up(&mut world, 1, &ok);
    assert_eq!(link(&world, "london").0, 0);
}

#[test]
fn an_emergency_call_crosses_a_full_link_and_is_counted() {
    let text = config("wan_calls_max = 0")
        + "[[route]]\nname = \"sos\"\nmatch = { called = \"112\" }\nto = \"one\"\n";
    let mut world = World::new(&text);
    world.receive(PBX, &invite("112", OFFER, ""));
    world.expect(&[(GW1, "INVITE")]);
    assert_eq!(link(&world, "london"), (1, 0));
}

#[test]
fn a_phone_that_registered_from_a_branch_is_there_wherever_its_trunk_is() {
    let text = users::config("") + "[site.branch]\nsubnets = [\"10.9.0.0/16\"]\nwan_calls_max = 1\n";
    let mut world = World::new(&text);
    users::register(&mut world, users::PHONE, "100", "geheim", 1, &users::contact("x100"));
    let call =
        |number: u8| of_call(number, &invite("+493023125100", OFFER, "").replace("10.0.0.21", "192.0.2.7"));
    world.receive(GW1, &call(1));
    world.expect(&[(users::PHONE, "INVITE")]);
    assert_eq!(link(&world, "branch"), (1, 0));
    world.receive(GW1, &call(2));
    let answer = world.expect(&[(GW1, "SIP/2.0 503")]).remove(0);
    assert!(answer.header("Warning").contains("R-LINK-FULL"), "{}", answer.header("Warning"));
    assert_eq!((link(&world, "branch"), refused(&world, "branch")), ((1, 1), 1));
    assert_eq!(&*world.records[0].decision, "route numbers; phones skipped: link to branch full, 1 of 1");
}

#[test]
fn two_calls_that_are_joined_keep_what_their_parties_need_and_give_back_the_rest() {
    let text =
        config("wan_calls_max = 2").replace("subnets = [\"192.0.2.7\"]", "subnets = [\"10.0.0.0/24\"]");
    let text = text.replacen("subnets = [\"10.0.0.0/24\"]\n", "", 1);
    let text = text.replace("[trunk.pbx]\n", &format!("[trunk.pbx]\noverride = {{ {LOCAL} }}\n"));
    let mut world = World::new(&text);
    let (_, ok) = answered(&mut world);
    call(&mut world, 2);
    let out2 = world.expect(&[(GW1, "INVITE")]).remove(0);
    let ok2 = answer(&mut world, 2, &out2);
    assert_eq!((link(&world, "london").0, link(&world, "hq").0), (2, 4), "the caller twice");
    let tag = |sent: &Sent| sent.header("To").split(";tag=").nth(1).unwrap_or_default().to_owned();
    let dialog = format!("call-2%3Bto-tag%3D{}%3Bfrom-tag%3Dfa2", tag(&ok2));
    let left = refer(&mut world, &ok, 2, &format!("<sip:004420700000@10.0.0.5?Replaces={dialog}>"), "");
    fine(&mut world, &left[1]);
    world.receive(GW1, &response(&left[2], "200 OK", "t2", "", TARGET));
    let sent = world.expect(&[(GW1, "ACK"), (GW1, "INVITE")]);
    assert_eq!((link(&world, "london").0, link(&world, "hq").0), (2, 4), "kept for either outcome");
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "BYE"), (PBX, "NOTIFY")]);
    fine(&mut world, &sent[1]);
    fine(&mut world, &sent[2]);
    let bye = world.expect(&[(PBX, "BYE")]).remove(0);
    fine(&mut world, &bye);
    assert_eq!((link(&world, "london").0, link(&world, "hq").0), (0, 2), "both callees are outside");
    world.receive(GW1, &from_callee("BYE", 9, &out2, "t2", "b1", ""));
    let sent = world.take();
    fine(&mut world, &sent[1]);
    world.settle();
}
