//! Calls through a switchboard under a virtual clock.

mod common;
mod exceptions;
mod numbers;
mod straight;
mod targets;
