//! Our end toward the peer of a trunk with a rule, for the tests of negotiation.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "not every test uses all of it")]

use base::TrunkId;
use config::{Config, Format};
use media::{Ports, Remote, Side, StreamPorts};
use negotiation::{End, Seat, each_stream};

/// One trunk, whose `override` is this.
pub fn config(rule: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.a]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
         [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"192.0.2.1\"]\noverride = {{ {rule} }}\n"
    );
    config::parse(&text, "test", Format::Toml).unwrap().config
}

/// Our end toward its peer.
pub fn end(config: &Config) -> End<'_> {
    let mut ports = Ports::default();
    ports.push(StreamPorts { a_rtp: 20_000, b_rtp: 30_000 });
    End::new(config, TrunkId(0), Some(Seat { ports, side: Side::A }), false)
}

/// What a peer says of sound in these formats; `session` and `stream`: further lines.
pub fn audio(session: &str, formats: &str, stream: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n{session}t=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{stream}"
    )
}

/// What the engine is told of the last stream of a peer that has described itself so and was told that.
pub fn remote(end: &End<'_>, theirs: &str, ours: &str) -> Remote {
    let mut heard = None;
    each_stream(end, (theirs.as_bytes(), ours.as_bytes()), |_, remote| {
        heard = Some(remote?);
        Ok(())
    })
    .unwrap();
    heard.unwrap()
}
