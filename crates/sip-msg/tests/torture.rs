//! RFC 4475 and RFC 5118: one verdict for every message, as UDP datagram and on a stream.
//!
//! `Accept` means: parsed, verified, and forwarded byte for byte. What the layers above must refuse (unknown scheme,
//! method, extension, body type) is accepted here, since the answer needs the parsed message.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;

use sip_msg::{
    Edit, Frame, FrameError, Framer, Index, Leniency, Limits, Method, Msg, ParseErrorKind as Kind, Scheme,
    Uri, parse, salvage, verify,
};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Verdict {
    Accept,
    /// `parse` refuses, with this status for a request.
    Refuse(Kind, u16),
    /// `parse` accepts, `verify` faults with 400.
    Fault,
}
use Verdict::{Accept, Fault, Refuse};

/// Name, verdict, RFC 4475 section.
const RFC4475: [(&str, Verdict, &str); 49] = [
    ("wsinv", Accept, "3.1.1.1"),
    ("intmeth", Accept, "3.1.1.2"),
    ("esc01", Accept, "3.1.1.3"),
    ("escnull", Accept, "3.1.1.4"),
    ("esc02", Accept, "3.1.1.5"),
    ("lwsdisp", Accept, "3.1.1.6"),
    ("longreq", Accept, "3.1.1.7"),
    ("dblreq", Accept, "3.1.1.8"),
    ("semiuri", Accept, "3.1.1.9"),
    ("transports", Accept, "3.1.1.10"),
    ("mpart01", Accept, "3.1.1.11"),
    ("unreason", Accept, "3.1.1.12"),
    ("noreason", Accept, "3.1.1.13"),
    ("badinv01", Fault, "3.1.2.1"),
    ("clerr", Refuse(Kind::BodyShort, 400), "3.1.2.2"),
    ("ncl", Refuse(Kind::ContentLengthMalformed, 400), "3.1.2.3"),
    ("scalar02", Fault, "3.1.2.4"),
    ("scalarlg", Fault, "3.1.2.5"),
    ("quotbal", Fault, "3.1.2.6"),
    ("ltgtruri", Fault, "3.1.2.7"),
    ("lwsruri", Refuse(Kind::StartLineMalformed, 400), "3.1.2.8"),
    ("lwsstart", Refuse(Kind::RequestUriMalformed, 400), "3.1.2.9"),
    ("trws", Refuse(Kind::StartLineMalformed, 400), "3.1.2.10"),
    ("escruri", Fault, "3.1.2.11"),
    ("baddate", Fault, "3.1.2.12"),
    ("regbadct", Fault, "3.1.2.13"),
    ("badaspec", Fault, "3.1.2.14"),
    ("baddn", Fault, "3.1.2.15"),
    ("badvers", Refuse(Kind::VersionUnsupported, 505), "3.1.2.16"),
    ("mismatch01", Fault, "3.1.2.17"),
    ("mismatch02", Fault, "3.1.2.18"),
    ("bigcode", Refuse(Kind::StatusCodeMalformed, 400), "3.1.2.19"),
    ("badbranch", Accept, "3.2.1"),
    ("insuf", Fault, "3.3.1"),
    ("unkscm", Accept, "3.3.2"),
    ("novelsc", Accept, "3.3.3"),
    ("unksm2", Accept, "3.3.4"),
    ("bext01", Accept, "3.3.5"),
    ("invut", Accept, "3.3.6"),
    ("regaut01", Accept, "3.3.7"),
    ("multi01", Fault, "3.3.8"),
    ("mcl01", Refuse(Kind::ContentLengthRepeated, 400), "3.3.9"),
    ("bcast", Accept, "3.3.10"),
    ("zeromf", Accept, "3.3.11"),
    ("cparam01", Accept, "3.3.12"),
    ("cparam02", Accept, "3.3.13"),
    ("regescrt", Accept, "3.3.14"),
    ("sdp01", Accept, "3.3.15"),
    ("inv2543", Accept, "3.4.1"),
];

const RFC5118: [(&str, Verdict, &str); 12] = [
    ("ipv6-good", Accept, "4.1"),
    ("ipv6-bad", Fault, "4.2"),
    ("port-ambiguous", Accept, "4.3"),
    ("port-unambiguous", Accept, "4.4"),
    ("via-received-param-with-delim", Accept, "4.5"),
    ("via-received-param-no-delim", Accept, "4.5"),
    ("ipv6-in-sdp", Accept, "4.6"),
    ("mult-ip-in-header", Accept, "4.7"),
    ("mult-ip-in-sdp", Accept, "4.8"),
    ("ipv4-mapped-ipv6", Accept, "4.9"),
    ("ipv6-bug-abnf-3-colons", Accept, "4.10"),
    ("ipv6-correct-abnf-2-colons", Accept, "4.10"),
];

fn load(rfc: &str, name: &str) -> Vec<u8> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(rfc).join(format!("{name}.dat"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn with<T>(rfc: &str, name: &str, read: impl FnOnce(Msg<'_>) -> T) -> T {
    let bytes = load(rfc, name);
    let mut index = Index::new();
    read(parse(&bytes, &mut index, &Limits::default(), Leniency::default()).unwrap())
}

fn check_datagram(rfc: &str, (name, verdict, section): (&str, Verdict, &str)) {
    let bytes = load(rfc, name);
    let mut index = Index::new();
    let parsed = parse(&bytes, &mut index, &Limits::default(), Leniency::default());
    let found = match parsed {
        Err(error) => Refuse(error.kind, error.kind.status()),
        Ok(message) => match verify(message, Leniency::default()) {
            Ok(()) => Accept,
            Err(fault) => {
                assert_eq!(fault.status(), 400);
                Fault
            }
        },
    };
    assert_eq!(found, verdict, "{name} (RFC section {section})");
    if let Ok(message) = parsed {
        let mut out = Vec::new();
        Edit::new(message).write_to(&mut out);
        assert!(bytes.starts_with(&out), "{name} is forwarded byte for byte");
        let excess = bytes.len() - out.len();
        assert!(excess <= 2 || name == "dblreq" || name == "mcl01", "{name}: {excess} bytes after the body");
    }
}

#[test]
fn every_rfc4475_datagram_gets_its_verdict() {
    RFC4475.into_iter().for_each(|case| check_datagram("rfc4475", case));
}

#[test]
fn every_rfc5118_datagram_gets_its_verdict() {
    RFC5118.into_iter().for_each(|case| check_datagram("rfc5118", case));
}

/// On a stream a message ends where the datagram reading ended it; the messages whose end is uncertain break it.
#[test]
fn streams_end_messages_where_datagrams_do_or_close() {
    let cases =
        RFC4475.map(|case| ("rfc4475", case)).into_iter().chain(RFC5118.map(|case| ("rfc5118", case)));
    for (rfc, (name, verdict, _)) in cases {
        let bytes = load(rfc, name);
        let mut framer = Framer::new(&Limits::default(), Leniency::default());
        framer.push(&bytes).unwrap();
        let mut index = Index::new();
        let datagram = parse(&bytes, &mut index, &Limits::default(), Leniency::default());
        match (name, framer.next()) {
            ("clerr", framed) => assert_eq!(framed, Ok(None), "waits for the rest"),
            ("ncl", framed) => assert_eq!(framed, Err(FrameError::Broken(Kind::ContentLengthMalformed))),
            ("mcl01", framed) => assert_eq!(framed, Err(FrameError::Broken(Kind::ContentLengthRepeated))),
            ("inv2543", framed) => assert_eq!(framed, Err(FrameError::LengthMissing)),
            (_, Ok(Some(Frame::Message(framed)))) => {
                if let Ok(message) = datagram {
                    assert_eq!(framed, message.bytes(), "{name}");
                }
            }
            (_, other) => panic!("{name} {verdict:?}: {other:?}"),
        }
    }
}

#[test]
fn refused_requests_can_be_answered() {
    for (name, verdict, _) in RFC4475.into_iter().filter(|(_, verdict, _)| matches!(verdict, Refuse(..))) {
        let bytes = load("rfc4475", name);
        let mut index = Index::new();
        let found = salvage(&bytes, &mut index, &Limits::default());
        assert_eq!(found.is_some(), name != "bigcode", "{name} {verdict:?}");
        if let Some(message) = found {
            assert!(!message.via().unwrap().branch.is_empty());
        }
    }
}

#[test]
fn wsinv_reads_through_blanks_and_folds() {
    with("rfc4475", "wsinv", |message| {
        assert_eq!(message.method(), Method::Invite);
        assert_eq!(message.to().unwrap().tag(), Some(&b"1918181833n"[..]));
        assert_eq!(message.from().unwrap().display, br#""J Rosenberg \\\"""#);
        assert_eq!(message.from().unwrap().tag(), Some(&b"98asjd8"[..]));
        assert_eq!(message.max_forwards(), Ok(Some(68)));
        assert_eq!(message.cseq().unwrap().number, 9);
        assert_eq!(message.via().unwrap().host, b"192.0.2.2");
        assert_eq!(message.list(sip_msg::Name::Via).count(), 3);
        let contact = message.contact().unwrap().unwrap();
        assert_eq!(contact.params.get("newparam"), Some(&b"newvalue"[..]));
        assert_eq!(contact.params.get("q"), Some(&b"0.33"[..]));
        assert_eq!(message.body().len(), 150);
        assert!(message.is_sdp());
    });
}

#[test]
fn intmeth_keeps_every_odd_byte() {
    with("rfc4475", "intmeth", |message| {
        assert_eq!(message.method(), Method::Other);
        assert_eq!(message.method_token(), b"!interesting-Method0123456789_*+`.%indeed'~");
        assert_eq!(message.to().unwrap().display, b"\"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f\"");
        let uri = Uri::parse(message.request_uri()).unwrap();
        assert_eq!(uri.user, b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
        assert_eq!(uri.password, Some(&b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"[..]));
        assert_eq!(message.from().unwrap().tag(), Some(&b"_token~1'+`*%!-."[..]));
        assert_eq!(message.max_forwards(), Ok(Some(255)));
    });
}

#[test]
fn escapes_stay_escapes() {
    with("rfc4475", "esc01", |message| {
        let uri = Uri::parse(message.request_uri()).unwrap();
        let mut buffer = Vec::new();
        assert_eq!(uri.user_decoded(&mut buffer), b"sips:user@example.com");
        assert_eq!((uri.scheme, uri.host), (Scheme::Sip, &b"example.net"[..]));
    });
    with("rfc4475", "esc02", |message| {
        assert_eq!(message.method(), Method::Other);
        assert_eq!(
            message.list(sip_msg::Name::Contact).count(),
            2,
            "an escaped header name is another header"
        );
    });
    with("rfc4475", "escnull", |message| {
        let mut buffer = Vec::new();
        let to = Uri::parse(message.to().unwrap().uri).unwrap();
        assert_eq!(to.user_decoded(&mut buffer), b"null-\0-null");
    });
}

#[test]
fn parameters_belong_to_the_right_level() {
    with("rfc4475", "cparam01", |message| {
        assert!(message.contact().unwrap().unwrap().params.get("unknownparam").is_some());
    });
    with("rfc4475", "cparam02", |message| {
        let contact = message.contact().unwrap().unwrap();
        assert!(contact.params.is_empty());
        assert!(Uri::parse(contact.uri).unwrap().params.get("unknownparam").is_some());
    });
    with("rfc4475", "inv2543", |message| {
        assert_eq!(message.via().unwrap().branch, b"");
        assert_eq!(message.max_forwards(), Ok(None));
        assert!(message.body().ends_with(b"RTP/AVP 0\r\n"), "without Content-Length the rest is the body");
    });
}

#[test]
fn ip6_references_end_at_the_bracket() {
    let host = |name: &str| {
        with("rfc5118", name, |message| {
            let uri = Uri::parse(message.request_uri()).unwrap();
            (uri.ip().map(|ip| ip.to_string()), uri.port)
        })
    };
    assert_eq!(host("ipv6-good"), (Some("2001:db8::10".into()), None));
    assert_eq!(host("port-ambiguous"), (Some("2001:db8::10:5070".into()), None));
    assert_eq!(host("port-unambiguous"), (Some("2001:db8::10".into()), Some(5070)));
    assert_eq!(host("ipv6-bug-abnf-3-colons"), host("ipv6-correct-abnf-2-colons"));
    with("rfc5118", "via-received-param-with-delim", |message| {
        assert_eq!(message.via().unwrap().received, Some(&b"[2001:db8::9:255]"[..]));
    });
    with("rfc5118", "via-received-param-no-delim", |message| {
        assert_eq!(message.via().unwrap().received, Some(&b"2001:db8::9:255"[..]));
    });
    with("rfc5118", "ipv4-mapped-ipv6", |message| {
        assert_eq!(
            (message.via().unwrap().host, message.via().unwrap().port),
            (&b"[::ffff:192.0.2.10]"[..], Some(19823))
        );
    });
}
