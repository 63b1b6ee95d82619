//! Moments in which a peer, our server or the whole machine stood still, told by the wire's own times: what is judged
//! of sound leaves them out, for whatever they do to it is not the product's fault.

use std::ops::Range;

/// A stream of packets stands still when its next one is so much later than it is due, seconds.
pub const STILL: f64 = 0.1;

/// Gaps of more than [`STILL`] in a stream that has none by itself, from the last packet before to the first one behind.
#[must_use]
pub fn stalled(times: &[f64]) -> Vec<Range<f64>> {
    let due: Vec<(f64, f64)> = times.iter().map(|time| (*time, 0.0)).collect();
    stalled_beside(&due)
}

/// The same of packets with the moments for which they were meant, so that pauses and losses are no gaps.
#[must_use]
pub fn stalled_beside(packets: &[(f64, f64)]) -> Vec<Range<f64>> {
    let still = |pair: &[(f64, f64)]| {
        let [(before, due), (time, next)] = *pair else { return None };
        (time - before - (next - due).max(0.0) > STILL).then_some(before..time)
    };
    packets.windows(2).filter_map(still).collect()
}

/// Whether any of these reaches into a stretch of time.
#[must_use]
pub fn meets(stalls: &[Range<f64>], stretch: &Range<f64>) -> bool {
    stalls.iter().any(|stall| stall.start < stretch.end && stretch.start < stall.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_stall_unless_it_was_meant() {
        let times = [0.0, 0.02, 0.04, 0.55, 0.55, 0.56, 0.64];
        assert_eq!(stalled(&times), vec![0.04..0.55]);
        let paused = [(0.0, 0.0), (0.02, 0.02), (0.55, 0.54), (0.71, 0.56)];
        assert_eq!(stalled_beside(&paused), vec![0.55..0.71]);
        assert!(meets(&stalled(&times), &(0.5..0.6)) && !meets(&stalled(&times), &(0.6..0.7)));
    }
}
