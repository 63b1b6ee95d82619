//! Many datagrams of one arena in one `sendmmsg`, without copying them first.
//!
//! Beside the batches of [`engine::mmsg`] because signalling must know which of its datagrams was
//! refused and why: an earlier datagram's ICMP error is said by whatever is sent next, and must not cost that one
//! its life. Enter through [`Gather::send`].
#![allow(unsafe_code)]

use engine::mmsg::Address;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams per system call, at most.
const BATCH: usize = 64;
/// How often a datagram is tried again that was refused because of an earlier one's ICMP error.
const TRIES: u32 = 3;

/// One datagram: its bytes' place in the arena, and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) range: Range<usize>,
    pub(crate) to: SocketAddr,
}

/// Room for the headers of one system call, taken once.
pub(crate) struct Gather {
    addresses: Vec<(Address, libc::socklen_t)>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

// SAFETY: the pointers in `vectors` and `headers` are made and used within one call of `call`, and
// cleared before it returns.
unsafe impl Send for Gather {}

impl Gather {
    pub(crate) fn new() -> Gather {
        Gather {
            addresses: Vec::with_capacity(BATCH),
            vectors: Vec::with_capacity(BATCH),
            headers: Vec::with_capacity(BATCH),
        }
    }

    /// Sends all items, without blocking. Those that cannot be sent are handed to `refused` with
    /// their index. Returns how many were dealt with: fewer than all when the socket's buffer is full.
    pub(crate) fn send(
        &mut self,
        fd: BorrowedFd<'_>,
        arena: &[u8],
        items: &[Item],
        mut refused: impl FnMut(usize, &io::Error),
    ) -> usize {
        let mut done = 0;
        let mut tries = 0;
        while let Some(rest) = items.get(done..).filter(|rest| !rest.is_empty()) {
            let error = match self.call(fd, arena, rest) {
                Ok(sent) => {
                    done += sent.max(1);
                    tries = 0;
                    continue;
                }
                Err(error) => error,
            };
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN | libc::ENOBUFS) => return done,
                Some(libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN)
                    if tries < TRIES =>
                {
                    tries += 1;
                }
                _ => {
                    refused(done, &error);
                    done += 1;
                    tries = 0;
                }
            }
        }
        done
    }

    /// One `sendmmsg` of the first items: how many were taken.
    fn call(&mut self, fd: BorrowedFd<'_>, arena: &[u8], items: &[Item]) -> io::Result<usize> {
        self.addresses.clear();
        self.vectors.clear();
        self.headers.clear();
        for item in items.iter().take(BATCH) {
            let bytes = arena.get(item.range.clone()).unwrap_or_default();
            self.addresses.push(Address::encode(item.to));
            self.vectors
                .push(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
        }
        for ((address, length), vector) in self.addresses.iter_mut().zip(&mut self.vectors) {
            // SAFETY: a message header of all zero bits is a valid, empty one.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_name = std::ptr::from_mut(address).cast();
            header.msg_hdr.msg_namelen = *length;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            self.headers.push(header);
        }
        // SAFETY: every header points to an address and a vector owned by self, and every vector to bytes
        // of `arena`, which the kernel only reads; none of them moves or changes during the call.
        let sent = unsafe {
            libc::sendmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        };
        let sent = usize::try_from(sent).map_err(|_| io::Error::last_os_error());
        self.headers.clear();
        self.vectors.clear();
        sent
    }
}
