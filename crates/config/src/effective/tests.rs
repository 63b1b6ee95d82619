//! Precedence of the layers, as it is shown and as trunks are built.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::Words;

const TEXT: &str = r#"version = 1
country = "US"
[listen.in]
address = "10.0.0.1"
sip = ["udp:5060"]
rtp = "20000-20099"

[defaults]
failover_after = "8s"
ring_timeout = "100s"
override = { hold = "inactive", caller = { read = ["pai", "from"], display = "strip" } }

[site.london.defaults]
ring_timeout = "90s"
options_misses = 3
[site.london.defaults.override]
hold = "sendonly"
caller = { display = "pass" }

[site.paris]

[trunk.a]
kind = "direct"
profile = "generic-gateway"
listen = "in"
site = "london"
gateways = ["10.0.0.2"]
options_misses = 2
override = { user_phone = false }

[trunk.b]
kind = "direct"
listen = "in"
site = "paris"
gateways = ["10.0.0.3"]
"#;

fn setting(trunk: &str, key: &str) -> (String, String, Option<u32>) {
    let all = effective(TEXT, "t.toml", Format::Toml, trunk).unwrap();
    let one = all.settings.into_iter().find(|s| s.key == key).unwrap();
    let line = one.place.as_ref().map(|(_, place)| place.line);
    (one.to_string(), one.origin.to_string(), line)
}

#[test]
fn each_setting_tells_the_most_specific_place_that_says_it() {
    let own = |value: &str, origin: &str, line| (value.to_owned(), origin.to_owned(), Some(line));
    assert_eq!(setting("a", "options_misses"), own("2", "trunk", 28));
    assert_eq!(setting("a", "override.user_phone"), own("false", "override", 29));
    assert_eq!(setting("a", "ring_timeout"), own("\"90s\"", "site london", 14));
    assert_eq!(setting("a", "override.hold"), own("\"sendonly\"", "site london", 17));
    assert_eq!(setting("a", "failover_after"), own("\"8s\"", "defaults", 9));
    assert_eq!(setting("a", "override.caller.read"), own("[\"pai\", \"from\"]", "defaults", 11));
    assert_eq!(setting("a", "override.caller.display"), own("\"pass\"", "site london", 18));
    let (value, origin, line) = setting("a", "override.early_offer");
    assert_eq!((value.as_str(), origin.as_str()), ("\"make\"", "profile generic-gateway v1"));
    assert!(line.is_some());
    assert_eq!(setting("b", "ring_timeout"), own("\"100s\"", "defaults", 10));
    assert_eq!(setting("b", "override.hold"), own("\"inactive\"", "defaults", 11));
}

#[test]
fn what_nobody_says_is_built_in() {
    assert_eq!(setting("b", "override.media"), ("\"anchor\"".into(), "built-in".into(), None));
    let codecs = "[\"PCMU\", \"PCMA\", \"telephone-event\"]";
    assert_eq!(setting("b", "override.offer_codecs"), (codecs.into(), "built-in".into(), None));
    assert_eq!(setting("b", "calls_max"), ("(no limit but the node's)".into(), "built-in".into(), None));
}

/// What is shown is what calls get.
#[test]
fn the_trunk_is_built_from_the_same_layers() {
    let config = crate::parse(TEXT, "t.toml", Format::Toml).unwrap().config;
    let [a, b] = [&config.trunks[0], &config.trunks[1]];
    assert_eq!((a.options_misses, a.ring_timeout.as_secs(), a.failover_after.as_secs()), (2, 90, 8));
    assert_eq!((b.options_misses, b.ring_timeout.as_secs(), b.failover_after.as_secs()), (5, 100, 8));
    assert_eq!((a.policy.hold.token(), b.policy.hold.token()), ("sendonly", "inactive"));
    assert_eq!((a.policy.caller.display.token(), b.policy.caller.display.token()), ("pass", "strip"));
    assert_eq!(a.policy.caller.read.len(), 2);
    assert!(!a.policy.user_phone);
}

#[test]
fn a_trunk_that_is_not_there_is_told_with_those_that_are() {
    let error = effective(TEXT, "t.toml", Format::Toml, "c").unwrap_err();
    assert_eq!(error, EffectiveError::NoTrunk(vec!["a".into(), "b".into()]));
    let error = effective("version = 2", "t.toml", Format::Toml, "c").unwrap_err();
    assert!(matches!(error, EffectiveError::Invalid(_)));
}
