//! Calls through a switchboard under a virtual clock.

mod absorbing;
mod bounds;
mod common;
mod credentials;
mod early;
mod exceptions;
mod gateways;
mod header_rules;
mod identity;
mod numbers;
mod registrations;
mod straight;
mod targets;
mod timers;
