//! A call's media on the WAN links of sites: told to `admission` whenever the call has acted, so that the count follows
//! wherever media move and is given back at any end.

use crate::attempt::Candidate;
use crate::call::{Call, Phase};
use crate::context::Context;
use crate::leg::Leg;
use crate::offer::{State, anchored_between};
use crate::output::Level;
use admission::{OnLinks, Seen, Spot, Ways};
use config::Recorder;
use media::Side;
use peers::{LinkRef, Links};

/// Whether limits hold for a call, which they do not in an emergency, and its media on the links of sites.
#[derive(Default)]
pub(crate) struct Limits {
    pub(crate) emergency: bool,
    pub(crate) links: OnLinks,
}

impl Call {
    /// Counts the call on the links that its media cross now.
    pub(crate) fn heed_links(&mut self, cx: &mut Context<'_>) {
        let (epoch, over) = (&self.epoch, self.phase == Phase::Over);
        let settled = matches!(self.media.state, State::Direct | State::Open { .. });
        // Whose media are being decided on keeps what it has.
        if !epoch.snapshot.table.has_links() || !(over || settled) {
            return;
        }
        let spot = |side| self.leg(side).map(|leg| (leg.trunk, leg.flow.remote));
        let rung = self.live.iter().filter(|attempt| self.b.is_none() && !attempt.cancelled);
        let rung = rung.map(|attempt| (attempt.trunk, attempt.candidate.target.address));
        let seen = Seen {
            over,
            refused: self.end.is_some_and(|end| end.reason == base::ReasonId::LinkFull),
            moving: self.is_moving(),
            direct: self.media.state == State::Direct,
            caller: spot(Side::A),
            called: spot(Side::B).into_iter().chain(rung).collect(),
        };
        let ways = Ways { table: &epoch.snapshot.table, links: &epoch.links };
        let news = self.limits.links.follow(seen, ways, &mut cx.runs.links, cx.now);
        if !news.record.is_empty() {
            self.decision = format!("{}{}", self.decision, news.record).into();
        }
        news.full.into_iter().for_each(|full| cx.note(Level::Warn, "WAN link full", full));
    }

    /// The link that has no room for an attempt, and that in words.
    pub(crate) fn full_link(&self, candidate: &Candidate, cx: &Context<'_>) -> Option<(LinkRef, String)> {
        let to = (candidate.trunk, candidate.target.address);
        self.barred(&self.a, to, candidate.record, &cx.runs.links)
    }

    /// Whether links have room for a newcomer in the place of a party of the call; counts who is refused for that.
    pub(crate) fn has_room_for(&self, goes: Side, newcomer: Spot, links: &mut Links) -> bool {
        let stays = self.leg(goes.other());
        let full = stays.and_then(|leg| self.barred(leg, newcomer, self.record.route, links));
        full.iter().for_each(|(at, _)| links.refuse(*at));
        full.is_none()
    }

    fn barred(&self, on: &Leg, to: Spot, route: Option<Recorder>, all: &Links) -> Option<(LinkRef, String)> {
        let epoch = &self.epoch;
        let ways = Ways { table: &epoch.snapshot.table, links: &epoch.links };
        if self.limits.emergency || !ways.table.has_links() {
            return None;
        }
        let direct = !anchored_between(epoch, on.trunk, to.0, route);
        self.limits.links.bar(((on.trunk, on.flow.remote), to), direct, ways, all)
    }
}
