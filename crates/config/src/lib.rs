//! The validated picture of an organisation's voice network: configuration text in, [`Config`] out.
//!
//! Floor 2. Reads text that someone else fetched; it never opens a file, reads the environment or
//! resolves a name. Every key is defined once, in `keys`; the reader, the JSON Schema, the reference
//! page and the restart rule follow from that. The way of a text: `text` (to a tree with places),
//! `check` (each value), `build` (to the picture's parts), `judge` (values against each other). Enter
//! through [`parse`].

pub mod profile;

mod build;
mod check;
mod diff;
mod effective;
mod judge;
mod keys;
mod names;
mod phrase;
mod places;
mod rates;
mod reference;
mod schema;

pub use config_model as model;
pub use config_model::country;
pub use config_text::{Format, Place, diagnostic, nearest, place};

pub use base::{GatewayId, ListenId, Transport, TrunkId};
pub use country::Country;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use diff::{Change, diff};
pub use effective::{Effective, EffectiveError, Origin, Setting, Whereabouts, effective};
pub use ipnet::IpNet;
pub use model::{ANNOUNCEMENTS_MAX, Announcement, RingingTone, TrunkSounds};
pub use model::{
    Absorb, Dialog, EarlyDialogs, EarlyMedia, LateReinvite, Map180, Map183, PassDrop, RefreshBy, Ringing,
    Update,
};
pub use model::{Account, Login, Register, RegisterMode, RegisterSecurity};
pub use model::{
    AnonymousHost, CalledParty, Caller, CallerDisplay, CallerSource, CallerWritten, Charge, FirstIs,
    Forwarding, ForwardingHeader, ForwardingWrite, NotOwned, PaiForm, Replaced, Screen, Withheld,
    WithheldFrom,
};
pub use model::{
    Api, Bypass, CalledFrom, Config, ContactUser, DialRule, EarlyOffer, Expect, Expression, Extension,
    FastPath, Fax, Gateway, Hidden, Hold, Host, Ice, Kind, Latch, Level, Limits, Listen, Log, LogFormat,
    Media, MediaLocation, MediaMode, Node, NumberFormat, NumberRange, PassStrip, Pattern, PayloadTypes,
    Pilot, Policy, PortRange, Prack, RecordManners, RecordNotice, RecordPreference, Recorder, Records,
    Refresher, Route, Scope, Secret, SessionTimer, Signalling, SipPort, Sips, Site, TRANSLATION_NAME_MAX,
    TRANSLATIONS_MAX, Test, Tier, TlsIdentity, TouchedPath, Translate, Translation, Trunk, TrunkTls,
    UriScheme, Words,
};
pub use model::{
    Authenticate, CallPolicy, CallerId, CallsTo, Class, Codecs, DENY_UNKNOWN, Dates, DigestAlgorithm,
    DigestQop, Digits, DtlsAnswer, DtlsSetup, Dtmf, DtmfInfo, EachWay, Group, Guarded, HeaderDo, HeaderList,
    HeaderOn, HeaderPolicy, HeaderRow, HeaderRule, HeaderRules, HeaderTest, Holidays, Hunt, Hunting,
    MAPPINGS_MAX, Mapping, Money, Networks, Permissions, Presents, ProfileStatus, Quality, Rate, RateTable,
    ReachedAt, Redirect, Redirects, Refer, ReferTarget, Registrar, Replaces, Span, SpeaksFor, SrtpKeys,
    SrtpMode, SrtpOverPlain, SrtpPolicy, SrtpSuite, SrtpT38, TierOrder, Transcode, Transfers, Unrated, Users,
    When, WhenFull, Zone,
};
pub use model::{Rtcp, RtcpSource, RtcpXr, RtpKeepalive};
pub use places::Places;
pub use profile::Profile;
pub use rates::{RATES_MAX, RATES_TEXT_MAX, RateFile};
pub use reference::reference_markdown;
pub use schema::schema;

use build::Draft;
use config_model::forms;
use config_text as text;
use config_text::report;
use names::Names;
use report::{Finding, Report};

/// Reads a moment as RFC 3339 writes it; `None` for anything else and for moments before 1970.
#[must_use]
pub fn moment(text: &str) -> Option<base::WallTime> {
    forms::calendar::instant(text).ok()
}

/// Longest configuration text, in bytes; 200,000 numbers fit.
pub const TEXT_MAX: usize = 32 * 1024 * 1024;

/// A configuration that may be put to work, and what is doubtful in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The validated picture.
    pub config: Config,
    /// What is allowed but probably not meant, in the order of the text.
    pub warnings: Vec<Diagnostic>,
    /// Where the tables stand that are judged by what they do to calls.
    pub places: Places,
    /// The files of rates that were read, in the order of the picture's tables.
    pub rate_files: Vec<RateFile>,
}

/// Reads and validates a configuration text. `name` is the file's name for messages.
///
/// # Errors
/// All errors in it, not only the first. A text that is not TOML or JSON at all gives the faults of its
/// writing alone.
pub fn parse(text: &str, name: &str, format: Format) -> Result<Loaded, Diagnostics> {
    let mut report = Report::new(text, name);
    if text.len() > TEXT_MAX {
        let message = format!("the text has {} bytes", text.len());
        report.error(Finding::new(0, "", "too-large", message).expected(format!("at most {TEXT_MAX}")));
        return Err(Diagnostics(report.finish().0));
    }
    let (root, faults) = text::read(text, format);
    for fault in faults {
        report.syntax(fault);
    }
    if report.failed() {
        return Err(Diagnostics(report.finish().0));
    }
    let names = Names::collect(&root);
    check::check(&keys::ROOT, &root, &names, &mut report);
    let draft = Draft::build(&root, &names);
    judge::judge(&root, &draft, &mut report);
    if !report.failed() {
        if let Some(config) = draft.config(&root) {
            let places = Places::collect(&root, &report);
            return Ok(Loaded { config, warnings: report.finish().1, places, rate_files: Vec::new() });
        }
        // Check and build disagree: a fault of ours, told as an error rather than by a panic.
        let message = "a value passed the check and could not be read; please report this";
        report.error(Finding::new(0, "", "internal", message));
    }
    Err(Diagnostics(report.finish().0))
}
