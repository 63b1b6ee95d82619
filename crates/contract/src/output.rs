//! What comes out of a switchboard.

use base::GatewayId;
use config::Host;
use records::JournalEvent;

/// Everything that one input caused, to be drained by the runtime in this order: journal
/// (written before anything leaves), media (an `Open` may be answered at once), SIP.
#[derive(Default)]
pub struct Outbox {
    /// Messages to send.
    pub sip: sip_core::Outbox,
    /// Commands to the media engine.
    pub media: Vec<media::Command>,
    /// What must outlive the process.
    pub journal: Vec<JournalEvent>,
    /// Names to resolve.
    pub resolve: Vec<ResolveRequest>,
    /// What people may want to read in the log.
    pub notes: Vec<Note>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Whether nothing waits to be drained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sip.is_empty()
            && self.media.is_empty()
            && self.journal.is_empty()
            && self.resolve.is_empty()
            && self.notes.is_empty()
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.sip.clear();
        self.media.clear();
        self.journal.clear();
        self.resolve.clear();
        self.notes.clear();
    }
}

/// A gateway's name to be resolved as RFC 3263 says; answered by `Input::Resolved`.
#[derive(Clone, Debug)]
pub struct ResolveRequest {
    /// The configuration revision that this belongs to.
    pub revision: u64,
    /// For which gateway.
    pub gateway: GatewayId,
    /// Its host: a name (addresses never get here).
    pub host: Host,
    /// Its port, when the configuration names one (then no SRV lookup).
    pub port: Option<u16>,
    /// Its transport, when the configuration names one (then no NAPTR lookup).
    pub transport: Option<base::Transport>,
}

/// How much a note matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// A decision off the happy path.
    Debug,
    /// A call starting or ending, a trunk coming up.
    Info,
    /// May wake someone.
    Warn,
}

/// One line for the log, with its identity.
#[derive(Clone, Debug)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// What happened, a stable phrase.
    pub what: &'static str,
    /// The call, trunk or source it is about, and details; people's numbers are redacted.
    pub detail: String,
}
