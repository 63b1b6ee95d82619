//! dnsmasq: a real name server with records of a test's own. The resolver's unit tests include this file, so
//! that it is started in one way everywhere.

use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How it is run: `test.` is its own domain, it asks nobody else.
const MANNER: &[&str] = &[
    "--local=/test/",
    "--no-resolv",
    "--no-hosts",
    "--no-daemon",
    "--bind-interfaces",
    "--conf-file=/dev/null",
    "--user=",
    "--group=",
    "--pid-file=",
    "--log-facility=-",
];

/// A running name server. It ends with its test.
#[derive(Debug)]
pub struct NameServer {
    child: Child,
    address: SocketAddr,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl NameServer {
    /// Starts it there, with records as dnsmasq's options say them; `None` when the place is taken.
    ///
    /// # Panics
    /// It is not installed, or refuses its options.
    #[must_use]
    pub fn at(address: SocketAddr, records: &[String]) -> Option<NameServer> {
        let started = Command::new("dnsmasq")
            .args(MANNER)
            .arg(format!("--listen-address={}", address.ip()))
            .arg(format!("--port={}", address.port()))
            .args(records)
            .stderr(Stdio::piped())
            .spawn();
        let Ok(child) = started else { panic!("dnsmasq is not installed") };
        let mut server = NameServer { child, address };
        server.is_up().then_some(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// It says "started" once its sockets are bound, or ends.
    fn is_up(&mut self) -> bool {
        let mut said = Vec::new();
        let Some(mut stderr) = self.child.stderr.take() else { return false };
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap_or(0) == 1 {
            said.push(byte[0]);
            if said.ends_with(b"started") {
                // Keep reading, so that it never blocks on its log.
                std::thread::spawn(move || drop(std::io::copy(&mut stderr, &mut std::io::sink())));
                return true;
            }
        }
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("in use"), "{said}");
        false
    }
}

/// A file of hosts (`ADDRESS NAME` lines) that the server reads again when it changes.
#[derive(Debug)]
pub struct Hosts(PathBuf);

impl Hosts {
    /// Writes it.
    ///
    /// # Panics
    /// It cannot be written.
    #[must_use]
    pub fn new(path: &Path, lines: &str) -> Hosts {
        let written = std::fs::write(path, lines);
        assert!(written.is_ok(), "{}: {written:?}", path.display());
        Hosts(path.to_owned())
    }

    /// The option that names it.
    #[must_use]
    pub fn option(&self) -> String {
        format!("--addn-hosts={}", self.0.display())
    }

    /// Writes it anew and has the server read it (SIGHUP).
    ///
    /// # Panics
    /// It cannot be written, or the server is gone.
    pub fn change(&self, server: &NameServer, lines: &str) {
        let written = std::fs::write(&self.0, lines);
        let told = Command::new("kill").args(["-HUP", &server.child.id().to_string()]).status();
        assert!(written.is_ok() && told.is_ok_and(|status| status.success()), "the hosts are changed");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
