//! The lanes, in memory that this process shares with the kernel's program.
//!
//! A lane has a gate: who wants to change what the program counts closes it first. The program enters an open gate for
//! one packet and leaves it open. Enter through [`Memory::map`].
#![allow(unsafe_code)]

use crate::layout::{RawLane, gate};
use media::Ledger;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Looks at a gate that the program has entered before the thread lets others run.
const SPINS: u32 = 1_000;

/// See the module text.
#[derive(Debug)]
pub(crate) struct Memory {
    start: NonNull<RawLane>,
    count: u32,
}

// SAFETY: the memory is shared with the kernel anyway; every access below is atomic, or to a lane whose gate is closed.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// The memory of a map of `count` lanes.
    pub(crate) fn map(fd: BorrowedFd<'_>, count: u32) -> io::Result<Memory> {
        let length = count as usize * size_of::<RawLane>();
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice; the map has `count` values of that size.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), length, rights, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Memory { start, count })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    fn lane(&self, at: u32) -> *mut RawLane {
        // SAFETY: inside the mapping; a number beyond it is the last one's.
        unsafe { self.start.as_ptr().add(at.min(self.count - 1) as usize) }
    }

    fn gate(&self, at: u32) -> &AtomicU64 {
        // SAFETY: inside the mapping, aligned to 8 as the lane is, and only ever used atomically.
        unsafe { AtomicU64::from_ptr(self.lane(at).cast::<u8>().add(offset_of!(RawLane, gate)).cast()) }
    }

    /// Lays out a closed lane, and opens its gate as far as `mode` says.
    pub(crate) fn lay(&self, at: u32, lane: &RawLane, mode: u64) {
        self.gate(at).store(gate::CLOSED, Ordering::SeqCst);
        // SAFETY: inside the mapping; the gate is closed, and the program does not write through a closed one.
        unsafe { self.lane(at).write_volatile(*lane) };
        self.gate(at).store(mode, Ordering::SeqCst);
    }

    /// Puts a ledger into a lane that is not open.
    pub(crate) fn put(&self, at: u32, ledger: &Ledger) {
        // SAFETY: inside the mapping; the program touches the ledger of an open lane alone.
        unsafe {
            (&raw mut (*self.lane(at)).ledger).write_volatile(*ledger);
            (&raw mut (*self.lane(at)).spans).write_volatile(ledger.spans);
        }
        fence(Ordering::SeqCst);
    }

    /// The gate as it is.
    pub(crate) fn peek(&self, at: u32) -> u64 {
        self.gate(at).load(Ordering::SeqCst)
    }

    /// Opens a gate as far as `mode` says, if it is still as it was seen.
    pub(crate) fn open(&self, at: u32, seen: u64, mode: u64) -> bool {
        self.gate(at).compare_exchange(seen, mode, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Closes a gate; what mode it was in. The program is not inside when this returns.
    pub(crate) fn close(&self, at: u32) -> u64 {
        let mut spins = 0;
        loop {
            let seen = self.peek(at);
            let entered = gate::mode(seen) == gate::BUSY;
            let closed = || {
                let swap =
                    self.gate(at).compare_exchange(seen, gate::CLOSED, Ordering::SeqCst, Ordering::SeqCst);
                swap.is_ok()
            };
            if !entered && closed() {
                return gate::mode(seen);
            }
            rest(&mut spins);
        }
    }

    /// The ledger of a lane, whole: of no packet half.
    pub(crate) fn read(&self, at: u32) -> Ledger {
        // SAFETY: inside the mapping; copies that the program has written into meanwhile are thrown away.
        let copy = || unsafe { (&raw const (*self.lane(at)).ledger).read_volatile() };
        let mut spins = 0;
        loop {
            let before = self.peek(at);
            let first = copy();
            fence(Ordering::SeqCst);
            let second = copy();
            fence(Ordering::SeqCst);
            if gate::mode(before) != gate::BUSY && self.peek(at) == before && first == second {
                return first;
            }
            rest(&mut spins);
        }
    }

    /// Tells the program how many spans have ended.
    pub(crate) fn set_spans(&self, at: u32, spans: u32) {
        // SAFETY: inside the mapping, aligned to 4, and only ever used atomically while the lane is open.
        let cell =
            unsafe { AtomicU32::from_ptr(self.lane(at).cast::<u8>().add(offset_of!(RawLane, spans)).cast()) };
        cell.store(spans, Ordering::SeqCst);
    }

    /// Whether a lane's packets are handed to the process.
    pub(crate) fn is_handed(&self, at: u32) -> bool {
        // SAFETY: inside the mapping; the program never writes it.
        unsafe { (&raw const (*self.lane(at)).hand).read_volatile() != 0 }
    }

    /// When the time of a lane's owner began, on the system's clock.
    pub(crate) fn birth(&self, at: u32) -> u64 {
        // SAFETY: inside the mapping; the program never writes it.
        unsafe { (&raw const (*self.lane(at)).birth).read_volatile() }
    }

    /// Moves the time of a lane, so that a test can let time go by.
    pub(crate) fn set_birth(&self, at: u32, birth: u64) {
        // SAFETY: inside the mapping, aligned to 8.
        unsafe { (&raw mut (*self.lane(at)).birth).write_volatile(birth) };
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping of `map`, which nothing uses any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.count as usize * size_of::<RawLane>()) };
    }
}

/// Waits a moment for the program to leave a lane: it is inside for less than a microsecond.
fn rest(spins: &mut u32) {
    *spins += 1;
    if (*spins).is_multiple_of(SPINS) {
        std::thread::yield_now();
    }
    std::hint::spin_loop();
}

/// The system's steady time, nanoseconds: what the program reads too.
pub(crate) fn steady() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the value lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + nanos.unwrap_or_default()
}
