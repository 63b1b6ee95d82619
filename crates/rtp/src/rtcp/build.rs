//! Writing RTCP into a buffer of the caller: reports first, then descriptions, extended reports and farewells.
//!
//! Each function appends one packet to what [`Builder`] holds; a compound is complete with a
//! report and a CNAME (RFC 3550 §6.1).

use crate::bytes::Writer;
use crate::error::RtpError;
use crate::rtcp::packet_type;
use crate::rtcp::view::{BLOCK_LENGTH, ReportBlock, SENDER_INFO_LENGTH, SenderInfo};
use crate::xr::Extension;

/// The most report blocks in one packet (RFC 3550 §6.4.1: a 5-bit count).
pub const BLOCKS_MAX: usize = 31;
/// The longest text of an item or a reason, in bytes.
pub const TEXT_MAX: usize = 255;
/// A loss count's extremes: 24 bits with sign.
const LOST_MAX: i32 = 0x7f_ffff;
const LOST_MIN: i32 = -0x80_0000;

/// A compound packet under construction.
pub struct Builder<'b> {
    writer: Writer<'b>,
    error: Option<RtpError>,
}

impl<'b> Builder<'b> {
    /// Begins a compound in `out`.
    #[must_use]
    pub fn new(out: &'b mut [u8]) -> Builder<'b> {
        Builder { writer: Writer::new(out), error: None }
    }

    /// A sender report (RFC 3550 §6.4.1).
    #[must_use]
    pub fn sender_report(mut self, ssrc: u32, info: &SenderInfo, blocks: &[ReportBlock]) -> Builder<'b> {
        if self.header(packet_type::SR, blocks, 4 + SENDER_INFO_LENGTH) {
            self.writer.u32(ssrc);
            self.writer.slice(&info.ntp.0.to_be_bytes());
            self.writer.u32(info.rtp_timestamp);
            self.writer.u32(info.packets);
            self.writer.u32(info.octets);
            self.blocks(blocks);
        }
        self
    }

    /// A receiver report (RFC 3550 §6.4.2).
    #[must_use]
    pub fn receiver_report(mut self, ssrc: u32, blocks: &[ReportBlock]) -> Builder<'b> {
        if self.header(packet_type::RR, blocks, 4) {
            self.writer.u32(ssrc);
            self.blocks(blocks);
        }
        self
    }

    /// A source description with one CNAME (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(mut self, ssrc: u32, cname: &[u8]) -> Builder<'b> {
        let Ok(length) = u8::try_from(cname.len()) else {
            self.error = Some(RtpError::Range);
            return self;
        };
        // At least one null octet ends the chunk, more fill it up to a 32-bit boundary.
        let items = 2 + cname.len();
        let chunk = 4 + (items / 4 + 1) * 4;
        self.common(1, packet_type::SDES, chunk);
        self.writer.u32(ssrc);
        self.writer.slice(&[1, length]);
        self.writer.slice(cname);
        self.nulls(chunk - 4 - items);
        self
    }

    /// An extended report (RFC 3611 §2).
    #[must_use]
    pub fn extended(mut self, ssrc: u32, blocks: &[Extension]) -> Builder<'b> {
        let length: usize = blocks.iter().map(Extension::length).sum();
        self.common(0, packet_type::XR, 4 + length);
        self.writer.u32(ssrc);
        for block in blocks {
            block.write(&mut self.writer);
        }
        self
    }

    /// A farewell of one source (RFC 3550 §6.6); an empty reason is left out.
    #[must_use]
    pub fn bye(mut self, ssrc: u32, reason: &[u8]) -> Builder<'b> {
        let Ok(length) = u8::try_from(reason.len()) else {
            self.error = Some(RtpError::Range);
            return self;
        };
        let text = if reason.is_empty() { 0 } else { (1 + reason.len()).next_multiple_of(4) };
        self.common(1, packet_type::BYE, 4 + text);
        self.writer.u32(ssrc);
        if text > 0 {
            self.writer.u8(length);
            self.writer.slice(reason);
            self.nulls(text - 1 - reason.len());
        }
        self
    }

    /// The length of the compound in bytes.
    ///
    /// # Errors
    /// [`RtpError::Room`] for a small buffer, [`RtpError::Range`] for more than [`BLOCKS_MAX`]
    /// blocks or a text longer than [`TEXT_MAX`].
    pub fn finish(self) -> Result<usize, RtpError> {
        match self.error {
            Some(error) => Err(error),
            None => self.writer.finish().ok_or(RtpError::Room),
        }
    }

    fn header(&mut self, packet_type: u8, blocks: &[ReportBlock], fixed: usize) -> bool {
        let count = u8::try_from(blocks.len()).ok().filter(|count| usize::from(*count) <= BLOCKS_MAX);
        match count {
            Some(count) => self.common(count, packet_type, fixed + BLOCK_LENGTH * blocks.len()),
            None => self.error = Some(RtpError::Range),
        }
        count.is_some()
    }

    /// The common header of a packet whose body has `length` bytes, a multiple of four.
    fn common(&mut self, count: u8, packet_type: u8, length: usize) {
        self.writer.u8(0x80 | count);
        self.writer.u8(packet_type);
        match u16::try_from(length / 4) {
            Ok(words) => self.writer.u16(words),
            Err(_) => self.error = Some(RtpError::Range),
        }
    }

    fn blocks(&mut self, blocks: &[ReportBlock]) {
        for block in blocks {
            let lost = block.cumulative_lost.clamp(LOST_MIN, LOST_MAX);
            let [_, high, middle, low] = lost.to_be_bytes();
            self.writer.u32(block.ssrc);
            self.writer.slice(&[block.fraction_lost, high, middle, low]);
            self.writer.u32(block.highest_sequence);
            self.writer.u32(block.jitter);
            self.writer.u32(block.lsr);
            self.writer.u32(block.dlsr);
        }
    }

    fn nulls(&mut self, count: usize) {
        for _ in 0..count {
            self.writer.u8(0);
        }
    }
}
