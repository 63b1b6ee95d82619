//! What a caller hears before its call is refused: an announcement of its trunk, as early media, then the final
//! response. Enter through `Call::take_leave`.

use crate::call::{Call, Phase};
use crate::context::{Alarm, Context};
use crate::leg::listen_of;
use crate::offer::State;
use crate::output::Level;
use crate::record::ReleasedBy;
use base::ReasonId;
use media::{Side, Sound, Yields};
use negotiation::Unheard;
use std::time::Duration;

/// The longest announcement; of a longer file the rest is not heard: limit `announcement`.
const ANNOUNCEMENT_MAX: Duration = Duration::from_secs(60);

/// The end of a call in setup.
pub(crate) struct Parting {
    pub(crate) status: u16,
    pub(crate) rows: Vec<u8>,
    pub(crate) q850: u8,
    pub(crate) reason: ReasonId,
    pub(crate) by: ReleasedBy,
}

impl Call {
    /// Ends a call in setup with a final response; a caller for whom there is an announcement hears that before.
    pub(crate) fn take_leave(&mut self, parting: Parting, cx: &mut Context<'_>) {
        if self.media.parting.is_some() {
            return;
        }
        let Some(sound) = self.announcement(parting.status) else { return self.leave(parting, cx) };
        self.queue.clear();
        self.media.own = Some((sound, Yields::Never));
        self.media.parting = Some(Box::new(parting));
        cx.wheel.insert(cx.now + ANNOUNCEMENT_MAX, Alarm::Parting(self.me));
        match self.media.state {
            State::Open { .. } => self.announce(cx),
            // Ports for the caller alone.
            _ => {
                let streams = self.arrived.as_ref().map_or(1, |arrived| negotiation::lines(&arrived.offer));
                self.open_media(listen_of(&self.epoch, self.trunk_in), streams, cx);
            }
        }
    }

    /// The announcement for a status, where the caller can hear it.
    fn announcement(&self, status: u16) -> Option<Sound> {
        let file = self.epoch.policy(self.trunk_in).sounds.announcement(status)?;
        let able = self.phase == Phase::Setup && self.invite.is_some() && self.live.is_empty();
        let anchored = !matches!(self.media.state, State::Direct | State::Opening { .. });
        self.epoch.snapshot.sounds.get(file).filter(|_| able && anchored).cloned().map(Sound::Once)
    }

    /// There are ports: the caller gets an answer of ours, unless it has one, and hears the announcement.
    pub(crate) fn announce(&mut self, cx: &mut Context<'_>) {
        if self.shown.media.is_none() {
            let body = self.answer_here(cx);
            if body.is_empty() && !self.media.joining.settled {
                return self.on_parted(cx);
            }
            self.progress(183, &body, cx);
        }
        self.media.joining.retold = true;
    }

    /// The announcement is over.
    pub(crate) fn on_parted(&mut self, cx: &mut Context<'_>) {
        let Some(parting) = self.media.parting.take() else { return };
        if self.phase == Phase::Setup {
            self.leave(*parting, cx);
        }
    }

    fn leave(&mut self, parting: Parting, cx: &mut Context<'_>) {
        self.respond(cx, parting.status, &parting.rows, b"");
        self.finish(cx, parting.status, parting.q850, parting.reason, parting.by);
    }

    /// A party hears nothing of what it was to hear from us; that is told once.
    pub(crate) fn unheard(&mut self, why: Option<Unheard>, cx: &mut Context<'_>) {
        let Some(why) = why.filter(|_| self.media.joining.is_deaf_first()) else { return };
        cx.counters.sounds_unheard += 1;
        cx.note(Level::Info, "sound not heard", format!("call {}: {why}", self.key));
        self.decision = format!("{}; sound of ours not heard: {why}", self.decision).into_boxed_str();
    }

    /// Answers the caller's offer before the callee has, so that it may hear something; what it is told, empty when it
    /// cannot be or need not be told again.
    pub(crate) fn answer_here(&mut self, cx: &mut Context<'_>) -> Box<[u8]> {
        if self.media.joining.settled {
            return if self.is_heard_reliably() { Box::default() } else { self.a.sdp.text.clone() };
        }
        let offer = self.arrived.as_ref().map(|arrived| arrived.offer.clone()).unwrap_or_default();
        let (epoch, mut local) = (self.epoch.clone(), std::mem::take(&mut self.a.sdp));
        let end = self.media.end(&epoch, (Side::A, self.trunk_in));
        let whole = self.media.parting.is_none();
        let made = negotiation::answer_early(&end, (&offer, whole), &mut local, cx.draws());
        let told = local.text.clone();
        self.a.sdp = local;
        let set =
            made.and_then(|()| Ok(self.tell_engine(Side::A, self.trunk_in, (&offer, &told), false, cx)?));
        if let Err(why) = set {
            self.unheard(Some(why), cx);
            return Box::default();
        }
        self.media.joining.settled = true;
        self.shown.media_since.get_or_insert(cx.wall());
        told
    }
}
