//! TLS against OpenSSL's client and server: names, authorities, both directions, reload.

use super::bench::*;
use b2bua::Snapshot;
use base::Transport::Tls;
use config::Config;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair,
};
use sip_core::{SendError, SendToken};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// A directory with certificates, gone with the test.
pub(crate) struct Files(PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Files {
    pub(crate) fn new() -> Files {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("tronco-tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Files(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// An authority in `NAME-ca.pem`.
    pub(crate) fn authority(&self, name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("{name} authority"));
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(self.path(&format!("{name}-ca.pem")), issuer.pem()).unwrap();
        issuer
    }

    /// A certificate in `FILE.pem` and its key in `FILE.key`, good as a server and as a client unless told otherwise.
    pub(crate) fn certificate(
        &self,
        ca: &CertifiedIssuer<'static, KeyPair>,
        file: &str,
        names: &[&str],
        server_only: bool,
    ) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if server_only {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, ca).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}

/// A TLS port with the identity `node`, and a TLS gateway.
pub(crate) fn config_with(files: &Files, listen_tls: &str, trunk: &str) -> Config {
    let tls = format!(
        "tls = {{ cert = \"{}\", key = {{ file = \"{}\" }}{listen_tls} }}",
        files.path("node.pem"),
        files.path("node.key")
    );
    config("\"tls:5061\"", &tls, trunk)
}

pub(crate) const GATEWAY: &str = "gateways = [\"127.0.0.1:9;transport=tls\"]\ntls = { verify = false }";

fn openssl(arguments: &[&str]) -> Child {
    Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed")
}

/// What OpenSSL's client reads when it sends `message`; empty when the handshake fails.
fn exchange(to: SocketAddr, message: &[u8], arguments: &[&str]) -> Vec<u8> {
    let to = to.to_string();
    let mut all = vec!["s_client", "-quiet", "-connect", &to, "-verify_return_error"];
    all.extend_from_slice(arguments);
    let mut client = openssl(&all);
    let mut stdin = client.stdin.take().unwrap();
    let _ = stdin.write_all(message);
    let _ = stdin.flush();
    let mut answer = vec![0; message.len()];
    let read = client.stdout.take().unwrap().read_exact(&mut answer);
    let _ = client.kill();
    let _ = client.wait();
    if read.is_ok() { answer } else { Vec::new() }
}

#[test]
fn a_client_verifies_our_name_and_we_verify_its() {
    let files = Files::new();
    let (ca, foreign) = (files.authority("ours"), files.authority("foreign"));
    files.certificate(&ca, "node", &["tronco.example"], false);
    files.certificate(&ca, "peer", &["PBX.example", "pbx2.example"], false);
    files.certificate(&ca, "server-only", &["itsp.example"], true);
    files.certificate(&foreign, "stranger", &["pbx.example"], false);
    let listen = format!(", client_ca = \"{}\", require_client_cert = true", files.path("ours-ca.pem"));
    let bench = Bench::start(config_with(&files, &listen, GATEWAY));
    let to = bench.address(Tls);
    let trust = files.path("ours-ca.pem");
    let message = request(1, 2000);
    let with = |file: &str, name: &str| {
        let (cert, key) = (files.path(&format!("{file}.pem")), files.path(&format!("{file}.key")));
        exchange(to, &message, &["-CAfile", &trust, "-verify_hostname", name, "-cert", &cert, "-key", &key])
    };
    for (file, names) in [("peer", &["pbx.example", "pbx2.example"][..]), ("server-only", &["itsp.example"])]
    {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(with(file, "tronco.example"), message, "{file}");
        match bench.next() {
            Seen::Message(flow, verified, bytes) => {
                assert_eq!((flow.transport, verified, bytes), (Tls, names, message.clone()));
            }
            other => panic!("{other:?}"),
        }
    }
    // The client refuses another name than ours; we refuse a stranger, and a client without a certificate.
    assert!(with("peer", "other.example").is_empty());
    assert!(with("stranger", "tronco.example").is_empty());
    assert!(exchange(to, &message, &["-CAfile", &trust]).is_empty());
    assert!(bench.counters().listens[0].certificate_ends.is_some());
}

#[test]
fn a_peer_of_no_address_is_known_by_its_certificate() {
    let files = Files::new();
    let ca = files.authority("ours");
    files.certificate(&ca, "node", &["tronco.example"], false);
    files.certificate(&ca, "peer", &["pbx.example"], false);
    let trust = files.path("ours-ca.pem");
    let bench = Bench::start(config_with(&files, &format!(", client_ca = \"{trust}\""), GATEWAY));
    bench.strangers.store(true, Ordering::SeqCst);
    let (cert, key) = (files.path("peer.pem"), files.path("peer.key"));
    let message = request(1, 10);
    let heard = exchange(bench.address(Tls), &message, &["-CAfile", &trust, "-cert", &cert, "-key", &key]);
    assert_eq!(heard, message);
}

#[test]
fn only_tls_1_2_and_later() {
    let files = Files::new();
    let ca = files.authority("ours");
    files.certificate(&ca, "node", &["tronco.example"], false);
    let bench = Bench::start(config_with(&files, "", GATEWAY));
    let trust = files.path("ours-ca.pem");
    let message = request(1, 0);
    for (version, works) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let answer = exchange(bench.address(Tls), &message, &["-CAfile", &trust, version]);
        assert_eq!(answer == message, works, "{version}");
    }
}

#[test]
fn a_new_certificate_serves_new_connections_after_apply() {
    let files = Files::new();
    let ca = files.authority("ours");
    files.certificate(&ca, "node", &["old.example"], false);
    let bench = Bench::start(config_with(&files, "", GATEWAY));
    let trust = files.path("ours-ca.pem");
    let message = request(1, 0);
    let seen_as = |name: &str| {
        exchange(bench.address(Tls), &message, &["-CAfile", &trust, "-verify_hostname", name]) == message
    };
    assert!(seen_as("old.example"));
    files.certificate(&ca, "node", &["new.example"], false);
    bench.node().handle().apply(Arc::new(Snapshot::new(bench.config.clone(), 2))).unwrap();
    assert!(seen_as("new.example") && !seen_as("old.example"));
    // A broken file leaves the present certificate in use.
    std::fs::write(files.path("node.pem"), "nothing").unwrap();
    assert!(bench.node().handle().apply(Arc::new(Snapshot::new(bench.config.clone(), 3))).is_err());
    assert!(seen_as("new.example"));
}

/// OpenSSL's server with the certificate `file`, and its address.
struct Server {
    child: Child,
    lines: Receiver<String>,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(files: &Files, file: &str, more: &[&str]) -> Server {
        let (cert, key) = (files.path(&format!("{file}.pem")), files.path(&format!("{file}.key")));
        let mut arguments = vec!["s_server", "-accept", "127.0.0.1:0", "-cert", &cert, "-key", &key];
        arguments.extend_from_slice(more);
        let mut child = openssl(&arguments);
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        // Read beside the test, so that it can give up waiting.
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut server = Server { child, lines, address: SocketAddr::from(([0; 4], 0)) };
        server.address = server.wait_for("ACCEPT ").trim().parse().unwrap();
        server
    }

    /// Reads until a line begins so; gives the rest of it.
    fn wait_for(&mut self, start: &str) -> String {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("s_server, before {start}: {e}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }
}

#[test]
fn a_gateway_must_carry_the_name_that_was_dialled() {
    let files = Files::new();
    let (ca, foreign) = (files.authority("ours"), files.authority("foreign"));
    files.certificate(&ca, "node", &["tronco.example"], false);
    files.certificate(&ca, "itsp", &["sip.itsp.example"], false);
    files.certificate(&ca, "itsp-ip", &["127.0.0.1"], false);
    files.certificate(&foreign, "stranger", &["sip.itsp.example"], false);
    let trust = files.path("ours-ca.pem");
    let named = "another name";
    let unknown = "unknown authority";
    // The server's certificate, the trunk's `tls` keys, and the failure expected.
    let cases = [
        ("itsp", "name = \"sip.itsp.example\", ".to_owned(), None),
        ("itsp", "name = \"other.example\", ".to_owned(), Some(named)),
        ("itsp", String::new(), Some(named)),
        ("itsp-ip", String::new(), None),
        ("stranger", "name = \"sip.itsp.example\", ".to_owned(), Some(unknown)),
    ];
    for (file, name, failure) in cases {
        // The peer, too, insists on a certificate, and gets the interface's.
        let mut server =
            Server::start(&files, file, &["-Verify", "2", "-verify_return_error", "-CAfile", &trust]);
        let trunk =
            format!("gateways = [\"{};transport=tls\"]\ntls = {{ {name}ca = \"{trust}\" }}", server.address);
        let bench = Bench::start(config_with(&files, "", &trunk));
        bench.send([Order {
            flow: flow(Tls, server.address),
            bytes: request(1, 100),
            token: Some(SendToken(4)),
        }]);
        match failure {
            None => drop(server.wait_for("OPTIONS sip:tronco SIP/2.0")),
            Some(words) => match bench.next() {
                Seen::Failed(SendToken(4), SendError::Untrusted(reason)) => {
                    assert!(reason.contains(words), "{reason}")
                }
                other => panic!("{file} {name}: {other:?}"),
            },
        }
    }
}

#[test]
fn without_verification_a_stranger_passes_and_without_our_certificate_the_peer_refuses() {
    let files = Files::new();
    let (ca, foreign) = (files.authority("ours"), files.authority("foreign"));
    files.certificate(&ca, "node", &["tronco.example"], false);
    files.certificate(&foreign, "stranger", &["any.example"], false);
    let mut server = Server::start(&files, "stranger", &[]);
    let bench = Bench::start(config_with(&files, "", GATEWAY));
    let order = |to| Order { flow: flow(Tls, to), bytes: request(1, 100), token: Some(SendToken(4)) };
    bench.send([order(server.address)]);
    server.wait_for("OPTIONS sip:tronco SIP/2.0");

    // This peer trusts only the foreign authority, so it refuses the certificate that we show.
    let trust = files.path("foreign-ca.pem");
    let strict =
        Server::start(&files, "stranger", &["-Verify", "2", "-verify_return_error", "-CAfile", &trust]);
    bench.send([order(strict.address)]);
    match bench.next() {
        Seen::Failed(SendToken(4), SendError::Tls(_) | SendError::Closed) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handshake_that_never_comes_gives_way() {
    let files = Files::new();
    let ca = files.authority("ours");
    files.certificate(&ca, "node", &["tronco.example"], false);
    let bench = Bench::start(config_with(&files, "", GATEWAY));
    let to = bench.address(Tls);
    let idle: Vec<_> = (0..1000).map(|_| std::net::TcpStream::connect(to).unwrap()).collect();
    let trust = files.path("ours-ca.pem");
    let message = request(1, 0);
    assert_eq!(exchange(to, &message, &["-CAfile", &trust]), message);
    let connections = bench.counters().listens[0].connections;
    assert!(connections.half_open <= 256, "{connections:?}");
    drop(idle);
}
