//! RTCP about packets that were renumbered on their way: the numbers of the peer who hears them become those that their
//! sender has given them, and the counts of their sender those of what the peer is sent.

use bridge::Moved;

/// Packet types and formats whose numbers are known (RFC 3550 §6.4, RFC 4585 §6.2.1, RFC 3611 §4).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const FEEDBACK: u8 = 205;
const EXTENDED: u8 = 207;
/// Bytes of a report block.
const BLOCK: usize = 24;

/// Changes a valid compound where it lies. `moved` tells by how much the numbers of a source were moved on their way to
/// whoever reports, `sent` how those of one differ that is reported by its sender.
pub(crate) fn retell(bytes: &mut [u8], moved: impl Fn(u32) -> Moved, sent: impl Fn(u32) -> Moved) {
    let moved = |ssrc| moved(ssrc).numbers;
    let mut rest = bytes;
    while rest.len() >= 4 {
        let length = 4 * (usize::from(u16::from_be_bytes([rest[2], rest[3]])) + 1);
        let Some((packet, after)) = rest.split_at_mut_checked(length) else { return };
        let count = usize::from(packet[0] & 0x1f);
        match packet[1] {
            SENDER_REPORT => {
                counts(packet, &sent);
                blocks(packet, 28, count, &moved);
            }
            RECEIVER_REPORT => blocks(packet, 8, count, &moved),
            // Generic NACK: names of lost packets, each with a mask of those behind it.
            FEEDBACK if count == 1 => {
                let by = rtp::bytes::be32(packet, 8).map_or(0, &moved);
                (12..packet.len()).step_by(4).for_each(|at| number(packet, at, by));
            }
            EXTENDED => extended(packet, &moved),
            _ => {}
        }
        rest = after;
    }
}

/// Packets and octets sent so far (RFC 3550 §6.4.1). The timestamp is not moved.
fn counts(packet: &mut [u8], sent: &impl Fn(u32) -> Moved) {
    let Some(Moved { packets, octets, .. }) = rtp::bytes::be32(packet, 4).map(sent) else { return };
    for (at, more) in [(20, packets), (24, octets)] {
        if let (Some(count), Some(place)) = (rtp::bytes::be32(packet, at), packet.get_mut(at..at + 4)) {
            place.copy_from_slice(&count.wrapping_add(more).to_be_bytes());
        }
    }
}

/// The highest number received, with its cycles (RFC 3550 §6.4.1).
fn blocks(packet: &mut [u8], first: usize, count: usize, moved: &impl Fn(u32) -> u32) {
    for at in (0..count).map(|n| first + BLOCK * n) {
        let block = (rtp::bytes::be32(packet, at), rtp::bytes::be32(packet, at + 8));
        if let (Some(ssrc), Some(highest)) = block {
            let told = highest.wrapping_sub(moved(ssrc)).to_be_bytes();
            if let Some(place) = packet.get_mut(at + 8..at + 12) {
                place.copy_from_slice(&told);
            }
        }
    }
}

/// Blocks that speak of a span of numbers: losses, duplicates, times of receipt, and the summary (RFC 3611 §4.1 to
/// §4.3, §4.6).
fn extended(packet: &mut [u8], moved: &impl Fn(u32) -> u32) {
    let mut at = 8;
    while let Some([kind, _, high, low]) = packet.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied()
    {
        if matches!(kind, 1..=3 | 6) {
            let by = rtp::bytes::be32(packet, at + 4).map_or(0, moved);
            number(packet, at + 8, by);
            number(packet, at + 10, by);
        }
        at += 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
    }
}

/// A number of 16 bits.
fn number(packet: &mut [u8], at: usize, by: u32) {
    if let Some(place) = packet.get_mut(at..at + 2) {
        let told = u16::from_be_bytes([place[0], place[1]]).wrapping_sub(by as u16);
        place.copy_from_slice(&told.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &str) -> Vec<u8> {
        let word = |word| u32::from_str_radix(word, 16).unwrap_or_default();
        words.split_whitespace().flat_map(|text| word(text).to_be_bytes()).collect()
    }

    /// A sender's report, a receiver's of two sources, lost packets, and losses beside times of a receiver.
    #[test]
    fn every_number_of_a_moved_source_is_told_as_its_sender_gave_it() {
        let mut told = bytes(
            "81C8000C 1 0 0 0 0 0 7 0 10005 0 0 0  82C9000D 1 7 0 5 0 0 0 8 0 5 0 0 0  81CD0003 1 7 5FFFF \
             80CF0008 1 1000003 7 50009 80000000 4000002 5 5",
        );
        let by =
            |ssrc, numbers| if ssrc == 7 { Moved { numbers, ..Moved::default() } } else { Moved::default() };
        retell(&mut told, |ssrc| by(ssrc, 0x8003), |ssrc| by(ssrc, 1));
        let expected = bytes(
            "81C8000C 1 0 0 0 0 0 7 0 8002 0 0 0  82C9000D 1 7 0 FFFF8002 0 0 0 8 0 5 0 0 0  81CD0003 1 7 8002FFFF \
             80CF0008 1 1000003 7 80028006 80000000 4000002 5 5",
        );
        assert_eq!(told, expected);
    }

    /// 100 packets of 16,000 octets, of which three events of four octets were taken out.
    #[test]
    fn what_a_sender_has_sent_is_told_as_it_left_here() {
        let report = "80C80006 7 0 0 0 64 3E80";
        let mut told = bytes(report);
        let moved = Moved { numbers: 0, packets: -3i32 as u32, octets: -12i32 as u32 };
        retell(&mut told, |_| Moved::default(), |ssrc| if ssrc == 7 { moved } else { Moved::default() });
        assert_eq!(told, bytes("80C80006 7 0 0 0 61 3E74"));
        retell(&mut told, |_| moved, |_| Moved::default());
        assert_eq!(
            told,
            bytes("80C80006 7 0 0 0 61 3E74"),
            "what the others are moved by is not its own affair"
        );
    }

    #[test]
    fn broken_compounds_are_left_as_they_are() {
        for length in 0..40 {
            let mut short = vec![0x9F; length];
            if let Some(place) = short.get_mut(1..4) {
                place.copy_from_slice(&[207, 0, 40]);
            }
            let before = short.clone();
            retell(&mut short, |_| Moved { numbers: 1, packets: 0, octets: 0 }, |_| Moved::default());
            assert_eq!(short, before);
        }
    }
}
