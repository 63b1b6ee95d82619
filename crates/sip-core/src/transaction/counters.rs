//! What one shard's transactions counted.

use base::Limit;
use sip_msg::Method;

/// How many method counters there are: one per [`Method`], the last for all others.
const METHODS: usize = Method::Other as usize + 1;

/// Counts since the shard was born; `*_live` are gauges.
#[derive(Clone, Debug)]
pub struct Counters {
    /// New requests, by method; retransmissions left out.
    pub requests_in: [u64; METHODS],
    /// Requests of ours, by method; retransmissions left out.
    pub requests_out: [u64; METHODS],
    /// Responses that reached the TU, by class (index 1 to 6).
    pub responses_in: [u64; 7],
    /// Responses of ours, by class (index 1 to 6); retransmissions left out.
    pub responses_out: [u64; 7],
    /// Requests and responses that a peer repeated.
    pub retransmissions_in: u64,
    /// Requests, responses and ACKs that we repeated.
    pub retransmissions_out: u64,
    /// Responses that belong to no transaction of ours.
    pub stray_responses: u64,
    /// CANCELs that match no INVITE (answered 481).
    pub stray_cancels: u64,
    /// Messages without readable mandatory headers.
    pub malformed: u64,
    /// Requests of ours that nobody answered.
    pub timeouts: u64,
    /// 2xx responses that nobody acknowledged.
    pub ack_missing: u64,
    /// Reliable provisionals that nobody acknowledged.
    pub prack_missing: u64,
    /// Messages that the runtime could not send.
    pub send_failures: u64,
    /// Requests that the TU left without an answer for 64*T1.
    pub unanswered: u64,
    /// Responses of the TU that came after a final one, or for a transaction that is gone.
    pub late_responses: u64,
    /// Requests sent over UDP though larger than `udp_max`, for want of an alternative.
    pub oversize_udp: u64,
    /// Requests that went back to UDP because the stream could not be opened.
    pub stream_fallbacks: u64,
    /// 2xx to INVITE for which nobody cares any more.
    pub orphaned_successes: u64,
    /// Reliable provisionals out of order, dropped.
    pub rseq_gaps: u64,
    /// Server transactions alive.
    pub server_live: usize,
    /// Client transactions alive.
    pub client_live: usize,
    /// `server_transactions`.
    pub server_limit: Limit,
    /// `client_transactions`.
    pub client_limit: Limit,
    /// `reliable_provisionals_queued`, per INVITE.
    pub reliable_limit: Limit,
    /// `early_dialogs_reliable`, per INVITE of ours.
    pub early_limit: Limit,
}

impl Counters {
    pub(super) fn new(server_max: usize, client_max: usize) -> Counters {
        Counters {
            requests_in: [0; METHODS],
            requests_out: [0; METHODS],
            responses_in: [0; 7],
            responses_out: [0; 7],
            retransmissions_in: 0,
            retransmissions_out: 0,
            stray_responses: 0,
            stray_cancels: 0,
            malformed: 0,
            timeouts: 0,
            ack_missing: 0,
            prack_missing: 0,
            send_failures: 0,
            unanswered: 0,
            late_responses: 0,
            oversize_udp: 0,
            stream_fallbacks: 0,
            orphaned_successes: 0,
            rseq_gaps: 0,
            server_live: 0,
            client_live: 0,
            server_limit: Limit::new("server_transactions", server_max as u64),
            client_limit: Limit::new("client_transactions", client_max as u64),
            reliable_limit: Limit::new("reliable_provisionals_queued", 8),
            early_limit: Limit::new("early_dialogs_reliable", 32),
        }
    }

    /// Counts under `method`.
    pub(super) fn by_method(counts: &mut [u64; METHODS], method: Method) {
        if let Some(count) = counts.get_mut(method as usize) {
            *count += 1;
        }
    }

    /// Counts under the class of `status`.
    pub(super) fn by_class(counts: &mut [u64; 7], status: u16) {
        if let Some(count) = counts.get_mut(usize::from(status / 100)) {
            *count += 1;
        }
    }
}
