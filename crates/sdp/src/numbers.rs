//! What the payload numbers of a description mean (RFC 3264 §8.3.2), read in one pass without judging the rest of it.

use crate::address::Address;
use crate::codec::{PAYLOAD_TYPE_MAX, RtpMap, read_encoding};
use crate::direction::Direction;
use crate::line::{Lines, attribute, first_token, number};

/// From here on a number means what a description says (RFC 3551 §3: below, it is assigned or reserved).
const FREE: u8 = 35;

/// Hands over each number that a description gives a meaning: the place of its m= line, the number, the encoding. Whether
/// any line says that something is not to be heard (RFC 3264 §8.4), so that all of it is worth reading.
pub fn each_number(text: &[u8], mut take: impl FnMut(usize, u8, RtpMap<'_>)) -> bool {
    let (mut lines, mut deaf) = (0_usize, false);
    for line in Lines::new(text) {
        match line.kind {
            b'm' => lines += 1,
            b'c' => deaf |= Address::from_connection(line.value).is_ok_and(Address::is_null),
            _ => {}
        }
        if line.kind != b'a' {
            continue;
        }
        let (name, value) = attribute(line.value);
        deaf |= Direction::from_name(name).is_some_and(|direction| !direction.receives());
        let Some(place) = lines.checked_sub(1).filter(|_| name.eq_ignore_ascii_case(b"rtpmap")) else {
            continue;
        };
        let (found, encoding) = first_token(value);
        let free =
            number(found, PAYLOAD_TYPE_MAX).and_then(|pt| u8::try_from(pt).ok()).filter(|pt| *pt >= FREE);
        if let Some((pt, map)) = free.zip(read_encoding(encoding)) {
            take(place, pt, map);
        }
    }
    deaf
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

    #[test]
    fn whoever_wants_to_hear_nothing_is_told_apart_in_the_same_pass() {
        let deaf = |session: &str, media: &str| {
            let text = format!("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n{session}m=audio 4000 RTP/AVP 8\r\n{media}");
            each_number(text.as_bytes(), |_, _, _| {})
        };
        assert!(!deaf("c=IN IP4 10.0.0.0\r\na=sendrecv\r\n", "a=recvonly\r\na=rtpmap:8 PCMA/8000\r\n"));
        for held in ["a=sendonly\r\n", "a=INACTIVE\r\n", "c=IN IP4 0.0.0.0\r\n", "c=IN IP6 ::\r\n"] {
            assert!(deaf(held, "") && deaf("c=IN IP4 10.0.0.1\r\n", held), "{held}");
        }
    }
}
