//! Header rules, and how media flow.

use super::{Sheet, list};
use crate::model::{HeaderPolicy, HeaderRules, Policy, Reveal};

impl Sheet<'_> {
    pub(super) fn media(&mut self, path: &str, policy: &Policy) {
        self.put(path, "media", policy.media);
        self.put(path, "fax", policy.fax);
        self.put(path, "media_location", policy.media_location);
        self.put(path, "latch", policy.latch);
        self.put(path, "ice", policy.ice);
        for (key, on) in [("rtcp_active", policy.rtcp.active), ("rtcp_held", policy.rtcp.held)] {
            self.put(path, key, on);
        }
        self.put(path, "rtcp", policy.rtcp.source);
        self.put(path, "rtcp_xr", policy.rtcp.extended);
        self.put(path, "rtp_keepalive", policy.rtcp.keepalive);
        self.put(path, "srtp", policy.srtp.mode);
        self.put(path, "srtp_over_plain", policy.srtp.over_plain);
        self.put(path, "srtp_keys", list(&policy.srtp.keys));
        self.put(path, "dtls_setup", policy.srtp.setup);
        self.put(path, "dtls_answer", policy.srtp.answer);
        self.put(path, "srtp_suites", list(&policy.srtp.suites));
        self.put(path, "srtp_t38", policy.srtp.t38);
    }

    pub(super) fn headers(&mut self, path: &str, policy: &HeaderPolicy) {
        self.put(path, "headers_strip", list(&policy.strip));
        let topology = policy.topology;
        let shown = [
            (Reveal::AlertInfo, topology.alert_info),
            (Reveal::Text, topology.text),
            (Reveal::Session, topology.session),
            (Reveal::Attributes, topology.attributes),
        ];
        self.put(path, "topology_pass", list(shown.iter().filter(|(_, on)| *on).map(|(what, _)| what)));
        for (key, rules) in [("header_rules_in", &policy.rules_in), ("header_rules_out", &policy.rules_out)] {
            self.header_rules(&format!("{path}.{key}"), rules);
        }
        let (inner, count) = (format!("{path}.header_tests"), policy.tests.len());
        if count > 0 {
            self.put(&inner, "count", count);
        }
    }

    fn header_rules(&mut self, path: &str, rules: &HeaderRules) {
        for (index, rule) in rules.0.iter().enumerate() {
            let inner = format!("{path}[{}]", index + 1);
            self.put(&inner, "on", list(&rule.on));
            self.put(&inner, "do", format!("{} {}", rule.deed, rule.header));
            self.put_some(&inner, "match", rule.pattern.as_ref().map(|p| p.source().to_owned()));
            self.put_some(&inner, "value", Some(&rule.value).filter(|v| !v.is_empty()));
            self.put_some(&inner, "to", Some(&rule.to).filter(|v| !v.is_empty()));
        }
    }
}
