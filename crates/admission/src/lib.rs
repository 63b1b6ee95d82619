//! Whether the running state has room for a call: trunks and WAN links of sites as routing sees them at this moment, and
//! what one call has on links.
//!
//! Floor 4. Which links a call's media cross is said by `routing`, how many calls are on each is kept by `peers`; here both
//! meet. A call owns an [`OnLinks`], which is told by [`OnLinks::follow`] where its media go whenever that may have
//! changed: so the count follows, and is given back once. Nothing here knows a message.

use base::{ReasonId, Time, TrunkId};
use peers::{Duty, Held, LinkRef, Links, Load, Runs, TrunkRef, cover};
use routing::{Decision, Health, Peer, SkipReason, State, Table, TrunkState};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// How everything stands for one call.
pub struct Standing<'a> {
    /// The running state.
    pub runs: &'a Runs,
    /// The trunks of the call's configuration.
    pub trunks: &'a [TrunkRef],
    /// The links of its sites.
    pub links: &'a [LinkRef],
    /// What the call has on them.
    pub call: &'a OnLinks,
    /// Now.
    pub at: Time,
}

impl State for Standing<'_> {
    fn trunk(&self, id: TrunkId) -> TrunkState {
        self.trunks.get(id.index()).map(|at| standing(self.runs, *at, self.at)).unwrap_or_default()
    }

    fn link(&self, site: u16) -> u32 {
        self.links.get(usize::from(site)).map_or(0, |at| self.runs.links.others(*at, &self.call.held))
    }
}

/// A trunk as routing sees it: down only when every gateway is.
#[must_use]
pub fn standing(runs: &Runs, at: TrunkRef, now: Time) -> TrunkState {
    let run = runs.trunk(at);
    let any = runs.open_gateways(at).next().is_some();
    let down = any && runs.open_gateways(at).all(|g| g.is_demoted(now));
    let duty = runs.duty(at);
    TrunkState {
        enabled: duty != Duty::Disabled,
        draining: duty == Duty::Draining,
        health: if down || runs.is_unregistered(at, now) { Health::Down } else { Health::Up },
        calls: run.calls_in + run.calls_out,
        full_out: run.is_full(true),
        cps_spent: run.rate_spent(true, now),
        cooling: any && runs.open_gateways(at).all(|g| g.is_cooling(now)),
    }
}

/// A party of a call: its trunk, and where it is reached.
pub type Spot = (TrunkId, SocketAddr);

/// Whose media go where.
#[derive(Clone, PartialEq, Default)]
pub struct Seen {
    /// The call is over.
    pub over: bool,
    /// For want of room on a link.
    pub refused: bool,
    /// A transfer is under way.
    pub moving: bool,
    /// Media bypass this node.
    pub direct: bool,
    /// Who calls.
    pub caller: Option<Spot>,
    /// Who is called, or all who are being called.
    pub called: SmallVec<[Spot; 1]>,
}

/// The links of a call's configuration.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    /// What says which links media cross.
    pub table: &'a Table,
    /// The links of its sites.
    pub links: &'a [LinkRef],
}

/// What a call has on links.
#[derive(Default)]
pub struct OnLinks {
    held: Held,
    /// What that was judged by: nothing else changes it.
    seen: Seen,
    /// The first link for which an attempt of it was left out.
    full: Option<LinkRef>,
}

/// What is to be told of a call's move.
#[derive(Default)]
pub struct News {
    /// For its record: limited links that it is on now and was not before.
    pub record: String,
    /// Links that are full now.
    pub full: Vec<String>,
}

impl OnLinks {
    /// Of a call that is placed for another one, to take the place of one of its parties.
    #[must_use]
    pub fn in_place_of(other: &OnLinks) -> OnLinks {
        OnLinks { held: Held::in_place_of(&other.held), ..OnLinks::default() }
    }

    /// The links that it is on, and how often.
    pub fn all(&self) -> impl Iterator<Item = (LinkRef, u32)> {
        self.held.all()
    }

    /// Counts the call where its media go now.
    pub fn follow(&mut self, seen: Seen, ways: Ways<'_>, links: &mut Links, now: Time) -> News {
        let mut news = News::default();
        if seen == self.seen {
            return news;
        }
        if let Some(at) = self.full.filter(|_| seen.refused && !self.seen.refused) {
            links.refuse(at);
        }
        let mut needed = Load::new();
        if let Some(caller) = seen.caller.filter(|_| !seen.over) {
            needed = ways.load(caller, &seen.called, seen.direct);
            if seen.moving {
                // Until a transfer has come to its end what the call has is kept for either outcome.
                cover(&mut needed, &self.held.all().collect());
            }
        }
        let by = ways.only(&seen.called);
        self.seen = seen;
        for (at, times) in links.settle(&mut self.held, needed) {
            let often = if times == 1 { String::new() } else { format!(" ({times})") };
            news.record.push_str(&format!("; {by}on the link to {}{often}", links.site(at)));
            news.full.extend(links.tell_full(at, now));
        }
        news
    }

    /// An attempt is left out, for a link has no room for it.
    pub fn skip(&mut self, at: LinkRef, links: &mut Links) {
        self.full.get_or_insert(at);
        links.skip(at);
    }

    /// The link that has no room for an attempt of the call, in words; an attempt that is left out for it is counted by
    /// [`OnLinks::skip`].
    #[must_use]
    pub fn bar(
        &self,
        (caller, called): (Spot, Spot),
        direct: bool,
        ways: Ways<'_>,
        links: &Links,
    ) -> Option<(LinkRef, String)> {
        let needed = ways.load(caller, &[called], direct);
        links.full(&self.held, &needed).map(|(at, link)| (at, link.to_string()))
    }
}

impl Ways<'_> {
    /// The trunk by which all are called, before what is told of it; nothing where there are several.
    fn only(&self, called: &[Spot]) -> String {
        let Some((trunk, _)) = called.first().filter(|first| called.iter().all(|spot| spot.0 == first.0))
        else {
            return String::new();
        };
        format!("{} ", self.table.trunk_name(*trunk))
    }

    /// The links that a call is on: of all who are being called the most that any of them needs, for one of them
    /// becomes the call.
    fn load(&self, caller: Spot, called: &[Spot], direct: bool) -> Load {
        let peer = |(trunk, address): Spot| -> Peer { (trunk, Some(address.ip())) };
        let mut all = Load::new();
        for spot in called {
            let crossing = self.table.crossing(peer(caller), peer(*spot), direct).into_iter();
            let one = crossing.filter_map(|(site, times)| Some((*self.links.get(usize::from(site))?, times)));
            cover(&mut all, &one.collect());
        }
        all
    }
}

/// Counts the attempts that a decision leaves out for want of room on links, which stand by their sites, and the call
/// where nothing else is left to it.
pub fn count_full(decision: &Decision, of: &[LinkRef], links: &mut Links) {
    let (skipped, refused) = match decision {
        Decision::Plan(plan) => (&plan.skipped, false),
        Decision::Refuse(refusal) => (&refusal.skipped, refusal.reason == ReasonId::LinkFull),
    };
    let full = skipped.iter().filter_map(|(_, why)| match why {
        SkipReason::LinkFull(full) => of.get(usize::from(full.site)),
        _ => None,
    });
    for (count, at) in full.enumerate() {
        links.skip(*at);
        if refused && count == 0 {
            links.refuse(*at);
        }
    }
}
