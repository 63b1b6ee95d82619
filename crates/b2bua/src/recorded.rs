//! Where a call meets its recording: who records it, what the recorder is shown, and what comes from there.

use crate::call::{Call, Phase};
use crate::candidates;
use crate::context::{Alarm, Context, User};
use crate::leg::listen_of;
use crate::offer::State;
use crate::output::Level;
use crate::tag::Tag;
use base::{ReasonId, TrunkId};
use config::Recorder;
use contract::input::{RecordOrders, RecordWish};
use identity::session_policy;
use media::{Reply, Side};
use negotiation::{End, Notice, Prefers};
use peers::{Duty, TargetRef};
use recording::{Env, Lent, News, Party, Picture, Recording, Way};
use sip_core::session_timer::Preference;
use sip_core::{Kept, SessionPolicy};
use sip_msg::{Msg, NameAddr};
use std::sync::Arc;

/// The session interval, in seconds, where the recorder's trunk says none: what a node that was killed has left is
/// ended by the recorder when nobody refreshes it.
const SESSION_SECONDS: u32 = 1_800;

/// What there is of a call's recording.
#[derive(Default)]
pub(crate) struct OnRecord {
    /// What an operator said of it.
    pub(crate) orders: RecordOrders,
    /// What the call's route says of it.
    pub(crate) route: Option<Recorder>,
    recorded: Option<Box<Recorded>>,
}

impl OnRecord {
    /// Takes what an operator wants; `by`: as [`RecordOrders::take`].
    pub(crate) fn order(&mut self, wish: RecordWish, by: Option<TrunkId>) {
        self.orders.take(wish, by);
        if let (RecordWish::By(_), Some(held)) = (wish, &mut self.recorded) {
            held.recording.want_again();
        }
    }

    /// Whether nothing is owed to a recorder any more.
    pub(crate) fn is_done(&self) -> bool {
        self.recorded.as_ref().is_none_or(|held| held.recording.is_done())
    }
}

/// A call's recording.
struct Recorded {
    by: TrunkId,
    recording: Recording<TargetRef>,
}

impl Call {
    /// Who records the call, if anybody: as an operator said of it, else as its route and its trunks say.
    pub(crate) fn recorder(&self) -> Option<TrunkId> {
        let [one, other] = Side::BOTH.map(|side| self.trunk_of(side));
        let told = || self.epoch.snapshot.table.recorder(one, other, self.record.route);
        let wanted = self.record.orders.by.unwrap_or_else(told);
        wanted.filter(|_| self.record.orders.by.is_some() || self.preferred() != Prefers::Off)
    }

    /// What its peers want of it, where their trunks say that it counts.
    fn preferred(&self) -> Prefers {
        negotiation::preferred(&Side::BOTH.map(|side| self.standing(side)))
    }

    /// Tells peers that want to know how the recording of their call stands, when neither is asked anything else.
    fn tell_of_recording(&mut self, notice: Notice, cx: &mut Context<'_>) {
        for side in Side::BOTH {
            let (wanted, busy) =
                (self.epoch.policy(self.trunk_of(side)).recording.notice, self.has_open_offer());
            let leg = self.leg_mut(side).filter(|leg| !busy && !leg.gone && !leg.is_negotiating());
            if leg.is_some_and(|leg| wanted.reaches(leg.abilities.record_aware) && leg.sdp.tell(notice)) {
                self.refresh_session(side, cx);
            }
        }
    }

    /// How the recording went, for the record; empty where there was none.
    pub(crate) fn recording_verdict(&self) -> Box<str> {
        let said = |r: &Recorded| format!("{}: {}", self.epoch.trunk_name(r.by), r.recording.verdict());
        self.record.recorded.as_deref().map(said).unwrap_or_default().into()
    }

    /// Shows the recording how the call stands, after each input.
    pub(crate) fn attend_recording(&mut self, cx: &mut Context<'_>) {
        if self.record.recorded.is_none() && (self.phase != Phase::Answered || self.is_placed()) {
            return;
        }
        let wanted = self.recorder().filter(|_| self.phase == Phase::Answered);
        let mut held = match (self.record.recorded.take(), wanted) {
            (Some(held), by) if !(held.recording.is_ended() && by.is_some()) => held,
            (before, Some(by)) => {
                let tag = Tag::new(cx.shard, Side::A, self.me, cx.rng);
                let recording = Recording::new(tag.as_bytes(), (cx.now, cx.wall()), cx.rng);
                Box::new(Recorded { by, recording: recording.following(before.map(|b| b.recording), cx.now) })
            }
            (_, None) => return,
        };
        held.recording.want((wanted == Some(held.by), wanted.is_some()), self.phase == Phase::Answered);
        if held.recording.is_dismissed() {
            self.with_recording(&mut held, cx, |_, recording, lent| recording.attend(None, lent));
        } else if let State::Open { .. } = self.media.state {
            if held.recording.wants_ways(cx.now) {
                let ways = self.ways_to(held.by, cx);
                let new = held.recording.is_new();
                held.recording
                    .take_ways(ways.into_iter().filter(|(at, _)| new || cx.runs.down_since(*at).is_none()));
            }
            let by = held.by;
            self.with_recording(&mut held, cx, |call, recording, lent| {
                if let Some(picture) = call.picture((by, recording.is_tls())) {
                    recording.attend(Some(&picture), lent);
                }
            });
        }
        let notice = held.recording.notice();
        self.record.recorded = Some(held);
        if self.phase == Phase::Answered {
            self.tell_of_recording(notice, cx);
        }
    }

    /// Whether its recording is to pause: an operator wants it, or a peer.
    pub(crate) fn is_paused(&self) -> bool {
        self.record.orders.paused || self.record.orders.by.is_none() && self.preferred() == Prefers::Pause
    }

    /// What a recorder is to hear of the call.
    fn picture(&self, (by, tls): (TrunkId, bool)) -> Option<Picture<'_>> {
        let State::Open { session: of, ports, .. } = self.media.state else { return None };
        let sides = Side::BOTH.map(|seat| self.media.seat(seat));
        let party = |side| {
            let named = self.leg(side).and_then(|leg| NameAddr::parse(leg.dialog.remote_uri_row()).ok());
            let text =
                |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).trim_matches('"').to_owned();
            named.map_or_else(Party::default, |n| Party { aor: text(n.uri), name: text(n.display) })
        };
        Some(Picture {
            of,
            streams: u8::try_from(ports.streams().len()).unwrap_or(1),
            settled: !self.has_open_offer(),
            listen: listen_of(&self.epoch, by),
            end: End::new(&self.epoch.snapshot.config, by, None, tls),
            sides: sides.map(|side| self.standing(side)),
            paused: self.is_paused(),
            parties: sides.map(party),
        })
    }

    /// Lets the recording act; counts where its session is, sets its alarm, and says what failed.
    fn with_recording(
        &self,
        held: &mut Recorded,
        cx: &mut Context<'_>,
        act: impl FnOnce(&Call, &mut Recording<TargetRef>, &mut Lent<'_, '_, User>),
    ) {
        let before = held.recording.at();
        let (keep, me, shard) = (!self.epoch.trunk(held.by).login.accounts.is_empty(), self.me, cx.shard);
        let (now, wall) = (cx.now, cx.wall());
        let (sessions, user, keep) = (&mut *cx.sessions, User::Recorder(me), keep.then_some(0));
        let mut env = Env { now, txns: cx.txns, out: &mut cx.out.sip, rng: cx.rng, user, keep };
        let open = &mut || sessions.open(shard, me);
        let mut lent = Lent { env: &mut env, wall, media: &mut cx.out.media, mint: cx.mint, open };
        act(self, &mut held.recording, &mut lent);
        let after = held.recording.at();
        if before != after {
            before.into_iter().for_each(|at| cx.runs.over(at.gateway));
            after.into_iter().for_each(|at| cx.runs.begun(at.gateway, now));
        }
        let tally = held.recording.take_tally();
        cx.counters.recordings += u64::from(tally.begun);
        cx.counters.recordings_failed += u64::from(tally.failed);
        cx.counters.recordings_lost += u64::from(tally.lost);
        cx.counters.recordings_resumed += u64::from(tally.resumed);
        if let Some(what) = tally.said() {
            let (name, verdict) = (self.epoch.trunk_name(held.by), held.recording.verdict());
            cx.note(Level::Warn, what, format!("call {}: {name}: {verdict}", self.key));
        }
        if let Some(due) = held.recording.next_alarm(now) {
            cx.wheel.insert(due, Alarm::Recording(me));
        }
    }

    /// The addresses of a recorder, the best first.
    fn ways_to(&self, by: TrunkId, cx: &mut Context<'_>) -> Vec<(TargetRef, Way)> {
        let (epoch, run) = (&self.epoch, self.epoch.run(by));
        if cx.runs.trunk(run).is_full(true) || cx.runs.duty(run) != Duty::Enabled {
            return Vec::new();
        }
        let face = epoch.face(listen_of(epoch, by));
        let timer = session_policy(epoch.policy(by), false);
        let expires = Some(timer.expires.unwrap_or(SESSION_SECONDS));
        let timer = SessionPolicy { expires, refresher: Preference::Us, ..timer };
        let mut ways = Vec::new();
        for (at, target) in candidates::addresses(by, epoch, cx) {
            let Some(sent_by) = face.sent_by(target.transport) else { continue };
            let mut rows = epoch.agent_row(by).to_vec();
            let (uri, flow) = cx.runs.way_to(at, target, &mut rows);
            let alternative = face.stream_alternative(&flow).filter(|_| !epoch.is_pinned_to_udp(by));
            let way = Way {
                uri: uri.into(),
                flow,
                sent_by: sent_by.into(),
                from: format!("sip:{}", face.host()).into_bytes().into(),
                rows: rows.into(),
                udp_max: face.udp_max,
                alternative: alternative.map(|(flow, sent_by)| (flow, sent_by.into())),
                timer,
                silence: epoch.trunk(by).failover_after,
                ringing: epoch.trunk(by).ring_timeout,
            };
            ways.push((at, way));
        }
        ways
    }

    /// The engine's answer about ports towards the recorder; `false`: it is about others.
    pub(crate) fn on_recorder_ports(&mut self, reply: &Reply) -> bool {
        self.record.recorded.as_mut().is_some_and(|held| held.recording.on_ports(reply))
    }

    /// Something came from the recorder, or did not come.
    pub(crate) fn on_recorder(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut recording::Session, &[u8], &mut Env<'_, User>) -> News,
    ) {
        let Some(mut held) = self.record.recorded.take() else { return };
        let by = held.by;
        self.with_recording(&mut held, cx, |call, recording, lent| {
            let end = End::new(&call.epoch.snapshot.config, by, None, recording.is_tls());
            recording.act(&end, lent, act);
        });
        self.record.recorded = Some(held);
    }

    pub(crate) fn on_recorder_alarm(&mut self, cx: &mut Context<'_>) {
        let checked = self.record.recorded.as_mut().and_then(|held| held.recording.on_alarm(cx.now));
        if let Some(since) = checked.and_then(|at| cx.runs.down_since(at)) {
            self.lose_recorder(cx, |recording, lent| recording.on_down(since, lent));
        }
        self.on_recorder(cx, |session, sdp, env| session.on_time(sdp, env));
    }

    /// The recorder cannot be reached any more.
    pub(crate) fn lose_recorder(
        &mut self,
        cx: &mut Context<'_>,
        how: impl FnOnce(&mut Recording<TargetRef>, &mut Lent<'_, '_, User>),
    ) {
        if let Some(mut held) = self.record.recorded.take() {
            self.with_recording(&mut held, cx, |_, recording, lent| how(recording, lent));
            self.record.recorded = Some(held);
        }
    }

    /// A request of the recorder's; `false`: it is of another dialog.
    pub(crate) fn hears_recorder(&self, msg: Msg<'_>, flow: &sip_core::Flow) -> bool {
        self.record.recorded.as_ref().is_some_and(|held| held.recording.hears(msg, flow))
    }

    /// A challenge of the recorder's.
    pub(crate) fn recorder_again(
        &mut self,
        kept: &Kept,
        msg: Msg<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ReasonId> {
        let (epoch, user) = (Arc::clone(&self.epoch), User::Recorder(self.me));
        let held = self.record.recorded.as_mut().ok_or(ReasonId::AuthRequired)?;
        let cseq = held.recording.on_challenge(msg).ok_or(ReasonId::AuthRequired)?;
        let again = cx.again(&epoch, epoch.run(held.by), user, kept, cseq, msg)?;
        held.recording.sent_again(msg, (cseq, again.txn), again.rows);
        Ok(())
    }
}
