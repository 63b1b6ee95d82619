//! Forks that are secured, each with its own keys: who speaks first is heard, and the one that answers from its first packet.

use super::*;
use media::{Dtls, Fingerprint, Hash, Spot};

fn place(fork: u8) -> SocketAddr {
    at(&format!("198.51.100.{fork}:500{fork}"))
}

/// Several forks; one offer of ours reached all, so they share our key, and each has its own.
struct Forks {
    room: Room,
    /// What a fork describes.
    said: Vec<Remote>,
    peers: Vec<Peer>,
    sequence: u16,
}

impl Forks {
    fn new(count: u8, latch: Latch) -> Forks {
        let mut mint = Mint::new([31; 32]);
        let send = mint.draw(Suite::AesCm128Sha1_80).unwrap();
        let draw = |_| Keys { receive: mint.draw(Suite::AesCm128Sha1_80).unwrap(), send: send.clone() };
        let all: Vec<Keys> = (0..count).map(draw).collect();
        let remote = |(n, keys): (u8, &Keys)| Remote { srtp: on(keys), latch, ..Remote::audio(place(n)) };
        let said: Vec<Remote> = (1..).zip(&all).map(remote).collect();
        let mut forks = Forks {
            room: Room { session: Session::new(SessionId(1), Time::ZERO, 1), now: Time::ZERO },
            said,
            peers: all.iter().map(Peer::of).collect(),
            sequence: 0,
        };
        forks.room.set(Side::A, Srtp::Off);
        for n in 0..usize::from(count) {
            forks.describe(Remote { beside: n > 0, ..forks.said[n].clone() });
        }
        forks
    }

    fn describe(&mut self, remote: Remote) {
        assert!(self.room.session.set(self.room.now, Side::B, 0, remote));
    }

    /// Whether the caller hears a packet of a fork, 20 ms later.
    fn hears(&mut self, fork: usize, from: SocketAddr) -> bool {
        self.room.pass(20);
        self.sequence += 1;
        let packet = rtp(fork as u32, self.sequence);
        let said = self.peers[fork].says(&packet);
        self.room.put_from(Side::B, Component::Rtp, from, &said).is_ok_and(|left| left == packet)
    }

    fn speaks(&mut self, fork: usize) -> bool {
        self.hears(fork, place(fork as u8 + 1))
    }
}

#[test]
fn of_secured_forks_the_one_that_speaks_first_is_heard_whoever_was_described_first() {
    for first in 0..3 {
        let mut forks = Forks::new(3, Latch::Off);
        for _ in 0..5 {
            assert!(forks.speaks(first), "from its first packet on");
            assert!(!forks.speaks((first + 1) % 3), "nobody cuts off who is heard");
        }
        forks.room.pass(600);
        assert!(forks.speaks((first + 1) % 3), "who has fallen silent gives way");
        assert!(!forks.speaks(first));
    }
}

#[test]
fn the_secured_fork_that_answers_is_heard_from_its_first_packet_and_no_other() {
    for winner in 0..3 {
        let mut forks = Forks::new(3, Latch::Off);
        assert!(forks.speaks(1) && forks.speaks(1));
        forks.describe(forks.said[winner].clone());
        for _ in 0..5 {
            assert!(forks.speaks(winner), "{winner}");
            assert!(!forks.speaks((winner + 1) % 3));
        }
        forks.room.pass(3_000);
        assert!(!forks.speaks((winner + 2) % 3), "nor when it has fallen silent");
    }
}

#[test]
fn a_packet_takes_the_turn_by_its_tag_alone() {
    let mut forks = Forks::new(2, Latch::Nat);
    let (thief, moved) = (at("203.0.113.66:6666"), at("203.0.113.5:1024"));
    let mut wrong = Peer::of(&keys(&mut Mint::new([1; 32]), Suite::AesCm128Sha1_80));
    for n in 1..50 {
        for packet in [wrong.says(&rtp(1, n)), rtp(1, n)] {
            for from in [thief, place(1), place(2)] {
                assert!(forks.room.put_from(Side::B, Component::Rtp, from, &packet).is_err());
            }
        }
    }
    assert!(forks.hears(1, moved), "the second fork, from where nobody expected it");
    assert_eq!(forks.room.session.report(forks.room.now).b[0].source, Some(moved));
}

#[test]
fn forks_at_one_address_are_told_apart_by_their_keys() {
    let mut forks = Forks::new(1, Latch::Off);
    let mut mint = Mint::new([77; 32]);
    let second = keys(&mut mint, Suite::AesCm128Sha1_80);
    forks.describe(Remote { beside: true, srtp: on(&second), ..Remote::audio(place(1)) });
    forks.peers.push(Peer::of(&second));
    assert!(forks.hears(1, place(1)));
    assert!(!forks.hears(0, place(1)));
    forks.describe(forks.said[0].clone());
    assert!(forks.hears(0, place(1)) && !forks.hears(1, place(1)));
}

#[test]
fn a_secured_fork_that_is_gone_gives_its_place_to_the_next() {
    let mut forks = Forks::new(2, Latch::Off);
    assert!(forks.speaks(0));
    forks.describe(Remote { receive: false, beside: true, ..forks.said[0].clone() });
    assert!(!forks.speaks(0) && forks.speaks(1));
}

/// One key of ours reaches all forks: whoever hears it, no index of it is used twice (RFC 3711 §9.1).
#[test]
fn no_key_stream_is_used_twice_when_forks_take_turns() {
    let mut forks = Forks::new(3, Latch::Off);
    let mut sent = std::collections::BTreeSet::new();
    for n in 0..6u16 {
        let fork = usize::from(n) % 3;
        forks.room.pass(600);
        assert!(forks.speaks(fork));
        for number in [0, 1].map(|more| n.wrapping_mul(20_000).wrapping_add(more)) {
            if let Ok(left) = forks.room.put(Side::A, &rtp(9, number)) {
                assert!(sent.insert(left[12..172].to_vec()), "another stream each time");
            }
        }
        let again = forks.room.put(Side::A, &rtp(9, n.wrapping_mul(20_000).wrapping_add(1)));
        assert_eq!(again, Err(DropReason::SrtpReplayed));
    }
    assert!(sent.len() >= 6);
}

/// Terms of fork `n`: its own certificate.
fn terms(n: u8) -> Dtls {
    Dtls {
        client: false,
        open: false,
        fingerprints: vec![Fingerprint { hash: Hash::Sha256, digest: [n; 32].into() }],
        association: format!("{n}").as_str().into(),
        suites: vec![Suite::AesCm128Sha1_80],
        answered: false,
    }
}

/// What fork `n` says that shakes hands.
fn said(n: u8) -> Remote {
    Remote { srtp: Srtp::Dtls(Box::new(terms(n))), ..Remote::audio(place(n)) }
}

/// The same with an association of its own.
fn renamed(remote: Remote, n: u8) -> Remote {
    let terms = Dtls { association: format!("{n} anew").as_str().into(), ..terms(n) };
    Remote { srtp: Srtp::Dtls(Box::new(terms)), ..remote }
}

#[test]
fn forks_that_shake_hands_have_keys_beside_each_other_and_the_winner_keeps_its_own() {
    let mut mint = Mint::new([41; 32]);
    let all: Vec<Keys> = (0..2).map(|_| keys(&mut mint, Suite::AesCm128Sha1_80)).collect();
    let mut forks = Forks::new(1, Latch::Off);
    forks.describe(said(1));
    forks.describe(Remote { beside: true, ..said(2) });
    forks.peers = all.iter().map(Peer::of).collect();
    assert_eq!(forks.room.session.handshakes().count(), 4, "RTP and RTCP of each");
    let hello = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (from, handed) in [(place(1), true), (place(2), true), (place(3), false)] {
        let datagram = Datagram { buffer: &mut hello.clone(), length: hello.len() };
        let verdict =
            forks.room.session.on_packet(forks.room.now, Side::B, 0, Component::Rtp, from, datagram);
        assert_eq!(verdict == Verdict::Handshake, handed, "{from}");
    }
    let spot = Spot { side: Side::B, stream: 0, component: Component::Rtp };
    for n in [2, 1] {
        forks.room.session.keyed(forks.room.now, (spot, &terms(n)), place(n), &all[usize::from(n) - 1]);
    }
    assert!(forks.speaks(1) && !forks.speaks(0));
    forks.room.pass(600);
    assert!(forks.speaks(0));
    forks.describe(said(2).answered(true));
    assert_eq!(forks.room.session.handshakes().count(), 2);
    assert!(forks.speaks(1) && !forks.speaks(0), "no new handshake is needed");
}

/// RFC 5763 §5: what was agreed with one certificate is nothing to a party with another one.
#[test]
fn keys_of_a_fork_open_and_protect_nothing_of_another_that_answers_without_having_been_described() {
    let mut mint = Mint::new([43; 32]);
    let agreed = keys(&mut mint, Suite::AesCm128Sha1_80);
    let mut forks = Forks::new(1, Latch::Nat);
    let nat = |remote: Remote| Remote { latch: Latch::Nat, ..remote };
    forks.describe(nat(said(1)));
    forks.peers = vec![Peer::of(&agreed)];
    let spot = Spot { side: Side::B, stream: 0, component: Component::Rtp };
    forks.room.session.keyed(forks.room.now, (spot, &terms(1)), place(1), &agreed);
    assert!(forks.speaks(0));
    forks.describe(nat(Remote { other: true, ..said(2).answered(true) }));
    assert!(!forks.hears(0, place(1)) && !forks.hears(0, place(2)));
    assert_eq!(forks.room.put(Side::A, &rtp(9, 1)), Err(DropReason::SrtpKey));
    let second = keys(&mut mint, Suite::AesCm128Sha1_80);
    forks.peers.push(Peer::of(&second));
    forks.room.session.keyed(forks.room.now, (spot, &terms(2)), place(2), &second);
    assert!(!forks.hears(0, place(1)), "nor is anything of it still on its way");
    assert!(forks.hears(1, place(2)));
}

#[test]
fn a_fork_that_describes_itself_again_is_spoken_to_under_what_it_chose_last() {
    let mut mint = Mint::new([47; 32]);
    let mut forks = Forks::new(2, Latch::Off);
    let Srtp::On(before) = forks.said[1].srtp.clone() else { panic!("keys are described") };
    let chosen = Keys { send: mint.draw(Suite::AesCm128Sha1_80).unwrap(), ..*before };
    forks.describe(Remote { beside: true, srtp: on(&chosen), ..forks.said[1].clone() });
    assert!(forks.speaks(1));
    let sent = forks.room.put(Side::A, &rtp(9, 1)).unwrap();
    assert_eq!(Peer::of(&chosen).hears(&sent), rtp(9, 1));
}

/// However many keys were agreed on in between, the one of our offer is not begun anew (RFC 3711 §9.1).
#[test]
fn no_key_stream_is_used_twice_when_many_forks_that_shake_hands_have_come_and_gone() {
    let mut mint = Mint::new([51; 32]);
    let mut forks = Forks::new(2, Latch::Off);
    assert!(forks.speaks(0));
    assert!(forks.room.put(Side::A, &rtp(9, 1)).is_ok());
    let spot = Spot { side: Side::B, stream: 0, component: Component::Rtp };
    let mut before: Option<Remote> = None;
    for n in 0..40u8 {
        let shaken = renamed(said(9 + n % 2), n);
        let agreed = keys(&mut mint, Suite::AesCm128Sha1_80);
        let Srtp::Dtls(terms) = shaken.srtp.clone() else { panic!("a handshake is described") };
        forks.describe(Remote { beside: true, ..shaken.clone() });
        forks.room.session.keyed(forks.room.now, (spot, &terms), place(9 + n % 2), &agreed);
        forks.peers.push(Peer::of(&agreed));
        forks.room.pass(600);
        let fork = 2 + usize::from(n);
        assert!(forks.hears(fork, place(9 + n % 2)), "{n}");
        let left = forks.room.put(Side::A, &rtp(9, 1)).unwrap();
        assert_eq!(forks.peers[fork].hears(&left), rtp(9, 1), "under its own key");
        if let Some(gone) = before.replace(shaken) {
            forks.describe(Remote { receive: false, beside: true, ..gone });
        }
    }
    forks.room.pass(600);
    assert!(forks.speaks(1), "it has the key that the first one was spoken to under");
    assert_eq!(forks.room.put(Side::A, &rtp(9, 1)), Err(DropReason::SrtpReplayed));
    assert!(forks.room.put(Side::A, &rtp(9, 2)).is_ok());
}

/// One that shakes hands goes on under its key, too, when its turn comes again.
#[test]
fn no_key_stream_is_used_twice_when_forks_that_shake_hands_take_turns() {
    let mut mint = Mint::new([53; 32]);
    let all: Vec<Keys> = (0..2).map(|_| keys(&mut mint, Suite::AesCm128Sha1_80)).collect();
    let mut forks = Forks::new(1, Latch::Off);
    forks.describe(said(1));
    forks.describe(Remote { beside: true, ..said(2) });
    forks.peers = all.iter().map(Peer::of).collect();
    let spot = Spot { side: Side::B, stream: 0, component: Component::Rtp };
    for n in [1, 2] {
        forks.room.session.keyed(forks.room.now, (spot, &terms(n)), place(n), &all[usize::from(n) - 1]);
    }
    for turn in 0..4 {
        forks.room.pass(600);
        assert!(forks.speaks(turn % 2));
        let left = forks.room.put(Side::A, &rtp(9, 1));
        assert_eq!(left.is_ok(), turn < 2, "{turn}");
    }
}

/// Where no room is left for what was used, nothing more is said under a key of which it is not known.
#[test]
fn when_more_keys_were_used_than_are_kept_nothing_is_said_under_one_that_may_have_been() {
    let mut mint = Mint::new([57; 32]);
    let mut forks = Forks::new(1, Latch::Off);
    let party = |n: u16, keys: &Keys| Remote {
        srtp: on(keys),
        other: true,
        ..Remote::audio(at(&format!("198.51.100.7:{}", 6_000 + n)))
    };
    let all: Vec<Keys> = (0..300).map(|_| keys(&mut mint, Suite::AesCm128Sha1_80)).collect();
    let mut sent = std::collections::BTreeSet::new();
    for round in 0..2 {
        for (n, keys) in (0..).zip(&all) {
            forks.describe(party(n, keys));
            match forks.room.put(Side::A, &rtp(9, 1)) {
                Ok(left) => assert!(sent.insert(left[12..172].to_vec()) && round == 0, "{n}"),
                Err(reason) => assert!(
                    matches!(reason, DropReason::SrtpExhausted | DropReason::SrtpReplayed),
                    "{n}: {reason:?}"
                ),
            }
        }
    }
    assert!(sent.len() > 200, "{}", sent.len());
}

#[test]
fn while_several_forks_may_speak_none_is_followed_to_where_another_is_and_from_the_answer_on_it_is() {
    let mut forks = Forks::new(2, Latch::Off);
    assert!(forks.speaks(0));
    forks.room.pass(300);
    for from in [place(2), place(7)] {
        assert!(!forks.hears(0, from), "{from}");
    }
    forks.describe(forks.said[0].clone());
    assert!(forks.speaks(0));
    forks.room.pass(300);
    assert!(forks.hears(0, place(7)));
    assert_eq!(forks.room.session.report(forks.room.now).b[0].source, Some(place(7)));
}

/// RFC 5763 §5: what was agreed with one party is nothing to the next, though the stream was in clear when it came.
#[test]
fn keys_that_rest_during_a_fax_open_nothing_of_another_party_that_came_meanwhile() {
    let mut forks = Forks::new(2, Latch::Off);
    forks.describe(forks.said[0].clone());
    assert!(forks.speaks(0));
    let fax = |place, other| Remote { udptl: true, other, ..Remote::audio(place) };
    forks.describe(fax(place(1), false));
    forks.describe(fax(place(2), true));
    forks.describe(forks.said[1].clone());
    assert!(forks.speaks(1));
    assert!(!forks.hears(0, place(2)) && !forks.hears(0, place(1)), "the keys of who has left");
    assert!(forks.speaks(1));
}

#[test]
fn a_fork_beside_one_that_chose_another_key_of_ours_is_spoken_to_whenever_its_turn_comes() {
    let mut mint = Mint::new([59; 32]);
    let mut forks = Forks::new(2, Latch::Off);
    assert!(forks.speaks(0));
    forks.room.pass(600);
    assert!(forks.speaks(1));
    let Srtp::On(before) = forks.said[0].srtp.clone() else { panic!("keys are described") };
    let chosen = Keys { send: mint.draw(Suite::AesCm128Sha1_80).unwrap(), ..*before };
    forks.describe(Remote { beside: true, srtp: on(&chosen), ..forks.said[0].clone() });
    for turn in 0..8u16 {
        forks.room.pass(600);
        assert!(forks.speaks(usize::from(turn % 2)));
        let sent = forks.room.put(Side::A, &rtp(9, turn + 1));
        assert!(sent.is_ok(), "{turn}: {sent:?}");
    }
}

/// The same where the next party was known as a fork, and is secured only later.
#[test]
fn keys_that_rest_open_nothing_of_a_plain_fork_that_answers_and_is_secured_later() {
    let mut forks = Forks::new(1, Latch::Off);
    assert!(forks.speaks(0));
    forks.describe(Remote::audio(place(1)));
    forks.describe(Remote { beside: true, ..Remote::audio(place(2)) });
    forks.describe(Remote::audio(place(2)));
    let second = keys(&mut Mint::new([61; 32]), Suite::AesCm128Sha1_80);
    forks.describe(Remote { srtp: on(&second), ..Remote::audio(place(2)) });
    forks.peers.push(Peer::of(&second));
    assert!(!forks.hears(0, place(2)), "the keys of who has left");
    assert!(forks.speaks(1));
}
