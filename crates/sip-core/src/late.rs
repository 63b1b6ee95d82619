//! Requests in a dialog whose state is gone.

use base::Time;

/// A CSeq above all that the dialog can have seen (PRACKs of its early state), and rising from one
/// repetition of the 2xx to the next (RFC 3261 §12.2.1.1; below 2^31, §8.1.1.5).
#[must_use]
pub fn late_cseq(now: Time) -> u32 {
    const BASE: u32 = 0x4000_0000;
    const SPAN: u64 = 0x3fff_fff0;
    BASE + u32::try_from((now.0 / 100_000) % SPAN).unwrap_or(0)
}
