//! Extended reports: bytes written by hand after the figures of RFC 3611, and every way to break them.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use proptest::prelude::*;
use rtp::rtcp::build::Builder;
use rtp::rtcp::{packet_type, without};
use rtp::xr::{Concealment, Extension, GMIN, JitterBuffer, LastReceived, VoipMetrics, rate};
use rtp::{Compound, Form, Ntp, RtcpPacket};

/// An empty receiver report and an extended one, after RFC 3611 §2, §4.4, §4.5 and §4.7.
const PEER: &[u8] = &[
    0x80, 201, 0, 1, 0, 0, 0, 9, // RR of source 9
    0x80, 207, 0, 20, 0, 0, 0, 9, // XR of source 9, 21 words
    4, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, // receiver reference time
    5, 0, 0, 6, // DLRR of two sources
    0, 0, 0, 2, 0x33, 0x44, 0x55, 0x66, 0, 0, 0x80, 0, // source 2: half a second
    0, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd, 0, 1, 0, 0, // source 1
    7, 0, 0, 8, // VoIP metrics
    0, 0, 0, 2, // of source 2
    26, 13, 128, 3, // loss, discard, burst and gap density
    0, 120, 0x1f, 0x40, // burst 120 ms, gap 8000 ms
    0, 80, 0, 45, // round trip 80 ms, end system 45 ms
    0xeb, 0xc4, 55, 16, // signal -21, noise -60, echo 55, Gmin 16
    82, 127, 40, 38, // R 82, none external, MOS 4.0 and 3.8
    0xf5, 0, 0, 40, // standard concealment, adaptive, rate 5; nominal 40 ms
    0, 60, 0, 200, // maximum 60 ms, limit 200 ms
];

fn read(bytes: &[u8]) -> Vec<Extension> {
    let compound = Compound::parse(bytes, Form::ReducedSize).unwrap();
    let extended = compound.packets().filter_map(|packet| match packet {
        RtcpPacket::Extended(report) => Some(report),
        _ => None,
    });
    extended.flat_map(|x| x.blocks()).filter_map(|b| Extension::read(&b)).collect()
}

fn metrics() -> VoipMetrics {
    VoipMetrics {
        ssrc: 2,
        loss_rate: 26,
        discard_rate: 13,
        burst_density: 128,
        gap_density: 3,
        burst_ms: 120,
        gap_ms: 8000,
        round_trip_ms: 80,
        end_system_ms: 45,
        signal_dbm0: Some(-21),
        noise_dbm0: Some(-60),
        echo_return_loss_db: Some(55),
        gmin: GMIN,
        r_factor: Some(82),
        external_r_factor: None,
        mos_listening: Some(40),
        mos_conversing: Some(38),
        concealment: Concealment::Standard,
        jitter_buffer: JitterBuffer {
            adaptive: Some(true),
            rate: 5,
            nominal_ms: 40,
            maximum_ms: 60,
            limit_ms: 200,
        },
    }
}

#[test]
fn a_peers_report_is_read_byte_by_byte() {
    let answer = LastReceived { ssrc: 2, lrr: 0x3344_5566, dlrr: 0x8000 };
    let expected = [
        Extension::ReferenceTime(Ntp(0x1122_3344_5566_7788)),
        Extension::LastReceived(answer),
        Extension::Voip(metrics()),
    ];
    assert_eq!(read(PEER), expected);
}

#[test]
fn ours_has_the_same_bytes() {
    let mut out = [0; 256];
    let answer = LastReceived { ssrc: 2, lrr: 0x3344_5566, dlrr: 0x8000 };
    let blocks = [
        Extension::ReferenceTime(Ntp(0x1122_3344_5566_7788)),
        Extension::LastReceived(answer),
        Extension::Voip(metrics()),
    ];
    let length = Builder::new(&mut out).receiver_report(9, &[]).extended(9, &blocks).finish().unwrap();
    let one_source_less =
        [&PEER[..10], &[0, 17], &PEER[12..28], &[5, 0, 0, 3], &PEER[32..44], &PEER[56..]].concat();
    assert_eq!(out[..length], one_source_less);
}

#[test]
fn what_a_peer_may_not_send_is_not_said() {
    let mut wrong = PEER.to_vec();
    let at = wrong.len() - 16;
    wrong[at..at + 4].fill(127);
    wrong[at + 4..at + 8].copy_from_slice(&[101, 126, 9, 51]);
    let [.., Extension::Voip(voip)] = read(&wrong)[..] else { panic!("no metrics") };
    assert_eq!((voip.signal_dbm0, voip.noise_dbm0, voip.echo_return_loss_db), (None, None, None));
    assert_eq!((voip.r_factor, voip.external_r_factor), (None, None));
    assert_eq!((voip.mos_listening, voip.mos_conversing), (None, None));
}

#[test]
fn blocks_of_other_lengths_and_types_are_passed_over() {
    let block = |kind: u8, words: u8| {
        let mut bytes = vec![0x80, 207, 0, 2 + words, 0, 0, 0, 9, kind, 0, 0, words];
        bytes.resize(bytes.len() + 4 * usize::from(words), 1);
        bytes
    };
    for (kind, words) in [(4, 1), (4, 3), (5, 0), (5, 2), (7, 7), (7, 9), (6, 9), (200, 8)] {
        assert_eq!(read(&block(kind, words)), [], "{kind} {words}");
    }
}

#[test]
fn extended_reports_are_taken_out_of_what_passes() {
    let rest = [0x80, 203, 0, 0];
    let mut whole = [PEER, &rest].concat();
    let length = without(&mut whole, packet_type::XR);
    assert_eq!(whole[..length], [&PEER[..8], &rest].concat());
    let mut alone = PEER[8..].to_vec();
    assert_eq!(without(&mut alone, packet_type::XR), 0);
}

#[test]
fn rates_are_256ths_and_never_more_than_255() {
    assert_eq!([rate(0, 0), rate(5, 0), rate(0, 9), rate(1, 2), rate(9, 9)], [0, 0, 0, 128, 255]);
    assert_eq!(rate(u64::MAX, u64::MAX - 1), 255);
}

proptest! {
    #[test]
    fn any_body_reads_to_what_writes_back(body in proptest::collection::vec(any::<u8>(), 32)) {
        let bytes = [&[0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8][..], &body].concat();
        let blocks = read(&bytes);
        prop_assert_eq!(blocks.len(), 1);
        let mut out = [0; 64];
        let length = Builder::new(&mut out).extended(9, &blocks).finish().unwrap();
        prop_assert_eq!(read(&out[..length]), blocks);
    }
}
