//! RFC 4028: who refreshes and when, in both roles.
#![allow(clippy::unwrap_used, clippy::panic)]

use base::Time;
use sip_core::session_timer::Preference;
use sip_core::{SessionAct, SessionPolicy, SessionTimer, TooSmall};
use sip_msg::{Index, Leniency, Limits, Msg, parse};

fn with<T>(start: &str, rows: &str, look: impl FnOnce(&Msg<'_>) -> T) -> T {
    let text = format!("{start}\r\n{rows}Content-Length: 0\r\n\r\n");
    let mut index = Index::new();
    look(&parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap())
}

/// What our 2xx says to a request with these rows; the answer's rows on one line.
fn answer(rows: &str, policy: &SessionPolicy) -> Result<String, TooSmall> {
    let timer = with("INVITE sip:a SIP/2.0", rows, |m| SessionTimer::uas(m, policy))?;
    let mut out = Vec::new();
    if let Some(timer) = timer {
        timer.response_rows(&mut out);
    }
    Ok(String::from_utf8(out).unwrap().replace("\r\n", " ").trim().to_owned())
}

const OFF: SessionPolicy =
    SessionPolicy { expires: None, min_se: 90, prefer_update: false, refresher: Preference::Open };
const OURS: SessionPolicy =
    SessionPolicy { expires: Some(1800), min_se: 300, prefer_update: true, refresher: Preference::Open };

#[test]
fn the_answering_side_follows_table_2() {
    let supported = "Supported: timer\r\n";
    let check = |rows: &str, policy: &SessionPolicy, expected: &str| {
        assert_eq!(answer(rows, policy).unwrap(), expected, "{rows}");
    };
    check("", &OFF, "");
    check(supported, &OFF, "");
    check(
        &format!("{supported}Session-Expires: 600\r\n"),
        &OFF,
        "Session-Expires: 600;refresher=uac Require: timer",
    );
    check(
        &format!("{supported}Session-Expires: 600;refresher=uas\r\n"),
        &OFF,
        "Session-Expires: 600;refresher=uas Require: timer",
    );
    check(
        &format!("{supported}x: 600;refresher=uac\r\n"),
        &OFF,
        "Session-Expires: 600;refresher=uac Require: timer",
    );
    check("Session-Expires: 600\r\n", &OFF, "Session-Expires: 600;refresher=uas");
    check("", &OURS, "Session-Expires: 1800;refresher=uas");
    check(supported, &OURS, "Session-Expires: 1800;refresher=uas Require: timer");
    check(
        &format!("{supported}Session-Expires: 3600\r\n"),
        &OURS,
        "Session-Expires: 1800;refresher=uac Require: timer",
    );
    check(
        &format!("{supported}Session-Expires: 3600\r\nMin-SE: 2000\r\n"),
        &OURS,
        "Session-Expires: 2000;refresher=uac Require: timer",
    );
    check(
        &format!("{supported}Session-Expires: 600\r\n"),
        &OURS,
        "Session-Expires: 600;refresher=uac Require: timer",
    );
    check("Session-Expires: 10\r\n", &OFF, "Session-Expires: 90;refresher=uas");
}

#[test]
fn the_refresher_is_the_one_that_we_prefer_where_the_request_names_none() {
    let supported = "Supported: timer\r\n";
    let asks = "Supported: timer\r\nSession-Expires: 600\r\n";
    let names_uac = "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n";
    let refresher = |rows: &str, base: &SessionPolicy, refresher| {
        let answer = answer(rows, &SessionPolicy { refresher, ..*base }).unwrap();
        answer.split("refresher=").nth(1).map(|r| r.get(..3).unwrap_or_default().to_owned())
    };
    for (rows, policy, us, peer) in [
        (asks, &OFF, "uas", "uac"),
        (supported, &OURS, "uas", "uac"),
        (names_uac, &OFF, "uac", "uac"),
        ("", &OURS, "uas", "uas"),
    ] {
        assert_eq!(refresher(rows, policy, Preference::Us).as_deref(), Some(us), "us: {rows}");
        assert_eq!(refresher(rows, policy, Preference::Peer).as_deref(), Some(peer), "peer: {rows}");
    }
    let rows = |refresher| {
        let mut out = Vec::new();
        SessionPolicy { refresher, ..OURS }.request_rows(&mut out);
        String::from_utf8(out).unwrap()
    };
    assert!(rows(Preference::Us).starts_with("Session-Expires: 1800;refresher=uac\r\n"));
    assert!(rows(Preference::Peer).starts_with("Session-Expires: 1800;refresher=uas\r\n"));
}

#[test]
fn too_small_an_interval_is_refused_only_to_peers_that_understand() {
    let rows = "Supported: timer\r\nSession-Expires: 200\r\n";
    assert_eq!(answer(rows, &OURS), Err(TooSmall { min_se: 300 }));
    assert!(answer("Session-Expires: 200\r\n", &OURS).is_ok());
    let mut out = Vec::new();
    TooSmall { min_se: 300 }.response_rows(&mut out);
    assert_eq!(out, b"Min-SE: 300\r\n");
}

#[test]
fn the_calling_side_obeys_the_2xx() {
    let timer = |rows: &str, policy: &SessionPolicy, supported: bool| {
        with("SIP/2.0 200 OK", rows, |m| SessionTimer::uac(m, policy, supported))
            .map(|t| (t.interval(), t.we_refresh()))
    };
    assert_eq!(timer("Session-Expires: 600;refresher=uac\r\n", &OFF, true), Some((600, true)));
    assert_eq!(timer("Session-Expires: 600;refresher=uas\r\n", &OFF, true), Some((600, false)));
    assert_eq!(timer("Session-Expires: 600\r\n", &OFF, true), Some((600, true)));
    assert_eq!(timer("", &OURS, true), Some((1800, true)), "the peer knows none: we refresh alone");
    assert_eq!(timer("", &OFF, true), None);
    assert_eq!(timer("Session-Expires: 600\r\n", &OURS, false), None);
}

#[test]
fn refreshes_at_half_time_and_expires_a_little_early() {
    let mut timer = with("SIP/2.0 200 OK", "Session-Expires: 1800;refresher=uac\r\n", |m| {
        SessionTimer::uac(m, &OFF, true).unwrap()
    });
    assert_eq!(timer.next_deadline(), None);
    timer.start(Time::from_millis(1_000));
    assert_eq!(timer.next_deadline(), Some(Time::from_millis(901_000)));
    assert_eq!(timer.handle_timeout(Time::from_millis(900_000)), None);
    assert_eq!(timer.handle_timeout(Time::from_millis(901_000)), Some(SessionAct::Refresh));
    assert_eq!(timer.handle_timeout(Time::from_millis(901_000)), None);
    timer.refreshed(Time::from_millis(902_000));
    assert_eq!(timer.handle_timeout(Time::from_millis(1_802_000)), Some(SessionAct::Refresh));
    assert_eq!(timer.next_deadline(), Some(Time::from_millis(902_000 + 1_768_000)));
    assert_eq!(timer.handle_timeout(Time::from_millis(902_000 + 1_768_000)), Some(SessionAct::Expired));
    assert_eq!(timer.next_deadline(), None);
}

#[test]
fn the_peer_that_should_refresh_is_awaited() {
    let mut timer = with("SIP/2.0 200 OK", "Session-Expires: 90;refresher=uas\r\n", |m| {
        SessionTimer::uac(m, &OFF, true).unwrap()
    });
    timer.start(Time::ZERO);
    assert_eq!(timer.next_deadline(), Some(Time::from_millis(60_000)), "a third of 90 s early");
    let mut out = Vec::new();
    timer.refresh_rows(&mut out);
    assert_eq!(out, b"Session-Expires: 90;refresher=uas\r\nMin-SE: 90\r\n");
}

#[test]
fn a_422_raises_the_interval_once() {
    let mut policy = OURS;
    let raise =
        |policy: &mut SessionPolicy, rows: &str| with("SIP/2.0 422 X", rows, |m| policy.raise_min_se(m));
    assert!(raise(&mut policy, "Min-SE: 3600\r\n"));
    assert_eq!((policy.expires, policy.min_se), (Some(3600), 3600));
    assert!(!raise(&mut policy, "Min-SE: 3600\r\n"));
    assert!(!raise(&mut policy, ""));
    let mut out = Vec::new();
    policy.request_rows(&mut out);
    assert_eq!(out, b"Session-Expires: 3600\r\nMin-SE: 3600\r\n");
    out.clear();
    OFF.request_rows(&mut out);
    assert!(out.is_empty());
}
