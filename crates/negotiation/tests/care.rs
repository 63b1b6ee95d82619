//! How a peer is kept alive, and who gets no RTCP of ours, as descriptions say.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use base::TrunkId;
use config::Format;
use media::{Care, Keepalive, Ports, Side, StreamPorts};
use negotiation::{End, Seat, each_stream};

/// What becomes of a peer that said these lines of the session and of its audio, under a rule.
fn care(rule: &str, session: &str, formats: &str, stream: &str) -> Care {
    let text = format!(
        "version = 1\n[listen.a]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
         [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"192.0.2.1\"]\noverride = {{ {rule} }}\n"
    );
    let config = config::parse(&text, "test", Format::Toml).unwrap().config;
    let mut ports = Ports::default();
    ports.push(StreamPorts { a_rtp: 20_000, b_rtp: 30_000 });
    let end = End::new(&config, TrunkId(0), Some(Seat { ports, side: Side::A }), false);
    let said = format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n{session}t=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{stream}"
    );
    let mut heard = None;
    each_stream(&end, (said.as_bytes(), b""), |_, remote| {
        heard = Some(remote?.care);
        Ok(())
    })
    .unwrap();
    heard.unwrap()
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
