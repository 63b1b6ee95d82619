//! OpenSSL as the peer of a handshake (DTLS-SRTP): it shows a certificate, and tells the bytes of the keys that were agreed on.

use crate::place::Place;
use crate::process::Process;
use std::process::{Command, Stdio};

/// A client that does not block: sound that comes with the last word of a handshake is no record of DTLS, and one that blocks
/// passes over it and waits for the next for as long as sound comes, instead of ending.
const CLIENT: [&str; 3] = ["s_client", "-dtls1_2", "-nbio"];

/// A certificate made by OpenSSL, and a program that shows it.
#[derive(Debug)]
pub struct Identity<'p> {
    place: &'p Place,
    name: &'static str,
}

impl Identity<'_> {
    /// Makes one.
    ///
    /// # Panics
    /// OpenSSL does not.
    #[must_use]
    pub fn new<'p>(place: &'p Place, name: &'static str) -> Identity<'p> {
        let identity = Identity { place, name };
        let made = identity.openssl(&[
            &["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=phone", "-newkey", "rsa:2048"][..],
            &["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")],
        ]);
        assert!(made.status.success(), "{made:?}");
        identity
    }

    /// Begins to shake hands from an address of its own, and has shown its cookie; it ends once that is done.
    #[must_use]
    pub fn begins(&self, from: &str, to: &str) -> Process {
        let (cert, key) = (format!("{}.pem", self.name), format!("{}.key", self.name));
        let mut command = Command::new("openssl");
        command.args(CLIENT).args(["-state", "-bind", from, "-connect", to, "-cert", &cert, "-key", &key]);
        command.args(["-use_srtp", "SRTP_AES128_CM_SHA1_80"]).current_dir(self.place.folder());
        let process = Process::start(self.name, &mut command);
        let (at, _) = process.line_after(0, "read hello verify request");
        process.line_after(at, "write client hello");
        process
    }

    fn openssl(&self, words: &[&[&str]]) -> std::process::Output {
        let mut command = Command::new("openssl");
        command.args(words.concat()).current_dir(self.place.folder()).stdin(Stdio::null());
        command.output().expect("openssl")
    }

    /// What a description says of it: the digits of its SHA-256.
    ///
    /// # Panics
    /// OpenSSL tells nothing.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let told = self.openssl(&[&[
            "x509",
            "-in",
            &format!("{}.pem", self.name),
            "-noout",
            "-fingerprint",
            "-sha256",
        ]]);
        let text = String::from_utf8(told.stdout).expect("text");
        text.trim().split('=').nth(1).expect("a digest").to_owned()
    }

    /// Shakes hands from an address of its own: what the program says, with the keys' bytes; it ends at once.
    #[must_use]
    pub fn shakes(&self, from: &str, to: &str) -> String {
        let (cert, key) = (format!("{}.pem", self.name), format!("{}.key", self.name));
        let mut command = Command::new("openssl");
        command.args(CLIENT).args(["-bind", from, "-connect", to, "-cert", &cert, "-key", &key]);
        command.args(["-use_srtp", "SRTP_AES128_CM_SHA1_80", "-keymatexport", "EXTRACTOR-dtls_srtp"]);
        command.args(["-keymatexportlen", "60"]).current_dir(self.place.folder());
        let process = Process::start(self.name, &mut command);
        process.exit_code();
        process.lines().join("\n")
    }
}
