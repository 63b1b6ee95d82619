//! Handshakes between two ends of ours, over a wire that loses, repeats and reorders; and with strangers.
//! That others understand us is shown in `openssl.rs` and by the conformance suites.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use base::Time;
use dtls::{Answered, Certificate, Doorman, Shake, Terms, Trouble};
use media::{Dtls, Fingerprint, Hash, Keys};
use srtp::Suite;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

fn address() -> SocketAddr {
    ([192, 0, 2, 7], 4000).into()
}

fn certificate() -> Arc<Certificate> {
    Arc::new(Certificate::make().unwrap())
}

fn terms(client: bool, of: &Certificate, suites: &[Suite]) -> Terms {
    let fingerprint = Fingerprint { hash: Hash::Sha256, digest: (*of.fingerprint()).into() };
    let association = "a".into();
    Dtls {
        client,
        open: false,
        fingerprints: vec![fingerprint],
        association,
        suites: suites.to_vec(),
        answered: true,
    }
}

/// Two ends and what happens to datagrams between them.
struct Pair {
    now: Time,
    doorman: Doorman,
    certificates: [Arc<Certificate>; 2],
    client: Shake,
    server: Option<Shake>,
    server_terms: Terms,
}

impl Pair {
    fn new(client_suites: &[Suite], server_suites: &[Suite]) -> Pair {
        Pair::with(|own| (terms(true, &own[1], client_suites), terms(false, &own[0], server_suites)))
    }

    fn with(make: impl FnOnce(&[Arc<Certificate>; 2]) -> (Terms, Terms)) -> Pair {
        let certificates = [certificate(), certificate()];
        let (client_terms, server_terms) = make(&certificates);
        let client = Shake::client(Time::ZERO, certificates[0].clone(), client_terms).unwrap();
        let doorman = Doorman::new().unwrap();
        Pair { now: Time::ZERO, doorman, certificates, client, server: None, server_terms }
    }

    /// A datagram of the client's comes to the server; what goes back at once.
    fn reach_server(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        match (self.doorman.answer(self.now, address(), datagram), &mut self.server) {
            (Answered::Ask(reply), _) => vec![reply],
            (Answered::Admitted(_), None) => {
                let (own, terms) = (self.certificates[1].clone(), self.server_terms.clone());
                self.server = Some(Shake::server(self.now, own, terms, datagram).unwrap());
                Vec::new()
            }
            (_, Some(server)) => {
                server.receive(self.now, datagram);
                Vec::new()
            }
            (Answered::Other | Answered::Begun(_), None) => Vec::new(),
        }
    }

    /// Lets both speak until both have ended, through a wire that does with the nth datagram what `wire` says: how
    /// often it arrives.
    fn run(&mut self, mut wire: impl FnMut(usize) -> usize) -> [Result<Keys, Trouble>; 2] {
        let mut sent = 0;
        for _ in 0..400 {
            let mut back = Vec::new();
            while let Some(datagram) = self.client.poll() {
                sent += 1;
                for _ in 0..wire(sent) {
                    back.extend(self.reach_server(&datagram));
                }
            }
            while let Some(datagram) = self.server.as_mut().and_then(Shake::poll) {
                back.push(datagram);
            }
            for datagram in back {
                sent += 1;
                for _ in 0..wire(sent) {
                    self.client.receive(self.now, &datagram);
                }
            }
            let server = self.server.as_ref().and_then(Shake::ended);
            if let (Some(client), Some(server)) = (self.client.ended(), server) {
                return [client.clone(), server.clone()];
            }
            self.now = self.now + Duration::from_millis(200);
            self.client.on_tick(self.now);
            self.server.iter_mut().for_each(|server| server.on_tick(self.now));
        }
        panic!("neither way out: {:?}, {:?}", self.client, self.server)
    }
}

fn fit([client, server]: [Result<Keys, Trouble>; 2]) -> Suite {
    let (client, server) = (client.unwrap(), server.unwrap());
    assert_eq!((&client.send, &client.receive), (&server.receive, &server.send));
    assert_ne!(client.send, client.receive);
    client.send.suite()
}

#[test]
fn two_ends_agree_on_the_first_profile_of_the_client_that_both_have() {
    let both = [Suite::AesCm128Sha1_80, Suite::AeadAes256Gcm];
    for (client, server, agreed) in [
        (&both[..], &both[..], Suite::AesCm128Sha1_80),
        (&[Suite::AeadAes256Gcm, Suite::AesCm128Sha1_80], &both, Suite::AeadAes256Gcm),
        (&[Suite::AesCm256Sha1_80, Suite::AeadAes128Gcm], &[Suite::AeadAes128Gcm], Suite::AeadAes128Gcm),
        (&[Suite::AesCm128Sha1_32], &[Suite::AesCm128Sha1_32], Suite::AesCm128Sha1_32),
    ] {
        assert_eq!(fit(Pair::new(client, server).run(|_| 1)), agreed);
    }
}

#[test]
fn what_is_lost_or_comes_twice_costs_time_and_no_keys() {
    for step in 3..9 {
        for rest in 0..step {
            let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
            let lost = |n: usize| if n % step == rest { 0 } else { 1 + n % 2 };
            assert_eq!(fit(pair.run(lost)), Suite::AeadAes256Gcm, "every {step}th from {rest} is lost");
        }
    }
}

#[test]
fn a_certificate_that_signalling_does_not_name_ends_it_on_both_sides() {
    let stranger = certificate();
    let mut pair =
        Pair::with(|own| (terms(true, &stranger, &Suite::ALL), terms(false, &own[0], &Suite::ALL)));
    let [client, server] = pair.run(|_| 1);
    assert_eq!(client.unwrap_err(), Trouble::Fingerprint);
    assert!(matches!(server.unwrap_err(), Trouble::Alert(42) | Trouble::Silent));
    let mut pair =
        Pair::with(|own| (terms(true, &own[1], &Suite::ALL), terms(false, &stranger, &Suite::ALL)));
    let [client, server] = pair.run(|_| 1);
    assert_eq!(server.unwrap_err(), Trouble::Fingerprint);
    assert!(matches!(client.unwrap_err(), Trouble::Alert(42) | Trouble::Silent));
}

#[test]
fn ends_that_share_no_profile_tell_each_other() {
    let mut pair = Pair::new(&[Suite::AeadAes128Gcm], &[Suite::AesCm128Sha1_80]);
    let [client, server] = pair.run(|_| 1);
    assert_eq!(server.unwrap_err(), Trouble::NothingInCommon);
    assert_eq!(client.unwrap_err(), Trouble::Alert(40));
}

#[test]
fn a_hello_without_our_cookie_is_asked_for_one_and_nothing_is_kept() {
    let mut doorman = Doorman::new().unwrap();
    let now = Time::from_millis(5);
    let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
    let hello = pair.client.poll().unwrap();
    let Answered::Ask(reply) = doorman.answer(now, address(), &hello) else { panic!("it is asked") };
    assert!(reply.len() <= hello.len(), "nobody is flooded through us");
    pair.client.receive(Time::ZERO, &reply);
    let again = pair.client.poll().unwrap();
    assert!(matches!(doorman.answer(now, address(), &again), Answered::Admitted(_)));
    let other = SocketAddr::from(([192, 0, 2, 8], 4000));
    assert!(
        matches!(doorman.answer(now, other, &again), Answered::Ask(_)),
        "a cookie is good for one address"
    );
    assert!(matches!(Doorman::new().unwrap().answer(now, address(), &again), Answered::Ask(_)));
    assert_eq!(doorman.answer(now, address(), &[0x80; 172]), Answered::Other);
}

/// RFC 6347 §4.2.1.
#[test]
fn cookies_are_good_while_their_key_or_the_one_after_it_makes_others() {
    let mut doorman = Doorman::new().unwrap();
    let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
    let hello = pair.client.poll().unwrap();
    let at = Time::from_millis;
    let Answered::Ask(reply) = doorman.answer(at(59_000), address(), &hello) else { panic!("it is asked") };
    pair.client.receive(Time::ZERO, &reply);
    let again = pair.client.poll().unwrap();
    assert!(matches!(doorman.answer(at(59_500), address(), &again), Answered::Admitted(_)));
    assert!(matches!(doorman.answer(at(60_500), address(), &again), Answered::Admitted(_)), "the key before");
    let Answered::Ask(other) = doorman.answer(at(60_500), address(), &hello) else { panic!("it is asked") };
    assert_ne!(other, reply, "another key makes another cookie");
    assert!(matches!(doorman.answer(at(120_600), address(), &again), Answered::Ask(_)), "two keys ago");
}

#[test]
fn after_a_long_rest_no_cookie_of_before_is_good() {
    let mut doorman = Doorman::new().unwrap();
    let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
    let hello = pair.client.poll().unwrap();
    let at = Time::from_millis;
    let Answered::Ask(reply) = doorman.answer(at(1_000), address(), &hello) else { panic!("it is asked") };
    pair.client.receive(Time::ZERO, &reply);
    let again = pair.client.poll().unwrap();
    assert!(matches!(doorman.answer(at(600_000), address(), &again), Answered::Ask(_)));
}

#[test]
fn nobody_answers_and_it_ends_in_silence() {
    let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
    let mut sent = 0;
    for n in 0..200 {
        while pair.client.poll().is_some() {
            sent += 1;
        }
        pair.client.on_tick(Time::from_millis(n * 200));
    }
    assert_eq!(sent, 7);
    assert_eq!(pair.client.ended().unwrap().clone().unwrap_err(), Trouble::Silent);
}

#[test]
fn one_flipped_bit_anywhere_never_ends_in_keys_that_differ() {
    for flipped in 0..240 {
        let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
        let mut count = 0;
        let mut keys = Vec::new();
        for _ in 0..12 {
            let mut back = Vec::new();
            while let Some(mut datagram) = pair.client.poll() {
                count += 1;
                let at = flipped * 7 % datagram.len();
                if count == 1 + flipped % 3 {
                    datagram[at] ^= 1 << (flipped % 8);
                }
                back.extend(pair.reach_server(&datagram));
            }
            while let Some(datagram) = pair.server.as_mut().and_then(Shake::poll) {
                back.push(datagram);
            }
            for datagram in back {
                pair.client.receive(pair.now, &datagram);
            }
        }
        for end in [Some(&pair.client), pair.server.as_ref()].into_iter().flatten() {
            if let Some(Ok(agreed)) = end.ended() {
                keys.push(agreed.clone());
            }
        }
        if let [client, server] = &keys[..] {
            assert_eq!((&client.send, &client.receive), (&server.receive, &server.send));
        }
    }
}

#[test]
fn any_bytes_are_survived() {
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut byte = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let mut pair = Pair::new(&Suite::ALL, &Suite::ALL);
    let hello = pair.client.poll().unwrap();
    for round in 0..2_000_usize {
        let mut bytes: Vec<u8> = match round % 3 {
            0 => (0..usize::from(byte()) * 3).map(|_| byte()).collect(),
            1 => hello.iter().map(|one| if byte() < 12 { byte() } else { *one }).collect(),
            _ => hello.iter().cycle().take(usize::from(byte()) * 4).copied().collect(),
        };
        if let Some(first) = bytes.first_mut() {
            *first = 22;
        }
        pair.reach_server(&bytes);
        pair.client.receive(pair.now, &bytes);
        let fresh = Shake::server(pair.now, pair.certificates[1].clone(), pair.server_terms.clone(), &bytes);
        if let Ok(mut fresh) = fresh {
            fresh.receive(pair.now, &bytes);
        }
    }
}
