//! Vectors of the standards, and what an attacker cannot do.

mod streams;
mod vectors;

use crate::keys::Kind;
use crate::streams::STREAMS_MAX;
use crate::{MasterKey, Opener, Protector, SrtpError, Suite};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

fn master(suite: Suite) -> MasterKey {
    let length = suite.key_length() + suite.salt_length();
    let bytes: Vec<u8> = (0..length as u8).map(|n| n.wrapping_mul(37).wrapping_add(11)).collect();
    MasterKey::new(suite, &bytes).unwrap()
}

fn packet(sequence: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut p = vec![0x80, 8];
    p.extend(sequence.to_be_bytes());
    p.extend(u32::from(sequence).wrapping_mul(160).to_be_bytes());
    p.extend(ssrc.to_be_bytes());
    p.extend(payload);
    p
}

fn protect(out: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + out.overhead(), 0);
    let length = out.rtp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn protect_control(out: &mut Protector, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + out.overhead(), 0);
    let length = out.rtcp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn open(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let length = opener.rtp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn open_control(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut buffer = packet.to_vec();
    let length = opener.rtcp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

#[test]
fn every_suite_carries_packets_there_and_refuses_them_twice() {
    for suite in Suite::ALL {
        for mki in [&[][..], &[1][..], &[0, 0, 0, 7][..]] {
            let key = master(suite).with_mki(mki).unwrap();
            let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
            for (n, size) in [0usize, 1, 15, 16, 17, 160, 1400].into_iter().enumerate() {
                let plain = packet(65_534u16.wrapping_add(n as u16), 7, &vec![n as u8; size]);
                let sealed = protect(&mut out, &plain);
                assert_eq!(sealed.len(), plain.len() + suite.rtp_tag_length() + mki.len());
                assert_eq!(open(&mut into, &sealed), Ok(plain), "{suite:?}");
                assert_eq!(open(&mut into, &sealed), Err(SrtpError::Replayed), "{suite:?}");
            }
            let report = hex("80c90001 00000007 81ca0002 00000007 01026161 00000000");
            for _ in 0..3 {
                let sealed = protect_control(&mut out, &report);
                assert_eq!(open_control(&mut into, &sealed), Ok(report.clone()), "{suite:?}");
                assert_eq!(open_control(&mut into, &sealed), Err(SrtpError::Replayed), "{suite:?}");
            }
        }
    }
}

#[test]
fn a_changed_bit_anywhere_is_seen_and_changes_nothing() {
    for suite in Suite::ALL {
        let key = master(suite).with_mki(&[9]).unwrap();
        let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
        let plain = packet(100, 7, b"What an attacker cannot read or change");
        let sealed = protect(&mut out, &plain);
        let report = hex("80c90001 00000007");
        let sealed_report = protect_control(&mut out, &report);
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&mut into, &forged).is_err(), "{suite:?} bit {bit}");
        }
        for bit in 0..sealed_report.len() * 8 {
            let mut forged = sealed_report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_control(&mut into, &forged).is_err(), "{suite:?} control bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open(&mut into, &sealed[..length]).is_err());
            assert!(open_control(&mut into, &sealed[..length]).is_err());
        }
        assert_eq!(open(&mut into, &sealed), Ok(plain));
        assert_eq!(open_control(&mut into, &sealed_report), Ok(report));
    }
}

#[test]
fn the_rollover_counter_survives_loss_and_can_be_handed_over() {
    let key = master(Suite::AesCm128Sha1_80);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key.clone()));
    let mut sequence = 60_000u16;
    for _ in 0..30 {
        let sealed = protect(&mut out, &packet(sequence, 7, b"speech"));
        assert!(open(&mut into, &sealed).is_ok());
        sequence = sequence.wrapping_add(9_000);
    }
    let (mut out2, mut into2) =
        (Protector::import(key.clone(), &out.export()), Opener::import(key, &into.export()));
    let plain = packet(sequence, 7, b"after a change of nodes");
    let sealed = protect(&mut out2, &plain);
    assert_eq!(sealed, protect(&mut out, &plain));
    assert_eq!(open(&mut into2, &sealed), Ok(plain));
}

#[test]
fn of_several_keys_the_identifier_tells_which() {
    for suite in Suite::ALL {
        let [first, second, third] = [1u8, 2, 3].map(|n| {
            let bytes: Vec<u8> = (0..46).map(|at| at ^ n).collect();
            let key = MasterKey::new(suite, &bytes[..suite.key_length() + suite.salt_length()]);
            key.unwrap().with_mki(&[&[0; 127][..], &[n]].concat()).unwrap()
        });
        let mut into = Opener::new(first.clone().or(second.clone()));
        let (mut one, mut two) = (Protector::new(first), Protector::new(second));
        let report = hex("80c90001 00000007");
        for n in 0..10 {
            let plain = packet(65_530u16.wrapping_add(2 * n), 7, b"first");
            assert_eq!(open(&mut into, &protect(&mut one, &plain)), Ok(plain), "{suite:?}");
            let plain = packet(65_531u16.wrapping_add(2 * n), 7, b"second");
            let sealed = protect(&mut two, &plain);
            assert_eq!(open(&mut into, &sealed), Ok(plain), "{suite:?}");
            assert_eq!(open(&mut into, &sealed), Err(SrtpError::Replayed));
        }
        assert_eq!(open_control(&mut into, &protect_control(&mut two, &report)), Ok(report));
        let other = protect(&mut Protector::new(third), &packet(1, 8, b"third"));
        assert_eq!(open(&mut into, &other), Err(SrtpError::OtherKey));
    }
}

#[test]
fn keys_that_cannot_be_told_apart_are_left_out() {
    let suite = Suite::AesCm128Sha1_80;
    let named = |mki: &[u8]| master(suite).with_mki(mki).unwrap();
    assert_eq!(named(&[1]).or(named(&[1])), named(&[1]));
    assert_eq!(named(&[1]).or(named(&[0, 2])), named(&[1]));
    assert_eq!(named(&[]).or(named(&[])), named(&[]));
    assert_eq!(named(&[1]).or(master(Suite::AesCm128Sha1_32).with_mki(&[2]).unwrap()), named(&[1]));
    let all = |keys: u8| (2..=keys).fold(named(&[1]), |key, n| key.or(named(&[n])));
    assert_eq!(all(9), all(4), "as many as are allowed");
    assert_ne!(all(4), all(3));
}

#[test]
fn wrong_lengths_and_keys_are_refused() {
    assert!(MasterKey::new(Suite::AesCm128Sha1_80, &[0; 29]).is_none());
    assert!(MasterKey::new(Suite::AeadAes256Gcm, &[0; 46]).is_none());
    assert!(master(Suite::AeadAes256Gcm).with_mki(&[0; 129]).is_none());
    let mut out = Protector::new(master(Suite::AesCm128Sha1_80));
    let mut tight = packet(1, 1, b"x");
    let length = tight.len();
    assert_eq!(out.rtp(&mut tight, length), Err(SrtpError::NoRoom));
    assert_eq!(out.rtp(&mut [0; 40], 20), Err(SrtpError::Malformed));
    assert_eq!(format!("{:?}", master(Suite::AeadAes128Gcm)), "MasterKey(AEAD_AES_128_GCM)");
    assert!(Suite::ALL.into_iter().all(|s| Suite::from_name(s.name().to_lowercase().as_bytes()) == Some(s)));
}
