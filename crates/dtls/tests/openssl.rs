//! Handshakes with OpenSSL's own programs, in both roles and with both kinds of certificate: they export the keys that
//! we have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the other end is another program")]

use base::Time;
use dtls::{Answered, Certificate, Doorman, Shake, Terms};
use media::{Dtls, Fingerprint, Hash, Keys};
use srtp::Suite;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate with its key, made by `openssl req`.
struct Peer {
    folder: PathBuf,
    fingerprint: Fingerprint,
}

impl Peer {
    fn new(name: &str, kind: &[&str]) -> Peer {
        let folder = std::env::temp_dir().join(format!("dtls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-sha256", "-days", "2", "-subj", "/CN=peer", "-newkey"])
            .args(kind)
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(&folder)
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let told = Command::new("openssl")
            .args(["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"])
            .current_dir(&folder)
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let digest = told.trim().split('=').nth(1).unwrap().split(':');
        let digest: Vec<u8> = digest.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        Peer { folder, fingerprint: Fingerprint { hash: Hash::Sha256, digest: digest.into() } }
    }

    fn run(&self, words: &[&str]) -> Child {
        let profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM";
        Command::new("openssl")
            .args(words)
            .args(["-dtls1_2", "-cert", "cert.pem", "-key", "key.pem", "-use_srtp", profiles])
            .args(["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60"])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn terms(&self, client: bool) -> Terms {
        let fingerprints = vec![self.fingerprint.clone()];
        let suites = vec![Suite::AesCm128Sha1_80];
        Dtls { client, open: false, fingerprints, association: "a".into(), suites, answered: true }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.folder));
    }
}

/// What the program says that it exports.
fn exported(child: &mut Child) -> String {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut found = lines
        .map_while(Result::ok)
        .filter_map(|line| line.trim().strip_prefix("Keying material: ").map(str::to_owned));
    let found = found.next().unwrap();
    let _ = child.kill();
    let _ = child.wait();
    found
}

/// Keys in the order of RFC 5764 §4.2.
fn shown(client: &srtp::MasterKey, server: &srtp::MasterKey) -> String {
    let (client, server) = (client.key_and_salt(), server.key_and_salt());
    let parts = [&client[..16], &server[..16], &client[16..], &server[16..]];
    parts.concat().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Lets time go on and sends; the keys, once there are some.
fn advance(socket: &UdpSocket, now: Time, shake: &mut Shake, peer: SocketAddr) -> Option<Keys> {
    shake.on_tick(now);
    while let Some(datagram) = shake.poll() {
        // Nobody may be there yet.
        let _ = socket.send_to(&datagram, peer);
    }
    shake.ended().map(|ended| ended.clone().unwrap())
}

/// Drives a handshake over a socket until it ends.
fn drive(
    socket: &UdpSocket,
    mut shake: Option<Shake>,
    mut peer: Option<SocketAddr>,
    accept: Option<&Terms>,
) -> Keys {
    let (certificate, mut doorman) = (Arc::new(Certificate::make().unwrap()), Doorman::new().unwrap());
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let begun = Instant::now();
    let mut buffer = [0; 4096];
    loop {
        assert!(begun.elapsed() < PATIENCE, "{shake:?}");
        let now = Time::from_millis(u64::try_from(begun.elapsed().as_millis()).unwrap());
        if let Some(keys) = shake.as_mut().and_then(|shake| advance(socket, now, shake, peer.unwrap())) {
            return keys;
        }
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let datagram = &buffer[..length];
        match (&mut shake, accept) {
            (Some(shake), _) => {
                shake.receive(now, datagram);
            }
            (None, Some(terms)) => match doorman.answer(now, source, datagram) {
                Answered::Ask(reply) => {
                    socket.send_to(&reply, source).unwrap();
                }
                Answered::Admitted(_) => {
                    peer = Some(source);
                    shake = Some(Shake::server(now, certificate.clone(), terms.clone(), datagram).unwrap());
                }
                Answered::Other | Answered::Begun(_) => panic!("a hello"),
            },
            (None, None) => panic!("nobody is expected"),
        }
    }
}

const KINDS: [(&str, &[&str]); 3] = [
    ("rsa", &["rsa:2048"]),
    ("p256", &["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]),
    ("p384", &["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"]),
];

#[test]
fn a_client_of_openssl_and_we_have_the_same_keys() {
    for (name, kind) in KINDS {
        let peer = Peer::new(&format!("client-{name}"), kind);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let mut program = peer.run(&["s_client", "-connect", &address]);
        let keys = drive(&socket, None, None, Some(&peer.terms(false)));
        assert_eq!(exported(&mut program), shown(&keys.receive, &keys.send), "{name}");
    }
}

#[test]
fn a_server_of_openssl_and_we_have_the_same_keys() {
    for (name, kind) in KINDS {
        let peer = Peer::new(&format!("server-{name}"), kind);
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut program = peer.run(&["s_server", "-accept", &free.to_string(), "-Verify", "1"]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = Arc::new(Certificate::make().unwrap());
        let shake = Shake::client(Time::ZERO, own, peer.terms(true)).unwrap();
        let keys = drive(&socket, Some(shake), Some(free), None);
        assert_eq!(exported(&mut program), shown(&keys.send, &keys.receive), "{name}");
    }
}

#[test]
fn suites_and_groups_of_a_peer_are_met_where_we_have_them() {
    let peer = Peer::new("narrow", &["rsa:3072"]);
    for narrow in [
        &["-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "-groups", "P-384:P-256"][..],
        &["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-groups", "P-256"],
        &["-groups", "X25519:P-256", "-sigalgs", "rsa_pss_rsae_sha256:ECDSA+SHA256"],
    ] {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let mut program = peer.run(&[&["s_client", "-connect", &address][..], narrow].concat());
        let keys = drive(&socket, None, None, Some(&peer.terms(false)));
        assert_eq!(exported(&mut program), shown(&keys.receive, &keys.send), "{narrow:?}");
    }
}
