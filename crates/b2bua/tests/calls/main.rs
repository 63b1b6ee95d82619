//! Calls through a switchboard under a virtual clock.

mod absorbing;
mod bounds;
mod common;
mod credentials;
mod early;
mod exceptions;
mod forking;
mod forks_early;
mod forwarding;
mod gateways;
mod header_rules;
mod identity;
mod matrix;
mod numbers;
mod profiles;
mod redirects;
mod registrations;
mod replacing;
mod routes;
mod smuggling;
mod straight;
mod targets;
mod timers;
mod transfers;
mod transfers_end;
mod users;
