//! Trunks and gateways.

use super::account::Login;
use super::failover::{EachWay, Hunting, Mapping, Quality};
use super::listen::{Host, Secret};
use super::permission::Permissions;
use super::policy::Policy;
use super::translate::{Pilot, Translate};
use super::users::Users;
use super::words::words;
use crate::profile::Profile;
use base::{GatewayId, ListenId, Transport, TrunkId};
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

words! {
    /// Which side of the network boundary the far end is on.
    pub enum Kind {
        /// A provider beyond the boundary.
        Itsp = "itsp",
        /// An IP-PBX or PSTN gateway inside.
        Direct = "direct",
        /// A recording server (SIPREC, RFC 7866): recorded calls are copied there, and none is routed.
        Recorder = "recorder",
    }
}

/// Who gets a copy of calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorder {
    /// Nobody.
    Off,
    /// The recorder of this trunk.
    By(TrunkId),
}

impl Recorder {
    /// The trunk.
    #[must_use]
    pub fn by(self) -> Option<TrunkId> {
        match self {
            Recorder::Off => None,
            Recorder::By(trunk) => Some(trunk),
        }
    }
}

/// The association of one interface with a peer's gateways; both directions.
#[derive(Clone, PartialEq, Debug)]
pub struct Trunk {
    /// Its name.
    pub name: String,
    /// Provider or inside peer.
    pub kind: Kind,
    /// The preset it names, or its kind's.
    pub profile: &'static Profile,
    /// The interface it lives on.
    pub listen: ListenId,
    /// The place it belongs to.
    pub site: Option<String>,
    /// Whether only calls of its site may use it.
    pub site_only: bool,
    /// Ids of the places that its media are at; none: its site is the one.
    pub bypass: Vec<String>,
    /// Where its media are, when that is not where its signalling is.
    pub media_address: Option<IpAddr>,
    /// What callers on it may do.
    pub permissions: Permissions,
    /// Whether its calls are meant to leave through other providers.
    pub transit: bool,
    /// Whether the telephone network lies behind it.
    pub pstn: bool,
    /// Whether it carries calls.
    pub enabled: bool,
    /// The recorder of its calls.
    pub record: Option<Recorder>,
    /// Its far ends, in the order of the text.
    pub gateways: Vec<GatewayId>,
    /// Networks that requests may come from, beside the gateways' own addresses.
    pub sources: Vec<IpNet>,
    /// Host part of Request-URI, To and From towards this trunk; `None` takes the gateway's host and
    /// our advertised address.
    pub domain: Option<String>,
    /// Who we are towards the peer, and how we register there.
    pub login: Login,
    /// Who may use it, and how they register with us.
    pub users: Users,
    /// Calls at a time.
    pub calls_max: Option<u32>,
    /// New calls a second.
    pub cps_max: Option<u32>,
    /// Limits for each direction.
    pub each_way: EachWay,
    /// In which order its gateways are tried.
    pub hunt: Hunting,
    /// Final responses that count as others; the first rule that fits counts.
    pub map_response: Vec<Mapping>,
    /// When a gateway's calls go so badly that it is tried last.
    pub quality: Option<Quality>,
    /// Final responses after which the next attempt is made, 400 to 699.
    pub retry_on: Vec<u16>,
    /// Time without progress before the next attempt; 100 is no progress.
    pub failover_after: Duration,
    /// Longest ringing.
    pub ring_timeout: Duration,
    /// Time between liveness OPTIONS; `None` is off.
    pub options_interval: Option<Duration>,
    /// Unanswered OPTIONS until a gateway counts as down.
    pub options_misses: u32,
    /// TLS towards this trunk.
    pub tls: TrunkTls,
    /// What is dialled before called numbers to get an outside line, on calls that arrive here.
    pub external_prefix: Option<String>,
    /// The number whose extensions the peer's telephones are.
    pub pilot: Option<Pilot>,
    /// Rules that rewrite its numbers.
    pub translate: Translate,
    /// How its calls are treated: the profile's values with `override` on top.
    pub policy: Policy,
}

/// TLS towards one trunk.
#[derive(Clone, PartialEq, Debug)]
pub struct TrunkTls {
    /// Whether the peer's certificate is verified.
    pub verify: bool,
    /// Name that the peer's certificate must carry, when it is not the gateway's host (RFC 5922 §7.2).
    pub name: Option<String>,
    /// Path of the authorities trusted for it, PEM; `None` takes the system's.
    pub ca: Option<String>,
    /// Path of our certificate chain for it, PEM; `None` takes the interface's.
    pub client_cert: Option<String>,
    /// Our key for it, PEM.
    pub client_key: Option<Secret>,
    /// Certificate names that identify this trunk when the peer connects (mutual TLS).
    pub peer_names: Vec<String>,
}

/// One reachable far end of a trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// The trunk it belongs to.
    pub trunk: TrunkId,
    /// Address, or a name for RFC 3263.
    pub host: Host,
    /// The port; `None` takes SRV's or the transport's own.
    pub port: Option<u16>,
    /// The transport; `None` takes NAPTR's or, for an address, UDP (RFC 3263 §4.1).
    pub transport: Option<Transport>,
    /// As written; of a user that registers its name.
    pub text: String,
    /// The place of the user among its trunk's whose registrations are its addresses; `host` means nothing then.
    pub user: Option<u16>,
}
