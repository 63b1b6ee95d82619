//! The dialog with a recorder: begun by us, changed as the call changes, ended with it (RFC 7866 §7.1).
//!
//! Every method does what can be done at once and says by [`News`] what its owner should know. A session that is
//! [`Session::is_over`] sends nothing any more.

mod inner;
mod sending;
mod way;

pub use way::Way;

use crate::body::{multipart, sdp_of};
use base::{Rng, Time};
use sending::send;
use sip_core::{
    ClientTxn, Dialog, Flow, Outbox, Request, SessionAct, SessionTimer, Transactions, target_address,
};
use sip_msg::Msg;
use std::time::Duration;

/// After 491, or 500 with Retry-After, a change is sent again when this has passed, or what the recorder asks for.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// At most then: RFC 3261 §14.2 has it ask for no more.
const AGAIN_MAX: Duration = Duration::from_secs(10);
/// So often in a row: limit `recorder_changes`.
const REFUSED_MAX: u8 = 3;

/// What is lent for the time of one input. `user`: to whom transactions belong.
pub struct Env<'a, U: Copy> {
    /// The time.
    pub now: Time,
    /// Transactions of the shard.
    pub txns: &'a mut Transactions<U>,
    /// Where messages leave.
    pub out: &'a mut Outbox,
    /// What may be guessed.
    pub rng: &'a mut Rng,
    /// Whom the transactions belong to.
    pub user: U,
    /// Requests are kept, to be sent again with credentials; the note that they are kept with.
    pub keep: Option<u32>,
}

/// What became of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// Nothing that its owner must act on.
    Nothing,
    /// The recorder described what it takes.
    Answered(Box<[u8]>),
    /// The recorder described something anew: what we have described stands, by `sdp_of` of its message.
    Described(Box<[u8]>),
    /// It was refused with this status; 0: no answer came, or the session was lost.
    Failed(u16),
    /// The recorder has ended it.
    Stopped,
    /// It is to be told everything.
    Snapshot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Inviting(ClientTxn),
    Live,
    /// A re-INVITE is under way.
    Changing(ClientTxn),
    /// Given up before its INVITE had a final response.
    Cancelled(ClientTxn),
    /// BYE is under way.
    Ending(ClientTxn),
    Over,
}

/// See the module text.
#[derive(Debug)]
pub struct Session {
    way: Way,
    from: Vec<u8>,
    call_id: [u8; 32],
    dialog: Option<Dialog>,
    stage: Stage,
    /// CSeq of our last INVITE: its ACK bears the same.
    cseq: u32,
    timer: Option<SessionTimer>,
    /// A change waits until then.
    again: Option<Time>,
    /// How often in a row it was put off.
    refused: u8,
    /// Rows with credentials of our last INVITE, which its ACK repeats.
    credentials: Box<[u8]>,
    awaited: Option<(sip_core::ServerTxn, u32)>,
    /// An INVITE that began it is given up then.
    patience: Time,
    /// How long it may ring, until it does.
    ringing: Option<Duration>,
}

impl Session {
    /// Invites a recorder; `tag`: ours. `None`: the INVITE could not leave.
    pub fn begin<U: Copy>(
        way: Way,
        tag: &[u8],
        (sdp, metadata): (&[u8], &str),
        env: &mut Env<'_, U>,
    ) -> Option<Session> {
        let from = [b"<", &*way.from, b">;tag=", tag].concat();
        let call_id = env.rng.call_id();
        let rows = way.invite_rows(&from, &call_id);
        let (kind, body) = multipart(sdp, metadata, env.rng);
        let request = Request {
            method: b"INVITE",
            uri: &way.uri,
            flow: way.flow,
            sent_by: &way.sent_by,
            rows: &rows,
            content_type: &kind,
            body: &body,
            udp_max: way.udp_max,
            alternative: way.alternative(),
        };
        let txn = send(&request, env).ok()?;
        let stage = Stage::Inviting(txn);
        let (patience, ringing) = (env.now + way.silence, Some(way.ringing));
        Some(Session {
            way,
            from,
            call_id,
            dialog: None,
            stage,
            cseq: 1,
            timer: None,
            again: None,
            refused: 0,
            credentials: Box::default(),
            awaited: None,
            patience,
            ringing,
        })
    }

    /// Whether the recorder takes part.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live | Stage::Changing(_))
    }

    /// Whether it is reached by TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.way.is_tls()
    }

    /// Whether a change may be told now.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        self.stage == Stage::Live && self.awaited.is_none() && self.again.is_none_or(|again| again <= now)
    }

    /// Whether a change is under way that the recorder has not answered.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        matches!(self.stage, Stage::Changing(_))
    }

    /// Whether nothing will be sent any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Whether a request belongs to it.
    #[must_use]
    pub fn hears(&self, msg: &Msg<'_>, flow: &Flow) -> bool {
        flow.listen == self.way.flow.listen && self.dialog.as_ref().is_some_and(|dialog| dialog.matches(msg))
    }

    /// Whether a response is to a request of its own.
    #[must_use]
    pub fn knows(&self, msg: Msg<'_>) -> bool {
        msg.call_id().is_ok_and(|id| id == self.call_id)
    }

    /// When [`Session::on_time`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let timer = self.timer.as_ref().filter(|_| self.is_live()).and_then(SessionTimer::next_deadline);
        let again = self.again.filter(|_| self.stage == Stage::Live);
        timer.into_iter().chain(again).chain(self.is_inviting().then_some(self.patience)).min()
    }

    fn is_inviting(&self) -> bool {
        matches!(self.stage, Stage::Inviting(_))
    }

    /// Says anew what media there are, and what changed of who takes part (RFC 7866 §7.1.1, §10.1).
    pub fn change<U: Copy>(&mut self, sdp: &[u8], metadata: Option<&str>, env: &mut Env<'_, U>) -> bool {
        self.again = None;
        let (kind, body) = match metadata {
            Some(metadata) => multipart(sdp, metadata, env.rng),
            None => (b"application/sdp".to_vec(), sdp.to_vec()),
        };
        let mut rows = Vec::with_capacity(512);
        self.way.push_face(&mut rows);
        if let Some(timer) = &self.timer {
            timer.refresh_rows(&mut rows);
        }
        let Ok(txn) = self.request(b"INVITE", &rows, (&kind, &body), env) else { return false };
        self.stage = Stage::Changing(txn);
        true
    }

    /// Ends it: BYE, or CANCEL while there is no answer.
    pub fn end<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        match self.stage {
            Stage::Inviting(txn) => {
                env.txns.cancel(env.now, txn, b"", env.out);
                self.stage = Stage::Cancelled(txn);
            }
            Stage::Live | Stage::Changing(_) => self.bye(env),
            Stage::Cancelled(_) | Stage::Ending(_) | Stage::Over => {}
        }
    }

    fn bye<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        let sent = self.request(b"BYE", b"", (b"", b""), env);
        self.stage = sent.map_or(Stage::Over, Stage::Ending);
    }

    /// A response to a request of ours.
    pub fn on_response<U: Copy>(&mut self, msg: Msg<'_>, env: &mut Env<'_, U>) -> News {
        let (status, cseq) = (msg.status(), msg.cseq().ok());
        if (101..200).contains(&status) && self.is_inviting() && self.knows(msg) {
            // Once: who only rings is given up, however often it says so.
            let ringing = self.ringing.take().map(|ringing| env.now + ringing);
            self.patience = ringing.unwrap_or(self.patience);
        }
        let ours = status >= 200 && self.knows(msg);
        let Some(cseq) = cseq.filter(|_| ours) else { return News::Nothing };
        let invite = cseq.method == sip_msg::Method::Invite;
        match self.stage {
            Stage::Inviting(_) if invite && status < 300 => self.accepted(msg, env),
            Stage::Inviting(_) if invite => {
                self.stage = Stage::Over;
                News::Failed(status)
            }
            Stage::Cancelled(_) if invite && status < 300 && self.dialog.is_none() => {
                // The answer crossed our CANCEL (RFC 3261 §9.1).
                if self.confirm(msg) {
                    self.acknowledge(env);
                    self.bye(env);
                } else {
                    self.stage = Stage::Over;
                }
                News::Nothing
            }
            Stage::Cancelled(_) if invite => {
                self.stage = Stage::Over;
                News::Nothing
            }
            Stage::Changing(_) if invite && cseq.number == self.cseq => self.changed(msg, env),
            Stage::Ending(_) if !invite => {
                self.stage = Stage::Over;
                News::Nothing
            }
            // A 2xx that came again: its ACK was lost.
            Stage::Live | Stage::Ending(_) if invite && status < 300 && cseq.number == self.cseq => {
                self.acknowledge(env);
                News::Nothing
            }
            _ => News::Nothing,
        }
    }

    fn accepted<U: Copy>(&mut self, msg: Msg<'_>, env: &mut Env<'_, U>) -> News {
        if !self.confirm(msg) {
            self.stage = Stage::Over;
            return News::Failed(0);
        }
        self.stage = Stage::Live;
        self.acknowledge(env);
        self.refreshed(msg, env.now);
        News::Answered(sdp_of(msg).into())
    }

    fn changed<U: Copy>(&mut self, msg: Msg<'_>, env: &mut Env<'_, U>) -> News {
        self.stage = Stage::Live;
        match msg.status() {
            200..=299 => {
                self.refused = 0;
                if let Some(dialog) = &mut self.dialog {
                    dialog.refresh_target(&msg);
                }
                self.acknowledge(env);
                self.refreshed(msg, env.now);
                News::Answered(sdp_of(msg).into())
            }
            status @ (408 | 481) => {
                self.bye(env);
                News::Failed(status)
            }
            // RFC 3261 §14.1 and §14.2: both ask at the same time, or the recorder has not done with the one before.
            status
                if self.refused < REFUSED_MAX
                    && (status == 491 || status == 500 && msg.retry_after().is_some()) =>
            {
                let asked = Duration::from_secs(u64::from(msg.retry_after().unwrap_or_default()));
                let after = asked.clamp(AGAIN_AFTER, AGAIN_MAX);
                (self.again, self.refused) = (Some(env.now + after), self.refused + 1);
                News::Snapshot
            }
            status => {
                self.bye(env);
                News::Failed(status)
            }
        }
    }

    /// The dialog that a 2xx makes.
    fn confirm(&mut self, msg: Msg<'_>) -> bool {
        let Ok(dialog) = Dialog::as_uac(&self.from, &self.call_id, self.cseq, &msg) else { return false };
        self.route(&dialog);
        self.dialog = Some(dialog);
        true
    }

    /// Where requests inside the dialog go (RFC 3261 §12.2.1.1), as far as our interface reaches.
    fn route(&mut self, dialog: &Dialog) {
        let Some((address, transport)) = target_address(dialog.next_hop()) else { return };
        let flow = self.way.flow;
        let keeps = transport.is_reliable() && address.ip() == flow.remote.ip();
        if transport == flow.transport && address.is_ipv4() == flow.remote.is_ipv4() && !keeps {
            self.way.flow = Flow { remote: address, conn: None, ..flow };
            if let Some((other, _)) = &mut self.way.alternative {
                other.remote = address;
            }
        }
    }

    fn refreshed(&mut self, msg: Msg<'_>, now: Time) {
        self.timer = SessionTimer::uac(&msg, &self.way.timer, true);
        if let Some(timer) = &mut self.timer {
            timer.start(now);
        }
    }

    /// No answer came to this request of ours, or it could not be sent.
    pub fn on_lost<U: Copy>(&mut self, txn: ClientTxn, env: &mut Env<'_, U>) -> News {
        match self.stage {
            Stage::Inviting(of) if of == txn => {
                self.stage = Stage::Over;
                News::Failed(0)
            }
            Stage::Changing(of) if of == txn => {
                self.bye(env);
                News::Failed(0)
            }
            Stage::Cancelled(of) | Stage::Ending(of) if of == txn => {
                self.stage = Stage::Over;
                News::Nothing
            }
            _ => News::Nothing,
        }
    }

    /// Time has passed. `sdp`: what stands.
    pub fn on_time<U: Copy>(&mut self, sdp: &[u8], env: &mut Env<'_, U>) -> News {
        if self.is_inviting() && self.patience <= env.now {
            self.end(env);
            return News::Failed(0);
        }
        if !self.is_live() {
            return News::Nothing;
        }
        match self.timer.as_mut().and_then(|timer| timer.handle_timeout(env.now)) {
            Some(SessionAct::Refresh) if self.is_open(env.now) => {
                self.change(sdp, None, env);
                News::Nothing
            }
            Some(SessionAct::Expired) => {
                self.bye(env);
                News::Failed(0)
            }
            _ => News::Nothing,
        }
    }
}
