//! The WAN links of sites: how many calls have their media on each, over all configurations; what has the same name
//! keeps its count. Every call brings what it takes and what it took before, so that nothing is given back twice.

use base::Time;
use config::Site;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// That a link has become full is said so often at most.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// A link's running state; the index never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LinkRef(u32);

/// How often something crosses links; no link twice.
pub type Load = SmallVec<[(LinkRef, u32); 2]>;

/// What one call has on links.
#[derive(Clone, Default, Debug)]
pub struct Held {
    load: Load,
    /// What another call has for it, whose place it is to take.
    lent: Load,
}

impl Held {
    /// For a call that is placed for another one, to take the place of one of its parties.
    #[must_use]
    pub fn in_place_of(other: &Held) -> Held {
        Held { load: Load::new(), lent: other.load.clone() }
    }

    /// What it has on a link, or may count on there.
    #[must_use]
    pub fn on(&self, link: LinkRef) -> u32 {
        of(&self.load, link) + of(&self.lent, link)
    }

    /// The links that it is on, and how often.
    pub fn all(&self) -> impl Iterator<Item = (LinkRef, u32)> {
        self.load.iter().copied()
    }
}

fn of(load: &Load, link: LinkRef) -> u32 {
    load.iter().find(|(known, _)| *known == link).map_or(0, |(_, times)| *times)
}

/// Raises `load` to what `other` has, link by link.
pub fn cover(load: &mut Load, other: &Load) {
    for &(link, times) in other {
        match load.iter_mut().find(|(known, _)| *known == link) {
            Some((_, held)) => *held = (*held).max(times),
            None => load.push((link, times)),
        }
    }
}

/// How the link of a site is doing.
#[derive(Clone, Debug)]
pub struct LinkRun {
    /// The name of its site.
    pub site: Arc<str>,
    /// Whether the present configuration has it.
    pub configured: bool,
    /// How many calls it takes.
    pub max: Option<u32>,
    /// Calls that cross it now; one that crosses it twice counts twice.
    pub calls: u32,
    /// Calls that were refused for want of room on it.
    pub refused: u64,
    /// Attempts that were not made for want of room on it, whatever became of the call.
    pub skipped: u64,
    /// When it was last said to be full.
    said: Option<Time>,
}

impl fmt::Display for LinkRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, max) = (self.calls, self.max.unwrap_or_default());
        // Both sides of a call may cross one link.
        let what = if calls < max { "has no room for two" } else { "full" };
        write!(f, "link to {} {what}, {calls} of {max}", self.site)
    }
}

/// All links, never shrunk.
#[derive(Clone, Default)]
pub struct Links(Vec<LinkRun>);

impl Links {
    /// Takes over the sites of a new configuration; gives their links in order.
    pub fn adopt(&mut self, sites: &[Site]) -> Vec<LinkRef> {
        self.0.iter_mut().for_each(|link| link.configured = false);
        let adopt = |site: &Site| {
            let found = self.0.iter().position(|link| *link.site == *site.name);
            let at = found.unwrap_or_else(|| {
                self.0.push(LinkRun {
                    site: site.name.as_str().into(),
                    configured: true,
                    max: None,
                    calls: 0,
                    refused: 0,
                    skipped: 0,
                    said: None,
                });
                self.0.len() - 1
            });
            if let Some(link) = self.0.get_mut(at) {
                (link.configured, link.max) = (true, site.wan_calls_max);
            }
            LinkRef(u32::try_from(at).unwrap_or(u32::MAX))
        };
        sites.iter().map(adopt).collect()
    }

    /// The links of the present configuration.
    pub fn configured(&self) -> impl Iterator<Item = &LinkRun> {
        self.0.iter().filter(|link| link.configured)
    }

    fn get(&self, at: LinkRef) -> Option<&LinkRun> {
        self.0.get(at.0 as usize)
    }

    /// Calls on a link but for what one call has, or may count on, there.
    #[must_use]
    pub fn others(&self, at: LinkRef, held: &Held) -> u32 {
        self.get(at).map_or(0, |link| link.calls.saturating_sub(held.on(at)))
    }

    /// The link that has no room for a call that would be on these; what it has now it does not need beside them.
    #[must_use]
    pub fn full(&self, held: &Held, needed: &Load) -> Option<(LinkRef, &LinkRun)> {
        let more = needed.iter().filter(|(at, times)| *times > held.on(*at));
        let full = more.filter_map(|&(at, times)| {
            let link = self.get(at)?;
            let calls = self.others(at, held).saturating_add(times);
            link.max.is_some_and(|max| calls > max).then_some((at, link))
        });
        full.into_iter().next()
    }

    /// A call is refused for want of room.
    pub fn refuse(&mut self, at: LinkRef) {
        if let Some(link) = self.0.get_mut(at.0 as usize) {
            link.refused += 1;
        }
    }

    /// An attempt is not made for want of room.
    pub fn skip(&mut self, at: LinkRef) {
        if let Some(link) = self.0.get_mut(at.0 as usize) {
            link.skipped += 1;
        }
    }

    /// A call is on these links from here on, and on no others; what is lent to it others count. Gives the
    /// limited ones that it was not on before.
    pub fn settle(&mut self, held: &mut Held, mut needed: Load) -> Load {
        for (at, times) in &mut needed {
            *times = times.saturating_sub(of(&held.lent, *at));
        }
        needed.retain(|(_, times)| *times > 0);
        let before = std::mem::replace(&mut held.load, needed);
        for &(at, times) in &before {
            if let Some(link) = self.0.get_mut(at.0 as usize) {
                link.calls = link.calls.saturating_sub(times);
            }
        }
        let mut new = Load::new();
        for &(at, times) in &held.load {
            let Some(link) = self.0.get_mut(at.0 as usize) else { continue };
            link.calls = link.calls.saturating_add(times);
            if link.max.is_some() && times > of(&before, at) {
                new.push((at, times));
            }
        }
        new
    }

    /// The name of a link's site.
    #[must_use]
    pub fn site(&self, at: LinkRef) -> &str {
        self.get(at).map_or("?", |link| &link.site)
    }

    /// Says that a link is full, unless it is not, or that was said a short while ago.
    pub fn tell_full(&mut self, at: LinkRef, now: Time) -> Option<String> {
        let link = self.0.get_mut(at.0 as usize)?;
        let full = link.max.is_some_and(|max| link.calls >= max);
        let recent = link.said.is_some_and(|said| now < said + SAID_EVERY);
        (full && !recent).then(|| {
            link.said = Some(now);
            link.to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Permissions;

    fn site(name: &str, max: Option<u32>) -> Site {
        Site {
            name: name.to_owned(),
            subnets: Vec::new(),
            external_prefix: None,
            permissions: Permissions::default(),
            wan_calls_max: max,
        }
    }

    fn calls(links: &Links) -> Vec<u32> {
        links.0.iter().map(|link| link.calls).collect()
    }

    #[test]
    fn what_a_call_takes_is_given_back_once_however_often_it_is_settled() {
        let mut links = Links::default();
        let at = links.adopt(&[site("london", Some(2)), site("berlin", None)]);
        let (mut one, mut two) = (Held::default(), Held::default());
        let both: Load = at.iter().map(|at| (*at, 1)).collect();
        for _ in 0..3 {
            links.settle(&mut one, both.clone());
        }
        links.settle(&mut two, both.clone());
        assert_eq!(calls(&links), [2, 2]);
        for _ in 0..3 {
            links.settle(&mut one, Load::new());
        }
        assert_eq!(calls(&links), [1, 1]);
        links.settle(&mut two, Load::new());
        assert_eq!(calls(&links), [0, 0]);
    }

    #[test]
    fn a_link_without_room_is_named_but_for_who_has_its_place_there() {
        let mut links = Links::default();
        let at = links.adopt(&[site("london", Some(2))]);
        let once: Load = at.iter().map(|at| (*at, 1)).collect();
        let twice: Load = at.iter().map(|at| (*at, 2)).collect();
        let (mut one, mut two) = (Held::default(), Held::default());
        assert!(links.full(&one, &twice).is_none());
        links.settle(&mut one, once.clone());
        assert_eq!(
            links.full(&two, &twice).unwrap().1.to_string(),
            "link to london has no room for two, 1 of 2"
        );
        assert!(links.full(&one, &twice).is_none(), "it is on it once itself");
        links.settle(&mut two, once.clone());
        assert!(links.full(&Held::default(), &once).is_some());
        let mut placed = Held::in_place_of(&one);
        assert!(links.full(&placed, &once).is_none(), "a transfer on a full link");
        links.settle(&mut placed, once);
        assert_eq!(calls(&links), [2], "counted by the call whose place it is to take");
    }

    #[test]
    fn a_new_limit_holds_for_the_calls_that_are_there() {
        let mut links = Links::default();
        let at = links.adopt(&[site("london", None)]);
        let once: Load = at.iter().map(|at| (*at, 1)).collect();
        let mut one = Held::default();
        assert!(links.settle(&mut one, once.clone()).is_empty(), "no limit, nothing to tell");
        let at = links.adopt(&[site("berlin", Some(5)), site("london", Some(1))]);
        assert!(links.full(&Held::default(), &once).is_some());
        assert_eq!(links.tell_full(at[1], Time::ZERO).as_deref(), Some("link to london full, 1 of 1"));
        assert_eq!(links.tell_full(at[1], Time::ZERO + SAID_EVERY / 2), None, "said a short while ago");
        assert!(links.tell_full(at[1], Time::ZERO + SAID_EVERY).is_some());
        links.adopt(&[]);
        assert_eq!(links.configured().count(), 0);
        links.settle(&mut one, Load::new());
        assert_eq!(calls(&links), [0, 0], "also when its site has left the configuration");
    }
}
