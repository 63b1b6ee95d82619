//! The simulated world: the whole pure house under a virtual clock, a bad network and peers that do
//! what people and machines do to it.
//!
//! Never shipped. [`Plan`] says what happens (drawn from a seed, or written by hand for a regression
//! scenario), [`World`] lets it happen, [`judge`] reads every message that the house sends,
//! [`reference`] knows what the records must say. New behaviour means a new act or deed in `plan`,
//! a line in `reference`, an invariant in `judge` or `assertions`. Enter at [`run`].

pub mod config_text;
pub mod dice;
pub mod engine;
pub mod journal;
pub mod judge;
pub mod names;
pub mod net;
pub mod peer;
pub mod plan;
pub mod reference;
pub mod registering;
pub mod text;
pub mod world;

mod assertions;
mod deeds;
mod ladder;
mod mutate;

pub use plan::Plan;
pub use world::World;

/// What became of a world.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was wrong; empty when all is well.
    pub faults: Vec<String>,
    /// Everything that was sent and done, when asked for.
    pub ladder: Vec<String>,
    /// Calls that were placed.
    pub calls: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Messages that the house sent.
    pub messages: usize,
    /// The records, one line each.
    pub records: Vec<String>,
    /// How often a media session was given further streams.
    pub grown: usize,
    /// The records themselves.
    pub calls_kept: Vec<b2bua::CallRecord>,
}

/// Lives through a plan. With `trace` the ladder is kept.
#[must_use]
pub fn run(plan: Plan, trace: bool) -> Outcome {
    let mut world = World::new(plan, trace);
    world.live();
    world.conclude()
}
