//! A picture as paths and values.

mod codecs;
mod dialog;
mod headers;
mod usage;
mod users;

use crate::forms::time::written;
use crate::model::{
    Caller, Config, Listen, Pattern, Pilot, Policy, Route, Scope, Test, Tier, TierOrder, Transfers,
    Translate, Trunk, TrunkTls,
};
use base::TrunkId;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::time::Duration;

/// Paths and values of one picture.
pub(super) fn lay_out(config: &Config) -> BTreeMap<String, String> {
    let mut sheet = Sheet { config, lines: BTreeMap::new() };
    sheet.root();
    sheet.usages();
    config.listens.iter().for_each(|l| sheet.listen(l));
    config.trunks.iter().for_each(|t| sheet.trunk(t));
    sheet.rates();
    sheet.numbers();
    sheet.dialplan();
    sheet.routes();
    config.tests.iter().for_each(|t| sheet.test(t));
    sheet.lines
}

struct Sheet<'a> {
    config: &'a Config,
    lines: BTreeMap<String, String>,
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

fn length_or_off(length: Option<Duration>) -> String {
    length.map_or_else(|| "off".to_owned(), written)
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Prefix(prefix) => format!("{prefix}*"),
        Pattern::Exact(number) => number.clone(),
        Pattern::Expression(expression) => format!("/{}/", expression.source()),
    }
}

fn pilot(pilot: &Pilot) -> String {
    format!("{} with {} to {} digits", pilot.number, pilot.digits_min, pilot.digits_max)
}

impl Sheet<'_> {
    fn put(&mut self, path: &str, key: &str, value: impl Display) {
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        self.lines.insert(path, value.to_string());
    }

    fn put_some(&mut self, path: &str, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(path, key, value);
        }
    }

    /// For values whose `Debug` hides what must be hidden.
    fn put_debug(&mut self, path: &str, key: &str, value: &Option<impl Debug>) {
        if let Some(value) = value {
            self.put(path, key, format!("{value:?}"));
        }
    }

    fn trunk_name(&self, id: TrunkId) -> String {
        self.config.trunk(id).map_or_else(|| format!("#{}", id.0), |t| t.name.clone())
    }

    fn trunk_names(&self, ids: &[TrunkId]) -> String {
        list(ids.iter().map(|id| self.trunk_name(*id)))
    }

    fn root(&mut self) {
        let config = self.config;
        self.put_some("", "country", config.country.map(|c| c.iso));
        self.put_some("", "external_prefix", config.external_prefix.as_ref());
        self.put("node", "name", &config.node.name);
        self.put_some("node", "site", config.node.site.as_ref());
        for site in &config.sites {
            self.put("site", &site.name, "place");
            self.put(&format!("site.{}", site.name), "subnets", list(&site.subnets));
            self.put_some(&format!("site.{}", site.name), "external_prefix", site.external_prefix.as_ref());
            self.put_some(&format!("site.{}", site.name), "wan_calls_max", site.wan_calls_max);
            self.permissions(&format!("site.{}", site.name), "policy", &site.permissions);
        }
        self.put("records", "path", config.records.path.as_deref().unwrap_or("off"));
        self.put_some("records", "jsonl", config.records.jsonl.as_ref());
        self.put("records", "keep_days", config.records.keep_days);
        self.put("records", "sync", length_or_off(config.records.sync));
        self.put_some("media", "workers", config.media.workers);
        self.put("media", "bypass", config.media.bypass);
        self.put("media", "fast_path", config.media.fast_path);
        self.put("media", "touched_path", config.media.touched_path);
        let (limits, signalling) = (&config.limits, &config.signalling);
        self.put("limits", "calls_max", limits.calls_max);
        self.put("limits", "early_dialogs_max", limits.early_dialogs_max);
        self.put("limits", "transactions_max", limits.transactions_max);
        self.put("limits", "message_max", limits.message_max);
        self.put("api", "socket", &config.api.socket);
        self.put("log", "level", config.log.level);
        self.put("log", "format", config.log.format);
        self.put("signalling", "drain_timeout", written(signalling.drain_timeout));
        self.put("signalling", "max_forwards", signalling.max_forwards);
        self.put("signalling", "t1_ms", signalling.t1_ms);
        self.put("signalling", "t2_ms", signalling.t2_ms);
        self.put("signalling", "t4_ms", signalling.t4_ms);
    }

    fn listen(&mut self, listen: &Listen) {
        let path = format!("listen.{}", listen.name);
        self.put(&path, "address", listen.address);
        self.put_some(&path, "advertise", listen.advertise.as_ref());
        self.put(&path, "sip", list(&listen.sip));
        self.put_some(&path, "rtp", listen.rtp);
        self.put_some(&path, "media_address", listen.media_address);
        self.put_some(&path, "media_advertise", listen.media_advertise);
        self.put(&path, "dns", list(&listen.dns));
        if let Some(tls) = &listen.tls {
            let inner = format!("{path}.tls");
            self.put(&inner, "cert", &tls.cert);
            self.put(&inner, "key", format!("{:?}", tls.key));
            self.put_some(&inner, "client_ca", tls.client_ca.as_ref());
            self.put(&inner, "require_client_cert", tls.require_client_cert);
        }
        self.put(&path, "dscp_media", listen.dscp_media);
        self.put(&path, "dscp_sip", listen.dscp_sip);
        self.put(&path, "udp_max", listen.udp_max);
    }

    fn trunk(&mut self, trunk: &Trunk) {
        let path = format!("trunk.{}", trunk.name);
        let config = self.config;
        self.put(&path, "kind", trunk.kind);
        self.put(&path, "profile", &trunk.profile.name);
        self.put_some(&path, "listen", config.listen(trunk.listen).map(|l| &l.name));
        self.put_some(&path, "site", trunk.site.as_ref());
        self.put(&path, "site_only", trunk.site_only);
        self.put(&path, "bypass", list(&trunk.bypass));
        self.put_some(&path, "media_address", trunk.media_address.as_ref());
        self.permissions(&path, "policy", &trunk.permissions);
        self.put(&path, "transit", trunk.transit);
        self.put(&path, "pstn", trunk.pstn);
        self.put(&path, "enabled", trunk.enabled);
        self.record(&path, trunk.record);
        let gateways = trunk.gateways.iter().filter_map(|id| config.gateway(*id));
        self.put(&path, "gateways", list(gateways.map(|g| &g.text)));
        self.put(&path, "sources", list(&trunk.sources));
        self.put_some(&path, "domain", trunk.domain.as_ref());
        self.accounts(&path, trunk);
        self.users(&path, &trunk.users);
        self.put_some(&path, "calls_max", trunk.calls_max);
        self.put_some(&path, "cps_max", trunk.cps_max);
        self.failover(&path, trunk);
        self.put(&path, "retry_on", list(&trunk.retry_on));
        self.put(&path, "failover_after", written(trunk.failover_after));
        self.put(&path, "ring_timeout", written(trunk.ring_timeout));
        self.put(&path, "options_interval", length_or_off(trunk.options_interval));
        self.put(&path, "options_misses", trunk.options_misses);
        self.trunk_tls(&format!("{path}.tls"), &trunk.tls);
        self.put_some(&path, "external_prefix", trunk.external_prefix.as_ref());
        self.put_some(&path, "pilot", trunk.pilot.as_ref().map(pilot));
        self.translate(&format!("{path}.translate"), &trunk.translate);
        self.policy(&format!("{path}.override"), &trunk.policy);
    }

    fn failover(&mut self, path: &str, trunk: &Trunk) {
        self.put_some(path, "calls_in_max", trunk.each_way.calls_in_max);
        self.put_some(path, "calls_out_max", trunk.each_way.calls_out_max);
        self.put_some(path, "cps_in_max", trunk.each_way.cps_in_max);
        self.put_some(path, "cps_out_max", trunk.each_way.cps_out_max);
        self.put(path, "hunt", trunk.hunt.way);
        self.put(path, "forks_max", trunk.hunt.forks_max);
        for (index, rule) in trunk.map_response.iter().enumerate() {
            let any = |part: Option<u16>| part.map_or_else(|| "any".to_owned(), |p| p.to_string());
            let (status, cause) = (any(rule.status), any(rule.cause.map(u16::from)));
            let text = format!("{status} cause {cause} -> {}", rule.to);
            self.put(&format!("{path}.map_response"), &(index + 1).to_string(), text);
        }
        if let Some(quality) = &trunk.quality {
            let inner = format!("{path}.quality");
            self.put_some(&inner, "asr_min", quality.asr_min);
            self.put_some(&inner, "pdd_max", quality.pdd_max.map(written));
            self.put_some(&inner, "acd_min", quality.acd_min.map(written));
            self.put(&inner, "window", quality.window);
            self.put(&inner, "hold", written(quality.hold));
        }
    }

    fn accounts(&mut self, path: &str, trunk: &Trunk) {
        self.put_some(path, "outbound_proxy", trunk.login.proxy_route.as_ref());
        self.put(path, "realm", list(&trunk.login.realms));
        for account in &trunk.login.accounts {
            let path = format!("{path}.accounts.{}", account.username);
            let domain = account.domain.as_ref().map(|domain| format!("@{domain}")).unwrap_or_default();
            self.put(&path, "account", format!("{}{domain}", account.user));
            self.put(&path, "password", format!("{:?}", account.password));
            self.put_some(&path, "from_user", account.from_user.as_ref());
            self.put(&path, "numbers", list(account.numbers.iter().map(|(a, b)| format!("{a}..{b}"))));
        }
        let Some(register) = &trunk.login.register else { return };
        let path = format!("{path}.register");
        self.put(&path, "registrar", &register.registrar);
        self.put(&path, "expires", written(register.expires));
        self.put(&path, "mode", register.mode);
        self.put_some(&path, "contact_user", register.contact_user.as_ref());
        self.put(&path, "pin", register.pin);
        self.put(&path, "health", register.health);
        self.put(&path, "flows", register.flows);
        self.put(&path, "outbound", register.outbound);
        self.put(&path, "keepalive", length_or_off(register.keepalive));
        self.put(&path, "security", register.security);
    }

    fn trunk_tls(&mut self, path: &str, tls: &TrunkTls) {
        self.put(path, "verify", tls.verify);
        self.put_some(path, "name", tls.name.as_ref());
        self.put_some(path, "ca", tls.ca.as_ref());
        self.put_some(path, "client_cert", tls.client_cert.as_ref());
        self.put_debug(path, "client_key", &tls.client_key);
        self.put(path, "peer_names", list(&tls.peer_names));
    }

    fn translate(&mut self, path: &str, translate: &Translate) {
        for (key, rules) in translate.lists() {
            for (index, rule) in rules.iter().enumerate() {
                let on = if rule.ends { "" } else { ", and on" };
                let text = format!("{}: {} -> {}{on}", rule.name, rule.pattern.source(), rule.to);
                self.put(&format!("{path}.{key}"), &(index + 1).to_string(), text);
            }
        }
    }

    fn policy(&mut self, path: &str, policy: &Policy) {
        self.media(path, policy);
        self.put(path, "early_offer", policy.early_offer);
        self.codecs(path, policy);
        self.put(path, "prack", policy.prack);
        let (timer, inner) = (policy.session_timer, format!("{path}.session_timer"));
        self.put(&inner, "expires", timer.expires.map_or_else(|| "off".to_owned(), |e| format!("{e}s")));
        self.put(&inner, "min_se", format!("{}s", timer.min_se));
        self.put(&inner, "refresher", timer.refresher);
        self.put(&inner, "refresh_by", timer.refresh_by);
        self.put(path, "hold", policy.hold);
        self.transfer(path, &policy.transfer);
        self.put(path, "redirect", policy.redirect.then);
        self.put(path, "redirect_max", policy.redirect.max);
        self.put(path, "redirect_taken", policy.redirect.taken);
        self.put(path, "diversion", policy.diversion);
        self.put(path, "history_info", policy.history_info);
        self.put(path, "identity", policy.identity);
        self.caller(&format!("{path}.caller"), &policy.caller);
        let inner = format!("{path}.forwarding");
        self.put(&inner, "read", list(&policy.forwarding.read));
        self.put(&inner, "write", policy.forwarding.write);
        self.put(&inner, "first_is", policy.forwarding.first_is);
        self.put(path, "headers_pass", list(&policy.headers_pass));
        self.put(path, "number_format", policy.number_format);
        self.put(path, "extension", policy.extension);
        self.put(path, "called_from", &policy.called_from);
        self.put(path, "uri", policy.uri);
        self.put_some(path, "phone_context", policy.phone_context.as_ref());
        self.put(path, "user_phone", policy.user_phone);
        self.put(path, "media_timeout", length_or_off(policy.media_timeout));
        self.put(path, "sips", policy.sips);
        self.put(path, "contact", policy.contact);
        self.put_some(path, "user_agent", policy.user_agent.as_ref());
        self.dialog(path, &policy.dialog);
        self.headers(path, &policy.headers);
    }

    fn caller(&mut self, path: &str, caller: &Caller) {
        self.put(path, "trust", caller.trust);
        self.put(path, "read", list(&caller.read));
        self.put(path, "write", caller.write.as_ref().map_or_else(|| "as arrived".to_owned(), list));
        self.put(path, "pai", caller.pai);
        self.put(path, "withheld", caller.withheld);
        self.put(path, "withheld_from", caller.withheld_from);
        self.put(path, "anonymous_host", caller.anonymous_host);
        self.put(path, "display", caller.display);
        self.put_some(path, "display_name", caller.display_name.as_ref());
        self.put(path, "replaced", caller.replaced);
        self.put(path, "charge", caller.charge);
        self.put_some(path, "charge_number", caller.charge_number.as_ref());
        self.put(path, "called_party", caller.called_party);
        self.put(path, "referred_by", caller.referred_by);
        let (screen, inner) = (&caller.screen, format!("{path}.screen"));
        let owned = screen.owned.as_ref();
        self.put_some(&inner, "owned", owned.map(|o| list(o.iter().map(|(a, b)| format!("{a}..{b}")))));
        self.put_some(&inner, "pilot", screen.pilot.as_ref());
        self.put(&inner, "not_owned", screen.not_owned);
    }

    fn rates(&mut self) {
        for table in &self.config.rates {
            let path = format!("rates.{}", table.name);
            self.put(&path, "file", &table.file);
            self.put_some(&path, "trunk", table.trunk.map(|id| self.trunk_name(id)));
            self.put_some(&path, "currency", table.currency.as_ref());
            self.put(&path, "rows", format!("{} (sum {:016x})", table.rates.len(), table.fingerprint));
        }
    }

    fn numbers(&mut self) {
        for range in &self.config.numbers {
            let path = format!("numbers.{}..{}", range.first, range.last);
            let deliver = self.trunk_names(&range.deliver);
            self.put(&path, "deliver", deliver);
        }
    }

    fn dialplan(&mut self) {
        for (index, rule) in self.config.dialplan.iter().enumerate() {
            let path = format!("dialplan.{}", rule.name);
            self.put(&path, "place", index + 1);
            self.put(&path, "match", rule.pattern.source());
            self.put(&path, "to", &rule.to);
            match &rule.scope {
                Scope::Global => {}
                Scope::Site(site) => self.put(&path, "site", site),
                Scope::Trunk(id) => {
                    let name = self.trunk_name(*id);
                    self.put(&path, "trunk", name);
                }
                Scope::Group(at) => {
                    self.put_some(&path, "group", self.config.groups.get(*at).map(|group| &group.name));
                }
            }
        }
    }

    fn routes(&mut self) {
        for (index, route) in self.config.routes.iter().enumerate() {
            self.put(&format!("route.{}", route.name), "place", index + 1);
            self.route(route);
        }
    }

    fn route(&mut self, route: &Route) {
        let path = format!("route.{}", route.name);
        let facts = format!("{path}.match");
        self.put_some(&facts, "called", route.match_called.as_ref().map(pattern));
        self.put_some(&facts, "caller", route.match_caller.as_ref().map(pattern));
        if !route.match_on.is_empty() {
            let on = self.trunk_names(&route.match_on);
            self.put(&facts, "on", on);
        }
        self.terms(&path, route);
        let share = |(id, weight): &(TrunkId, u32)| format!("{}:{weight}", self.trunk_name(*id));
        let tier = |tier: &Tier| list(tier.iter().map(share));
        let tiers = list(route.to.iter().map(tier));
        self.put(&path, "to", tiers);
        if route.order == TierOrder::Cost {
            self.put(&path, "order", route.order);
            self.put(&path, "unrated", route.unrated);
            self.put(&path, "call_length", written(route.call_length));
        }
        self.put_some(&path, "retry_on", route.retry_on.as_ref().map(list));
        self.record(&path, route.record);
    }

    fn test(&mut self, test: &Test) {
        let path = format!("test.{}", test.name);
        let call = format!("on {} from {} to {}", self.trunk_name(test.on), test.from, test.to);
        self.put(&path, "call", call);
        self.put_some(&path, "at", test.at.and_then(usage::moment));
        if !test.down.is_empty() {
            let down = self.trunk_names(&test.down);
            self.put(&path, "down", down);
        }
        let expect = &test.expect;
        let (trunk, inner) = (expect.trunk.map(|id| self.trunk_name(id)), format!("{path}.expect"));
        self.put_some(&inner, "route", expect.route.as_ref());
        self.put_some(&inner, "called", expect.called.as_ref());
        self.put_some(&inner, "calling", expect.calling.as_ref());
        self.put_some(&inner, "trunk", trunk);
        self.put_some(&inner, "called_sent", expect.called_sent.as_ref());
        self.put_some(&inner, "calling_sent", expect.calling_sent.as_ref());
        self.put_some(&inner, "refused", expect.refused);
    }
    fn transfer(&mut self, path: &str, rules: &Transfers) {
        self.put(path, "refer", rules.refer);
        self.put(path, "refer_target", rules.target);
        self.put(path, "refer_max", rules.max);
        self.put(path, "replaces", rules.replaces);
    }
}
