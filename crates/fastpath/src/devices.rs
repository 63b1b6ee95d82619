//! Which device has an address of ours.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A device of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) loopback: bool,
}

/// The device of each address, or why media that arrive there cannot be relayed.
pub(crate) type Places = Vec<(IpAddr, Result<String, String>)>;

/// The devices that have addresses; why there are none.
pub(crate) fn devices_of(addresses: &[IpAddr]) -> Result<(Vec<Device>, Places), String> {
    let (devices, places) = places_of(addresses);
    if devices.is_empty() {
        let reasons: Vec<String> = places.into_iter().filter_map(|(_, device)| device.err()).collect();
        let none = reasons.is_empty().then_some("no interface carries media".to_owned());
        return Err(none.unwrap_or_else(|| reasons.join(", ")));
    }
    Ok((devices, places))
}

/// The same, if there are any.
pub(crate) fn places_of(addresses: &[IpAddr]) -> (Vec<Device>, Places) {
    let mut devices: Vec<Device> = Vec::new();
    let mut place = |&address: &IpAddr| {
        let found = device_of(address).map(|device| {
            let name = device.name.clone();
            if !devices.contains(&device) {
                devices.push(device);
            }
            name
        });
        (address, found)
    };
    let places = addresses.iter().map(&mut place).collect();
    (devices, places)
}

/// The name of a device; none where it is gone.
pub(crate) fn name_of(number: u32) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the bytes live through the call and are as many as a name may have.
    let found = unsafe { libc::if_indextoname(number, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: filled in with a name that ends with a zero.
    Some(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

fn device_of(address: IpAddr) -> Result<Device, String> {
    match of_address(address) {
        // All of 127.0.0.0/8 is there, and not named on the device.
        _ if address.is_loopback() => Err(format!("{address} is a loopback address")),
        Ok(Some(device)) if device.loopback => Err(format!("{address} is a loopback address")),
        Ok(Some(device)) => Ok(device),
        Ok(None) => Err(format!("{address} is on no device")),
        Err(error) => Err(format!("{address}: {error}")),
    }
}

/// The device that has the address; none where no single one has.
pub(crate) fn of_address(address: IpAddr) -> io::Result<Option<Device>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the pointer lives through the call, which fills it in.
    if unsafe { libc::getifaddrs(&raw mut list) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let (mut found, mut at) = (None, list);
    // SAFETY: a list of the kernel's making, that ends with a null pointer and lives until it is freed.
    while let Some(entry) = unsafe { at.as_ref() } {
        // SAFETY: an address of the list is null or a valid one of its family.
        if unsafe { ip_of(entry.ifa_addr) } == Some(address) {
            // SAFETY: a name of the list ends with a zero.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            // SAFETY: as above.
            let number = unsafe { libc::if_nametoindex(name.as_ptr()) };
            let loopback = entry.ifa_flags & libc::IFF_LOOPBACK as u32 != 0;
            found = Some(Device { name: name.to_string_lossy().into_owned(), number, loopback });
            break;
        }
        at = entry.ifa_next;
    }
    // SAFETY: the list of above, which nothing refers to any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// # Safety
/// `address` is null or a valid address of its family.
unsafe fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller's promise.
    let family = i32::from(unsafe { address.as_ref() }?.sa_family);
    match family {
        libc::AF_INET => {
            // SAFETY: the family says so.
            let four = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(four.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says so.
            let six = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(six.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_on_a_loopback_device_and_a_foreign_one_on_none() {
        let found = of_address(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap().unwrap();
        assert!(found.loopback && found.number > 0, "{found:?}");
        assert_eq!((name_of(found.number), name_of(u32::MAX)), (Some(found.name), None));
        assert_eq!(of_address(IpAddr::from([192, 0, 2, 77])).unwrap(), None);
    }
}
