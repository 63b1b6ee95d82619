//! Precedence of the layers, as it is shown and as trunks are built.

#![allow(clippy::unwrap_used)]

use config::model::Words;
use config::{EffectiveError, Format, effective};

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
    let all = effective(TEXT, "t.toml", Format::Toml, (trunk, None)).unwrap();
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
    assert_eq!((value.as_str(), origin.as_str()), ("\"make\"", "profile generic-gateway v2"));
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
    let config = config::parse(TEXT, "t.toml", Format::Toml).unwrap().config;
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
    let error = effective(TEXT, "t.toml", Format::Toml, ("c", None)).unwrap_err();
    assert_eq!(error, EffectiveError::NoTrunk(vec!["a".into(), "b".into()]));
    let error = effective("version = 2", "t.toml", Format::Toml, ("c", None)).unwrap_err();
    assert!(matches!(error, EffectiveError::Invalid(_)));
}

const MORE: &str = r#"version = 1
[listen.in]
address = "10.0.0.1"
sip = ["udp:5060"]
rtp = "20000-20099"
[defaults]
calls_max = 100
cps_out_max = 7
map_response = [{ status = 486, to = 503 }]
quality = { asr_min = 20, window = 40 }
tls = { ca = "/etc/ca.pem" }
[site.london.defaults]
cps_max = 9
quality = { asr_min = 30 }
[trunk.a]
kind = "direct"
listen = "in"
site = "london"
gateways = ["10.0.0.2"]
calls_max = 10
map_response = []
tls = { name = "pbx.example" }
[trunk.b]
kind = "direct"
listen = "in"
gateways = ["10.0.0.3"]
"#;

#[test]
fn limits_mappings_quality_and_tls_come_from_scopes_too() {
    let setting = |trunk: &str, key: &str| {
        let all = effective(MORE, "t.toml", Format::Toml, (trunk, None)).unwrap();
        let one = all.settings.into_iter().find(|s| s.key == key).unwrap();
        (one.to_string(), one.origin.to_string(), one.place.as_ref().map_or(0, |(_, place)| place.line))
    };
    let own = |value: &str, origin: &str, line| (value.to_owned(), origin.to_owned(), line);
    assert_eq!(setting("a", "calls_max"), own("10", "trunk", 20));
    assert_eq!(setting("b", "calls_max"), own("100", "defaults", 7));
    assert_eq!(setting("a", "cps_max"), own("9", "site london", 13));
    assert_eq!(setting("a", "cps_out_max"), own("7", "defaults", 8));
    assert_eq!(setting("a", "map_response"), own("[]", "trunk", 21));
    assert_eq!(setting("b", "map_response"), own("[{ status = 486, to = 503 }]", "defaults", 9));
    assert_eq!(setting("a", "quality.asr_min"), own("30", "site london", 14));
    assert_eq!(setting("a", "quality.window"), own("40", "defaults", 10));
    assert_eq!(setting("a", "tls.ca"), own("\"/etc/ca.pem\"", "defaults", 11));
    assert_eq!(setting("a", "tls.name"), own("\"pbx.example\"", "trunk", 22));
    let config = config::parse(MORE, "t.toml", Format::Toml).unwrap().config;
    let [a, b] = [&config.trunks[0], &config.trunks[1]];
    assert_eq!((a.calls_max, b.calls_max, a.cps_max, b.cps_max), (Some(10), Some(100), Some(9), None));
    assert_eq!((a.each_way.cps_out_max, a.map_response.len(), b.map_response.len()), (Some(7), 0, 1));
    let quality = a.quality.as_ref().unwrap();
    assert_eq!((quality.asr_min, quality.window), (Some(30), 40));
    assert_eq!((a.tls.ca.as_deref(), b.tls.ca.as_deref()), (Some("/etc/ca.pem"), Some("/etc/ca.pem")));
    assert_eq!(a.tls.name.as_deref(), Some("pbx.example"));
}

#[test]
fn faults_in_scopes_are_told_where_they_stand() {
    let text = MORE.replace("status = 486", "status = 302");
    let error = config::parse(&text, "t.toml", Format::Toml).unwrap_err();
    assert_eq!((error.0[0].line, error.0[0].path.as_str()), (9, "defaults.map_response[0].status"));
    let text = MORE.replace("tls = { ca = \"/etc/ca.pem\" }", "tls = { name = \"x.example\" }");
    let error = config::parse(&text, "t.toml", Format::Toml).unwrap_err();
    assert_eq!((error.0[0].code, error.0[0].path.as_str()), ("unknown-key", "defaults.tls.name"));
}

#[test]
fn one_trunk_may_leave_the_quality_that_its_scope_judges() {
    let everywhere =
        TEXT.replace("ring_timeout = \"100s\"\n", "ring_timeout = \"100s\"\nquality = { asr_min = 40 }\n");
    let off =
        everywhere.replace("options_misses = 2\n", "options_misses = 2\nquality = { enabled = false }\n");
    let judged = |text: &str| {
        let config = config::parse(text, "t.toml", Format::Toml).unwrap().config;
        config.trunks.iter().map(|t| t.quality.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(judged(TEXT), [false, false]);
    assert_eq!(judged(&everywhere), [true, true]);
    assert_eq!(judged(&off), [false, true]);
    let site =
        everywhere.replace("options_misses = 3\n", "options_misses = 3\nquality = { enabled = false }\n");
    assert_eq!(judged(&site), [false, true]);
    let again = site.replace("options_misses = 2\n", "options_misses = 2\nquality = { enabled = true }\n");
    assert_eq!(judged(&again), [true, true], "the most specific holds");
    let settings = effective(&off, "t.toml", Format::Toml, ("a", None)).unwrap().settings;
    let shown = settings.iter().find(|s| s.key == "quality.enabled").unwrap();
    assert_eq!((shown.to_string(), shown.origin.to_string()), ("false".to_owned(), "trunk".to_owned()));
}

#[test]
fn what_holds_for_a_user_is_told_with_its_scope() {
    let text = format!(
        r#"default_policy = "all"
external_prefix = "0"
{TEXT}
[policy.all]
usages = ["out"]
[policy.sales]
usages = ["out"]
[policy.boss]
usages = ["out"]
[group.sales]
policy = "sales"
external_prefix = "9"
[[trunk.b.users]]
username = "anna"
password = {{ credential = "anna" }}
group = "sales"
[[trunk.b.users]]
username = "ben"
password = {{ credential = "ben" }}
group = "sales"
policy = "boss"
[[trunk.b.users]]
username = "carl"
password = {{ credential = "carl" }}
[[dialplan]]
name = "everybody"
match = "1"
to = "+1"
[[dialplan]]
name = "of-sales"
match = "2"
to = "+2"
group = "sales"
[[dialplan]]
name = "of-b"
match = "3"
to = "+3"
trunk = "b"
[[route]]
name = "out"
usages = ["out"]
to = "a"
"#
    );
    let told = |user: Option<&str>, key: &str| {
        let settings = effective(&text, "t.toml", Format::Toml, ("b", user)).unwrap().settings;
        let one = settings.into_iter().find(|s| s.key == key).unwrap();
        (one.to_string(), one.origin.to_string())
    };
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(told(Some("anna"), "policy"), is("\"sales\"", "group sales"));
    assert_eq!(told(Some("ben"), "policy"), is("\"boss\"", "user ben"));
    assert_eq!(told(Some("carl"), "policy"), is("\"all\"", "top level"));
    assert_eq!(told(Some("anna"), "external_prefix"), is("\"9\"", "group sales"));
    assert_eq!(told(None, "external_prefix"), is("\"0\"", "top level"));
    let rules = is("[\"of-sales\", \"of-b\", \"everybody\"]", "group sales");
    assert_eq!(told(Some("anna"), "dialplan"), rules);
    assert_eq!(told(None, "dialplan"), is("[\"of-b\", \"everybody\"]", "trunk"));
    let nobody = effective(&text, "t.toml", Format::Toml, ("b", Some("dora")));
    assert_eq!(nobody.unwrap_err(), EffectiveError::NoUser(vec!["anna".into(), "ben".into(), "carl".into()]));
}

/// Trunk `a` names no place and its gateways are in Berlin, `b` is of Berlin and has a gateway by name, `c` and its gateway are
/// nowhere.
const PLACED: &str = r#"version = 1
[listen.in]
address = "10.0.0.1"
sip = ["udp:5060"]
rtp = "20000-20099"
[site.berlin]
subnets = ["10.10.0.0/16"]
policy = "city"
external_prefix = "9"
[site.munich]
subnets = ["10.20.0.0/16"]
[policy.city]
usages = ["out"]
[trunk.a]
kind = "direct"
listen = "in"
gateways = ["10.10.0.2", "10.10.0.3"]
[trunk.b]
kind = "direct"
listen = "in"
site = "berlin"
gateways = ["pbx.example.com"]
[trunk.c]
kind = "direct"
listen = "in"
gateways = ["10.30.0.2"]
[[dialplan]]
name = "of-berlin"
match = "3"
to = "+3"
site = "berlin"
[[route]]
name = "out"
usages = ["out"]
to = "a"
"#;

#[test]
fn a_trunk_whose_gateways_are_in_a_sites_networks_has_what_the_site_says() {
    let all = |trunk: &str| effective(PLACED, "t.toml", Format::Toml, (trunk, None)).unwrap();
    let told = |trunk: &str, key: &str| {
        let one = all(trunk).settings.into_iter().find(|s| s.key == key).unwrap();
        (one.to_string(), one.origin.to_string())
    };
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    for trunk in ["a", "b"] {
        assert_eq!(told(trunk, "policy"), is("\"city\"", "[site.berlin]"), "{trunk}");
        assert_eq!(told(trunk, "external_prefix"), is("\"9\"", "[site.berlin]"), "{trunk}");
        assert_eq!(told(trunk, "dialplan"), is("[\"of-berlin\"]", "[site.berlin]"), "{trunk}");
    }
    assert_eq!(told("c", "policy").1, "built-in");
    let place = all("a").place;
    assert_eq!((place.site.as_deref(), place.by_gateways, place.others.len()), (Some("berlin"), true, 0));
    assert!(place.to_string().contains("at berlin: its gateways are"), "{place}");
    let place = all("b").place;
    assert_eq!((place.site.as_deref(), place.by_gateways), (Some("berlin"), false));
    assert_eq!(place.others, ["munich"], "the name may lead anywhere");
    assert!(place.to_string().contains("of another site (munich)"), "{place}");
    assert_eq!(all("c").place.to_string(), "");
}

#[test]
fn warnings_about_policies_look_at_every_place_where_callers_may_be() {
    let warned = |text: &str, code: &str| {
        let found = config::parse(text, "t.toml", Format::Toml).unwrap().warnings;
        found.iter().any(|warning| warning.code == code)
    };
    let bare = PLACED.replace("\nusages = [\"out\"]\nto", "\nto");
    assert!(!warned(&bare, "no-usage"), "callers of c are nowhere and have no policy");
    let policies = bare.replace(
        "listen = \"in\"\ngateways = [\"10.30",
        "listen = \"in\"\npolicy = \"city\"\ngateways = [\"10.30",
    );
    assert!(!warned(&policies, "no-usage"), "the callers of b may be in Munich, which has none");
    assert!(warned(&policies.replace("pbx.example.com", "10.10.0.9"), "no-usage"));
    let provider = PLACED.replace("[trunk.c]\nkind = \"direct\"", "[trunk.c]\nkind = \"itsp\"");
    let provider = provider.replace("[trunk.a]\nkind = \"direct\"", "[trunk.a]\nkind = \"itsp\"");
    assert!(warned(&provider, "provider-to-provider"), "who calls by c is held off by nothing");
    let held = provider.replace("10.30.0.2", "10.10.0.7").replace("[\"out\"]\n[trunk", "[\"in\"]\n[trunk");
    assert!(
        !warned(&held, "provider-to-provider"),
        "the place of its gateway has a policy without the route"
    );
}

#[test]
fn a_trunk_kept_to_its_site_needs_one_or_networks_around_its_gateways() {
    let kept = |trunk: &str| {
        let text =
            PLACED.replace(&format!("[trunk.{trunk}]\n"), &format!("[trunk.{trunk}]\nsite_only = true\n"));
        config::parse(&text, "t.toml", Format::Toml).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!((kept("a"), kept("b")), (Ok(()), Ok(())));
    let error = kept("c").unwrap_err();
    assert!(error.contains("no `subnets` hold its gateways"), "{error}");
}

#[test]
fn rules_of_the_nodes_own_site_hold_without_a_table_of_that_site() {
    let text = PLACED.replace("version = 1\n", "version = 1\nnode = { site = \"hq\" }\n")
        + "[trunk.d]\nkind = \"direct\"\nlisten = \"in\"\nsite = \"hq\"\ngateways = [\"10.77.0.1\"]\n\
           [[dialplan]]\nname = \"hqrule\"\nsite = \"hq\"\nmatch = \"9\"\nto = \"+49\"\n";
    let told = effective(&text, "t.toml", Format::Toml, ("d", None)).unwrap();
    let rules = told.settings.iter().find(|setting| setting.key == "dialplan").unwrap();
    assert_eq!(rules.value, Some(serde_json::json!(["hqrule"])), "{rules:?}");
}
