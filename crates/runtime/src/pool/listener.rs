//! Listening ports, and the first step of a connection of our own.

use crate::poll::{Poll, Source};
use crate::socket;
use base::{ListenId, Transport};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

/// Connections taken from one port per turn, at most.
pub(super) const ACCEPTS_PER_TURN: usize = 64;
/// Connections that the kernel holds for us until we take them.
const BACKLOG: i32 = 1024;

/// A listening TCP or TLS port.
pub(crate) struct Listener {
    pub(crate) listen: ListenId,
    pub(crate) transport: Transport,
    pub(crate) local: SocketAddr,
    /// Not watched until the next sweep.
    pub(crate) muted: bool,
    socket: TcpListener,
}

impl Listener {
    /// Binds a port.
    pub(crate) fn bind(
        listen: ListenId,
        transport: Transport,
        address: SocketAddr,
        dscp: u8,
    ) -> io::Result<Listener> {
        let socket = socket::open(address, socket::Kind::Stream, dscp)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket: TcpListener = socket.into();
        Ok(Listener { listen, transport, local: socket.local_addr()?, muted: false, socket })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// One connection that waits, if any.
    pub(super) fn accept(&mut self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        match self.socket.accept() {
            Ok((socket, remote)) => {
                socket.set_nonblocking(true)?;
                Ok(Some((socket, remote)))
            }
            Err(error) => match error.kind() {
                // The peer has gone again; not worth a word.
                io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => Ok(None),
                io::ErrorKind::WouldBlock => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Stops or resumes watching.
    pub(super) fn mute(&mut self, poll: &Poll, source: Source, mute: bool) {
        let changed = if mute { poll.remove(&self.socket) } else { poll.add(&self.socket, source, false) };
        self.muted = if changed.is_ok() { mute } else { self.muted };
    }
}

/// Begins a connect from an address of ours. It is over when the socket becomes writable.
pub(super) fn connect(from: SocketAddr, to: SocketAddr, dscp: u8) -> io::Result<TcpStream> {
    if from.is_ipv4() != to.is_ipv4() {
        return Err(io::Error::from(io::ErrorKind::NetworkUnreachable));
    }
    let socket = socket::open(to, socket::Kind::Stream, dscp)?;
    if !from.ip().is_unspecified() {
        socket.bind(&from.into())?;
    }
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}
