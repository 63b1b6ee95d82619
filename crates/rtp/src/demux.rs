//! Telling apart what arrives at one port by its first bytes (RFC 7983 §7, RFC 5761 §4).

/// What a datagram looks like; a look at two bytes, no validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Datagram {
    /// First byte 0 to 3: STUN (RFC 8489).
    Stun,
    /// First byte 16 to 19: ZRTP.
    Zrtp,
    /// First byte 20 to 63: DTLS.
    Dtls,
    /// First byte 64 to 79: TURN channel data.
    TurnChannel,
    /// First byte 128 to 191, second byte not that of RTCP.
    Rtp,
    /// First byte 128 to 191, packet type 192 to 223.
    Rtcp,
    /// Nothing of these; also what has no byte at all.
    Unknown,
}

/// Classifies a datagram by its first bytes (RFC 7983 §7, RFC 5761 §4).
///
/// RTP payload types 64 to 95 with the marker set fall into the range of RTCP: do not assign them
/// where RTP and RTCP share a port.
#[inline]
#[must_use]
pub fn classify(bytes: &[u8]) -> Datagram {
    match bytes {
        [0..=3, ..] => Datagram::Stun,
        [16..=19, ..] => Datagram::Zrtp,
        [20..=63, ..] => Datagram::Dtls,
        [64..=79, ..] => Datagram::TurnChannel,
        [128..=191, 192..=223, ..] => Datagram::Rtcp,
        [128..=191, _, ..] => Datagram::Rtp,
        _ => Datagram::Unknown,
    }
}

/// Whether the bytes are a STUN message by length, type bits and magic cookie (RFC 8489 §6.3).
#[must_use]
pub fn is_stun(bytes: &[u8]) -> bool {
    const COOKIE: u32 = 0x2112_a442;
    const HEADER: usize = 20;
    let length = crate::bytes::be16(bytes, 2).map(usize::from);
    classify(bytes) == Datagram::Stun
        && crate::bytes::be32(bytes, 4) == Some(COOKIE)
        && length.is_some_and(|length| length % 4 == 0 && HEADER + length == bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_one_meaning() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => Datagram::Stun,
                16..=19 => Datagram::Zrtp,
                20..=63 => Datagram::Dtls,
                64..=79 => Datagram::TurnChannel,
                128..=191 => Datagram::Rtp,
                _ => Datagram::Unknown,
            };
            assert_eq!(classify(&[first, 0, 0, 0]), expected);
        }
        assert_eq!(classify(&[]), Datagram::Unknown);
        assert_eq!(classify(&[0x80]), Datagram::Unknown);
    }

    #[test]
    fn rtcp_is_told_by_its_packet_type() {
        for second in 0..=255u8 {
            let expected = if (192..=223).contains(&second) { Datagram::Rtcp } else { Datagram::Rtp };
            assert_eq!(classify(&[0x80, second]), expected);
        }
    }

    #[test]
    fn stun_needs_its_cookie_and_length() {
        let mut message = [0u8; 20];
        message[1] = 1;
        message[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        assert!(is_stun(&message));
        message[3] = 4;
        assert!(!is_stun(&message));
        assert!(!is_stun(&message[..7]));
    }
}
