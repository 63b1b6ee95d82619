//! Bridges as an engine drives them: packets of a telephone in, packets for another one out.

mod order_and_loss;
mod pauses_and_events;
mod sound;
mod world;
