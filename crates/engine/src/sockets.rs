//! The sockets of a stream: two sides, RTP and RTCP each.
//!
//! They are opened in the caller's thread, so that signalling knows its ports at once; a worker then owns them
//! and gives them back, deaf, to be used by a later call.

use super::ports::{PortRange, Taken};
use super::sys;
use base::Time;
use media::{Component, Road, Side};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How many pairs of ports are tried before giving up.
const BIND_TRIES: usize = 64;
/// Datagrams that may wait in a socket whose call has ended; one that holds more is closed.
const LEFT_MAX: usize = 512;

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
    local: SocketAddr,
    filter: Filter,
}

impl Port {
    fn open(local: SocketAddr, dscp: u8) -> io::Result<Port> {
        Ok(Port { fd: sys::udp_socket(local, dscp)?, local, filter: Filter::Off })
    }

    /// Makes the port deaf and empty. Associated with itself it hears nobody: to all others it is like a closed
    /// port, also in the ICMP error that they are told.
    fn deafen(&mut self) -> bool {
        sys::associate(self.fd.as_fd(), Some(self.local)).is_ok() && self.is_emptied()
    }

    /// Makes a deaf port hear everybody.
    fn open_ears(&mut self) -> bool {
        self.filter = Filter::Off;
        self.is_emptied() && sys::associate(self.fd.as_fd(), None).is_ok()
    }

    /// Throws away what waits; false when it does not end.
    fn is_emptied(&self) -> bool {
        let blocked = |e: io::Error| e.kind() == io::ErrorKind::WouldBlock;
        (0..LEFT_MAX).any(|_| sys::recv(self.fd.as_fd(), &mut [0; 1]).is_err_and(blocked))
    }

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

/// RTP and RTCP of one side.
#[derive(Debug)]
pub(super) struct Pair {
    /// By [`Component::index`].
    pub(super) ports: [Port; 2],
    dscp: u8,
}

impl Pair {
    /// Binds both; 0 lets the system choose each.
    pub(super) fn bind(address: IpAddr, rtp: u16, dscp: u8) -> io::Result<Pair> {
        let control = if rtp == 0 { 0 } else { rtp.checked_add(1).ok_or(io::ErrorKind::InvalidInput)? };
        let open = |port| Port::open(SocketAddr::new(address, port), dscp);
        Ok(Pair { ports: [open(rtp)?, open(control)?], dscp })
    }

    /// Ends the use by a call; false when the pair is better closed.
    pub(super) fn deafen(&mut self) -> bool {
        self.ports.iter_mut().all(Port::deafen)
    }

    /// Begins the use by another call; false when the pair cannot serve it.
    pub(super) fn is_revived(&mut self, dscp: u8) -> bool {
        self.dscp == dscp && self.ports.iter_mut().all(Port::open_ears)
    }
}

/// One stream's sockets.
#[derive(Debug)]
pub(super) struct StreamPorts(pub(super) [Pair; 2]);

impl StreamPorts {
    #[inline]
    pub(super) fn port(&self, side: Side, component: Component) -> &Port {
        &self.0[side.index()].ports[component.index()]
    }

    pub(super) fn port_mut(&mut self, side: Side, component: Component) -> &mut Port {
        &mut self.0[side.index()].ports[component.index()]
    }

    /// The way of what `side` sends, in by its port of RTP and out of the other side's.
    pub(super) fn road(&self, side: Side) -> Road {
        let local = |side: Side| self.port(side, Component::Rtp).local;
        Road {
            local: local(side),
            from: local(side.other()),
            dscp: self.0[side.other().index()].dscp,
            home: None,
        }
    }

    /// All four sockets, whose they are and for what.
    pub(super) fn all(&self) -> impl Iterator<Item = (Side, Component, &Port)> {
        let pairs = Side::BOTH.into_iter().flat_map(|s| Component::BOTH.into_iter().map(move |c| (s, c)));
        pairs.map(|(side, component)| (side, component, self.port(side, component)))
    }
}

/// Why a pair could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PairError {
    Exhausted,
    Descriptors,
    Bind(i32),
}

/// Takes a pair of `range` and binds it unless it still is; its even port and sockets. A pair that another
/// program holds is set aside and the next is tried.
pub(super) fn open_pair(range: &mut PortRange, dscp: u8, now: Time) -> Result<(u16, Pair), PairError> {
    let mut last = PairError::Exhausted;
    for _ in 0..BIND_TRIES {
        let Some(Taken { port, bound }) = range.take(now) else { return Err(last) };
        if let Some(mut pair) = bound
            && pair.is_revived(dscp)
        {
            return Ok((port, pair));
        }
        match Pair::bind(range.address, port, dscp) {
            Ok(pair) => return Ok((port, pair)),
            Err(e) => last = judge(&e),
        }
        match last {
            PairError::Bind(libc::EADDRINUSE | libc::EACCES) => range.give_foreign(now, port),
            // The address itself or the process is at fault: another port will not help.
            _ => {
                range.give_unused(now, port);
                return Err(last);
            }
        }
    }
    Err(last)
}

fn judge(e: &io::Error) -> PairError {
    match e.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => PairError::Descriptors,
        other => PairError::Bind(other.unwrap_or(libc::EINVAL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::{Ipv4Addr, UdpSocket};

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_deaf_pair_is_like_a_closed_port_and_forgets_what_came_before() {
        let mut pair = Pair::bind(LOOPBACK, 43_190, 46).unwrap();
        let us = SocketAddr::new(LOOPBACK, 43_190);
        let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        peer.connect(us).unwrap();
        for n in 0..20 {
            peer.send(&[n; 172]).unwrap();
        }
        assert!(pair.deafen());
        peer.send(&[21; 172]).unwrap();
        assert_eq!(peer.recv(&mut [0; 64]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(!pair.is_revived(0), "of another class of service");
        assert!(pair.is_revived(46));
        let nothing = pair.ports[0].receive(&mut [0; 2048]);
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
        peer.send(&[22; 172]).unwrap();
        let heard = pair.ports[0].receive(&mut [0; 2048]).unwrap();
        assert_eq!(heard, (172, Some(peer.local_addr().unwrap())));
    }
}
