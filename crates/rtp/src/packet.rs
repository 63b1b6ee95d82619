//! The RTP packet: a view over its bytes, read or rewritten in place (RFC 3550 §5.1).
//!
//! Enter through [`Packet::parse`], which validates everything once; [`Header::write`] begins a
//! new packet.

use crate::bytes::{Writer, be16, put};
use crate::error::RtpError;
use std::ops::Range;

/// Length of the fixed header in bytes.
pub const HEADER_LENGTH: usize = 12;
/// The highest payload type.
pub const PAYLOAD_TYPE_MAX: u8 = 127;

/// A validated RTP packet over `&[u8]` or `&mut [u8]`.
#[derive(Clone, Copy, Debug)]
pub struct Packet<B> {
    bytes: B,
    /// Extent of the payload, without header, extension and padding.
    start: usize,
    end: usize,
}

impl<B: AsRef<[u8]>> Packet<B> {
    /// Validates version, contributing sources, header extension and padding against the length
    /// (RFC 3550 §A.1).
    ///
    /// # Errors
    /// The first of these that does not hold.
    #[inline]
    pub fn parse(bytes: B) -> Result<Packet<B>, RtpError> {
        let Range { start, end } = payload_range(bytes.as_ref())?;
        Ok(Packet { bytes, start, end })
    }

    #[inline]
    fn fixed(&self) -> [u8; HEADER_LENGTH] {
        // Always there: `parse` has seen it. Zeros keep this total without a panic.
        self.bytes.as_ref().first_chunk().copied().unwrap_or([0; HEADER_LENGTH])
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The fixed header's fields.
    #[inline]
    #[must_use]
    pub fn header(&self) -> Header {
        let [_, second, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0] = self.fixed();
        Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            ssrc: u32::from_be_bytes([i3, i2, i1, i0]),
        }
    }

    /// Protocol version, always 2.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.fixed()[0] >> 6
    }

    /// Whether the packet ends with padding.
    #[must_use]
    pub fn has_padding(&self) -> bool {
        self.fixed()[0] & 0x20 != 0
    }

    /// Whether there is a header extension.
    #[must_use]
    pub fn has_extension(&self) -> bool {
        self.fixed()[0] & 0x10 != 0
    }

    /// How many contributing sources are listed, 0 to 15.
    #[must_use]
    pub fn contributor_count(&self) -> u8 {
        self.fixed()[0] & 0x0f
    }

    /// The contributing sources.
    pub fn contributors(&self) -> impl Iterator<Item = u32> + '_ {
        let list = self.bytes().get(HEADER_LENGTH..).unwrap_or_default();
        let (words, _) = list.as_chunks::<4>();
        words.iter().take(usize::from(self.contributor_count())).map(|word| u32::from_be_bytes(*word))
    }

    /// The header extension: profile word and contents (RFC 3550 §5.3.1).
    #[must_use]
    pub fn extension(&self) -> Option<(u16, &[u8])> {
        if !self.has_extension() {
            return None;
        }
        let at = HEADER_LENGTH + 4 * usize::from(self.contributor_count());
        Some((be16(self.bytes(), at)?, self.bytes().get(at + 4..self.start)?))
    }

    /// The marker bit.
    #[must_use]
    pub fn marker(&self) -> bool {
        self.header().marker
    }

    /// Payload type, 0 to 127.
    #[must_use]
    pub fn payload_type(&self) -> u8 {
        self.header().payload_type
    }

    /// Sequence number.
    #[must_use]
    pub fn sequence(&self) -> u16 {
        self.header().sequence
    }

    /// Timestamp, in units of the payload's clock.
    #[must_use]
    pub fn timestamp(&self) -> u32 {
        self.header().timestamp
    }

    /// Synchronisation source.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.header().ssrc
    }

    /// Where the payload lies, without padding.
    #[must_use]
    pub fn payload_range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The payload, without padding.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.bytes().get(self.start..self.end).unwrap_or_default()
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Packet<B> {
    /// Sets the marker bit.
    pub fn set_marker(&mut self, marker: bool) {
        let payload_type = self.payload_type();
        put(self.bytes.as_mut(), 1, [u8::from(marker) << 7 | payload_type]);
    }

    /// Sets the payload type; only its lower 7 bits count.
    pub fn set_payload_type(&mut self, payload_type: u8) {
        let marker = u8::from(self.marker()) << 7;
        put(self.bytes.as_mut(), 1, [marker | payload_type & PAYLOAD_TYPE_MAX]);
    }

    /// Sets the sequence number.
    pub fn set_sequence(&mut self, sequence: u16) {
        put(self.bytes.as_mut(), 2, sequence.to_be_bytes());
    }

    /// Sets the timestamp.
    pub fn set_timestamp(&mut self, timestamp: u32) {
        put(self.bytes.as_mut(), 4, timestamp.to_be_bytes());
    }

    /// Sets the synchronisation source.
    pub fn set_ssrc(&mut self, ssrc: u32) {
        put(self.bytes.as_mut(), 8, ssrc.to_be_bytes());
    }

    /// The payload, to be rewritten in place.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let range = self.payload_range();
        self.bytes.as_mut().get_mut(range).unwrap_or_default()
    }
}

/// Validates a packet and finds its payload.
#[inline]
fn payload_range(bytes: &[u8]) -> Result<Range<usize>, RtpError> {
    let Some(fixed) = bytes.first_chunk::<HEADER_LENGTH>() else {
        return Err(RtpError::Short { need: HEADER_LENGTH, found: bytes.len() });
    };
    let first = fixed[0];
    match first {
        // Most packets: version 2 and nothing optional.
        0x80 => Ok(HEADER_LENGTH..bytes.len()),
        0x81..=0xbf => range_with_options(bytes, first),
        _ => Err(RtpError::Version { found: first >> 6 }),
    }
}

fn range_with_options(bytes: &[u8], first: u8) -> Result<Range<usize>, RtpError> {
    let count = first & 0x0f;
    let mut start = HEADER_LENGTH + 4 * usize::from(count);
    if start > bytes.len() {
        return Err(RtpError::Contributors { count });
    }
    if first & 0x10 != 0 {
        let words = be16(bytes, start + 2).ok_or(RtpError::Extension)?;
        start += 4 + 4 * usize::from(words);
        if start > bytes.len() {
            return Err(RtpError::Extension);
        }
    }
    let mut end = bytes.len();
    if first & 0x20 != 0 {
        let padding = bytes.last().map_or(0, |count| usize::from(*count));
        if padding == 0 || padding > end - start {
            return Err(RtpError::Padding);
        }
        end -= padding;
    }
    Ok(start..end)
}

/// The fields of the fixed header that vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The marker bit.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Writes a packet of this header and `payload`, without options; returns its length in bytes.
    ///
    /// # Errors
    /// [`RtpError::Range`] for a payload type above 127, [`RtpError::Room`] for a small buffer.
    pub fn write(&self, payload: &[u8], out: &mut [u8]) -> Result<usize, RtpError> {
        if self.payload_type > PAYLOAD_TYPE_MAX {
            return Err(RtpError::Range);
        }
        let mut writer = Writer::new(out);
        writer.u8(0x80);
        writer.u8(u8::from(self.marker) << 7 | self.payload_type);
        writer.u16(self.sequence);
        writer.u32(self.timestamp);
        writer.u32(self.ssrc);
        writer.slice(payload);
        writer.finish().ok_or(RtpError::Room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header =
        Header { marker: true, payload_type: 8, sequence: 0xfffe, timestamp: 160, ssrc: 0xdead_beef };

    fn packet(options: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0u8; HEADER_LENGTH + rest.len()];
        HEADER.write(rest, &mut bytes).unwrap();
        bytes[0] |= options;
        bytes
    }

    fn check(options: u8, rest: &[u8], expected: Result<&[u8], RtpError>) {
        let bytes = packet(options, rest);
        let found = Packet::parse(&bytes[..]);
        assert_eq!(found.as_ref().map(|packet| packet.payload()).map_err(|error| *error), expected);
    }

    #[test]
    fn options_must_fit() {
        check(0, b"", Ok(b""));
        check(0, b"abc", Ok(b"abc"));
        check(2, b"11112222x", Ok(b"x"));
        check(2, b"1111222", Err(RtpError::Contributors { count: 2 }));
        check(0x10, &[0xbe, 0xde, 0, 1, 9, 9, 9, 9, 7], Ok(&[7]));
        check(0x10, &[0xbe, 0xde, 0, 2, 9, 9, 9, 9, 7], Err(RtpError::Extension));
        check(0x10, &[0xbe, 0xde, 0], Err(RtpError::Extension));
        check(0x10, &[0xbe, 0xde, 0xff, 0xff], Err(RtpError::Extension));
        check(0x20, &[7, 0, 0, 3], Ok(&[7]));
        check(0x20, &[7, 0, 0, 4], Ok(&[]));
        check(0x20, &[7, 0, 0, 5], Err(RtpError::Padding));
        check(0x20, &[7, 0], Err(RtpError::Padding));
        check(0x20, &[], Err(RtpError::Padding));
        check(0x31, &[1, 1, 1, 1, 0, 0, 0, 0, 5, 1], Ok(&[5]));
    }

    #[test]
    fn version_and_length_are_checked() {
        assert_eq!(Packet::parse(&[0x80; 11][..]).err(), Some(RtpError::Short { need: 12, found: 11 }));
        assert_eq!(Packet::parse(&[0x40; 12][..]).err(), Some(RtpError::Version { found: 1 }));
        assert_eq!(Packet::parse(&[0xc0; 12][..]).err(), Some(RtpError::Version { found: 3 }));
    }

    #[test]
    fn extension_and_contributors_are_shown() {
        let bytes = packet(0x11, &[0, 0, 0, 5, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 9]);
        let packet = Packet::parse(&bytes[..]).unwrap();
        assert_eq!(packet.contributors().collect::<Vec<_>>(), [5]);
        assert_eq!(packet.extension(), Some((0xbede, &[1, 2, 3, 4][..])));
        assert_eq!((packet.version(), packet.has_padding()), (2, false));
    }

    #[test]
    fn a_packet_is_rewritten_in_place() {
        let mut bytes = packet(0, b"payload");
        let mut packet = Packet::parse(&mut bytes[..]).unwrap();
        packet.set_payload_type(0x80 | 101);
        packet.set_sequence(7);
        packet.set_timestamp(8);
        packet.set_ssrc(9);
        packet.payload_mut()[0] = b'P';
        let expected = Header { marker: true, payload_type: 101, sequence: 7, timestamp: 8, ssrc: 9 };
        assert_eq!(packet.header(), expected);
        packet.set_marker(false);
        assert_eq!(packet.header(), Header { marker: false, ..expected });
        assert_eq!(packet.payload(), b"Payload");
    }

    #[test]
    fn a_small_buffer_is_refused() {
        assert_eq!(HEADER.write(b"abc", &mut [0; 14]), Err(RtpError::Room));
        assert_eq!(Header { payload_type: 128, ..HEADER }.write(b"", &mut [0; 64]), Err(RtpError::Range));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            marker: bool, payload_type in 0..=127u8, sequence: u16, timestamp: u32, ssrc: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let mut bytes = [0u8; 512];
            let length = header.write(&payload, &mut bytes).unwrap();
            let packet = Packet::parse(&bytes[..length]).unwrap();
            prop_assert_eq!(packet.header(), header);
            prop_assert_eq!(packet.payload(), &payload[..]);
        }
    }
}
