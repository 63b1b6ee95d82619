//! How we speak to one address of a recorder.

use base::Transport;
use sip_core::{Flow, SessionPolicy};
use std::time::Duration;

/// What we understand (RFC 7866 §7.1.1): metadata may be asked for.
const ACCEPT: &[u8] = b"Accept: application/sdp, application/rs-metadata-request\r\n";
pub(super) const ABILITIES: &[u8] =
    b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\nSupported: timer\r\n";
/// One address of a recorder, and how we speak to it.
#[derive(Clone, Debug)]
pub struct Way {
    /// Request-URI and To.
    pub uri: Box<[u8]>,
    /// Where messages go.
    pub flow: Flow,
    /// Our `host:port` there.
    pub sent_by: Box<[u8]>,
    /// Our URI.
    pub from: Box<[u8]>,
    /// Further rows of each request: Route, User-Agent.
    pub rows: Box<[u8]>,
    /// Largest message by UDP while there is an alternative.
    pub udp_max: usize,
    /// The stream flow for larger ones, and our `host:port` on it.
    pub alternative: Option<(Flow, Box<[u8]>)>,
    /// What is wanted of session timers.
    pub timer: SessionPolicy,
    /// How long an invitation may be without progress; 100 is no progress.
    pub silence: Duration,
    /// How long it may have progress alone.
    pub ringing: Duration,
}

impl Way {
    /// Whether it is TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.flow.transport == Transport::Tls
    }

    pub(super) fn alternative(&self) -> Option<(Flow, &[u8])> {
        self.alternative.as_ref().map(|(flow, sent_by)| (*flow, &**sent_by))
    }

    /// The rows of the INVITE that begins a session.
    pub(super) fn invite_rows(&self, from: &[u8], call_id: &[u8]) -> Vec<u8> {
        let mut rows = Vec::with_capacity(1_024);
        for part in [b"From: ", from, b"\r\nTo: <", &self.uri, b">\r\nCall-ID: ", call_id] {
            rows.extend_from_slice(part);
        }
        rows.extend_from_slice(b"\r\nMax-Forwards: 70\r\nCSeq: 1 INVITE\r\n");
        self.push_face(&mut rows);
        self.timer.request_rows(&mut rows);
        rows.extend_from_slice(&self.rows);
        rows
    }

    /// Our Contact (RFC 7866 §7.1.1: a recording client says that it is one).
    pub(super) fn push_contact(&self, rows: &mut Vec<u8>) {
        rows.extend_from_slice(b"Contact: <sip:");
        rows.extend_from_slice(&self.sent_by);
        rows.extend_from_slice(match self.flow.transport {
            Transport::Udp => b">;+sip.src\r\n",
            Transport::Tcp => b";transport=tcp>;+sip.src\r\n",
            Transport::Tls => b";transport=tls>;+sip.src\r\n",
        });
    }

    /// Who we are, what we want and what we understand.
    pub(super) fn push_face(&self, rows: &mut Vec<u8>) {
        self.push_contact(rows);
        rows.extend_from_slice(b"Require: siprec\r\n");
        rows.extend_from_slice(ACCEPT);
        rows.extend_from_slice(ABILITIES);
    }
}
