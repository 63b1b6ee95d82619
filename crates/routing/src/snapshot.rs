//! A configuration as calls use it: compiled once, shared, never changed.

use crate::Table;
use config::Config;
use sounds::Sounds;
use std::sync::Arc;

/// One revision of the configuration, compiled. A call keeps the one it was routed with.
pub struct Snapshot {
    /// Counts applied configurations from 1.
    pub revision: u64,
    /// The picture of the organisation.
    pub config: Arc<Config>,
    /// Its routing table.
    pub table: Table,
    /// Trunk names, shared with records; by [`base::TrunkId`].
    pub trunk_names: Vec<Arc<str>>,
    /// Gateways as written, shared with records; by [`base::GatewayId`].
    pub gateway_names: Vec<Arc<str>>,
    /// The node's name, shared with records.
    pub node: Arc<str>,
    /// The sounds that it names, as far as somebody has read them.
    pub sounds: Sounds,
}

impl Snapshot {
    /// Compiles a validated configuration.
    #[must_use]
    pub fn new(config: Config, revision: u64) -> Snapshot {
        Snapshot {
            revision,
            table: Table::compile(&config),
            trunk_names: config.trunks.iter().map(|t| t.name.as_str().into()).collect(),
            gateway_names: config.gateways.iter().map(|g| g.text.as_str().into()).collect(),
            node: config.node.name.as_str().into(),
            sounds: Sounds::default(),
            config: Arc::new(config),
        }
    }

    /// The same, with the sounds that it names.
    #[must_use]
    pub fn with_sounds(self, sounds: Sounds) -> Snapshot {
        Snapshot { sounds, ..self }
    }
}
