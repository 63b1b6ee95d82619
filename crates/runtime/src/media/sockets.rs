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

/// One of our ports.
#[derive(Debug)]
pub(super) struct Port {
    fd: OwnedFd,
    /// The only peer the operating system lets through, when it filters.
    pub(super) associated: Option<SocketAddr>,
}

impl Port {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
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
        Ok(Port { fd: sys::udp_socket(SocketAddr::new(address, port), dscp)?, associated: None })
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
