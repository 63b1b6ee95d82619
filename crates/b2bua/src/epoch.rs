//! One configuration in use: the snapshot and what is derived from it for signalling.

use crate::telling::OnWire;
use base::{GatewayId, ListenId, Transport, TrunkId};
use config::{Policy, Trunk};
use identity::abilities::agent_row;
use identity::{Face, Screening};
use peers::{GatewayRef, LinkRef, Networks, Runs, Sources, TrunkRef};
use routing::Snapshot;
use std::sync::Arc;

/// A snapshot with the running state of its trunks; a call keeps the one it was routed with.
pub(crate) struct Epoch {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) trunks: Vec<TrunkRef>,
    /// Of each site.
    pub(crate) links: Vec<LinkRef>,
    gateways: Vec<GatewayRef>,
    faces: Vec<Face>,
    screenings: Vec<Screening>,
    /// User-Agent of requests towards each trunk, as a row (RFC 3261 §20.41).
    agents: Vec<Box<[u8]>>,
    /// Networks from which requests may come, beside the gateways' own addresses.
    pub(crate) networks: Networks,
}

impl Epoch {
    /// Puts a snapshot to use; trunks and gateways that existed before keep their running state.
    pub(crate) fn new(snapshot: Arc<Snapshot>, runs: &mut Runs) -> Epoch {
        let config = snapshot.config.clone();
        let trunks: Vec<TrunkRef> = config.trunks.iter().map(|t| runs.adopt_trunk(t)).collect();
        let gateways = config
            .gateways
            .iter()
            .map(|g| {
                let run = trunks[g.trunk.index()];
                runs.adopt_gateway(run, g, &config.trunks[g.trunk.index()])
            })
            .collect();
        let networks = Networks::gather(&config);
        let faces = config.listens.iter().map(Face::new).collect();
        let ids = (0..).map(TrunkId).take(config.trunks.len());
        let screenings = ids.map(|id| Screening::new(&config, &OnWire::of(&snapshot.table), id)).collect();
        let agents = config.trunks.iter().map(|t| agent_row(&t.policy)).collect();
        let links = runs.links.adopt(&config.sites);
        Epoch { snapshot, trunks, links, gateways, faces, screenings, agents, networks }
    }

    pub(crate) fn trunk(&self, id: TrunkId) -> &Trunk {
        &self.snapshot.config.trunks[id.index()]
    }

    pub(crate) fn policy(&self, id: TrunkId) -> &Policy {
        &self.trunk(id).policy
    }

    /// Whose numbers a trunk's peer accepts.
    pub(crate) fn screening(&self, id: TrunkId) -> &Screening {
        &self.screenings[id.index()]
    }

    /// The User-Agent row of requests towards a trunk.
    pub(crate) fn agent_row(&self, id: TrunkId) -> &[u8] {
        &self.agents[id.index()]
    }

    pub(crate) fn trunk_name(&self, id: TrunkId) -> Arc<str> {
        self.snapshot.trunk_names[id.index()].clone()
    }

    pub(crate) fn gateway_name(&self, id: GatewayId) -> Arc<str> {
        self.snapshot.gateway_names[id.index()].clone()
    }

    pub(crate) fn run(&self, id: TrunkId) -> TrunkRef {
        self.trunks[id.index()]
    }

    /// The place of the user that a gateway stands for.
    pub(crate) fn user_of(&self, id: GatewayId) -> Option<usize> {
        self.snapshot.config.gateway(id)?.user.map(usize::from)
    }

    pub(crate) fn gateway_run(&self, id: GatewayId) -> GatewayRef {
        self.gateways[id.index()]
    }

    pub(crate) fn gateway_runs(&self) -> &[GatewayRef] {
        &self.gateways
    }

    /// Which trunk speaks from an address now.
    pub(crate) fn sources(&self, runs: &Runs) -> Sources {
        Sources::gather(&self.snapshot.config, &self.gateways, runs)
    }

    pub(crate) fn face(&self, id: ListenId) -> &Face {
        &self.faces[id.index()]
    }

    /// Whether large messages to a trunk may leave UDP.
    pub(crate) fn may_leave_udp(&self, trunk: Option<TrunkId>) -> bool {
        trunk.is_some_and(|trunk| !self.is_pinned_to_udp(trunk))
    }

    /// Whether the configuration pins every gateway of a trunk to UDP; large messages stay there then.
    pub(crate) fn is_pinned_to_udp(&self, id: TrunkId) -> bool {
        let config = &self.snapshot.config;
        let mut gateways = self.trunk(id).gateways.iter().map(|g| &config.gateways[g.index()]);
        // Who registered is reached on the way that it registered on.
        gateways.all(|g| g.transport == Some(Transport::Udp) || g.user.is_some())
    }
}
