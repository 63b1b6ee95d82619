//! The client transaction of every request but INVITE and ACK: RFC 3261 §17.1.2.2 (figure 6).

use super::ClientDeed as Deed;

/// Where a request that we sent stands.
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
    Provisional,
    Final,
    Resend,
    Expire,
    TransportError,
}

/// The whole table. RFC 3261 §17.1.2.2.
pub(crate) fn step(state: State, input: Input) -> (State, Deed) {
    use Input::{Expire, Final, Provisional, Resend, TransportError};
    use State::{Completed, Proceeding, Terminated, Trying};
    match (state, input) {
        (Trying, Resend) => (Trying, Deed::Resend),            // timer E
        (Trying, Expire) => (Terminated, Deed::ReportTimeout), // timer F
        (Trying, TransportError) => (Terminated, Deed::ReportFailure),
        (Trying, Provisional) => (Proceeding, Deed::Report),
        (Trying, Final) => (Completed, Deed::Report),

        (Proceeding, Resend) => (Proceeding, Deed::Resend), // timer E
        (Proceeding, Expire) => (Terminated, Deed::ReportTimeout), // timer F
        (Proceeding, TransportError) => (Terminated, Deed::ReportFailure),
        (Proceeding, Provisional) => (Proceeding, Deed::Report),
        (Proceeding, Final) => (Completed, Deed::Report),

        (Completed, Expire) => (Terminated, Deed::Ignore), // timer K

        (state, _) => (state, Deed::Ignore),
    }
}
