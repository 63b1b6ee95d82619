//! The words between a switchboard and whoever drives it: what goes in, what comes out, what people may see.
//!
//! Floor 4, values only; who acts on them is `b2bua`. Enter at [`Input`] and [`Outbox`].

mod alarm;
pub mod counters;
pub mod input;
pub mod output;
mod sessions;
pub mod view;

pub use alarm::{Alarm, Own, User};
pub use counters::Counters;
pub use input::{Command, Input};
pub use output::{Note, Outbox, ResolveRequest};
pub use sessions::Sessions;
