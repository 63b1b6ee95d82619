//! Descriptions that outlive the call they were made for: a party that is handed to another one.

use crate::direction::Direction;

/// A description as its writer would offer it to somebody new: whatever was held is not (RFC 3264 §5.1,
/// §8.4). A null address gives way to that of the origin line.
#[must_use]
pub fn resumed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut origin: &[u8] = b"";
    for line in lines(text) {
        match line {
            [b'o', b'=', rest @ ..] => origin = address(rest),
            [b'a', b'=', name @ ..] if Direction::from_name(name.trim_ascii()).is_some() => continue,
            [b'c', b'=', rest @ ..] if address(rest) == b"0.0.0.0" && !origin.is_empty() => {
                let kept = rest.len() - address(rest).len();
                push(&mut out, &[b"c=", &rest[..kept], origin]);
                continue;
            }
            _ => {}
        }
        push(&mut out, &[line]);
    }
    out
}

/// `text` under the origin of `before`, its version one higher (RFC 3264 §8): for a peer that takes it for a
/// change of the session that it has.
#[must_use]
pub fn continued(before: &[u8], text: &[u8]) -> Vec<u8> {
    let Some(origin) = lines(before).find(|line| line.starts_with(b"o=")) else { return text.to_vec() };
    let mut fields: Vec<&[u8]> = origin.split(|c| *c == b' ').collect();
    let Some(version) = fields.get(2).and_then(|v| std::str::from_utf8(v).ok()?.parse::<u64>().ok()) else {
        return text.to_vec();
    };
    let next = version.wrapping_add(1).to_string();
    fields[2] = next.as_bytes();
    let origin = fields.join(&b' ');
    let mut out = Vec::with_capacity(text.len() + 16);
    for line in lines(text) {
        push(&mut out, &[if line.starts_with(b"o=") { &origin } else { line }]);
    }
    out
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|c| *c == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|l| !l.is_empty())
}

/// The last field of an origin or connection line.
fn address(rest: &[u8]) -> &[u8] {
    rest.rsplit(|c| *c == b' ').next().unwrap_or_default()
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"v=0\r\no=a 7 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=inactive\r\nm=audio 4000 RTP/AVP 8\r\na=sendonly\r\na=ptime:20\r\nm=video 0 RTP/AVP 31\r\n";

    #[test]
    fn what_was_held_is_offered_both_ways() {
        let text = String::from_utf8(resumed(TEXT)).unwrap();
        assert_eq!(
            text,
            "v=0\r\no=a 7 3 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=ptime:20\r\nm=video 0 RTP/AVP 31\r\n"
        );
        assert_eq!(resumed(text.as_bytes()), text.as_bytes());
        assert_eq!(resumed(b""), b"");
    }

    #[test]
    fn the_origin_goes_on_one_version_higher() {
        let other = b"v=0\r\no=zoe 99 1 IN IP4 198.51.100.2\r\ns=-\r\nt=0 0\r\n";
        let text = String::from_utf8(continued(TEXT, other)).unwrap();
        assert_eq!(text, "v=0\r\no=a 7 4 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n");
        assert_eq!(continued(b"v=0\r\n", other), other);
        assert_eq!(continued(b"o=a 7 x IN IP4 1\r\n", other), other);
    }
}
