//! Users of trunks at work: asked for passwords, registered, called.
//!
//! Who proves what and what a REGISTER binds is judged in `peers`; this room answers requests, keeps the deadlines of
//! bindings and leads calls to them. A user that registers is a gateway of its trunk, its bindings are the
//! gateway's addresses. Requests enter at [`Switchboard::vouch`], INVITEs of ours at [`way_of`].

mod admission;
mod enrolling;
mod kept;
mod reach;

pub(crate) use reach::way_of;
