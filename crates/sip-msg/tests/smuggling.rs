//! Ways to hide, double or forge a header: each is refused, or read under its one true name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sip_msg::{Edit, Index, Leniency, Limits, Name, ParseError, ParseErrorKind as Kind, parse};

fn request(rows: &[u8]) -> Vec<u8> {
    let mut bytes = b"INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n".to_vec();
    bytes.extend_from_slice(rows);
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn refusal(rows: &[u8]) -> Option<Kind> {
    let mut index = Index::new();
    parse(&request(rows), &mut index, &Limits::default(), Leniency::default()).err().map(|error| error.kind)
}

/// All spellings that are valid are found and removed by their id.
#[test]
fn every_valid_spelling_of_a_protected_header_is_removed() {
    let spellings: [&[u8]; 9] = [
        b"P-Asserted-Identity: <sip:evil@x>\r\n",
        b"p-asserted-identity: <sip:evil@x>\r\n",
        b"P-ASSERTED-IDENTITY:<sip:evil@x>\r\n",
        b"P-Asserted-Identity : <sip:evil@x>\r\n",
        b"P-Asserted-Identity\t \t: <sip:evil@x>\r\n",
        b"P-Asserted-Identity:\r\n <sip:evil@x>\r\n",
        b"P-Asserted-Identity:\r\n\t\r\n <sip:evil@x>\r\n",
        b"P-Asserted-Identity: <sip:a@x>\r\nP-Asserted-Identity: <sip:evil@x>\r\n",
        b"P-Asserted-Identity: <sip:a@x>,\r\n <sip:evil@x>\r\n",
    ];
    for rows in spellings {
        let bytes = request(rows);
        let mut index = Index::new();
        let message = parse(&bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
        assert!(message.list(Name::PAssertedIdentity).any(|element| element == b"<sip:evil@x>"));
        let mut out = Vec::new();
        Edit::new(message).remove(Name::PAssertedIdentity).write_to(&mut out);
        assert_eq!(out, request(b""), "{}", String::from_utf8_lossy(rows));
    }
}

#[test]
fn compact_forms_are_the_long_name() {
    let bytes = request(b"f: <sip:a@b>;tag=1\r\nFrom: <sip:c@d>;tag=2\r\nL: 0\r\n");
    let mut index = Index::new();
    let message = parse(&bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
    assert!(message.is_repeated(Name::From));
    assert_eq!(message.from().unwrap_err().kind, sip_msg::HeaderErrorKind::Duplicate);
    assert_eq!(refusal(b"l: 0\r\nContent-Length: 5\r\n"), Some(Kind::ContentLengthRepeated));
    assert_eq!(refusal(b"l: 0\r\nContent-Length: 0\r\n"), Some(Kind::ContentLengthRepeated));
}

#[test]
fn broken_rows_are_refused() {
    let cases: [(&[u8], Kind); 18] = [
        (b"P-Asserted-Identity\r\n", Kind::ColonMissing),
        (b"P-Asserted Identity: x\r\n", Kind::ColonMissing),
        (b"P-Asserted-Identity\r\n : x\r\n", Kind::ColonMissing),
        (b"P-Asserted-Identity\0: x\r\n", Kind::HeaderNameMalformed),
        (b"\0P-Asserted-Identity: x\r\n", Kind::HeaderNameMalformed),
        (b"P-Asserted-Identit\xc3\xbd: x\r\n", Kind::HeaderNameMalformed),
        (b"\xef\xbb\xbfFrom: x\r\n", Kind::HeaderNameMalformed),
        (b": x\r\n", Kind::HeaderNameMalformed),
        (b"(From): x\r\n", Kind::HeaderNameMalformed),
        (b"X: a\nP-Asserted-Identity: x\r\n", Kind::BareLineFeed),
        (b"X: a\n\nP-Asserted-Identity: x\r\n", Kind::BareLineFeed),
        (b"X: a\rP-Asserted-Identity: x\r\n", Kind::BareCarriageReturn),
        (b"X: a\r\r\nP-Asserted-Identity: x\r\n", Kind::BareCarriageReturn),
        (b"X: a\0b\r\n", Kind::Nul),
        (b"X: \\\0\r\n", Kind::Nul),
        (b"X: \"a\0b\"\r\n", Kind::Nul),
        (b"X: \"a\\\\\0b\"\r\n", Kind::Nul),
        (b"Content-Length: 5 5\r\n", Kind::ContentLengthMalformed),
    ];
    for (rows, kind) in cases {
        assert_eq!(refusal(rows), Some(kind), "{}", String::from_utf8_lossy(rows));
    }
    assert_eq!(refusal(b"X: \"quoted \\\0 pair\"\r\n"), None, "the one place for NUL in RFC 3261's grammar");
}

#[test]
fn a_fold_cannot_open_the_header() {
    let bytes = b"OPTIONS sip:a SIP/2.0\r\n Via: x\r\n\r\n";
    let mut index = Index::new();
    let error = parse(bytes, &mut index, &Limits::default(), Leniency::default()).unwrap_err();
    assert_eq!(error, ParseError { kind: Kind::FoldWithoutHeader, offset: 23 });
}

/// A folded line that looks like a header is part of the value before it, and never a header once written anew.
#[test]
fn folded_lines_are_values() {
    let bytes = request(b"Subject: a\r\n P-Asserted-Identity: <sip:evil@x>\r\n");
    let mut index = Index::new();
    let message = parse(&bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
    assert!(message.first(Name::PAssertedIdentity).is_none());
    let subject = message.first(Name::Subject).unwrap();
    let mut out = Vec::new();
    let mut writer = sip_msg::Writer::request(&mut out, b"INVITE", b"sip:b@c");
    writer.header(Name::Subject, subject);
    writer.finish(b"", b"");
    assert_eq!(out, b"INVITE sip:b@c SIP/2.0\r\nSubject: a P-Asserted-Identity: <sip:evil@x>\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn bytes_that_are_not_ours_pass_intact() {
    let rows = b"From: J\xfcrgen \xff <sip:a@b>;tag=1\r\nX-Odd:\t\x01\x7f\x80 ;;,, \r\nx-oDD  :  \r\n \r\nMax-Forwards: 70\r\n";
    let bytes = request(rows);
    let mut index = Index::new();
    let message = parse(&bytes, &mut index, &Limits::default(), Leniency::default()).unwrap();
    assert_eq!(message.from().unwrap().display, b"J\xfcrgen \xff");
    let mut out = Vec::new();
    Edit::new(message).replace(Name::MaxForwards, &b"69"[..]).write_to(&mut out);
    let expected = String::from_utf8_lossy(&bytes).replace("Max-Forwards: 70", "Max-Forwards: 69");
    assert_eq!(String::from_utf8_lossy(&out), expected);
    assert_eq!(out.len(), bytes.len());
}

#[test]
fn limits_hold_before_anything_is_stored() {
    let limits = Limits { headers: 3, header_line: 64, start_line: 64, message: 1_000, ..Limits::default() };
    let mut index = Index::new();
    let mut kind =
        |bytes: &[u8]| parse(bytes, &mut index, &limits, Leniency::default()).err().map(|error| error.kind);
    assert_eq!(kind(&request(b"A: 1\r\nB: 2\r\n")), None);
    assert_eq!(kind(&request(b"A: 1\r\nB: 2\r\nC: 3\r\n")), Some(Kind::TooManyHeaders));
    assert_eq!(
        kind(&request(&[b"A: ".as_slice(), &[b'x'; 60], b"\r\n"].concat())),
        Some(Kind::HeaderTooLong)
    );
    assert_eq!(kind(&[b'x'; 1_001]), Some(Kind::MessageTooLarge));
    assert_eq!(kind(&[b'x'; 900]), Some(Kind::StartLineTooLong));
    assert_eq!(kind(b"OPTIONS sip:a SIP/2.0\r\nl: 1001\r\n\r\n"), Some(Kind::BodyTooLarge));
    assert_eq!(kind(b"OPTIONS sip:a SIP/2.0\r\nl: 18446744073709551617\r\n\r\n"), Some(Kind::BodyTooLarge));
}

#[test]
fn leniencies_do_what_they_are_named() {
    let mut index = Index::new();
    let mut accepts = |bytes: &[u8], leniency| parse(bytes, &mut index, &Limits::default(), leniency).is_ok();
    let strict = Leniency::default();
    let cases: [(&[u8], Leniency); 5] = [
        (b"OPTIONS sip:a SIP/2.0\nl: 0\n\n", Leniency { bare_lf: true, ..strict }),
        (b"OPTIONS  sip:a  SIP/2.0 \r\n\r\n", Leniency { start_line_blanks: true, ..strict }),
        (b"SIP/2.0 200\r\n\r\n", Leniency { start_line_blanks: true, ..strict }),
        (
            b"OPTIONS sip:a SIP/2.0\r\nl: 2\r\nl: 02\r\n\r\nab",
            Leniency { repeated_content_length: true, ..strict },
        ),
        (b"OPTIONS sip:a SIP/2.0\r\nl: 9\r\n\r\nab", Leniency { short_datagram_body: true, ..strict }),
    ];
    for (bytes, leniency) in cases {
        assert!(!accepts(bytes, strict) && accepts(bytes, leniency), "{}", String::from_utf8_lossy(bytes));
    }
}
