//! Named events (RFC 4733) in a description: taken out, or put in with numbers of ours.
//!
//! Enter through [`with_events`]; everything else stays as it was written.

use crate::line::{Lines, attribute, first_token, number};
use crate::media::{Kind, Media};
use crate::session::Session;
use smallvec::SmallVec;
use std::io::Write;

/// Payload types and clocks of events.
pub type EventTypes = SmallVec<[(u8, u32); 4]>;

/// The payload types of events in a media description, in its order.
#[must_use]
pub fn event_types(media: &Media<'_>) -> EventTypes {
    media.codecs().filter(|codec| codec.is_telephone_event()).map(|codec| (codec.pt, codec.clock)).collect()
}

/// Appends the description with other event types in its audio: `choose` says which, given the place of the
/// media, or none where they are to stay. A media description of nothing but events stays.
pub fn with_events(
    session: &Session<'_>,
    choose: impl Fn(usize, &Media<'_>) -> Option<EventTypes>,
    out: &mut Vec<u8>,
) {
    out.reserve(session.bytes.len() + 64);
    for line in Lines::new(session.head) {
        write_line(line.kind, line.value, out);
    }
    for (at, media) in session.media().iter().enumerate() {
        let audio = media.kind == Kind::Audio && media.codecs().any(|codec| codec.is_primary());
        match choose(at, media).filter(|_| audio) {
            Some(types) => write_media(media, &types, out),
            None => {
                write_media_line(media, media.formats(), &[], out);
                media.lines().for_each(|line| write_line(line.kind, line.value, out));
            }
        }
    }
}

fn write_media(media: &Media<'_>, types: &EventTypes, out: &mut Vec<u8>) {
    let old = event_types(media);
    let is_old = |token: &[u8]| {
        let pt = number(token, u32::from(u8::MAX));
        pt.is_some_and(|pt| old.iter().any(|(known, _)| u32::from(*known) == pt))
    };
    write_media_line(media, media.formats().filter(|format| !is_old(format)), types, out);
    let mut owed = true;
    for line in media.lines() {
        let (name, value) = attribute(line.value);
        let of_format = name.eq_ignore_ascii_case(b"rtpmap") || name.eq_ignore_ascii_case(b"fmtp");
        if line.kind == b'a' && of_format && is_old(first_token(value).0) {
            continue;
        }
        // Below the attributes of the codecs, so that a reader of prefixes finds all in one place.
        if line.kind == b'a' && !of_format && std::mem::take(&mut owed) {
            write_maps(types, out);
        }
        write_line(line.kind, line.value, out);
    }
    if owed {
        write_maps(types, out);
    }
}

fn write_maps(types: &EventTypes, out: &mut Vec<u8>) {
    for (pt, clock) in types {
        let _ = write!(out, "a=rtpmap:{pt} telephone-event/{clock}\r\na=fmtp:{pt} 0-15\r\n");
    }
}

fn write_media_line<'a>(
    media: &Media<'_>,
    formats: impl Iterator<Item = &'a [u8]>,
    types: &[(u8, u32)],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"m=");
    out.extend_from_slice(media.kind_token);
    let _ = write!(out, " {}", media.port);
    if media.port_count != 1 {
        let _ = write!(out, "/{}", media.port_count);
    }
    out.push(b' ');
    out.extend_from_slice(media.proto);
    for format in formats {
        out.push(b' ');
        out.extend_from_slice(format);
    }
    for (pt, _) in types {
        let _ = write!(out, " {pt}");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_line(kind: u8, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind, b'=']);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 8 101 96\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
        a=rtpmap:96 opus/48000/2\r\na=ptime:20\r\na=sendrecv\r\nm=image 4002 udptl t38\r\na=T38FaxVersion:0\r\n";

    fn check(types: &[(u8, u32)], line: &str, maps: &str) {
        let session = parse(OFFER.as_bytes(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        with_events(&session, |_, _| Some(types.iter().copied().collect()), &mut out);
        let text = String::from_utf8(out).unwrap();
        let expected = OFFER
            .replace("m=audio 4000 RTP/AVP 8 101 96", line)
            .replace("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", "")
            .replace("a=ptime:20\r\n", &format!("{maps}a=ptime:20\r\n"));
        assert_eq!(text, expected);
        let again = parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(&event_types(&again.media()[0])[..], types);
    }

    #[test]
    fn events_are_taken_out_and_put_in() {
        check(&[], "m=audio 4000 RTP/AVP 8 96", "");
        check(
            &[(97, 8_000), (98, 48_000)],
            "m=audio 4000 RTP/AVP 8 96 97 98",
            "a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\n\
             a=rtpmap:98 telephone-event/48000\r\na=fmtp:98 0-15\r\n",
        );
    }

    #[test]
    fn what_is_to_stay_stays() {
        let session = parse(OFFER.as_bytes(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        with_events(&session, |_, _| None, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), OFFER);
    }
}
