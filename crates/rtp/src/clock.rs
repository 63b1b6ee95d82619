//! The clocks of payload types that the standard fixes.

/// The RTP clock of a static payload type, Hz (RFC 3551 §6); `None` for those that a description assigns.
#[must_use]
pub const fn static_clock(payload_type: u8) -> Option<u32> {
    match payload_type {
        0 | 3..=5 | 7..=9 | 12 | 13 | 15 | 18 => Some(8_000),
        6 => Some(16_000),
        10 | 11 => Some(44_100),
        16 => Some(11_025),
        17 => Some(22_050),
        14 | 25 | 26 | 28 | 31..=34 => Some(90_000),
        _ => None,
    }
}
