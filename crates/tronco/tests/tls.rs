//! What the record says of a gateway that is not who it should be, and of one that speaks no TLS.

#![allow(clippy::unwrap_used)]

mod common;

use common::phone::Caller;
use common::{Place, Running};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// OpenSSL's server at an address, with a certificate of the folder.
struct Gateway(Child);

impl Gateway {
    fn at(place: &Place, address: &str) -> Gateway {
        let (cert, key) = (place.path("gateway.pem"), place.path("gateway.key"));
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", address, "-cert"]).arg(cert).arg("-key").arg(key);
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = streams.spawn().expect("openssl is installed");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("ACCEPT")));
        std::thread::spawn(move || lines.count());
        Gateway(child)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A daemon whose provider is reached over TLS, and must show the name `sip.provider.test`.
fn daemon(place: &Place, gateway: &str) -> Running {
    for (file, name) in [("node", "node.test"), ("gateway", "other.test")] {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        std::fs::write(place.path(&format!("{file}.pem")), made.cert.pem()).unwrap();
        std::fs::write(place.path(&format!("{file}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    let folder = place.folder.display();
    let outside = format!(
        "sip = [\"udp:5060\", \"tls:5061\"]\ntls = {{ cert = \"{folder}/node.pem\", \
         key = {{ file = \"{folder}/node.key\" }} }}\nrtp = \"30000-30099\""
    );
    let trust =
        format!("tls = {{ ca = \"{folder}/gateway.pem\", name = \"sip.provider.test\" }}\ncalls_max = 10");
    let text = place
        .text()
        .replace("sip = [\"udp:5060\"]\nrtp = \"30000-30099\"", &outside)
        .replace(&place.itsp(), &format!("{gateway};transport=tls"))
        .replace("calls_max = 10", &trust);
    Running::daemon(place, &text)
}

/// The reason of the only attempt of the only call.
fn reason(place: &Place) -> String {
    let mut tail = Running::follow(place, &["cdr", "tail", "-f", "--json"]);
    let mut caller = Caller::at(&place.pbx(), &place.inside());
    assert_eq!(caller.call("+441632960001"), 503);
    let record: Value = serde_json::from_str(&tail.line("\"attempts\"")).unwrap();
    record["attempts"][0]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_gateway_with_another_name_in_its_certificate_is_told_apart_from_a_failed_handshake() {
    let place = Place::new("tls-verify");
    let address = format!("{}:5061", place.ip(3));
    let daemon_of_place = daemon(&place, &address);
    let _gateway = Gateway::at(&place, &address);
    assert_eq!(reason(&place), "S-TLS-VERIFY");
    assert_eq!(daemon_of_place.stop(), 0);
}

#[test]
fn a_gateway_that_speaks_no_tls_is_a_failed_handshake() {
    let place = Place::new("tls-plain");
    let address = format!("{}:5061", place.ip(3));
    let daemon_of_place = daemon(&place, &address);
    let listener = TcpListener::bind(&address).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            stream.unwrap().write_all(b"this is a line of text\r\n").unwrap();
        }
    });
    assert_eq!(reason(&place), "S-TLS-HANDSHAKE");
    assert_eq!(daemon_of_place.stop(), 0);
}
