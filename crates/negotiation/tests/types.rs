//! Which payload types a peer may send, by its description and ours.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use base::TrunkId;
use config::Format;
use media::{Ports, Remote, Side, StreamPorts};
use negotiation::{End, Seat, each_stream};

/// What may come of a peer that named these formats and was told those, under a rule.
fn types(rule: &str, theirs: &str, ours: Option<&str>) -> [u64; 2] {
    let text = format!(
        "version = 1\n[listen.a]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
         [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"192.0.2.1\"]\noverride = {{ {rule} }}\n"
    );
    let config = config::parse(&text, "test", Format::Toml).unwrap().config;
    let mut ports = Ports::default();
    ports.push(StreamPorts { a_rtp: 20_000, b_rtp: 30_000 });
    let end = End::new(&config, TrunkId(0), Some(Seat { ports, side: Side::A }), false);
    let said = |formats: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n"
        )
    };
    let (theirs, ours) = (said(theirs), ours.map(said).unwrap_or_default());
    let mut heard = None;
    each_stream(&end, (theirs.as_bytes(), ours.as_bytes()), |_, remote| {
        heard = Some(remote?.payload_types);
        Ok(())
    })
    .unwrap();
    heard.unwrap()
}

#[test]
fn a_peer_may_send_by_our_numbers_and_by_its_own_and_noise_under_its_fixed_one() {
    // The number of the events differs by direction (RFC 3264 §5.1); of 120 nothing is said.
    let may = types("", "8 9 101", Some("8 97 120"));
    assert_eq!(may, Remote::bitmap([8, 9, 101, 97, 120, 13]));
}

#[test]
fn anything_passes_before_an_answer_of_ours_and_where_a_trunk_wants_it_so() {
    assert_eq!(types("", "8 101", None), Remote::ANY_PAYLOAD_TYPE);
    assert_eq!(types("payload_types = \"any\"", "8 101", Some("8 101")), Remote::ANY_PAYLOAD_TYPE);
}
