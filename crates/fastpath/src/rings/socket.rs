//! A socket of the kind AF_XDP at one queue of a device: frames that the program hands over come there, and frames leave.
//!
//! Without copies where the driver offers that and the queue takes it; else by copies (`XDP_COPY`): then the kernel sends in
//! our calls alone, and asks for one each time.
#![allow(unsafe_code)]

use super::ring::{ENTRIES, Memory, PLACE, Ring};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Entries of the ring of what comes, and whether frames lie in the memory without being copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Manner {
    pub(super) share: u32,
    pub(super) zero_copy: bool,
}

/// Whose memory a socket uses at a queue.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seat<'a> {
    /// Its own: it is the first there.
    First,
    /// That of the first.
    Beside(BorrowedFd<'a>),
}

/// See the module text.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// A socket without anything. It belongs to the calling thread's network.
    fn new() -> io::Result<Socket> {
        // SAFETY: no pointers; a descriptor that is returned belongs to nobody else.
        let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, owned by nobody else.
        Ok(Socket(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The first at a queue, with the memory and the rings of what is free in it: to be filled, and sent.
    pub(super) fn with(memory: &Memory) -> io::Result<(Socket, [Ring<u64>; 2])> {
        let socket = Socket::new()?;
        // SAFETY: plain numbers, for which zeros are well.
        let mut told: libc::xdp_umem_reg = unsafe { std::mem::zeroed() };
        (told.addr, told.len, told.chunk_size) = (memory.start(), Memory::LENGTH as u64, PLACE as u32);
        socket.set(libc::XDP_UMEM_REG, &told)?;
        socket.set(libc::XDP_UMEM_FILL_RING, &ENTRIES)?;
        socket.set(libc::XDP_UMEM_COMPLETION_RING, &ENTRIES)?;
        let at = socket.offsets()?;
        let fill = Ring::map(socket.fd(), at.fr, libc::XDP_UMEM_PGOFF_FILL_RING as i64, ENTRIES)?;
        let sent = Ring::map(socket.fd(), at.cr, libc::XDP_UMEM_PGOFF_COMPLETION_RING as i64, ENTRIES)?;
        Ok((socket, [fill, sent]))
    }

    /// A further one, that will use the memory of the first.
    pub(super) fn further() -> io::Result<Socket> {
        Socket::new()
    }

    /// Its own rings, of what comes and of what leaves, and its place at a queue of a device.
    pub(super) fn bind(
        &self,
        (device, queue): (u32, u32),
        seat: Seat<'_>,
        Manner { share, zero_copy }: Manner,
    ) -> io::Result<[Ring<libc::xdp_desc>; 2]> {
        self.set(libc::XDP_RX_RING, &share)?;
        self.set(libc::XDP_TX_RING, &ENTRIES)?;
        let at = self.offsets()?;
        let rings = [
            Ring::map(self.fd(), at.rx, libc::XDP_PGOFF_RX_RING, share)?,
            Ring::map(self.fd(), at.tx, libc::XDP_PGOFF_TX_RING, ENTRIES)?,
        ];
        let (sxdp_flags, first) = match seat {
            Seat::Beside(first) => (libc::XDP_SHARED_UMEM, first.as_raw_fd()),
            Seat::First if zero_copy => (libc::XDP_ZEROCOPY | libc::XDP_USE_NEED_WAKEUP, 0),
            Seat::First => (libc::XDP_COPY, 0),
        };
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags,
            sxdp_ifindex: device,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: first.cast_unsigned(),
        };
        let length = size_of::<libc::sockaddr_xdp>() as u32;
        // SAFETY: the address lives through the call and its true length is given.
        let bound = unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), length) };
        if bound == 0 { Ok(rings) } else { Err(io::Error::last_os_error()) }
    }

    /// Has the kernel send some of what stands in the ring.
    pub(super) fn kick(&self) -> io::Result<()> {
        let fd = self.0.as_raw_fd();
        // SAFETY: no data and no address.
        let sent = unsafe { libc::sendto(fd, std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Has a driver that takes places by itself look for new ones.
    pub(super) fn wake(&self) {
        let fd = self.0.as_raw_fd();
        // SAFETY: no data and no address. Where it fails there is nobody to wake.
        unsafe { libc::recv(fd, std::ptr::null_mut(), 0, libc::MSG_DONTWAIT) };
    }

    /// Packets that came and found no room: neither in the ring nor in a place of the memory.
    pub(super) fn lost(&self) -> u64 {
        // SAFETY: plain numbers, for which zeros are well.
        let mut told: libc::xdp_statistics = unsafe { std::mem::zeroed() };
        match self.get(libc::XDP_STATISTICS, &mut told) {
            // `rx_fill_ring_empty_descs` is of the memory, and the same at all sockets that share it.
            Ok(()) => told.rx_dropped + told.rx_ring_full,
            Err(_) => 0,
        }
    }

    /// Another handle of the same socket.
    pub(super) fn again(&self) -> io::Result<Socket> {
        Ok(Socket(self.0.try_clone()?))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn set<T>(&self, option: i32, value: &T) -> io::Result<()> {
        let (fd, length) = (self.0.as_raw_fd(), size_of::<T>() as u32);
        // SAFETY: the value lives through the call and its true length is given.
        let done = unsafe { libc::setsockopt(fd, libc::SOL_XDP, option, (&raw const *value).cast(), length) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn get<T>(&self, option: i32, value: &mut T) -> io::Result<()> {
        let (fd, mut length) = (self.0.as_raw_fd(), size_of::<T>() as u32);
        // SAFETY: both live through the call and the value's true length is given.
        let done =
            unsafe { libc::getsockopt(fd, libc::SOL_XDP, option, (&raw mut *value).cast(), &raw mut length) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn offsets(&self) -> io::Result<libc::xdp_mmap_offsets> {
        // SAFETY: plain numbers, for which zeros are well.
        let mut found: libc::xdp_mmap_offsets = unsafe { std::mem::zeroed() };
        self.get(libc::XDP_MMAP_OFFSETS, &mut found)?;
        Ok(found)
    }
}
