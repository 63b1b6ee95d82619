//! Which fork a caller hears before the answer: the switchboard's orders, carried out by a media session, and the
//! forks' packets.

use crate::common::{ANSWER, GW1, GW2, OFFER, PBX, Sent, World, invite, response};
use crate::forking::{config, left, say};
use base::Time;
use media::{Command, Component, Datagram, Remote, Session, Side, Srtp, Verdict};
use std::net::SocketAddr;
use std::time::Duration;

const PROGRESS: &str = "183 Session Progress";

/// Two gateways ring at once; `pbx`: policy of the caller's trunk, `one`: of theirs.
fn two(pbx: &str, one: &str) -> String {
    let text =
        config(&format!("override = {{ {one} }}")).replace("\"192.0.2.8\", \"192.0.2.9\"]", "\"192.0.2.8\"]");
    text.replacen("[trunk.pbx]\n", &format!("[trunk.pbx]\noverride = {{ {pbx} }}\n"), 1)
}

/// The answer of a branch whose media are at this port.
fn answer_at(port: u16) -> String {
    ANSWER.replace("m=audio 6000", &format!("m=audio {port}"))
}

/// What the engine does with the orders so far.
struct Heard {
    session: Session,
    taken: usize,
    ms: u64,
    sequence: u16,
}

impl Heard {
    fn new(world: &World) -> Heard {
        let open = world.media.iter().find_map(|command| match command {
            Command::Open { session, streams, .. } => Some((*session, *streams)),
            _ => None,
        });
        let (id, streams) = open.expect("ports");
        Heard { session: Session::new(id, Time::ZERO, streams), taken: 0, ms: 0, sequence: 0 }
    }

    /// Whether the caller hears a packet that comes from a port of the gateways' side now.
    fn hears(&mut self, world: &World, port: u16) -> bool {
        (self.ms, self.sequence) = (self.ms + 20, self.sequence + 1);
        let now = Time::from_millis(self.ms);
        for command in &world.media[self.taken..] {
            if let Command::Set { side, stream, remote, .. } = command {
                self.session.set(now, *side, *stream, remote.clone());
            }
        }
        self.taken = world.media.len();
        let mut packet = vec![0x80, 8];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(u32::from(port).to_be_bytes());
        packet.extend([0xd5; 160]);
        let from = SocketAddr::from(([192, 0, 2, 70], port));
        let packet = Datagram { length: packet.len(), buffer: &mut packet };
        let verdict = self.session.on_packet(now, Side::B, 0, Component::Rtp, from, packet);
        matches!(verdict, Verdict::Relay { .. })
    }
}

/// A call that rings at both gateways, each of which has described its media.
fn described(pbx: &str, one: &str) -> (World, Vec<Sent>) {
    let mut world = World::new(&two(pbx, one));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    world.take();
    (world, sent)
}

#[test]
fn the_fork_that_speaks_first_is_heard_whoever_described_itself_last() {
    for first in [7001, 7002] {
        let (world, _) = described("early_dialogs = \"all\"", "");
        let mut heard = Heard::new(&world);
        let other = if first == 7001 { 7002 } else { 7001 };
        assert!(heard.hears(&world, first), "from its first packet on");
        for _ in 0..20 {
            assert!(!heard.hears(&world, other), "nobody cuts off who is heard");
            assert!(heard.hears(&world, first));
        }
        heard.ms += 600;
        assert!(heard.hears(&world, other), "who has fallen silent gives way");
    }
}

#[test]
fn with_one_early_dialog_only_its_media_are_heard() {
    let (world, _) = described("early_dialogs = \"one\"", "");
    let mut heard = Heard::new(&world);
    assert!(!heard.hears(&world, 7002));
    assert!(heard.hears(&world, 7001));
}

#[test]
fn a_fork_that_is_not_authorised_is_not_heard_though_it_speaks_first() {
    let (mut world, sent) = described("", "early_media = \"gate\"");
    let gate = |way: &str| format!("P-Early-Media: {way}\r\n");
    world.receive(GW1, &response(&sent[0], PROGRESS, "t1", &gate("sendonly"), &answer_at(7001)));
    let mut heard = Heard::new(&world);
    assert!(!heard.hears(&world, 7002));
    world.receive(GW2, &response(&sent[1], PROGRESS, "t2", &gate("sendonly"), &answer_at(7002)));
    assert!(heard.hears(&world, 7002));
    world.receive(GW2, &response(&sent[1], PROGRESS, "t2", &gate("inactive"), ""));
    assert!(!heard.hears(&world, 7002), "no longer authorised");
    assert!(heard.hears(&world, 7001));
}

#[test]
fn a_fork_that_is_gone_gives_its_place_to_the_one_that_rings_on() {
    for policy in ["all", "one"] {
        let (mut world, sent) = described(&format!("early_dialogs = \"{policy}\""), "");
        let mut heard = Heard::new(&world);
        assert!(heard.hears(&world, 7001));
        say(&mut world, &sent[0], "199 Early Dialog Terminated", "t1", "");
        assert!(heard.hears(&world, 7002), "{policy}: at once");
        heard.ms += 3_000;
        assert!(!heard.hears(&world, 7001), "{policy}");
    }
}

/// The gateway's 487 is a way off, and until then it speaks on.
#[test]
fn a_branch_that_has_rung_too_long_gives_its_place_at_once_and_is_heard_no_more() {
    for policy in ["all", "one"] {
        let text = two(&format!("early_dialogs = \"{policy}\""), "");
        let mut world = World::new(&text.replace("[trunk.one]\n", "[trunk.one]\nring_timeout = \"20s\"\n"));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
        say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
        world.pass(Duration::from_secs(9));
        say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
        let mut heard = Heard::new(&world);
        assert!(heard.hears(&world, 7001), "{policy}");
        world.take();
        world.pass(Duration::from_secs(12));
        assert!(left(&mut world).contains(&(GW1.to_owned(), "CANCEL".to_owned())), "{policy}");
        assert!(heard.hears(&world, 7002), "{policy}: at once");
        heard.ms += 3_000;
        assert!(!heard.hears(&world, 7001), "{policy}");
        say(&mut world, &sent[0], "487 Request Terminated", "t1", "");
        assert!(heard.hears(&world, 7002), "{policy}");
        say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
        assert!(heard.hears(&world, 7002), "{policy}: the same that was heard");
        assert_eq!(told(&world).last(), Some(&(Some(7002), false, true)), "{policy}");
    }
}

#[test]
fn a_branch_beside_the_heard_one_that_has_rung_too_long_does_not_take_its_place_when_that_falls_silent() {
    let text = two("early_dialogs = \"all\"", "");
    let mut world = World::new(&text.replace("[trunk.one]\n", "[trunk.one]\nring_timeout = \"20s\"\n"));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[1], "180 Ringing", "t2", "");
    world.pass(Duration::from_secs(9));
    say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    let mut heard = Heard::new(&world);
    assert!(heard.hears(&world, 7001));
    world.take();
    world.pass(Duration::from_secs(12));
    assert!(left(&mut world).contains(&(GW2.to_owned(), "CANCEL".to_owned())));
    heard.ms += 3_000;
    assert!(!heard.hears(&world, 7002));
    assert!(heard.hears(&world, 7001), "it rings on");
}

/// The ringing tone of the node, where there is one, is what remains of a branch that rings without media of its own.
#[test]
fn beside_a_branch_that_has_rung_too_long_one_without_media_rings_on_with_the_tone_of_the_callers_trunk() {
    for (rings, tone) in [("ringback = \"off\"", false), ("ringback = \"auto\"", true)] {
        for first in [PROGRESS, "180 Ringing"] {
            let text = two(rings, "");
            let mut world =
                World::new(&text.replace("[trunk.one]\n", "[trunk.one]\nring_timeout = \"20s\"\n"));
            world.receive(PBX, &invite("+4420700000", OFFER, ""));
            let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
            // With 180 the tone was heard before the branch had described its media.
            let media = if first == PROGRESS { answer_at(7001) } else { String::new() };
            say(&mut world, &sent[0], first, "t1", &media);
            say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
            world.pass(Duration::from_secs(9));
            say(&mut world, &sent[1], "180 Ringing", "t2", "");
            let mut heard = Heard::new(&world);
            assert!(heard.hears(&world, 7001), "{rings}, {first}");
            let before = world.media.len();
            world.pass(Duration::from_secs(12));
            heard.ms += 3_000;
            assert!(!heard.hears(&world, 7001), "{rings}, {first}");
            let begins =
                |command: &Command| matches!(command, Command::Play { toward: Side::A, play: Some(_), .. });
            assert_eq!(world.media[before..].iter().any(begins), tone, "{rings}, {first}");
            say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
            assert!(heard.hears(&world, 7002), "{rings}, {first}");
            let last = world.media.iter().rev().find_map(|command| match command {
                Command::Play { toward: Side::A, play, .. } => Some(play.is_some()),
                _ => None,
            });
            assert_ne!(last, Some(true), "{rings}, {first}: the answer ends it");
        }
    }
}

#[test]
fn a_branch_that_was_declined_elsewhere_is_heard_no_more_while_the_next_gateway_is_tried() {
    let text = two("", "").replace("[trunk.one]\n", "[trunk.one]\nretry_on = [603]\n");
    let mut world = World::new(&text);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[1], PROGRESS, "t2", &answer_at(7002));
    let mut heard = Heard::new(&world);
    assert!(heard.hears(&world, 7002));
    world.take();
    say(&mut world, &sent[0], "603 Decline", "t1", "");
    assert!(!heard.hears(&world, 7002), "it was given up");
    let next = world.take().into_iter().find(|s| s.start().starts_with("INVITE")).expect("the next tier");
    say(&mut world, &next, PROGRESS, "t3", &answer_at(7003));
    assert!(heard.hears(&world, 7003));
    assert_eq!(told(&world).last(), Some(&(Some(7003), true, true)), "another party");
}

#[test]
fn after_the_answer_only_the_winner_is_heard() {
    let (mut world, sent) = described("", "");
    let mut heard = Heard::new(&world);
    assert!(heard.hears(&world, 7001));
    say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
    assert!(heard.hears(&world, 7002), "from its first packet on");
    assert!(!heard.hears(&world, 7001));
    heard.ms += 3_000;
    assert!(!heard.hears(&world, 7001));
}

#[test]
fn an_answer_that_is_refused_marks_no_later_description_as_another_partys() {
    let (mut world, sent) = described("", "");
    say(&mut world, &sent[1], "200 OK", "t9", "");
    let told = world.media.len();
    say(&mut world, &sent[0], PROGRESS, "t3", &answer_at(7005));
    let others: Vec<bool> = world.media[told..]
        .iter()
        .filter_map(|command| match command {
            Command::Set { remote, .. } => Some(remote.other),
            _ => None,
        })
        .collect();
    assert_eq!(others.first(), Some(&false), "{others:?}");
}

/// RFC 5763 §5: what the branch that was heard has agreed to is nothing to the one that answers.
#[test]
fn who_answers_when_the_branch_that_was_heard_has_declined_is_another_party() {
    let mut world = World::new(&two("", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    let others = |world: &World| -> Vec<bool> {
        let of = |command: &Command| match command {
            Command::Set { side: Side::B, remote, .. } => Some(remote.other),
            _ => None,
        };
        world.media.iter().filter_map(of).collect()
    };
    say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
    assert_eq!(others(&world), [false]);
    say(&mut world, &sent[0], "486 Busy Here", "t1", "");
    say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
    assert_eq!(others(&world).last(), Some(&true), "{:?}", others(&world));
}

/// Port, whether beside another, whether heard, and key, of each description of a callee that the engine was told.
fn of_callees(world: &World) -> Vec<(u16, bool, bool, Option<Vec<u8>>)> {
    let told = world.media.iter().filter_map(|command| match command {
        Command::Set { side: Side::B, remote, .. } => Some(remote),
        _ => None,
    });
    let row = |remote: &Remote| {
        let key = match &remote.srtp {
            Srtp::On(keys) => Some(keys.receive.key_and_salt().to_vec()),
            _ => None,
        };
        (remote.rtp.map_or(0, |at| at.port()), remote.beside, remote.receive, key)
    };
    told.map(row).collect()
}

#[test]
fn secured_forks_are_handed_to_the_engine_each_with_its_own_keys() {
    let mut world = World::new(&two("", "srtp = \"required\", srtp_over_plain = \"allow\""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    let inline = ["WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"];
    let answers: Vec<String> = (0..2)
        .map(|n| {
            let line = sent[n].body().lines().find(|line| line.starts_with("a=crypto:")).expect("a key");
            let head = line.split("inline:").next().unwrap_or_default();
            let text = answer_at(7001 + n as u16).replace("RTP/AVP", "RTP/SAVP");
            format!("{text}{head}inline:{}\r\n", inline[n])
        })
        .collect();
    say(&mut world, &sent[0], PROGRESS, "t1", &answers[0]);
    say(&mut world, &sent[1], PROGRESS, "t2", &answers[1]);
    say(&mut world, &sent[0], "199 Early Dialog Terminated", "t1", "");
    say(&mut world, &sent[1], "200 OK", "t2", &answers[1]);
    let told = of_callees(&world);
    let keys = [told[0].3.clone(), told[1].3.clone()];
    assert!(keys[0].is_some() && keys[1].is_some() && keys[0] != keys[1], "{told:?}");
    let [first, second] = keys;
    let wanted = [
        (7001, false, true, first.clone()),
        (7002, true, true, second.clone()),
        (7001, true, false, first),
        (7002, false, true, second.clone()),
        (7002, false, true, second),
    ];
    assert_eq!(told, wanted, "beside each other, gone, next, answered");
}

/// What the engine was told last of the gateways' side: where it is, and whether it is another party than before.
fn told(world: &World) -> Vec<(Option<u16>, bool, bool)> {
    let sets = world.media.iter().filter_map(|command| match command {
        Command::Set { side: Side::B, remote, .. } => {
            Some((remote.rtp.map(|at| at.port()), remote.other, remote.receive))
        }
        _ => None,
    });
    sets.collect()
}

/// RFC 5763 §5: what was agreed with the one is nothing to the other.
#[test]
fn whoever_answers_after_the_heard_fork_has_refused_is_another_party() {
    let mut world = World::new(&two("early_dialogs = \"all\"", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let sent = world.expect(&[(GW1, "INVITE"), (GW2, "INVITE")]);
    say(&mut world, &sent[0], PROGRESS, "t1", &answer_at(7001));
    say(&mut world, &sent[1], "180 Ringing", "t2", "");
    let mut heard = Heard::new(&world);
    assert!(heard.hears(&world, 7001));
    say(&mut world, &sent[0], "486 Busy Here", "t1", "");
    assert_eq!(told(&world).last(), Some(&(Some(7001), false, false)), "it is hushed");
    assert!(!heard.hears(&world, 7001), "whoever has refused is heard no more");
    say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
    assert_eq!(told(&world).last(), Some(&(Some(7002), true, true)), "{:?}", told(&world));
    assert!(heard.hears(&world, 7002) && !heard.hears(&world, 7001));
}

#[test]
fn whoever_takes_the_place_of_the_heard_fork_is_another_party() {
    let (mut world, sent) = described("early_dialogs = \"one\"", "");
    say(&mut world, &sent[0], "486 Busy Here", "t1", "");
    assert_eq!(told(&world).last(), Some(&(Some(7002), true, true)), "{:?}", told(&world));
    say(&mut world, &sent[1], "200 OK", "t2", &answer_at(7002));
    assert_eq!(told(&world).last(), Some(&(Some(7002), false, true)), "the same that was heard");
}

#[test]
fn the_heard_fork_that_answers_is_the_same_party_also_when_another_answer_was_of_no_use() {
    let (mut world, sent) = described("early_dialogs = \"all\"", "");
    say(&mut world, &sent[1], "200 OK", "t2", "v=0\r\nnot a description\r\n");
    say(&mut world, &sent[0], "200 OK", "t1", &answer_at(7001));
    assert_eq!(told(&world).last(), Some(&(Some(7001), false, true)), "{:?}", told(&world));
}
