//! Early dialogs: what the callee's side reports before its final response.

use crate::attempt::{Attempt, Offered};
use crate::call::Call;
use crate::context::{Alarm, Context, Own, User};
use crate::epoch::Epoch;
use crate::journal::JournalEvent;
use crate::leg::{Abilities, InnerRequest, Leg};
use identity::headers::{decimal, push_parts};
use media::Side;
use sip_core::Flow;
use sip_core::dialog::Dialog;
use sip_msg::{Msg, Name};

/// How often one reliable provisional is acknowledged under a new CSeq: limit `prack_tries`.
const PRACK_TRIES_MAX: u8 = 4;

/// What a provisional response says of its fork.
enum Fork<'a> {
    /// It belongs to this early dialog.
    Dialog(&'a mut Early),
    /// It makes no dialog: no Contact, as RFC 3261 table 2 allows.
    None,
    /// One early dialog too many.
    Refused,
}

/// One early dialog.
pub(crate) struct Early {
    pub(crate) leg: Leg,
    /// The last reliable provisional that we acknowledged (RFC 3262 §4).
    rseq: Option<u32>,
    /// CSeq of the PRACK that did, and how often it was sent.
    prack: (u32, u8),
    /// The answer that a provisional response bore (the offer, where our INVITE had none); empty until one
    /// did.
    pub(crate) answer: Box<[u8]>,
    /// The reliable provisional whose offer waits for the caller's answer.
    pub(crate) unanswered: Option<u32>,
    /// That answer went out in PRACK.
    pub(crate) answered: bool,
    /// The body of the last PRACK.
    pub(crate) prack_body: Box<[u8]>,
    /// 199 said that its fork is gone (RFC 6228).
    pub(crate) gone: bool,
    /// P-Early-Media has authorised its media (RFC 5009).
    pub(crate) authorised: bool,
}

impl Call {
    /// A provisional response to an attempt's INVITE (RFC 3261 §13.2.2.1).
    pub(crate) fn on_provisional(&mut self, number: u16, msg: Msg<'_>, flow: Flow, cx: &mut Context<'_>) {
        let status = msg.status();
        let setup = self.turn_to(number);
        let epoch = self.epoch.clone();
        let me = self.me;
        let trunk = self.trunk_of(Side::B);
        let shows = self.shows_offers(trunk);
        let Some(attempt) = self.attempt_mut(number) else { return };
        let withheld = attempt.offered == Offered::Withheld;
        // A 199 describes nothing (RFC 6228 §4).
        let offers = status != 199 && (withheld || (shows && attempt.offered == Offered::Nobody));
        crate::gateways::answered(attempt.candidate.at, None, cx);
        if status == 100 || attempt.cancelled || !setup {
            return;
        }
        if !attempt.progressed {
            attempt.progressed = true;
            let ring = epoch.trunk(attempt.trunk).ring_timeout;
            cx.wheel.insert(cx.now + ring, Alarm::Ring(me, number));
        }
        match attempt.early_dialog(msg, flow, &epoch, cx) {
            Fork::Dialog(early) => {
                if !early.acknowledge_provisional(msg, offers, &epoch, me, cx) {
                    return;
                }
                early.gone = false;
                if msg.is_sdp() && !msg.body().is_empty() {
                    early.answer = msg.body().into();
                }
            }
            Fork::Refused => return,
            Fork::None => {}
        }
        self.note_progress(number, status, cx);
        self.pass_progress(number, withheld, msg, cx);
    }

    /// What a fork reports goes on to the caller, and its offer, if it has made one, gets the caller's answer.
    fn pass_progress(&mut self, number: u16, withheld: bool, msg: Msg<'_>, cx: &mut Context<'_>) {
        let fork = msg.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        if msg.status() == 199 && !self.end_fork(number, fork, cx) {
            return;
        }
        if withheld {
            self.answer_forks(cx);
        }
        if !self.turn_to(number) {
            return;
        }
        self.show(number, fork, msg, cx);
        // A further fork's offer is answered with what the caller has said already.
        self.answer_forks(cx);
    }

    /// 199: a fork is gone (RFC 6228 §4). Whether the caller may hear of it: it knows 199, and its own early
    /// dialog, which stands for all forks of all branches, is gone with this one.
    fn end_fork(&mut self, number: u16, fork: &[u8], cx: &mut Context<'_>) -> bool {
        self.live.iter().filter(|a| a.number == number).for_each(|a| self.hush_forks(a, Some(fork), cx));
        let Some(attempt) = self.attempt_mut(number) else { return false };
        // Its dialog is kept, should it answer all the same.
        let ended = attempt.early.iter_mut().filter(|e| e.leg.dialog.remote_tag() == fork);
        ended.for_each(|early| early.gone = true);
        if self.shown.media.as_ref().is_some_and(|(n, tag)| *n == number && **tag == *fork) {
            self.show_next(cx);
        }
        let Some(attempt) = self.attempt_mut(number) else { return false };
        let last = attempt.early.iter().all(|e| e.gone);
        last && self.a.abilities.early_end && self.forks.as_ref().is_none_or(|forks| forks.is_last(number))
    }

    fn note_progress(&mut self, number: u16, status: u16, cx: &mut Context<'_>) {
        let at = cx.wall();
        let Some(record) = self.attempts.get_mut(usize::from(number) - 1) else { return };
        if record.progress.is_none() {
            record.progress = Some(at);
            cx.out.journal.push(JournalEvent::Progress { call: self.key, at, attempt: number, status });
        }
    }

    /// The answer to a PRACK of ours. 500 says that a later request overtook it (RFC 3261 §12.2.2): the
    /// provisional is acknowledged once more under a new CSeq, else its INVITE fails at the peer.
    pub(crate) fn on_pracked(&mut self, msg: Option<Msg<'_>>, cx: &mut Context<'_>) {
        let Some(msg) = msg.filter(|msg| msg.status() == 500) else { return };
        let (epoch, me) = (self.epoch.clone(), self.me);
        let (Ok(cseq), Ok(to)) = (msg.cseq(), msg.to()) else { return };
        let mut dialogs = self.live.iter_mut().filter(|a| !a.cancelled).flat_map(|a| a.early.iter_mut());
        let mine = |e: &&mut Early| {
            Some(e.leg.dialog.remote_tag()) == to.tag()
                && msg.call_id().ok() == Some(e.leg.dialog.call_id())
                && e.prack.0 == cseq.number
                && e.prack.1 < PRACK_TRIES_MAX
                && e.unanswered.is_none()
        };
        let Some(early) = dialogs.find(mine) else { return };
        if let Some(rseq) = early.rseq {
            early.send_prack(rseq, &epoch, me, cx);
        }
    }
}

impl Attempt {
    /// The early dialog that a response belongs to, made if it is the fork's first (RFC 3261
    /// §12.1.2).
    fn early_dialog(&mut self, msg: Msg<'_>, flow: Flow, epoch: &Epoch, cx: &mut Context<'_>) -> Fork<'_> {
        let tag = msg.to().ok().and_then(|to| to.tag());
        let known = self.early.iter().position(|e| Some(e.leg.dialog.remote_tag()) == tag);
        let index = match known {
            Some(index) => {
                self.early[index].leg.refresh(msg, epoch);
                index
            }
            None if self.early.len() >= early_dialogs_max(epoch, self.trunk) => {
                cx.counters.early_dialogs_refused += 1;
                return Fork::Refused;
            }
            None => {
                let Some(leg) = self.leg_for(msg, flow, epoch) else { return Fork::None };
                self.early.push(Early::new(leg));
                self.early.len() - 1
            }
        };
        self.early.get_mut(index).map_or(Fork::None, Fork::Dialog)
    }

    /// A leg made from a response; without a To tag a nameless early dialog (RFC 2543 peers).
    pub(crate) fn leg_for(&self, msg: Msg<'_>, flow: Flow, epoch: &Epoch) -> Option<Leg> {
        let dialog = Dialog::as_uac(&self.from, &self.call_id, self.cseq, &msg).ok()?;
        let (listen, remote) = (self.flow.listen, self.flow.remote);
        let flow = Flow { trunk: Some(self.trunk), listen, remote, ..flow };
        let mut leg = Leg::new(Side::B, dialog, flow, self.trunk, Abilities::of(msg));
        leg.secure = self.secure;
        leg.invite_cseq = self.cseq;
        leg.purse = self.purse.clone();
        leg.route(epoch);
        Some(leg)
    }
}

/// How many early dialogs one attempt on a trunk may have: limit `early_dialogs`.
fn early_dialogs_max(epoch: &Epoch, trunk: base::TrunkId) -> usize {
    let node = epoch.snapshot.config.limits.early_dialogs_max;
    epoch.policy(trunk).dialog.early_dialogs_max.map_or(node, |own| own.min(node)) as usize
}

impl Early {
    fn new(leg: Leg) -> Early {
        Early {
            leg,
            rseq: None,
            prack: (0, 0),
            answer: Box::default(),
            unanswered: None,
            answered: false,
            prack_body: Box::default(),
            gone: false,
            authorised: false,
        }
    }

    /// PRACKs a reliable provisional (RFC 3262 §4); `false` when it is a repetition or out of order.
    /// `offers`: a description in it is an offer, whose PRACK waits for the answer (§5).
    fn acknowledge_provisional(
        &mut self,
        msg: Msg<'_>,
        offers: bool,
        epoch: &Epoch,
        call: crate::tag::CallRef,
        cx: &mut Context<'_>,
    ) -> bool {
        let Ok(Some(rseq)) = msg.rseq() else { return true };
        if !msg.has_token(Name::Require, "100rel") {
            return true;
        }
        if self.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return false;
        }
        self.rseq = Some(rseq);
        self.prack.1 = 0;
        self.prack_body = Box::default();
        let unasked = !self.answered && self.unanswered.is_none();
        if offers && unasked && msg.is_sdp() && !msg.body().is_empty() {
            self.unanswered = Some(rseq);
            return true;
        }
        self.send_prack(rseq, epoch, call, cx);
        true
    }

    /// PRACK for a reliable provisional, with the answer to its offer if it bore one.
    pub(crate) fn send_prack(
        &mut self,
        rseq: u32,
        epoch: &Epoch,
        call: crate::tag::CallRef,
        cx: &mut Context<'_>,
    ) {
        let mut rows = cx.take_rows();
        let (mut one, mut two) = ([0; 20], [0; 20]);
        let parts = [
            decimal(u64::from(rseq), &mut one),
            b" ",
            decimal(u64::from(self.leg.invite_cseq), &mut two),
            b" INVITE",
        ];
        push_parts(&mut rows, b"RAck", &parts);
        let user = User::Own(call, Side::B, Own::Prack);
        let body = std::mem::take(&mut self.prack_body);
        let content_type: &[u8] = if body.is_empty() { b"" } else { b"application/sdp" };
        let request = InnerRequest { method: b"PRACK", rows: &rows, content_type, body: &body };
        let sent = self.leg.request(cx, epoch, request, user);
        self.prack_body = body;
        self.prack = (self.leg.dialog.local_cseq(), self.prack.1 + 1);
        cx.give_rows(rows);
        if sent.is_err() {
            cx.counters.attempts_refused += 1;
        }
    }
}
