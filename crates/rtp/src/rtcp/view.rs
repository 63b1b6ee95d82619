//! The packets inside a compound, as views whose lengths were checked when they were made.

use crate::bytes::{be16, be24, be32, be64};
use crate::error::RtcpErrorKind;
use crate::ntp::Ntp;
use crate::rtcp::{Raw, packet_type};

/// Length of a report block in bytes.
pub(crate) const BLOCK_LENGTH: usize = 24;
/// Length of a sender report's sender information in bytes, without the SSRC.
pub(crate) const SENDER_INFO_LENGTH: usize = 20;

/// One packet of a compound.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RtcpPacket<'a> {
    /// SR (RFC 3550 §6.4.1)
    SenderReport(SenderReport<'a>),
    /// RR (RFC 3550 §6.4.2)
    ReceiverReport(ReceiverReport<'a>),
    /// SDES (RFC 3550 §6.5)
    SourceDescription(SourceDescription<'a>),
    /// BYE (RFC 3550 §6.6)
    Bye(Bye<'a>),
    /// APP (RFC 3550 §6.7)
    App(App<'a>),
    /// RTPFB or PSFB (RFC 4585 §6.1)
    Feedback(Feedback<'a>),
    /// XR (RFC 3611 §2)
    Extended(XrReport<'a>),
    /// A type without a meaning here; to be passed over (RFC 3550 §6.1).
    Unknown {
        /// Packet type.
        packet_type: u8,
        /// Behind the header, without padding.
        body: &'a [u8],
    },
}

impl<'a> RtcpPacket<'a> {
    /// Checks the inside of a packet against its count field.
    pub(crate) fn from_raw(raw: &Raw<'a>) -> Result<RtcpPacket<'a>, RtcpErrorKind> {
        let body = raw.body;
        match raw.packet_type {
            packet_type::SR => SenderReport::read(raw).map(RtcpPacket::SenderReport),
            packet_type::RR => ReceiverReport::read(raw).map(RtcpPacket::ReceiverReport),
            packet_type::SDES => SourceDescription::read(raw).map(RtcpPacket::SourceDescription),
            packet_type::BYE => Bye::read(raw).map(RtcpPacket::Bye),
            packet_type::APP => App::read(raw).map(RtcpPacket::App),
            packet_type::RTPFB | packet_type::PSFB => Feedback::read(raw).map(RtcpPacket::Feedback),
            packet_type::XR => XrReport::read(raw).map(RtcpPacket::Extended),
            packet_type => Ok(RtcpPacket::Unknown { packet_type, body }),
        }
    }
}

/// What a receiver says of one source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source spoken of.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning, -2^23 to 2^23-1; negative with duplicates.
    pub cumulative_lost: i32,
    /// Highest sequence number, with the cycles in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter, in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 for none.
    pub lsr: u32,
    /// Delay since that report, in 1/65536 s.
    pub dlsr: u32,
}

impl ReportBlock {
    fn read(bytes: &[u8; BLOCK_LENGTH]) -> Option<ReportBlock> {
        let lost = be24(bytes, 5)?;
        Some(ReportBlock {
            ssrc: be32(bytes, 0)?,
            fraction_lost: bytes[4],
            // 24 bits with sign: shift the sign bit up and down again.
            cumulative_lost: ((lost << 8) as i32) >> 8,
            highest_sequence: be32(bytes, 8)?,
            jitter: be32(bytes, 12)?,
            lsr: be32(bytes, 16)?,
            dlsr: be32(bytes, 20)?,
        })
    }
}

/// Iterates over the report blocks of one packet.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        ReportBlock::read(block)
    }
}

/// Splits `count` report blocks off a body; the rest is a profile's extension.
fn split_blocks<'a>(raw: &Raw<'a>, start: usize) -> Result<(&'a [u8], &'a [u8]), RtcpErrorKind> {
    let rest = raw.body.get(start..).ok_or(RtcpErrorKind::Body)?;
    rest.split_at_checked(BLOCK_LENGTH * usize::from(raw.count)).ok_or(RtcpErrorKind::Body)
}

/// The times and counts of a sender (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// Wall-clock time of this report.
    pub ntp: Ntp,
    /// The same instant on the RTP clock.
    pub rtp_timestamp: u32,
    /// Packets sent since the source began.
    pub packets: u32,
    /// Payload bytes sent since the source began.
    pub octets: u32,
}

/// A sender report.
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    /// Who sends this.
    pub ssrc: u32,
    /// Its times and counts.
    pub info: SenderInfo,
    /// A profile's extension.
    pub extension: &'a [u8],
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    fn read(raw: &Raw<'a>) -> Result<SenderReport<'a>, RtcpErrorKind> {
        let (blocks, extension) = split_blocks(raw, 4 + SENDER_INFO_LENGTH)?;
        let field = |at| be32(raw.body, at).ok_or(RtcpErrorKind::Body);
        let ntp = be64(raw.body, 4).map(Ntp).ok_or(RtcpErrorKind::Body)?;
        let info = SenderInfo { ntp, rtp_timestamp: field(12)?, packets: field(16)?, octets: field(20)? };
        Ok(SenderReport { ssrc: field(0)?, info, extension, blocks })
    }

    /// What it says of the sources it hears.
    #[must_use]
    pub fn blocks(self) -> Blocks<'a> {
        Blocks { rest: self.blocks }
    }
}

/// A receiver report.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// Who sends this.
    pub ssrc: u32,
    /// A profile's extension.
    pub extension: &'a [u8],
    blocks: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    fn read(raw: &Raw<'a>) -> Result<ReceiverReport<'a>, RtcpErrorKind> {
        let (blocks, extension) = split_blocks(raw, 4)?;
        let ssrc = be32(raw.body, 0).ok_or(RtcpErrorKind::Body)?;
        Ok(ReceiverReport { ssrc, extension, blocks })
    }

    /// What it says of the sources it hears.
    #[must_use]
    pub fn blocks(self) -> Blocks<'a> {
        Blocks { rest: self.blocks }
    }
}

/// A source description: chunks of items.
#[derive(Clone, Copy, Debug)]
pub struct SourceDescription<'a> {
    chunks: &'a [u8],
    count: u8,
}

/// What is said of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: u32,
    items: &'a [u8],
}

/// One item of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// Item type; 1 is CNAME (RFC 3550 §12.2).
    pub kind: u8,
    /// Its text, at most 255 bytes.
    pub text: &'a [u8],
}

impl<'a> SourceDescription<'a> {
    fn read(raw: &Raw<'a>) -> Result<SourceDescription<'a>, RtcpErrorKind> {
        let mut rest = raw.body;
        for _ in 0..raw.count {
            (_, rest) = SdesChunk::split(rest).ok_or(RtcpErrorKind::Item)?;
        }
        Ok(SourceDescription { chunks: raw.body, count: raw.count })
    }

    /// The chunks, in order.
    pub fn chunks(self) -> impl Iterator<Item = SdesChunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| {
            let (chunk, behind) = SdesChunk::split(rest)?;
            rest = behind;
            Some(chunk)
        })
    }
}

impl<'a> SdesChunk<'a> {
    /// Splits a chunk off: items up to a null octet, then nulls to the next 32-bit boundary.
    fn split(bytes: &'a [u8]) -> Option<(SdesChunk<'a>, &'a [u8])> {
        let ssrc = be32(bytes, 0)?;
        let mut end = 4;
        while *bytes.get(end)? != 0 {
            end += 2 + usize::from(*bytes.get(end + 1)?);
        }
        let behind = bytes.get((end / 4 + 1) * 4..)?;
        Some((SdesChunk { ssrc, items: bytes.get(4..end)? }, behind))
    }

    /// The items, in order.
    pub fn items(self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut rest = self.items;
        std::iter::from_fn(move || {
            let [kind, length, behind @ ..] = rest else { return None };
            let (text, next) = behind.split_at_checked(usize::from(*length))?;
            rest = next;
            Some(SdesItem { kind: *kind, text })
        })
    }

    /// The canonical name.
    #[must_use]
    pub fn cname(self) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == 1).map(|item| item.text)
    }
}

/// Sources that leave.
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    sources: &'a [u8],
    /// Why, if they say.
    pub reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    fn read(raw: &Raw<'a>) -> Result<Bye<'a>, RtcpErrorKind> {
        let (sources, rest) =
            raw.body.split_at_checked(4 * usize::from(raw.count)).ok_or(RtcpErrorKind::Body)?;
        let reason = match rest {
            [] => None,
            [length, text @ ..] => Some(text.get(..usize::from(*length)).ok_or(RtcpErrorKind::Body)?),
        };
        Ok(Bye { sources, reason })
    }

    /// Who leaves.
    pub fn sources(self) -> impl Iterator<Item = u32> + use<'a> {
        self.sources.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word))
    }
}

/// An application's own packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// The subtype, 0 to 31.
    pub subtype: u8,
    /// Who sends this.
    pub ssrc: u32,
    /// Four characters that name the application.
    pub name: [u8; 4],
    /// The rest.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    fn read(raw: &Raw<'a>) -> Result<App<'a>, RtcpErrorKind> {
        let ssrc = be32(raw.body, 0).ok_or(RtcpErrorKind::Body)?;
        let name = raw.body.get(4..).and_then(<[u8]>::first_chunk).ok_or(RtcpErrorKind::Body)?;
        let data = raw.body.get(8..).unwrap_or_default();
        Ok(App { subtype: raw.count, ssrc, name: *name, data })
    }
}

/// A feedback message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feedback<'a> {
    /// Whether it speaks of the payload (PSFB) or of the transport (RTPFB).
    pub payload_specific: bool,
    /// The format, 0 to 31.
    pub format: u8,
    /// Who sends this.
    pub ssrc: u32,
    /// Whose media it speaks of.
    pub media_ssrc: u32,
    /// Feedback control information.
    pub control: &'a [u8],
}

impl<'a> Feedback<'a> {
    fn read(raw: &Raw<'a>) -> Result<Feedback<'a>, RtcpErrorKind> {
        let field = |at| be32(raw.body, at).ok_or(RtcpErrorKind::Body);
        Ok(Feedback {
            payload_specific: raw.packet_type == packet_type::PSFB,
            format: raw.count,
            ssrc: field(0)?,
            media_ssrc: field(4)?,
            control: raw.body.get(8..).unwrap_or_default(),
        })
    }
}

/// An extended report.
#[derive(Clone, Copy, Debug)]
pub struct XrReport<'a> {
    /// Who sends this.
    pub ssrc: u32,
    blocks: &'a [u8],
}

/// One block of an extended report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XrBlock<'a> {
    /// Block type; 7 is VoIP metrics (RFC 3611 §4.7).
    pub kind: u8,
    /// The type-specific byte.
    pub specific: u8,
    /// Behind the block's header.
    pub data: &'a [u8],
}

impl<'a> XrReport<'a> {
    fn read(raw: &Raw<'a>) -> Result<XrReport<'a>, RtcpErrorKind> {
        let ssrc = be32(raw.body, 0).ok_or(RtcpErrorKind::Body)?;
        let blocks = raw.body.get(4..).unwrap_or_default();
        let mut rest = blocks;
        while !rest.is_empty() {
            (_, rest) = XrBlock::split(rest).ok_or(RtcpErrorKind::Block)?;
        }
        Ok(XrReport { ssrc, blocks })
    }

    /// The blocks, in order.
    pub fn blocks(self) -> impl Iterator<Item = XrBlock<'a>> + use<'a> {
        let mut rest = self.blocks;
        std::iter::from_fn(move || {
            let (block, behind) = XrBlock::split(rest)?;
            rest = behind;
            Some(block)
        })
    }
}

impl<'a> XrBlock<'a> {
    fn split(bytes: &'a [u8]) -> Option<(XrBlock<'a>, &'a [u8])> {
        let [kind, specific, ..] = *bytes.first_chunk::<4>()?;
        let length = 4 * usize::from(be16(bytes, 2)?);
        let (data, behind) = bytes.get(4..)?.split_at_checked(length)?;
        Some((XrBlock { kind, specific, data }, behind))
    }
}
