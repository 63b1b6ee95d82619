//! Black-box conformance: a running `tronco` between peers that we did not write (SIPp, baresip, rtpengine,
//! Kamailio, sipsak), judged by what they saw, by what `tshark` makes of the wire, and by the records.
//! Nothing here knows the product's code: the subject is the program named by `TRONCO_BIN`.
//!
//! A test begins with a [`Place`] (addresses and a folder of its own, so tests run side by side),
//! writes a configuration ([`config`]), starts a [`Server`] and lets peers loose on it. Waiting is
//! always for an event, with a deadline that only a failure meets.

#![allow(clippy::panic, reason = "a peer that does not do its part fails the test")]

pub mod attacker;
pub mod audio;
pub mod baresip;
pub mod browser;
pub mod capture;
pub mod config;
pub mod control;
pub mod dnsmasq;
pub mod hearing;
pub mod island;
pub mod kamailio;
pub mod keyed;
pub mod lab;
pub mod libsrtp;
pub mod likeness;
pub mod moving;
pub mod openssl;
pub mod phone;
pub mod place;
pub mod process;
pub mod recorder;
pub mod records;
pub mod rtpengine;
pub mod script;
pub mod secured;
pub mod server;
pub mod sipp;
pub mod stalls;
pub mod stream;
pub mod stun;
pub mod timeline;
pub mod wire;

pub use place::Place;
pub use script::Script;
pub use server::Server;
pub use sipp::Sipp;

use std::time::{Duration, Instant};

/// How long anything may take before it counts as failed. Only failures wait this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition is looked at that gives no event.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `found` gives something; `None` when `PATIENCE` ends first.
pub fn await_some<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}
