//! How a peer is kept alive, and who gets no RTCP of ours, as descriptions say.

mod common;

use common::{audio, config, end, remote};
use media::{Care, Keepalive};

/// What becomes of a peer that said these lines of the session and of its audio, under a rule.
fn care(rule: &str, session: &str, formats: &str, stream: &str) -> Care {
    remote(&end(&config(rule)), &audio(session, formats, stream), "").care
}

#[test]
fn noise_keeps_only_a_peer_alive_that_has_named_it() {
    let kept = |formats: &str| care("rtp_keepalive = \"noise\"", "", formats, "").keepalive;
    assert_eq!((kept("8 13"), kept("8")), (Keepalive::Noise(13), Keepalive::Empty(127)));
}

#[test]
fn rtcp_is_forbidden_by_the_stream_or_else_by_the_session() {
    let forbidden = |session: &str, stream: &str| care("", session, "8", stream).forbidden;
    let none = "b=RS:0\r\nb=RR:0\r\n";
    assert!(forbidden("", none) && forbidden(none, "") && forbidden("b=RS:0\r\n", "b=RR:0\r\n"));
    assert!(!forbidden("", "") && !forbidden("b=RS:0\r\n", "") && !forbidden(none, "b=RR:800\r\n"));
}
