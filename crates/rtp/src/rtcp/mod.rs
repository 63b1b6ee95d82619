//! RTCP: compound packets, walked after strict validation (RFC 3550 §6, §A.2).
//!
//! Enter through [`Compound::parse`]: it checks every length of every packet, so that what it
//! hands out cannot fail. Building is in [`build`].

pub mod build;
#[cfg(test)]
mod tests;
pub mod view;

use crate::bytes::be16;
use crate::error::{RtcpError, RtcpErrorKind};
pub use view::{
    App, Blocks, Bye, Feedback, ReceiverReport, ReportBlock, RtcpPacket, SdesChunk, SdesItem, SenderInfo,
    SenderReport, SourceDescription, XrBlock, XrReport,
};

/// Packet types (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2).
pub mod packet_type {
    /// Sender report.
    pub const SR: u8 = 200;
    /// Receiver report.
    pub const RR: u8 = 201;
    /// Source description.
    pub const SDES: u8 = 202;
    /// Goodbye.
    pub const BYE: u8 = 203;
    /// Application-defined.
    pub const APP: u8 = 204;
    /// Transport-layer feedback.
    pub const RTPFB: u8 = 205;
    /// Payload-specific feedback.
    pub const PSFB: u8 = 206;
    /// Extended report.
    pub const XR: u8 = 207;
}

/// Length of a packet's common header in bytes.
pub(crate) const HEADER_LENGTH: usize = 4;
/// The most packets that one compound may hold; real ones hold two to five: limit `rtcp_packets`.
pub const PACKETS_MAX: usize = 32;

/// What a compound must begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// A sender or receiver report (RFC 3550 §6.1).
    #[default]
    Full,
    /// Any packet, where a=rtcp-rsize was agreed (RFC 5506 §3.4.2).
    ReducedSize,
}

/// A validated compound packet.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Validates all packets of a datagram (RFC 3550 §A.2).
    ///
    /// # Errors
    /// The first packet whose version, type, length, padding or inner counts do not hold.
    pub fn parse(bytes: &'a [u8], form: Form) -> Result<Compound<'a>, RtcpError> {
        let mut offset = 0;
        let mut count = 0;
        while count == 0 || offset < bytes.len() {
            let refuse = |kind| RtcpError { offset, kind };
            let rest = bytes.get(offset..).unwrap_or_default();
            let raw = Raw::read(rest).map_err(refuse)?;
            let is_report = matches!(raw.packet_type, packet_type::SR | packet_type::RR);
            if count == 0 && form == Form::Full && !is_report {
                return Err(refuse(RtcpErrorKind::First));
            }
            if raw.padded && raw.length != rest.len() {
                return Err(refuse(RtcpErrorKind::Padding));
            }
            RtcpPacket::from_raw(&raw).map_err(refuse)?;
            count += 1;
            if count > PACKETS_MAX {
                return Err(refuse(RtcpErrorKind::TooMany { max: PACKETS_MAX }));
            }
            offset += raw.length;
        }
        Ok(Compound { bytes })
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The packets, in order.
    #[must_use]
    pub fn packets(self) -> Packets<'a> {
        Packets { rest: self.bytes }
    }

    /// The report blocks of all sender and receiver reports.
    pub fn report_blocks(self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.packets()
            .filter_map(|packet| match packet {
                RtcpPacket::SenderReport(report) => Some(report.blocks()),
                RtcpPacket::ReceiverReport(report) => Some(report.blocks()),
                _ => None,
            })
            .flatten()
    }
}

/// Takes the packets of one type out of a valid compound, in place; the length of what is left.
pub fn without(bytes: &mut [u8], packet_type: u8) -> usize {
    let (mut from, mut to) = (0, 0);
    while let Ok(raw) = Raw::read(bytes.get(from..).unwrap_or_default()) {
        let (kept, end) = (raw.packet_type != packet_type, from + raw.length);
        if kept {
            bytes.copy_within(from..end, to);
            to += end - from;
        }
        from = end;
    }
    to
}

/// Iterates over the packets of a [`Compound`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<RtcpPacket<'a>> {
        let raw = Raw::read(self.rest).ok()?;
        self.rest = self.rest.get(raw.length..).unwrap_or_default();
        RtcpPacket::from_raw(&raw).ok()
    }
}

/// One packet with its common header read and its extent checked.
pub(crate) struct Raw<'a> {
    /// The count or subtype field, 0 to 31.
    pub(crate) count: u8,
    pub(crate) packet_type: u8,
    pub(crate) padded: bool,
    /// Behind the header, without padding.
    pub(crate) body: &'a [u8],
    /// Header, body and padding, in bytes.
    pub(crate) length: usize,
}

impl<'a> Raw<'a> {
    fn read(bytes: &'a [u8]) -> Result<Raw<'a>, RtcpErrorKind> {
        let [first, packet_type, ..] = *bytes.first_chunk::<HEADER_LENGTH>().ok_or(RtcpErrorKind::Short)?;
        if first >> 6 != 2 {
            return Err(RtcpErrorKind::Version);
        }
        if !(192..=223).contains(&packet_type) {
            return Err(RtcpErrorKind::PacketType);
        }
        let words = be16(bytes, 2).ok_or(RtcpErrorKind::Short)?;
        let length = HEADER_LENGTH * (usize::from(words) + 1);
        let whole = bytes.get(..length).ok_or(RtcpErrorKind::Length)?;
        let padded = first & 0x20 != 0;
        let mut end = length;
        if padded {
            let padding = whole.last().map_or(0, |count| usize::from(*count));
            if padding == 0 || padding % 4 != 0 || padding > length - HEADER_LENGTH {
                return Err(RtcpErrorKind::Padding);
            }
            end -= padding;
        }
        let body = whole.get(HEADER_LENGTH..end).ok_or(RtcpErrorKind::Length)?;
        Ok(Raw { count: first & 0x1f, packet_type, padded, body, length })
    }
}
