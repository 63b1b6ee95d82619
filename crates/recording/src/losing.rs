//! A recorder that takes part is found to be gone, before it says so by silence.

use crate::story::Trouble;
use crate::{CHECK, Env, Lent, Recording};
use base::Time;
use media::{SessionId, UNREACHED_AFTER};
use sip_core::ClientTxn;
use sip_msg::{Method, Msg};

impl<G: Copy + PartialEq> Recording<G> {
    /// Ends it.
    pub fn end<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        (self.over, self.live) = (true, false);
        self.story.end(env.now);
        if let Some(session) = &mut self.session {
            session.end(env);
        }
    }

    /// Whether this recorder is wanted, or any; once this one is not, that is not taken back, and whether another is to go
    /// on is as it was said last. `early`: the call goes on.
    pub fn want(&mut self, (this, any): (bool, bool), early: bool) {
        self.story.ended |= early && !this && !self.dismissed;
        self.dismissed |= !this;
        self.story.replaced = self.dismissed && any;
    }

    /// Whether it is wanted no more.
    #[must_use]
    pub fn is_dismissed(&self) -> bool {
        self.dismissed
    }

    /// It goes on with what the one before it has begun.
    #[must_use]
    pub fn following(mut self, before: Option<Recording<G>>, now: Time) -> Recording<G> {
        if let Some(before) = before {
            self.story.follow(&before.story, now);
            self.uncopied = before.uncopied;
        }
        self
    }

    /// An operator wants it again: whoever has ended it is asked anew.
    pub fn want_again(&mut self) {
        self.dismissed |= self.over;
    }

    /// Whether it is, and nothing of it is owed: another may begin.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.dismissed && self.is_done()
    }

    /// When the owner should show the call again, where no alarm of the owner's stands that fires before.
    pub fn next_alarm(&mut self, now: Time) -> Option<Time> {
        let due = self.next_deadline();
        let due = due.filter(|due| *due > now && self.alarm.is_none_or(|alarm| *due < alarm))?;
        self.alarm = Some(due);
        self.alarm
    }

    /// The owner's alarm has fired; where the recorder takes part, whose health is to be looked at.
    pub fn on_alarm(&mut self, now: Time) -> Option<G> {
        self.alarm = None;
        let due = self.is_live() && self.check_at <= now;
        self.check_at = if due { now + CHECK } else { self.check_at };
        self.at.filter(|_| due)
    }

    /// The recorder is lost while it took part: its address is down, or no media get there.
    fn lose<U: Copy>(&mut self, why: Trouble, since: Time, lent: &mut Lent<'_, '_, U>) {
        if self.is_live() {
            self.leave(why, since, lent);
        }
    }

    /// As it cannot go on with this recorder.
    pub(crate) fn leave<U: Copy>(&mut self, why: Trouble, since: Time, lent: &mut Lent<'_, '_, U>) {
        if let Some(session) = &mut self.session {
            session.end(lent.env);
        }
        self.failed(why, since, lent.env.now);
        self.close(lent.media);
    }

    /// The address of the recorder that takes part is down, and silent since then.
    pub fn on_down<U: Copy>(&mut self, since: Time, lent: &mut Lent<'_, '_, U>) {
        self.lose(Trouble::Down, since, lent);
    }

    /// No media of this session get to the recorder, as the engine says.
    pub fn on_unreached<U: Copy>(&mut self, session: SessionId, lent: &mut Lent<'_, '_, U>) {
        let since = lent.env.now.as_millis().saturating_sub(UNREACHED_AFTER.as_millis() as u64);
        if self.copied.as_ref().is_some_and(|copied| copied.session == session) {
            self.lose(Trouble::Unreached, Time::from_millis(since), lent);
        }
    }

    /// A request of this session's, or of one before it that was lost, is challenged: as [`Session::on_challenge`].
    pub fn on_challenge(&mut self, msg: Msg<'_>) -> Option<u32> {
        match self.session.as_mut().filter(|session| session.knows(msg)) {
            Some(session) => session.on_challenge(msg),
            // BYE is the last request of a session. An INVITE was given up with it.
            None => msg.cseq().ok().filter(|cseq| cseq.method == Method::Bye).map(|cseq| cseq.number + 1),
        }
    }

    /// What was challenged by this was sent again.
    pub fn sent_again(&mut self, msg: Msg<'_>, (cseq, txn): (u32, ClientTxn), credentials: Box<[u8]>) {
        if let Some(session) = self.session.as_mut().filter(|session| session.knows(msg)) {
            session.sent_again(cseq, txn, credentials);
        }
    }
}
