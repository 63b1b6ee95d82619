//! What a further offer of the same peer changes (RFC 3264 §8), and answering it from what is agreed.

use crate::direction::Direction;
use crate::line::{Line, Lines, attribute, first_token, tokens};
use crate::media::Media;
use crate::session::Session;

/// What a description changes of an earlier one of the same peer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Change {
    /// Nothing, or the version in o= alone.
    Nothing,
    /// Directions, or null addresses that say the same (RFC 3264 §8.4).
    Direction,
    /// More.
    Other,
}

/// Compares a description with the one before it.
#[must_use]
pub fn change(before: &Session<'_>, now: &Session<'_>) -> Change {
    if before.media().len() != now.media().len() || !same_lines(before.head, now.head, false) {
        return Change::Other;
    }
    before
        .media()
        .iter()
        .zip(now.media())
        .map(|(before, now)| media_change(before, now))
        .max()
        .unwrap_or(Change::Nothing)
}

fn media_change(before: &Media<'_>, now: &Media<'_>) -> Change {
    let same_line = before.kind_token.eq_ignore_ascii_case(now.kind_token)
        && before.port == now.port
        && before.proto == now.proto
        && before.formats().eq(now.formats());
    let nowhere = before.is_null_connection() || now.is_null_connection();
    let same_place = nowhere || before.connection() == now.connection();
    if !same_line || !same_place || !same_lines(before.section, now.section, true) {
        return Change::Other;
    }
    let (was, is) = (before.effective_direction(), now.effective_direction());
    let null = before.is_null_hold() != now.is_null_hold();
    if was == is && !null { Change::Nothing } else { Change::Direction }
}

/// Whether two parts say the same, but for origin, addresses and directions, which are compared by meaning.
fn same_lines(before: &[u8], now: &[u8], section: bool) -> bool {
    let told = move |line: &Line<'_>| match line.kind {
        b'o' => section,
        b'c' => false,
        b'a' => Direction::from_name(attribute(line.value).0).is_none(),
        _ => true,
    };
    let part = |bytes| Lines::new(bytes).filter(told).map(|line: Line<'_>| (line.kind, line.value));
    part(before).eq(part(now))
}

/// Whether `now` still holds every format that `before` of the same peer and `theirs` of the other peer
/// have in common, stream by stream: then whatever is in use stays lawful.
#[must_use]
pub fn keeps_agreed(before: &Session<'_>, theirs: &Session<'_>, now: &Session<'_>) -> bool {
    let (old, other, new) = (before.media(), theirs.media(), now.media());
    let keeps = |(index, old): (usize, &Media<'_>)| {
        let (Some(other), Some(new)) = (other.get(index), new.get(index)) else { return false };
        let active = old.port != 0 && other.port != 0;
        let common = old.formats().filter(|f| other.formats().any(|o| o == *f));
        old.kind_token.eq_ignore_ascii_case(new.kind_token)
            && active == (new.port != 0 && other.port != 0)
            && (!active || common.into_iter().all(|f| has_as(new, old, f)))
    };
    old.len() == new.len() && old.len() == other.len() && old.iter().enumerate().all(keeps)
}

/// Whether `new` has the format of `old` under the same number and with the same meaning.
fn has_as(new: &Media<'_>, old: &Media<'_>, format: &[u8]) -> bool {
    let number = std::str::from_utf8(format).ok().and_then(|text| text.parse::<u8>().ok());
    let meaning = |media: &Media<'_>| {
        let pt = number?;
        media
            .codecs()
            .find(|codec| codec.pt == pt)
            .map(|c| (c.name.to_ascii_lowercase(), c.clock, c.channels))
    };
    new.formats().any(|f| f == format) && meaning(new) == meaning(old)
}

/// A description with only those formats that `offer` has in the same place (RFC 3264 §6.1: an answer holds
/// no others). `None`: a stream would be left without any.
#[must_use]
pub fn narrow(text: &Session<'_>, offer: &Session<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.bytes.len());
    out.extend_from_slice(text.head);
    for (index, media) in text.media().iter().enumerate() {
        let offered = offer.media().get(index)?;
        let kept: Vec<&[u8]> = media.formats().filter(|f| offered.formats().any(|o| o == *f)).collect();
        if kept.is_empty() && media.port != 0 && offered.port != 0 {
            return None;
        }
        let all = kept.len() == media.formats().count() || kept.is_empty();
        // Refused by the new offer: refused in the answer.
        let port = if offered.port == 0 { 0 } else { media.port };
        write_media(media, port, if all { None } else { Some(&kept) }, &mut out);
    }
    Some(out)
}

pub(crate) fn write_media(media: &Media<'_>, port: u16, kept: Option<&[&[u8]]>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"m=");
    out.extend_from_slice(media.kind_token);
    out.extend_from_slice(format!(" {port} ").as_bytes());
    out.extend_from_slice(media.proto);
    let all: Vec<&[u8]>;
    let formats = match kept {
        Some(kept) => kept,
        None => {
            all = tokens(media.formats).collect();
            &all
        }
    };
    for format in formats {
        out.push(b' ');
        out.extend_from_slice(format);
    }
    out.extend_from_slice(b"\r\n");
    for line in media.lines() {
        let gone = kept.is_some_and(|kept| speaks_of_another(&line, kept));
        if !gone && line.kind != 0 {
            out.extend_from_slice(&[line.kind, b'=']);
            out.extend_from_slice(line.value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether an attribute describes a format that is not kept.
fn speaks_of_another(line: &Line<'_>, kept: &[&[u8]]) -> bool {
    let (name, value) = attribute(line.value);
    let about = name.eq_ignore_ascii_case(b"rtpmap") || name.eq_ignore_ascii_case(b"fmtp");
    line.kind == b'a' && about && !kept.contains(&first_token(value).0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    const BASE: &str = "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

    fn read(text: &str) -> Session<'_> {
        parse(text.as_bytes(), &Limits::default()).unwrap_or_else(|e| unreachable!("{e}: {text}"))
    }

    #[test]
    fn a_change_is_told_by_its_kind() {
        let change_to = |text: String| change(&read(BASE), &read(&text));
        assert_eq!(change_to(BASE.replace("o=a 1 1", "o=a 1 2")), Change::Nothing);
        assert_eq!(change_to(BASE.replace("a=sendrecv\r\n", "")), Change::Nothing, "sendrecv is the default");
        assert_eq!(change_to(BASE.replace("a=sendrecv", "a=sendonly")), Change::Direction);
        assert_eq!(change_to(BASE.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0")), Change::Direction);
        assert_eq!(change_to(BASE.replace("c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.9")), Change::Other);
        assert_eq!(change_to(BASE.replace("audio 4000", "audio 4002")), Change::Other);
        assert_eq!(change_to(BASE.replace("AVP 8 0 101", "AVP 0 8 101")), Change::Other);
        assert_eq!(change_to(BASE.replace("a=rtpmap:8", "a=ptime:30\r\na=rtpmap:8")), Change::Other);
        assert_eq!(change_to(format!("{BASE}m=video 0 RTP/AVP 31\r\n")), Change::Other);
    }

    #[test]
    fn what_is_agreed_is_what_both_have() {
        let theirs = BASE.replace("8 0 101", "8 101");
        let keeps = |text: &str| keeps_agreed(&read(BASE), &read(&theirs), &read(text));
        assert!(keeps(BASE));
        assert!(keeps(&BASE.replace("8 0 101", "101 18 8").replace("4000", "4444")));
        assert!(!keeps(&BASE.replace("8 0 101", "0 101")), "the codec in use is gone");
        assert!(!keeps(&BASE.replace("rtpmap:101 telephone-event", "rtpmap:101 speex")), "another meaning");
        assert!(!keeps(&BASE.replace("audio 4000", "audio 0")));
    }

    #[test]
    fn an_answer_is_narrowed_to_what_is_offered() {
        let offer = BASE.replace("8 0 101", "0 8");
        let text = narrow(&read(BASE), &read(&offer)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(text.contains("m=audio 4000 RTP/AVP 8 0\r\n"), "{text}");
        assert!(!text.contains("telephone-event"), "{text}");
        assert!(narrow(&read(BASE), &read(&BASE.replace("8 0 101", "18"))).is_none());
    }
}
