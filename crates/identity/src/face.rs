//! This node as the peers of one of its interfaces see it.

use crate::abilities;
use crate::headers::{push_number, push_parts, push_row};
use crate::number_uri::push_user;
use base::Transport;
use config::{Host, Listen, Policy};
use sip_core::Flow;
use std::net::IpAddr;

/// An interface as peers see it.
pub struct Face {
    host: Box<str>,
    sent_by: [Option<Box<[u8]>>; 3],
    /// The largest message that leaves it by UDP.
    pub udp_max: usize,
}

impl Face {
    /// The stream flow to the same place, for messages too large for UDP (RFC 3261 §18.1.1), and our `host:port` there.
    #[must_use]
    pub fn stream_alternative(&self, flow: &Flow) -> Option<(Flow, &[u8])> {
        if flow.transport != Transport::Udp {
            return None;
        }
        let sent_by = self.sent_by(Transport::Tcp)?;
        Some((Flow { transport: Transport::Tcp, conn: None, ..*flow }, sent_by))
    }

    /// The face of an interface.
    #[must_use]
    pub fn new(listen: &Listen) -> Face {
        let host = match listen.sip_host() {
            Host::Ip(IpAddr::V6(address)) => format!("[{address}]"),
            other => other.to_string(),
        };
        let sent_by = [Transport::Udp, Transport::Tcp, Transport::Tls].map(|transport| {
            listen.port(transport).map(|port| format!("{host}:{port}").into_bytes().into_boxed_slice())
        });
        Face { host: host.into_boxed_str(), sent_by, udp_max: listen.udp_max }
    }

    /// Our host on this interface, brackets around IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Our `host:port` for a transport; `None` when the interface does not speak it.
    #[must_use]
    pub fn sent_by(&self, transport: Transport) -> Option<&[u8]> {
        self.sent_by[transport as usize].as_deref()
    }

    /// The rows of an OPTIONS outside dialogs (RFC 3261 §11.1) to `uri`, by this transport. `ids`: the tag of From, the
    /// Call-ID, and the number of CSeq.
    pub fn push_options(
        &self,
        (uri, transport): (&[u8], Transport),
        (tag, call_id, cseq): (&[u8], &[u8], u32),
        policy: &Policy,
        rows: &mut Vec<u8>,
    ) {
        push_number(rows, b"Max-Forwards", 70);
        push_parts(rows, b"From", &[b"<sip:", self.host().as_bytes(), b">;tag=", tag]);
        push_parts(rows, b"To", &[b"<", uri, b">"]);
        push_row(rows, b"Call-ID", call_id);
        push_row(rows, b"CSeq", format!("{cseq} OPTIONS").as_bytes());
        self.push_contact(rows, transport, false, b"");
        abilities::push_allow(policy, rows);
        push_row(rows, b"Accept", b"application/sdp");
    }

    /// Appends our Contact for a transport (RFC 3261 §8.1.1.8). `secure`: TLS is demanded, which `sips:` says and no
    /// parameter does (RFC 5630 §5.1.1).
    pub fn push_contact(&self, rows: &mut Vec<u8>, transport: Transport, secure: bool, user: &[u8]) {
        self.push_preferred(rows, (transport, secure), user, b"");
    }

    /// Appends a Contact with a number at our address, of a preference in thousandths (RFC 3261 §20.10).
    pub fn push_number_contact(&self, rows: &mut Vec<u8>, way: (Transport, bool), number: &str, q: u16) {
        let mut user = Vec::with_capacity(number.len());
        push_user(&mut user, number);
        let q = if q < 1_000 { format!(";q=0.{q:03}") } else { String::new() };
        self.push_preferred(rows, way, &user, q.as_bytes());
    }

    fn push_preferred(
        &self,
        rows: &mut Vec<u8>,
        (transport, secure): (Transport, bool),
        user: &[u8],
        q: &[u8],
    ) {
        let transport = if secure { Transport::Tls } else { transport };
        let sent_by = self.sent_by(transport).unwrap_or(self.host.as_bytes());
        let scheme: &[u8] = if secure { b"<sips:" } else { b"<sip:" };
        let at: &[u8] = if user.is_empty() { b"" } else { b"@" };
        let parameter: &[u8] = match transport {
            Transport::Udp => b"",
            Transport::Tls if secure => b"",
            Transport::Tcp => b";transport=tcp",
            Transport::Tls => b";transport=tls",
        };
        push_parts(rows, b"Contact", &[scheme, user, at, sent_by, parameter, b">", q]);
    }
}
