//! Challenges to requests of ours (RFC 3261 §22): the same request once more, with credentials.
//!
//! Every request to a trunk with a password is kept by its transaction until its final response, so that one
//! room can repeat them all: INVITEs of attempts, requests inside calls, OPTIONS.

use crate::attempt::Attempt;
use crate::call::Call;
use crate::context::{Context, User};
use crate::epoch::Epoch;
use crate::leg::{InnerRequest, Leg};
use crate::switchboard::Switchboard;
use base::{ReasonId, Time, TrunkId};
use config::HeaderOn;
use identity::header_rules::shape;
use identity::said::copy_rows;
use media::Side;
use peers::{Purse, Signed, TrunkRef, verify_rows};
use sip_core::digest::Asker;
use sip_core::{ClientTxn, Flow, Kept, Request, RequestError};
use sip_msg::{Index, Leniency, Limits, Method, Msg};

/// Bits of a note that count answers; the account stands above them.
const ANSWER_BITS: u32 = 8;

/// A request that was repeated.
pub(crate) struct Again {
    pub(crate) txn: ClientTxn,
    /// Its rows of credentials.
    pub(crate) rows: Box<[u8]>,
}

/// The running state of the trunk that a request went to.
fn run_of(epoch: &Epoch, kept: &Kept) -> Result<TrunkRef, ReasonId> {
    kept.flow.trunk.map(|trunk| epoch.run(trunk)).ok_or(ReasonId::AuthRequired)
}

impl Context<'_> {
    /// Sends a request so that it can be repeated when it is challenged.
    pub(crate) fn send(
        &mut self,
        epoch: &Epoch,
        trunk: TrunkId,
        account: u8,
        user: User,
        request: &Request<'_>,
    ) -> Result<ClientTxn, RequestError> {
        let txn = self.txns.request(self.now, user, request, &mut self.out.sip)?;
        if !epoch.trunk(trunk).login.accounts.is_empty() {
            self.keep_for(txn, request.flow, account);
        }
        Ok(txn)
    }

    /// Keeps the request just sent for an account to sign.
    pub(crate) fn keep_for(&mut self, txn: ClientTxn, flow: Flow, account: u8) {
        self.txns.keep(txn, flow, u32::from(account) << ANSWER_BITS, &self.out.sip);
    }

    /// Appends credentials for a request in a dialog whose peer asked for them before.
    pub(crate) fn sign(
        &mut self,
        epoch: &Epoch,
        trunk: TrunkId,
        purse: &mut Purse,
        what: Signed<'_>,
        rows: &mut Vec<u8>,
    ) {
        if !purse.secured {
            return;
        }
        let start = rows.len();
        let wallet = &mut self.runs.trunk_mut(epoch.run(trunk)).wallet;
        wallet.sign(purse.account, &Asker::BOTH, what, rows);
        if what.method == b"INVITE" {
            purse.rows = rows.get(start..).unwrap_or_default().into();
        }
    }

    /// Sends a challenged request again.
    pub(crate) fn again(
        &mut self,
        epoch: &Epoch,
        run: TrunkRef,
        user: User,
        kept: &Kept,
        cseq: u32,
        response: Msg<'_>,
    ) -> Result<Again, ReasonId> {
        let mut index = Index::new();
        let limits = Limits { message: kept.message.len(), ..Limits::default() };
        let request = sip_msg::parse(&kept.message, &mut index, &limits, Leniency::default());
        let request = request.map_err(|_| ReasonId::AuthRequired)?;
        let (account, answers) = ((kept.note >> ANSWER_BITS) as u8, kept.note & ((1 << ANSWER_BITS) - 1));
        let wallet = &mut self.runs.trunk_mut(run).wallet;
        let askers = wallet.take_up(account, answers, request, response, || self.rng.next_pair())?;
        let mut credentials = Vec::with_capacity(512);
        let (method, uri) = (request.method_token(), request.request_uri());
        wallet.sign(account, &askers, Signed { method, uri, body: request.body() }, &mut credentials);
        let mut rows = self.take_rows();
        copy_rows(request, cseq, &mut rows);
        if request.row_named("Security-Client").next().is_some() {
            // RFC 3329 §2.3.1: what the server offers is given back.
            rows.extend_from_slice(&verify_rows(response));
        }
        rows.extend_from_slice(&credentials);
        let txn = self.repeat(epoch, user, kept, request, &rows);
        self.give_rows(rows);
        Ok(Again { txn: txn?, rows: credentials.into() })
    }

    /// Sends a request again with other rows.
    fn repeat(
        &mut self,
        epoch: &Epoch,
        user: User,
        kept: &Kept,
        request: Msg<'_>,
        rows: &[u8],
    ) -> Result<ClientTxn, ReasonId> {
        let face = epoch.face(kept.flow.listen);
        let again = Request {
            method: request.method_token(),
            uri: request.request_uri(),
            flow: kept.flow,
            sent_by: face.sent_by(kept.flow.transport).unwrap_or(face.host().as_bytes()),
            rows,
            content_type: request.content_type().unwrap_or_default(),
            body: request.body(),
            udp_max: face.udp_max,
            alternative: face.stream_alternative(&kept.flow).filter(|_| epoch.may_leave_udp(kept.flow.trunk)),
        };
        let sent = self.txns.request(self.now, user, &again, &mut self.out.sip);
        let txn = sent.map_err(|_| ReasonId::TransactionsMax)?;
        self.txns.keep(txn, kept.flow, kept.note + 1, &self.out.sip);
        self.counters.challenges_answered += 1;
        Ok(txn)
    }
}

impl Switchboard {
    /// A 401 or 407 to a request of ours: sent again with credentials, or the reason why not.
    pub(crate) fn answer_challenge(
        &mut self,
        now: Time,
        txn: ClientTxn,
        user: User,
        msg: Msg<'_>,
        out: &mut crate::Outbox,
    ) -> Result<(), ReasonId> {
        let kept = self.txns.take_challenged(txn).ok_or(ReasonId::AuthRequired)?;
        let mut done = Err(ReasonId::AuthRequired);
        match user {
            User::Invite(call, _) | User::Relay(call, _) | User::Own(call, ..) => {
                self.with_call(now, call, out, |call, cx| {
                    done = call.on_challenge(txn, user, &kept, msg, cx)
                });
            }
            User::Options(_) | User::Nobody => {
                let epoch = self.epoch.clone();
                let cseq = msg.cseq().map_or(1, |c| c.number) + 1;
                let mut cx = self.context(now, out);
                done = run_of(&epoch, &kept)
                    .and_then(|run| cx.again(&epoch, run, user, &kept, cseq, msg))
                    .map(drop);
            }
            User::Recorder(call) => {
                self.with_call(now, call, out, |call, cx| done = call.recorder_again(&kept, msg, cx));
            }
            User::Register(at) => done = self.context(now, out).register_again(at, &kept, msg),
            User::Arrived(_) | User::Inner(..) => {}
        }
        done
    }
}

impl Call {
    fn on_challenge(
        &mut self,
        txn: ClientTxn,
        user: User,
        kept: &Kept,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ReasonId> {
        let done = match user {
            User::Invite(_, number) => self.invite_again(number, user, kept, msg, cx),
            User::Relay(_, side) | User::Own(_, side, _) => self.inner_again(side, txn, user, kept, msg, cx),
            _ => Err(ReasonId::AuthRequired),
        };
        if let (User::Invite(_, number), Err(why)) = (user, done)
            && let Some(attempt) = self.attempt_mut(number)
        {
            attempt.verdict = Some(why);
        }
        done
    }

    /// The attempt goes on with the next CSeq, in its own number and record (RFC 3261 §22.2, §8.1.3.5).
    fn invite_again(
        &mut self,
        number: u16,
        user: User,
        kept: &Kept,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ReasonId> {
        let epoch = self.epoch.clone();
        let waiting = self.turn_to(number);
        let attempt = self.attempt_mut(number).filter(|a| waiting && !a.cancelled);
        let attempt = attempt.ok_or(ReasonId::AuthRequired)?;
        let cseq = attempt.next_cseq();
        let again = cx.again(&epoch, run_of(&epoch, kept)?, user, kept, cseq, msg)?;
        attempt.invite = again.txn;
        attempt.cseq = cseq;
        attempt.purse = Purse { account: attempt.purse.account, secured: true, rows: again.rows };
        // Early dialogs of the refused INVITE are over (RFC 3261 §12.3).
        attempt.early.clear();
        Ok(())
    }

    fn inner_again(
        &mut self,
        side: Side,
        txn: ClientTxn,
        user: User,
        kept: &Kept,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ReasonId> {
        if self.relays.iter().any(|relay| relay.client == txn && relay.withdrawn) {
            return Err(ReasonId::Cancelled);
        }
        let epoch = self.epoch.clone();
        let tag = msg.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let leg = self.leg_of_peer(side, tag).ok_or(ReasonId::AuthRequired)?;
        let cseq = leg.dialog.next_cseq();
        let again = cx.again(&epoch, run_of(&epoch, kept)?, user, kept, cseq, msg)?;
        leg.purse.secured = true;
        if msg.method() == Method::Invite {
            leg.invite_cseq = cseq;
            leg.purse.rows = again.rows;
            cx.watch_invite(user, again.txn);
        }
        if let Some(relay) = self.relays.iter_mut().find(|relay| relay.client == txn) {
            relay.client = again.txn;
        }
        Ok(())
    }

    /// The leg, or early dialog, of a side whose peer has this tag.
    fn leg_of_peer(&mut self, side: Side, tag: &[u8]) -> Option<&mut Leg> {
        if side == Side::A {
            return Some(&mut self.a);
        }
        let early = self.live.iter_mut().flat_map(|a| a.early.iter_mut()).map(|early| &mut early.leg);
        self.b.iter_mut().chain(early).find(|leg| leg.dialog.remote_tag() == tag)
    }
}

impl Leg {
    /// The rows of a request inside the dialog.
    pub(crate) fn write_rows(
        &mut self,
        rows: &mut Vec<u8>,
        cseq: u32,
        request: &InnerRequest<'_>,
        cx: &mut Context<'_>,
        epoch: &Epoch,
    ) {
        self.dialog.write_rows(rows, cseq, request.method);
        rows.extend_from_slice(epoch.agent_row(self.trunk));
        if matches!(request.method, b"INVITE" | b"UPDATE") {
            self.push_abilities(rows, epoch);
        }
        rows.extend_from_slice(request.rows);
        shape(&epoch.policy(self.trunk).headers.rules_out, HeaderOn::of_method(request.method), rows);
        let what = Signed { method: request.method, uri: self.dialog.request_uri(), body: request.body };
        cx.sign(epoch, self.trunk, &mut self.purse, what, rows);
    }
}

impl Attempt {
    /// Above all that its INVITE and the requests inside its early dialogs had.
    fn next_cseq(&self) -> u32 {
        let inner = self.early.iter().map(|early| early.leg.dialog.local_cseq());
        inner.chain([self.cseq]).max().unwrap_or(self.cseq) + 1
    }
}
