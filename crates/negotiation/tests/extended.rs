//! Who is asked for extended reports of RTCP, and who hears them (RFC 3611 §5).

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod common;

use base::Rng;
use config::Config;
use media::{Extended, RoundTrip};
use negotiation::{Draws, End, LocalSdp, Mint, describe, each_stream, make_offer};

const PLAIN: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

fn wanting(formats: &str) -> String {
    format!("{PLAIN}a=rtcp-xr:{formats}\r\n")
}

/// A leg toward a peer of a trunk with a rule.
struct Leg {
    config: Config,
    local: LocalSdp,
}

impl Leg {
    fn new(rule: &str) -> Leg {
        Leg { config: common::config(rule), local: LocalSdp::default() }
    }

    fn end(&self) -> End<'_> {
        common::end(&self.config)
    }

    /// The formats that our description asks the peer for, out of one of the other side's; `offer`: what it answers.
    fn asks(&mut self, said: &str, offer: &str) -> Option<String> {
        let (mut local, mut rng, mut mint) = (self.local.clone(), Rng::new((1, 2)), Mint::new([9; 32]));
        let draws = Draws { rng: &mut rng, mint: &mut mint };
        let end = self.end();
        describe(&end, &end.rules(), (said.as_bytes(), offer.as_bytes()), &mut local, draws).unwrap();
        self.local = local;
        self.asked()
    }

    fn asked(&self) -> Option<String> {
        let text = String::from_utf8(self.local.text.to_vec()).unwrap();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("a=rtcp-xr:"));
        let first = lines.next().map(str::to_owned);
        assert_eq!(lines.next(), None, "{text}");
        first
    }

    /// What the peer is to hear, who has said this.
    fn hears(&self, text: &str) -> Extended {
        let mut heard = None;
        let said = (text.as_bytes(), &*self.local.text);
        each_stream(&self.end(), said, |_, remote| {
            heard = Some(remote?.care.extended);
            Ok(())
        })
        .unwrap();
        heard.unwrap()
    }
}

#[test]
fn wishes_of_the_other_side_cross_unless_the_trunk_wants_none() {
    let theirs = "pkt-loss-rle=27 rcvr-rtt=all:10000 voip-metrics";
    assert_eq!(Leg::new("").asks(&wanting(theirs), "").as_deref(), Some(theirs));
    assert_eq!(Leg::new("").asks(PLAIN, ""), None, "nothing is asked for by default");
    assert_eq!(Leg::new("rtcp_xr = \"off\"").asks(&wanting(theirs), ""), None);
    let asked = Leg::new("rtcp_xr = \"make\"").asks(&wanting(theirs), "");
    assert_eq!(asked.as_deref(), Some("voip-metrics rcvr-rtt=all pkt-loss-rle=27"));
}

#[test]
fn a_trunk_may_ask_its_peer_for_metrics_and_round_trips() {
    let mut leg = Leg::new("rtcp_xr = \"make\"");
    assert_eq!(leg.asks(PLAIN, "").as_deref(), Some("voip-metrics rcvr-rtt=all"));
    assert_eq!(leg.asks(PLAIN, PLAIN).as_deref(), Some("voip-metrics"), "a round trip takes two");
    let offer = wanting("rcvr-rtt=sender");
    assert_eq!(leg.asks(PLAIN, &offer).as_deref(), Some("voip-metrics rcvr-rtt=all"));
    let mut late = Leg::new("rtcp_xr = \"make\"");
    let (mut local, mut rng, mut mint) = (LocalSdp::default(), Rng::new((1, 2)), Mint::new([9; 32]));
    make_offer(&late.end(), &mut local, Draws { rng: &mut rng, mint: &mut mint });
    late.local = local;
    assert_eq!(late.asked().as_deref(), Some("voip-metrics rcvr-rtt=all"));
}

#[test]
fn a_peer_hears_what_it_wants_and_what_both_have_named() {
    let mut leg = Leg::new("rtcp_xr = \"make\"");
    leg.asks(PLAIN, "");
    let both = wanting("voip-metrics rcvr-rtt=all");
    let expected = Extended { strip: false, voip_metrics: true, round_trip: RoundTrip::All };
    assert_eq!(leg.hears(&both), expected);
    let sender = wanting("rcvr-rtt=sender:20");
    let expected = Extended { strip: false, voip_metrics: false, round_trip: RoundTrip::Sender };
    assert_eq!(leg.hears(&sender), expected);
    assert_eq!(leg.hears(PLAIN), Extended::default());
    let mut plain = Leg::new("");
    plain.asks(PLAIN, "");
    let expected = Extended { strip: false, voip_metrics: true, round_trip: RoundTrip::Off };
    assert_eq!(plain.hears(&both), expected, "it was not told of round trips");
    assert_eq!(Leg::new("rtcp_xr = \"off\"").hears(&both), Extended { strip: true, ..Extended::default() });
}
