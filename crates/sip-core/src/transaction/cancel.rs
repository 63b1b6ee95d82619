//! Cancelling an INVITE of ours: RFC 3261 §9.1.
//!
//! The CANCEL's own small transaction lives inside the INVITE's: it borrows the two timers that the INVITE
//! does not need while it proceeds.

use super::alarm::Key;
use super::client::{Cancel, Machine};
use super::counters::Counters;
use super::machine::invite_client;
use super::types::ClientTxn;
use super::{Transactions, print};
use crate::outbox::Outbox;
use base::Time;
use sip_msg::Method;

impl<U: Copy> Transactions<U> {
    /// Cancels an INVITE. RFC 3261 §9.1.
    ///
    /// The CANCEL waits for a provisional response, has its own repeats, and carries `extra_rows` (Reason),
    /// complete rows ending in CRLF. The INVITE then ends with its own final response (487, or a 2xx that
    /// crossed), or with [`Event::Timeout`] 64*T1 after the CANCEL. Does nothing after a final response.
    pub fn cancel(&mut self, now: Time, txn: ClientTxn, extra_rows: &[u8], out: &mut Outbox) {
        use invite_client::State::{Calling, Proceeding};
        let Some(client) = self.clients.get_mut(txn).filter(|c| c.cancel == Cancel::No) else { return };
        let Machine::Invite(state @ (Calling | Proceeding)) = client.machine else { return };
        let Some(bulk) = client.bulk.as_deref_mut() else { return };
        bulk.cancel_rows = extra_rows.into();
        client.cancel = Cancel::Wanted;
        if state == Proceeding {
            self.send_cancel(now, txn, out);
        }
    }

    /// Whether an INVITE has a provisional response and no final one.
    #[must_use]
    pub fn is_proceeding(&self, txn: ClientTxn) -> bool {
        let machine = self.clients.get(txn).map(|client| client.machine);
        machine == Some(Machine::Invite(invite_client::State::Proceeding))
    }

    /// The first CANCEL, and the timers of its transaction (E, F) and of the wait for the INVITE's end.
    pub(super) fn send_cancel(&mut self, now: Time, txn: ClientTxn, out: &mut Outbox) {
        Counters::by_method(&mut self.counters.requests_out, Method::Cancel);
        self.push_cancel(txn, out);
        let Some(client) = self.clients.get_mut(txn) else { return };
        client.cancel = Cancel::Sent;
        client.interval = self.timers.t1;
        if !client.stream {
            client.fast.set(&mut self.wheel, Key::ClientFast(txn), now + self.timers.t1);
        }
        client.slow.set(&mut self.wheel, Key::ClientSlow(txn), now + self.timers.patience());
    }

    pub(super) fn push_cancel(&self, txn: ClientTxn, out: &mut Outbox) {
        let Some(bulk) = self.clients.get(txn).and_then(|c| c.bulk.as_deref()) else { return };
        let start = out.bytes.len();
        print::cancel(&mut out.bytes, &bulk.message, &bulk.cancel_rows);
        out.seal(start, bulk.flow, None);
    }
}
