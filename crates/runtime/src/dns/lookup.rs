//! The questions themselves: NAPTR, SRV and address records, asked through hickory's resolver.
//!
//! Nothing here decides an order. While the servers are away the last known records answer
//! ([`Answered::stale`]).

use super::kept::Kept;
use super::{DnsServers, RETRY, TTL_MAX, TTL_MIN};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use sip_core::locate::{self, Family, Pointer, Service};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// One question to one server waits at most this long.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(2);
/// Questions repeated when a server is silent.
const ATTEMPTS: usize = 2;
/// A denial ("no such name") holds as long as its SOA says (RFC 2308 §5), at most so long: a provider
/// who mends its zone is found again within a minute. Without an SOA it does not hold at all.
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(60);
/// After silence, what is known answers for so long without a question (RFC 8767 §5, failure recheck
/// timer): a name with many hosts would else wait for each of them.
const RECHECK: Duration = Duration::from_secs(5);
/// Files that say whom to ask; a change rebuilds the resolver.
const SYSTEM_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Why a name has no target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// NXDOMAIN, and how long it holds (RFC 2308 §5).
    #[error("no such name")]
    NoName(Duration),
    /// The name has no record of the kind asked for, and how long that holds.
    #[error("the name has no address that this interface can reach")]
    NoAddress(Duration),
    /// SRV with target ".", and how long that record holds.
    #[error("the domain says that it does not offer this service")]
    NotOffered(Duration),
    /// There are SRV records, none with an address.
    #[error("the name's SRV records lead to no address")]
    Dangling,
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

impl Failure {
    /// Whether the domain itself says so; else the DNS is at fault and what was known goes on holding.
    pub(crate) fn is_denial(self) -> bool {
        self.is_absence() || matches!(self, Failure::NotOffered(_) | Failure::Dangling)
    }

    /// Whether there is no such record at all, so that RFC 3263 goes on to the next kind.
    pub(crate) fn is_absence(self) -> bool {
        matches!(self, Failure::NoName(_) | Failure::NoAddress(_))
    }

    /// When the name is asked for again: not before a denial has run out (RFC 2308 §5).
    pub(crate) fn retry(self) -> Duration {
        match self {
            Failure::NoName(holds) | Failure::NoAddress(holds) => holds.clamp(RETRY, NEGATIVE_TTL_MAX),
            Failure::NotOffered(holds) => holds.clamp(TTL_MIN, TTL_MAX),
            Failure::Dangling => NEGATIVE_TTL_MAX,
            _ => RETRY,
        }
    }
}

/// Records of one question.
pub(crate) struct Answered<T> {
    pub(crate) records: Vec<T>,
    /// How long they hold.
    pub(crate) ttl: Duration,
    /// The servers are away: these are the last known ones (RFC 8767).
    pub(crate) stale: Option<Failure>,
}

/// Asks.
pub(crate) struct Lookups {
    servers: DnsServers,
    /// The resolver and the state of the files that it was built from.
    built: Mutex<Option<(Stamp, TokioResolver)>>,
    kept: Kept,
    /// The servers were silent; what is known answers until then.
    away_until: Mutex<Option<Instant>>,
}

type Stamp = [Option<SystemTime>; 2];

impl Lookups {
    pub(crate) fn new(servers: DnsServers) -> Lookups {
        Lookups { servers, built: Mutex::new(None), kept: Kept::default(), away_until: Mutex::default() }
    }

    /// NAPTR records that lead to SRV records of SIP (flag `s`), and how long they hold.
    pub(crate) async fn pointers(&self, host: &str) -> Result<Answered<Pointer>, Failure> {
        self.records(host, RecordType::NAPTR, |data| match data {
            RData::NAPTR(naptr) if naptr.flags.eq_ignore_ascii_case(b"s") => Some(Pointer {
                order: naptr.order,
                preference: naptr.preference,
                transport: locate::service_transport(&naptr.services)?,
                replacement: without_dot(&naptr.replacement),
            }),
            _ => None,
        })
        .await
    }

    /// SRV records, and how long they hold.
    pub(crate) async fn services(&self, name: &str) -> Result<Answered<Service>, Failure> {
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
    pub(crate) async fn addresses(&self, host: &str, family: Family) -> Result<Answered<IpAddr>, Failure> {
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
    ) -> Result<Answered<T>, Failure> {
        // With the root's dot, so that no search list is tried.
        let mut name = Name::from_ascii(name).map_err(|_| Failure::BadName)?;
        name.set_fqdn(true);
        let (records, stale) = match self.ask(&name, kind).await {
            Ok(records) => {
                self.kept.put(&name, kind, &records, Instant::now());
                (records, None)
            }
            Err(denial) if denial.is_denial() => {
                self.kept.drop(&name, kind);
                return Err(denial);
            }
            Err(trouble) => match self.kept.get(&name, kind, Instant::now()) {
                Some(records) => (records, Some(trouble)),
                None => return Err(trouble),
            },
        };
        // An alias on the way holds no longer than its own record.
        let shortest = records.iter().map(|r| Duration::from_secs(u64::from(r.ttl))).min();
        let ttl = if stale.is_some() { RETRY } else { shortest.unwrap_or(TTL_MAX).min(TTL_MAX) };
        let records: Vec<T> = records.iter().filter_map(|record: &Record| pick(&record.data)).collect();
        if records.is_empty() {
            return Err(Failure::NoAddress(ttl));
        }
        Ok(Answered { records, ttl, stale })
    }

    /// Asks a server, unless all were silent just now and the answer is known.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Vec<Record>, Failure> {
        let now = Instant::now();
        let away = *self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away.is_some_and(|until| until > now) && self.kept.get(name, kind, now).is_some() {
            return Err(Failure::Silent);
        }
        let asked = self.resolver()?.lookup(name.clone(), kind).await.map_err(|error| failure(&error));
        let silent = matches!(asked, Err(Failure::Silent));
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) =
            silent.then(|| Instant::now() + RECHECK);
        Ok(asked?.answers().to_vec())
    }

    /// The resolver, built anew when the system's files have changed.
    fn resolver(&self) -> Result<TokioResolver, Failure> {
        let stamp = match self.servers {
            DnsServers::System => SYSTEM_FILES.map(|f| std::fs::metadata(f).and_then(|m| m.modified()).ok()),
            DnsServers::Fixed(_) => [None; 2],
        };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
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
    let holds = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.negative_ttl.unwrap_or(0),
        _ => 0,
    };
    let holds = Duration::from_secs(u64::from(holds));
    if error.is_nx_domain() {
        Failure::NoName(holds)
    } else if error.is_no_records_found() {
        Failure::NoAddress(holds)
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

#[cfg(test)]
#[path = "../../tests/unit/lookup.rs"]
mod tests;
