//! A rehearsal says the INVITEs that a call sends, to the byte but for what is drawn anew for each call.

mod common;
#[path = "../../b2bua/tests/calls/drawn.rs"]
mod drawn;

use b2bua::{Choice, Command, Resolution, Target};
use base::{Rng, Transport, TrunkId, WallTime};
use common::{Sent, World, snapshot};
use drawn::{CONFIG, digits, number};
use rehearsal::{Question, Rehearsal, Rehearsed, WouldSend};
use std::net::SocketAddr;
use std::time::Duration;

const PBX: &str = "10.0.0.21:5060";
const GATE: &str = "10.0.0.22:5060";
const GW1: &str = "192.0.2.7:5060";
const GW2: &str = "192.0.2.8:5060";
const PEERS: [(&str, &str); 4] = [("pbx", PBX), ("gate", GATE), ("one", GW1), ("two", GW2)];

/// The same trunks, each with something to write differently.
fn odd() -> String {
    let odd = [
        ("gateways = [\"10.0.0.22\"]\n", "gateways = [\"10.0.0.22\", \"10.0.0.23:5070;transport=tcp\"]\n"),
        (
            "override = { number_format = \"e164\" }",
            "domain = \"sip.one.example\"\noverride = { number_format = \"e164\", user_phone = true, prack = \"required\", \
             hold = \"inactive\", uri = \"tel\", phone_context = \"+49\", user_agent = \"Exchange\", session_timer = { expires = \"1800s\" }, \
             caller = { write = [\"from\", \"pai\"] } }",
        ),
        (
            "deny = [\"shared-cost\"]\n",
            "deny = [\"shared-cost\"]\noverride = { prack = \"off\", update = \"off\", \
             header_rules_out = [{ on = [\"INVITE\"], do = \"add\", header = \"X-Way\", value = \"two\" }] }\n\
             [trunk.two.translate]\ncalled_out = [{ match = '^\\+(\\d*)$', to = '00$1' }]\n",
        ),
    ];
    let mut text = CONFIG.to_owned();
    for (from, to) in odd {
        assert!(text.contains(from), "{from}");
        // The settings of `two` are written twice for one table otherwise.
        text = text.replacen(from, to, 1);
    }
    let (head, tail) = text.split_once("[trunk.two]").expect("a trunk");
    let (table, rest) = tail.split_once("[[numbers]]").expect("numbers");
    let (own, translate) = table.split_once("[trunk.two.translate]").expect("translations");
    let (rules, more) = translate.split_once("}]\n").expect("rules");
    format!("{head}[trunk.two]{own}{more}[trunk.two.translate]{rules}}}]\n[[numbers]]{rest}")
}

/// Places the call of the rehearsal; every gateway refuses it. Gives the INVITEs that left.
fn place(world: &mut World, peer: &str, at: usize, called: &str, caller: &str) -> Vec<Sent> {
    let (ip, _) = peer.split_once(':').expect("a port");
    let ours = if peer.starts_with("192") { "192.0.2.1" } else { "10.0.0.5" };
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    );
    world.receive(
        peer,
        &format!(
            "INVITE sip:{called}@{ours} SIP/2.0\r\nVia: SIP/2.0/UDP {peer};branch=z9hG4bKr{at}\r\nMax-Forwards: 70\r\n\
             From: <sip:{caller}@{peer}>;tag=f{at}\r\nTo: <sip:{called}@{ours}>\r\nCall-ID: route-{at}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:{peer}>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE\r\n\
             Supported: timer, 100rel\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    let mut all = Vec::new();
    loop {
        let sent = world.take();
        let invites: Vec<Sent> = sent.into_iter().filter(|s| s.text.starts_with("INVITE")).collect();
        if invites.is_empty() {
            return all;
        }
        for invite in &invites {
            world.refuse(invite);
        }
        all.extend(invites);
    }
}

/// A message without what is drawn: branch, our tag, Call-ID, the numbers of the origin line, media ports, and
/// the length that follows from them.
fn known(message: &str) -> String {
    let cut = |line: &str, mark: &str| line.split(mark).next().unwrap_or_default().to_owned();
    let lines = message.split("\r\n").map(|line| match line {
        _ if line.starts_with("Via: ") => cut(line, ";branch="),
        _ if line.starts_with("From: ") => cut(line, ";tag="),
        _ if line.starts_with("Call-ID: ") => "Call-ID".to_owned(),
        _ if line.starts_with("Content-Length: ") => "Content-Length".to_owned(),
        _ if line.starts_with("o=- ") => line.split(' ').skip(3).collect::<Vec<_>>().join(" "),
        _ if line.starts_with("m=audio ") => line.split(' ').skip(2).collect::<Vec<_>>().join(" "),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn text(invite: &WouldSend) -> String {
    String::from_utf8(invite.message.clone()).expect("text")
}

/// What a rehearsal says to an address.
fn told_to(told: &Rehearsed, to: SocketAddr) -> Vec<String> {
    told.invites.iter().filter(|w| w.target.address == to).map(|w| known(&text(w))).collect()
}

/// Rehearses many calls, places each, compares. Gives how many INVITEs were the same.
fn compare(config: &str, calls: usize, seed: u64) -> usize {
    let mut world = World::new(config);
    let mut rng = Rng::new((seed, 4));
    let snapshot = snapshot(config);
    let mut same = 0;
    for at in 0..calls {
        let (trunk, peer) = PEERS[usize::try_from(rng.below(4)).unwrap_or(0)];
        let called = number(&mut rng);
        let caller =
            if rng.below(2) == 0 { format!("+493023125{}", digits(&mut rng, 3)) } else { number(&mut rng) };
        let on = snapshot.config.trunk_named(trunk).expect("a trunk");
        let question = Question::new(on, &called, &caller, world.at());
        world.take();
        let told = world.ask(&question);
        assert!(world.sent.is_empty(), "a rehearsal sends nothing");
        let accepted = world.events;
        let sent = place(&mut world, peer, at, &called, &caller);
        for invite in &sent {
            let expected = told_to(&told, invite.to);
            assert!(
                expected.contains(&known(&invite.text)),
                "{called} by {trunk}: {}\n{told:#?}",
                invite.text
            );
            same += 1;
        }
        let record = world.records.last().expect("a record");
        assert!(world.events > accepted, "the call itself is journalled");
        if sent.is_empty() {
            assert_eq!(told.refused, Some((record.status, record.reason)), "{called} by {trunk}");
        }
        assert_eq!(told.invites.is_empty(), sent.is_empty(), "{called} by {trunk}: {told:?}");
        // Silences do not add up, so that the state changes but trunks stay in use.
        world.pass(Duration::from_secs(if at % 50 == 0 { 700 } else { rng.below(40) }));
    }
    same
}

#[test]
fn a_rehearsal_says_what_the_call_sends() {
    assert!(compare(CONFIG, 1_500, 11) > 1_000);
}

#[test]
fn a_rehearsal_heeds_every_policy_that_writes_an_invite() {
    assert!(compare(&odd(), 1_500, 12) > 1_000);
}

#[test]
fn a_rehearsal_leaves_the_state_alone() {
    let mut world = World::new(CONFIG);
    let on = TrunkId(0);
    let question = Question {
        on,
        called: "+14255550100",
        caller: "+493023125001",
        user: None,
        source: None,
        at: WallTime(1_700_000_000_000_000),
        down: &[],
    };
    let before = format!("{:?} {:?}", world.board.trunks(world.now), world.board.status());
    for _ in 0..20 {
        assert!(!world.ask(&question).invites.is_empty());
    }
    assert_eq!(before, format!("{:?} {:?}", world.board.trunks(world.now), world.board.status()));
    assert!(world.events == 0 && world.take().is_empty());
}

#[test]
fn supposed_trouble_and_draining_are_rehearsed() {
    let mut world = World::new(CONFIG);
    let on = TrunkId(0);
    let at = WallTime(1_700_000_000_000_000);
    let ask = |world: &World, down: &[TrunkId]| {
        let question = Question {
            on,
            called: "+14255550100",
            caller: "+493023125001",
            user: None,
            source: None,
            at,
            down,
        };
        let told = world.ask(&question);
        (told.invites.iter().map(|w| w.trunk.0).collect::<Vec<_>>(), told.refused)
    };
    assert_eq!(ask(&world, &[]).0[0], 2, "the boss goes by one");
    assert_eq!(ask(&world, &[TrunkId(2)]).0.last(), Some(&2), "tried last when it is down");
    world.command(Command::Drain);
    let (invites, refused) = ask(&world, &[]);
    assert_eq!((invites.len(), refused.map(|(status, _)| status)), (0, Some(503)));
}

#[test]
fn without_a_node_names_stand_for_addresses_of_documents() {
    let config = CONFIG.replace("[\"192.0.2.7\"]", "[\"sip.one.example\", \"192.0.2.7\"]");
    let snapshot = snapshot(&config);
    let question =
        Question::new(TrunkId(0), "+14255550100", "+493023125001", WallTime(1_700_000_000_000_000));
    let told = Rehearsal::of(snapshot).ask(&question);
    let first = &told.invites[0];
    assert!(first.stand_in && text(first).starts_with("INVITE sip:14255550100@sip.one.example SIP/2.0\r\n"));
    assert_eq!((&*first.gateway, first.target.address.port()), ("sip.one.example", 5060));
    assert!(!told.invites[1].stand_in);
}

#[test]
fn a_name_that_the_dns_has_told_is_rehearsed_with_its_addresses() {
    let mut world = World::new(&CONFIG.replace("[\"192.0.2.7\"]", "[\"sip.one.example\"]"));
    let question =
        Question::new(TrunkId(0), "+14255550100", "+493023125001", WallTime(1_700_000_000_000_000));
    let by_one = |world: &World| {
        let told = world.ask(&question);
        told.invites
            .iter()
            .filter(|w| w.trunk.0 == 2)
            .map(|w| w.target.address.to_string())
            .collect::<Vec<_>>()
    };
    assert!(by_one(&world).is_empty(), "nobody knows where it is");
    let choice =
        |ip: &str| Choice::from(Target { address: ip.parse().expect("ip"), transport: Transport::Udp });
    let choices = vec![choice("198.51.100.1:5060"), choice("198.51.100.2:5060")];
    world.resolved(2, Resolution::Found { choices, ttl: Duration::from_secs(60), trouble: None });
    let mut addresses = by_one(&world);
    addresses.sort();
    assert_eq!(addresses, ["198.51.100.1:5060", "198.51.100.2:5060"]);
}

const USERS: &str = r#"
[trunk.phones]
kind = "direct"
listen = "inside"
policy = "staff"
sources = ["10.9.0.0/16"]
registrar = {}
users = [
  { username = "anna", password = "x", numbers = "+493023125001" },
  { username = "ben", password = "x", numbers = "+493023125002" },
]
"#;

#[test]
fn a_users_call_is_rehearsed_with_its_number_and_its_identity_is_checked() {
    let config = format!("{CONFIG}{USERS}");
    let world = World::new(&config);
    let snapshot = snapshot(&config);
    let on = snapshot.config.trunk_named("phones").expect("a trunk");
    let at = WallTime(1_700_000_000_000_000);
    let ask = |user, caller| {
        let question = Question { on, called: "+14255550100", caller, user, source: None, at, down: &[] };
        world.ask(&question)
    };
    let anna = ask(Some(0), "");
    assert!(text(&anna.invites[0]).contains("\r\nFrom: <sip:493023125001@"), "{}", text(&anna.invites[0]));
    assert_eq!(ask(Some(0), "+493023125002").refused, Some((403, base::ReasonId::WrongIdentity)));
    assert!(!ask(Some(1), "+493023125002").invites.is_empty());
}

#[test]
fn branches_that_ring_at_once_and_trunks_that_screening_skips_are_told() {
    let at = WallTime(1_700_000_000_000_000);
    let ask = |config: &str| {
        let question = Question {
            on: TrunkId(0),
            called: "+14255550100",
            caller: "+493023125001",
            user: None,
            source: None,
            at,
            down: &[],
        };
        World::new(config).ask(&question)
    };
    let plain = ask(CONFIG);
    assert!(plain.invites.iter().all(|invite| invite.at_once == 1));
    let parallel = CONFIG.replace("[\"192.0.2.7\"]", "[\"192.0.2.7\", \"192.0.2.9\"]\nhunt = \"parallel\"");
    let told = ask(&parallel);
    let counts: Vec<usize> = told.invites.iter().map(|invite| invite.at_once).collect();
    assert_eq!(counts[..2], [2, 2], "{told:#?}");
    assert!(told.decision.contains("2 gateways at once"), "{}", told.decision);
    let screen = "caller = { screen = { owned = [\"+493023125900\"], not_owned = \"refuse\" } }";
    let screened =
        CONFIG.replace("override = { number_format = \"e164\" }", &format!("override = {{ {screen} }}"));
    let told = ask(&screened);
    assert!(told.invites.iter().all(|invite| invite.trunk.0 != 2), "{told:#?}");
    assert!(told.decision.contains("one skipped: C-CALLER-NOT-OWNED"), "{}", told.decision);
}
