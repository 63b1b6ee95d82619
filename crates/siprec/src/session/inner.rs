//! What the recorder asks inside the dialog (RFC 7866 §7.2, §8.1).

use super::way::ABILITIES;
use super::{Env, News, Session, Stage};
use crate::body::{sdp_of, wants_snapshot};
use sip_core::{Response, ServerTxn};
use sip_msg::{Method, Msg};

impl Session {
    /// A request inside the dialog. `sdp`: what we have described, which stands.
    pub fn on_request<U: Copy>(
        &mut self,
        msg: Msg<'_>,
        txn: ServerTxn,
        sdp: &[u8],
        env: &mut Env<'_, U>,
    ) -> News {
        let cseq = msg.cseq().map(|cseq| cseq.number).unwrap_or(0);
        let in_order = self.dialog.as_mut().is_some_and(|dialog| dialog.accept_cseq(cseq));
        if !in_order {
            return answer(txn, 500, b"", b"", env);
        }
        match msg.method() {
            Method::Bye => {
                self.stage = Stage::Over;
                answer(txn, 200, b"", b"", env);
                News::Stopped
            }
            _ if !self.is_live() => answer(txn, 481, b"", b"", env),
            Method::Options => answer(txn, 200, ABILITIES, b"", env),
            Method::Invite | Method::Update if !self.is_open(env.now) => answer(txn, 491, b"", b"", env),
            Method::Invite | Method::Update => self.on_offer((msg, cseq), txn, sdp, env),
            Method::Other => answer(txn, 501, ABILITIES, b"", env),
            _ => answer(txn, 405, ABILITIES, b"", env),
        }
    }

    /// The recorder describes what it takes from here on, asks for a snapshot, or shows that it lives.
    fn on_offer<U: Copy>(
        &mut self,
        (msg, cseq): (Msg<'_>, u32),
        txn: ServerTxn,
        sdp: &[u8],
        env: &mut Env<'_, U>,
    ) -> News {
        let offer = sdp_of(msg);
        let invite = msg.method() == Method::Invite;
        if let Some(dialog) = &mut self.dialog {
            dialog.refresh_target(&msg);
        }
        let mut rows = Vec::with_capacity(256);
        self.way.push_contact(&mut rows);
        rows.extend_from_slice(ABILITIES);
        if let Ok(Some(timer)) = sip_core::SessionTimer::uas(&msg, &self.way.timer) {
            timer.response_rows(&mut rows);
            self.timer.insert(timer).start(env.now);
        }
        env.txns.bind(txn, env.user);
        answer(txn, 200, &rows, if invite || !offer.is_empty() { sdp } else { b"" }, env);
        if invite {
            self.awaited = Some((txn, cseq));
        }
        match () {
            () if wants_snapshot(msg) => News::Snapshot,
            () if offer.is_empty() => News::Nothing,
            () => News::Described(offer.into()),
        }
    }

    /// The ACK to a 2xx of ours; where that bore our offer, with the recorder's answer.
    pub fn on_ack<U: Copy>(&mut self, msg: Msg<'_>, env: &mut Env<'_, U>) -> News {
        let cseq = msg.cseq().map(|cseq| cseq.number).unwrap_or(0);
        let Some((txn, _)) = self.awaited.filter(|(_, of)| *of == cseq) else { return News::Nothing };
        self.awaited = None;
        env.txns.acked(txn);
        match sdp_of(msg) {
            b"" => News::Nothing,
            answer => News::Described(answer.into()),
        }
    }

    /// No ACK came (RFC 3261 §13.3.1.4).
    pub fn on_unacknowledged<U: Copy>(&mut self, env: &mut Env<'_, U>) -> News {
        self.awaited = None;
        if !self.is_live() {
            return News::Nothing;
        }
        self.bye(env);
        News::Failed(0)
    }
}

fn answer<U: Copy>(txn: ServerTxn, status: u16, rows: &[u8], sdp: &[u8], env: &mut Env<'_, U>) -> News {
    let content_type: &[u8] = if sdp.is_empty() { b"" } else { b"application/sdp" };
    let response =
        Response { status, reason: b"", to_tag: b"", rows, content_type, body: sdp, record_route: false };
    env.txns.respond(env.now, txn, &response, env.out);
    News::Nothing
}
