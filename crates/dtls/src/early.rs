//! ClientHellos that come before the answer that says whose they may be (RFC 5763 §5): kept until then, of hosts alone
//! that have shown a cookie of ours, and only so many. Nothing is answered to them and no handshake is begun.

use std::net::SocketAddr;

/// Hosts of which a ClientHello is kept on one port, one of each: limit `dtls_early`.
const EARLY_MAX: usize = 4;

/// See the module text.
#[derive(Default)]
pub(crate) struct Early(Vec<(SocketAddr, Vec<u8>)>);

impl Early {
    /// Keeps a ClientHello; an older one of the same host goes, and where there is no room the oldest.
    pub(crate) fn keep(&mut self, source: SocketAddr, hello: &[u8]) {
        self.0.retain(|(known, _)| known.ip() != source.ip());
        if self.0.len() >= EARLY_MAX {
            self.0.remove(0);
        }
        self.0.push((source, hello.to_vec()));
    }

    /// Leaves those alone that may be the peer's, that from where it is expected last; how many go.
    pub(crate) fn judge(&mut self, to: Option<SocketAddr>, may: impl Fn(SocketAddr) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|(source, _)| may(*source));
        self.0.sort_by_key(|(source, _)| (Some(*source) == to, to.is_some_and(|to| to.ip() == source.ip())));
        before - self.0.len()
    }

    /// Whether none is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one to begin with.
    pub(crate) fn next(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.0.pop()
    }
}
