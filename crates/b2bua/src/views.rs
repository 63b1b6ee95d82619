//! Pictures of a switchboard for people.

use crate::call::{Call, Phase};
use crate::runs::standing;
use crate::switchboard::Switchboard;
use crate::view::{CallView, StatusView, TrunkView};
use base::{Time, TrunkId};
use media::Side;

impl Switchboard {
    /// The live calls, in no particular order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallView> {
        self.calls.values().filter(|c| c.phase != Phase::Over && !c.is_placed()).map(|c| view(c)).collect()
    }

    /// The trunks of the present configuration with their gateways.
    #[must_use]
    pub fn trunks(&self, now: Time) -> Vec<TrunkView> {
        let count = u32::try_from(self.epoch.snapshot.config.trunks.len()).unwrap_or(u32::MAX);
        (0..count).map(|id| self.trunk_view(TrunkId(id), now)).collect()
    }

    fn trunk_view(&self, id: TrunkId, now: Time) -> TrunkView {
        let at = self.epoch.run(id);
        let run = self.runs.trunk(at);
        TrunkView {
            id,
            name: run.name.clone(),
            duty: self.runs.duty(at),
            word: run.duty,
            standing: standing(&self.runs, at, now),
            calls_in: run.calls_in,
            calls_out: run.calls_out,
            total_in: run.total_in,
            total_out: run.total_out,
            answered_out: run.answered_out,
            failed_out: run.failed_out,
            gateways: self.runs.gateways_of(at).iter().map(|g| self.runs.gateway_view(*g, now)).collect(),
            registrations: self.runs.enrolments_of(at).map(|e| e.view(now)).collect(),
            unregistered: self.runs.is_unregistered(at, now),
        }
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
        }
    }

    fn further_counters(&self) -> Vec<(&'static str, u64)> {
        let own = [("calls_kept", self.calls.len() as u64), ("media_sessions", self.sessions.count() as u64)];
        let further = self.counters.further(self.txns.counters());
        own.into_iter().chain(further).chain(self.desk.counters()).collect()
    }
}

fn view(call: &Call) -> CallView {
    let turned = usize::from(call.current).checked_sub(1).and_then(|at| call.attempts.get(at));
    let attempt = turned.or(call.attempts.last());
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
        security: Side::BOTH.map(|side| {
            let shaken = call.media.shaken[call.media.seat(side).index()];
            call.leg(side).and_then(|leg| negotiation::security((&leg.described, leg.sdp.standing()), shaken))
        }),
        unheard: call.media.unheard,
        recording: call.recording_verdict(),
        codec: (!call.media.codec.is_empty()).then(|| call.media.codec.clone()),
    }
}
