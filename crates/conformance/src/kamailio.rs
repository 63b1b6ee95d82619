//! Kamailio as the edge of a provider's network: record-routing, transaction-stateful, one next hop
//! for what comes from us and one for what goes to us.

use crate::place::Place;
use crate::process::Process;
use crate::wire::{Datagrams, options};
use std::process::Command;

/// A running Kamailio.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
}

impl Kamailio {
    /// Starts it at `place.ip(host)`, ports 5060 (UDP, TCP) and 5061 (TLS when `tls` names certificate and
    /// key). Requests from `ours` (an address) go to `inner`, all others to `outer` (SIP URIs).
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(
        place: &Place,
        host: u8,
        ours: &str,
        inner: &str,
        outer: &str,
        tls: Option<(&str, &str)>,
    ) -> Kamailio {
        let template =
            std::fs::read_to_string(Place::own("data/kamailio-edge.cfg")).expect("kamailio's template");
        let folder = place.folder().display().to_string();
        let mut text = template
            .replace("@IP@", &place.ip(host))
            .replace("@OURS@", ours)
            .replace("@INNER@", inner)
            .replace("@OUTER@", outer)
            .replace("@RUN@", &folder);
        if let Some((certificate, key)) = tls {
            text = text.replace("@CERT@", certificate).replace("@KEY@", key);
            text = text.replacen("#!KAMAILIO\n", "#!KAMAILIO\n#!define WITH_TLS\n", 1);
        }
        Kamailio::run(place, host, text)
    }

    /// Starts it at `place.ip(host)` as the registrar of `tel.example`, password `geheim`: bindings of at most
    /// `expires` seconds, digests by `algorithm` (`MD5`, `SHA-256`). INVITEs from `ours` are asked for the password
    /// and go to `inner`, all others to what is bound. It says `asked:` and `saved:` for each REGISTER.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn registrar(
        place: &Place,
        host: u8,
        ours: &str,
        inner: &str,
        algorithm: &str,
        expires: u32,
    ) -> Kamailio {
        let template = std::fs::read_to_string(Place::own("data/kamailio-registrar.cfg"));
        let text = template
            .expect("kamailio's template")
            .replace("@IP@", &place.ip(host))
            .replace("@OURS@", ours)
            .replace("@INNER@", inner)
            .replace("@ALGORITHM@", algorithm)
            .replace("@EXPIRES@", &expires.to_string())
            .replace("@PASSWORD@", "geheim");
        Kamailio::run(place, host, text)
    }

    fn run(place: &Place, host: u8, text: String) -> Kamailio {
        let folder = place.folder().display().to_string();
        let config = place.write("kamailio.cfg", text);
        let mut command = Command::new("kamailio");
        command
            .arg("-f")
            .arg(&config)
            .args(["-DD", "-E", "-e", "-m", "64", "-M", "8", "-Y", &folder, "-w", &folder]);
        let kamailio = Kamailio { process: Process::start("kamailio", &mut command) };
        kamailio.await_answer(place, host);
        kamailio
    }

    /// Asks it until it answers.
    fn await_answer(&self, place: &Place, host: u8) {
        let probe = Datagrams::new(&format!("{}:0", place.ip(host + 100)), &place.sip(host));
        let up = crate::await_some(|| {
            probe.send(options(&probe.local(), &place.sip(host), "UDP", "ready"));
            (!probe.is_silent() || !self.process.runs()).then_some(())
        });
        assert!(up.is_some() && self.process.runs(), "kamailio does not start:\n{}", self.process.tail());
    }

    /// Asks it to stop, and waits for the end of all its children.
    pub fn stop(self) {}

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

impl Drop for Kamailio {
    /// Killed, it would leave its children behind.
    fn drop(&mut self) {
        self.process.signal(rustix::process::Signal::TERM);
        self.process.await_end();
    }
}
