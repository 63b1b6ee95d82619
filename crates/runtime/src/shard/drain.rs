//! What the brain said, carried out in order.

use super::Shard;
use crate::brain::Brain;
use crate::dns::{self, Question};
use crate::poll::Source;
use crate::pool::Net;
use crate::stream::Close;
use crate::udp::gather::Item;
use b2bua::output::Level;
use b2bua::{Input, Note, ResolveRequest};
use base::{ListenId, Time, Transport};
use config::Host;
use sip_core::locate::Family;

/// Rounds of saying and answering per turn, at most; the rest waits for the next turn.
const ROUNDS_MAX: usize = 32;
/// Of messages about a broken journal, one in this many is logged.
const JOURNAL_LOG_EVERY: u64 = 1000;

impl<B: Brain> Shard<B> {
    /// Carries out what the brain said, and tells it what failed, until it says nothing more.
    pub(super) fn drain(&mut self, now: Time) {
        for _ in 0..ROUNDS_MAX {
            for (token, error) in std::mem::take(&mut self.failures) {
                self.counters.send_failures += 1;
                self.core.feed(now, Input::SendFailed { token, error });
            }
            self.command_media(now);
            self.write_journal();
            self.ask_names(now);
            self.transmit(now);
            self.log();
            self.core.out.clear();
            self.pool.finish(now, &self.poll, &mut self.failures);
            while let Some(conn) = self.pool.ended.pop() {
                self.core.feed(now, Input::Closed(conn));
            }
            if self.failures.is_empty() && self.core.out.is_empty() {
                return;
            }
        }
        self.counters.budget_spent += 1;
    }

    /// Media commands, whose answers may cause more of them.
    fn command_media(&mut self, now: Time) {
        for _ in 0..ROUNDS_MAX {
            if self.core.out.media.is_empty() {
                return;
            }
            std::mem::swap(&mut self.media, &mut self.core.out.media);
            for command in self.media.drain(..) {
                if let Some(reply) = self.engine.execute(command) {
                    self.core.feed(now, Input::Media(reply));
                }
            }
        }
    }

    /// Before anything leaves. A journal that fails must not stop calls; it is said aloud.
    fn write_journal(&mut self) {
        if self.core.out.journal.is_empty() {
            return;
        }
        if let Err(error) = self.journal.append(&self.core.out.journal) {
            if self.counters.journal_errors.is_multiple_of(JOURNAL_LOG_EVERY) {
                tracing::error!(%error, "calls go on, but a crash would now lose their records");
            }
            self.counters.journal_errors += 1;
        }
    }

    fn ask_names(&mut self, now: Time) {
        for request in std::mem::take(&mut self.core.out.resolve) {
            let Some(question) = self.question(request) else { continue };
            if !self.dns.ask(question.clone()) {
                self.counters.lookups_refused += 1;
                let dns::Answer { revision, gateway, resolution } = dns::refused(&question);
                self.core.feed(now, Input::Resolved { revision, gateway, resolution });
            }
        }
    }

    /// A request for a name, with what the gateway's interface can do.
    fn question(&self, request: ResolveRequest) -> Option<Question> {
        let ResolveRequest { revision, gateway, host, port, transport } = request;
        let Host::Name(host) = host else { return None };
        let config = &self.snapshot.config;
        let trunk = config.trunks.get(config.gateways.get(gateway.index())?.trunk.index())?;
        let listen = config.listens.get(trunk.listen.index())?;
        let mut ours: Vec<Transport> = Vec::new();
        for sip in &listen.sip {
            if !ours.contains(&sip.transport) {
                ours.push(sip.transport);
            }
        }
        let (servers, family) = (listen.dns.clone(), Family::of(listen.address));
        Some(Question { servers, revision, gateway, host, port, transport, ours, family })
    }

    /// Messages: datagrams gathered by port, streams queued by connection.
    fn transmit(&mut self, now: Time) {
        let mut touched = false;
        self.core.out.sip.closes.drain(..).for_each(|conn| self.pool.doom(conn.0, Close::Unanswered));
        for at in 0..self.core.out.sip.transmits.len() {
            let Some(transmit) = self.core.out.sip.transmits.get(at) else { break };
            let (flow, range, token) = (transmit.flow, transmit.range.clone(), transmit.token);
            self.counters.messages_out += 1;
            let outcome = if flow.transport == Transport::Udp {
                touched = true;
                self.push_datagram(flow.listen, flow.conn, Item { range, to: flow.remote }, token)
            } else {
                let bytes = self.core.out.sip.bytes.get(range).unwrap_or_default();
                let net = Net {
                    poll: &self.poll,
                    rules: &self.rules,
                    reached: &self.reached,
                    interfaces: &self.interfaces,
                };
                self.pool.send(now, &flow, bytes, token, &net)
            };
            if let (Err(error), Some(token)) = (outcome, token) {
                self.failures.push((token, error));
            }
        }
        if touched {
            self.flush_datagrams();
        }
    }

    fn push_datagram(
        &mut self,
        listen: ListenId,
        conn: Option<sip_core::ConnId>,
        item: Item,
        token: Option<sip_core::SendToken>,
    ) -> Result<(), sip_core::SendError> {
        let index = self.port_for(listen, conn).ok_or(sip_core::SendError::Unreachable)?;
        let port = self.ports.get_mut(index as usize).ok_or(sip_core::SendError::Unreachable)?;
        if port.local.is_ipv4() != item.to.is_ipv4() {
            return Err(sip_core::SendError::Unreachable);
        }
        port.push(item, token);
        Ok(())
    }

    fn flush_datagrams(&mut self) {
        for (index, port) in self.ports.iter_mut().enumerate() {
            if port.flush(&mut self.gather, &self.core.out.sip.bytes, &mut self.failures) {
                // Without the watch the backlog leaves with the next datagram.
                let _ = self.poll.watch_write(port.fd(), Source::Datagrams(index as u32), true);
            }
        }
    }

    fn log(&self) {
        for Note { level, what, detail } in &self.core.out.notes {
            match level {
                Level::Debug => tracing::debug!(target: "tronco", %detail, "{what}"),
                Level::Info => tracing::info!(target: "tronco", %detail, "{what}"),
                Level::Warn => tracing::warn!(target: "tronco", %detail, "{what}"),
            }
        }
    }
}
