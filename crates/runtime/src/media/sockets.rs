//! Opening the sockets of a stream: two sides, RTP and RTCP each.
//!
//! Runs in the caller's thread, so that signalling knows its ports at once; a worker then owns them.

use super::ports::PortRange;
use super::sys;
use base::Time;
use media::{Component, Side};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How many pairs of ports are tried before giving up.
const BIND_TRIES: usize = 64;

/// Whom the operating system lets through to a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Filter {
    /// Everybody.
    Off,
    /// One peer, since less than a sweep ago. What came before still waits in the socket, and what was
    /// on its way into it may follow.
    New(SocketAddr),
    /// One peer, for at least a sweep: once the socket is found empty, all that follows is his.
    Ripe(SocketAddr),
    /// One peer for certain.
    Certain(SocketAddr),
}

/// One of our ports.
#[derive(Debug)]
pub(super) struct Port {
    fd: OwnedFd,
    filter: Filter,
}

impl Port {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The only peer the operating system lets through.
    #[inline]
    pub(super) fn associated(&self) -> Option<SocketAddr> {
        match self.filter {
            Filter::Off => None,
            Filter::New(peer) | Filter::Ripe(peer) | Filter::Certain(peer) => Some(peer),
        }
    }

    /// Lets the operating system filter for `peer`, or stop filtering. A failure leaves it as it was:
    /// the filter saves work, the session checks sources anyway.
    pub(super) fn associate(&mut self, peer: Option<SocketAddr>) {
        if self.associated() != peer && sys::associate(self.fd.as_fd(), peer).is_ok() {
            self.filter = peer.map_or(Filter::Off, Filter::New);
        }
    }

    /// One datagram: its whole length, which may exceed the buffer, and its source.
    #[inline]
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
        match self.filter {
            // Not asking for the source saves 5 % of the cost of a relayed packet.
            Filter::Certain(peer) => Ok((sys::recv(self.fd.as_fd(), buffer)?, Some(peer))),
            _ => sys::recv_from(self.fd.as_fd(), buffer),
        }
    }

    /// A sweep comes by. True when the socket should be emptied and then [`Port::trust`]ed.
    pub(super) fn ripen(&mut self) -> bool {
        if let Filter::New(peer) = self.filter {
            self.filter = Filter::Ripe(peer);
            return false;
        }
        matches!(self.filter, Filter::Ripe(_))
    }

    /// The socket was found empty after it was ripe.
    pub(super) fn trust(&mut self) {
        if let Filter::Ripe(peer) = self.filter {
            self.filter = Filter::Certain(peer);
        }
    }
}

/// RTP and RTCP of one side, by [`Component::index`].
pub(super) type Pair = [Port; 2];

/// One stream's sockets.
#[derive(Debug)]
pub(super) struct StreamPorts(pub(super) [Pair; 2]);

impl StreamPorts {
    #[inline]
    pub(super) fn port(&self, side: Side, component: Component) -> &Port {
        &self.0[side.index()][component.index()]
    }

    pub(super) fn port_mut(&mut self, side: Side, component: Component) -> &mut Port {
        &mut self.0[side.index()][component.index()]
    }
}

/// Why a pair could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PairError {
    Exhausted,
    Descriptors,
    Bind(i32),
}

/// Takes and binds a pair of `range`; its even port and sockets. A pair that another program holds is set
/// aside and the next is tried.
pub(super) fn open_pair(range: &mut PortRange, dscp: u8, now: Time) -> Result<(u16, Pair), PairError> {
    let mut last = PairError::Exhausted;
    for _ in 0..BIND_TRIES {
        let Some(rtp) = range.take(now) else { return Err(last) };
        match bind_pair(range.address, rtp, dscp) {
            Ok(pair) => return Ok((rtp, pair)),
            Err(e) => last = judge(&e),
        }
        match last {
            PairError::Bind(libc::EADDRINUSE | libc::EACCES) => range.give_foreign(now, rtp),
            // The address itself or the process is at fault: another port will not help.
            _ => {
                range.give_unused(now, rtp);
                return Err(last);
            }
        }
    }
    Err(last)
}

fn bind_pair(address: IpAddr, rtp: u16, dscp: u8) -> io::Result<Pair> {
    let open = |port: u16| -> io::Result<Port> {
        Ok(Port { fd: sys::udp_socket(SocketAddr::new(address, port), dscp)?, filter: Filter::Off })
    };
    let control = rtp.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
    Ok([open(rtp)?, open(control)?])
}

fn judge(e: &io::Error) -> PairError {
    match e.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => PairError::Descriptors,
        other => PairError::Bind(other.unwrap_or(libc::EINVAL)),
    }
}
