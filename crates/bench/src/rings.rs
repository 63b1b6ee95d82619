//! Sockets of the kind AF_XDP: packets in memory that is shared with the kernel, handed to and fro in rings. As little of
//! it as a measurement needs: one queue, copies (`XDP_COPY`). Enter through [`Umem::new`] and [`Socket::new`].
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a frame's place.
pub(crate) const PLACE: u64 = 2048;
/// Entries of each ring, and places in the memory.
pub(crate) const ENTRIES: u32 = 2048;

/// Memory for frames.
#[derive(Debug)]
pub(crate) struct Umem {
    start: NonNull<u8>,
}

// SAFETY: the memory belongs to its owner and the kernel; nothing in it is bound to a thread.
unsafe impl Send for Umem {}

impl Umem {
    /// # Errors
    /// What the kernel said.
    pub(crate) fn new() -> io::Result<Umem> {
        Ok(Umem { start: map(Umem::length(), libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)? })
    }

    fn length() -> usize {
        (u64::from(ENTRIES) * PLACE) as usize
    }

    /// The place that an address of the kernel's lies in, from that address on.
    pub(crate) fn place(&mut self, address: u64) -> &mut [u8] {
        let address = (address as usize).min(Umem::length() - 1);
        let left = PLACE as usize - address % PLACE as usize;
        // SAFETY: inside the memory; the kernel does not touch a frame that it has handed over.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(address), left) }
    }
}

impl Drop for Umem {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), Umem::length()) };
    }
}

fn map(length: usize, flags: i32, fd: i32, at: i64) -> io::Result<NonNull<u8>> {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, flags, fd, at) };
    match start == libc::MAP_FAILED {
        true => Err(io::Error::last_os_error()),
        false => NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::InvalidData.into()),
    }
}

/// One ring. It stays mapped until the process ends.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    start: NonNull<u8>,
    at: libc::xdp_ring_offset,
    kind: std::marker::PhantomData<T>,
}

// SAFETY: as that of the memory.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    fn index(&self, at: u64) -> &AtomicU32 {
        // SAFETY: an index that the kernel has laid out in the ring, used atomically on both sides.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(at as usize).cast()) }
    }

    fn entry(&self, number: u32) -> *mut T {
        let place = (number % ENTRIES) as usize;
        // SAFETY: inside the ring, which has so many entries.
        unsafe { self.start.as_ptr().add(self.at.desc as usize).cast::<T>().add(place) }
    }

    /// Puts an entry in; whether there was room.
    pub(crate) fn push(&mut self, value: T) -> bool {
        let produced = self.index(self.at.producer).load(Ordering::Relaxed);
        if produced.wrapping_sub(self.index(self.at.consumer).load(Ordering::Acquire)) >= ENTRIES {
            return false;
        }
        // SAFETY: the entry is ours until the index says otherwise.
        unsafe { self.entry(produced).write(value) };
        self.index(self.at.producer).store(produced.wrapping_add(1), Ordering::Release);
        true
    }

    /// Whether the kernel has taken all entries.
    pub(crate) fn is_drained(&self) -> bool {
        let produced = self.index(self.at.producer).load(Ordering::Relaxed);
        self.index(self.at.consumer).load(Ordering::Acquire) == produced
    }

    /// Takes an entry out.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let consumed = self.index(self.at.consumer).load(Ordering::Relaxed);
        if consumed == self.index(self.at.producer).load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: the kernel has written the entry before it moved the index.
        let value = unsafe { self.entry(consumed).read() };
        self.index(self.at.consumer).store(consumed.wrapping_add(1), Ordering::Release);
        Some(value)
    }
}

/// A socket at queue 0 of a device.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) fd: OwnedFd,
    pub(crate) fill: Ring<u64>,
    pub(crate) completed: Ring<u64>,
    pub(crate) received: Ring<libc::xdp_desc>,
    pub(crate) sending: Ring<libc::xdp_desc>,
}

impl Socket {
    /// At a device by its number; `shared`: the socket whose memory it uses too.
    ///
    /// # Errors
    /// What the kernel said.
    pub(crate) fn new(device: u32, umem: &Umem, shared: Option<&Socket>) -> io::Result<Socket> {
        // SAFETY: a new descriptor, owned from here on.
        let fd = unsafe {
            let fd = libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        if shared.is_none() {
            // SAFETY: plain numbers, for which zeros are well.
            let mut memory: libc::xdp_umem_reg = unsafe { zeroed() };
            memory.addr = umem.start.as_ptr() as u64;
            (memory.len, memory.chunk_size) = (Umem::length() as u64, PLACE as u32);
            set(&fd, libc::XDP_UMEM_REG, &memory)?;
        }
        for ring in
            [libc::XDP_UMEM_FILL_RING, libc::XDP_UMEM_COMPLETION_RING, libc::XDP_RX_RING, libc::XDP_TX_RING]
        {
            set(&fd, ring, &ENTRIES)?;
        }
        let at = offsets(&fd)?;
        let socket = Socket {
            fill: ring(&fd, at.fr, libc::XDP_UMEM_PGOFF_FILL_RING as i64)?,
            completed: ring(&fd, at.cr, libc::XDP_UMEM_PGOFF_COMPLETION_RING as i64)?,
            received: ring(&fd, at.rx, libc::XDP_PGOFF_RX_RING)?,
            sending: ring(&fd, at.tx, libc::XDP_PGOFF_TX_RING)?,
            fd,
        };
        socket.bind(device, shared)?;
        Ok(socket)
    }

    fn bind(&self, device: u32, shared: Option<&Socket>) -> io::Result<()> {
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: if shared.is_some() { libc::XDP_SHARED_UMEM } else { libc::XDP_COPY },
            sxdp_ifindex: device,
            sxdp_queue_id: 0,
            sxdp_shared_umem_fd: shared.map_or(0, |other| other.fd.as_raw_fd() as u32),
        };
        let length = size_of::<libc::sockaddr_xdp>() as u32;
        // SAFETY: the address lives through the call.
        let bound = unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), length) };
        if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Has the kernel send what stands in the ring. What it does not take at once it takes the next time.
    pub(crate) fn kick(&self) {
        // SAFETY: no data and no address.
        unsafe {
            libc::sendto(self.fd.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0)
        };
    }

    /// Waits a while for packets.
    pub(crate) fn wait(&self, ms: i32) {
        let mut one = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, which lives through the call.
        unsafe { libc::poll(&raw mut one, 1, ms) };
    }
}

fn set<T>(fd: &OwnedFd, option: i32, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as u32;
    // SAFETY: the value lives through the call.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_XDP, option, (&raw const *value).cast(), length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn offsets(fd: &OwnedFd) -> io::Result<libc::xdp_mmap_offsets> {
    // SAFETY: plain numbers, for which zeros are well.
    let mut found: libc::xdp_mmap_offsets = unsafe { zeroed() };
    let mut length = size_of::<libc::xdp_mmap_offsets>() as u32;
    let option = libc::XDP_MMAP_OFFSETS;
    // SAFETY: both values live through the call.
    let done = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_XDP, option, (&raw mut found).cast(), &raw mut length)
    };
    if done == 0 { Ok(found) } else { Err(io::Error::last_os_error()) }
}

fn ring<T>(fd: &OwnedFd, at: libc::xdp_ring_offset, page: i64) -> io::Result<Ring<T>> {
    let length = at.desc as usize + ENTRIES as usize * size_of::<T>();
    let start = map(length, libc::MAP_SHARED | libc::MAP_POPULATE, fd.as_raw_fd(), page)?;
    Ok(Ring { start, at, kind: std::marker::PhantomData })
}
