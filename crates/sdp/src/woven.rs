//! Lines of ours put into a description that is already written.

use crate::line::Lines;

/// `text` with `head` at the end of the session's lines, and after the lines of each m= line what `media` writes
/// for its index.
#[must_use]
pub fn with_lines(text: &[u8], head: &[u8], mut media: impl FnMut(usize, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + head.len() + 256);
    let mut count = 0;
    for line in Lines::new(text) {
        if line.kind == b'm' {
            close(count, head, &mut media, &mut out);
            count += 1;
        }
        out.extend_from_slice(text.get(line.start..line.next).unwrap_or_default());
    }
    close(count, head, &mut media, &mut out);
    out
}

/// Ends the session's lines (0) or those of the m= line before the next one.
fn close(count: usize, head: &[u8], media: &mut impl FnMut(usize, &mut Vec<u8>), out: &mut Vec<u8>) {
    match count.checked_sub(1) {
        None => out.extend_from_slice(head),
        Some(index) => media(index, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_where_they_belong() {
        let text = b"v=0\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\na=x\r\nm=video 0 RTP/AVP 31\r\n";
        let woven = with_lines(text, b"a=ice-lite\r\n", |index, out| {
            out.extend_from_slice(format!("a=n:{index}\r\n").as_bytes());
        });
        let woven = String::from_utf8(woven).unwrap();
        assert_eq!(
            woven,
            "v=0\r\nt=0 0\r\na=ice-lite\r\nm=audio 4 RTP/AVP 0\r\na=x\r\na=n:0\r\nm=video 0 RTP/AVP 31\r\na=n:1\r\n"
        );
        assert_eq!(with_lines(b"v=0\r\n", b"", |_, _| ()), b"v=0\r\n");
    }
}
