//! What our descriptions say of ICE, and when it begins anew.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use base::{Rng, TrunkId};
use config::{Config, Format};
use media::{Ports, Remote, Side, StreamPorts};
use negotiation::{Draws, End, LocalSdp, Mint, Seat, Standing, describe, each_stream, make_offer, plans};

const PLAIN: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
const CHECKED: &str = "a=ice-ufrag:peer\r\na=ice-pwd:0123456789abcdefghijkl\r\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\na=candidate:1 2 UDP 2130706430 192.0.2.1 4001 typ host\r\n";

fn config(rules: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.a]\naddress = \"198.51.100.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20999\"\n\
         [trunk.t]\nkind = \"direct\"\nlisten = \"a\"\ngateways = [\"192.0.2.1\"]\noverride = {{ {rules} }}\n"
    );
    config::parse(&text, "test", Format::Toml).unwrap().config
}

/// A leg toward a peer.
struct Leg {
    config: Config,
    local: LocalSdp,
    rng: Rng,
    mint: Mint,
    port: u16,
}

/// Our end toward a peer of the only trunk.
fn end(config: &Config, port: u16) -> End<'_> {
    let mut ports = Ports::default();
    ports.push(StreamPorts { a_rtp: port, b_rtp: 30_000 });
    End::new(config, TrunkId(0), Some(Seat { ports, side: Side::A }), false)
}

impl Leg {
    fn new(ice: &str) -> Leg {
        Leg::by(&format!("ice = \"{ice}\""), 9)
    }

    /// By these rules of its trunk; what it draws follows from a seed.
    fn by(rules: &str, seed: u8) -> Leg {
        let (local, rng, mint) = (LocalSdp::default(), Rng::new((1, 2)), Mint::new([seed; 32]));
        Leg { config: config(rules), local, rng, mint, port: 20_000 }
    }

    fn draws(&mut self) -> (End<'_>, &mut LocalSdp, Draws<'_>) {
        let Leg { config, local, rng, mint, port } = self;
        (end(config, *port), local, Draws { rng, mint })
    }

    /// Our description, out of a plain one of the other side's; `offer`: what it answers.
    fn says(&mut self, offer: &str) -> String {
        self.passes(&config(""), PLAIN, offer)
    }

    /// Our description, out of what the peer of another trunk said; `offer`: what it answers.
    fn passes(&mut self, beyond: &Config, said: &str, offer: &str) -> String {
        let from = End::new(beyond, TrunkId(0), None, false).rules();
        let (end, local, draws) = self.draws();
        let end = end.facing(&beyond.trunks[0].policy);
        describe(&end, &from, (said.as_bytes(), offer.as_bytes()), local, draws).unwrap();
        String::from_utf8(local.text.to_vec()).unwrap()
    }

    fn hears(&self, text: &str) -> Remote {
        let mut heard = None;
        let said = (text.as_bytes(), &*self.local.text);
        each_stream(&end(&self.config, self.port), said, |_, remote| {
            heard = Some(remote?);
            Ok(())
        })
        .unwrap();
        heard.unwrap()
    }
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("a={name}:");
    text.lines().find_map(|line| line.strip_prefix(&*start))
}

#[test]
fn an_offer_says_lite_and_both_candidates() {
    let mut leg = Leg::new("lite");
    let text = leg.says("");
    assert!(text.contains("t=0 0\r\na=ice-lite\r\nm=audio"), "{text}");
    for line in [
        "a=candidate:1 1 UDP 2130706431 198.51.100.1 20000 typ host\r\n",
        "a=candidate:1 2 UDP 2130706430 198.51.100.1 20001 typ host\r\n",
        "a=rtcp-mux\r\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let ours = leg.local.ice.as_ref().unwrap().credentials.clone();
    assert_eq!(value(&text, "ice-ufrag"), Some(ours.ufrag()));
    assert_eq!(value(&text, "ice-pwd"), Some(ours.password()));
    assert_eq!(leg.says(""), text, "said again it is the same");
    let mut late = Leg::new("lite");
    let (end, local, draws) = late.draws();
    make_offer(&end, local, draws);
    assert!(String::from_utf8_lossy(&late.local.text).contains("a=ice-lite\r\n"));
}

#[test]
fn an_answer_says_it_only_to_who_offered_it() {
    let mut leg = Leg::new("lite");
    assert!(!leg.says(PLAIN).contains("a=ice"));
    assert!(leg.local.ice.is_none());
    let offer = format!("{PLAIN}{CHECKED}");
    let text = leg.says(&offer);
    assert!(
        text.contains("a=ice-lite\r\n") && text.contains("a=candidate:1 2 ") && !text.contains("rtcp-mux")
    );
    let text = leg.says(&format!("{offer}a=rtcp-mux\r\n"));
    assert!(text.contains("a=rtcp-mux\r\n") && !text.contains("a=candidate:1 2 "), "{text}");
    let mut off = Leg::new("off");
    assert!(!off.says(&offer).contains("a=ice") && !off.says("").contains("a=ice"));
    assert!(off.hears(&offer).ice.is_none());
}

#[test]
fn an_address_that_was_changed_on_the_way_ends_ice() {
    let mut leg = Leg::new("lite");
    let offer = format!("{PLAIN}{CHECKED}").replace("audio 4000", "audio 4400");
    let text = leg.says(&offer);
    assert!(text.contains("a=ice-mismatch\r\n") && !text.contains("a=candidate"), "{text}");
    assert!(leg.hears(&offer).ice.is_none());
}

#[test]
fn what_the_engine_hears_of_a_peer() {
    let leg = Leg::new("lite");
    let offer = format!("{PLAIN}{CHECKED}");
    let heard = leg.hears(&offer);
    let ice = heard.ice.unwrap();
    assert_eq!((&*ice.ufrag, ice.candidates.len()), ("peer", 2));
    assert_ne!(heard.rtcp, heard.rtp);
    let muxed = leg.hears(&format!("{offer}a=rtcp-mux\r\n"));
    assert_eq!(muxed.rtcp, muxed.rtp);
    let plain = leg.hears(&format!("{PLAIN}a=rtcp-mux\r\n"));
    assert_ne!(plain.rtcp, plain.rtp, "only with ICE we agree to it");
    let lite = offer.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n");
    assert!(leg.hears(&lite).ice.is_none(), "it makes no checks");
    assert!(leg.hears(PLAIN).ice.is_none());
}

#[test]
fn a_peer_that_names_the_other_ip_version_first_is_where_its_candidate_of_ours_says() {
    let leg = Leg::new("lite");
    let six = format!("{PLAIN}{CHECKED}").replace("192.0.2.1", "2001:db8::7").replace("IP4", "IP6");
    let candidates =
        "a=candidate:2 1 UDP 1 192.0.2.8 4400 typ host\r\na=candidate:2 1 UDP 2 192.0.2.9 4500 typ host\r\n";
    let heard = leg.hears(&format!("{six}{candidates}a=candidate:2 2 UDP 1 192.0.2.9 4501 typ host\r\n"));
    assert_eq!([heard.rtp, heard.rtcp], ["192.0.2.9:4500", "192.0.2.9:4501"].map(|at| at.parse().ok()));
    assert!(heard.ice.is_some_and(|ice| ice.candidates.len() == 5));
    let mut heard = Vec::new();
    let said = |text: String| {
        each_stream(&end(&leg.config, 20_000), (text.as_bytes(), b""), |_, remote| {
            heard.push(remote.is_ok());
            Ok(())
        })
    };
    assert!(
        [six.clone(), format!("{six}{candidates}").replace("a=ice-ufrag:peer\r\n", "")]
            .map(said)
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(heard, [false, false], "without one of ours, and without checks");
}

/// RFC 5761 §5.1.1: reports go where sound goes when both have said so, and not for want of another place.
#[test]
fn a_peer_of_the_other_ip_version_that_names_no_place_for_reports_gets_none_unless_it_multiplexes() {
    let leg = Leg::new("lite");
    let six = format!("{PLAIN}{CHECKED}").replace("192.0.2.1", "2001:db8::7").replace("IP4", "IP6");
    let text = format!("{six}a=candidate:2 1 UDP 2 192.0.2.9 4500 typ host\r\n");
    let heard = leg.hears(&text);
    assert_eq!([heard.rtp, heard.rtcp], ["192.0.2.9:4500".parse().ok(), None]);
    let heard = leg.hears(&format!("{text}a=rtcp-mux\r\n"));
    assert!(heard.rtp.is_some() && heard.rtcp == heard.rtp);
}

#[test]
fn a_restart_of_the_peers_is_one_of_ours() {
    let mut leg = Leg::new("lite");
    let offer = format!("{PLAIN}{CHECKED}");
    let ufrag = |text: &str| value(text, "ice-ufrag").unwrap().to_owned();
    let first = ufrag(&leg.says(&offer));
    assert_eq!(ufrag(&leg.says(&offer)), first);
    let second = ufrag(&leg.says(&offer.replace("ufrag:peer", "ufrag:anew")));
    assert_ne!(second, first);
    assert_eq!(ufrag(&leg.says("")), second);
    // Seen in an answer of the peer's, it shows in what we say next.
    leg.local.note_peer(offer.replace("ufrag:peer", "ufrag:third").as_bytes(), base::WallTime(1));
    let third = ufrag(&leg.says(""));
    assert_ne!(third, second);
    // Other ports of ours need other checks.
    leg.port = 20_100;
    assert_ne!(ufrag(&leg.says("")), third);
}

#[test]
fn fragment_and_password_come_from_the_generator_of_keys() {
    let said = |seed: u8| {
        let text = Leg::by("ice = \"lite\"", seed).says("");
        ["ice-ufrag", "ice-pwd"].map(|name| value(&text, name).unwrap().to_owned())
    };
    let (one, again, other) = (said(1), said(1), said(2));
    assert_eq!(one, again);
    assert!(one[0] != other[0] && one[1] != other[1], "the session id's generator has no part in them");
    let mut drawn = [0; 24];
    Mint::new([1; 32]).fill(&mut drawn);
    let ours = ice::Credentials::from_random(&drawn);
    assert_eq!([ours.ufrag(), ours.password()], [&*one[0], &*one[1]]);
}

#[test]
fn a_secured_leg_has_keys_and_checks_and_a_restart_renews_the_checks_alone() {
    let mut leg = Leg::by("ice = \"lite\", srtp = \"required\"", 3);
    let text = leg.says("");
    assert!(
        text.contains("RTP/SAVP 8") && text.contains("a=crypto:1 ") && text.contains("a=ice-lite"),
        "{text}"
    );
    let keys = |text: &str| {
        text.lines().filter(|l| l.starts_with("a=crypto:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let answer = format!("{PLAIN}{CHECKED}{}\r\n", keys(&text)[0]).replace("RTP/AVP", "RTP/SAVP");
    leg.local.note_peer(answer.as_bytes(), base::WallTime(1));
    let heard = leg.hears(&answer);
    assert!(heard.ice.is_some() && matches!(heard.srtp, media::Srtp::On(_)), "{heard:?}");
    leg.local.note_peer(answer.replace("ufrag:peer", "ufrag:anew").as_bytes(), base::WallTime(1));
    let anew = leg.says("");
    assert_ne!(value(&anew, "ice-ufrag"), value(&text, "ice-ufrag"));
    assert_eq!(keys(&anew), keys(&text), "keys stay with the port");
}

#[test]
fn sides_that_share_no_codec_are_joined_while_one_of_them_has_ice() {
    let mut checked = Leg::by("ice = \"lite\", codecs = [\"G722\"]", 4);
    let mut plain = Leg::by("codecs = [\"PCMA\"]", 5);
    let offer = format!("{PLAIN}{CHECKED}").replace("AVP 8", "AVP 9").replace("8 PCMA/8000", "9 G722/8000");
    let to_plain = plain.passes(&checked.config, &offer, "");
    assert!(to_plain.contains("PCMA") && !to_plain.contains("ice"), "{to_plain}");
    let beyond = config("codecs = [\"PCMA\"]");
    let to_checked = checked.passes(&beyond, PLAIN, &offer);
    assert!(to_checked.contains("G722") && to_checked.contains("a=ice-lite"), "{to_checked}");
    let standing = |leg: &Leg, theirs: &str| {
        (leg.config.trunks[0].policy.clone(), theirs.to_owned(), leg.local.text.clone())
    };
    let sides = [standing(&checked, &offer), standing(&plain, PLAIN)];
    let [a, b] = sides.each_ref().map(|(policy, theirs, ours)| Standing {
        policy,
        theirs: theirs.as_bytes(),
        ours,
        renumbered: false,
    });
    assert!(plans(&a, &b, false)[0].is_some(), "a bridge");
    assert!(checked.hears(&offer).ice.is_some());
}

/// RFC 9429 §5.2.1: who has gathered nothing yet names port 9 of no address, and does not hold by that.
#[test]
fn a_peer_whose_candidates_come_later_holds_nobody() {
    let later = format!("{PLAIN}a=ice-ufrag:peer\r\na=ice-pwd:0123456789abcdefghijkl\r\n");
    let later = later.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0").replace("audio 4000", "audio 9");
    let mut leg = Leg::new("lite");
    let text = leg.says(&later);
    assert!(
        text.contains("a=ice-lite\r\n") && !text.contains("a=recvonly") && !text.contains("a=inactive"),
        "{text}"
    );
    let remote = leg.hears(&later);
    assert!(remote.send && remote.receive);
    assert_eq!((remote.rtp, remote.rtcp), ("0.0.0.0:9".parse().ok(), "0.0.0.0:10".parse().ok()), "somewhere");
    let held = later.replace("audio 9", "audio 4000");
    assert!(!leg.hears(&held).send, "with a port of its own it is a hold (RFC 3264 §8.4)");
    assert!(!leg.hears(&PLAIN.replace("192.0.2.1\r\nt", "0.0.0.0\r\nt")).send, "and without checks");
}
