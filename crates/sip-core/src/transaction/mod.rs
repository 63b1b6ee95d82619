//! Transactions of one shard, both sides: RFC 3261 §17, RFC 6026, RFC 3262, RFC 3581.
//!
//! This room absorbs retransmissions, sends ours, acknowledges failures, cancels, and tells the transaction
//! user (TU) of each thing exactly once. It knows nothing of dialogs, calls or authentication. Enter at
//! [`Transactions`]; `receive.rs` sorts what arrives, `server.rs` (with `provisional.rs`) and `client.rs`
//! (with `cancel.rs` and `beside.rs`) do the deeds that the tables in `machine` order, `failure.rs` takes
//! what could not be sent, `reply.rs` and `print.rs` write the messages.

mod alarm;
mod beside;
mod branch;
mod cancel;
mod client;
mod counters;
mod failure;
mod fingerprint;
mod machine;
mod print;
mod provisional;
mod receive;
mod reliable;
mod reply;
mod server;
mod types;

pub use beside::Kept;
pub use branch::shard_of_branch;
pub use counters::Counters;
pub use types::{
    ClientTxn, Event, Incoming, LimitHit, Request, RequestError, Response, ServerTxn, Setup, Timers,
};

use crate::outbox::{Outbox, SendError, SendToken};
use alarm::Key;
use base::{Rng, ShardId, Time, Wheel};
use client::Client;
use fingerprint::{Fingerprint, PrintHasher};
use server::Server;
use slotmap::{Key as _, KeyData, SlotMap};
use std::collections::HashMap;

/// The bit of a [`SendToken`] that tells server transactions from client ones: slots stay below 2^31.
const SERVER_TOKEN: u64 = 1 << 31;
/// The largest table: what leaves [`SERVER_TOKEN`] free.
const TABLE_MAX: usize = (1 << 31) - 2;

/// All transactions of one shard; `U` is the TU's own name for what a transaction belongs to.
pub struct Transactions<U: Copy> {
    shard: ShardId,
    timers: Timers,
    rng: Rng,
    print_key: (u64, u64),
    servers: SlotMap<ServerTxn, Server<U>>,
    by_print: HashMap<Fingerprint, ServerTxn, PrintHasher>,
    clients: SlotMap<ClientTxn, Client<U>>,
    wheel: Wheel<Key>,
    counters: Counters,
    /// The latest instant that anybody told us.
    latest: Time,
    /// The request to which a challenge was reported last.
    challenged: Option<(ClientTxn, Box<Kept>)>,
    /// Where rows to echo are put together; kept for its memory.
    scratch: Vec<u8>,
}

impl<U: Copy> Transactions<U> {
    /// An empty table.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut rng = Rng::new(setup.seed);
        let print_key = rng.next_pair();
        Transactions {
            shard: setup.shard,
            timers: setup.timers,
            rng,
            print_key,
            servers: SlotMap::with_key(),
            by_print: HashMap::default(),
            clients: SlotMap::with_key(),
            wheel: Wheel::new(),
            counters: Counters::new(setup.server_max.min(TABLE_MAX), setup.client_max.min(TABLE_MAX)),
            latest: Time::ZERO,
            challenged: None,
            scratch: Vec::new(),
        }
    }

    /// What was counted since the shard was born.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When [`Transactions::handle_timeout`] should be called next: for a retransmission or the end of a
    /// transaction. Possibly earlier than anything is due, never later.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.wheel.next_deadline()
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Time, out: &mut Outbox, events: &mut Vec<Event<U>>) {
        self.latest = now;
        while let Some(key) = self.wheel.pop(now) {
            match key {
                Key::ServerFast(id) => {
                    let Some(server) = self.servers.get_mut(id) else { continue };
                    if server.fast.came_up(&mut self.wheel, key, now) {
                        self.server_resend_due(now, id, out, events);
                    }
                }
                Key::ServerSlow(id) => {
                    let Some(server) = self.servers.get_mut(id) else { continue };
                    if server.slow.came_up(&mut self.wheel, key, now) {
                        self.server_expired(id, events);
                    }
                }
                Key::ClientFast(id) => {
                    let Some(client) = self.clients.get_mut(id) else { continue };
                    if client.fast.came_up(&mut self.wheel, key, now) {
                        self.client_resend_due(now, id, out);
                    }
                }
                Key::ClientSlow(id) => {
                    let Some(client) = self.clients.get_mut(id) else { continue };
                    if client.slow.came_up(&mut self.wheel, key, now) {
                        self.client_expired(id, events);
                    }
                }
            }
        }
    }

    /// The runtime could not send the message that carried `token`. RFC 3261 §17.1.4, §17.2.4, §18.4.
    pub fn send_failed(&mut self, now: Time, token: SendToken, error: SendError, events: &mut Vec<Event<U>>) {
        self.counters.send_failures += 1;
        let key = KeyData::from_ffi(token.0 & !SERVER_TOKEN);
        if token.0 & SERVER_TOKEN == 0 {
            self.client_send_failed(now, ClientTxn::from(key), error, events);
        } else {
            self.server_send_failed(ServerTxn::from(key), error);
        }
    }
}

/// The token of a server transaction's messages.
fn server_token(id: ServerTxn) -> SendToken {
    SendToken(id.data().as_ffi() | SERVER_TOKEN)
}

/// The token of a client transaction's messages.
fn client_token(id: ClientTxn) -> SendToken {
    SendToken(id.data().as_ffi())
}
