//! One datagram's way through a session and out of the other side's port.

use super::sockets::{Port, StreamPorts};
use super::status::Counters;
use super::sys;
use base::Time;
use media::token::Token;
use media::{Component, Datagram, DropReason, Leaving, Rings, Session, Side, Verdict};
use std::io;
use std::net::SocketAddr;

/// What became of a datagram that was not dropped.
pub(super) enum Passed {
    /// It went on to the other side.
    On,
    /// A bridge has it; what that made of it went on.
    Taken,
    /// Its sender has an answer.
    Answered,
    /// It belongs to a handshake.
    Handshake,
}

impl Counters {
    /// Counts what became of a datagram.
    #[inline]
    pub(super) fn note(&mut self, passed: Result<Passed, DropReason>, length: usize) {
        match passed {
            Ok(Passed::Answered | Passed::Handshake) => {}
            Ok(Passed::On | Passed::Taken) => {
                self.packets += 1;
                self.bytes += length as u64;
            }
            Err(reason) => self.drops[reason as usize] += 1,
        }
    }
}

/// The way by rings out of what a side says, where it has one.
pub(super) struct Out<'a>(pub(super) Option<(&'a mut (dyn Rings + 'static), u32)>);

impl Out<'_> {
    /// Sends one datagram, by a socket where it does not leave by rings.
    #[inline]
    fn send(&mut self, socket: &Port, component: Component, bytes: &[u8], to: SocketAddr) -> bool {
        if let (Some((rings, lane)), Component::Rtp) = (&mut self.0, component) {
            match rings.send(*lane, to, bytes) {
                Leaving::Left => return true,
                Leaving::Full => return false,
                Leaving::Elsewhere => {}
            }
        }
        send(socket, bytes, to)
    }
}

/// Judges a datagram and does what is to be done with it; why not, otherwise. One that was larger than its buffer has a length beyond it.
#[inline]
pub(super) fn relay(
    now: Time,
    token: Token,
    session: &mut Session,
    (ports, mut out): (&StreamPorts, Out<'_>),
    source: SocketAddr,
    Datagram { buffer, length }: Datagram<'_>,
) -> Result<Passed, DropReason> {
    if length > buffer.len() {
        session.count_drop(token.side, token.stream, DropReason::Oversize);
        return Err(DropReason::Oversize);
    }
    let packet = Datagram { buffer: &mut *buffer, length };
    let verdict = session.on_packet(now, token.side, token.stream, token.component, source, packet);
    let (component, to, length) = match verdict {
        Verdict::Relay { component, to, length } => (component, to, length),
        Verdict::Taken => {
            pass_made((token.side, token.stream), session, (ports, out), Datagram { buffer, length });
            return Ok(Passed::Taken);
        }
        Verdict::Handshake => return Ok(Passed::Handshake),
        Verdict::Drop(reason) => return Err(reason),
        Verdict::Answer { length } => {
            let port = ports.port(token.side, token.component);
            let answer = buffer.get(..length).unwrap_or_default();
            return if send(port, answer, source) {
                Ok(Passed::Answered)
            } else {
                Err(DropReason::SendFailed)
            };
        }
    };
    let bytes = buffer.get(..length).unwrap_or_default();
    if out.send(ports.port(token.side.other(), component), component, bytes, to) {
        return Ok(Passed::On);
    }
    session.count_drop(token.side, token.stream, DropReason::SendFailed);
    Err(DropReason::SendFailed)
}

/// Sends what a bridge has made of what a side says.
pub(super) fn pass_made(
    (side, stream): (Side, u8),
    session: &mut Session,
    (ports, mut out): (&StreamPorts, Out<'_>),
    mut packet: Datagram<'_>,
) {
    while let Some((component, to)) = session.take_made(side, stream, &mut packet) {
        if !out.send(ports.port(side.other(), component), component, packet.bytes(), to) {
            session.count_drop(side, stream, DropReason::SendFailed);
        }
    }
}

/// Sends one datagram. An ICMP error that an earlier one caused is said once instead of sending: then
/// it is tried again.
#[inline]
pub(super) fn send(out: &Port, bytes: &[u8], to: SocketAddr) -> bool {
    match once(out, bytes, to) {
        Ok(()) => true,
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => once(out, bytes, to).is_ok(),
        Err(_) => false,
    }
}

/// The same: whether it left, and whether the host refused an earlier one or cannot be reached.
pub(super) fn send_heard(out: &Port, bytes: &[u8], to: SocketAddr) -> (bool, bool) {
    match once(out, bytes, to) {
        Ok(()) => (true, false),
        Err(e) => match e.raw_os_error() {
            Some(libc::ECONNREFUSED) => (once(out, bytes, to).is_ok(), true),
            Some(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN) => (false, true),
            _ => (false, false),
        },
    }
}

#[inline]
fn once(out: &Port, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    if out.associated() == Some(to) { sys::send(out.fd(), bytes) } else { sys::send_to(out.fd(), bytes, to) }
}
