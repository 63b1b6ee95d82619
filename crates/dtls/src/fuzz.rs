//! Bodies for fuzzing: any bytes as datagrams of a peer, in both roles.

use crate::certificate::Certificate;
use crate::cookie::Doorman;
use crate::gathering::Gathering;
use crate::shake::Shake;
use base::Time;
use media::{Dtls, Fingerprint, Hash};
use srtp::Suite;
use std::sync::{Arc, OnceLock};

/// Nothing that a peer sends makes a handshake panic, or end with keys.
pub fn datagrams(bytes: &[u8]) {
    static CERTIFICATE: OnceLock<Option<Arc<Certificate>>> = OnceLock::new();
    let made = CERTIFICATE.get_or_init(|| Certificate::make().ok().map(Arc::new));
    let (Some(certificate), Ok(mut doorman)) = (made, Doorman::new()) else { return };
    let terms = Dtls {
        client: true,
        open: false,
        fingerprints: vec![Fingerprint { hash: Hash::Sha256, digest: [7; 32].into() }],
        association: "fuzz".into(),
        suites: Suite::ALL.to_vec(),
        answered: true,
    };
    let source = ([192, 0, 2, 1], 9).into();
    let _ = doorman.answer(Time::ZERO, source, bytes);
    let mut gathering = Gathering::default();
    gathering.begin(source, [7; 32], bytes);
    for datagram in [bytes].into_iter().chain(bytes.chunks(400)) {
        let _ = gathering.take(source, datagram);
    }
    let roles = [
        Shake::client(Time::ZERO, certificate.clone(), terms.clone()),
        Shake::server(Time::ZERO, certificate.clone(), terms, bytes),
    ];
    for mut shake in roles.into_iter().flatten() {
        shake.receive(Time::ZERO, bytes);
        for datagram in bytes.chunks(400) {
            shake.receive(Time::ZERO, datagram);
        }
        while shake.poll().is_some() {}
        assert!(!matches!(shake.ended(), Some(Ok(_))), "keys with a stranger");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenSSL says in both roles, whole and damaged at every byte.
    #[test]
    fn what_openssl_says_is_survived_damaged() {
        for said in [
            &include_bytes!("../testdata/client_hello.bin")[..],
            include_bytes!("../testdata/client_hello_last_number.bin"),
            include_bytes!("../testdata/server_flight.bin"),
        ] {
            datagrams(said);
            for at in (0..said.len()).step_by(7) {
                let mut damaged = said.to_vec();
                damaged[at] ^= 0x41;
                datagrams(&damaged);
                datagrams(&said[..at]);
            }
        }
    }
}
