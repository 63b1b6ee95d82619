//! Policies, holidays, and what a route says beside its numbers and trunks.

use super::{Sheet, list, pattern};
use crate::model::{Permissions, Recorder, Route, When};
use base::{TrunkId, WallTime};
use jiff::Timestamp;

/// A moment as RFC 3339 writes it.
pub(super) fn moment(at: WallTime) -> Option<Timestamp> {
    i64::try_from(at.0).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok())
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl Sheet<'_> {
    pub(super) fn record(&mut self, path: &str, record: Option<Recorder>) {
        let name = |by: TrunkId| self.config.trunk(by).map_or("off", |trunk| &trunk.name);
        let said = record.map(|record| record.by().map_or("off", name).to_owned());
        self.put_some(path, "record", said);
    }

    pub(super) fn usages(&mut self) {
        let config = self.config;
        self.permissions("", "default_policy", &config.permissions);
        for group in &config.groups {
            let path = format!("group.{}", group.name);
            self.put_some(&path, "external_prefix", group.external_prefix.as_ref());
            self.permissions(&path, "policy", &group.permissions);
        }
        for policy in &config.policies {
            self.put(&format!("policy.{}", policy.name), "usages", list(&policy.usages));
        }
        for holidays in &config.holidays {
            self.put(&format!("holidays.{}", holidays.name), "dates", list(holidays.dates.spans()));
        }
    }

    /// `key` is the key that names the scope's policy.
    pub(super) fn permissions(&mut self, path: &str, key: &str, permissions: &Permissions) {
        let policy = permissions.policy.and_then(|at| self.config.policies.get(at));
        self.put_some(path, key, policy.map(|p| &p.name));
        self.put_some(path, "deny", permissions.deny.as_ref().map(list));
        self.put_some(path, "deny_unknown", permissions.deny_unknown.as_ref().map(list));
    }

    pub(super) fn terms(&mut self, path: &str, route: &Route) {
        if !route.except.is_empty() {
            self.put(path, "except", list(route.except.iter().map(pattern)));
        }
        if let Some(when) = &route.when {
            self.when(&format!("{path}.when"), when);
        }
        if !route.usages.is_empty() {
            self.put(path, "usages", list(&route.usages));
        }
        self.put(path, "priority", route.priority);
        if let Some(caller) = &route.caller_id {
            let extension = caller.extension.as_ref().map_or_else(String::new, |e| format!(";ext={e}"));
            self.put(path, "caller_id", format!("{}{extension}", caller.number));
        }
    }

    fn when(&mut self, path: &str, when: &When) {
        const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let days = WEEK.iter().enumerate().filter(|(at, _)| when.days & 1 << at != 0).map(|(_, day)| day);
        self.put(path, "zone", when.zone.name());
        self.put(path, "days", list(days));
        self.put(path, "from", clock(when.from));
        self.put(path, "to", clock(when.to));
        if !when.dates.spans().is_empty() {
            self.put(path, "dates", list(when.dates.spans()));
        }
        for (key, named) in [("holidays", &when.holidays), ("not_holidays", &when.not_holidays)] {
            let names = named.iter().filter_map(|&at| self.config.holidays.get(at)).map(|h| &h.name);
            if !named.is_empty() {
                self.put(path, key, list(names));
            }
        }
    }
}
