//! What goes into a decision: the call's facts and the present state of trunks.

use base::{TrunkId, WallTime};
use std::net::IpAddr;

/// What is known of a call when its INVITE has been read.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The trunk that the call arrived by.
    pub on: TrunkId,
    /// User part of the Request-URI (or the number of a tel URI), percent-decoded; parameters such as
    /// `;ext=` (RFC 3966 §5.1.1) may still be on it.
    pub called: &'a str,
    /// The caller's number, percent-decoded, from whichever header the trunk's policy trusts; empty
    /// when there is none.
    pub caller: &'a str,
    /// Whether nobody is named as the caller; one who is known but withholds the number is not meant.
    pub anonymous: bool,
    /// The user of that trunk who has proven to place it, by place.
    pub user: Option<u16>,
    /// Where it comes from; without it the caller is where the trunk is.
    pub source: Option<IpAddr>,
    /// Whose media the call will have, where that is not who calls: in a transfer of who stays.
    pub media: Option<(TrunkId, IpAddr)>,
    /// When it arrives; without it routes that hold at times do not hold.
    pub at: Option<WallTime>,
}

impl<'a> Facts<'a> {
    /// A call of nobody in particular, from nowhere in particular, at no time.
    #[must_use]
    pub fn new(on: TrunkId, called: &'a str, caller: &'a str) -> Facts<'a> {
        Facts { on, called, caller, anonymous: false, user: None, source: None, media: None, at: None }
    }
}

/// Whether a trunk's gateways answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Health {
    /// At least one gateway answers, or nothing is known yet.
    #[default]
    Up,
    /// None answers.
    Down,
}

/// A trunk as it stands now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrunkState {
    /// Whether an operator lets it carry calls; the configuration's `enabled` counts as well.
    pub enabled: bool,
    /// Whether it takes no new calls but keeps its running ones.
    pub draining: bool,
    /// Whether it answers.
    pub health: Health,
    /// Calls it carries now, both directions.
    pub calls: u32,
    /// Whether it carries as many calls as it may, for one that leaves by it.
    pub full_out: bool,
    /// Whether the calls of this second have used up its `cps_max` or `cps_out_max`.
    pub cps_spent: bool,
    /// Whether it asked to be left alone for a while (Retry-After, RFC 3261 §20.33).
    pub cooling: bool,
}

impl Default for TrunkState {
    /// Enabled, up and idle.
    fn default() -> TrunkState {
        TrunkState {
            enabled: true,
            draining: false,
            health: Health::Up,
            calls: 0,
            full_out: false,
            cps_spent: false,
            cooling: false,
        }
    }
}

/// Who knows how the trunks and the links of sites stand.
pub trait State {
    /// The present state of a trunk.
    fn trunk(&self, trunk: TrunkId) -> TrunkState;

    /// How often calls cross the WAN link of a site, but for the call that is judged.
    fn link(&self, site: u16) -> u32 {
        let _ = site;
        0
    }
}

/// All trunks enabled, up and idle: for dry runs and the configuration's own tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllIdle;

impl State for AllIdle {
    fn trunk(&self, _: TrunkId) -> TrunkState {
        TrunkState::default()
    }
}

impl<F: Fn(TrunkId) -> TrunkState> State for F {
    fn trunk(&self, trunk: TrunkId) -> TrunkState {
        self(trunk)
    }
}
