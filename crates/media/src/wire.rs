//! The few things of a packet that relaying needs, read with the views of `rtp`.
//!
//! Never changes a packet. Causes of refusal become [`DropReason`]s here and nowhere else.

use crate::report::DropReason;
use rtp::rtcp::XrReport;
use rtp::xr::{Extension, LastReceived, VoipMetrics};
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Control {
    /// Synchronisation source of the first packet.
    pub(crate) ssrc: u32,
    /// Middle 32 bits of the NTP time of a sender report.
    pub(crate) sender_report: Option<u32>,
    /// The first report block.
    pub(crate) block: Option<ReportBlock>,
    /// There is an extended report, whatever it says.
    pub(crate) extended: Option<Box<Extended>>,
}

/// What extended reports say that is of use here (RFC 3611): of each kind the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Extended {
    /// Whose reference time, and the middle of it.
    pub(crate) reference: Option<(u32, u32)>,
    /// When a reference time came there.
    pub(crate) answer: Option<LastReceived>,
    pub(crate) voip: Option<VoipMetrics>,
}

impl Extended {
    fn read(&mut self, report: XrReport<'_>) {
        for block in report.blocks() {
            match Extension::read(&block) {
                Some(Extension::ReferenceTime(ntp)) => {
                    self.reference.get_or_insert((report.ssrc, ntp.middle()));
                }
                Some(Extension::LastReceived(answer)) => {
                    self.answer.get_or_insert(answer);
                }
                Some(Extension::Voip(voip)) => {
                    self.voip.get_or_insert(voip);
                }
                None => {}
            }
        }
    }
}

/// Reads a valid compound (RFC 3550 §6.1); reduced size (RFC 5506) is let through.
pub(crate) fn control(bytes: &[u8]) -> Result<Control, DropReason> {
    let compound = Compound::parse(bytes, Form::ReducedSize).map_err(reason)?;
    let ssrc = rtp::bytes::be32(bytes, 4).ok_or(DropReason::BadLength)?;
    let mut control = Control { ssrc, block: compound.report_blocks().next(), ..Control::default() };
    for packet in compound.packets() {
        match packet {
            RtcpPacket::SenderReport(report) => {
                control.sender_report.get_or_insert(report.info.ntp.middle());
            }
            RtcpPacket::Extended(report) => control.extended.get_or_insert_default().read(report),
            _ => {}
        }
    }
    Ok(control)
}

fn reason(error: RtcpError) -> DropReason {
    match error.kind {
        rtp::error::RtcpErrorKind::Version | rtp::error::RtcpErrorKind::PacketType => DropReason::BadVersion,
        _ => DropReason::BadLength,
    }
}
