//! The few things of a packet that relaying needs, read with the views of `rtp`.
//!
//! Never changes a packet. Causes of refusal become [`DropReason`]s here and nowhere else.

use crate::report::DropReason;
use rtp::{Compound, Form, Header, Packet, ReportBlock, RtcpError, RtcpPacket, RtpError};

/// The header of a valid RTP packet.
#[inline]
pub(crate) fn rtp_header(bytes: &[u8]) -> Result<Header, DropReason> {
    match Packet::parse(bytes) {
        Ok(packet) => Ok(packet.header()),
        Err(RtpError::Version { .. }) => Err(DropReason::BadVersion),
        Err(_) => Err(DropReason::BadLength),
    }
}

/// Whether a packet on an RTP port is RTCP (RFC 5761 §4).
#[inline]
pub(crate) fn is_rtcp(bytes: &[u8]) -> bool {
    rtp::classify(bytes) == rtp::Datagram::Rtcp
}

/// Whether a datagram is one of DTLS (RFC 7983 §7).
#[inline]
pub(crate) fn is_dtls(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| (20..64).contains(first))
}

/// What one RTCP compound says that is of use here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Control {
    /// Synchronisation source of the first packet.
    pub(crate) ssrc: u32,
    /// Middle 32 bits of the NTP time of a sender report.
    pub(crate) sender_report: Option<u32>,
    /// The first report block.
    pub(crate) block: Option<ReportBlock>,
}

/// Reads a valid compound (RFC 3550 §6.1); reduced size (RFC 5506) is let through.
pub(crate) fn control(bytes: &[u8]) -> Result<Control, DropReason> {
    let compound = Compound::parse(bytes, Form::ReducedSize).map_err(reason)?;
    let ssrc = rtp::bytes::be32(bytes, 4).ok_or(DropReason::BadLength)?;
    let sender_report = compound.packets().find_map(|packet| match packet {
        RtcpPacket::SenderReport(report) => Some(report.info.ntp.middle()),
        _ => None,
    });
    Ok(Control { ssrc, sender_report, block: compound.report_blocks().next() })
}

fn reason(error: RtcpError) -> DropReason {
    match error.kind {
        rtp::error::RtcpErrorKind::Version | rtp::error::RtcpErrorKind::PacketType => DropReason::BadVersion,
        _ => DropReason::BadLength,
    }
}
