//! Many datagrams in one system call: `recvmmsg` and `sendmmsg` with IPv4 and IPv6 addresses.
//!
//! For sockets through which many peers speak (SIP over UDP). Buffers are taken once; nothing is
//! allocated per datagram. Enter through [`RecvBatch`] and [`SendBatch`]; [`Address`] is the
//! operating system's form of a socket address, also for single calls.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

/// A socket address as the operating system reads and writes it.
#[derive(Clone, Copy)]
#[repr(C)]
pub union Address {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Address {
    /// The size of the largest address, bytes.
    pub const CAPACITY: libc::socklen_t = mem::size_of::<Address>() as libc::socklen_t;

    /// No address: family 0, which on `connect` dissolves a datagram association.
    #[must_use]
    pub const fn unspecified() -> Address {
        // SAFETY: both members are plain integers, for which all bits zero is a value.
        unsafe { mem::zeroed() }
    }

    /// The operating system's form and its length.
    #[must_use]
    pub fn encode(address: SocketAddr) -> (Address, libc::socklen_t) {
        let mut raw = Address::unspecified();
        match address {
            SocketAddr::V4(a) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: a.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(a.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (raw, mem::size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(a) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: a.port().to_be(),
                    sin6_flowinfo: a.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: a.ip().octets() },
                    sin6_scope_id: a.scope_id(),
                };
                (raw, mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }

    /// What the operating system wrote; `None` when it is no internet address of that length.
    #[must_use]
    #[inline]
    pub fn decode(&self, length: libc::socklen_t) -> Option<SocketAddr> {
        let length = length as usize;
        // SAFETY: both members begin with the family, and every bit pattern is a value of either.
        let family = libc::c_int::from(unsafe { self.v4.sin_family });
        if family == libc::AF_INET && length >= mem::size_of::<libc::sockaddr_in>() {
            // SAFETY: as above; the family says which member was written.
            let a = unsafe { self.v4 };
            let ip = Ipv4Addr::from(a.sin_addr.s_addr.to_ne_bytes());
            return Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(a.sin_port))));
        }
        if family == libc::AF_INET6 && length >= mem::size_of::<libc::sockaddr_in6>() {
            // SAFETY: as above.
            let a = unsafe { self.v6 };
            let ip = Ipv6Addr::from(a.sin6_addr.s6_addr);
            // Flow information is the sender's business and no part of who it is.
            return Some(SocketAddr::V6(SocketAddrV6::new(
                ip,
                u16::from_be(a.sin6_port),
                0,
                a.sin6_scope_id,
            )));
        }
        None
    }

    /// For the system call interface.
    #[must_use]
    pub fn as_ptr(&self) -> *const libc::sockaddr {
        std::ptr::from_ref(self).cast()
    }

    /// For the system call interface.
    pub fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        std::ptr::from_mut(self).cast()
    }
}

/// Asks the socket to say, with each datagram, to which of our addresses it was sent; see
/// [`Datagram::local`].
///
/// # Errors
/// What the operating system says.
pub fn enable_packet_info(fd: BorrowedFd<'_>, local: SocketAddr) -> io::Result<()> {
    let (level, option) = match local {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    };
    set_option(fd, level, option, 1)
}

/// Sets an integer socket option.
///
/// # Errors
/// What the operating system says.
pub fn set_option(fd: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the value lives through the call and its true size is given.
    let done = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(&value).cast(),
            mem::size_of::<i32>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Room for one packet-info control message.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 64]);

/// A received datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Its payload.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub source: SocketAddr,
    /// To which of our addresses, when [`enable_packet_info`] was called.
    pub local: Option<IpAddr>,
    /// It was longer than a slot; the rest is lost.
    pub truncated: bool,
}

/// Receives up to a fixed number of datagrams at once.
pub struct RecvBatch {
    slot_bytes: usize,
    bytes: Box<[u8]>,
    addresses: Box<[Address]>,
    controls: Box<[Control]>,
    /// Point into the boxes above and are pointed to by `headers`; never read otherwise.
    _vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    filled: usize,
}

// SAFETY: the pointers in `headers` and `_vectors` point only into boxes owned by the same value, whose
// heap places do not change when the value moves.
unsafe impl Send for RecvBatch {}

impl RecvBatch {
    /// A batch of `slots` datagrams of at most `slot_bytes` each (both at least 1).
    #[must_use]
    pub fn new(slots: usize, slot_bytes: usize) -> RecvBatch {
        let (slots, slot_bytes) = (slots.max(1), slot_bytes.max(1));
        let mut bytes = vec![0u8; slots * slot_bytes].into_boxed_slice();
        let mut addresses = vec![Address::unspecified(); slots].into_boxed_slice();
        let mut controls = vec![Control([0; 64]); slots].into_boxed_slice();
        let mut vectors: Box<[libc::iovec]> = bytes
            .chunks_exact_mut(slot_bytes)
            .map(|c| libc::iovec { iov_base: c.as_mut_ptr().cast(), iov_len: c.len() })
            .collect();
        let headers = vectors.iter_mut().zip(&mut addresses).zip(&mut controls).map(|((v, a), c)| {
            // SAFETY: a message header of all zero bits is a valid, empty one.
            let mut h: libc::mmsghdr = unsafe { mem::zeroed() };
            h.msg_hdr.msg_iov = v;
            h.msg_hdr.msg_iovlen = 1;
            h.msg_hdr.msg_name = std::ptr::from_mut(a).cast();
            h.msg_hdr.msg_namelen = Address::CAPACITY;
            h.msg_hdr.msg_control = c.0.as_mut_ptr().cast();
            h.msg_hdr.msg_controllen = c.0.len();
            h
        });
        let headers = headers.collect();
        RecvBatch { slot_bytes, bytes, addresses, controls, _vectors: vectors, headers, filled: 0 }
    }

    /// Receives what waits, without blocking.
    ///
    /// # Errors
    /// `WouldBlock` when nothing waits; otherwise what the operating system says (an error that an
    /// earlier datagram caused, such as `ConnectionRefused`, is said once: call again).
    pub fn recv(&mut self, fd: BorrowedFd<'_>) -> io::Result<impl Iterator<Item = Datagram<'_>>> {
        for h in self.headers.iter_mut().take(self.filled) {
            h.msg_hdr.msg_namelen = Address::CAPACITY;
            h.msg_hdr.msg_controllen = mem::size_of::<Control>();
        }
        self.filled = 0;
        // SAFETY: every header points to live buffers of the sizes it states, owned by self.
        let got = unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let filled = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        self.filled = filled;
        let this = &*self;
        Ok((0..filled).filter_map(move |slot| this.datagram(slot)))
    }

    fn datagram(&self, slot: usize) -> Option<Datagram<'_>> {
        let header = self.headers.get(slot)?;
        let start = slot * self.slot_bytes;
        let length = (header.msg_len as usize).min(self.slot_bytes);
        Some(Datagram {
            bytes: self.bytes.get(start..start + length)?,
            source: self.addresses.get(slot)?.decode(header.msg_hdr.msg_namelen)?,
            local: local_address(&header.msg_hdr, self.controls.get(slot)?),
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        })
    }
}

/// The destination address in a packet-info control message.
fn local_address(header: &libc::msghdr, control: &Control) -> Option<IpAddr> {
    if header.msg_controllen == 0 {
        return None;
    }
    debug_assert_eq!(header.msg_control.cast_const().cast(), control.0.as_ptr());
    // SAFETY: the header's control pointer and length describe `control`, which the kernel filled;
    // CMSG_FIRSTHDR checks that a whole control header lies within.
    let message = unsafe { libc::CMSG_FIRSTHDR(header).as_ref() }?;
    let whole = |payload: usize| message.cmsg_len >= mem::size_of::<libc::cmsghdr>() + payload;
    // SAFETY: the payload of the named type lies within the message, as its length was checked; it is
    // read unaligned.
    unsafe {
        let data = libc::CMSG_DATA(message);
        match (message.cmsg_level, message.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) if whole(mem::size_of::<libc::in_pktinfo>()) => {
                let info: libc::in_pktinfo = data.cast::<libc::in_pktinfo>().read_unaligned();
                Some(IpAddr::V4(Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes())))
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if whole(mem::size_of::<libc::in6_pktinfo>()) => {
                let info: libc::in6_pktinfo = data.cast::<libc::in6_pktinfo>().read_unaligned();
                Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)))
            }
            _ => None,
        }
    }
}

/// What became of sent datagrams, since the batch was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SendCounters {
    /// Taken by the operating system.
    pub sent: u64,
    /// Refused, one by one (no route, too long, refused by the peer's host).
    pub failed: u64,
    /// Times that the socket's buffer was full.
    pub blocked: u64,
    /// Not taken into the batch because it was full.
    pub overflowed: u64,
}

/// Gathers datagrams and sends them at once.
pub struct SendBatch {
    slots: usize,
    bytes_max: usize,
    bytes: Vec<u8>,
    /// Start and length in `bytes`, and where to.
    queued: Vec<(usize, usize, Address, libc::socklen_t)>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    /// What became of them.
    pub counters: SendCounters,
}

// SAFETY: the pointers in `vectors` and `headers` are made and used within one call of `flush`.
unsafe impl Send for SendBatch {}

impl SendBatch {
    /// A batch of at most `slots` datagrams of together at most `bytes_max` bytes.
    #[must_use]
    pub fn new(slots: usize, bytes_max: usize) -> SendBatch {
        SendBatch {
            slots: slots.max(1),
            bytes_max,
            bytes: Vec::with_capacity(bytes_max),
            queued: Vec::with_capacity(slots),
            vectors: Vec::with_capacity(slots),
            headers: Vec::with_capacity(slots),
            counters: SendCounters::default(),
        }
    }

    /// How many datagrams wait for [`SendBatch::flush`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.queued.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// Whether a datagram of `length` bytes still fits.
    #[must_use]
    pub fn fits(&self, length: usize) -> bool {
        self.queued.len() < self.slots && self.bytes.len() + length <= self.bytes_max
    }

    /// Adds a datagram. False, and counted, when it does not fit: flush first.
    pub fn push(&mut self, bytes: &[u8], to: SocketAddr) -> bool {
        if !self.fits(bytes.len()) {
            self.counters.overflowed += 1;
            return false;
        }
        let (address, length) = Address::encode(to);
        self.queued.push((self.bytes.len(), bytes.len(), address, length));
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// Sends what waits, without blocking. True when nothing waits any more; false when the
    /// socket's buffer is full: flush again when it is writable. A datagram that is refused is counted
    /// and left out.
    pub fn flush(&mut self, fd: BorrowedFd<'_>) -> bool {
        self.prepare();
        let mut done = 0;
        while done < self.headers.len() {
            let rest = &mut self.headers[done..];
            // SAFETY: every header points to a live iovec, bytes and address owned by self, of the
            // sizes it states; nothing of them is changed during the call.
            let sent = unsafe {
                libc::sendmmsg(
                    fd.as_raw_fd(),
                    rest.as_mut_ptr(),
                    rest.len() as libc::c_uint,
                    libc::MSG_DONTWAIT,
                )
            };
            if let Ok(sent @ 1..) = usize::try_from(sent) {
                done += sent;
                self.counters.sent += sent as u64;
                continue;
            }
            match io::Error::last_os_error().kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => {
                    self.counters.blocked += 1;
                    break;
                }
                _ => {
                    self.counters.failed += 1;
                    done += 1;
                }
            }
        }
        self.queued.drain(..done);
        if self.queued.is_empty() {
            self.bytes.clear();
        }
        self.queued.is_empty()
    }

    /// Builds the message headers of what waits.
    fn prepare(&mut self) {
        self.vectors.clear();
        self.headers.clear();
        let base = self.bytes.as_mut_ptr();
        for &(start, length, ..) in &self.queued {
            // SAFETY: start lies within `bytes`, which is not changed before the headers are used.
            let at = unsafe { base.add(start) };
            self.vectors.push(libc::iovec { iov_base: at.cast(), iov_len: length });
        }
        for ((_, _, address, length), vector) in self.queued.iter_mut().zip(&mut self.vectors) {
            // SAFETY: a message header of all zero bits is a valid, empty one.
            let mut h: libc::mmsghdr = unsafe { mem::zeroed() };
            h.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
            h.msg_hdr.msg_namelen = *length;
            h.msg_hdr.msg_iov = vector;
            h.msg_hdr.msg_iovlen = 1;
            self.headers.push(h);
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/mmsg.rs"]
mod tests;
