//! One SIP endpoint's rules, sans-IO: transactions, dialogs, session timers, liveness, digest
//! authentication, registration in both roles.
//!
//! This crate knows how a well-behaved SIP user agent acts on the wire and nothing about calls with two
//! legs, numbers or media. It may never read a clock, draw entropy, open a socket or iterate a hash map:
//! time, seeds and messages come in as arguments, messages leave through the [`Outbox`].
//!
//! Enter at [`Transactions`]. The contract of its loop:
//! 1. hand every received message to [`Transactions::receive`], every failed send to
//!    [`Transactions::send_failed`], and call [`Transactions::handle_timeout`] when
//!    [`Transactions::next_deadline`] has come;
//! 2. after each of these and after each command, send what the [`Outbox`] holds, in its order;
//! 3. treat what was returned ([`Incoming`], [`Event`]) before the next input.

pub mod dialog;
pub mod digest;
pub mod digit;
pub mod digit_line;
pub mod flow;
pub mod keepalive;
mod late;
pub mod liveness;
pub mod locate;
pub mod outbox;
pub mod refer;
pub mod registrar;
pub mod registration;
pub mod session_timer;
pub mod target;
mod text;
pub mod transaction;

pub use dialog::{Dialog, JournalError, request_uri_form};
pub use digit::{InfoDigit, InfoForm};
pub use digit_line::DigitLine;
pub use flow::{ConnId, Flow};
pub use late::late_cseq;
pub use liveness::{Change, Health, Liveness, LivenessAct};
pub use outbox::{Outbox, SendError, SendToken, Transmit};
pub use refer::{Notice, ReferSubscription};
pub use session_timer::{SessionAct, SessionPolicy, SessionTimer, TooSmall};
pub use target::target_address;
pub use transaction::{
    ClientTxn, Counters, Event, Incoming, Kept, LimitHit, Request, RequestError, Response, ServerTxn, Setup,
    Timers, Transactions, shard_of_branch,
};
