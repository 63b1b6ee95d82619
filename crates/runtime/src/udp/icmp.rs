//! What came back instead of an answer: ICMP errors, read from a datagram socket's error queue.
//!
//! Linux tells an unconnected socket of ICMP errors only when `IP_RECVERR` is set (ip(7)); each
//! entry names the address that the failed datagram was sent to. Enter through [`next_error`].
#![allow(unsafe_code)]

use engine::mmsg::{Address, set_option};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Room for one error and the address of the host that reported it.
#[repr(C, align(8))]
struct Control([u8; 256]);

/// A datagram that could not be delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undelivered {
    /// Where it was sent.
    pub(crate) to: SocketAddr,
    /// The error that it stands for (`ECONNREFUSED`, …).
    pub(crate) errno: i32,
}

/// Asks for ICMP errors to be queued.
pub(crate) fn enable(fd: BorrowedFd<'_>, local: SocketAddr) -> io::Result<()> {
    match local {
        SocketAddr::V4(_) => set_option(fd, libc::IPPROTO_IP, libc::IP_RECVERR, 1),
        SocketAddr::V6(_) => set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1),
    }
}

/// The next queued error; `None` when there is no more. One that cannot be read as an ICMP error of an
/// internet address is `Some(None)`.
pub(crate) fn next_error(fd: BorrowedFd<'_>) -> Option<Option<Undelivered>> {
    let mut address = Address::unspecified();
    let mut control = Control([0; 256]);
    let mut byte = [0u8; 1];
    let mut vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: byte.len() };
    // SAFETY: a message header of all zero bits is a valid, empty one.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = address.as_mut_ptr().cast();
    header.msg_namelen = Address::CAPACITY;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = control.0.len();
    // SAFETY: the header points to live buffers of the sizes it states.
    let got =
        unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT) };
    if got < 0 {
        return None;
    }
    let to = address.decode(header.msg_namelen);
    Some(to.zip(errno(&header)).map(|(to, errno)| Undelivered { to, errno }))
}

/// The error number in the control messages of a received header.
fn errno(header: &libc::msghdr) -> Option<i32> {
    // SAFETY: the header's control pointer and length describe a live buffer that the kernel filled.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give only whole control headers inside the buffer.
        let (level, kind, length) =
            unsafe { ((*message).cmsg_level, (*message).cmsg_type, (*message).cmsg_len) };
        let ours = (level == libc::IPPROTO_IP && kind == libc::IP_RECVERR)
            || (level == libc::IPPROTO_IPV6 && kind == libc::IPV6_RECVERR);
        let whole = length >= mem::size_of::<libc::cmsghdr>() + mem::size_of::<libc::sock_extended_err>();
        if ours && whole {
            // SAFETY: the payload lies within the message, as its length was checked; read unaligned.
            let error =
                unsafe { libc::CMSG_DATA(message).cast::<libc::sock_extended_err>().read_unaligned() };
            return i32::try_from(error.ee_errno).ok();
        }
        // SAFETY: as above; the header is the one that `message` came from.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}
