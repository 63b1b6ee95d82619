//! A running node: sockets bound, threads started, a handle for everybody else.
//!
//! Starting either succeeds whole or leaves nothing behind, and says whether the configuration or the
//! environment is to blame. Enter through [`Node::start`].

pub(crate) mod start;

pub use start::{StartError, default_workers};

use crate::dns::DnsServers;
use crate::journal::JournalSink;
use crate::mailbox::{Letter, Mailbox, NodeGone, Stopped};
use crate::secrets::Secrets;
use crate::shard::GRACE_MAX;
use crate::status::TransportStatus;
use crate::tls::{TlsError, TlsRules};
use b2bua::view::{CallView, KeptBinding, StatusView, TrunkView};
use b2bua::{Command, Snapshot, Switchboard};
use base::{ListenId, ShardId, Time, Transport};
use config::{Change, Config};
use engine::{MediaListen, Status as EngineStatus};
use media::{Report, SessionId};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Beyond drain and grace, a stop waits this long for its threads.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// What a node is started with.
pub struct NodeOptions {
    /// The first configuration.
    pub snapshot: Arc<Snapshot>,
    /// Where its secrets come from.
    pub secrets: Secrets,
    /// Where journal events go.
    pub journal: Box<dyn JournalSink>,
    /// 128 secret bits; `None` takes them from the operating system. Tests alone give them.
    pub seed: Option<(u64, u64)>,
    /// The processor that signalling is bound to.
    pub cpu: Option<usize>,
    /// What relays settled media in place of sockets, or why nothing does.
    pub fast_path: media::fast::Choice,
}

/// An open port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalAddress {
    /// The interface.
    pub listen: ListenId,
    /// Its name.
    pub name: String,
    /// The transport.
    pub transport: Transport,
    /// Address and true port, also when the configuration says port 0.
    pub address: SocketAddr,
}

/// A running node. Dropping it stops it at once, without draining.
pub struct Node {
    handle: NodeHandle,
    addresses: Vec<LocalAddress>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Node {
    /// Binds, starts threads, asks for names. Calls are taken from here on.
    ///
    /// # Errors
    /// What stands in the way; see [`StartError::is_configuration`].
    pub fn start(options: NodeOptions) -> Result<Node, StartError> {
        Node::start_with_dns(options, DnsServers::System)
    }

    /// As [`Node::start`], with DNS servers of the caller's choice.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with_dns(options: NodeOptions, servers: DnsServers) -> Result<Node, StartError> {
        let secret = crate::clock::secret()
            .map_err(|error| StartError::System { what: "entropy", error: error.into() })?;
        let certificate = dtls::Certificate::make().map_err(|error| StartError::System {
            what: "a certificate for media",
            error: io::Error::other(error),
        })?;
        let fingerprint = *certificate.fingerprint();
        start::launch(options, (servers, Arc::new(certificate)), move |seed, clock, snapshot, now, out| {
            let setup = b2bua::Setup { shard: ShardId(0), seed, secret, proof: fingerprint, clock };
            Switchboard::new(setup, snapshot, now, out)
        })
    }

    pub(crate) fn assemble(
        mailbox: Mailbox,
        secrets: Secrets,
        addresses: Vec<LocalAddress>,
        thread: JoinHandle<io::Result<()>>,
    ) -> Node {
        let handle = NodeHandle { mailbox, secrets: Arc::new(secrets), applying: Arc::default() };
        Node { handle, addresses, thread: Some(thread) }
    }

    /// For other threads.
    #[must_use]
    pub fn handle(&self) -> NodeHandle {
        self.handle.clone()
    }

    /// The open ports.
    #[must_use]
    pub fn local_addresses(&self) -> &[LocalAddress] {
        &self.addresses
    }

    /// Whether the signalling thread has ended, which it does only by [`Node::stop`] or by a fault.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops: takes no new calls, waits up to `drain` for the present ones to end, then ends them and waits
    /// up to 5 s for their last messages. Returns when all threads have ended.
    pub fn stop(mut self, drain: Duration) -> Stopped {
        self.halt(drain)
    }

    fn halt(&mut self, drain: Duration) -> Stopped {
        let Some(thread) = self.thread.take() else { return Stopped::default() };
        let (stopped, answer) = std::sync::mpsc::sync_channel(1);
        let sent = self.handle.mailbox.send(Letter::Stop { drain, stopped });
        let limit = drain.saturating_add(GRACE_MAX).saturating_add(STOP_MARGIN);
        let answer = answer.recv_timeout(limit).ok().filter(|_| sent.is_ok());
        // Without an answer the thread has died or hangs; a hanging one is left to the process's end.
        if answer.is_some() || thread.is_finished() {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the signalling thread ended with an error"),
                Err(_) => tracing::error!("the signalling thread ended with a panic"),
            }
        }
        answer.unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.halt(Duration::ZERO);
    }
}

/// Reaches a node from any thread. A question waits at most [`crate::ANSWER_MAX`].
#[derive(Clone)]
pub struct NodeHandle {
    mailbox: Mailbox,
    secrets: Arc<Secrets>,
    /// One configuration is applied at a time.
    applying: Arc<Mutex<()>>,
}

impl NodeHandle {
    /// The live calls.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn calls(&self) -> Result<Vec<CallView>, NodeGone> {
        self.mailbox.ask(Letter::Calls)
    }

    /// The trunks.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn trunks(&self) -> Result<Vec<TrunkView>, NodeGone> {
        self.mailbox.ask(Letter::Trunks)
    }

    /// What users have registered, as far as a later process can use it.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn bindings(&self) -> Result<Vec<KeptBinding>, NodeGone> {
        self.mailbox.ask(Letter::Bindings)
    }

    /// The switchboard's counters.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn status(&self) -> Result<StatusView, NodeGone> {
        self.mailbox.ask(Letter::Status)
    }

    /// Ports, connections, datagrams, limits.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn transport_status(&self) -> Result<TransportStatus, NodeGone> {
        self.mailbox.ask(Letter::Transport)
    }

    /// The media engine.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn engine_status(&self) -> Result<EngineStatus, NodeGone> {
        self.mailbox.ask(Letter::Engine)
    }

    /// How the media of a running call are doing; none where the session is over.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn media(&self, session: SessionId) -> Result<Option<Box<Report>>, NodeGone> {
        self.mailbox.ask(|asker| Letter::Look(session, asker))
    }

    /// The configuration in use.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, NodeGone> {
        self.mailbox.ask(Letter::Current)
    }

    /// A copy of the switchboard's state, and the time at which it was taken: to try a call on elsewhere.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn copy(&self, seed: (u64, u64)) -> Result<(Box<Switchboard>, Time), NodeGone> {
        self.mailbox.ask(|asker| Letter::Copy(seed, asker))?.ok_or(NodeGone)
    }

    /// Gives a command; it is carried out soon. A configuration goes through [`NodeHandle::apply`].
    ///
    /// # Errors
    /// The node is gone, or too many commands wait.
    pub fn command(&self, command: Command) -> Result<(), NodeGone> {
        self.mailbox.send(Letter::Command(command))
    }

    /// Puts a configuration to use: new calls, new connections and new TLS handshakes follow it.
    ///
    /// # Errors
    /// It needs a restart, or its certificates cannot be used; the present one stays in use.
    pub fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), ApplyError> {
        let _one = self.applying.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let current = self.snapshot()?;
        let restart: Vec<Change> = config::diff(&current.config, &snapshot.config)
            .into_iter()
            .filter(Change::needs_restart)
            .collect();
        if !restart.is_empty() {
            return Err(ApplyError::NeedsRestart { changes: restart });
        }
        // Sockets know their interface by its place.
        let places = |config: &Config| config.listens.iter().map(|l| l.name.clone()).collect::<Vec<_>>();
        if places(&current.config) != places(&snapshot.config) {
            return Err(ApplyError::InterfacesMoved);
        }
        let rules = Arc::new(TlsRules::build(&snapshot.config, &self.secrets)?);
        for warning in &rules.warnings {
            tracing::warn!("{warning}");
        }
        Ok(self.mailbox.ask(|done| Letter::Apply(snapshot, rules, done))?)
    }
}

/// Why a configuration was not put to use.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Something in it is fixed while a node runs.
    #[error("a restart is needed for: {}", changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NeedsRestart {
        /// What.
        changes: Vec<Change>,
    },
    /// The same interfaces in another order.
    #[error("a restart is needed: the interfaces stand in another order")]
    InterfacesMoved,
    /// Its certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The node does not answer.
    #[error(transparent)]
    Gone(#[from] NodeGone),
}

/// The interfaces that carry media, as the engine wants them.
pub(crate) fn media_listens(config: &Config) -> Vec<MediaListen> {
    let listens = config.listens.iter().enumerate();
    let carrying = listens.filter_map(|(index, listen)| {
        let ports = listen.rtp?;
        Some(MediaListen {
            id: ListenId(index as u16),
            address: listen.media_bind(),
            range: ports.first..=ports.last,
            dscp: listen.dscp_media,
        })
    });
    carrying.collect()
}
