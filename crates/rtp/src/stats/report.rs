//! What is reported of a received stream.

use super::Reception;
use crate::rtcp::ReportBlock;

impl Reception {
    /// The report on this source since the last one (RFC 3550 §6.4.1, §A.3); begins a new
    /// interval.
    pub fn report(&mut self, ssrc: u32, lsr: u32, dlsr: u32) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let interval = expected.saturating_sub(self.reported.0);
        let arrived = received.saturating_sub(self.reported.1);
        self.reported = (expected, received);
        let missing = interval.saturating_sub(arrived);
        // 255 of 256 is as much as the field can say.
        let fraction = (missing.min(interval) << 8).checked_div(interval).unwrap_or(0).min(255);
        let lost = i64::try_from(expected).unwrap_or(i64::MAX) - i64::try_from(received).unwrap_or(i64::MAX);
        ReportBlock {
            ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            // The first cycle counts as 0 on the wire.
            highest_sequence: self.highest.saturating_sub(1 << 16) as u32,
            jitter: self.jitter(),
            lsr,
            dlsr,
        }
    }
}
