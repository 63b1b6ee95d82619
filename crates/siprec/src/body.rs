//! Bodies: a description of media and metadata side by side (RFC 7866 §9.1, RFC 2046 §5.1), and what a recorder asks.

use base::Rng;
use base::rng::hex;
use sip_msg::Msg;

/// The type of a body of several parts, but for its boundary.
pub const MULTIPART: &[u8] = b"multipart/mixed;boundary=";
/// What a recorder asks a snapshot with (RFC 7866 §13.4).
const REQUEST: &[u8] = b"application/rs-metadata-request";
/// Parts of one body that are looked at.
const PARTS_MAX: usize = 16;

/// The type and the text of a body with a description and metadata.
#[must_use]
pub fn multipart(sdp: &[u8], metadata: &str, rng: &mut Rng) -> (Vec<u8>, Vec<u8>) {
    let mut boundary = [0; 16];
    // Neither SDP of ours nor XML of ours has a line that begins with two hyphens.
    hex(rng.next_u64(), &mut boundary);
    let kind = [MULTIPART, &boundary].concat();
    let mut body = Vec::with_capacity(sdp.len() + metadata.len() + 256);
    let open = |body: &mut Vec<u8>, rows: &[u8]| {
        body.extend_from_slice(b"--");
        body.extend_from_slice(&boundary);
        body.extend_from_slice(rows);
    };
    if !sdp.is_empty() {
        open(&mut body, b"\r\nContent-Type: application/sdp\r\n\r\n");
        body.extend_from_slice(sdp);
        body.extend_from_slice(b"\r\n");
    }
    let rows =
        b"\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n";
    open(&mut body, rows);
    body.extend_from_slice(metadata.as_bytes());
    body.extend_from_slice(b"\r\n");
    open(&mut body, b"--\r\n");
    (kind, body)
}

/// The description in a message, alone or one of several parts; empty where there is none.
#[must_use]
pub fn sdp_of(msg: Msg<'_>) -> &[u8] {
    if msg.is_sdp() { msg.body() } else { part(msg, b"application/sdp").unwrap_or_default() }
}

/// Whether a recorder asks for all that it should know (RFC 7866 §10.1).
#[must_use]
pub fn wants_snapshot(msg: Msg<'_>) -> bool {
    let kind = msg.content_type().unwrap_or_default();
    is_type(kind, REQUEST) || part(msg, REQUEST).is_some()
}

/// The part of a type.
fn part<'a>(msg: Msg<'a>, wanted: &[u8]) -> Option<&'a [u8]> {
    let kind = msg.content_type()?;
    if !kind.get(..10)?.eq_ignore_ascii_case(b"multipart/") {
        return None;
    }
    let line = [b"--", boundary_of(kind)?].concat();
    let mut rest = msg.body();
    rest = rest.get(find(rest, &line)? + line.len()..)?;
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return None;
        }
        let end = find(rest, &line)?;
        let (head, content) = split(rest.get(..end)?)?;
        let typed = |row: &[u8]| row.len() > 13 && row[..13].eq_ignore_ascii_case(b"content-type:");
        let row = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|row| typed(row));
        if row.is_some_and(|row| is_type(row[13..].trim_ascii(), wanted)) {
            return Some(content);
        }
        rest = rest.get(end + line.len()..)?;
    }
    None
}

/// The rows of a part, and its content without the line break that belongs to the boundary.
fn split(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let (at, gap) = match find(part, b"\r\n\r\n") {
        Some(at) => (at, 4),
        None => (find(part, b"\n\n")?, 2),
    };
    let content = part.get(at + gap..)?;
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    Some((part.get(..at)?, content.strip_suffix(b"\r").unwrap_or(content)))
}

fn boundary_of(kind: &[u8]) -> Option<&[u8]> {
    let parameter = |text: &&[u8]| text.len() > 9 && text[..9].eq_ignore_ascii_case(b"boundary=");
    let found = kind.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).find(parameter)?;
    let value = &found[9..];
    let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    (!value.is_empty()).then_some(value)
}

fn is_type(value: &[u8], wanted: &[u8]) -> bool {
    let bare = value.split(|byte| *byte == b';').next().unwrap_or_default();
    bare.trim_ascii().eq_ignore_ascii_case(wanted)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
