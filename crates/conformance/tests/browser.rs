//! A browser on one side (WebRTC as Chromium speaks it: handshakes with an ECDSA certificate, ICE, BUNDLE, RTCP on the
//! port of RTP), a plain telephone on the other: each hears the other's tone at its level.

use conformance::baresip::{Baresip, Voice};
use conformance::browser::{Browser, Role};
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::phone::Phone;
use conformance::{Place, Server, records};

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
fn calls(name: &str, own: &str, other: &str) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    (setup.pbx_more, setup.itsp_more) = (web(own), telephone(other));
    setup.drain = "1s";
    let server = Server::start(&place, &setup.text());
    let callee = baresip(&place, WORLD, ITSP, other, None);
    callee.process().line("baresip is ready");
    let browser = Browser::start(&place, "browser", Role::Calls, 440.0);
    let mut signalling = Phone::new(&place, PBX, &place.sip(INSIDE));
    signalling.described = Some(browser.described());
    signalling.calls(WORLD, DID, name);
    browser.tell(&signalling.is_answered().description);
    judge(&place, server, (&browser, callee), "from_caller");
}

#[test]
fn a_browser_calls_a_telephone_with_the_same_codec() {
    calls("web-pcma", "PCMA", "PCMA");
}

#[test]
fn a_browser_with_opus_calls_a_telephone_with_mu_law() {
    calls("web-opus", "opus", "PCMU");
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
