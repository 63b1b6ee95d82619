//! The system calls of the portable engine, each as one safe function.
//!
//! Nothing here decides anything. Errors are the operating system's own.
#![allow(unsafe_code)]

use crate::mmsg::{Address, set_option};
use rustix::net::{self, RecvFlags, SendFlags};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// A bound, non-blocking UDP socket whose packets carry `dscp` (0 to 63, RFC 2474 §3).
pub(super) fn udp_socket(local: SocketAddr, dscp: u8) -> io::Result<OwnedFd> {
    let family = if local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers; a descriptor that is returned belongs to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(check(libc::socket(family, kind, 0))?) };
    let class = i32::from(dscp.min(63)) << 2;
    if local.is_ipv4() {
        set_option(fd.as_fd(), libc::IPPROTO_IP, libc::IP_TOS, class)?;
    } else {
        set_option(fd.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        set_option(fd.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_TCLASS, class)?;
    }
    let (address, length) = Address::encode(local);
    // SAFETY: the address lives through the call and its true length is given.
    check(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr(), length) })?;
    Ok(fd)
}

/// Lets the socket hear only `peer`; `None`: everybody again, on the same local port.
pub(super) fn associate(fd: BorrowedFd<'_>, peer: Option<SocketAddr>) -> io::Result<()> {
    let (address, length) = peer.map_or((Address::unspecified(), Address::CAPACITY), Address::encode);
    // SAFETY: the address lives through the call and its true length is given.
    check(unsafe { libc::connect(fd.as_raw_fd(), address.as_ptr(), length) })?;
    Ok(())
}

/// One datagram into `buffer`: its whole length (which may exceed the buffer) and its source.
#[inline]
pub(super) fn recv_from(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddr>)> {
    let mut address = Address::unspecified();
    let mut length = Address::CAPACITY;
    // SAFETY: buffer and address live through the call and their true sizes are given.
    let got = check_size(unsafe {
        libc::recvfrom(
            fd.as_raw_fd(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            libc::MSG_DONTWAIT | libc::MSG_TRUNC,
            address.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    Ok((got, address.decode(length)))
}

/// One datagram into `buffer`: its whole length (which may exceed the buffer). Not by the C library, which makes every
/// call of a program with threads a point at which one might be cancelled: 3 % of a relayed packet with [`send`].
#[inline]
pub(super) fn recv(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, length) = net::recv(fd, buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC)?;
    Ok(length)
}

/// Asks the processor to fetch a line of memory that is about to be used; it does nothing where there is no such
/// instruction, or nothing to fetch.
#[inline]
pub(super) fn prefetch(line: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; it reads nothing and faults nowhere.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Sends to the associated peer.
#[inline]
pub(super) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
    net::send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Sends to `to`.
pub(super) fn send_to(fd: BorrowedFd<'_>, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    let (address, length) = Address::encode(to);
    // SAFETY: bytes and address live through the call and their true lengths are given.
    check_size(unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            address.as_ptr(),
            length,
        )
    })?;
    Ok(())
}

/// An epoll instance: which of many descriptors have something.
pub(super) struct Poll(OwnedFd);

/// What one wait brought.
pub(super) struct Ready {
    events: Vec<libc::epoll_event>,
    filled: usize,
}

impl Ready {
    pub(super) fn new(capacity: usize) -> Ready {
        Ready { events: vec![libc::epoll_event { events: 0, u64: 0 }; capacity], filled: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// The token of one ready descriptor.
    #[inline]
    pub(super) fn token(&self, at: usize) -> u64 {
        self.events.get(at).map_or(u64::MAX, |e| e.u64)
    }
}

impl Poll {
    pub(super) fn new() -> io::Result<Poll> {
        // SAFETY: no pointers; a descriptor that is returned belongs to nobody else.
        Ok(Poll(unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) }))
    }

    /// Watches `fd` for input, level-triggered. Closing it ends that.
    pub(super) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: the event lives through the call.
        check(unsafe {
            libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event)
        })?;
        Ok(())
    }

    /// The same of a descriptor that somebody else keeps open.
    pub(super) fn add_raw(&self, fd: i32, token: u64) -> io::Result<()> {
        // SAFETY: only looked at here; one that is no more open is an error that the system tells.
        self.add(unsafe { BorrowedFd::borrow_raw(fd) }, token)
    }

    /// Stops watching `fd`.
    pub(super) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        // SAFETY: no event is read or written when a descriptor is taken out.
        check(unsafe {
            libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_DEL, fd.as_raw_fd(), std::ptr::null_mut())
        })?;
        Ok(())
    }

    /// The same of a descriptor that somebody else keeps open.
    pub(super) fn remove_raw(&self, fd: i32) -> io::Result<()> {
        // SAFETY: as in `add_raw`.
        self.remove(unsafe { BorrowedFd::borrow_raw(fd) })
    }

    /// Waits for at most `timeout` milliseconds (−1: as long as it takes). An interrupted wait is an
    /// empty one.
    pub(super) fn wait(&self, ready: &mut Ready, timeout: i32) -> io::Result<()> {
        ready.filled = 0;
        let room = i32::try_from(ready.events.len()).unwrap_or(i32::MAX);
        // SAFETY: the array lives through the call and its true length is given.
        let got =
            check(unsafe { libc::epoll_wait(self.0.as_raw_fd(), ready.events.as_mut_ptr(), room, timeout) });
        match got {
            Ok(n) => ready.filled = usize::try_from(n).unwrap_or(0),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

/// A bell that one thread rings and another, waiting in [`Poll`], hears.
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> io::Result<Bell> {
        let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        // SAFETY: no pointers; a descriptor that is returned belongs to nobody else.
        Ok(Bell(unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, flags))?) }))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Rings. Can only fail when it is ringing already.
    pub(super) fn ring(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight live bytes.
        let _ = unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Stops ringing.
    pub(super) fn silence(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight live bytes.
        let _ = unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

/// How many descriptors the process may have.
pub(super) fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit};
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// 128 bits from the operating system, for the order in which ports are given out.
pub(super) fn seed() -> (u64, u64) {
    let mut bytes = [0u8; 16];
    // SAFETY: sixteen live bytes.
    let _ = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    let half = |at: usize| bytes[at..at + 8].iter().fold(0, |n, &b| n << 8 | u64::from(b));
    (half(0), half(8))
}
