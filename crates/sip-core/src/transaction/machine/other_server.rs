//! The server transaction of every request but INVITE and ACK: RFC 3261 §17.2.2 (figure 8).

use super::ServerDeed as Deed;

/// Where a request that we received stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Request,
    Provisional,
    Final,
    Expire,
    TransportError,
}

/// The whole table. RFC 3261 §17.2.2; a request that the TU never answers ends with its client's timer F,
/// without a late answer (RFC 4320 §4.2).
pub(crate) fn step(state: State, input: Input) -> (State, Deed) {
    use Input::{Expire, Final, Provisional, Request, TransportError};
    use State::{Completed, Proceeding, Terminated, Trying};
    match (state, input) {
        (Trying, Provisional) => (Proceeding, Deed::Send),
        (Trying, Final) => (Completed, Deed::Send),
        (Trying, Expire) => (Terminated, Deed::Ignore), // unanswered

        (Proceeding, Request) => (Proceeding, Deed::Resend),
        (Proceeding, Provisional) => (Proceeding, Deed::Send),
        (Proceeding, Final) => (Completed, Deed::Send),
        (Proceeding, TransportError) => (Terminated, Deed::Ignore),
        (Proceeding, Expire) => (Terminated, Deed::Ignore), // unanswered

        (Completed, Request) => (Completed, Deed::Resend),
        (Completed, Expire) => (Terminated, Deed::Ignore), // timer J
        (Completed, TransportError) => (Terminated, Deed::Ignore),

        (state, _) => (state, Deed::Ignore),
    }
}
