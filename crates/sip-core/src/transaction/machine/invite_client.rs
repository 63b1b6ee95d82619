//! The INVITE client transaction: RFC 3261 §17.1.1.2 (figure 5) as replaced by RFC 6026 §8.4.

use super::ClientDeed as Deed;

/// Where an INVITE that we sent stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Calling,
    Proceeding,
    Accepted,
    Completed,
    Terminated,
}

/// What can happen to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Provisional,
    Success,
    Failure,
    Resend,
    Expire,
    TransportError,
}

/// The whole table. RFC 3261 §17.1.1.2, RFC 6026 §8.4, and §9.1 for the end of a cancelled one.
pub(crate) fn step(state: State, input: Input) -> (State, Deed) {
    use Input::{Expire, Failure, Provisional, Resend, Success, TransportError};
    use State::{Accepted, Calling, Completed, Proceeding, Terminated};
    match (state, input) {
        (Calling, Resend) => (Calling, Deed::Resend),           // timer A
        (Calling, Expire) => (Terminated, Deed::ReportTimeout), // timer B
        (Calling, TransportError) => (Terminated, Deed::ReportFailure),
        (Calling, Provisional) => (Proceeding, Deed::Report),
        (Calling, Success) => (Accepted, Deed::Report),
        (Calling, Failure) => (Completed, Deed::AckAndReport),

        (Proceeding, Provisional) => (Proceeding, Deed::Report),
        (Proceeding, Success) => (Accepted, Deed::Report),
        (Proceeding, Failure) => (Completed, Deed::AckAndReport),
        (Proceeding, Resend) => (Proceeding, Deed::ResendCancel), // timer E of our CANCEL
        (Proceeding, Expire) => (Terminated, Deed::ReportTimeout), // 64*T1 after our CANCEL, §9.1

        (Completed, Failure) => (Completed, Deed::Ack),
        (Completed, Expire) => (Terminated, Deed::Ignore), // timer D
        (Completed, TransportError) => (Terminated, Deed::Ignore),

        (Accepted, Success) => (Accepted, Deed::Report),
        (Accepted, Expire) => (Terminated, Deed::Ignore), // timer M

        (state, _) => (state, Deed::Ignore),
    }
}
