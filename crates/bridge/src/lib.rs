//! One direction of a stream whose packets must be touched: in another codec, packet time or payload type.
//!
//! Pure, floor 1. One side's good packets go in, packets of the other side's format come out; it knows
//! neither addresses nor keys nor SDP. A plan ([`Plan`]) says what the sender may send and what the
//! receiver hears; [`Bridge`] does it:
//!
//! ```text
//! packet → order     in sequence; a gap waits only when late packets have been seen before
//!        → held      where they come unevenly, each at its time
//!        → hearing   payload → samples, gaps made up, pauses told
//!        → speaking  samples → frames of the receiver's packet time → packets with a stream identity of ours
//!        → outgoing  waits until the engine takes it
//! ```
//!
//! Between the two laws of G.711 nothing of this is needed: [`inplace`] rewrites the packet where it lies.
//! Named events pass through [`events`]. Digits that change their form are the business of [`digits`]: it is
//! given events and the sound between hearing and speaking. Where no sound has to be touched for them, [`shift`]
//! passes packets as they are. Sound of ours, where nobody speaks, comes from a [`Player`] beside the bridges.

mod bridge;
mod delay;
mod digits;
mod dtmf;
mod events;
mod hearing;
mod held;
mod inplace;
mod order;
mod outgoing;
mod pauses;
mod plan;
mod player;
mod recoded;
mod shift;
mod sources;
mod speaking;
mod tally;

pub use bridge::Bridge;
pub use delay::JITTER_MAX;
pub use digits::{DIGITS_MAX, Digit, DigitPlan, DigitTally, Hears, Says};
pub use order::HOLD_MAX;
pub use outgoing::OUTGOING_MAX;
pub use plan::{Codec, Events, Format, Noise, PTIMES_MS, Plan, Takes};
pub use player::{Cadence, Play, Player, Samples, Sine, Sound, Yields};
pub use recoded::{Recoded, Why};
pub use shift::Moved;
pub use tally::{Passage, Tally};
