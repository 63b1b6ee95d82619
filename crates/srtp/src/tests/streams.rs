//! Streams that come, fall silent and return under one key.

use super::*;
use std::collections::BTreeSet;

/// Zeros in: the key stream comes out.
const ZEROS: [u8; 16] = [0; 16];

#[test]
fn no_key_stream_is_used_twice_whoever_comes_and_goes() {
    let mut out = Protector::new(master(Suite::AesCm128Sha1_80));
    let mut seen = BTreeSet::new();
    let mut number = 7u32;
    for _ in 0..20_000 {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (ssrc, sequence) = ((number >> 8) % 20, (number >> 16) as u16 / 8);
        let plain = packet(sequence, ssrc, &ZEROS);
        let mut buffer = [&plain[..], &[0; 64]].concat();
        if out.rtp(&mut buffer, plain.len()).is_ok() {
            assert!(seen.insert(buffer[12..28].to_vec()), "a key stream of source {ssrc} came twice");
        }
        let report = [&hex("80c90006")[..], &ssrc.to_be_bytes(), &ZEROS].concat();
        let sealed = protect_control(&mut out, &report);
        assert!(seen.insert(sealed[8..24].to_vec()), "a key stream of reports came twice");
    }
    assert!(seen.len() > 20_100);
}

#[test]
fn a_stream_that_returns_after_many_others_goes_on_behind_its_rollover() {
    for suite in [Suite::AesCm128Sha1_32, Suite::AeadAes256Gcm] {
        let key = master(suite);
        let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
        let pass = |out: &mut Protector, into: &mut Opener, ssrc, sequence| {
            let plain = packet(sequence, ssrc, b"speech");
            assert_eq!(open(into, &protect(out, &plain)), Ok(plain), "{ssrc} {sequence}");
        };
        for sequence in [65_000, 65_535, 1, 2] {
            pass(&mut out, &mut into, 7, sequence);
        }
        let old = protect(&mut out, &packet(3, 7, b"recorded"));
        assert!(open(&mut into, &old).is_ok());
        for music in 100..300 {
            (0..3).for_each(|sequence| pass(&mut out, &mut into, music, sequence));
            let (ssrc, sequence) = (8, music as u16);
            pass(&mut out, &mut into, ssrc, sequence);
        }
        assert_eq!(open(&mut into, &old), Err(SrtpError::Replayed), "a recorded packet of a silent stream");
        (4..200).for_each(|sequence| pass(&mut out, &mut into, 7, sequence));
        let report = hex("80c90001 00000007");
        let old = protect_control(&mut out, &report);
        assert_eq!(open_control(&mut into, &old), Ok(report));
        (300..400).for_each(|music| pass(&mut out, &mut into, music, 1));
        assert_eq!(open_control(&mut into, &old), Err(SrtpError::Replayed), "a recorded report");
    }
}

#[test]
fn beyond_the_bound_no_further_stream_is_taken_and_those_known_go_on() {
    let key = master(Suite::AeadAes128Gcm);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key.clone()));
    let most = STREAMS_MAX as u32;
    for ssrc in 0..most {
        let plain = packet(1, ssrc, b"x");
        assert_eq!(open(&mut into, &protect(&mut out, &plain)), Ok(plain));
    }
    let plain = packet(1, most, b"x");
    let mut buffer = [&plain[..], &[0; 64]].concat();
    assert_eq!(out.rtp(&mut buffer, plain.len()), Err(SrtpError::Exhausted));
    let sealed = protect(&mut Protector::new(key), &plain);
    assert_eq!(open(&mut into, &sealed), Err(SrtpError::Exhausted));
    for ssrc in [0, 1, 2_000, most - 1] {
        let plain = packet(2, ssrc, b"y");
        let sealed = protect(&mut out, &plain);
        assert_eq!(open(&mut into, &sealed), Ok(plain), "{ssrc}");
        assert_eq!(open(&mut into, &sealed), Err(SrtpError::Replayed));
    }
}

#[test]
fn a_stream_that_goes_on_stays_at_hand_however_many_come_beside_it() {
    let key = master(Suite::AesCm128Sha1_80);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key));
    for n in 0..200 {
        let [late, next] =
            [2 * n, 2 * n + 1].map(|sequence| protect(&mut out, &packet(sequence, 7, b"speech")));
        let music = protect(&mut out, &packet(1, 100 + u32::from(n), b"music"));
        // Only a stream at hand tells a late packet from a repeated one.
        for sealed in [next, music, late] {
            assert!(open(&mut into, &sealed).is_ok(), "{n}");
        }
    }
}

/// Packets of many sources, one in two numbered by another; reports between them.
fn sent(out: &mut Protector) -> Vec<(bool, Vec<u8>)> {
    let mut sent = Vec::new();
    for n in 0..3_000u32 {
        let (ssrc, sequence) = (n * n % 21, 65_000u16.wrapping_add((n * 7 / 5) as u16));
        let plain = packet(sequence, ssrc, b"speech");
        let mut buffer = [&plain[..], &[0; 64]].concat();
        let made = if n.is_multiple_of(2) {
            out.rtp(&mut buffer, plain.len())
        } else {
            out.relay(&mut buffer, plain.len())
        };
        sent.extend(made.ok().map(|length| (false, buffer[..length].to_vec())));
        if n.is_multiple_of(50) {
            let report = [&hex("80c90001")[..], &ssrc.to_be_bytes()].concat();
            sent.push((true, protect_control(out, &report)));
        }
    }
    sent
}

fn opened(into: &mut Opener, (control, sealed): &(bool, Vec<u8>)) -> Result<Vec<u8>, SrtpError> {
    if *control { open_control(into, sealed) } else { open(into, sealed) }
}

/// Whatever came before: who takes over sends, takes and refuses as the one before would have done.
#[test]
fn who_takes_over_does_as_the_one_before() {
    for suite in [Suite::AesCm256Sha1_80, Suite::AeadAes128Gcm] {
        let key = master(suite);
        let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key.clone()));
        let all = sent(&mut out);
        // One in five is lost, or comes late.
        let late = |at: usize| at.is_multiple_of(5);
        for (_, one) in all.iter().enumerate().filter(|(at, _)| !late(*at)) {
            _ = opened(&mut into, one);
        }
        let (mut next, mut hears) =
            (Protector::import(key.clone(), &out.export()), Opener::import(key, &into.export()));
        assert_eq!((next.export(), hears.export()), (out.export(), into.export()));
        let missing = all.iter().enumerate().filter(|(at, _)| late(*at)).map(|(_, one)| one);
        for one in missing.rev().chain(&all) {
            assert_eq!(opened(&mut hears, one), opened(&mut into, one), "{suite:?}");
        }
        for n in 0..500u32 {
            let plain = packet((n * 131) as u16, n % 25, b"speech");
            let each = |out: &mut Protector| {
                let mut buffer = [&plain[..], &[0; 64]].concat();
                out.relay(&mut buffer, plain.len()).map(|length| buffer[..length].to_vec())
            };
            assert_eq!(each(&mut next), each(&mut out), "{suite:?}");
        }
    }
}

/// Who knows the newest index alone must not use or take those before it: any of them may have been.
#[test]
fn of_an_index_that_is_known_alone_nothing_before_it_is_used_or_taken() {
    let key = master(Suite::AesCm128Sha1_80);
    let (mut out, mut into) = (Protector::new(key.clone()), Opener::new(key.clone()));
    let early = protect(&mut Protector::new(key), &packet(80, 7, b"x"));
    out.resume(7, 100, 0);
    into.resume(7, 100);
    for sequence in 0..=100 {
        let mut buffer = [&packet(sequence, 7, b"x")[..], &[0; 64]].concat();
        assert_eq!(out.rtp(&mut buffer, 13), Err(SrtpError::Replayed), "{sequence}");
    }
    assert_eq!(open(&mut into, &early), Err(SrtpError::Replayed));
    let plain = packet(101, 7, b"x");
    assert_eq!(open(&mut into, &protect(&mut out, &plain)), Ok(plain));
}

#[test]
fn one_that_follows_a_used_one_is_unused_until_it_has_protected_something() {
    let suite = Suite::AesCm128Sha1_80;
    let mut used = Protector::new(master(suite));
    assert!(used.is_unused());
    let mut buffer = [packet(1, 7, &[1; 20]), vec![0; 64]].concat();
    used.rtp(&mut buffer, 32).unwrap();
    let mut report = [&[0x80, 201, 0, 1, 0, 0, 0, 7][..], &[0; 64]].concat();
    used.rtcp(&mut report, 8).unwrap();
    assert!(!used.is_unused());
    let next = || Protector::follow(&used, master(Suite::AeadAes128Gcm));
    assert!(next().is_unused());
    let (mut spoken, mut reported) = (next(), next());
    let mut buffer = [packet(1, 7, &[1; 20]), vec![0; 64]].concat();
    spoken.rtp(&mut buffer, 32).unwrap();
    let mut report = [&[0x80, 201, 0, 1, 0, 0, 0, 7][..], &[0; 64]].concat();
    reported.rtcp(&mut report, 8).unwrap();
    assert!(!spoken.is_unused() && !reported.is_unused() && !Protector::exhausted(master(suite)).is_unused());
}
