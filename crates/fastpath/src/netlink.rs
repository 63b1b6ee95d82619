//! Questions to the kernel over netlink (RFC 3549): routes, neighbours, devices. One socket, one question at a time.
#![allow(unsafe_code)]

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

const HEADER: usize = 16;
const ANSWER_MAX: usize = 16 * 1024;
const ERROR: u16 = 2;
/// Devices, neighbours, and of both families addresses, routes and rules by which routes are chosen, and their next hops:
/// groups whose news are listened to.
const GROUPS: u32 = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x4_0000 | 0x8000_0000;
const REQUEST: u16 = 1;

pub(crate) const GET_LINK: u16 = 18;
pub(crate) const GET_ROUTE: u16 = 26;
pub(crate) const NEW_NEIGHBOUR: u16 = 28;
pub(crate) const GET_NEIGHBOUR: u16 = 30;
const NEIGHBOURS: std::ops::RangeInclusive<u16> = 28..=29;
const DEVICES: std::ops::RangeInclusive<u16> = 16..=17;
const ADDRESSES: std::ops::RangeInclusive<u16> = 20..=21;

/// A message: its kind and its body.
pub(crate) type Message = (u16, Vec<u8>);

/// See the module text.
#[derive(Debug)]
pub(crate) struct Netlink(OwnedFd);

impl Netlink {
    /// A socket for questions of a protocol (`NETLINK_ROUTE`, `NETLINK_GENERIC`).
    pub(crate) fn new(protocol: i32) -> io::Result<Netlink> {
        Netlink::bind(protocol, 0, Duration::from_secs(1))
    }

    /// A socket that hears what changes; a wait for news ends after `limit`.
    pub(crate) fn news(limit: Duration) -> io::Result<Netlink> {
        Netlink::bind(libc::NETLINK_ROUTE, GROUPS, limit)
    }

    fn bind(protocol: i32, groups: u32, limit: Duration) -> io::Result<Netlink> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers; a descriptor that is returned belongs to nobody else.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all zeros is a valid address of this kind.
        let mut own: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        own.nl_family = libc::AF_NETLINK as u16;
        own.nl_groups = groups;
        let limit = libc::timeval {
            tv_sec: limit.as_secs() as libc::time_t,
            tv_usec: limit.subsec_micros() as libc::suseconds_t,
        };
        // SAFETY: both values live through the calls and their true sizes are given.
        let failed = unsafe {
            libc::bind(fd.as_raw_fd(), (&raw const own).cast(), size_of_val(&own) as u32) < 0
                || libc::setsockopt(
                    fd.as_raw_fd(),
                    libc::SOL_SOCKET,
                    libc::SO_RCVTIMEO,
                    (&raw const limit).cast(),
                    size_of_val(&limit) as u32,
                ) < 0
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(Netlink(fd)) }
    }

    /// Asks and takes the first answer.
    pub(crate) fn ask(&self, kind: u16, body: &[u8]) -> io::Result<Message> {
        self.send(kind, REQUEST, body)?;
        self.hear()?.into_iter().next().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Says something that is to be done, and waits until it is.
    pub(crate) fn tell(&self, kind: u16, body: &[u8]) -> io::Result<()> {
        const CONFIRM: u16 = 4;
        self.send(kind, REQUEST | CONFIRM, body)?;
        self.hear().map(drop)
    }

    fn send(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let mut message = Vec::with_capacity(HEADER + body.len());
        message.extend(((HEADER + body.len()) as u32).to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        // SAFETY: the bytes live through the call and their true length is given.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The messages of one datagram; an error that one of them says.
    pub(crate) fn hear(&self) -> io::Result<Vec<Message>> {
        let mut buffer = vec![0u8; ANSWER_MAX];
        // SAFETY: the buffer lives through the call and its true size is given.
        let got = unsafe { libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        let mut rest = buffer.get(..got).unwrap_or_default();
        let mut messages = Vec::new();
        while let Some(length) = number(rest, 0).filter(|&n| n as usize >= HEADER) {
            let Some(message) = rest.get(..length as usize) else { break };
            let kind = u16::from_ne_bytes([message[4], message[5]]);
            let body = message.get(HEADER..).unwrap_or_default();
            match number(body, 0).map(u32::cast_signed) {
                Some(error) if kind == ERROR && error != 0 => {
                    return Err(io::Error::from_raw_os_error(-error));
                }
                _ => messages.push((kind, body.to_vec())),
            }
            rest = rest.get((length as usize).next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(messages)
    }
}

/// Whether a message is of a neighbour.
pub(crate) fn is_of_neighbour(kind: u16) -> bool {
    NEIGHBOURS.contains(&kind)
}

/// Whether a message is of a device or its addresses.
pub(crate) fn is_of_device(kind: u16) -> bool {
    DEVICES.contains(&kind) || ADDRESSES.contains(&kind)
}

/// A number at a place.
pub(crate) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk().map(|four| u32::from_ne_bytes(*four))
}

/// The attribute of a kind among those that follow.
pub(crate) fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    while let Some(&[a, b, c, d]) = rest.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([a, b])).max(4);
        // The two highest bits are flags.
        if u16::from_ne_bytes([c, d]) & 0x3fff == wanted {
            return rest.get(4..length);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// Adds an attribute.
pub(crate) fn put(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    to.extend(((4 + value.len()) as u16).to_ne_bytes());
    to.extend(kind.to_ne_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

/// An address as netlink has it.
pub(crate) fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// An address from netlink.
pub(crate) fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four().or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

pub(crate) fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}
