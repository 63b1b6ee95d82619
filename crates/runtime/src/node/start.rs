//! From options to threads: every step that can fail, and whom it blames.

use super::{LocalAddress, Node, NodeOptions, media_listens};
use crate::brain::Brain;
use crate::clock::{self, Clock};
use crate::dns::{Dns, DnsServers};
use crate::mailbox::{Letter, mailbox};
use crate::poll::{Bell, Poll};
use crate::pool::{DATAGRAM_BIT, Listener, Pool};
use crate::shard::{Parts, Shard};
use crate::tls::{TlsError, TlsRules};
use crate::udp::UdpPort;
use b2bua::{Outbox, Snapshot};
use base::time::WallClock;
use base::{ListenId, Rng, Time, Transport};
use config::Config;
use engine::Engine;
use sip_core::ConnId;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate, key or secret named by the configuration cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An interface's address is none of this machine's.
    #[error("listen.{listen}: {address} is no address of this machine: {error}")]
    AddressNotOurs {
        /// The interface.
        listen: String,
        /// Address and port.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// Another program holds the port.
    #[error("listen.{listen}: {transport} port {address} is in use by another program")]
    PortInUse {
        /// The interface.
        listen: String,
        /// The transport.
        transport: Transport,
        /// Address and port.
        address: SocketAddr,
    },
    /// The port may not be opened by this user.
    #[error("listen.{listen}: {transport} port {address} may not be opened by this user")]
    NotAllowed {
        /// The interface.
        listen: String,
        /// The transport.
        transport: Transport,
        /// Address and port.
        address: SocketAddr,
    },
    /// The port cannot be opened for another reason.
    #[error("listen.{listen}: {transport} port {address}: {error}")]
    Socket {
        /// The interface.
        listen: String,
        /// The transport.
        transport: Transport,
        /// Address and port.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// Threads, descriptors or entropy cannot be had.
    #[error("{what}: {error}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// What the operating system says.
        error: io::Error,
    },
}

impl StartError {
    /// Whether the configuration is to blame (exit code 78), and not the environment.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(self, StartError::Tls(_) | StartError::AddressNotOurs { .. })
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::System { what, error }
}

/// Who is asked for names, and what handshakes on media ports show.
type Beside = (DnsServers, Arc<dtls::Certificate>);

/// Starts a node around the brain that `make` makes from seed, clock, snapshot, time and outbox.
pub(crate) fn launch<B, M>(options: NodeOptions, beside: Beside, make: M) -> Result<Node, StartError>
where
    B: Brain + 'static,
    M: FnOnce((u64, u64), WallClock, Arc<Snapshot>, Time, &mut Outbox) -> B + Send + 'static,
{
    let (NodeOptions { snapshot, secrets, journal, seed, cpu, fast_path }, (servers, certificate)) =
        (options, beside);
    let config = snapshot.config.clone();
    raise_descriptor_limit();
    let rules = Arc::new(TlsRules::build(&config, &secrets)?);
    for warning in &rules.warnings {
        tracing::warn!("{warning}");
    }
    let seed = seed.map_or_else(clock::seed, Ok);
    let seed = seed.map_err(|error| StartError::System { what: "entropy", error: error.into() })?;
    let mut dice = Rng::new(seed);
    let (ports, listeners) = bind_all(&config)?;
    let addresses = addresses(&config, &ports, &listeners);
    let poll = Poll::new().map_err(system("epoll"))?;
    let bell = poll.bell();
    let workers = config.media.workers.unwrap_or_else(default_workers);
    let listens = media_listens(&config);
    let engine = Engine::with_fast_path(listens, workers, certificate, ringing(bell.clone()), fast_path);
    let engine = engine.map_err(system("media threads"))?;
    let (mailbox, letters) = mailbox(bell);
    let answers = mailbox.clone();
    let dns = Dns::start(servers, move |answer| {
        // Without a shard nobody waits for the answer.
        let _ = answers.send(Letter::Resolved(answer));
    })
    .map_err(system("DNS thread"))?;
    let limits = sip_msg::Limits { message: config.limits.message_max, ..sip_msg::Limits::default() };
    let pool = Pool::new(listeners, config.listens.len(), dice.next_pair(), limits);
    let brain_seed = dice.next_pair();
    let (started, outcome) = sync_channel(1);
    let thread = std::thread::Builder::new().name("sip".into()).spawn(move || {
        bind_to_processor(cpu);
        let clock = Clock::start();
        let mut out = Outbox::new();
        let brain = make(brain_seed, clock.wall(), snapshot.clone(), clock.now(), &mut out);
        let parts =
            Parts { clock, poll, brain, out, ports, pool, rules, snapshot, engine, dns, journal, letters };
        match Shard::new(parts) {
            Ok(shard) => {
                let _ = started.send(Ok(()));
                shard.run()
            }
            Err(error) => {
                let _ = started.send(Err(error));
                Ok(())
            }
        }
    });
    let thread = thread.map_err(system("signalling thread"))?;
    match outcome.recv() {
        Ok(Ok(())) => Ok(Node::assemble(mailbox, secrets, addresses, thread)),
        Ok(Err(error)) => Err(StartError::System { what: "watching sockets", error }),
        Err(_) => {
            Err(StartError::System { what: "signalling thread", error: io::ErrorKind::BrokenPipe.into() })
        }
    }
}

/// What the media threads do when they have news.
fn ringing(bell: Bell) -> Box<dyn Fn() + Send + Sync> {
    Box::new(move || bell.ring())
}

/// Opens every port of every interface. A TLS port without an identity stays closed.
fn bind_all(config: &Config) -> Result<(Vec<UdpPort>, Vec<Listener>), StartError> {
    let (mut ports, mut listeners): (Vec<UdpPort>, Vec<Listener>) = (Vec::new(), Vec::new());
    for (index, listen) in config.listens.iter().enumerate() {
        let id = ListenId(index as u16);
        for sip in &listen.sip {
            let address = SocketAddr::new(listen.address, sip.port);
            let blame = |error| blame(&listen.name, sip.transport, address, error);
            match sip.transport {
                Transport::Udp => {
                    let further = ports.iter().any(|p| p.listen == id);
                    let conn = further.then_some(ConnId(DATAGRAM_BIT | ports.len() as u32));
                    ports.push(UdpPort::bind(id, address, listen.dscp_sip, conn).map_err(blame)?);
                }
                Transport::Tls if listen.tls.is_none() => {}
                transport => {
                    listeners.push(Listener::bind(id, transport, address, listen.dscp_sip).map_err(blame)?);
                }
            }
        }
    }
    Ok((ports, listeners))
}

fn blame(listen: &str, transport: Transport, address: SocketAddr, error: io::Error) -> StartError {
    let listen = listen.to_owned();
    match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { listen, transport, address },
        io::ErrorKind::AddrNotAvailable => StartError::AddressNotOurs { listen, address, error },
        io::ErrorKind::PermissionDenied => StartError::NotAllowed { listen, transport, address },
        _ => StartError::Socket { listen, transport, address, error },
    }
}

fn addresses(config: &Config, ports: &[UdpPort], listeners: &[Listener]) -> Vec<LocalAddress> {
    let datagrams = ports.iter().map(|p| (p.listen, Transport::Udp, p.local));
    let streams = listeners.iter().map(|l| (l.listen, l.transport, l.local));
    let mut all: Vec<LocalAddress> = datagrams
        .chain(streams)
        .map(|(listen, transport, address)| {
            let name = config.listens.get(listen.index()).map(|l| l.name.clone()).unwrap_or_default();
            LocalAddress { listen, name, transport, address }
        })
        .collect();
    all.sort_by_key(|a| (a.listen, a.transport));
    all
}

/// One media thread per processor, less one for signalling.
#[must_use]
pub fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1))
}

/// As many descriptors as the system lets us have: media needs four per call.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of descriptors stays as it is");
        }
    }
}

fn bind_to_processor(cpu: Option<usize>) {
    let Some(cpu) = cpu else { return };
    let mut set = rustix::thread::CpuSet::new();
    if cpu < rustix::thread::CpuSet::MAX_CPU {
        set.set(cpu);
    }
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        tracing::warn!(%error, cpu, "signalling is not bound to the processor asked for");
    }
}
