//! What the payload numbers of a description mean (RFC 3264 §8.3.2), read in one pass without judging the rest of it.

use crate::codec::{PAYLOAD_TYPE_MAX, RtpMap, read_encoding};
use crate::line::{Lines, attribute, first_token, number};

/// From here on a number means what a description says (RFC 3551 §3: below, it is assigned or reserved).
const FREE: u8 = 35;

/// Hands over each number that a description gives a meaning: the place of its m= line, the number, the encoding.
pub fn each_number(text: &[u8], mut take: impl FnMut(usize, u8, RtpMap<'_>)) {
    let mut lines = 0_usize;
    for line in Lines::new(text) {
        if line.kind == b'm' {
            lines += 1;
        }
        let Some(place) = lines.checked_sub(1).filter(|_| line.kind == b'a') else { continue };
        let (name, value) = attribute(line.value);
        if !name.eq_ignore_ascii_case(b"rtpmap") {
            continue;
        }
        let (found, encoding) = first_token(value);
        let free =
            number(found, PAYLOAD_TYPE_MAX).and_then(|pt| u8::try_from(pt).ok()).filter(|pt| *pt >= FREE);
        if let Some((pt, map)) = free.zip(read_encoding(encoding)) {
            take(place, pt, map);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_description_gives_a_meaning_are_told_with_their_line() {
        let text = b"v=0\r\na=rtpmap:96 none/1\r\nm=audio 4000 RTP/AVP 8 96 101\r\na=rtpmap:8 PCMA/8000\r\n\
            a=rtpmap:96 opus/48000/2\r\na=RTPMAP:101 telephone-event/8000\r\na=rtpmap:128 x/1\r\na=rtpmap:97\r\n\
            m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
        let mut told = Vec::new();
        each_number(text, |line, pt, map| {
            told.push((line, pt, String::from_utf8_lossy(map.name).into_owned(), map.clock, map.channels));
        });
        let wanted = [
            (0, 96, "opus".to_owned(), 48_000, 2),
            (0, 101, "telephone-event".to_owned(), 8_000, 1),
            (1, 96, "H264".to_owned(), 90_000, 1),
        ];
        assert_eq!(told, wanted);
    }
}
