//! Other people's programs on both ends: baresip with sound, Kamailio as the provider's edge.

use conformance::baresip::Baresip;
use conformance::config::{INSIDE, ITSP, ITSP_2, OUTSIDE, PBX, Setup};
use conformance::kamailio::Kamailio;
use conformance::{Place, Server, Sipp, records};
use std::path::Path;
use std::process::Command;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

#[test]
fn two_baresip_hear_each_others_tone() {
    let place = Place::new("baresip");
    let mut setup = Setup::new(&place);
    // baresip sends RTP from whatever address the system picks, on loopback not the one it names in its
    // description: a phone behind NAT, as far as the server can tell.
    setup.pbx_more = "override = { latch = \"nat\" }\n".into();
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    let server = Server::start(&place, &setup.text());
    let callee = Baresip::start(&place, WORLD, ITSP, 700.0, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::start(&place, DID, PBX, 440.0, Some(&uri));
    caller.hears(700.0, 440.0);
    callee.hears(440.0, 700.0);
    drop(caller);
    drop(callee);
    assert_eq!(server.stop(), 0);
}

#[test]
fn calls_out_through_kamailio_as_the_providers_edge() {
    let place = Place::new("kamailio-out");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP_2)).calls(200).keep_messages().answer();
    let inner = format!("sip:{}", place.sip(ITSP_2));
    let _edge = Kamailio::start(&place, ITSP, &place.ip(OUTSIDE), &inner, "sip:127.0.0.1:9", None);
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX)).calls(200).rate(100).with(&["-d", "50"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let invite = callee.await_received("INVITE ");
    assert!(invite.contains("Record-Route: "), "the edge stays in the way:\n{invite}");
    let _ = records::await_count(&place, 200);
}

#[test]
fn calls_in_through_kamailio_as_the_providers_edge() {
    let place = Place::new("kamailio-in");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let ours = format!("sip:{}", place.sip(OUTSIDE));
    let _edge = Kamailio::start(&place, ITSP, &place.ip(OUTSIDE), "sip:127.0.0.1:9", &ours, None);
    let callee =
        Sipp::new(&place, "callee", "uas_hangs_up", &place.sip(PBX)).calls(200).with(&["-d", "50"]).answer();
    let caller = Sipp::new(&place, "caller", "uac_hung_up", &place.sip(ITSP_2))
        .calls(200)
        .rate(100)
        .from("+441632960001");
    caller.call(DID, &place.sip(ITSP)).finish();
    callee.finish();
    let _ = records::await_count(&place, 200);
}

fn openssl(arguments: &[&str], folder: &Path) {
    let output =
        Command::new("openssl").current_dir(folder).args(arguments).output().expect("openssl starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An authority of the test's own: `ca.pem`.
fn authority(place: &Place) -> String {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let own = ["req", "-x509", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(&[&own[..], &key[..]].concat(), place.folder());
    place.path("ca.pem").display().to_string()
}

/// A certificate for `ip`, signed by the authority, and its key: two paths.
fn certificate(place: &Place, name: &str, ip: &str) -> (String, String) {
    let (request, cert, key) = (format!("{name}.csr"), format!("{name}.pem"), format!("{name}.key"));
    let key_kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let subject = format!("/CN={name}");
    let ask = ["req", "-new", "-subj", &subject, "-keyout", &key, "-out", &request];
    openssl(&[&ask[..], &key_kind[..]].concat(), place.folder());
    let names =
        place.write(&format!("{name}.ext"), format!("subjectAltName=IP:{ip}\n")).display().to_string();
    let sign = [
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
    ];
    openssl(&[&sign[..], &["-extfile", &names, "-out", &cert]].concat(), place.folder());
    (place.path(&cert).display().to_string(), place.path(&key).display().to_string())
}

#[test]
fn calls_both_ways_over_tls_with_kamailio() {
    let place = Place::new("kamailio-tls");
    let ca = authority(&place);
    let (our_cert, our_key) = certificate(&place, "tronco", &place.ip(OUTSIDE));
    let (edge_cert, edge_key) = certificate(&place, "edge", &place.ip(ITSP));
    let mut setup = Setup::new(&place);
    setup.sip.1 = "\"udp:5060\", \"tls:5061\"";
    setup.listen_more.1 = format!("tls = {{ cert = \"{our_cert}\", key = {{ file = \"{our_key}\" }} }}\n");
    setup.itsp = vec![format!("{}:5061;transport=tls", place.ip(ITSP))];
    // SIPp and Kamailio speak plain RTP.
    setup.itsp_more = format!("tls = {{ ca = \"{ca}\" }}\noverride = {{ srtp = \"off\" }}\n");
    let server = Server::start(&place, &setup.text());
    let inner = format!("sip:{}", place.sip(ITSP_2));
    let ours = format!("sip:{}:5061;transport=tls", place.ip(OUTSIDE));
    let tls = Some((edge_cert.as_str(), edge_key.as_str()));
    let _edge = Kamailio::start(&place, ITSP, &place.ip(OUTSIDE), &inner, &ours, tls);
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP_2)).calls(100).answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX)).calls(100).rate(50).with(&["-d", "50"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let callee = Sipp::new(&place, "callee-in", "uas_hangs_up", &place.sip(PBX))
        .calls(100)
        .with(&["-d", "50"])
        .answer();
    let caller = Sipp::new(&place, "caller-in", "uac_hung_up", &place.sip(ITSP_2)).calls(100).rate(50);
    caller.from("+441632960001").call(DID, &place.sip(ITSP)).finish();
    callee.finish();
    for record in records::await_count(&place, 200) {
        let attempt = record.pointer("/attempts/0/transport").and_then(serde_json::Value::as_str);
        let outgoing = records::word(&record, "trunk_out") == "itsp";
        assert!(!outgoing || attempt == Some("tls"), "{record}");
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_certificate_of_the_wrong_name_carries_no_call() {
    let place = Place::new("kamailio-tls-name");
    let ca = authority(&place);
    let (our_cert, our_key) = certificate(&place, "tronco", &place.ip(OUTSIDE));
    let (edge_cert, edge_key) = certificate(&place, "edge", &place.ip(77));
    let mut setup = Setup::new(&place);
    setup.sip.1 = "\"udp:5060\", \"tls:5061\"";
    setup.listen_more.1 = format!("tls = {{ cert = \"{our_cert}\", key = {{ file = \"{our_key}\" }} }}\n");
    setup.itsp = vec![format!("{}:5061;transport=tls", place.ip(ITSP))];
    // SIPp and Kamailio speak plain RTP.
    setup.itsp_more = format!("tls = {{ ca = \"{ca}\" }}\noverride = {{ srtp = \"off\" }}\n");
    let _server = Server::start(&place, &setup.text());
    let inner = format!("sip:{}", place.sip(ITSP_2));
    let tls = Some((edge_cert.as_str(), edge_key.as_str()));
    let _edge = Kamailio::start(&place, ITSP, &place.ip(OUTSIDE), &inner, "sip:127.0.0.1:9", tls);
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP_2)).keep_messages().answer();
    Sipp::new(&place, "caller", "uac_503", &place.sip(PBX)).call(WORLD, &place.sip(INSIDE)).finish();
    assert!(callee.received().is_empty(), "a call went out over a connection to somebody else");
    let record = records::await_count(&place, 1).remove(0);
    assert!(!records::word(&record, "reason").is_empty(), "{record}");
}
