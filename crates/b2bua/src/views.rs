//! Pictures of a switchboard for people.

use crate::call::{Call, Phase};
use crate::switchboard::Switchboard;
use crate::view::{CallView, StatusView, TrunkView, links};
use admission::standing;
use base::{Time, TrunkId};
use media::Side;
use peers::Links;

impl Switchboard {
    /// The live calls, in no particular order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallView> {
        let live = self.calls.values().filter(|c| c.phase != Phase::Over && !c.is_placed());
        live.map(|call| view(call, &self.runs.links)).collect()
    }

    /// The trunks of the present configuration with their gateways.
    #[must_use]
    pub fn trunks(&self, now: Time) -> Vec<TrunkView> {
        let (all, runs) = ((0..).map(TrunkId).zip(self.epoch.trunks.iter().copied()), &self.runs);
        all.map(|trunk| TrunkView::of(runs, trunk, standing(runs, trunk.1, now), now)).collect()
    }

    /// Counters and limits.
    #[must_use]
    pub fn status(&self) -> StatusView {
        let c = &self.counters;
        StatusView {
            calls: self.live_calls() as u64,
            accepted: c.accepted,
            answered: c.answered,
            ended: c.ended,
            refused: c.calls_refused,
            unknown_sources: c.unknown_sources,
            malformed: c.malformed,
            counters: self.further_counters(),
            draining: self.draining,
            links: links(&self.runs.links),
        }
    }

    fn further_counters(&self) -> Vec<(&'static str, u64)> {
        let own = [("calls_kept", self.calls.len() as u64), ("media_sessions", self.sessions.count() as u64)];
        let further = self.counters.further(self.txns.counters());
        own.into_iter().chain(further).chain(self.desk.counters()).collect()
    }
}

fn view(call: &Call, links: &Links) -> CallView {
    let turned = usize::from(call.current).checked_sub(1);
    let attempt = turned.and_then(|at| call.attempts.get(at)).or(call.attempts.last());
    let state = match call.phase {
        Phase::Setup if call.attempts.is_empty() => "routing",
        Phase::Setup if call.shown.progress.is_some() => "ringing",
        Phase::Setup => "trying",
        Phase::Answered => "answered",
        Phase::Over => "over",
    };
    CallView {
        key: call.key,
        state,
        trunk_in: call.facts.trunk.clone(),
        trunk_out: attempt.map(|a| a.facts.trunk.clone()),
        route: call.route.clone(),
        decision: call.decision.clone(),
        caller: call.caller.clone(),
        called: call.called.clone(),
        start: call.start,
        answer: call.answer,
        attempts: u16::try_from(call.attempts.len()).unwrap_or(u16::MAX),
        a_call_id: call.facts.sip_call_id.clone(),
        b_call_id: attempt.map(|a| a.facts.sip_call_id.clone()),
        anchored: call.media.is_anchored(),
        sound: {
            let shaken = |side| call.media.shaken[call.media.seat(side).index()];
            let told = |side| call.leg(side).filter(|leg| !leg.described.is_empty()).map(|_| shaken(side));
            let sides = Side::BOTH.map(|side| (call.trunk_of(side), call.standing(side), told(side)));
            negotiation::Shown::new((&call.epoch.snapshot.config, &call.media.codec), sides)
        },
        unheard: call.media.unheard,
        links: call.limits.links.all().map(|(at, times)| (links.site(at).into(), times)).collect(),
        media: call.media.session().map(|session| (session, call.media.seat(Side::A))),
        recording: call.recording_verdict(),
        recorder: call.recorder().map(|by| call.epoch.trunk_name(by)),
        paused: call.is_paused(),
        held: Side::BOTH.map(|side| call.leg(side).and_then(|leg| leg.sdp.held_since)),
    }
}
