//! The few bytes of a packet that relaying needs: the fixed RTP header, and RTCP in passing.
//!
//! Never changes a packet, never panics on one. Lengths are checked against the datagram, so
//! what passes here is well formed to the depth that is looked at.

use crate::report::DropReason;

/// The fixed RTP header (RFC 3550 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RtpHead {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

/// Big-endian 16 bits at `at`; 0 beyond the end (callers have checked the length).
fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Reads and checks the header: version, contributing sources, extension and padding fit
/// (RFC 3550 §A.1).
#[inline]
pub(crate) fn rtp_head(bytes: &[u8]) -> Result<RtpHead, DropReason> {
    let Some(fixed) = bytes.first_chunk::<12>() else {
        return Err(DropReason::BadLength);
    };
    if fixed[0] >> 6 != 2 {
        return Err(DropReason::BadVersion);
    }
    if fixed[0] & 0x3f != 0 && !optional_parts_fit(bytes, fixed[0]) {
        return Err(DropReason::BadLength);
    }
    Ok(RtpHead {
        payload_type: fixed[1] & 0x7f,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
    })
}

/// Whether contributing sources, header extension and padding lie within the packet.
#[cold]
fn optional_parts_fit(bytes: &[u8], first: u8) -> bool {
    let mut header = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        if bytes.len() < header + 4 {
            return false;
        }
        header += 4 + 4 * usize::from(be16(bytes, header + 2));
    }
    let padding = if first & 0x20 != 0 { bytes.last().copied().map_or(0, usize::from) } else { 0 };
    let padded = first & 0x20 == 0 || padding > 0;
    padded && header + padding <= bytes.len()
}

/// Whether a packet on an RTP port is RTCP (RFC 5761 §4).
#[inline]
pub(crate) fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, kind, ..] if first >> 6 == 2 && (192..=223).contains(kind))
}

/// One report block (RFC 3550 §6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    /// Fraction lost, 1/256.
    pub(crate) fraction: u8,
    /// Cumulative number lost, signed 24 bits.
    pub(crate) lost: i32,
    /// Jitter in timestamp units.
    pub(crate) jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 when none was received.
    pub(crate) last_sr: u32,
    /// Delay since then, 1/65536 s.
    pub(crate) delay: u32,
}

/// What one RTCP compound says that is of use here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Compound {
    /// Synchronisation source of the first packet.
    pub(crate) ssrc: u32,
    /// Middle 32 bits of the NTP time of a sender report.
    pub(crate) sr_ntp: Option<u32>,
    /// The first report block.
    pub(crate) block: Option<Block>,
}

/// Most packets of one compound that are looked at.
const COMPOUND_MAX: usize = 32;

/// Reads a compound (RFC 3550 §6.1; reduced size, RFC 5506, is accepted): every packet's
/// version and length must fit, and the last must end with the datagram.
pub(crate) fn rtcp_compound(bytes: &[u8]) -> Result<Compound, DropReason> {
    if bytes.len() < 8 {
        return Err(DropReason::BadLength);
    }
    if !is_rtcp(bytes) {
        return Err(DropReason::BadVersion);
    }
    let mut found = Compound { ssrc: be32(bytes, 4), ..Compound::default() };
    let mut rest = bytes;
    for _ in 0..COMPOUND_MAX {
        if rest.is_empty() {
            return Ok(found);
        }
        let [first, kind, ..] = *rest else { return Err(DropReason::BadLength) };
        let length = 4 + 4 * usize::from(be16(rest, 2));
        if first >> 6 != 2 {
            return Err(DropReason::BadVersion);
        }
        let Some((packet, after)) = (rest.len() >= 4).then(|| rest.split_at_checked(length)).flatten() else {
            return Err(DropReason::BadLength);
        };
        read_report(packet, first & 0x1f, kind, &mut found);
        rest = after;
    }
    Ok(found)
}

/// Takes what a sender report (200) or receiver report (201) says.
fn read_report(packet: &[u8], blocks: u8, kind: u8, found: &mut Compound) {
    let at = match kind {
        200 if packet.len() >= 28 => {
            found.sr_ntp = Some(be32(packet, 10));
            28
        }
        201 => 8,
        _ => return,
    };
    if blocks == 0 || packet.len() < at + 24 || found.block.is_some() {
        return;
    }
    let loss = be32(packet, at + 4);
    found.block = Some(Block {
        fraction: (loss >> 24) as u8,
        lost: ((loss << 8) as i32) >> 8,
        jitter: be32(packet, at + 12),
        last_sr: be32(packet, at + 16),
        delay: be32(packet, at + 20),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_parts_must_fit() {
        let mut p = [0u8; 40];
        p[0] = 0x80;
        assert!(rtp_head(&p[..12]).is_ok());
        assert_eq!(rtp_head(&p[..11]), Err(DropReason::BadLength));
        p[0] = 0x40;
        assert_eq!(rtp_head(&p), Err(DropReason::BadVersion));
        p[0] = 0x87; // seven contributing sources fill the packet
        assert!(rtp_head(&p).is_ok());
        p[0] = 0x88;
        assert_eq!(rtp_head(&p), Err(DropReason::BadLength));
        p[0] = 0x90; // extension of six words
        p[15] = 6;
        assert!(rtp_head(&p).is_ok());
        p[15] = 7;
        assert_eq!(rtp_head(&p), Err(DropReason::BadLength));
        p[0] = 0xa0; // padding of no bytes is not padding
        assert_eq!(rtp_head(&p), Err(DropReason::BadLength));
        p[39] = 28;
        assert!(rtp_head(&p).is_ok());
        p[39] = 29;
        assert_eq!(rtp_head(&p), Err(DropReason::BadLength));
    }

    #[test]
    fn every_truncation_and_flip_of_a_compound_is_survived() {
        let good = sample();
        let c = rtcp_compound(&good).unwrap();
        assert_eq!((c.ssrc, c.sr_ntp), (7, Some(0x0304_0506)));
        let b = c.block.unwrap();
        assert_eq!((b.fraction, b.lost, b.jitter, b.last_sr, b.delay), (64, -2, 80, 9, 65536));
        // The sender report alone, 52 bytes, is a whole compound.
        for n in (0..good.len()).filter(|&n| n != 52) {
            assert!(rtcp_compound(&good[..n]).is_err(), "cut at {n}");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let _ = rtcp_compound(&bad);
                let _ = rtp_head(&bad);
            }
        }
    }

    fn sample() -> Vec<u8> {
        let mut v = vec![0x81, 200, 0, 12, 0, 0, 0, 7];
        v.extend([1, 2, 3, 4, 5, 6, 7, 8]); // NTP
        v.extend([0; 12]); // timestamp, counts
        v.extend([0, 0, 0, 8, 64, 0xff, 0xff, 0xfe, 0, 0, 0, 1, 0, 0, 0, 80, 0, 0, 0, 9, 0, 1, 0, 0]);
        v.extend([0x81, 202, 0, 2, 0, 0, 0, 7, 1, 1, b'x', 0]);
        v
    }
}
