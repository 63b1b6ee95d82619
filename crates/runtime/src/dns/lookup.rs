//! The questions themselves: NAPTR, SRV and address records, asked through hickory's resolver.
//!
//! Nothing here decides an order, except the draw by weight whose dice live here.

use super::order::{self, Family, Pointer, Service};
use super::{DnsServers, TTL_MAX};
use base::Rng;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// One question to one server waits at most this long.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(2);
/// Questions repeated when a server is silent.
const ATTEMPTS: usize = 2;
/// "No such name" is believed this long, so that a retry asks again.
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(5);
/// Files that say whom to ask; a change rebuilds the resolver.
const SYSTEM_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Why a name has no target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// NXDOMAIN.
    #[error("no such name")]
    NoName,
    /// The name has no record of the kind asked for.
    #[error("the name has no address that this interface can reach")]
    NoAddress,
    /// SRV with target ".".
    #[error("the domain says that it does not offer this service")]
    NotOffered,
    /// No server answered in time.
    #[error("the DNS does not answer")]
    Silent,
    /// A server answered with an error, or nonsense.
    #[error("the DNS answers with an error")]
    Server,
    /// The name is no domain name.
    #[error("the name is no domain name")]
    BadName,
    /// The system's resolver configuration is unreadable.
    #[error("the system's DNS configuration cannot be used")]
    Configuration,
}

/// Asks.
pub(crate) struct Lookups {
    servers: DnsServers,
    /// The resolver and the state of the files that it was built from.
    built: Mutex<Option<(Stamp, TokioResolver)>>,
    dice: Mutex<Rng>,
}

type Stamp = [Option<SystemTime>; 2];

impl Lookups {
    pub(crate) fn new(servers: DnsServers, seed: (u64, u64)) -> Lookups {
        Lookups { servers, built: Mutex::new(None), dice: Mutex::new(Rng::new(seed)) }
    }

    /// SRV records in the order to try.
    pub(crate) fn sort(&self, services: Vec<Service>) -> Vec<Service> {
        let mut dice = self.dice.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        order::sort_services(services, &mut dice)
    }

    /// NAPTR records that lead to SRV records of SIP (flag `s`), and how long they hold.
    pub(crate) async fn pointers(&self, host: &str) -> Result<(Vec<Pointer>, Duration), Failure> {
        self.records(host, RecordType::NAPTR, |data| match data {
            RData::NAPTR(naptr) if naptr.flags.eq_ignore_ascii_case(b"s") => Some(Pointer {
                order: naptr.order,
                preference: naptr.preference,
                transport: order::service_transport(&naptr.services)?,
                replacement: without_dot(&naptr.replacement),
            }),
            _ => None,
        })
        .await
    }

    /// SRV records, and how long they hold.
    pub(crate) async fn services(&self, name: &str) -> Result<(Vec<Service>, Duration), Failure> {
        self.records(name, RecordType::SRV, |data| match data {
            RData::SRV(srv) => Some(Service {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: without_dot(&srv.target),
            }),
            _ => None,
        })
        .await
    }

    /// Addresses of one family, and how long they hold.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        family: Family,
    ) -> Result<(Vec<IpAddr>, Duration), Failure> {
        let kind = match family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        };
        self.records(host, kind, |data| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        })
        .await
    }

    /// Asks for records of one kind; an answer without any is [`Failure::NoAddress`].
    async fn records<T>(
        &self,
        name: &str,
        kind: RecordType,
        pick: impl Fn(&RData) -> Option<T>,
    ) -> Result<(Vec<T>, Duration), Failure> {
        // With the root's dot, so that no search list is tried.
        let mut name = Name::from_ascii(name).map_err(|_| Failure::BadName)?;
        name.set_fqdn(true);
        let lookup = self.resolver()?.lookup(name, kind).await.map_err(|error| failure(&error))?;
        let mut ttl = TTL_MAX;
        let pick_one = |record: &Record| {
            let picked = pick(&record.data)?;
            ttl = ttl.min(Duration::from_secs(u64::from(record.ttl)));
            Some(picked)
        };
        let records: Vec<T> = lookup.answers().iter().filter_map(pick_one).collect();
        if records.is_empty() { Err(Failure::NoAddress) } else { Ok((records, ttl)) }
    }

    /// The resolver, built anew when the system's files have changed.
    fn resolver(&self) -> Result<TokioResolver, Failure> {
        let stamp = match self.servers {
            DnsServers::System => SYSTEM_FILES.map(|f| std::fs::metadata(f).and_then(|m| m.modified()).ok()),
            DnsServers::Fixed(_) => [None; 2],
        };
        let mut built = self.built.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((at, resolver)) = &*built
            && *at == stamp
        {
            return Ok(resolver.clone());
        }
        let resolver = build(&self.servers)?;
        *built = Some((stamp, resolver.clone()));
        Ok(resolver)
    }
}

fn build(servers: &DnsServers) -> Result<TokioResolver, Failure> {
    let mut builder = match servers {
        DnsServers::System => TokioResolver::builder_tokio().map_err(|_| Failure::Configuration)?,
        DnsServers::Fixed(addresses) => {
            let servers = addresses.iter().map(|address| {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = address.port();
                    connection
                });
                NameServerConfig::new(address.ip(), true, connections.into())
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    options.timeout = QUESTION_TIME_MAX;
    options.attempts = ATTEMPTS;
    options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
    options.positive_max_ttl = Some(TTL_MAX);
    builder.build().map_err(|_| Failure::Configuration)
}

fn failure(error: &NetError) -> Failure {
    if error.is_nx_domain() {
        Failure::NoName
    } else if error.is_no_records_found() {
        Failure::NoAddress
    } else if matches!(error, NetError::Timeout | NetError::NoConnections | NetError::Io(_)) {
        Failure::Silent
    } else {
        Failure::Server
    }
}

/// A name as text without the root's dot; the root itself stays `.`.
fn without_dot(name: &Name) -> String {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(rest) => rest.to_owned(),
    }
}
