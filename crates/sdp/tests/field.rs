//! Descriptions as they are met in the field, under `testdata`: what is read from each, and what
//! the other leg is sent. The expectations lie beside them as `.expected`; set `SDP_BLESS=1` to
//! write them anew, and read the difference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sdp::{Address, Anchor, Direction, HoldForm, Limits, Session, anchor, can_anchor, parse};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn address(address: Option<Address<'_>>) -> String {
    match address {
        Some(Address::Ip(ip)) => ip.to_string(),
        Some(Address::Name(name)) => format!("name {}", text(name)),
        None => "none".to_owned(),
    }
}

/// Everything we can say of a description, one fact a line.
fn facts(session: &Session<'_>) -> String {
    let mut out = String::new();
    match session.origin() {
        Some(o) => {
            writeln!(out, "origin [{}] {} {}", text(o.user), text(o.sess_id), text(o.sess_version)).unwrap()
        }
        None => out.push_str("origin none\n"),
    }
    for media in session.media() {
        let direction = media.effective_direction().as_str();
        let place = address(media.connection());
        let (kind, proto) = (media.kind, media.transport());
        writeln!(out, "{kind:?} {} {proto:?} {direction} at {place}", media.port).unwrap();
        for codec in media.codecs() {
            let (pt, clock, channels) = (codec.pt, codec.clock, codec.channels);
            let fmtp = codec.fmtp.map(text).unwrap_or_default();
            writeln!(out, "  {pt} {}/{clock}/{channels} {fmtp}", text(codec.name)).unwrap();
        }
        let rtcp = media.rtcp().map(|rtcp| (rtcp.port, address(rtcp.address)));
        let times = (media.ptime(), media.maxptime());
        writeln!(
            out,
            "  rtcp {rtcp:?} mux {} ptime {times:?} crypto {}",
            media.rtcp_mux(),
            media.crypto().count()
        )
        .unwrap();
        match can_anchor(media) {
            Ok(()) => out.push_str("  can be carried\n"),
            Err(error) => writeln!(out, "  refused: {error}; warning {:?}", error.warning()).unwrap(),
        }
    }
    out
}

/// What the other leg is sent.
fn anchored(session: &Session<'_>, hold: HoldForm) -> Vec<u8> {
    let ports: Vec<Option<u16>> = session
        .media()
        .iter()
        .zip(0u16..)
        .map(|(m, i)| can_anchor(m).ok().map(|()| 30_000 + 2 * i))
        .collect();
    let ours = Anchor {
        address: "203.0.113.200".parse().unwrap(),
        ports: &ports,
        origin_id: 77,
        origin_version: 3,
        hold,
        reveal: sdp::Reveal::default(),
        covers: &[],
    };
    let mut out = Vec::new();
    anchor(session, &ours, &mut out).unwrap();
    out
}

#[test]
fn descriptions_of_the_field_are_read_and_rewritten() {
    let bless = std::env::var_os("SDP_BLESS").is_some();
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(testdata()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "sdp"));
    names.sort();
    assert!(names.len() >= 25);
    for path in names {
        let bytes = std::fs::read(&path).unwrap();
        let session = parse(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        assert_eq!(session.bytes(), bytes);
        let found = format!("{}\n{}", facts(&session), text_lines(&anchored(&session, HoldForm::Pass)));
        let expected = path.with_extension("expected");
        if bless {
            std::fs::write(&expected, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&expected).unwrap(), "{path:?}");
    }
}

/// Output lines, escaped; every one of them must end with CRLF.
fn text_lines(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").expect("CRLF");
        writeln!(out, "{}", text(line)).unwrap();
    }
    out
}

#[test]
fn nothing_of_the_far_side_leaks() {
    for name in ["key_lines_and_addresses_in_disguise", "lync_ice_and_sdes", "feedback_profile"] {
        let bytes = std::fs::read(testdata().join(name).with_extension("sdp")).unwrap();
        let session = parse(&bytes, &Limits::default()).unwrap();
        let sent = text(&anchored(&session, HoldForm::Pass));
        for secret in [
            "10.",
            "198.51",
            "2001:db8",
            "inline:",
            "secret",
            "ice-",
            "candidate",
            "SAVP",
            "rtcp-fb",
            "rtcp-mux",
        ] {
            assert!(!sent.contains(secret), "{name} leaks {secret}: {sent}");
        }
    }
}

/// Reads hold back from what each form printed.
fn check_hold(file: &str, hold: HoldForm, expected: (Direction, bool)) {
    let bytes = std::fs::read(testdata().join(file).with_extension("sdp")).unwrap();
    let sent = anchored(&parse(&bytes, &Limits::default()).unwrap(), hold);
    let again = parse(&sent, &Limits::default()).unwrap();
    let media = &again.media()[0];
    assert_eq!((media.direction(), media.is_null_connection()), expected, "{file} as {hold:?}");
}

#[test]
fn hold_is_translated_between_its_forms() {
    use Direction::*;
    let null = "hold_by_null_address";
    check_hold(null, HoldForm::Pass, (SendRecv, true));
    check_hold(null, HoldForm::Sendonly, (SendOnly, false));
    check_hold(null, HoldForm::Inactive, (Inactive, false));
    check_hold(null, HoldForm::Zero, (SendRecv, true));
    let attribute = "direction_at_session_level";
    check_hold(attribute, HoldForm::Pass, (SendOnly, false));
    check_hold(attribute, HoldForm::Sendonly, (SendOnly, false));
    check_hold(attribute, HoldForm::Inactive, (Inactive, false));
    check_hold(attribute, HoldForm::Zero, (SendRecv, true));
    let both = "hold_null_address_and_inactive_per_media";
    check_hold(both, HoldForm::Pass, (Inactive, true));
    check_hold(both, HoldForm::Sendonly, (Inactive, false));
    check_hold(both, HoldForm::Zero, (Inactive, true));
    check_hold("plain_offer", HoldForm::Zero, (SendRecv, false));
}
