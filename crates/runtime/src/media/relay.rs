//! One datagram's way through a session and out of the other side's port.

use super::sockets::{Port, StreamPorts};
use super::sys;
use super::token::Token;
use base::Time;
use media::{DropReason, Session, Verdict};
use std::io;
use std::net::SocketAddr;

/// Judges a datagram (`None`: it was larger than the buffer) and sends it on; why not, otherwise.
#[inline]
pub(super) fn relay(
    now: Time,
    token: Token,
    session: &mut Session,
    ports: &StreamPorts,
    source: SocketAddr,
    bytes: Option<&mut [u8]>,
) -> Result<(), DropReason> {
    let Some(bytes) = bytes else {
        session.count_drop(token.side, token.stream, DropReason::Oversize);
        return Err(DropReason::Oversize);
    };
    match session.on_packet(now, token.side, token.stream, token.component, source, bytes) {
        Verdict::Drop(reason) => Err(reason),
        Verdict::Relay { component, to } if send(ports.port(token.side.other(), component), bytes, to) => {
            Ok(())
        }
        Verdict::Relay { .. } => {
            session.count_drop(token.side, token.stream, DropReason::SendFailed);
            Err(DropReason::SendFailed)
        }
    }
}

/// Sends one datagram. An ICMP error that an earlier one caused is said once instead of sending: then
/// it is tried again.
#[inline]
fn send(out: &Port, bytes: &[u8], to: SocketAddr) -> bool {
    let once = || {
        if out.associated() == Some(to) {
            sys::send(out.fd(), bytes)
        } else {
            sys::send_to(out.fd(), bytes, to)
        }
    };
    match once() {
        Ok(()) => true,
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => once().is_ok(),
        Err(_) => false,
    }
}
