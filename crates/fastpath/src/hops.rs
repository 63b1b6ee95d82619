//! Where a packet goes next: device, hardware addresses, how large it may be. Asked of the kernel, never guessed.

use crate::netlink::{self, Netlink, attribute, number, put};
use std::io;
use std::net::IpAddr;

const GENERIC_CONTROL: u16 = 16;
/// Kinds of routes and of devices: to a host that is not this one; Ethernet.
const UNICAST: u8 = 1;
const ETHERNET: u16 = 1;
/// States of a neighbour whose address is known: reachable, stale, to be looked for, being looked for, permanent.
const KNOWN: u16 = 0x02 | STALE | 0x08 | 0x10 | 0x80;
/// Known a while ago: whether it is still so the kernel looks when it is used.
const STALE: u16 = 0x04;
/// Of a neighbour that something else than the kernel keeps: learned elsewhere, managed; and attributes: who made it, and
/// further flags.
const LEARNED: u8 = 0x10;
const MANAGED: u32 = 1;
const MADE_BY: u16 = 12;
const MORE_FLAGS: u16 = 15;
/// What a device can do: take frames that a program redirects to it, share memory with a process without copies.
const TAKES_FRAMES: u64 = 4;
const ZERO_COPY: u64 = 8;

/// The next hop of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hop {
    /// Number of the device that it leaves by.
    pub(crate) device: u32,
    /// Whom its frame is for.
    pub(crate) next: IpAddr,
    pub(crate) to: [u8; 6],
    pub(crate) from: [u8; 6],
    /// The largest packet.
    pub(crate) mtu: u32,
}

/// The next hop from one of our addresses to a peer; none where it is not known (yet).
pub(crate) fn find(from: IpAddr, to: IpAddr) -> io::Result<Option<Hop>> {
    let link = Netlink::new(libc::NETLINK_ROUTE)?;
    let mut question = vec![netlink::family(to), to_bits(to), to_bits(from), 0, 0, 0, 0, 0];
    question.extend([0; 4]);
    put(&mut question, 1, &netlink::bytes(to));
    put(&mut question, 2, &netlink::bytes(from));
    let (_, route) = link.ask(netlink::GET_ROUTE, &question)?;
    let rest = route.get(12..).unwrap_or_default();
    let device = attribute(rest, 4).and_then(|value| number(value, 0));
    let (Some(device), Some(&UNICAST)) = (device, route.get(7)) else { return Ok(None) };
    let via = attribute(rest, 18).and_then(|via| netlink::address(via.get(2..)?));
    let next = attribute(rest, 5).and_then(netlink::address).or(via).unwrap_or(to);
    let path =
        attribute(rest, 8).and_then(|metrics| number(attribute(metrics, 2)?, 0)).filter(|&mtu| mtu > 0);
    let Some((own, mtu)) = device_of(&link, device)? else { return Ok(None) };
    let Some(there) = neighbour(&link, device, next)? else { return Ok(None) };
    Ok(Some(Hop { device, next, to: there, from: own, mtu: path.map_or(mtu, |path| path.min(mtu)) }))
}

fn to_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Hardware address and largest packet of an Ethernet device.
fn device_of(link: &Netlink, device: u32) -> io::Result<Option<([u8; 6], u32)>> {
    let mut question = vec![0; 4];
    question.extend(device.to_ne_bytes());
    question.extend([0; 8]);
    let (_, found) = link.ask(netlink::GET_LINK, &question)?;
    let rest = found.get(16..).unwrap_or_default();
    let kind = found.get(2..4).and_then(|two| two.first_chunk()).map(|two| u16::from_ne_bytes(*two));
    let own = attribute(rest, 1).and_then(|mac| mac.try_into().ok());
    let mtu = attribute(rest, 4).and_then(|value| number(value, 0));
    Ok(own.zip(mtu).filter(|_| kind == Some(ETHERNET)))
}

fn neighbour(link: &Netlink, device: u32, next: IpAddr) -> io::Result<Option<[u8; 6]>> {
    let question = about(device, next, 0);
    match link.ask(netlink::GET_NEIGHBOUR, &question) {
        Ok((_, found)) => Ok(known(&found)),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn about(device: u32, next: IpAddr, flags: u8) -> Vec<u8> {
    let mut question = vec![netlink::family(next), 0, 0, 0];
    question.extend(device.to_ne_bytes());
    question.extend([0, 0, flags, 0]);
    put(&mut question, 1, &netlink::bytes(next));
    question
}

/// The hardware address that a message about a neighbour tells, while it holds.
fn known(message: &[u8]) -> Option<[u8; 6]> {
    let state = u16::from_ne_bytes(*message.get(8..10)?.first_chunk()?);
    let mac = attribute(message.get(12..)?, 2)?.try_into().ok();
    mac.filter(|_| state & KNOWN != 0)
}

/// What a message says of a neighbour: which, and its hardware address while it holds.
pub(crate) fn told(message: &[u8]) -> Option<(u32, IpAddr, Option<[u8; 6]>)> {
    let device = number(message, 4)?;
    let next = attribute(message.get(12..)?, 1).and_then(netlink::address)?;
    Some((device, next, known(message)))
}

/// Tells the kernel that a neighbour is in use, so that it looks whether it is still there.
///
/// A neighbour that the operator or another program keeps is left alone: the kernel takes such a word as a wish to keep it
/// by itself from now on, and forgets that it is permanent, learned elsewhere or managed.
pub(crate) fn keep_known(link: &Netlink, device: u32, next: IpAddr) -> io::Result<()> {
    const USE: u8 = 1;
    let (_, found) = link.ask(netlink::GET_NEIGHBOUR, &about(device, next, 0))?;
    if ages(&found) { link.tell(netlink::NEW_NEIGHBOUR, &about(device, next, USE)) } else { Ok(()) }
}

/// Whether a neighbour is the kernel's own to look for, and due.
fn ages(message: &[u8]) -> bool {
    let Some((&[low, high, flags, _], rest)) = message.get(8..).and_then(|rest| rest.split_first_chunk())
    else {
        return false;
    };
    let made = attribute(rest, MADE_BY).is_some_and(|by| by != [0]);
    let managed = attribute(rest, MORE_FLAGS).and_then(|more| number(more, 0)).unwrap_or(0) & MANAGED != 0;
    u16::from_ne_bytes([low, high]) == STALE && flags & LEARNED == 0 && !made && !managed
}

/// Whether a device takes frames that a program at another one redirects to it. Where the kernel cannot tell, no.
pub(crate) fn takes_frames(device: u32) -> io::Result<bool> {
    Ok(features(device)? & TAKES_FRAMES != 0)
}

/// Whether its driver says that it can share memory with a process without copies.
pub(crate) fn offers_zero_copy(device: u32) -> io::Result<bool> {
    Ok(features(device)? & ZERO_COPY != 0)
}

/// What a device can do with programs at its driver (the kernel's `netdev` family).
fn features(device: u32) -> io::Result<u64> {
    let link = Netlink::new(libc::NETLINK_GENERIC)?;
    let mut question = vec![3, 1, 0, 0];
    put(&mut question, 2, b"netdev\0");
    let (_, family) = link.ask(GENERIC_CONTROL, &question)?;
    let id = attribute(family.get(4..).unwrap_or_default(), 1).and_then(|id| id.first_chunk());
    let Some(id) = id.map(|two| u16::from_ne_bytes(*two)) else { return Ok(0) };
    let mut question = vec![1, 1, 0, 0];
    put(&mut question, 1, &device.to_ne_bytes());
    let (_, found) = link.ask(id, &question)?;
    let features = attribute(found.get(4..).unwrap_or_default(), 3).and_then(|eight| eight.first_chunk());
    Ok(features.map_or(0, |eight| u64::from_ne_bytes(*eight)))
}

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::*;

    fn run(command: &str) -> String {
        let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the kernel says of each neighbour after the number of its host.
    fn shown() -> Vec<String> {
        (2..=6).map(|host| run(&format!("ip -d neigh show 192.0.2.{host}")).trim().to_owned()).collect()
    }

    #[test]
    fn a_neighbour_that_the_kernel_keeps_is_looked_for_and_one_that_somebody_else_keeps_is_left_as_it_is() {
        // SAFETY: no pointers. The thread is the test's, and ends with it.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return println!("skipped, this user may have no network of his own");
        }
        run("ip link add d0 type veth peer name d1 && ip addr add 192.0.2.1/24 dev d0");
        run("ip link set d0 up && ip link set d1 up");
        let kinds = ["stale", "permanent", "stale extern_learn", "stale protocol zebra", "stale managed"];
        for (kind, host) in kinds.iter().zip(2..) {
            run(&format!("ip neigh add 192.0.2.{host} lladdr 2:0:0:0:0:{host} dev d0 nud {kind}"));
        }
        let before = shown();
        let device =
            run("ip -o link show d0").split(':').next().and_then(|number| number.parse().ok()).unwrap();
        let link = Netlink::new(libc::NETLINK_ROUTE).unwrap();
        let next = |host: u8| IpAddr::from([192, 0, 2, host]);
        for host in 2..=6 {
            keep_known(&link, device, next(host)).unwrap();
        }
        let after = shown();
        assert!(before[0].contains("STALE") && after[0].contains("DELAY"), "{after:?}");
        assert_eq!(before[1..], after[1..]);
        assert!(after[1].contains("PERMANENT") && after[2].contains("extern_learn"), "{after:?}");
        let none = keep_known(&link, device, next(9)).unwrap_err();
        assert_eq!(none.raw_os_error(), Some(libc::ENOENT), "none is made");
        assert!(run("ip neigh show 192.0.2.9").is_empty());
    }
}
