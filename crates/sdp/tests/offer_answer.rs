//! Offers of our own, answers judged, answers rewritten (RFC 3264).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sdp::{
    Agreed, AgreedMedia, Anchor, CodecName, Cover, Direction, HoldForm, Limits, SdpErrorKind, Session, Wrap,
    anchor, anchor_answer, check_answer, offer, parse, reject_all, same_except_version,
};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

fn ours(ports: &[Option<u16>]) -> Anchor<'_> {
    Anchor {
        address: "203.0.113.200".parse().unwrap(),
        ports,
        origin_id: 5,
        origin_version: 6,
        hold: HoldForm::Sendonly,
        reveal: sdp::Reveal::default(),
        covers: &[],
    }
}

fn read(bytes: &[u8]) -> Session<'_> {
    parse(bytes, &Limits::default()).unwrap()
}

#[test]
fn our_offer_is_well_formed() {
    let bytes = offer(&CodecName::ALL, &ours(&[Some(30_000)]));
    let expected = "v=0\r\no=- 5 6 IN IP4 203.0.113.200\r\ns=-\r\nc=IN IP4 203.0.113.200\r\nt=0 0\r\n\
        m=audio 30000 RTP/AVP 8 0 9 18 96 13 101 102\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n\
        a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n\
        a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:13 CN/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
        a=rtpmap:102 telephone-event/48000\r\na=fmtp:102 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn our_offer_names_a_codec_once_and_never_none() {
    let twice = offer(&[CodecName::Pcmu, CodecName::Pcmu], &ours(&[Some(30_000)]));
    assert_eq!(read(&twice).media()[0].codecs().count(), 1);
    let none = offer(&[], &ours(&[]));
    let session = read(&none);
    assert_eq!((session.media()[0].port, session.media()[0].codecs().count()), (0, 2));
    for codec in CodecName::ALL {
        assert_eq!(CodecName::from_name(&codec.as_str().to_lowercase()), Some(codec));
    }
    assert_eq!(CodecName::from_name("GSM"), None);
}

fn with_agreed(offered: &str, answered: &str, judge: impl FnOnce(Result<Agreed<'_>, SdpErrorKind>)) {
    let (offered, answered) = (format!("{HEAD}{offered}"), format!("{HEAD}{answered}"));
    let result = check_answer(&read(offered.as_bytes()), &read(answered.as_bytes()));
    judge(result.map_err(|error| error.kind));
}

fn check_refused(offered: &str, answered: &str, kind: SdpErrorKind) {
    with_agreed(offered, answered, |result| assert_eq!(result.err(), Some(kind)));
}

#[test]
fn payload_types_of_both_sides_are_found() {
    let offered =
        "m=audio 4000 RTP/AVP 96 8 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
    let answered =
        "m=audio 5000 RTP/AVP 97 8 111\r\na=rtpmap:97 telephone-event/8000\r\na=rtpmap:111 opus/48000/2\r\n";
    with_agreed(offered, answered, |result| {
        let agreed = result.unwrap();
        let [
            AgreedMedia::Active {
                codec: Some(codec),
                codec_offer_pt,
                event_offer_pt,
                event_answer_pt,
                direction,
            },
        ] = agreed.media[..]
        else {
            panic!("{agreed:?}")
        };
        assert_eq!((codec.pt, codec.name, codec_offer_pt), (8, &b"PCMA"[..], Some(8)));
        assert_eq!((event_offer_pt, event_answer_pt), (Some(101), Some(97)));
        assert_eq!(direction, Direction::SendRecv);
    });
}

#[test]
fn events_at_the_clock_of_the_codec_are_preferred() {
    let lines = "a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n";
    let offered = format!("m=audio 4000 RTP/AVP 96 101 102\r\n{lines}");
    with_agreed(&offered, &offered, |result| {
        let agreed = result.unwrap();
        assert!(matches!(agreed.media[0], AgreedMedia::Active { event_answer_pt: Some(102), .. }));
        assert!(!agreed.is_empty());
    });
}

#[test]
fn an_answer_must_fit_its_offer() {
    let audio = "m=audio 4000 RTP/AVP 0 8\r\n";
    let video = "m=video 4002 RTP/AVP 34\r\n";
    check_refused(audio, "", SdpErrorKind::AnswerMediaCount { offer: 1, answer: 0 });
    check_refused(audio, &format!("{audio}{video}"), SdpErrorKind::AnswerMediaCount { offer: 1, answer: 2 });
    check_refused(&format!("{audio}{video}"), &format!("{video}{audio}"), SdpErrorKind::AnswerMediaType);
    check_refused(audio, "m=audio 4000 RTP/SAVP 0\r\n", SdpErrorKind::AnswerTransport);
    check_refused(audio, "m=audio 4000 RTP/AVP 18\r\n", SdpErrorKind::AnswerFormat);
    check_refused(audio, "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 G729/8000\r\n", SdpErrorKind::AnswerFormat);
    check_refused("m=image 4 udptl t38\r\n", "m=image 4 udptl t37\r\n", SdpErrorKind::AnswerFormat);
}

#[test]
fn what_is_tolerated_of_answers() {
    with_agreed("m=audio 4000 RTP/AVPF 8\r\n", "m=AUDIO 4000 RTP/AVP 8\r\na=sendrecv\r\n", |result| {
        assert!(matches!(result.unwrap().media[0], AgreedMedia::Active { .. }));
    });
    with_agreed("m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n", "m=audio 4000 RTP/AVP 8\r\n", |result| {
        let agreed = result.unwrap();
        assert!(matches!(agreed.media[0], AgreedMedia::Active { direction: Direction::RecvOnly, .. }));
    });
    with_agreed("m=audio 0 RTP/AVP 8\r\n", "m=audio 4000 RTP/AVP 8\r\n", |result| {
        assert!(result.unwrap().is_empty());
    });
    with_agreed("m=image 4000 udptl t38\r\n", "m=image 4000 UDPTL T38\r\n", |result| {
        assert!(matches!(result.unwrap().media[0], AgreedMedia::Active { codec: None, .. }));
    });
}

#[test]
fn a_rewritten_answer_says_no_more_than_the_offer_allows() {
    let offered = format!("{HEAD}m=audio 4000 RTP/AVPF 8\r\na=sendonly\r\n");
    let answered = format!("{HEAD}m=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n");
    let mut out = Vec::new();
    anchor_answer(&read(answered.as_bytes()), &read(offered.as_bytes()), &ours(&[Some(9_000)]), &mut out)
        .unwrap();
    let sent = read(&out);
    assert_eq!(sent.media()[0].direction(), Direction::RecvOnly);
    assert_eq!((sent.media()[0].port, sent.media()[0].proto), (9_000, &b"RTP/AVPF"[..]));
}

#[test]
fn a_port_for_media_we_cannot_carry_is_refused_and_leaves_the_output_alone() {
    let offered = format!("{HEAD}m=audio 4000 RTP/AVP 8\r\nm=audio 4002 TCP/TLS/RTP/SAVP 8\r\n");
    let mut out = b"before".to_vec();
    let error = anchor(&read(offered.as_bytes()), &ours(&[Some(9_000), Some(9_002)]), &mut out).unwrap_err();
    assert_eq!((error.line, error.kind, error.warning().0), (7, SdpErrorKind::Transport, 302));
    assert_eq!(out, b"before");
    anchor(&read(offered.as_bytes()), &ours(&[Some(9_000)]), &mut out).unwrap();
    assert!(out.starts_with(b"beforev=0\r\n") && out.ends_with(b"m=audio 0 TCP/TLS/RTP/SAVP 8\r\n"));
}

#[test]
fn ipv6_is_advertised_as_such_and_the_last_port_has_no_rtcp_beside_it() {
    let offered = format!("{HEAD}m=audio 4000 RTP/AVP 8\r\na=rtcp:4001\r\na=inactive\r\n");
    let six =
        Anchor { address: "2001:db8::1".parse().unwrap(), hold: HoldForm::Zero, ..ours(&[Some(65_535)]) };
    let mut out = Vec::new();
    anchor(&read(offered.as_bytes()), &six, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("o=- 5 6 IN IP6 2001:db8::1\r\n") && text.contains("c=IN IP6 2001:db8::1\r\n"));
    assert!(text.contains("c=IN IP6 ::\r\n") && !text.contains("a=rtcp"), "{text}");
}

#[test]
fn refusing_everything_keeps_the_shape_of_the_offer() {
    let offered = format!("{HEAD}m=audio 4000 RTP/AVP 8 0\r\na=x\r\nm=image 4002 udptl t38\r\n");
    let bytes = reject_all(&read(offered.as_bytes()), (7, 2));
    let answer = read(&bytes);
    assert!(answer.media().iter().all(|media| media.port == 0));
    assert!(check_answer(&read(offered.as_bytes()), &answer).unwrap().is_empty());
}

#[test]
fn only_the_version_may_differ() {
    let one = "v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nm=audio 4 RTP/AVP 0\r\n";
    for (other, same) in [
        ("v=0\no=a 1 2 IN IP4 h\ns=-\nm=audio 4 RTP/AVP 0\n", true),
        ("v=0\r\no=a 2 1 IN IP4 h\r\ns=-\r\nm=audio 4 RTP/AVP 0\r\n", false),
        ("v=0\r\no=a 1 1 IN IP4 i\r\ns=-\r\nm=audio 4 RTP/AVP 0\r\n", false),
        ("v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\nm=audio 6 RTP/AVP 0\r\n", false),
        ("v=0\r\no=a 1 1 IN IP4 h\r\ns=-\r\n", false),
    ] {
        assert_eq!(same_except_version(one.as_bytes(), other.as_bytes()), same, "{other}");
        assert_eq!(same_except_version(other.as_bytes(), one.as_bytes()), same, "{other}");
    }
}

#[test]
fn each_leg_says_by_itself_whether_it_is_secured() {
    let keys = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n";
    let cover = |wrap| [Cover { wrap, lines: keys.to_vec() }];
    for (proto, wrap, expected) in [
        ("RTP/AVP", Wrap::Savp, "RTP/SAVP"),
        ("RTP/AVPF", Wrap::Savp, "RTP/SAVPF"),
        ("RTP/SAVP", Wrap::Plain, "RTP/AVP"),
        ("RTP/SAVPF", Wrap::Plain, "RTP/AVPF"),
        ("RTP/SAVP", Wrap::Savp, "RTP/SAVP"),
        ("rtp/avp", Wrap::Plain, "rtp/avp"),
        ("RTP/AVP", Wrap::Dtls, "UDP/TLS/RTP/SAVP"),
        ("RTP/SAVPF", Wrap::Dtls, "UDP/TLS/RTP/SAVPF"),
        ("UDP/TLS/RTP/SAVPF", Wrap::Savp, "RTP/SAVP"),
        ("UDP/TLS/RTP/SAVPF", Wrap::Plain, "RTP/AVP"),
    ] {
        let offered = format!("{HEAD}m=audio 4000 {proto} 8\r\na=crypto:9 X inline:BBBB\r\na=ptime:20\r\n");
        let covers = cover(wrap);
        let mut out = Vec::new();
        anchor(&read(offered.as_bytes()), &Anchor { covers: &covers, ..ours(&[Some(9_000)]) }, &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("m=audio 9000 {expected} 8\r\n")), "{text}");
        assert!(text.ends_with("a=ptime:20\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n"), "{text}");
    }
    // An answer repeats the offer's transport, whatever the other leg has.
    for (offered, answered) in
        [("RTP/SAVP", "RTP/AVP"), ("RTP/AVP", "RTP/SAVPF"), ("UDP/TLS/RTP/SAVPF", "RTP/AVP")]
    {
        let offer = format!("{HEAD}m=audio 4000 {offered} 8\r\n");
        let answer = format!("{HEAD}m=audio 4000 {answered} 8\r\n");
        let mut out = Vec::new();
        anchor_answer(&read(answer.as_bytes()), &read(offer.as_bytes()), &ours(&[Some(9_000)]), &mut out)
            .unwrap();
        assert!(String::from_utf8(out).unwrap().contains(&format!("m=audio 9000 {offered} 8\r\n")));
    }
    let made = sdp::offer(&[], &Anchor { covers: &cover(Wrap::Savp), ..ours(&[Some(9_000)]) });
    let made = String::from_utf8(made).unwrap();
    assert!(made.contains("m=audio 9000 RTP/SAVP 8 0\r\n") && made.ends_with("inline:AAAA\r\n"), "{made}");
}

#[test]
fn keys_beside_plain_rtp_may_be_answered_with_the_secured_transport() {
    let plain = "m=audio 4000 RTP/AVP 8\r\n";
    let keys = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n";
    let secured = format!("m=audio 4000 RTP/SAVP 8\r\n{keys}");
    with_agreed(&format!("{plain}{keys}"), &secured, |result| assert!(result.is_ok()));
    check_refused(plain, &secured, SdpErrorKind::AnswerTransport);
    check_refused(&secured, &format!("{plain}{keys}"), SdpErrorKind::AnswerTransport);
}
