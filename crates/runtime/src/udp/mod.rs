//! One UDP port of an interface: datagrams in, datagrams out, and the errors that come back.
//!
//! Knows nothing of SIP beyond telling a keepalive from a message. It never waits. What was sent with a
//! token is remembered for a while, so that an ICMP error can be told to whom it matters; this
//! makes failover from a dead gateway immediate. Enter through [`UdpPort::bind`].

pub(crate) mod gather;
pub(crate) mod icmp;

use crate::socket;
use base::ListenId;
use gather::{Gather, Item};
use sip_core::{ConnId, SendError, SendToken};
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// Tokens remembered per port, at most; older ones are forgotten first.
const RECENT_MAX: usize = 4096;
/// Bytes kept while the socket's buffer is full, at most; datagrams beyond are lost, and counted.
const BACKLOG_MAX: usize = 1 << 20;
/// ICMP errors read per turn, at most.
const ERRORS_PER_TURN: usize = 256;
/// Receive and send buffer asked of the kernel, bytes.
const SOCKET_BUFFER: usize = 8 << 20;

/// What happened on one port since its birth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DatagramCounters {
    /// Received, without keepalives.
    pub received: u64,
    /// Keepalives: empty, or only CR, LF and NUL.
    pub keepalives: u64,
    /// Sent.
    pub sent: u64,
    /// Not sent: refused by our own system.
    pub refused: u64,
    /// ICMP errors about what was sent.
    pub undelivered: u64,
    /// Times that the socket's buffer was full.
    pub blocked: u64,
    /// Lost because the backlog was full.
    pub overflowed: u64,
}

impl DatagramCounters {
    /// Adds another port's.
    pub(crate) fn add(&mut self, other: &DatagramCounters) {
        self.received += other.received;
        self.keepalives += other.keepalives;
        self.sent += other.sent;
        self.refused += other.refused;
        self.undelivered += other.undelivered;
        self.blocked += other.blocked;
        self.overflowed += other.overflowed;
    }
}

/// A bound UDP port.
pub(crate) struct UdpPort {
    pub(crate) listen: ListenId,
    pub(crate) local: SocketAddr,
    /// Names this port in flows when the interface has several.
    pub(crate) conn: Option<ConnId>,
    socket: UdpSocket,
    /// What leaves in this turn; indexes into the turn's arena.
    items: Vec<Item>,
    tokens: Vec<Option<SendToken>>,
    recent: VecDeque<(SocketAddr, SendToken)>,
    backlog: Vec<u8>,
    backlog_items: Vec<Item>,
    pub(crate) counters: DatagramCounters,
}

impl UdpPort {
    /// Binds a port.
    pub(crate) fn bind(
        listen: ListenId,
        address: SocketAddr,
        dscp: u8,
        conn: Option<ConnId>,
    ) -> io::Result<UdpPort> {
        let socket = socket::open(address, socket::Kind::Datagrams, dscp)?;
        socket::enlarge_buffers(&socket, SOCKET_BUFFER);
        icmp::enable(socket.as_fd(), address)?;
        socket.bind(&address.into())?;
        let socket: UdpSocket = socket.into();
        Ok(UdpPort {
            listen,
            local: socket.local_addr()?,
            conn,
            socket,
            items: Vec::new(),
            tokens: Vec::new(),
            recent: VecDeque::new(),
            backlog: Vec::new(),
            backlog_items: Vec::new(),
            counters: DatagramCounters::default(),
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Adds a datagram of the turn's arena to what leaves with [`UdpPort::flush`].
    pub(crate) fn push(&mut self, item: Item, token: Option<SendToken>) {
        if let Some(token) = token {
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back((item.to, token));
        }
        self.items.push(item);
        self.tokens.push(token);
    }

    /// Sends what was pushed. True when room to write must be watched for.
    pub(crate) fn flush(
        &mut self,
        gather: &mut Gather,
        arena: &[u8],
        failures: &mut Vec<(SendToken, SendError)>,
    ) -> bool {
        if self.items.is_empty() {
            return !self.backlog_items.is_empty();
        }
        let mut done = 0;
        // Behind a backlog everything queues, so that order is kept.
        if self.backlog_items.is_empty() {
            let (tokens, counters, recent) = (&self.tokens, &mut self.counters, &mut self.recent);
            done = gather.send(self.socket.as_fd(), arena, &self.items, |index, error| {
                counters.refused += 1;
                if let Some(token) = tokens.get(index).copied().flatten() {
                    recent.retain(|(_, other)| *other != token);
                    failures.push((token, send_error(error.raw_os_error().unwrap_or(0))));
                }
            });
            self.counters.sent += done as u64;
        }
        self.keep(arena, done);
        self.items.clear();
        self.tokens.clear();
        !self.backlog_items.is_empty()
    }

    /// Keeps what the socket's buffer had no room for.
    fn keep(&mut self, arena: &[u8], done: usize) {
        let Some(rest) = self.items.get(done..).filter(|rest| !rest.is_empty()) else { return };
        self.counters.blocked += 1;
        for item in rest {
            let bytes = arena.get(item.range.clone()).unwrap_or_default();
            if self.backlog.len() + bytes.len() > BACKLOG_MAX {
                self.counters.overflowed += 1;
                continue;
            }
            let start = self.backlog.len();
            self.backlog.extend_from_slice(bytes);
            self.backlog_items.push(Item { range: start..self.backlog.len(), to: item.to });
        }
    }

    /// Sends the backlog, there being room again. True when some of it remains.
    pub(crate) fn writable(&mut self, gather: &mut Gather) -> bool {
        let counters = &mut self.counters;
        let done = gather
            .send(self.socket.as_fd(), &self.backlog, &self.backlog_items, |_, _| counters.refused += 1);
        self.counters.sent += done as u64;
        self.backlog_items.drain(..done);
        if self.backlog_items.is_empty() {
            self.backlog.clear();
        }
        !self.backlog_items.is_empty()
    }

    /// Reads the ICMP errors that wait; tokens of what was sent to those addresses have failed.
    pub(crate) fn errors(&mut self, failures: &mut Vec<(SendToken, SendError)>) {
        for _ in 0..ERRORS_PER_TURN {
            let Some(error) = icmp::next_error(self.socket.as_fd()) else { return };
            self.counters.undelivered += 1;
            let Some(icmp::Undelivered { to, errno }) = error else { continue };
            if self.recent.iter().any(|(address, _)| *address == to) {
                self.recent.retain(|(address, token)| {
                    let failed = *address == to;
                    if failed {
                        failures.push((*token, send_error(errno)));
                    }
                    !failed
                });
            }
        }
    }
}

/// Whether a datagram is a keepalive and no message: empty, or line ends and NULs only, as many devices send.
pub(crate) fn is_keepalive(bytes: &[u8]) -> bool {
    const LONGEST: usize = 8;
    bytes.len() <= LONGEST && bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0))
}

/// An operating system error in the words of the pure house.
pub(crate) fn send_error(errno: i32) -> SendError {
    match errno {
        libc::ECONNREFUSED => SendError::Refused,
        libc::EMSGSIZE => SendError::TooLarge,
        libc::ETIMEDOUT => SendError::Timeout,
        libc::ENOBUFS | libc::ENOMEM => SendError::QueueFull,
        libc::ECONNRESET | libc::EPIPE => SendError::Closed,
        _ => SendError::Unreachable,
    }
}
