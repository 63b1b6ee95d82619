//! Sockets as they are born: non-blocking, with the options that signalling wants.
//!
//! Decides nothing about their use. Enter through [`open`].

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

/// A quiet stream's peer is asked for a sign of life after this long.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// And then this often.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
/// A stream whose peer acknowledges nothing for this long is dead (RFC 5482).
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(32);

/// Kinds of sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// UDP.
    Datagrams,
    /// TCP.
    Stream,
}

/// A fresh socket of the address's family, unbound, with its traffic class (RFC 2474 §3).
pub(crate) fn open(address: SocketAddr, kind: Kind, dscp: u8) -> io::Result<Socket> {
    let (kind, protocol) = match kind {
        Kind::Datagrams => (Type::DGRAM, Protocol::UDP),
        Kind::Stream => (Type::STREAM, Protocol::TCP),
    };
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, kind.nonblocking().cloexec(), Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // For a stream: a restarted node takes its port back at once. For datagrams it would let two
    // programs share a port unnoticed.
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    let class = u32::from(dscp.min(63)) << 2;
    if address.is_ipv6() {
        socket.set_tclass_v6(class)?;
    } else {
        socket.set_tos_v4(class)?;
    }
    Ok(socket)
}

/// Options of a connected stream: small messages leave at once, dead peers are noticed.
pub(crate) fn tune_stream(socket: &impl AsFd) {
    let socket = SockRef::from(socket);
    // None of these is worth a connection.
    let _ = socket.set_tcp_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
}

/// Asks for large buffers: beyond the system's limit where we may, else as much as it gives.
pub(crate) fn enlarge_buffers(socket: &Socket, bytes: usize) {
    use rustix::net::sockopt;
    if sockopt::set_socket_recv_buffer_size_force(socket, bytes).is_err() {
        let _ = socket.set_recv_buffer_size(bytes);
    }
    if sockopt::set_socket_send_buffer_size_force(socket, bytes).is_err() {
        let _ = socket.set_send_buffer_size(bytes);
    }
}
