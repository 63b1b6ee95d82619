//! The picture of an organisation's voice network: plain values, all references resolved to ids of this
//! snapshot, how the countries write numbers, and how words of a configuration are written.
//!
//! Floor 1. Nothing in a picture that `config` has read is half valid: whoever holds a [`Config`] needs no
//! further check. How its tables and keys are written and read is not known here, only how single texts are ([`forms`], [`net`]). Enter through [`Config`].

pub mod country;
pub mod forms;

mod account;
mod bypass;
mod calendar;
mod codecs;
mod dialog;
mod digits;
mod failover;
mod fast_path;
mod header_rule;
mod identity;
mod listen;
pub mod net;
mod permission;
mod places;
mod policy;
mod profile;
mod rates;
mod recording;
mod redirect;
mod route;
mod rtcp;
mod sounds;
mod srtp;
mod strangers;
mod topology;
mod transfer;
mod translate;
mod trunk;
mod users;
mod words;

pub use account::{Account, Login, Register, RegisterMode, RegisterSecurity};
pub use bypass::{Bypass, MediaLocation};
pub use calendar::{Dates, Holidays, Span, When, Zone};
pub use codecs::{Codecs, PayloadTypes, Transcode};
pub use dialog::{
    Absorb, Dialog, EarlyDialogs, EarlyMedia, LateReinvite, Map180, Map183, PassDrop, RefreshBy, Ringing,
    Update,
};
pub use digits::{Digits, Dtmf, DtmfInfo};
pub use failover::{EachWay, Hunt, Hunting, MAPPINGS_MAX, Mapping, Quality};
pub use fast_path::{FastPath, TouchedPath};
pub use header_rule::{
    HeaderDo, HeaderList, HeaderOn, HeaderPolicy, HeaderRow, HeaderRule, HeaderRules, HeaderTest,
};
pub use identity::{
    AnonymousHost, CalledParty, Caller, CallerDisplay, CallerSource, CallerWritten, Charge, FirstIs,
    Forwarding, ForwardingHeader, ForwardingWrite, NotOwned, PaiForm, Replaced, Screen, Withheld,
    WithheldFrom,
};
pub use listen::{Hidden, Host, Listen, PortRange, Secret, SipPort, TlsIdentity};
pub use permission::{CallPolicy, Class, DENY_UNKNOWN, Group, Permissions, effective};
pub use places::Networks;
pub use policy::{
    CalledFrom, ContactUser, EarlyOffer, Extension, Fax, Hold, Ice, Latch, MediaMode, NumberFormat,
    PassStrip, Policy, Prack, Refresher, SessionTimer, Sips, UriScheme,
};
pub use profile::{Defaults, Profile, ProfileStatus, ProfileValue};
pub use rates::{Money, Rate, RateTable, TierOrder, Unrated};
pub use recording::{RecordManners, RecordNotice, RecordPreference};
pub use redirect::{Redirect, Redirects};
pub use route::{CallerId, DialRule, Expect, Expression, NumberRange, Pattern, Route, Scope, Test, Tier};
pub use rtcp::{Rtcp, RtcpSource, RtcpXr, RtpKeepalive};
pub use sounds::{ANNOUNCEMENTS_MAX, Announcement, RingingTone, TrunkSounds};
pub use srtp::{DtlsAnswer, DtlsSetup, SrtpKeys, SrtpMode, SrtpOverPlain, SrtpPolicy, SrtpSuite, SrtpT38};
pub use strangers::{Strangers, strangers};
pub use topology::{Reveal, Topology};
pub use transfer::{Refer, ReferTarget, Replaces, Transfers};
pub use translate::{Pilot, TRANSLATION_NAME_MAX, TRANSLATIONS_MAX, Translate, Translation};
pub use trunk::{Gateway, Kind, Recorder, Trunk, TrunkTls};
pub use users::{
    Authenticate, CallsTo, DigestAlgorithm, DigestQop, Guarded, Presents, ReachedAt, Registrar, SpeaksFor,
    Users, WhenFull,
};
pub use words::Words;

use base::{GatewayId, ListenId, TrunkId};
use country::Country;
use ipnet::IpNet;
use std::time::Duration;
use words::words;

/// The validated picture of one node and its organisation.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// Version of the schema; always 1.
    pub version: u32,
    /// How to read numbers that are not +E.164.
    pub country: Option<&'static Country>,
    /// This process.
    pub node: Node,
    /// Interfaces; the index is the [`ListenId`].
    pub listens: Vec<Listen>,
    /// Places.
    pub sites: Vec<Site>,
    /// Groups of users.
    pub groups: Vec<Group>,
    /// Policies of callers.
    pub policies: Vec<CallPolicy>,
    /// Named days.
    pub holidays: Vec<Holidays>,
    /// What callers may do where no site and no trunk says so.
    pub permissions: Permissions,
    /// Trunks; the index is the [`TrunkId`].
    pub trunks: Vec<Trunk>,
    /// Gateways of all trunks; the index is the [`GatewayId`].
    pub gateways: Vec<Gateway>,
    /// What is dialled before called numbers to get an outside line, where no site or trunk says so.
    pub external_prefix: Option<String>,
    /// Dial rules in the order of the text, all scopes.
    pub dialplan: Vec<DialRule>,
    /// What trunks charge.
    pub rates: Vec<RateTable>,
    /// Number ranges in the order of the text; they never overlap.
    pub numbers: Vec<NumberRange>,
    /// Routes; the first match wins.
    pub routes: Vec<Route>,
    /// Cases that a check runs.
    pub tests: Vec<Test>,
    /// Call records and the journal.
    pub records: Records,
    /// Media engine.
    pub media: Media,
    /// Named limits of the whole node.
    pub limits: Limits,
    /// The control socket.
    pub api: Api,
    /// Logging.
    pub log: Log,
    /// SIP timers and the like.
    pub signalling: Signalling,
}

impl Config {
    /// The trunk with this id.
    #[must_use]
    pub fn trunk(&self, id: TrunkId) -> Option<&Trunk> {
        self.trunks.get(id.index())
    }

    /// The interface with this id.
    #[must_use]
    pub fn listen(&self, id: ListenId) -> Option<&Listen> {
        self.listens.get(id.index())
    }

    /// The gateway with this id.
    #[must_use]
    pub fn gateway(&self, id: GatewayId) -> Option<&Gateway> {
        self.gateways.get(id.index())
    }

    /// The id of the trunk with this name.
    #[must_use]
    pub fn trunk_named(&self, name: &str) -> Option<TrunkId> {
        self.trunks.iter().position(|t| t.name == name).and_then(|i| u32::try_from(i).ok()).map(TrunkId)
    }

    /// The id of the trunk with this name, where it is a recorder.
    #[must_use]
    pub fn recorder_named(&self, name: &str) -> Option<TrunkId> {
        self.trunk_named(name).filter(|id| self.trunk(*id).is_some_and(|trunk| trunk.kind == Kind::Recorder))
    }

    /// The id of the interface with this name.
    #[must_use]
    pub fn listen_named(&self, name: &str) -> Option<ListenId> {
        self.listens.iter().position(|l| l.name == name).and_then(|i| u16::try_from(i).ok()).map(ListenId)
    }
}

/// This process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Name in records, logs and metrics.
    pub name: String,
    /// The place where it stands.
    pub site: Option<String>,
}

/// A place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its networks: who calls from there is here.
    pub subnets: Vec<IpNet>,
    /// What is dialled before called numbers to get an outside line.
    pub external_prefix: Option<String>,
    /// What callers there may do.
    pub permissions: Permissions,
    /// Calls whose media cross its WAN link at a time.
    pub wan_calls_max: Option<u32>,
}

/// Call records and the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Records {
    /// Directory of the database and the journal; `None` keeps neither.
    pub path: Option<String>,
    /// File that gets one JSON line for each record.
    pub jsonl: Option<String>,
    /// Days until a record is deleted, 1 to 2562.
    pub keep_days: u32,
    /// How often the journal is brought to the disk; `None` leaves that to the system.
    pub sync: Option<Duration>,
}

/// Media engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Media {
    /// Worker threads; `None` leaves the number to the start-up probe.
    pub workers: Option<usize>,
    /// Which calls have their media between the peers.
    pub bypass: Bypass,
    /// Whether settled media are relayed in the kernel.
    pub fast_path: FastPath,
    /// Whether packets that must be touched come in shared memory.
    pub touched_path: TouchedPath,
}

/// Named limits of the whole node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Calls at a time.
    pub calls_max: u32,
    /// Early dialogs of one outgoing INVITE.
    pub early_dialogs_max: u32,
    /// Transactions at a time, both roles.
    pub transactions_max: u32,
    /// Bytes of one SIP message on a stream.
    pub message_max: usize,
}

/// The control socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Api {
    /// Path of the unix socket.
    pub socket: String,
}

words! {
    /// How much is logged.
    pub enum Level {
        /// Something is broken.
        Error = "error",
        /// Someone may want to look.
        Warn = "warn",
        /// Calls start and end.
        Info = "info",
        /// Decisions off the happy path.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// The form of a log line.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// Logging.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    /// How much.
    pub level: Level,
    /// In which form.
    pub format: LogFormat,
}

/// SIP timers and the like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signalling {
    /// Longest wait for running calls at shutdown.
    pub drain_timeout: Duration,
    /// Max-Forwards of requests that start here (RFC 3261 §8.1.1.6).
    pub max_forwards: u8,
    /// T1 in milliseconds (RFC 3261 §17.1.1.1).
    pub t1_ms: u32,
    /// T2 in milliseconds (RFC 3261 §17.1.2.2).
    pub t2_ms: u32,
    /// T4 in milliseconds (RFC 3261 §17.1.2.2).
    pub t4_ms: u32,
}
