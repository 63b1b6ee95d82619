//! The values that cross the face of [`super::Transactions`].

use crate::flow::Flow;
use crate::outbox::SendError;
use base::ShardId;
use sip_msg::HeaderError;
use std::time::Duration;

slotmap::new_key_type! {
    /// A request that we received, until its transaction ends; a stale one is harmless.
    pub struct ServerTxn;
    /// A request that we sent, until its transaction ends; a stale one is harmless.
    pub struct ClientTxn;
}

/// The timers' base values. RFC 3261 §17.1.1.1, table 4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timers {
    /// Estimate of the round trip; 500 ms.
    pub t1: Duration,
    /// Longest wait between repeats of non-INVITE requests and of responses to INVITE; 4 s.
    pub t2: Duration,
    /// Longest life of a message in the network; 5 s.
    pub t4: Duration,
    /// How long an INVITE may stay without any response before a 100 leaves; 200 ms (§17.2.1).
    pub trying_after: Duration,
}

impl Default for Timers {
    fn default() -> Timers {
        Timers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            trying_after: Duration::from_millis(200),
        }
    }
}

impl Timers {
    /// 64*T1: how long a peer is waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

/// What a table is born with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The shard whose number our branches carry.
    pub shard: ShardId,
    /// Secret randomness for branches, RSeq and the keys of tables.
    pub seed: (u64, u64),
    /// The timers.
    pub timers: Timers,
    /// Most server transactions at once (limit `server_transactions`).
    pub server_max: usize,
    /// Most client transactions at once (limit `client_transactions`).
    pub client_max: usize,
}

/// What a received message means to the TU.
#[derive(Clone, Debug)]
pub enum Incoming<U> {
    /// Nothing: a retransmission, the ACK of a failure, a stray response, a CANCEL that changes nothing.
    Absorbed,
    /// A header that every message needs cannot be read: dropped (ACK, response), or answered 400 here.
    Malformed(HeaderError),
    /// A new request other than ACK and CANCEL; its transaction waits for [`super::Transactions::respond`].
    Request(ServerTxn),
    /// An ACK that belongs to a 2xx, or to nothing: for the dialog layer.
    Ack,
    /// A CANCEL for an INVITE without a final response. Its own 200 has been sent; the TU now ends the
    /// INVITE with a 487 (RFC 3261 §9.2). Reported once per INVITE.
    Cancel {
        /// The INVITE to end.
        invite: ServerTxn,
        /// What the TU bound to it.
        user: Option<U>,
    },
    /// A response to a request of ours: every new one, and every repeat of a 2xx to INVITE, forked ones
    /// included (the TU repeats its ACK, RFC 6026 §8.4). `txn` may have ended with it.
    Response {
        /// The request's transaction.
        txn: ClientTxn,
        /// Whom it belongs to.
        user: U,
        /// 100 to 699.
        status: u16,
    },
    /// The table is full: answered 503 with Retry-After, nothing kept.
    Refused,
}

/// What time or the network did to a transaction.
#[derive(Clone, Debug)]
pub enum Event<U> {
    /// No final response within 64*T1 (of the request, or of its CANCEL). The transaction is gone.
    Timeout {
        /// The request's transaction.
        txn: ClientTxn,
        /// Whom it belonged to.
        user: U,
    },
    /// The request could not be sent. The transaction is gone.
    Failed {
        /// The request's transaction.
        txn: ClientTxn,
        /// Whom it belonged to.
        user: U,
        /// Why.
        error: SendError,
    },
    /// Nobody acknowledged our 2xx within 64*T1: the TU ends the session with BYE (RFC 3261 §13.3.1.4).
    AckMissing {
        /// The INVITE's transaction, gone by now.
        txn: ServerTxn,
        /// What the TU bound to it.
        user: Option<U>,
    },
    /// Nobody acknowledged a reliable provisional within 64*T1: the TU rejects the INVITE with a 5xx
    /// (RFC 3262 §3). The transaction still waits for that answer.
    PrackMissing {
        /// The INVITE's transaction.
        txn: ServerTxn,
        /// What the TU bound to it.
        user: Option<U>,
    },
}

/// A response to print: the rows that RFC 3261 §8.2.6.2 copies are added by the transaction.
#[derive(Clone, Copy, Default, Debug)]
pub struct Response<'a> {
    /// 100 to 699.
    pub status: u16,
    /// Reason phrase; empty: the standard one.
    pub reason: &'a [u8],
    /// Added to To unless it has one; empty: none (only right for a 100).
    pub to_tag: &'a [u8],
    /// Complete header rows, each ending in CRLF.
    pub rows: &'a [u8],
    /// Media type of the body; unused when that is empty.
    pub content_type: &'a [u8],
    /// The body; may be empty.
    pub body: &'a [u8],
    /// Whether to copy Record-Route: for responses that make a dialog (RFC 3261 §12.1.1).
    pub record_route: bool,
}

/// A request to print and send. Via is written here, every other header is in `rows`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Method token.
    pub method: &'a [u8],
    /// Request-URI.
    pub uri: &'a [u8],
    /// The way it goes.
    pub flow: Flow,
    /// `host:port` that we advertise there, for Via.
    pub sent_by: &'a [u8],
    /// Complete header rows, each ending in CRLF; must hold From, To, Call-ID and CSeq.
    pub rows: &'a [u8],
    /// Media type of the body; unused when that is empty.
    pub content_type: &'a [u8],
    /// The body; may be empty.
    pub body: &'a [u8],
    /// Largest message, in bytes, that goes over UDP while there is an alternative (RFC 3261 §18.1.1).
    pub udp_max: usize,
    /// The stream flow for larger messages, and the `sent_by` there. `None`: they go over UDP all the same,
    /// and are counted.
    pub alternative: Option<(Flow, &'a [u8])>,
}

/// Why a request did not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// The limit of this name is reached.
    #[error("limit {0} reached")]
    TableFull(&'static str),
    /// No datagram can carry it.
    #[error("request of {bytes} bytes exceeds the {max} bytes of a datagram")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The largest possible.
        max: usize,
    },
}

/// A named limit refused something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("limit {limit} reached")]
pub struct LimitHit {
    /// The limit's name.
    pub limit: &'static str,
}
