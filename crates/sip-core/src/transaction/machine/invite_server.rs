//! The INVITE server transaction: RFC 3261 §17.2.1 (figure 7) as replaced by RFC 6026 §8.5.

use super::ServerDeed as Deed;

/// Where an INVITE that we received stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Proceeding,
    Accepted,
    Completed,
    Confirmed,
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Invite,
    Ack,
    Provisional,
    Success,
    Failure,
    Resend,
    Expire,
    TransportError,
}

/// The whole table. RFC 3261 §17.2.1, RFC 6026 §8.5; the 2xx is repeated as §13.3.1.4 asks of the TU.
pub(crate) fn step(state: State, input: Input) -> (State, Deed) {
    use Input::{Ack, Expire, Failure, Invite, Provisional, Resend, Success};
    use State::{Accepted, Completed, Confirmed, Proceeding, Terminated};
    match (state, input) {
        (Proceeding, Invite) => (Proceeding, Deed::Resend),
        (Proceeding, Provisional) => (Proceeding, Deed::Send),
        (Proceeding, Resend) => (Proceeding, Deed::TryingOrReliable), // 200 ms; RFC 3262 §3
        (Proceeding, Failure) => (Completed, Deed::Send),
        (Proceeding, Success) => (Accepted, Deed::Send),

        (Completed, Invite) => (Completed, Deed::Resend),
        (Completed, Resend) => (Completed, Deed::ResendSlower), // timer G
        (Completed, Ack) => (Confirmed, Deed::Ignore),
        (Completed, Expire) => (Terminated, Deed::Ignore), // timer H

        (Confirmed, Expire) => (Terminated, Deed::Ignore), // timer I

        (Accepted, Ack) => (Accepted, Deed::Pass),
        (Accepted, Resend) => (Accepted, Deed::ResendSlower), // the TU's 2xx, T1 to T2
        (Accepted, Expire) => (Terminated, Deed::Ignore),     // timer L

        (state, _) => (state, Deed::Ignore),
    }
}
