//! Other formats in a media description (RFC 3264 §5.1, §6.1): left out, in another order, added; another packet
//! time. Everything else stays as it is written.

use crate::line::{Lines, attribute, first_token, number};
use crate::session::Session;
use std::io::Write;

/// One format of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// One that is described already.
    Kept(u8),
    /// A new one: payload type, a=rtpmap, a=fmtp (empty: none).
    New(u8, &'static str, &'static str),
}

impl Written {
    /// Its payload type.
    #[must_use]
    pub const fn payload_type(&self) -> u8 {
        match self {
            Written::Kept(pt) | Written::New(pt, ..) => *pt,
        }
    }
}

/// What one m= line becomes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recast {
    /// Its formats, in order; none: it is refused with port 0 (RFC 3264 §6).
    pub formats: Vec<Written>,
    /// `Some`: packet times that were said are left out and this is said instead, if anything.
    pub ptime: Option<Option<u8>>,
}

impl Recast {
    /// A line that is refused.
    #[must_use]
    pub fn refused() -> Recast {
        Recast { formats: Vec::new(), ptime: None }
    }
}

/// Writes a session whose m= lines of `recasts` (by their index) are changed.
#[must_use]
pub fn recast(session: &Session<'_>, recasts: &[Option<Recast>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(session.bytes.len() + 128);
    let mut index = 0;
    let mut current: Option<&Recast> = None;
    for line in Lines::new(session.bytes) {
        if line.kind == b'm' {
            finish(current, &mut out);
            current = recasts.get(index).and_then(Option::as_ref);
            index += 1;
            if let Some(recast) = current {
                media_line(line.value, recast, &mut out);
                continue;
            }
        }
        if current.is_some_and(|recast| line.kind == b'a' && is_replaced(line.value, recast)) {
            continue;
        }
        if line.kind != 0 {
            out.extend_from_slice(&[line.kind, b'=']);
        }
        out.extend_from_slice(line.value);
        out.extend_from_slice(b"\r\n");
    }
    finish(current, &mut out);
    out
}

/// Kind, port and transport as written, then the formats.
fn media_line(value: &[u8], recast: &Recast, out: &mut Vec<u8>) {
    let (kind, rest) = first_token(value);
    let (port, rest) = first_token(rest);
    let (proto, formats) = first_token(rest);
    out.extend_from_slice(b"m=");
    let refused = recast.formats.is_empty();
    for token in [kind, if refused { b"0" } else { port }, proto] {
        out.extend_from_slice(token);
        out.push(b' ');
    }
    if refused {
        out.extend_from_slice(formats.trim_ascii());
        out.extend_from_slice(b"\r\n");
        return;
    }
    let types: Vec<String> = recast.formats.iter().map(|format| format.payload_type().to_string()).collect();
    let _ = write!(out, "{}\r\n", types.join(" "));
}

/// Whether an attribute speaks of a format that is not kept, or of a packet time that is not.
fn is_replaced(value: &[u8], recast: &Recast) -> bool {
    let (name, value) = attribute(value);
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    if is(b"ptime") || is(b"maxptime") || is(b"minptime") {
        return recast.ptime.is_some();
    }
    if !is(b"rtpmap") && !is(b"fmtp") {
        return false;
    }
    let pt = number(first_token(value).0, 127);
    let kept = |format: &Written| matches!(format, Written::Kept(kept) if Some(u32::from(*kept)) == pt);
    !recast.formats.iter().any(kept)
}

/// What is new, at the end of a section.
fn finish(recast: Option<&Recast>, out: &mut Vec<u8>) {
    let Some(recast) = recast else { return };
    for format in &recast.formats {
        let Written::New(pt, map, fmtp) = format else { continue };
        let _ = write!(out, "a=rtpmap:{pt} {map}\r\n");
        if !fmtp.is_empty() {
            let _ = write!(out, "a=fmtp:{pt} {fmtp}\r\n");
        }
    }
    if let Some(Some(ptime)) = recast.ptime {
        let _ = write!(out, "a=ptime:{ptime}\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Limits, parse};

    #[test]
    fn formats_change_and_the_rest_stays() {
        let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=x-odd\r\n\
            m=audio 4000 RTP/AVP 8 96 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 cbr=1\r\n\
            a=rtpmap:101 telephone-event/8000\r\na=ptime:30\r\na=maxptime:60\r\na=sendonly\r\n\
            m=video 5000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
        let session = parse(text.as_bytes(), &Limits::default()).unwrap();
        let formats = vec![Written::Kept(101), Written::New(9, "G722/8000", ""), Written::Kept(8)];
        let made = recast(&session, &[Some(Recast { formats, ptime: Some(Some(20)) })]);
        let wanted = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=x-odd\r\n\
            m=audio 4000 RTP/AVP 101 9 8\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n\
            a=rtpmap:9 G722/8000\r\na=ptime:20\r\n\
            m=video 5000 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
        assert_eq!(String::from_utf8(made).unwrap(), wanted);
        assert_eq!(recast(&session, &[]), text.as_bytes());
    }
}
