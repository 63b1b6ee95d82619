//! rtpengine on either side: every suite of keys in descriptions, handshakes in both roles, with ICE and without, and
//! each security beside each other one. Phones with plain RTP stand behind it, so that every byte can be told.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::find;
use conformance::phone::{Phone, call_answered, rtp_packet};
use conformance::rtpengine::{Rtpengine, Value};
use conformance::{Place, Server, records};
use std::net::SocketAddr;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// The addresses of both rtpengines.
const NEAR: u8 = 11;
const FAR: u8 = 12;

/// How one side is secured: what its trunk says, how rtpengine is asked, and what the record tells.
struct Way {
    rules: String,
    how: Vec<(&'static str, Value)>,
    told: String,
}

fn plain() -> Way {
    let how = vec![("transport-protocol", "RTP/AVP".into()), ("ICE", "remove".into())];
    Way { rules: "srtp = \"off\"".into(), how, told: "none".into() }
}

/// With keys in the description.
fn keys(suite: &str) -> Way {
    Way {
        rules: format!("srtp = \"required\", srtp_suites = [\"{suite}\"]"),
        how: vec![
            ("transport-protocol", "RTP/SAVP".into()),
            ("ICE", "remove".into()),
            ("DTLS", "off".into()),
        ],
        told: format!("sdes {suite}"),
    }
}

/// With handshakes; `more` of the trunk's rules.
fn shaken(suite: &str, ice: bool, more: &str) -> Way {
    let lite = if ice { ", ice = \"lite\"" } else { "" };
    let mut how = vec![
        ("transport-protocol", if ice { "UDP/TLS/RTP/SAVPF" } else { "UDP/TLS/RTP/SAVP" }.into()),
        ("ICE", if ice { "force" } else { "remove" }.into()),
        ("SDES", (&["off"][..]).into()),
    ];
    if !ice {
        how.push(("rtcp-mux", (&["demux"][..]).into()));
    }
    Way {
        rules: format!(
            "srtp = \"required\", srtp_keys = [\"dtls\"], srtp_suites = [\"{suite}\"]{lite}{more}"
        ),
        how,
        told: format!("dtls {suite}"),
    }
}

const LONG: &str = "AES_CM_128_HMAC_SHA1_80";

/// A call between two phones, each behind an rtpengine of its own: every word arrives, unchanged.
fn talk(name: &str, near: &Way, far: &Way) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    setup.pbx_more = format!("override = {{ {} }}\n", near.rules);
    setup.itsp_more = format!("override = {{ {} }}\n", far.rules);
    let server = Server::start(&place, &setup.text());
    let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
    let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
    let (before, behind) = (Rtpengine::start(&place, NEAR), Rtpengine::start(&place, FAR));
    let own = |how: &[(&'static str, Value)]| -> Vec<(&'static str, Value)> {
        let same = how.iter().filter(|(key, _)| *key != "transport-protocol" && *key != "ICE").cloned();
        let plain = [("transport-protocol", "RTP/AVP".into()), ("ICE", "remove".into())];
        same.chain(plain).collect()
    };
    let offer = before.offer(&pbx.description(), &near.how);
    pbx.described = Some(offer.clone());
    let mut relay = None;
    let (a, b) = call_answered(&pbx, &itsp, (WORLD, DID, name), |offer| {
        let inner = behind.offer(offer, &own(&far.how));
        relay = Some(place_of(&inner));
        behind.answer(&itsp.description(), &far.how)
    });
    let answer = before.answer(&a.description, &own(&near.how));
    let relays = (place_of(&answer), relay.expect("an offer"));
    let told = format!("{offer}\n{}\n{}\n", a.description, b.description);
    each_hears((&pbx, relays.0), (&itsp, relays.1), &told);
    pbx.hang_up(&a, &itsp);
    let record = records::await_count(&place, 1).remove(0);
    let security = |way: &str| record.pointer(&format!("/media/{way}/security")).and_then(|w| w.as_str());
    assert_eq!(security("from_caller"), Some(&*near.told), "{record}\n{told}");
    assert_eq!(security("from_callee"), Some(&*far.told), "{record}\n{told}");
    assert_eq!(server.stop(), 0);
}

/// Where a description wants its sound.
fn place_of(description: &str) -> SocketAddr {
    let line = |start: &str| description.lines().find_map(|line| line.strip_prefix(start));
    let ip = line("c=IN IP4 ").expect("an address").trim().parse().expect("an address");
    let port = line("m=audio ").and_then(|m| m.split(' ').next()?.parse().ok()).expect("a port");
    SocketAddr::new(ip, port)
}

/// Speaks both ways until each side has heard fifty words of the other in a row: before keys are agreed nothing passes.
fn each_hears(a: (&Phone, SocketAddr), b: (&Phone, SocketAddr), told: &str) {
    let patience = std::time::Duration::from_millis(20);
    let (mut in_a_row, mut sequence, begun) = ([0; 2], 0_u16, std::time::Instant::now());
    while in_a_row.iter().any(|count| *count < 50) {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "in a row: {in_a_row:?}\n{told}");
        sequence += 1;
        for (way, (speaker, listener)) in [(a, b), (b, a)].into_iter().enumerate() {
            speaker.0.send_rtp(speaker.1, 0x1111 * (way as u32 + 1), sequence, 0xA5 ^ way as u8);
            let wanted = rtp_packet(0, sequence, 0xA5 ^ way as u8)[12..].to_vec();
            let heard = find(&listener.0.rtp, patience, |bytes, _| {
                (bytes.get(12..) == Some(wanted.as_slice())).then_some(())
            });
            in_a_row[way] = if heard.is_some() { in_a_row[way] + 1 } else { 0 };
        }
    }
}

#[test]
fn every_suite_of_keys_in_descriptions() {
    for suite in ["AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_32", "AEAD_AES_128_GCM"] {
        talk("suite-near", &keys(suite), &plain());
        talk("suite-far", &plain(), &keys(suite));
    }
}

#[test]
fn each_security_beside_each_other_one() {
    let ways = [
        plain(),
        keys(LONG),
        keys("AES_256_CM_HMAC_SHA1_80"),
        keys("AEAD_AES_256_GCM"),
        shaken(LONG, false, ""),
    ];
    for near in &ways {
        ways.iter().for_each(|far| talk("pair", near, far));
    }
}

#[test]
fn handshakes_in_either_role_of_either_suite() {
    talk("passive", &shaken("AEAD_AES_128_GCM", false, ", dtls_setup = \"passive\""), &plain());
    talk("active", &shaken("AEAD_AES_256_GCM", false, ", dtls_setup = \"active\""), &plain());
    talk("offered", &plain(), &shaken("AES_CM_128_HMAC_SHA1_32", false, ""));
}

#[test]
fn handshakes_beside_ice_on_one_port() {
    talk("ice-plain", &shaken(LONG, true, ""), &plain());
    talk("plain-ice", &plain(), &shaken(LONG, true, ""));
    talk(
        "ice-gcm",
        &shaken("AEAD_AES_256_GCM", true, ", dtls_setup = \"passive\""),
        &keys("AEAD_AES_256_GCM"),
    );
    talk("ice-ice", &shaken(LONG, true, ""), &shaken("AEAD_AES_128_GCM", true, ""));
}
