//! Memory for frames that is shared with the kernel, and the rings in which their addresses are handed to and fro.
#![allow(unsafe_code)]

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a frame's place; the kernel leaves 256 of them free before what it brings.
pub(super) const PLACE: usize = 2048;
/// Places of frames for each queue, half of them for what comes and half for what leaves: limit `touched_frames`.
pub(crate) const FRAMES: u32 = 4_096;
/// Entries of a ring; of what comes to a worker its share of them: so many packets may wait.
pub(super) const ENTRIES: u32 = FRAMES / 2;

/// The memory. Whoever holds a frame's address, out of a ring or the stock, is the only one to touch its place.
#[derive(Debug)]
pub(super) struct Memory {
    start: NonNull<u8>,
}

// SAFETY: nothing in it is bound to a thread; of each place the one that holds its address disposes.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) const LENGTH: usize = FRAMES as usize * PLACE;

    pub(super) fn new() -> io::Result<Memory> {
        Ok(Memory { start: map(Memory::LENGTH, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)? })
    }

    /// Where it begins, as the kernel is told.
    pub(super) fn start(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    /// The bytes from an address that the caller holds, as far as they lie in its place.
    pub(super) fn frame(&self, address: u64, length: u32) -> &[u8] {
        let (at, left) = Memory::within(address);
        // SAFETY: inside the memory; the kernel writes into no place whose address it has handed over.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(at), left.min(length as usize)) }
    }

    /// Writes a frame into a place that the caller holds; what does not fit is left out.
    pub(super) fn write(&self, address: u64, parts: [&[u8]; 2]) -> u32 {
        let (mut at, mut left) = Memory::within(address);
        let mut written = 0;
        for part in parts {
            let some = part.len().min(left);
            // SAFETY: inside the memory, in a place that is the caller's alone; no part lies in this memory.
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), self.start.as_ptr().add(at), some) };
            (at, left, written) = (at + some, left - some, written + some as u32);
        }
        written
    }

    /// An address inside, and how much of its place follows.
    fn within(address: u64) -> (usize, usize) {
        let at = (address as usize).min(Memory::LENGTH - 1);
        (at, PLACE - at % PLACE)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, which nothing refers to any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), Memory::LENGTH) };
    }
}

fn map(length: usize, flags: i32, fd: i32, at: i64) -> io::Result<NonNull<u8>> {
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, flags, fd, at) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// One ring: of addresses, or of descriptions of frames. One thread at a time uses it on this side.
#[derive(Debug)]
pub(super) struct Ring<T> {
    start: NonNull<u8>,
    length: usize,
    /// A power of two.
    entries: u32,
    at: libc::xdp_ring_offset,
    kind: PhantomData<T>,
}

// SAFETY: as that of the memory.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    /// The ring of a socket that lies at a page, is laid out so, and has so many entries.
    pub(super) fn map(
        fd: BorrowedFd<'_>,
        at: libc::xdp_ring_offset,
        page: i64,
        entries: u32,
    ) -> io::Result<Ring<T>> {
        let length = at.desc as usize + entries as usize * size_of::<T>();
        let start = map(length, libc::MAP_SHARED | libc::MAP_POPULATE, fd.as_raw_fd(), page)?;
        Ok(Ring { start, length, entries, at, kind: PhantomData })
    }

    fn index(&self, at: u64) -> &AtomicU32 {
        // SAFETY: an index that the kernel has laid out in the ring, used atomically on both sides.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(at as usize).cast()) }
    }

    fn entry(&self, number: u32) -> *mut T {
        let place = (number % self.entries) as usize;
        // SAFETY: inside the ring, which has so many entries.
        unsafe { self.start.as_ptr().add(self.at.desc as usize).cast::<T>().add(place) }
    }

    /// How many entries have not been taken out by the other side, or by this one.
    #[inline]
    pub(super) fn waiting(&self) -> u32 {
        let produced = self.index(self.at.producer).load(Ordering::Acquire);
        produced.wrapping_sub(self.index(self.at.consumer).load(Ordering::Acquire))
    }

    /// Puts an entry in; whether there was room.
    #[inline]
    pub(super) fn push(&mut self, value: T) -> bool {
        if self.waiting() >= self.entries {
            return false;
        }
        let produced = self.index(self.at.producer).load(Ordering::Relaxed);
        // SAFETY: the entry is ours until the index says otherwise.
        unsafe { self.entry(produced).write(value) };
        self.index(self.at.producer).store(produced.wrapping_add(1), Ordering::Release);
        true
    }

    /// Takes an entry out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.waiting() == 0 {
            return None;
        }
        let consumed = self.index(self.at.consumer).load(Ordering::Relaxed);
        // SAFETY: the kernel has written the entry before it moved the index.
        let value = unsafe { self.entry(consumed).read() };
        self.index(self.at.consumer).store(consumed.wrapping_add(1), Ordering::Release);
        Some(value)
    }
}

impl<T> Ring<T> {
    /// Whether the kernel asks to be called for what stands in it. By copies it always does.
    #[inline]
    pub(super) fn is_asked_for(&self) -> bool {
        // SAFETY: flags that the kernel has laid out in the ring, used atomically on both sides.
        let flags = unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(self.at.flags as usize).cast()) };
        flags.load(Ordering::Acquire) & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

impl Ring<libc::xdp_desc> {
    /// The number of the entry that is put in next.
    #[inline]
    pub(super) fn upcoming(&self) -> u32 {
        self.index(self.at.producer).load(Ordering::Relaxed)
    }

    /// The numbers of entries that have not been taken out by the other side, as far as it has said, oldest first.
    pub(super) fn standing(&self) -> impl Iterator<Item = u32> {
        let (upcoming, waiting) = (self.upcoming(), self.waiting());
        (1..=waiting).rev().map(move |back| upcoming.wrapping_sub(back))
    }

    /// Makes one of them void. Only where the kernel takes entries in calls of this thread alone: it passes over a void one.
    pub(super) fn make_void(&mut self, number: u32) {
        // SAFETY: an entry inside the ring, that was written here and that nobody reads now.
        unsafe { (&raw mut (*self.entry(number)).len).write_volatile(u32::MAX) };
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping of `map`, which nothing refers to any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}
