//! Names into addresses: RFC 3263 over hickory's resolver, on a thread of its own.
//!
//! The shard never waits for a name: it asks with [`Dns::ask`] and gets the answer through its
//! mailbox. What to ask and in which order to try is [`order`]'s judgement; here are the questions,
//! their limits and the time that answers hold. `/etc/hosts` and `localhost` count.

mod lookup;
pub(crate) mod order;

use b2bua::{Resolution, Target};
use base::{GatewayId, Transport};
use lookup::{Failure, Lookups};
use order::{Family, Pointer, Step};
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
        seed: (u64, u64),
        answer: impl Fn(Answer) + Send + Sync + 'static,
    ) -> io::Result<Dns> {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let room = Arc::new(Semaphore::new(CONCURRENT_MAX));
        let places = room.clone();
        let thread = std::thread::Builder::new().name("dns".into()).spawn(move || {
            runtime.block_on(serve(receiver, places, servers, seed, Arc::new(answer)));
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
    let resolution = Resolution::Failed { reason: "too many names wait to be resolved".into(), retry: RETRY };
    Answer { revision: question.revision, gateway: question.gateway, resolution }
}

async fn serve(
    mut questions: mpsc::Receiver<Question>,
    room: Arc<Semaphore>,
    servers: DnsServers,
    seed: (u64, u64),
    answer: Arc<impl Fn(Answer) + Send + Sync + 'static>,
) {
    let lookups = Arc::new(Lookups::new(servers, seed));
    while let Some(question) = questions.recv().await {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let (lookups, answer) = (lookups.clone(), answer.clone());
        tokio::spawn(async move {
            let found = tokio::time::timeout(NAME_TIME_MAX, resolve(&lookups, &question)).await;
            let resolution = match found.unwrap_or(Err(Failure::Silent)) {
                Ok(found) => found.into_resolution(),
                Err(failure) => Resolution::Failed { reason: failure.to_string(), retry: RETRY },
            };
            answer(Answer { revision: question.revision, gateway: question.gateway, resolution });
            drop(permit);
        });
    }
}

/// Targets so far and the shortest time that one of the records used holds.
struct Found {
    targets: Vec<Target>,
    ttl: Duration,
}

impl Found {
    fn new() -> Found {
        Found { targets: Vec::new(), ttl: TTL_MAX }
    }

    fn add(&mut self, address: SocketAddr, transport: Transport) {
        let target = Target { address, transport };
        if self.targets.len() < TARGETS_MAX && !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }

    fn holds(&mut self, ttl: Duration) {
        self.ttl = self.ttl.min(ttl);
    }

    fn into_resolution(self) -> Resolution {
        Resolution::Found { targets: self.targets, ttl: self.ttl.clamp(TTL_MIN, TTL_MAX) }
    }
}

/// All targets of a gateway's name, best first (RFC 3263 §4).
async fn resolve(lookups: &Lookups, question: &Question) -> Result<Found, Failure> {
    let mut found = Found::new();
    match order::first_step(question.port, question.transport, &question.ours) {
        Step::Addresses(transport, port) => {
            addresses(lookups, &question.host, port, transport, question.family, &mut found).await?;
        }
        Step::Services(transport) => by_transports(lookups, question, &[transport], &mut found).await?,
        Step::Everything => by_pointers(lookups, question, &mut found).await?,
    }
    if found.targets.is_empty() { Err(Failure::NoAddress) } else { Ok(found) }
}

/// NAPTR first, and what RFC 3263 §4.1 does without it. A server that fails at NAPTR (not rare)
/// is treated as one that has none: the addresses decide.
async fn by_pointers(lookups: &Lookups, question: &Question, found: &mut Found) -> Result<(), Failure> {
    let (pointers, ttl) = lookups.pointers(&question.host).await.unwrap_or_default();
    let pointers = order::sort_pointers(pointers, &question.ours);
    if !pointers.is_empty() {
        found.holds(ttl);
    }
    let mut trouble = None;
    for Pointer { transport, replacement, .. } in pointers.into_iter().take(RECORDS_MAX) {
        if let Err(failure) = services(lookups, &replacement, transport, question.family, found).await {
            trouble = Some(failure);
        }
    }
    match (found.targets.is_empty(), trouble) {
        (false, _) => Ok(()),
        (true, Some(failure @ (Failure::NotOffered | Failure::Silent))) => Err(failure),
        (true, _) => by_transports(lookups, question, &question.ours, found).await,
    }
}

/// SRV for each transport in order, the first that has records; without any, the addresses of the
/// name itself with the transport's own port (RFC 3263 §4.1, §4.2).
async fn by_transports(
    lookups: &Lookups,
    question: &Question,
    transports: &[Transport],
    found: &mut Found,
) -> Result<(), Failure> {
    for &transport in transports {
        let name = order::service_name(&question.host, transport);
        match services(lookups, &name, transport, question.family, found).await {
            Ok(()) => return Ok(()),
            Err(failure @ Failure::NotOffered) if transports.len() == 1 => return Err(failure),
            Err(_) => {}
        }
    }
    let transport = match transports {
        [only] => *only,
        _ => order::plain(&question.ours),
    };
    addresses(lookups, &question.host, transport.default_port(), transport, question.family, found).await
}

/// The addresses behind the SRV records of a name, in the order of RFC 2782. An error when there is none.
async fn services(
    lookups: &Lookups,
    name: &str,
    transport: Transport,
    family: Family,
    found: &mut Found,
) -> Result<(), Failure> {
    let (services, ttl) = lookups.services(name).await?;
    // RFC 2782: the target "." says that the service is decidedly not offered.
    if services.iter().all(|s| s.target == ".") {
        return Err(Failure::NotOffered);
    }
    found.holds(ttl);
    let before = found.targets.len();
    let mut trouble = Failure::NoAddress;
    for service in lookups.sort(services).into_iter().take(RECORDS_MAX) {
        if let Err(failure) =
            addresses(lookups, &service.target, service.port, transport, family, found).await
        {
            trouble = failure;
        }
    }
    if found.targets.len() > before { Ok(()) } else { Err(trouble) }
}

async fn addresses(
    lookups: &Lookups,
    host: &str,
    port: u16,
    transport: Transport,
    family: Family,
    found: &mut Found,
) -> Result<(), Failure> {
    let (addresses, ttl) = lookups.addresses(host, family).await?;
    found.holds(ttl);
    for address in addresses {
        found.add(SocketAddr::new(address, port), transport);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
