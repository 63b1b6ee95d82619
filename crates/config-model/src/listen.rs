//! Interfaces: where the node meets one of its networks.

use base::Transport;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A named inner or outer side of the node. A trunk lives on exactly one.
#[derive(Clone, PartialEq, Debug)]
pub struct Listen {
    /// Its name.
    pub name: String,
    /// The address that sockets are bound to.
    pub address: IpAddr,
    /// What peers are told in Via and Contact, when it is not `address`.
    pub advertise: Option<Host>,
    /// Open SIP ports.
    pub sip: Vec<SipPort>,
    /// Ports for RTP and RTCP; without it no media is anchored here.
    pub rtp: Option<PortRange>,
    /// The address that media sockets are bound to, when it is not `address`.
    pub media_address: Option<IpAddr>,
    /// What peers are told in SDP, when it is neither the media address nor an `advertise` address.
    pub media_advertise: Option<IpAddr>,
    /// DNS servers that are asked for the names of its trunks' gateways; none: the system's.
    pub dns: Vec<SocketAddr>,
    /// Certificate and key of the TLS ports. Without it TLS is only dialled out, TLS ports stay closed.
    pub tls: Option<TlsIdentity>,
    /// DSCP of media, 0 to 63.
    pub dscp_media: u8,
    /// DSCP of signalling, 0 to 63.
    pub dscp_sip: u8,
    /// Largest request sent over UDP, in bytes; larger ones go over TCP when the gateway speaks it
    /// (RFC 3261 §18.1.1).
    pub udp_max: usize,
}

impl Listen {
    /// The host written in Via and Contact.
    #[must_use]
    pub fn sip_host(&self) -> Host {
        self.advertise.clone().unwrap_or(Host::Ip(self.address))
    }

    /// The address that media sockets are bound to.
    #[must_use]
    pub fn media_bind(&self) -> IpAddr {
        self.media_address.unwrap_or(self.address)
    }

    /// The address written in SDP.
    #[must_use]
    pub fn sdp_address(&self) -> IpAddr {
        let advertised = match self.advertise {
            Some(Host::Ip(address)) => Some(address),
            _ => None,
        };
        self.media_advertise.or(self.media_address).or(advertised).unwrap_or(self.address)
    }

    /// The port open for this transport, the first when there are several.
    #[must_use]
    pub fn port(&self, transport: Transport) -> Option<u16> {
        self.sip.iter().find(|p| p.transport == transport).map(|p| p.port)
    }
}

/// An open SIP port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SipPort {
    /// The transport.
    pub transport: Transport,
    /// The port, 1 to 65535.
    pub port: u16,
}

impl fmt::Display for SipPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport, self.port)
    }
}

/// Ports for media, from an even `first` (RTP) to an odd `last` (RTCP); at least two pairs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRange {
    /// First port, even.
    pub first: u16,
    /// Last port, odd.
    pub last: u16,
}

impl PortRange {
    /// RTP and RTCP port pairs in the range.
    #[must_use]
    pub fn pairs(self) -> u32 {
        u32::from(self.last).saturating_sub(u32::from(self.first)).div_ceil(2)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// Certificate and key of an interface.
#[derive(Clone, PartialEq, Debug)]
pub struct TlsIdentity {
    /// Path of the certificate chain, PEM.
    pub cert: String,
    /// The private key, PEM.
    pub key: Secret,
    /// Path of the authorities that sign peers' certificates, PEM; `None` takes the system's.
    pub client_ca: Option<String>,
    /// Whether a peer that connects must show a certificate (mutual TLS).
    pub require_client_cert: bool,
}

/// A host: an address or a name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name, lower case, without a closing dot.
    Name(String),
}

impl fmt::Display for Host {
    /// As in a SIP URI: IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Ip(address) => write!(f, "{address}"),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// Where a secret comes from. The crate never fetches it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Secret {
    /// A systemd credential of this name.
    Credential(String),
    /// The contents of the file at this path.
    File(String),
    /// An environment variable.
    Env(String),
    /// Written in the configuration itself, with a warning.
    Inline(Hidden),
}

/// A secret's text, which no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Hidden {
        Hidden(text)
    }

    /// The text itself; for the place that uses it, never for a log.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
