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
    Taken(Made),
    /// Its sender has an answer.
    Answered,
    /// It belongs to a handshake.
    Handshake,
}

/// What a bridge has made, as far as it left.
#[derive(Clone, Copy, Default)]
pub(super) struct Made {
    packets: u64,
    bytes: u64,
}

impl Counters {
    /// Counts what became of a datagram. What was dropped is counted by its session.
    #[inline]
    pub(super) fn note(&mut self, passed: &Option<Passed>, length: usize) {
        match passed {
            Some(Passed::On) => self.note_made(Made { packets: 1, bytes: length as u64 }),
            Some(Passed::Taken(made)) => self.note_made(*made),
            Some(Passed::Answered | Passed::Handshake) | None => {}
        }
    }

    /// Counts what has left.
    #[inline]
    pub(super) fn note_made(&mut self, Made { packets, bytes }: Made) {
        self.packets += packets;
        self.bytes += bytes;
    }

    /// Takes over what a session has counted as not relayed.
    pub(super) fn gather(&mut self, session: &mut Session) {
        for (reason, count) in session.take_drops().iter().flat_map(|drops| drops.iter()) {
            self.drops[reason as usize] += u64::from(count);
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

/// Judges a datagram and does what is to be done with it; none where it was dropped, which the session has counted. One
/// that was larger than its buffer has a length beyond it.
#[inline]
pub(super) fn relay(
    now: Time,
    token: Token,
    session: &mut Session,
    (ports, mut out): (&StreamPorts, Out<'_>),
    source: SocketAddr,
    Datagram { buffer, length }: Datagram<'_>,
) -> Option<Passed> {
    if length > buffer.len() {
        session.count_drop(token.side, token.stream, DropReason::Oversize);
        return None;
    }
    let packet = Datagram { buffer: &mut *buffer, length };
    let verdict = session.on_packet(now, token.side, token.stream, token.component, source, packet);
    let (component, to, length) = match verdict {
        Verdict::Relay { component, to, length } => (component, to, length),
        Verdict::Taken => {
            let packet = Datagram { buffer, length };
            return Some(Passed::Taken(pass_made((token.side, token.stream), session, (ports, out), packet)));
        }
        Verdict::Handshake => return Some(Passed::Handshake),
        Verdict::Drop(_) => return None,
        Verdict::Answer { length } => {
            let port = ports.port(token.side, token.component);
            let answer = buffer.get(..length).unwrap_or_default();
            if send(port, answer, source) {
                return Some(Passed::Answered);
            }
            session.count_drop(token.side, token.stream, DropReason::SendFailed);
            return None;
        }
    };
    let bytes = buffer.get(..length).unwrap_or_default();
    if out.send(ports.port(token.side.other(), component), component, bytes, to) {
        return Some(Passed::On);
    }
    session.count_drop(token.side, token.stream, DropReason::SendFailed);
    None
}

/// Sends what a bridge has made of what a side says.
pub(super) fn pass_made(
    (side, stream): (Side, u8),
    session: &mut Session,
    (ports, mut out): (&StreamPorts, Out<'_>),
    mut packet: Datagram<'_>,
) -> Made {
    let mut made = Made::default();
    while let Some((component, to)) = session.take_made(side, stream, &mut packet) {
        if !out.send(ports.port(side.other(), component), component, packet.bytes(), to) {
            session.count_drop(side, stream, DropReason::SendFailed);
            continue;
        }
        made.packets += 1;
        made.bytes += packet.bytes().len() as u64;
    }
    made
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
