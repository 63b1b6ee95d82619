//! Hostile sizes and numbers are refused with a cause, and cost nothing to speak of.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sdp::{Limits, SdpErrorKind, can_anchor, can_anchor_any, parse};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

fn check(tail: &str, expected: Result<(), SdpErrorKind>) {
    let text = format!("{HEAD}{tail}");
    let roomy = Limits { bytes: 1 << 20, ..Limits::default() };
    let found = parse(text.as_bytes(), &roomy).and_then(|session| can_anchor_any(&session));
    assert_eq!(found.map_err(|error| error.kind), expected, "{}", &tail[..tail.len().min(80)]);
}

#[test]
fn counts_are_bounded() {
    let media = "m=audio 4000 RTP/AVP 0\r\n";
    check(&media.repeat(16), Ok(()));
    check(&media.repeat(17), Err(SdpErrorKind::TooManyMedia { max: 16 }));
    check(&media.repeat(4_096), Err(SdpErrorKind::TooManyMedia { max: 16 }));
    check(&format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(64)), Ok(()));
    check(
        &format!("m=audio 4000 RTP/AVP{}\r\n", " 0".repeat(65)),
        Err(SdpErrorKind::TooManyFormats { max: 64 }),
    );
    let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:kP8sQ4tB7nL1vC3zM6gD0fHjRaEuOiTe5yhX9wY2\r\n";
    check(&format!("m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n{}", crypto.repeat(1_000)), Ok(()));
    check(&format!("{media}{}", "a=x\r\n".repeat(1_100)), Err(SdpErrorKind::TooManyLines { max: 1_024 }));
}

#[test]
fn bytes_are_bounded() {
    let limits = Limits::default();
    let mut text = format!("{HEAD}m=audio 4000 RTP/AVP 0\r\na=").into_bytes();
    text.resize(limits.bytes, b'x');
    assert!(parse(&text, &limits).is_ok());
    text.push(b'x');
    let error = parse(&text, &limits).unwrap_err();
    assert_eq!((error.line, error.kind), (0, SdpErrorKind::TooLong { max: 32_768 }));
    assert_eq!(error.warning().0, 399);
}

#[test]
fn numbers_are_bounded() {
    check("m=audio 4000 RTP/AVP 1000000000\r\n", Err(SdpErrorKind::PayloadType));
    check("m=audio 4000 RTP/AVP 128\r\n", Err(SdpErrorKind::PayloadType));
    check("m=audio 4000 RTP/AVP -1\r\n", Err(SdpErrorKind::PayloadType));
    check("m=audio 65536 RTP/AVP 0\r\n", Err(SdpErrorKind::Port));
    check("m=audio 99999999999 RTP/AVP 0\r\n", Err(SdpErrorKind::Port));
    check("m=audio -5 RTP/AVP 0\r\n", Err(SdpErrorKind::Port));
    check("m=audio 4000/ RTP/AVP 0\r\n", Err(SdpErrorKind::Port));
    check("m=audio 4000/1 RTP/AVP 0\r\n", Ok(()));
    let absurd = Err(SdpErrorKind::PacketTime { max: 1_000 });
    for time in
        ["ptime:0", "ptime:1000000", "ptime:-20", "ptime:", "maxptime:0", "ptime:99999999999999999999"]
    {
        check(&format!("m=audio 4000 RTP/AVP 0\r\na={time}\r\n"), absurd);
    }
    for time in ["ptime:20", "ptime:1", "ptime:1000", "ptime:2.5", "maxptime:240"] {
        check(&format!("m=audio 4000 RTP/AVP 0\r\na={time}\r\n"), Ok(()));
    }
}

#[test]
fn what_is_no_description_is_refused_with_its_line() {
    for (text, line, kind) in [
        ("", 0, SdpErrorKind::Version),
        ("\r\n", 0, SdpErrorKind::Version),
        ("v=1\r\n", 1, SdpErrorKind::Version),
        ("\r\no=- 1 1 IN IP4 192.0.2.1\r\n", 2, SdpErrorKind::Version),
        ("v=0\r\nhello\r\n", 2, SdpErrorKind::NotALine),
        ("v=0\r\n=x\r\n", 2, SdpErrorKind::NotALine),
        ("v=0\r\ns=a\rc=IN IP4 192.0.2.66\r\n", 2, SdpErrorKind::StrayByte),
        ("v=0\r\ns=a\0b\r\n", 2, SdpErrorKind::StrayByte),
        ("v=0\r\n\r\nm=audio\r\n", 3, SdpErrorKind::MediaLine),
        ("v=0\r\nm=audio 4000\r\n", 2, SdpErrorKind::MediaLine),
        ("v=0\r\nc=IN IP4\r\n", 2, SdpErrorKind::Connection),
        ("v=0\r\nc=TN RFC2543 +4930\r\n", 2, SdpErrorKind::NetworkType),
        ("v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 300.1.1.1\r\n", 3, SdpErrorKind::Connection),
    ] {
        let error = parse(text.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!((error.line, error.kind), (line, kind), "{text:?}");
        assert!((300..400).contains(&error.warning().0) && !error.to_string().is_empty());
    }
}

#[test]
fn media_that_cannot_be_carried_say_why() {
    check("", Err(SdpErrorKind::NoMedia));
    check("m=audio 0 RTP/AVP 0\r\n", Ok(()));
    check("m=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\n", Ok(()));
    check("m=audio 4000 TCP/RTP/AVP 0\r\n", Err(SdpErrorKind::Transport));
    check("m=image 4000 TCP t38\r\n", Err(SdpErrorKind::Transport));
    check("m=text 4000 RTP/AVP 98\r\n", Err(SdpErrorKind::MediaType));
    check("m=audio 4000 RTP/AVP\r\n", Err(SdpErrorKind::NoFormat));
    check("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", Ok(()));
    let homeless = b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let session = parse(homeless, &Limits::default()).unwrap();
    assert_eq!(can_anchor(&session.media()[0]).unwrap_err().kind, SdpErrorKind::NoConnection);
}
