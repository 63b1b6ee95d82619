//! Names into addresses: RFC 3263 over hickory's resolver, on a thread of its own.
//!
//! The shard never waits for a name: it asks with [`Dns::ask`] and gets the answer through its
//! mailbox. What to ask is [`order`]'s judgement; here are the questions, their limits and the time that
//! answers hold. The answer keeps priorities and weights: which target a call begins at is drawn by the
//! switchboard, call by call. `/etc/hosts` and `localhost` count.

mod kept;
mod lookup;
pub(crate) use b2bua::{Choice, Resolution, Target};
use base::{GatewayId, Transport};
use lookup::{Answered, Failure, Lookups};
use sip_core::locate::{self, Family, Pointer, Step};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Addresses of one name, at most.
pub(crate) const TARGETS_MAX: usize = 64;
/// Records followed per answer, at most.
const RECORDS_MAX: usize = 32;
/// Names being resolved at the same time, at most.
const CONCURRENT_MAX: usize = 16;
/// Names waiting to be resolved, at most.
const QUEUE_MAX: usize = 1024;
/// Sets of interfaces' own servers whose answers are kept, at most: limit `dns_servers`.
const OWN_SERVERS_MAX: usize = 64;
/// All questions for one name together take at most this long.
const NAME_TIME_MAX: Duration = Duration::from_secs(15);
/// An answer holds at least this long, whatever the records say.
const TTL_MIN: Duration = Duration::from_secs(5);
/// An answer holds at most this long.
const TTL_MAX: Duration = Duration::from_secs(3600);
/// After a failure, the name is asked for again.
const RETRY: Duration = Duration::from_secs(10);

/// Which servers are asked.
#[derive(Clone, Debug, Default)]
pub enum DnsServers {
    /// Those of `/etc/resolv.conf`.
    #[default]
    System,
    /// These, over UDP and TCP.
    Fixed(Vec<SocketAddr>),
}

/// A gateway's name to resolve.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The interface's own servers; none: those that the node was started with.
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) revision: u64,
    pub(crate) gateway: GatewayId,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) transport: Option<Transport>,
    /// Transports of the interface, in its order.
    pub(crate) ours: Vec<Transport>,
    /// Family of the interface.
    pub(crate) family: Family,
}

/// What became of a question.
pub(crate) struct Answer {
    pub(crate) revision: u64,
    pub(crate) gateway: GatewayId,
    pub(crate) resolution: Resolution,
}

/// The resolver's thread. Dropping it ends the thread and forgets open questions.
pub(crate) struct Dns {
    questions: Option<mpsc::Sender<Question>>,
    /// Places for names being resolved; closed to end the thread at once.
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Dns {
    /// Starts the thread; `answer` is called on it.
    pub(crate) fn start(
        servers: DnsServers,
        answer: impl Fn(Answer) + Send + Sync + 'static,
    ) -> io::Result<Dns> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let room = Arc::new(Semaphore::new(CONCURRENT_MAX));
        let places = room.clone();
        let thread = std::thread::Builder::new().name("dns".into()).spawn(move || {
            runtime.block_on(serve(receiver, places, servers, Arc::new(answer)));
            runtime.shutdown_background();
        })?;
        Ok(Dns { questions: Some(sender), room, thread: Some(thread) })
    }

    /// Asks; `false` when too many names wait already.
    pub(crate) fn ask(&self, question: Question) -> bool {
        self.questions.as_ref().is_some_and(|q| q.try_send(question).is_ok())
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.questions = None;
        self.room.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The answer to a question that could not even be asked.
pub(crate) fn refused(question: &Question) -> Answer {
    let reason = "too many names wait to be resolved".into();
    let resolution = Resolution::Failed { reason, retry: RETRY, denied: false };
    Answer { revision: question.revision, gateway: question.gateway, resolution }
}

/// Resolvers: the node's, and those of interfaces with servers of their own. What one knows another does
/// not: a private line's DNS has its own truth.
struct Asked {
    node: Arc<Lookups>,
    own: Vec<(Vec<SocketAddr>, Arc<Lookups>)>,
}

impl Asked {
    fn new(servers: DnsServers) -> Asked {
        Asked { node: Arc::new(Lookups::new(servers)), own: Vec::new() }
    }

    fn of(&mut self, servers: &[SocketAddr]) -> Arc<Lookups> {
        if servers.is_empty() {
            return self.node.clone();
        }
        if let Some((_, found)) = self.own.iter().find(|(known, _)| known == servers) {
            return found.clone();
        }
        // The oldest is of a configuration that is gone.
        if self.own.len() >= OWN_SERVERS_MAX {
            self.own.remove(0);
        }
        let made = Arc::new(Lookups::new(DnsServers::Fixed(servers.to_vec())));
        self.own.push((servers.to_vec(), made.clone()));
        made
    }
}

async fn serve(
    mut questions: mpsc::Receiver<Question>,
    room: Arc<Semaphore>,
    servers: DnsServers,
    answer: Arc<impl Fn(Answer) + Send + Sync + 'static>,
) {
    let mut asked = Asked::new(servers);
    while let Some(question) = questions.recv().await {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let (lookups, answer) = (asked.of(&question.servers), answer.clone());
        tokio::spawn(async move {
            let found = tokio::time::timeout(NAME_TIME_MAX, resolve(&lookups, &question)).await;
            let resolution = match found.unwrap_or(Err(Failure::Silent)) {
                Ok(found) => found.into_resolution(),
                Err(failure) => Resolution::Failed {
                    reason: failure.to_string(),
                    retry: failure.retry(),
                    denied: failure.is_denial(),
                },
            };
            answer(Answer { revision: question.revision, gateway: question.gateway, resolution });
            drop(permit);
        });
    }
}

/// Targets so far and the shortest time that one of the records used holds.
struct Found {
    choices: Vec<Choice>,
    ttl: Duration,
    /// Some records are the last known ones, and why.
    stale: Option<Failure>,
    /// Of the next target: counts NAPTR records and SRV priorities, then hosts.
    rank: u16,
    host: u16,
}

impl Found {
    fn new() -> Found {
        Found { choices: Vec::new(), ttl: TTL_MAX, stale: None, rank: 0, host: 0 }
    }

    fn add(&mut self, address: SocketAddr, transport: Transport, weight: u16) {
        let target = Target { address, transport };
        if self.choices.len() < TARGETS_MAX && !self.choices.iter().any(|c| c.target == target) {
            self.choices.push(Choice { target, rank: self.rank, weight, host: self.host });
        }
    }

    /// Notes how long an answer holds, and whether it is only the last known one.
    fn uses<T>(&mut self, answered: &Answered<T>) {
        self.ttl = self.ttl.min(answered.ttl);
        self.stale = self.stale.or(answered.stale);
    }

    fn into_resolution(self) -> Resolution {
        let trouble = self.stale.map(|why| format!("{why}; its last known answer is used"));
        Resolution::Found { choices: self.choices, ttl: self.ttl.clamp(TTL_MIN, TTL_MAX), trouble }
    }
}

/// All targets of a gateway's name, best first (RFC 3263 §4).
async fn resolve(lookups: &Lookups, question: &Question) -> Result<Found, Failure> {
    let mut found = Found::new();
    match locate::first_step(question.port, question.transport, &question.ours) {
        Step::Addresses(transport, port) => {
            addresses(lookups, &question.host, (port, transport, 0), question.family, &mut found).await?;
        }
        Step::Services(transport) => by_transports(lookups, question, &[transport], &mut found).await?,
        Step::Everything => by_pointers(lookups, question, &mut found).await?,
    }
    if found.choices.is_empty() { Err(Failure::NoAddress(Duration::ZERO)) } else { Ok(found) }
}

/// NAPTR first, and what RFC 3263 §4.1 does without it. A server that fails at NAPTR (not rare)
/// is treated as one that has none, but asked again soon.
async fn by_pointers(lookups: &Lookups, question: &Question, found: &mut Found) -> Result<(), Failure> {
    let pointers = match lookups.pointers(&question.host).await {
        Ok(answered) => {
            found.uses(&answered);
            locate::sort_pointers(answered.records, &question.ours)
        }
        Err(failure) => {
            if !failure.is_denial() {
                found.ttl = found.ttl.min(RETRY);
            }
            Vec::new()
        }
    };
    let mut trouble = None;
    for Pointer { transport, replacement, .. } in pointers.into_iter().take(RECORDS_MAX) {
        if let Err(failure) = services(lookups, &replacement, transport, question.family, found).await {
            trouble = Some(failure);
        }
    }
    match trouble.filter(|failure| !failure.is_absence()) {
        _ if !found.choices.is_empty() => Ok(()),
        Some(failure) => Err(failure),
        None => by_transports(lookups, question, &question.ours, found).await,
    }
}

/// SRV for each transport in order, the first that has records; without any, the addresses of the
/// name itself with the transport's own port (RFC 3263 §4.1, §4.2). A server that does not answer for
/// SRV has not said that there are none, and records that lead nowhere are records: the name's own
/// address may be another machine.
async fn by_transports(
    lookups: &Lookups,
    question: &Question,
    transports: &[Transport],
    found: &mut Found,
) -> Result<(), Failure> {
    let mut refused = None;
    for &transport in transports {
        let name = locate::service_name(&question.host, transport);
        match services(lookups, &name, transport, question.family, found).await {
            Ok(()) => return Ok(()),
            Err(failure) if !failure.is_denial() => return Err(failure),
            Err(failure) if failure.is_absence() => {}
            Err(failure) => refused = Some(failure),
        }
    }
    if let Some(failure) = refused {
        return Err(failure);
    }
    let transport = match transports {
        [only] => *only,
        _ => locate::plain(&question.ours),
    };
    let plain = (transport.default_port(), transport, 0);
    addresses(lookups, &question.host, plain, question.family, found).await
}

/// The addresses behind the SRV records of a name, each with its priority and weight (RFC 2782). An
/// error when there is none. A host without an address does not stand in the way of the others.
async fn services(
    lookups: &Lookups,
    name: &str,
    transport: Transport,
    family: Family,
    found: &mut Found,
) -> Result<(), Failure> {
    let answered = lookups.services(name).await?;
    // RFC 2782: the target "." says that the service is decidedly not offered.
    if answered.records.iter().all(|s| s.target == ".") {
        return Err(Failure::NotOffered(answered.ttl));
    }
    found.uses(&answered);
    let before = found.choices.len();
    let mut trouble = Failure::Dangling;
    let mut priority = None;
    for service in locate::sort_services(answered.records).into_iter().take(RECORDS_MAX) {
        if priority.replace(service.priority) != Some(service.priority) {
            found.rank += 1;
        }
        let place = (service.port, transport, service.weight);
        if let Err(failure) = addresses(lookups, &service.target, place, family, found).await
            && !failure.is_denial()
        {
            found.ttl = found.ttl.min(RETRY);
            trouble = failure;
        }
    }
    if found.choices.len() > before { Ok(()) } else { Err(trouble) }
}

/// The addresses of one host, for a port, transport and weight.
async fn addresses(
    lookups: &Lookups,
    host: &str,
    (port, transport, weight): (u16, Transport, u16),
    family: Family,
    found: &mut Found,
) -> Result<(), Failure> {
    let answered = lookups.addresses(host, family).await?;
    found.uses(&answered);
    found.host += 1;
    for address in answered.records {
        found.add(SocketAddr::new(address, port), transport, weight);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
