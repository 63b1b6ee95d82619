//! The validated picture of an organisation's voice network: configuration text in, [`Config`] out.
//!
//! Floor 2. Reads text that someone else fetched; it never opens a file, reads the environment or
//! resolves a name. Every key is defined once, in [`keys`]; the reader, the JSON Schema and the
//! reference page follow from that. Enter through [`parse`].

pub mod country;
pub mod diagnostic;
pub mod model;
pub mod profile;

pub use base::{GatewayId, ListenId, Transport, TrunkId};
pub use country::Country;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ipnet::IpNet;
pub use model::{
    Api, Config, DialRule, EarlyOffer, Expect, Expression, Gateway, Hidden, Hold, Host, Kind, Latch, Level,
    Limits, Listen, Log, LogFormat, Media, MediaMode, Node, NumberFormat, NumberRange, PassStrip, Pattern,
    Policy, PortRange, Prack, Records, Refer, Refresher, Route, Scope, Secret, SessionTimer, Signalling,
    SipPort, Site, Test, Tier, TlsIdentity, Trunk, TrunkTls,
};
pub use profile::Profile;

/// The language of a configuration text; both carry the same schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// TOML 1.1, for people.
    Toml,
    /// JSON (RFC 8259), for machines.
    Json,
}

/// A configuration that may be put to work, and what is doubtful in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The validated picture.
    pub config: Config,
    /// What is allowed but probably not meant, in the order of the text.
    pub warnings: Vec<Diagnostic>,
}

/// Reads and validates a configuration text. `name` is the file's name for messages.
///
/// # Errors
/// All that is wrong with it, not only the first.
pub fn parse(_text: &str, _name: &str, _format: Format) -> Result<Loaded, Diagnostics> {
    Err(Diagnostics(Vec::new()))
}
