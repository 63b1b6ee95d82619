//! Why a packet is refused: one variant per cause, each naming what was expected.

/// Why bytes are no RTP packet (RFC 3550 §5.1, §A.1) or no telephone event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// Shorter than the fixed header.
    #[error("expected at least {need} bytes, found {found}")]
    Short {
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        found: usize,
    },
    /// Version is not 2.
    #[error("expected RTP version 2, found {found}")]
    Version {
        /// The version field, 0 to 3.
        found: u8,
    },
    /// The list of contributing sources ends beyond the packet.
    #[error("expected room for {count} contributing sources")]
    Contributors {
        /// The CC field, 0 to 15.
        count: u8,
    },
    /// The header extension ends beyond the packet.
    #[error("expected the header extension to end within the packet")]
    Extension,
    /// The padding count is 0 or more than the payload.
    #[error("expected a padding count from 1 to the payload's length")]
    Padding,
    /// The buffer to write to is too small.
    #[error("expected a larger buffer to write to")]
    Room,
    /// A value does not fit its field.
    #[error("expected a value that fits its field")]
    Range,
}

/// Why bytes are no RTCP packet (RFC 3550 §6.1, §A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("RTCP offset {offset}: {kind}")]
pub struct RtcpError {
    /// Where the offending packet of the compound begins, in bytes.
    pub offset: usize,
    /// The cause.
    #[source]
    pub kind: RtcpErrorKind,
}

/// The cause of an RTCP refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpErrorKind {
    /// No byte, or an end within a header.
    #[error("expected a header of 4 bytes")]
    Short,
    /// Version is not 2.
    #[error("expected version 2")]
    Version,
    /// The length field points beyond the datagram.
    #[error("expected the length field to end within the datagram")]
    Length,
    /// The packet type is outside 192 to 223.
    #[error("expected a packet type from 192 to 223")]
    PacketType,
    /// A compound that does not begin with a sender or receiver report.
    #[error("expected a sender or receiver report first")]
    First,
    /// Padding in a packet that is not the last, or a bad padding count.
    #[error("expected padding in the last packet only, of 4 bytes or a multiple")]
    Padding,
    /// The packet is too short for what its count field announces.
    #[error("expected a body as long as the count field announces")]
    Body,
    /// A chunk or item of a source description ends beyond it.
    #[error("expected source description items to end within their packet")]
    Item,
    /// A block of an extended report ends beyond it.
    #[error("expected report blocks to end within their packet")]
    Block,
    /// More packets than [`crate::rtcp::PACKETS_MAX`].
    #[error("expected at most {max} packets in a compound")]
    TooMany {
        /// The limit, in packets.
        max: usize,
    },
}
