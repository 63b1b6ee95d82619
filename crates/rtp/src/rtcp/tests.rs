//! Compounds that hold, and every way in which they do not.

use super::build::{BLOCKS_MAX, Builder};
use super::*;
use crate::ntp::Ntp;
use proptest::prelude::*;

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0xaabb_ccdd,
    fraction_lost: 12,
    cumulative_lost: -3,
    highest_sequence: 0x0001_ffff,
    jitter: 80,
    lsr: 0x1234_5678,
    dlsr: 65_536,
};
const INFO: SenderInfo =
    SenderInfo { ntp: Ntp(0x1122_3344_5566_7788), rtp_timestamp: 160, packets: 7, octets: 1_120 };

fn built(build: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Vec<u8> {
    let mut out = vec![0u8; 2_048];
    let length = build(Builder::new(&mut out)).finish().unwrap();
    out.truncate(length);
    out
}

fn refused(bytes: &[u8]) -> (usize, RtcpErrorKind) {
    let error = Compound::parse(bytes, Form::ReducedSize).err();
    error.map(|error| (error.offset, error.kind)).expect("should be refused")
}

#[test]
fn a_sender_report_reads_back() {
    let bytes = built(|b| b.sender_report(9, &INFO, &[BLOCK]).cname(9, b"tronco@192.0.2.1").bye(9, b"done"));
    let packets: Vec<_> = Compound::parse(&bytes, Form::Full).unwrap().packets().collect();
    let [RtcpPacket::SenderReport(report), RtcpPacket::SourceDescription(sdes), RtcpPacket::Bye(bye)] =
        packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!((report.ssrc, report.info), (9, INFO));
    assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK]);
    let chunk = sdes.chunks().next().unwrap();
    assert_eq!((chunk.ssrc, chunk.cname()), (9, Some(&b"tronco@192.0.2.1"[..])));
    assert_eq!((bye.sources().collect::<Vec<_>>(), bye.reason), (vec![9], Some(&b"done"[..])));
}

#[test]
fn a_receiver_report_holds_as_many_blocks_as_the_count_can_say() {
    let bytes = built(|b| b.receiver_report(1, &[BLOCK; BLOCKS_MAX]));
    assert_eq!(Compound::parse(&bytes, Form::Full).unwrap().report_blocks().count(), BLOCKS_MAX);
    let mut out = [0u8; 2_048];
    let too_many = Builder::new(&mut out).receiver_report(1, &[BLOCK; BLOCKS_MAX + 1]).finish();
    assert_eq!(too_many, Err(crate::RtpError::Range));
    assert_eq!(Builder::new(&mut [0; 16]).receiver_report(1, &[BLOCK]).finish(), Err(crate::RtpError::Room));
    assert_eq!(Builder::new(&mut out).bye(1, &[0; 256]).finish(), Err(crate::RtpError::Range));
}

#[test]
fn a_compound_begins_with_a_report_unless_reduced_size_was_agreed() {
    let bytes = built(|b| b.bye(1, b""));
    let error = Compound::parse(&bytes, Form::Full).unwrap_err();
    assert_eq!((error.offset, error.kind), (0, RtcpErrorKind::First));
    assert!(Compound::parse(&bytes, Form::ReducedSize).is_ok());
}

#[test]
fn every_wrong_length_field_is_refused() {
    // The whole and each inner length, set to every value near it: nothing may panic, and a
    // length beyond the datagram is always refused.
    let bytes = built(|b| b.sender_report(9, &INFO, &[BLOCK]).cname(9, b"x").bye(9, b"gone"));
    for at in 0..bytes.len() {
        for value in 0..=255 {
            let mut wrong = bytes.clone();
            wrong[at] = value;
            crate::fuzz::rtcp(&wrong);
        }
    }
    for end in 0..bytes.len() {
        crate::fuzz::rtcp(&bytes[..end]);
    }
    let mut long = bytes.clone();
    long[2] = 1;
    assert_eq!(refused(&long), (0, RtcpErrorKind::Length));
    assert_eq!(refused(&bytes[..bytes.len() - 1]).1, RtcpErrorKind::Length);
    assert_eq!(refused(&[]), (0, RtcpErrorKind::Short));
}

#[test]
fn counts_must_fit_their_bodies() {
    let cases: [(&[u8], RtcpErrorKind); 12] = [
        (&[0x81, 200, 0, 6, 0, 0, 0, 1], RtcpErrorKind::Length),
        (&[0x81, 201, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Body),
        (&[0x80, 201, 0, 0], RtcpErrorKind::Body),
        (&[0x80, 200, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Body),
        (&[0x82, 203, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Body),
        (&[0x81, 203, 0, 2, 0, 0, 0, 1, 4, b'a', b'b', b'c'], RtcpErrorKind::Body),
        (&[0x81, 202, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Item),
        (&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, b'a', 0], RtcpErrorKind::Item),
        (&[0x80, 204, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Body),
        (&[0x81, 205, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Body),
        (&[0x80, 207, 0, 2, 0, 0, 0, 1, 7, 0, 0, 1], RtcpErrorKind::Block),
        (&[0x80, 207, 0, 0], RtcpErrorKind::Body),
    ];
    for (bytes, kind) in cases {
        assert_eq!(refused(bytes), (0, kind), "{bytes:?}");
    }
}

#[test]
fn versions_types_and_padding_are_checked() {
    let cases: [(&[u8], RtcpErrorKind); 6] = [
        (&[0x40, 201, 0, 1, 0, 0, 0, 1], RtcpErrorKind::Version),
        (&[0x80, 191, 0, 1, 0, 0, 0, 1], RtcpErrorKind::PacketType),
        (&[0x80, 224, 0, 1, 0, 0, 0, 1], RtcpErrorKind::PacketType),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 0], RtcpErrorKind::Padding),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 8], RtcpErrorKind::Padding),
        (&[0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3], RtcpErrorKind::Padding),
    ];
    for (bytes, kind) in cases {
        assert_eq!(refused(bytes), (0, kind), "{bytes:?}");
    }
    let padded_last = [0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4];
    assert!(Compound::parse(&padded_last, Form::Full).is_ok());
    let padded_first = [&padded_last[..], &[0x80, 201, 0, 1, 0, 0, 0, 1]].concat();
    assert_eq!(refused(&padded_first), (0, RtcpErrorKind::Padding));
}

#[test]
fn a_compound_is_bounded() {
    let one = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert!(Compound::parse(&one.repeat(PACKETS_MAX), Form::Full).is_ok());
    let (offset, kind) = refused(&one.repeat(PACKETS_MAX + 1));
    assert_eq!((offset, kind), (PACKETS_MAX * 8, RtcpErrorKind::TooMany { max: PACKETS_MAX }));
}

#[test]
fn the_other_packets_are_shown() {
    let bytes = [
        &[0x80, 201, 0, 2, 0, 0, 0, 1, 9, 9, 9, 9][..],
        &[0x83, 204, 0, 3, 0, 0, 0, 2, b'P', b'o', b'C', b'1', 1, 2, 3, 4],
        &[0x81, 206, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4],
        &[0x80, 207, 0, 3, 0, 0, 0, 5, 4, 0, 0, 1, 0, 0, 0, 6],
        &[0x80, 192, 0, 1, 7, 7, 7, 7],
    ]
    .concat();
    let packets: Vec<_> = Compound::parse(&bytes, Form::Full).unwrap().packets().collect();
    let [
        RtcpPacket::ReceiverReport(report),
        RtcpPacket::App(app),
        RtcpPacket::Feedback(feedback),
        RtcpPacket::Extended(extended),
        RtcpPacket::Unknown { packet_type: 192, body },
    ] = packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!((report.ssrc, report.extension), (1, &[9, 9, 9, 9][..]));
    assert_eq!((app.subtype, app.ssrc, &app.name, app.data), (3, 2, b"PoC1", &[1, 2, 3, 4][..]));
    assert_eq!((feedback.payload_specific, feedback.format, feedback.media_ssrc), (true, 1, 4));
    let block = extended.blocks().next().unwrap();
    assert_eq!((block.kind, block.data), (4, &[0, 0, 0, 6][..]));
    assert_eq!(body, [7, 7, 7, 7]);
}

proptest! {
    #[test]
    fn blocks_read_back(
        ssrc: u32, fraction_lost: u8, cumulative_lost in -0x80_0000..=0x7f_ffff,
        highest_sequence: u32, jitter: u32, lsr: u32, dlsr: u32, cname in "[a-z]{0,40}",
    ) {
        let block =
            ReportBlock { ssrc, fraction_lost, cumulative_lost, highest_sequence, jitter, lsr, dlsr };
        let bytes = built(|b| b.receiver_report(ssrc, &[block, block]).cname(ssrc, cname.as_bytes()));
        prop_assert_eq!(bytes.len() % 4, 0);
        let compound = Compound::parse(&bytes, Form::Full).unwrap();
        prop_assert_eq!(compound.report_blocks().collect::<Vec<_>>(), [block, block]);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::rtcp(&bytes);
        crate::fuzz::rtp(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_header_are_survived(
        first in 0x80..=0xbfu8, packet_type in 198..=208u8, body in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let words = (body.len() / 4) as u16;
        let mut bytes = vec![first, packet_type];
        bytes.extend(words.to_be_bytes());
        bytes.extend(&body[..usize::from(words) * 4]);
        crate::fuzz::rtcp(&bytes);
        crate::fuzz::rtcp(&bytes.repeat(2));
        bytes[1] = 8;
        crate::fuzz::rtp(&bytes);
    }
}
