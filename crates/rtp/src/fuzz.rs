//! Bodies of the fuzz targets; ordinary tests run them briefly.

use crate::demux::{classify, is_stun};
use crate::event::TelephoneEvent;
use crate::packet::Packet;
use crate::rtcp::build::Builder;
use crate::rtcp::{Compound, Form, RtcpPacket, packet_type, without};
use crate::stats::Reception;
use crate::xr::Extension;

/// Any bytes as RTP: parse, read all, rewrite in place; and as a stream of what stats may hear.
///
/// # Panics
/// When a view contradicts its own bytes.
pub fn rtp(bytes: &[u8]) {
    let _ = (classify(bytes), is_stun(bytes), TelephoneEvent::parse(bytes).map(TelephoneEvent::to_bytes));
    if let Ok(packet) = Packet::parse(bytes) {
        assert_eq!(packet.version(), 2);
        assert_eq!(packet.contributors().count(), usize::from(packet.contributor_count()));
        assert_eq!(packet.extension().is_some(), packet.has_extension());
        assert!(packet.payload_range().end <= bytes.len());
        let mut copy = bytes.to_vec();
        let rewritten = Packet::parse(&mut copy[..]).map(|mut packet| {
            packet.set_sequence(1);
            packet.set_payload_type(200);
            packet.set_marker(true);
            packet.set_ssrc(2);
            packet.set_timestamp(3);
            packet.payload_mut().fill(0);
            packet.header()
        });
        assert!(rewritten.is_ok_and(|header| header.sequence == 1 && header.payload_type == 72));
    }
    stream(bytes);
}

/// Seven bytes a packet: sequence, timestamp, pace.
fn stream(bytes: &[u8]) {
    let mut reception = Reception::default();
    let mut now = 0u64;
    let mut fed = 0u64;
    for [s1, s0, t3, t2, t1, t0, pace] in bytes.as_chunks::<7>().0 {
        now += u64::from(*pace) * 1_000_000;
        let clock = if pace & 1 == 0 { 8_000 } else { 48_000 };
        let timestamp = u32::from_be_bytes([*t3, *t2, *t1, *t0]);
        reception.hear(u16::from_be_bytes([*s1, *s0]), timestamp, now, clock);
        fed += 1;
        assert_eq!(reception.received() + reception.duplicates() + reception.strays(), fed);
        assert!(reception.received() <= reception.expected());
    }
    let block = reception.report(1, 2, 3);
    assert!(block.cumulative_lost >= 0);
}

/// Any bytes as RTCP: a compound that parses is walked to its end.
///
/// # Panics
/// When a validated compound hands out less than was validated.
pub fn rtcp(bytes: &[u8]) {
    for form in [Form::Full, Form::ReducedSize] {
        let Ok(compound) = Compound::parse(bytes, form) else { continue };
        let mut rest = bytes.to_vec();
        let left = without(&mut rest, packet_type::XR);
        assert!(
            left == 0 || Compound::parse(rest.get(..left).unwrap_or_default(), Form::ReducedSize).is_ok()
        );
        let mut blocks = Vec::new();
        for packet in compound.packets() {
            match packet {
                RtcpPacket::SenderReport(report) => blocks.extend(report.blocks()),
                RtcpPacket::ReceiverReport(report) => blocks.extend(report.blocks()),
                RtcpPacket::SourceDescription(sdes) => {
                    for chunk in sdes.chunks() {
                        let _ = (chunk.items().count(), chunk.cname());
                    }
                }
                RtcpPacket::Bye(bye) => assert!(bye.sources().count() < 32),
                RtcpPacket::Extended(report) => {
                    extended(report.blocks().filter_map(|block| Extension::read(&block)).collect());
                }
                _ => {}
            }
        }
        assert_eq!(compound.report_blocks().count(), blocks.len());
        blocks.truncate(crate::rtcp::build::BLOCKS_MAX);
        let mut out = [0u8; 1_024];
        let built = Builder::new(&mut out).receiver_report(1, &blocks).cname(1, b"a").finish();
        let again = built.ok().and_then(|length| out.get(..length)).map(|again| {
            Compound::parse(again, Form::Full)
                .is_ok_and(|again| again.report_blocks().eq(blocks.iter().copied()))
        });
        assert_eq!(again, Some(true));
    }
}

/// What was read of extended reports is what is written of it.
fn extended(mut blocks: Vec<Extension>) {
    blocks.truncate(16);
    let mut out = [0u8; 1_024];
    let built = Builder::new(&mut out).extended(1, &blocks).finish();
    let again = built.ok().and_then(|length| Compound::parse(out.get(..length)?, Form::ReducedSize).ok());
    let read = again.and_then(|compound| match compound.packets().next() {
        Some(RtcpPacket::Extended(report)) => {
            Some(report.blocks().filter_map(|block| Extension::read(&block)).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(read, Some(blocks));
}
