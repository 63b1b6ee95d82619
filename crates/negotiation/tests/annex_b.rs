//! G.729 of which one side has refused annex B while the other may use it (RFC 4856 §2.1.9, RFC 7261).

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use config::{Config, Format};
use negotiation::{Standing, plans};

fn config(rule: &str) -> std::sync::Arc<Config> {
    let text = format!(
        "version = 1\n[listen.a]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
         [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"192.0.2.1\"]\noverride = {{ {rule} }}\n"
    );
    config::parse(&text, "test", Format::Toml).unwrap().config.into()
}

/// Under which number each side may send descriptions of silence that the other one must not get. Of each side what it
/// said, and what it was told.
fn dropped(a: [&str; 2], b: [&str; 2]) -> [Option<u8>; 2] {
    let said = |lines: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {lines}\r\n"
        )
    };
    let texts = [a, b].map(|side| side.map(said));
    let config = config("");
    let policy = &config.trunks.first().unwrap().policy;
    let [a, b] = [0, 1].map(|side| Standing {
        policy,
        theirs: texts[side][0].as_bytes(),
        ours: texts[side][1].as_bytes(),
        renumbered: false,
    });
    let [first, ..] = plans(&a, &b, false);
    first.map_or([None; 2], |pair| pair.map(|plan| plan.annex_b))
}

const USED: &str = "18 8";
const SAID: &str = "18\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=yes";
const REFUSED: &str = "18\r\na=fmtp:18 foo=1; AnnexB=no";

#[test]
fn what_both_sides_have_agreed_on_is_not_touched() {
    assert_eq!(dropped([USED, USED], [USED, USED]), [None; 2]);
    assert_eq!(dropped([SAID, USED], [USED, SAID]), [None; 2], "it is used unless it is refused");
    // One side refuses, and that was told to the other.
    assert_eq!(dropped([USED, REFUSED], [REFUSED, USED]), [None; 2]);
    assert_eq!(dropped([REFUSED, REFUSED], [REFUSED, REFUSED]), [None; 2]);
    assert_eq!(dropped(["8", "8"], ["8", "8"]), [None; 2]);
}

#[test]
fn descriptions_of_silence_do_not_reach_a_side_that_was_promised_none() {
    // An offer of ours refused it, whose answer says nothing more of it to the other side.
    assert_eq!(dropped([USED, SAID], [USED, REFUSED]), [Some(18), None]);
    assert_eq!(dropped([REFUSED, USED], [SAID, USED]), [None, Some(18)]);
    // However it is written.
    for refused in [REFUSED.to_uppercase().replace("A=FMTP", "a=fmtp"), REFUSED.to_lowercase()] {
        assert_eq!(dropped([USED, SAID], [USED, &refused]), [Some(18), None], "{refused}");
        assert_eq!(dropped([USED, "18 8"], [USED, &refused]), [Some(18), None], "{refused}");
    }
    // By the number of ours, which is the sender's.
    let [ours, theirs] = ["97\r\na=rtpmap:97 G729/8000", "98\r\na=rtpmap:98 G729/8000"];
    assert_eq!(dropped([theirs, ours], [REFUSED, USED]), [Some(97), None]);
}
