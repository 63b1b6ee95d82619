//! Header rows as text: pushing values that came from a peer, and reading rows that we wrote ourselves.
//!
//! Nothing here lets a line break or NUL of a value through, so a value can never become a header.

use sip_msg::Name;

/// Appends `value` with folds, line breaks and NULs turned into spaces.
pub(crate) fn push_clean(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    out.extend_from_slice(value);
    if memchr::memchr3(b'\r', b'\n', 0, value).is_some() {
        for byte in out.iter_mut().skip(start).filter(|b| matches!(**b, b'\r' | b'\n' | 0)) {
            *byte = b' ';
        }
    }
}

/// Appends one header row with its CRLF.
pub(crate) fn push_row(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    push_clean(out, value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        at -= 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// The rows of a header section that we wrote (one row per line, CRLF, no folds): name, value, whole row.
pub(crate) fn own_rows(text: &[u8]) -> impl Iterator<Item = (Name, &[u8], &[u8])> {
    text.split_inclusive(|&b| b == b'\n').filter_map(|row| {
        let colon = row.iter().position(|&b| b == b':')?;
        let (name, rest) = row.split_at(colon);
        let value = rest.get(1..).unwrap_or_default().trim_ascii();
        Some((Name::from_bytes(name.trim_ascii()), value, row))
    })
}

/// The header section of a message that we wrote: from its start to the blank line, which is left out.
pub(crate) fn own_head(message: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 2);
    message.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rows_print_as_expected() {
        let mut out = Vec::new();
        for n in [0, 7, 10, 4_294_967_295, u64::MAX] {
            push_number(&mut out, n);
            out.push(b' ');
        }
        assert_eq!(out, b"0 7 10 4294967295 18446744073709551615 ");
        out.clear();
        push_row(&mut out, b"Subject", b"a\r\nVia: evil\0");
        assert_eq!(out, b"Subject: a  Via: evil \r\n");
    }

    #[test]
    fn own_rows_are_found_by_either_form_of_their_name() {
        let text = b"INVITE sip:a SIP/2.0\r\nf: <sip:x>\r\nRoute: <sip:r>\r\n";
        let names: Vec<Name> = own_rows(text).map(|r| r.0).collect();
        assert!(names.contains(&Name::From) && names.contains(&Name::Route));
    }
}
