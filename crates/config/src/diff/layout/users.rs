//! Who may use a trunk, as paths and values.

use super::{Sheet, length_or_off, list};
use crate::forms::time::written;
use crate::model::Users;

impl Sheet<'_> {
    pub(super) fn users(&mut self, path: &str, users: &Users) {
        if users.all.is_empty() {
            return;
        }
        for user in &users.all {
            let path = format!("{path}.users.{}", user.username);
            let domain = user.domain.as_ref().map(|domain| format!("@{domain}")).unwrap_or_default();
            self.put(&path, "account", format!("{}{domain}", user.user));
            self.put(&path, "password", format!("{:?}", user.password));
            let groups = &self.config.groups;
            let group = user.group.and_then(|at| groups.get(at)).map(|group| &group.name);
            self.put_some(&path, "group", group);
            let policies = &self.config.policies;
            let policy = user.policy.and_then(|at| policies.get(at)).map(|policy| &policy.name);
            self.put_some(&path, "policy", policy);
            self.put(&path, "numbers", list(user.numbers.iter().map(|(a, b)| format!("{a}..{b}"))));
        }
        let (asked, inner) = (&users.authenticate, format!("{path}.authenticate"));
        self.put_some(&inner, "realm", asked.realm.as_ref());
        self.put(&inner, "algorithms", list(&asked.algorithms));
        self.put(&inner, "qop", list(&asked.qop));
        self.put(&inner, "requests", list(&asked.requests));
        self.put(&inner, "caller", asked.caller);
        self.put(&inner, "presents", asked.presents);
        self.put(&inner, "nonce_life", written(asked.nonce_life));
        self.put(&inner, "lock_after", asked.lock_after);
        self.put(&inner, "lock_for", written(asked.lock_for));
        let Some(registrar) = &users.registrar else { return };
        let inner = format!("{path}.registrar");
        self.put(&inner, "domains", list(&registrar.domains));
        self.put(&inner, "expires_min", written(registrar.expires_min));
        self.put(&inner, "expires_max", written(registrar.expires_max));
        self.put(&inner, "expires", written(registrar.expires));
        self.put(&inner, "contacts_max", registrar.contacts_max);
        self.put(&inner, "when_full", registrar.when_full);
        self.put(&inner, "outbound", registrar.outbound);
        self.put(&inner, "flow_timer", length_or_off(registrar.flow_timer));
        self.put(&inner, "reach", registrar.reach);
        self.put(&inner, "calls_to", registrar.calls_to);
    }
}
