//! Bridges as an engine drives them: packets of a telephone in, packets for another one out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod annex_b;
mod digits;
mod jitter;
mod order_and_loss;
mod pacing;
mod pauses_and_events;
mod player;
mod sound;
mod world;
