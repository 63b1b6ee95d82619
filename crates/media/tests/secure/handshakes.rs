//! Keys of handshakes, joined with every other way.

use super::*;
use media::{Association, Dtls, Fingerprint, Hash, Spot};

fn dtls() -> Srtp {
    let fingerprint = Fingerprint { hash: Hash::Sha256, digest: [1; 32].into() };
    let suites = vec![Suite::AesCm128Sha1_80];
    let association = "one".into();
    Srtp::Dtls(Box::new(Dtls {
        client: false,
        open: false,
        fingerprints: vec![fingerprint],
        association,
        suites,
        answered: true,
    }))
}

/// The terms of `dtls`.
fn terms() -> Dtls {
    match dtls() {
        Srtp::Dtls(terms) => *terms,
        _ => unreachable!("it is one"),
    }
}

fn spot(side: Side, component: Component) -> Spot {
    Spot { side, stream: 0, component }
}

#[test]
fn keys_of_handshakes_join_with_every_other_way() {
    let mut mint = Mint::new([8; 32]);
    let suite = Suite::AeadAes128Gcm;
    for other in ["plain", "sdes", "dtls"] {
        let (ka, kb) = (keys(&mut mint, suite), keys(&mut mint, Suite::AesCm128Sha1_80));
        let (mut pa, mut pb) = (Peer::of(&ka), Peer::of(&kb));
        let there = match other {
            "plain" => Srtp::Off,
            "sdes" => on(&kb),
            _ => dtls(),
        };
        let mut room = Room::new(dtls(), there);
        assert_eq!(room.put(Side::A, &rtp(1, 1)), Err(DropReason::SrtpKey), "{other}");
        assert!(room.put(Side::B, &if other == "plain" { rtp(2, 1) } else { pb.says(&rtp(2, 1)) }).is_err());
        room.session.keyed(room.now, (spot(Side::A, Component::Rtp), &terms()), a(), &ka);
        if other == "dtls" {
            assert_eq!(
                room.put(Side::A, &pa.says(&rtp(1, 2))),
                Err(DropReason::SrtpKey),
                "the other side has none"
            );
            room.session.keyed(room.now, (spot(Side::B, Component::Rtp), &terms()), b(), &kb);
        }
        for n in 3..20 {
            let left = room.put(Side::A, &pa.says(&rtp(1, n))).unwrap();
            assert_eq!(if other == "plain" { left } else { pb.hears(&left) }, rtp(1, n), "{other}");
            let said = if other == "plain" { rtp(2, n) } else { pb.says(&rtp(2, n)) };
            assert_eq!(pa.hears(&room.put(Side::B, &said).unwrap()), rtp(2, n), "{other}");
        }
        let (mut wrong, said) = (Peer::of(&kb), rtp(1, 30));
        assert_eq!(room.put(Side::A, &wrong.says(&said)), Err(DropReason::SrtpForged));
        let told = room.session.report(room.now);
        assert_eq!(told.a[0].security.unwrap().to_string(), "dtls AEAD_AES_128_GCM");
        let word = ["none", "sdes AES_CM_128_HMAC_SHA1_80", "dtls AES_CM_128_HMAC_SHA1_80"];
        assert!(word.contains(&&*told.b[0].security.unwrap().to_string()));
    }
}

#[test]
fn rtcp_on_a_port_of_its_own_has_keys_of_its_own() {
    let mut mint = Mint::new([9; 32]);
    let (media, control) = (keys(&mut mint, Suite::AesCm128Sha1_80), keys(&mut mint, Suite::AesCm128Sha1_80));
    let mut room = Room::new(dtls(), Srtp::Off);
    let spots: Vec<Spot> = room.session.handshakes().map(|(spot, _, _)| spot).collect();
    assert_eq!(spots, [spot(Side::A, Component::Rtp), spot(Side::A, Component::Rtcp)]);
    room.session.keyed(room.now, (spot(Side::A, Component::Rtp), &terms()), a(), &media);
    let from = at("192.0.2.1:4001");
    let (mut of_media, mut of_control) = (Peer::of(&media), Peer::of(&control));
    let early = room.put_from(Side::A, Component::Rtcp, from, &of_media.reports(&rtcp(1)));
    assert_eq!(early, Err(DropReason::SrtpKey));
    room.session.keyed(room.now, (spot(Side::A, Component::Rtcp), &terms()), from, &control);
    let left = room.put_from(Side::A, Component::Rtcp, from, &of_control.reports(&rtcp(1))).unwrap();
    assert_eq!(left, rtcp(1));
    let mut left = room.put_from(Side::B, Component::Rtcp, at("198.51.100.2:5001"), &rtcp(2)).unwrap();
    let length = of_control.heard.rtcp(&mut left).unwrap();
    assert_eq!(left[..length], rtcp(2));
    // A peer that multiplexes has one handshake for both.
    room.session.set(room.now, Side::A, 0, Remote { srtp: dtls(), rtcp: Some(a()), ..Remote::audio(a()) });
    assert_eq!(room.session.handshakes().count(), 1);
    let left = room.put_from(Side::A, Component::Rtp, a(), &of_media.reports(&rtcp(1))).unwrap();
    assert_eq!(left, rtcp(1));
}

#[test]
fn a_handshake_is_handed_on_from_the_peer_alone_and_only_where_one_is_due() {
    let hello = [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let verdict = |room: &mut Room, source| {
        let datagram = Datagram { buffer: &mut hello.clone(), length: hello.len() };
        room.session.on_packet(room.now, Side::A, 0, Component::Rtp, source, datagram)
    };
    let mut room = Room::new(dtls(), Srtp::Off);
    assert_eq!(verdict(&mut room, a()), Verdict::Handshake);
    assert_eq!(verdict(&mut room, at("203.0.113.9:4000")), Verdict::Drop(DropReason::ForeignSource));
    let mut mint = Mint::new([1; 32]);
    for other in [Srtp::Off, Srtp::Awaited, on(&keys(&mut mint, Suite::AesCm128Sha1_80))] {
        let mut room = Room::new(other, Srtp::Off);
        assert!(matches!(verdict(&mut room, a()), Verdict::Drop(_)));
    }
}

/// Who is held by the null address does not hear where the other one is (RFC 3264 §8.4): it is where it was.
#[test]
fn an_end_that_says_nothing_of_itself_is_the_one_that_it_was_and_no_more() {
    let mut mint = Mint::new([10; 32]);
    let agreed = keys(&mut mint, Suite::AesCm128Sha1_80);
    let mut peer = Peer::of(&agreed);
    let mut room = Room::new(Srtp::Off, Srtp::Off);
    let describe = |room: &mut Room, end: [Option<&str>; 2]| {
        let end = end.map(|one| one.map(Into::into));
        let named = Dtls { association: Association { name: "one".into(), end }, ..terms() };
        let before = room.session.handshakes().next().map(|(_, held, _)| held.clone());
        room.set(Side::A, Srtp::Dtls(Box::new(named.clone())));
        before.is_none_or(|before| before.goes_on(&named))
    };
    assert!(describe(&mut room, [Some("here"), Some("first")]));
    let now = room.session.handshakes().next().unwrap().1.clone();
    room.session.keyed(room.now, (spot(Side::A, Component::Rtp), &now), a(), &agreed);
    for (end, same) in [
        ([Some("here"), None], true),
        ([None, None], true),
        ([Some("here"), Some("second")], true),
        ([None, Some("second")], true),
        ([Some("there"), Some("second")], true),
        ([None, None], true),
        ([Some("here"), Some("first")], false),
        ([Some("here"), None], true),
        ([None, None], true),
        ([Some("there"), None], false),
    ] {
        assert_eq!(describe(&mut room, end), same, "{end:?}");
    }
    assert_eq!(room.put(Side::A, &peer.says(&rtp(1, 1))).unwrap(), rtp(1, 1), "until others are agreed");
}
