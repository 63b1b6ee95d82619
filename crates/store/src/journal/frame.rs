//! Frames: how events lie in a segment, and how to find them again in damaged bytes.
//!
//! A segment begins with [`HEADER`]; each event follows as mark (2 bytes), length (4), CRC-32 of
//! length and payload (4), payload. A write that was cut short leaves a torn tail, which
//! [`scan`] passes over; damage in the middle costs the frames it touches, because the scan looks
//! for the next frame whose sum is right.

use std::ops::ControlFlow;

/// How a segment begins; the last byte is the version.
pub(crate) const HEADER: [u8; 8] = *b"TRNCJRL\x01";
/// Bytes before a payload.
pub(crate) const FRAME_HEAD: usize = 10;
/// Largest payload. A record with as many attempts and as long fields as the journal takes stays
/// well below.
pub(crate) const PAYLOAD_MAX: usize = 16 << 20;
/// Most bytes that one scan sums while it looks for the next whole frame after damage.
const RESYNC_BYTES_MAX: usize = 64 << 20;

/// How a frame begins: two bytes that never follow each other in UTF-8, so that no text of a peer can
/// pass for a frame.
const MARK: [u8; 2] = [0xd5, 0x4a];

/// What lies at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A whole frame.
    Frame {
        /// The event.
        payload: &'a [u8],
        /// Bytes of the whole frame.
        size: usize,
    },
    /// What could be a frame, if more bytes came.
    Short,
    /// No frame.
    Bad,
}

/// Begins a frame; gives the place to [`seal`] later.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[0; FRAME_HEAD - 2]);
    at
}

/// Ends the frame that began at `at`: writes length and sum. False (and the frame is taken back)
/// when it is too large.
#[must_use]
pub(crate) fn seal(out: &mut Vec<u8>, at: usize) -> bool {
    let length = out.len() - at - FRAME_HEAD;
    let Some(size) = u32::try_from(length).ok().filter(|_| length <= PAYLOAD_MAX) else {
        out.truncate(at);
        return false;
    };
    let sum = sum(size, &out[at + FRAME_HEAD..]);
    out[at + 2..at + 6].copy_from_slice(&size.to_le_bytes());
    out[at + 6..at + 10].copy_from_slice(&sum.to_le_bytes());
    true
}

fn sum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Looks at the start of `bytes`.
pub(crate) fn step(bytes: &[u8]) -> Step<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<FRAME_HEAD>() else {
        return if bytes.starts_with(&MARK) || MARK.starts_with(bytes) { Step::Short } else { Step::Bad };
    };
    let [m0, m1, l0, l1, l2, l3, s0, s1, s2, s3] = *head;
    let size = u32::from_le_bytes([l0, l1, l2, l3]);
    let length = size as usize;
    if [m0, m1] != MARK || length > PAYLOAD_MAX {
        return Step::Bad;
    }
    let Some(payload) = rest.get(..length) else { return Step::Short };
    if sum(size, payload) != u32::from_le_bytes([s0, s1, s2, s3]) {
        return Step::Bad;
    }
    Step::Frame { payload, size: FRAME_HEAD + length }
}

/// What a segment's first bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// Frames of this version begin here.
    Frames(usize),
    /// Nothing but the start of a header.
    Empty,
    /// A version that is not known here.
    Unknown(u8),
}

/// Reads a segment's header. A damaged one is passed over: frames carry their own sums.
pub(crate) fn opening(bytes: &[u8]) -> Opening {
    let Some(head) = bytes.first_chunk::<8>() else {
        return if HEADER.starts_with(bytes) { Opening::Empty } else { Opening::Frames(0) };
    };
    if *head == HEADER {
        Opening::Frames(HEADER.len())
    } else if head[..7] == HEADER[..7] {
        Opening::Unknown(head[7])
    } else {
        Opening::Frames(0)
    }
}

/// Calls `each` with the payload of every whole frame in `bytes`, in order, and gives the number
/// of bytes that were in no whole frame. `each` may stop the scan.
pub(crate) fn scan<'a>(bytes: &'a [u8], mut each: impl FnMut(&'a [u8]) -> ControlFlow<()>) -> usize {
    let mut at = 0;
    let mut lost = 0;
    let mut budget = RESYNC_BYTES_MAX;
    while at < bytes.len() {
        match step(&bytes[at..]) {
            Step::Frame { payload, size } => {
                if each(payload).is_break() {
                    return lost;
                }
                at += size;
            }
            Step::Short | Step::Bad => {
                let next = next_frame(bytes, at + 1, &mut budget);
                lost += next - at;
                at = next;
            }
        }
    }
    lost
}

/// The place of the next whole frame from `at` on, or the end.
pub(crate) fn next_frame(bytes: &[u8], mut at: usize, budget: &mut usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == MARK[0])) {
        at += found;
        let rest = &bytes[at..];
        // A candidate with a plausible length is summed: that is what costs.
        if rest.starts_with(&MARK)
            && let Some(length) = rest.get(2..6).and_then(|l| l.try_into().ok()).map(u32::from_le_bytes)
        {
            let length = length as usize;
            if length <= PAYLOAD_MAX && rest.len() >= FRAME_HEAD + length {
                let Some(left) = budget.checked_sub(length) else { return bytes.len() };
                *budget = left;
                if matches!(step(rest), Step::Frame { .. }) {
                    return at;
                }
            }
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(payloads: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for payload in payloads {
            let at = begin(&mut out);
            out.extend_from_slice(payload);
            assert!(seal(&mut out, at));
        }
        out
    }

    fn found(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let mut all = Vec::new();
        let lost = scan(bytes, |p| {
            all.push(p.to_vec());
            ControlFlow::Continue(())
        });
        (all, lost)
    }

    const THREE: [&[u8]; 3] = [b"first event", b"", &[0xd5, 0x4a, 0xd5, 0x4a, 0, 0, 0]];

    #[test]
    fn a_tail_torn_at_any_byte_keeps_what_came_before() {
        let bytes = frames(&THREE);
        let ends = [0, 21, 31, 48];
        for cut in 0..=bytes.len() {
            let (all, lost) = found(&bytes[..cut]);
            let whole = ends.iter().filter(|&&end| end <= cut).count() - 1;
            assert_eq!(all, THREE[..whole].iter().map(|p| p.to_vec()).collect::<Vec<_>>(), "cut at {cut}");
            assert_eq!(lost, cut - ends[whole]);
        }
    }

    #[test]
    fn any_flipped_bit_costs_at_most_its_own_frame() {
        let bytes = frames(&THREE);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (all, lost) = found(&damaged);
            assert!(lost > 0);
            assert_eq!(all.len(), 2, "bit {bit}");
            assert!(all.iter().all(|p| THREE.contains(&p.as_slice())));
        }
    }

    #[test]
    fn headers() {
        assert_eq!(opening(&HEADER), Opening::Frames(8));
        assert_eq!(opening(b"TRNCJ"), Opening::Empty);
        assert_eq!(opening(b""), Opening::Empty);
        assert_eq!(opening(b"TRNCJRL\x02rest"), Opening::Unknown(2));
        assert_eq!(opening(b"\0\0\0\0\0\0\0\0"), Opening::Frames(0));
    }
}
