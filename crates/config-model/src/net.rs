//! Network forms: addresses, hosts, networks, ports, gateways.

use crate::{Host, PortRange, SipPort};
use base::Transport;
use config_text::nearest::nearest;
use config_text::{Flaw, Form};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Longest host name (RFC 1035 §2.3.4).
const HOST_MAX: usize = 253;
/// Longest label of a host name (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;
/// Where DNS servers listen (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;
/// Transport words.
const TRANSPORTS: [&str; 3] = ["udp", "tcp", "tls"];

/// An IP address.
pub static ADDRESS: Form = Form {
    phrase: "an IP address such as `10.10.0.5` or `2001:db8::5`",
    check: |t| address(t).map(drop),
    schema_pattern: "^[0-9A-Fa-f:.]+$",
};

/// An address or a name.
pub static HOST: Form = Form {
    phrase: "an IP address or host name such as `sbc.example.com`",
    check: |t| host(t).map(drop),
    schema_pattern: "^[0-9A-Za-z:._\\[\\]-]+$",
};

/// A network.
pub static NETWORK: Form = Form {
    phrase: "a network such as `10.20.0.0/16`, or an address",
    check: |t| network(t).map(drop),
    schema_pattern: "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$",
};

/// Transport and port.
pub static SIP_PORT: Form = Form {
    phrase: "transport and port such as `udp:5060`, `tcp:5060` or `tls:5061`",
    check: |t| sip_port(t).map(drop),
    schema_pattern: "^(udp|tcp|tls):[0-9]{1,5}$",
};

/// A DNS server.
pub static DNS_SERVER: Form = Form {
    phrase: "an IP address, with a port when it is not 53, such as `10.1.1.53` or `[2001:db8::53]:5353`",
    check: |t| dns_server(t).map(drop),
    schema_pattern: "^[0-9A-Fa-f:.]+$|^([0-9.]+|\\[[0-9A-Fa-f:]+\\]):[0-9]{1,5}$",
};

/// A range of media ports.
pub static PORTS: Form = Form {
    phrase: "a range from an even to an odd port such as `20000-29999`",
    check: |t| ports(t).map(drop),
    schema_pattern: "^[0-9]{4,5}-[0-9]{4,5}$",
};

/// A gateway.
pub static GATEWAY: Form = Form {
    phrase: "a gateway such as `sip.example.com`, `192.0.2.7:5060;transport=tcp` or `[2001:db8::1]:5061;transport=tls`",
    check: |t| gateway(t).map(drop),
    schema_pattern: "^[^ ;]+(;transport=(udp|tcp|tls))?$",
};

/// A gateway as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Address or name.
    pub host: Host,
    /// Its port, when it is written.
    pub port: Option<u16>,
    /// Its transport, when it is written.
    pub transport: Option<Transport>,
}

fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Reads an address.
///
/// # Errors
/// What is wrong with it.
pub fn address(text: &str) -> Result<IpAddr, Flaw> {
    text.parse::<IpAddr>().map_err(|_| {
        let bare = text.trim().trim_start_matches('[');
        let cut = bare.find(['/', ']']).map(|at| bare.get(..at).unwrap_or(""));
        let without_port = bare.rsplit_once(':').map(|(host, _)| host);
        let near =
            [Some(bare), cut, without_port].into_iter().flatten().find_map(|t| t.parse::<IpAddr>().ok());
        Flaw::new(format!("`{}` is no IP address", shown(text))).nearest(near.map(|a| a.to_string()))
    })
}

/// Reads a host: an address, in brackets or not, or a name (RFC 1123 §2.1).
///
/// # Errors
/// What is wrong with it.
pub fn host(text: &str) -> Result<Host, Flaw> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Host::Ip(address));
    }
    let bracketed = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Some(address) = bracketed.and_then(|t| t.parse::<Ipv6Addr>().ok()) {
        return Ok(Host::Ip(IpAddr::V6(address)));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let all_digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if all_digits || name.contains(':') || bracketed.is_some() {
        return Err(Flaw::new(format!("`{}` is no IP address", shown(text))));
    }
    if name.is_empty() || name.len() > HOST_MAX {
        return Err(Flaw::new(format!("a host of {} bytes", name.len())));
    }
    if let Some((at, c)) =
        name.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || "-_.".contains(*c)))
    {
        return Err(Flaw::new(format!("`{}` may not stand in a host name", c.escape_debug())).at(at));
    }
    let bad_label = |l: &str| l.is_empty() || l.len() > LABEL_MAX || l.starts_with('-') || l.ends_with('-');
    if name.split('.').any(bad_label) {
        return Err(Flaw::new(format!("`{}` is no host name", shown(text))));
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

/// Reads a network; an address alone is the network of that one host.
///
/// # Errors
/// What is wrong with it.
pub fn network(text: &str) -> Result<IpNet, Flaw> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let net: IpNet = text.parse().map_err(|_| Flaw::new(format!("`{}` is no network", shown(text))))?;
    if net.trunc() != net {
        return Err(Flaw::new(format!("`{text}` has bits set beyond its prefix"))
            .nearest(Some(net.trunc().to_string())));
    }
    Ok(net)
}

fn port(text: &str, at: usize) -> Result<u16, Flaw> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => {
            Err(Flaw::new(format!("`{}` is no port", shown(text))).at(at).expected("a port from 1 to 65535"))
        }
    }
}

fn transport(text: &str, at: usize) -> Result<Transport, Flaw> {
    let found = TRANSPORTS.contains(&text).then(|| Transport::from_token(text)).flatten();
    found.ok_or_else(|| {
        Flaw::new(format!("unknown transport `{}`", shown(text)))
            .at(at)
            .expected("one of `udp`, `tcp`, `tls`")
            .nearest(nearest(text, TRANSPORTS).map(str::to_owned))
    })
}

/// Reads a DNS server.
///
/// # Errors
/// What is wrong with it.
pub fn dns_server(text: &str) -> Result<SocketAddr, Flaw> {
    let with_port = text.parse::<SocketAddr>().ok().filter(|server| server.port() != 0);
    with_port.map_or_else(|| address(text).map(|ip| SocketAddr::new(ip, DNS_PORT)), Ok)
}

/// Reads transport and port.
///
/// # Errors
/// What is wrong with it.
pub fn sip_port(text: &str) -> Result<SipPort, Flaw> {
    let Some((word, number)) = text.split_once(':') else {
        let flaw = Flaw::new(format!("`{}` is no transport and port", shown(text)));
        let known = Transport::from_token(text).map(|t| format!("{t}:{}", t.default_port()));
        let number = port(text, 0).ok().map(|p| format!("udp:{p}"));
        return Err(flaw.nearest(known.or(number)));
    };
    Ok(SipPort { transport: transport(word, 0)?, port: port(number, word.len() + 1)? })
}

/// Reads a range of media ports.
///
/// # Errors
/// What is wrong with it.
pub fn ports(text: &str) -> Result<PortRange, Flaw> {
    let Some((first, last)) = text.split_once('-') else {
        return Err(Flaw::new(format!("`{}` is no port range", shown(text))));
    };
    let range = PortRange { first: port(first, 0)?, last: port(last, first.len() + 1)? };
    if range.first < 1024 {
        return Err(Flaw::new(format!("port {} is below 1024", range.first)));
    }
    if range.first > range.last {
        let turned = format!("{}-{}", range.last, range.first);
        let near = ports(&turned).map_or_else(|flaw| flaw.nearest, |_| Some(turned));
        return Err(Flaw::new("the range ends before it starts").nearest(near));
    }
    if !range.first.is_multiple_of(2) || range.last.is_multiple_of(2) {
        let even = PortRange {
            first: range.first.saturating_add(1) & !1,
            last: range.last.saturating_sub(u16::from(range.last.is_multiple_of(2))),
        };
        return Err(Flaw::new("RTP takes the even port of a pair and RTCP the odd one (RFC 3550 §11)")
            .nearest((even.first < even.last).then(|| even.to_string())));
    }
    if range.pairs() < 2 {
        return Err(
            Flaw::new(format!("the range holds {} port pair", range.pairs())).expected("at least 2 pairs")
        );
    }
    Ok(range)
}

/// Reads a gateway.
///
/// # Errors
/// What is wrong with it.
pub fn gateway(text: &str) -> Result<Target, Flaw> {
    for scheme in ["sip:", "sips:"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            let flaw = Flaw::new("a gateway is written without a scheme");
            return Err(flaw.nearest(gateway(rest).is_ok().then(|| rest.to_owned())));
        }
    }
    let (place, parameters) = text.split_once(';').map_or((text, None), |(place, rest)| (place, Some(rest)));
    let transport = parameters.map(|p| gateway_transport(p, place.len() + 1)).transpose()?;
    let (host_text, port_text) = split_port(place)?;
    if let Some((_, rest)) = host_text.split_once('@') {
        return Err(
            Flaw::new("a gateway has no user part").nearest(host(rest).is_ok().then(|| rest.to_owned()))
        );
    }
    let port = port_text.map(|p| port(p, place.len() - p.len())).transpose()?;
    Ok(Target { host: host(host_text)?, port, transport })
}

fn gateway_transport(parameter: &str, at: usize) -> Result<Transport, Flaw> {
    match parameter.split_once('=') {
        Some(("transport", word)) => transport(word, at + "transport=".len()),
        _ => Err(Flaw::new(format!("unknown gateway parameter `{}`", shown(parameter)))
            .at(at)
            .expected("`transport=udp`, `transport=tcp` or `transport=tls`")),
    }
}

/// Splits `host:port`; IPv6 with a port is in brackets, without one it may stand bare.
fn split_port(place: &str) -> Result<(&str, Option<&str>), Flaw> {
    if place.parse::<Ipv6Addr>().is_ok() {
        return Ok((place, None));
    }
    if place.starts_with('[') {
        let Some(end) = place.find(']') else {
            return Err(Flaw::new("`[` without `]`"));
        };
        let (host, rest) = place.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(Flaw::new(format!("`{}` after `]`", shown(rest))).at(end + 1)),
        };
    }
    Ok(place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))))
}

#[cfg(test)]
#[path = "../tests/unit/net.rs"]
mod tests;
