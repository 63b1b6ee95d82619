//! A browser on one side (WebRTC as Chromium speaks it: handshakes with an ECDSA certificate, ICE, BUNDLE, RTCP on the
//! port of RTP), a plain telephone on the other: each hears the other's tone at its level.

use conformance::audio;
use conformance::baresip::{Baresip, Voice};
use conformance::browser::{Browser, Role};
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::phone::{Dialog, Phone};
use conformance::{Place, Server, records};
use std::collections::BTreeSet;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

/// What a trunk to browsers says, with this codec.
fn web(codec: &str) -> String {
    let rules = "srtp = \"required\", srtp_keys = [\"dtls\"], ice = \"lite\"";
    format!("override = {{ {rules}, codecs = [\"{codec}\"] }}\n")
}

fn telephone(codec: &str) -> String {
    // On loopback baresip sends from another address than the one it names.
    format!("override = {{ latch = \"nat\", codecs = [\"{codec}\"] }}\n")
}

fn baresip(place: &Place, number: &str, host: u8, codec: &str, dial: Option<&str>) -> Baresip {
    let account = format!("<sip:{number}@{}>;regint=0", place.ip(host));
    let voice = Voice { codec, ..Voice::tone(700.0) };
    Baresip::with_voice(place, number, host, &voice, &account, dial)
}

/// Both hear each other; then the call is ended, and its record says how the browser's leg was secured.
fn judge(place: &Place, server: Server, (browser, telephone): (&Browser, Baresip), way: &str) {
    let level = browser.hears(700.0, 440.0);
    assert!((4000.0..7500.0).contains(&level), "level {level:.0}");
    telephone.hears(440.0, 700.0);
    drop(telephone);
    assert_eq!(server.stop(), 0);
    let record = records::await_count(place, 1).remove(0);
    let security = record.pointer(&format!("/media/{way}/security")).and_then(|word| word.as_str());
    assert!(security.is_some_and(|word| word.starts_with("dtls A")), "{record}");
}

/// The browser calls a telephone.
fn calls(name: &str, own: &str, other: &str, says: fn(String) -> String) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    (setup.pbx_more, setup.itsp_more) = (web(own), telephone(other));
    setup.drain = "1s";
    let server = Server::start(&place, &setup.text());
    let callee = baresip(&place, WORLD, ITSP, other, None);
    callee.process().line("baresip is ready");
    let browser = Browser::start(&place, "browser", Role::Calls, 440.0);
    let mut signalling = Phone::new(&place, PBX, &place.sip(INSIDE));
    signalling.described = Some(says(browser.described()));
    signalling.calls(WORLD, DID, name);
    browser.tell(&signalling.is_answered().description);
    judge(&place, server, (&browser, callee), "from_caller");
}

#[test]
fn a_browser_calls_a_telephone_with_the_same_codec() {
    calls("web-pcma", "PCMA", "PCMA", |whole| whole);
}

#[test]
fn a_browser_with_opus_calls_a_telephone_with_mu_law() {
    calls("web-opus", "opus", "PCMU", |whole| whole);
}

/// What a browser says before it has gathered candidates (RFC 9429 §5.2.1): its checks come all the same.
fn before_gathering(whole: String) -> String {
    let lines = whole.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:"));
    let port = whole.split_once("m=audio ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
    let told = lines.map(|line| match line {
        line if line.starts_with("m=audio ") => line.replacen(port, "9", 1),
        line if line.starts_with("c=") => "c=IN IP4 0.0.0.0\r\n".to_owned(),
        line if line.starts_with("a=rtcp:") => "a=rtcp:9 IN IP4 0.0.0.0\r\n".to_owned(),
        line => line.to_owned(),
    });
    told.collect()
}

#[test]
fn a_browser_that_has_no_candidates_yet_calls_a_telephone() {
    calls("web-early", "opus", "PCMA", before_gathering);
}

#[test]
fn a_telephone_calls_a_browser_with_opus() {
    let place = Place::new("to-web");
    let mut setup = Setup::new(&place);
    (setup.pbx_more, setup.itsp_more) = (telephone("PCMU"), web("opus"));
    setup.drain = "1s";
    let server = Server::start(&place, &setup.text());
    let signalling = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let browser = Browser::start(&place, "browser", Role::Answers, 440.0);
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = baresip(&place, DID, PBX, "PCMU", Some(&uri));
    let _ = signalling.takes(|offer| {
        browser.tell(offer);
        browser.described()
    });
    judge(&place, server, (&browser, caller), "from_callee");
}

/// What an attribute says in a description.
fn attribute<'t>(description: &'t str, start: &str) -> &'t str {
    description.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default()
}

/// Both hear each other from now on.
fn hear_each_other_now(browser: &Browser, telephone: &Baresip) {
    let before = telephone.heard_all().len();
    browser.forgets();
    let _ = browser.hears(700.0, 440.0);
    let further = 3 * audio::RATE as usize / 2;
    let heard =
        conformance::await_some(|| Some(()).filter(|()| telephone.heard_all().len() > before + further));
    assert!(heard.is_some(), "the telephone hears nothing more:\n{}", telephone.process().tail());
    telephone.hears_now(440.0);
}

/// How many checks under this fragment of the browser's were answered with success.
fn answered(capture: &Capture, fragment: &str) -> usize {
    let ids =
        |filter: &str| -> BTreeSet<String> { capture.lines(&[], filter, &["stun.id"]).into_iter().collect() };
    // Chromium may begin before it has our answer, and goes on with our name of before then.
    // A name may have a plus (RFC 8839 §5.4), which is not to be read as one of the pattern's.
    let fragment = fragment.replace('+', "[+]");
    let asked = ids(&format!("stun.type == 0x0001 && stun.att.username matches \":{fragment}$\""));
    asked.intersection(&ids("stun.type == 0x0101")).count()
}

/// There was one handshake, before the first offer in the call.
fn judge_handshake(capture: &Capture) {
    let begun = capture.end("sip.Method == \"INVITE\" && sip.CSeq.seq == 2", &["frame.time_relative"]);
    let begun: f64 = begun.first().and_then(|time| time.parse().ok()).expect("an offer");
    let shaken = capture.lines(&[], "udp.payload[0:2] == 16:fe", &["frame.time_relative"]);
    let shaken: Vec<f64> = shaken.iter().filter_map(|time| time.parse().ok()).collect();
    assert!(!shaken.is_empty() && shaken.iter().all(|time| *time < begun), "{shaken:?}, {begun}");
}

/// A browser that has called a telephone, each of which hears the other; everything that was sent is kept.
struct Talk {
    server: Server,
    browser: Browser,
    callee: Baresip,
    signalling: Phone,
    /// What the browser has said.
    offer: String,
    dialog: Dialog,
    capture: Capture,
}

impl Talk {
    fn new(place: &Place) -> Talk {
        let mut setup = Setup::new(place);
        (setup.pbx_more, setup.itsp_more) = (web("opus"), telephone("PCMA"));
        setup.drain = "1s";
        let server = Server::start(place, &setup.text());
        let callee = baresip(place, WORLD, ITSP, "PCMA", None);
        callee.process().line("baresip is ready");
        let browser = Browser::start(place, "browser", Role::Calls, 440.0);
        let mut signalling = Phone::new(place, PBX, &place.sip(INSIDE));
        let offer = browser.described();
        signalling.described = Some(offer.clone());
        let capture = Capture::start(place);
        signalling.calls(WORLD, DID, "talk");
        let dialog = signalling.is_answered();
        browser.tell(&dialog.description);
        hear_each_other_now(&browser, &callee);
        Talk { server, browser, callee, signalling, offer, dialog, capture }
    }
}

/// RFC 8445 §9, RFC 8839 §4.4.1.1.1: other credentials on both sides, and the handshake of before (RFC 8842 §5.5).
#[test]
fn a_browser_begins_its_ice_anew_in_a_call_and_the_sound_goes_on() {
    let place = Place::new("web-restart");
    let Talk { server, browser, callee, signalling, mut offer, mut dialog, capture } = Talk::new(&place);
    let mut fragments = vec![attribute(&offer, "a=ice-ufrag:").to_owned()];
    for _ in 0..2 {
        offer = browser.restarts();
        signalling.asks(&mut dialog, &offer);
        let answer = signalling.agreed(&dialog);
        for said in ["a=ice-ufrag:", "a=ice-pwd:"] {
            assert_ne!(attribute(&answer, said), attribute(&dialog.description, said), "{answer}");
        }
        for said in ["a=fingerprint:", "a=setup:", "m="] {
            assert_eq!(attribute(&answer, said), attribute(&dialog.description, said), "{answer}");
        }
        browser.tell(&answer);
        hear_each_other_now(&browser, &callee);
        fragments.push(attribute(&offer, "a=ice-ufrag:").to_owned());
        dialog.description = answer;
    }
    judge_handshake(&capture);
    for fragment in &fragments {
        assert!(answered(&capture, fragment) > 0, "no check of {fragment} was answered");
    }
    judge(&place, server, (&browser, callee), "from_caller");
}

/// RFC 8842 §5.1: certificate, roles and transport are those of before, so the browser does not shake hands again, whoever's
/// session its gateway passes on.
#[test]
fn a_browser_whose_gateway_passes_on_another_session_goes_on_with_its_handshake() {
    let place = Place::new("web-session");
    let Talk { server, browser, callee, signalling, offer, mut dialog, capture } = Talk::new(&place);
    let origin = attribute(&offer, "o=");
    let other = format!("o={}", origin.replacen(origin.split(' ').nth(1).expect("a session"), "4242", 1));
    signalling.asks(&mut dialog, &offer.replace(&format!("o={origin}"), &other));
    let answer = signalling.agreed(&dialog);
    for said in ["a=fingerprint:", "a=setup:", "a=ice-ufrag:", "m="] {
        assert_eq!(attribute(&answer, said), attribute(&dialog.description, said), "{answer}");
    }
    hear_each_other_now(&browser, &callee);
    judge_handshake(&capture);
    judge(&place, server, (&browser, callee), "from_caller");
}
