//! Whose call it is: the user who proved to place it, that user's group, the trunk, the place. For each
//! thing that may be said in several of these scopes the most specific holds: user, group, trunk, site,
//! the top level (R60, R61).

use crate::classes::ClassSet;
use crate::facts::Facts;
use crate::places::Sites;
use crate::table::Table;
use crate::trace::{Step, Trace};
use base::TrunkId;
use config::{Account, Config, DENY_UNKNOWN, Permissions, Presents, Trunk};
use std::net::IpAddr;
use std::sync::Arc;

/// Where a call comes from, by places in the scopes.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub trunk: usize,
    pub user: Option<usize>,
    pub group: Option<usize>,
    /// Where the caller is: by address, else by trunk.
    pub site: Option<usize>,
}

/// What one scope says.
#[derive(Default)]
struct Rights {
    policy: Option<usize>,
    deny: Option<ClassSet>,
    deny_unknown: Option<ClassSet>,
    /// What is dialled for an outside line.
    external: Option<Box<str>>,
}

impl Rights {
    fn of(permissions: &Permissions, external: Option<&str>) -> Rights {
        let classes = |list: &Option<Vec<_>>| list.as_deref().map(ClassSet::of);
        Rights {
            policy: permissions.policy,
            deny: classes(&permissions.deny),
            deny_unknown: classes(&permissions.deny_unknown),
            external: external.map(Box::from),
        }
    }
}

struct OfTrunk {
    rights: Rights,
    users: Vec<OfUser>,
    /// A user that names itself by its account is shown by its number.
    presents: bool,
}

struct OfUser {
    name: Arc<str>,
    account: [Box<str>; 2],
    /// The first of its numbers.
    number: Option<Box<str>>,
    policy: Option<usize>,
    group: Option<usize>,
}

impl OfUser {
    fn of(user: &Account) -> OfUser {
        OfUser {
            name: user.username.as_str().into(),
            account: [user.user.as_str().into(), user.username.as_str().into()],
            number: user.numbers.first().map(|(first, _)| first.as_str().into()),
            policy: user.policy,
            group: user.group,
        }
    }
}

/// All scopes of a configuration, compiled.
pub(crate) struct Scopes {
    node: Rights,
    sites: Vec<Rights>,
    trunks: Vec<OfTrunk>,
    groups: Vec<Rights>,
    group_names: Vec<Arc<str>>,
    pub(crate) places: Sites,
}

impl Scopes {
    pub(crate) fn compile(config: &Config) -> Scopes {
        let places = Sites::compile(config);
        let site = |name: &Arc<str>| {
            let found = config.sites.iter().find(|site| *site.name == **name);
            let external =
                |site: &config::Site| Rights::of(&site.permissions, site.external_prefix.as_deref());
            found.map(external).unwrap_or_default()
        };
        let trunk = |trunk: &Trunk| OfTrunk {
            rights: Rights::of(&trunk.permissions, trunk.external_prefix.as_deref()),
            users: trunk.users.all.iter().map(OfUser::of).collect(),
            presents: trunk.users.authenticate.presents == Presents::Number,
        };
        let groups = config.groups.iter();
        Scopes {
            node: Rights::of(&config.permissions, config.external_prefix.as_deref()),
            sites: places.names().iter().map(site).collect(),
            trunks: config.trunks.iter().map(trunk).collect(),
            group_names: groups.clone().map(|group| group.name.as_str().into()).collect(),
            groups: groups.map(|g| Rights::of(&g.permissions, g.external_prefix.as_deref())).collect(),
            places,
        }
    }

    /// Where a call of a trunk comes from; `user` has proven to be one of the trunk's.
    pub(crate) fn origin(&self, trunk: TrunkId, user: Option<u16>, source: Option<IpAddr>) -> Origin {
        let trunk = trunk.index();
        let user = user.map(usize::from);
        let group = self.user(trunk, user).and_then(|user| user.group);
        Origin { trunk, user, group, site: self.places.of(trunk, source) }
    }

    fn user(&self, trunk: usize, user: Option<usize>) -> Option<&OfUser> {
        self.trunks.get(trunk)?.users.get(user?)
    }

    /// What the most specific scope says that says anything.
    fn most<'s, T>(&'s self, from: Origin, word: impl Fn(&'s Rights) -> Option<T>) -> Option<T> {
        let group = from.group.and_then(|at| self.groups.get(at)).and_then(&word);
        group
            .or_else(|| word(&self.trunks.get(from.trunk)?.rights))
            .or_else(|| word(self.sites.get(from.site?)?))
            .or_else(|| word(&self.node))
    }

    /// The policy of a call, a place among the table's.
    pub(crate) fn policy(&self, from: Origin) -> Option<usize> {
        let own = self.user(from.trunk, from.user).and_then(|user| user.policy);
        own.or_else(|| self.most(from, |rights| rights.policy))
    }

    /// Classes of numbers that nobody may call from there, and that unknown callers may not.
    pub(crate) fn denied(&self, from: Origin) -> (ClassSet, ClassSet) {
        let unknown = self.most(from, |rights| rights.deny_unknown);
        let all = self.most(from, |rights| rights.deny).unwrap_or_default();
        (all, unknown.unwrap_or_else(|| ClassSet::of(&DENY_UNKNOWN)))
    }

    /// What is dialled there for an outside line.
    pub(crate) fn external(&self, from: Origin) -> Option<&str> {
        self.most(from, |rights| rights.external.as_deref())
    }

    /// The number that a user is shown by who names itself by its account.
    pub(crate) fn number_of(&self, from: Origin, named: &str) -> Option<&str> {
        let presents = self.trunks.get(from.trunk).is_some_and(|trunk| trunk.presents);
        let user = self.user(from.trunk, from.user).filter(|_| presents)?;
        user.account.iter().any(|name| **name == *named).then_some(user.number.as_deref()?)
    }

    /// The names of the user, the group and the place, for people; empty for none.
    pub(crate) fn names(&self, from: Origin) -> (&str, &str, &str) {
        let user = self.user(from.trunk, from.user).map_or("", |user| &user.name);
        let group = from.group.and_then(|at| self.group_names.get(at)).map_or("", |name| name);
        (user, group, from.site.and_then(|at| self.places.names().get(at)).map_or("", |name| name))
    }
}

impl Table {
    /// Tells whose call it is, where a user or a place has a say in it.
    pub(crate) fn tell_origin(&self, from: Origin, trace: &mut dyn Trace) {
        if trace.wants() && (from.user.is_some() || self.scopes.places.knows_networks()) {
            let (user, group, site) = self.scopes.names(from);
            if !(user.is_empty() && site.is_empty()) {
                trace.note(Step::Origin { user, group, site });
            }
        }
    }

    pub(crate) fn origin(&self, facts: &Facts<'_>) -> Origin {
        self.scopes.origin(facts.on, facts.user, facts.source)
    }
}
