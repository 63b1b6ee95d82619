//! Streams that are added inside a call (RFC 3264 §8.1): their ports are asked for before the offer goes on. The
//! request waits for the engine's answer, which comes in the same turn, and is then judged as if it came now.

use crate::call::Call;
use crate::context::Context;
use crate::leg::listen_of;
use crate::offer::State;
use crate::output::Level;
use media::{Command, OpenError, Ports, SessionId, Side};
use sip_core::ServerTxn;
use sip_msg::{Method, Msg};

/// A request that waits for ports.
pub(crate) struct Growing {
    side: Side,
    pub(crate) txn: ServerTxn,
    cseq: u32,
    /// The message; empty once the engine has answered.
    pub(crate) bytes: Box<[u8]>,
}

impl Call {
    /// Whether an offer has to wait for ports of streams that it adds, or for one that does: asks for them.
    pub(super) fn grows(
        &mut self,
        side: Side,
        msg: Msg<'_>,
        txn: ServerTxn,
        cseq: u32,
        cx: &mut Context<'_>,
    ) -> bool {
        let State::Open { session, .. } = self.media.state else { return false };
        if let Some(growing) = &self.media.growing {
            let waits = !growing.bytes.is_empty();
            if waits {
                self.answer_inner(txn, 491, b"", cx);
            }
            return waits;
        }
        let end = self.media.end(&self.epoch, (side, self.trunk_of(side)));
        let beyond = self.epoch.policy(self.trunk_of(side.other()));
        let Some(streams) = negotiation::growth(&end, beyond, msg.body()) else { return false };
        let at = |seat: Side| listen_of(&self.epoch, self.trunk_of(self.media.seat(seat)));
        cx.out.media.push(Command::Grow { session, a: at(Side::A), b: at(Side::B), streams });
        self.media.growing = Some(Box::new(Growing { side, txn, cseq, bytes: msg.bytes().into() }));
        true
    }

    /// The engine's answer to `Grow`: the request that waited goes on, with ports or without.
    pub(crate) fn on_grown(
        &mut self,
        (session, ports): (SessionId, Result<Ports, OpenError>),
        limits: &sip_msg::Limits,
        cx: &mut Context<'_>,
    ) {
        match (&mut self.media.state, ports) {
            (State::Open { session: held, ports: all, .. }, Ok(ports)) if *held == session => *all = ports,
            (_, Ok(_)) => {}
            (_, Err(why)) => {
                cx.note(Level::Warn, "no ports for a further stream", format!("call {}: {why}", self.key))
            }
        }
        let Some(growing) = self.media.growing.as_deref_mut() else { return };
        let (side, txn, cseq) = (growing.side, growing.txn, growing.cseq);
        let (bytes, mut index) = (std::mem::take(&mut growing.bytes), sip_msg::Index::new());
        if let Ok(msg) = sip_msg::parse(&bytes, &mut index, limits, sip_msg::Leniency::default()) {
            match msg.method() {
                Method::Invite => self.on_reinvite(side, msg, txn, cseq, cx),
                _ => self.on_update(side, msg, txn, cseq, cx),
            }
        }
        self.media.growing = None;
    }
}
