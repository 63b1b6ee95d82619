//! A recorder that takes part is found to be gone, before it says so by silence.

use crate::story::Trouble;
use crate::{CHECK, Env, Lent, Recording};
use base::Time;
use media::{SessionId, UNREACHED_AFTER};

impl<G: Copy + PartialEq> Recording<G> {
    /// Ends it.
    pub fn end<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        (self.over, self.live) = (true, false);
        self.story.end(env.now);
        if let Some(session) = &mut self.session {
            session.end(env);
        }
    }

    /// It is wanted no more, which is not taken back. `early`: the call goes on without it; `replaced`: another recorder is to
    /// go on.
    pub fn dismiss(&mut self, early: bool, replaced: bool) {
        self.story.ended |= early && !self.dismissed;
        self.story.replaced |= replaced;
        self.dismissed = true;
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
        (self.dismissed, self.story.replaced) =
            (self.dismissed || self.over, self.story.replaced || self.over);
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
        if !self.is_live() {
            return;
        }
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
}
