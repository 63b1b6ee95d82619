//! Whole configurations: what is understood, and what it becomes.

#![allow(clippy::unwrap_used, clippy::panic)]

use config::*;
use std::time::Duration;

const DESIGN: &str = include_str!("data/design.toml");
const EXAMPLE: &str = include_str!("../../../docs/examples/tronco.toml");

fn good(text: &str) -> Config {
    let loaded = parse(text, "t.toml", Format::Toml).unwrap_or_else(|e| panic!("{e}"));
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
    loaded.config
}

/// A small configuration with more text behind it.
fn with(more: &str) -> String {
    format!(
        "version = 1\n[listen.in]\naddress = \"10.0.0.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20099\"\n\
         [trunk.pbx]\nkind = \"direct\"\nlisten = \"in\"\ngateways = [\"10.0.0.2\"]\n{more}"
    )
}

#[test]
fn the_design_sample_lacks_only_what_is_not_built() {
    let errors = parse(DESIGN, "design.toml", Format::Toml).unwrap_err();
    let found: Vec<(u32, &str, &str)> = errors.0.iter().map(|d| (d.line, d.code, d.path.as_str())).collect();
    let later = "not-supported-yet";
    assert_eq!(
        found,
        [(19, later, "site.london.on_wan_down"), (20, later, "site.london.emergency"),],
        "{errors}"
    );
}

/// The design's sample without those keys, and with gateways for the trunk that would have registered.
#[test]
fn the_rest_of_the_design_sample_is_understood() {
    let unbuilt = ["on_wan_down", "emergency"];
    let lines = DESIGN.lines().filter(|l| !unbuilt.iter().any(|key| l.starts_with(key)));
    let text = lines
        .map(|l| l.replace("telekom-companyflex\"", "telekom-companyflex\"\ngateways = [\"tel.example\"]"));
    let loaded = parse(&text.collect::<Vec<_>>().join("\n"), "design.toml", Format::Toml);
    let Loaded { config, warnings, .. } = loaded.unwrap_or_else(|e| panic!("{e}"));
    let codes: Vec<&str> = warnings.iter().map(|w| w.code).collect();
    assert_eq!(codes, ["closed-port", "provider-to-provider"]);
    assert_eq!(config.country.map(|c| c.calling_code), Some("49"));
    assert_eq!(config.node, Node { name: "ber-1".into(), site: Some("berlin".into()) });
    let outside = &config.listens[1];
    assert_eq!(outside.sip_host().to_string(), "203.0.113.10");
    assert_eq!(outside.rtp, Some(PortRange { first: 30000, last: 39999 }));
    assert_eq!(outside.tls.as_ref().map(|t| &t.key), Some(&Secret::Credential("tls-key".into())));
    let [flex, elastic, pbx] = ["flex", "elastic", "pbx"].map(|name| config.trunk_named(name).unwrap());
    assert_eq!(config.trunk(pbx).unwrap().policy.diversion, PassStrip::Pass);
    assert_eq!(config.trunk(pbx).unwrap().policy.early_offer, EarlyOffer::Make);
    assert_eq!(config.trunk(elastic).unwrap().cps_max, Some(5));
    let password = Secret::File("/run/secrets/elastic".into());
    assert_eq!(
        config.trunk(elastic).unwrap().login.accounts,
        [Account {
            user: "acme".into(),
            domain: None,
            username: "acme".into(),
            password,
            numbers: Vec::new(),
            from_user: None,
            policy: None,
            group: None,
        }]
    );
    assert_eq!(config.routes[0].to, [vec![(flex, 80), (elastic, 20)], vec![(elastic, 1), (flex, 1)]]);
    assert_eq!(config.numbers[0].deliver, [pbx]);
    assert_eq!(config.tests[0].to, "0044 1632 960001");
    assert_eq!(config.tests[0].expect.route.as_deref(), Some("world"));
}

#[test]
fn the_documented_example_has_nothing_doubtful() {
    let config = good(EXAMPLE);
    assert_eq!((config.trunks.len(), config.gateways.len(), config.routes.len()), (4, 6, 3));
    let vpn = config.trunk(config.trunk_named("vpn").unwrap()).unwrap();
    assert_eq!(vpn.profile.name, "generic-itsp");
    assert_eq!(vpn.failover_after, Duration::from_secs(4));
    assert_eq!(
        vpn.policy.session_timer,
        SessionTimer {
            expires: Some(1800),
            min_se: 120,
            refresher: Refresher::Auto,
            refresh_by: RefreshBy::Auto
        }
    );
    assert_eq!(vpn.policy.number_format, NumberFormat::International);
    assert_eq!(config.dialplan[0].scope, Scope::Site("london".into()));
    assert_eq!(config.routes[0].to.len(), 2);
}

#[test]
fn the_smallest_configuration_has_the_documented_defaults() {
    let config = good("version = 1\n[listen.a]\naddress = \"127.0.0.1\"\nsip = [\"udp:5060\"]\n");
    assert_eq!(config.node, Node { name: "tronco".into(), site: None });
    assert_eq!(
        config.records,
        Records {
            path: Some("/var/lib/tronco".into()),
            jsonl: None,
            keep_days: 60,
            sync: Some(Duration::from_secs(1))
        }
    );
    let limits =
        Limits { calls_max: 20_000, early_dialogs_max: 20, transactions_max: 200_000, message_max: 65_535 };
    assert_eq!(config.limits, limits);
    assert_eq!(config.api.socket, "/run/tronco/tronco.sock");
    assert_eq!(config.signalling.drain_timeout, Duration::from_secs(30));
    assert_eq!((config.signalling.t1_ms, config.signalling.max_forwards), (500, 70));
    let listen = &config.listens[0];
    assert_eq!((listen.dscp_media, listen.dscp_sip, listen.udp_max), (46, 24, 1300));
    assert_eq!((listen.rtp, &listen.tls), (None, &None));
}

#[test]
fn a_trunk_has_the_documented_defaults() {
    let config = good(&with(""));
    let trunk = &config.trunks[0];
    assert_eq!(trunk.profile.name, "generic-pbx");
    assert_eq!(trunk.retry_on, [408, 500, 502, 503, 504]);
    assert_eq!(trunk.failover_after, Duration::from_secs(10));
    assert_eq!(trunk.ring_timeout, Duration::from_secs(180));
    assert_eq!(trunk.options_interval, Some(Duration::from_secs(60)));
    assert_eq!(trunk.options_misses, 5);
    assert!(trunk.enabled && trunk.tls.verify);
    let policy = &trunk.policy;
    assert_eq!(
        (policy.media, policy.latch, policy.ice, policy.transfer.refer),
        (MediaMode::Anchor, Latch::Off, Ice::Off, Refer::Refuse)
    );
    assert_eq!((policy.prack, policy.hold), (Prack::Supported, Hold::Pass));
    assert_eq!(policy.offer_codecs, ["PCMA", "PCMU", "telephone-event"]);
    assert_eq!(policy.media_timeout, Some(Duration::from_secs(30)));
    assert_eq!(policy.number_format, NumberFormat::E164Plus);
}

#[test]
fn off_means_off_and_seconds_may_be_bare() {
    let config = good(&with(
        "options_interval = 0\nfailover_after = 4\noverride = { media_timeout = \"0s\", session_timer = { expires = 0 } }\n\
         [records]\npath = \"off\"\n",
    ));
    let trunk = &config.trunks[0];
    assert_eq!((trunk.options_interval, trunk.policy.media_timeout), (None, None));
    assert_eq!(trunk.policy.session_timer.expires, None);
    assert_eq!(trunk.failover_after, Duration::from_secs(4));
    assert_eq!(config.records.path, None);
}

#[test]
fn codecs_of_our_offers_follow_the_country() {
    let american = with("").replace("version = 1\n", "version = 1\ncountry = \"US\"\n");
    assert_eq!(good(&american).trunks[0].policy.offer_codecs, ["PCMU", "PCMA", "telephone-event"]);
    let chosen = with("override = { offer_codecs = [\"G722\", \"PCMA\"] }\n");
    assert_eq!(good(&chosen).trunks[0].policy.offer_codecs, ["G722", "PCMA"]);
}

#[test]
fn codecs_are_free_unless_they_are_named() {
    let codecs = &good(&with("")).trunks[0].policy.codecs;
    assert!(codecs.allowed.is_empty() && !codecs.locked);
    assert_eq!((codecs.ptime_ms, codecs.transcode), (None, Transcode::Needed));
    assert_eq!(codecs.payload_types, config::PayloadTypes::Agreed);
    let text = "override = { codecs = [\"G722\", \"PCMA\"], codecs_locked = true, transcode = \"never\", payload_types = \"any\" }\n";
    let codecs = &good(&with(text)).trunks[0].policy.codecs;
    assert_eq!(codecs.allowed, ["G722", "PCMA"]);
    assert_eq!((codecs.locked, codecs.transcode), (true, Transcode::Never));
    assert_eq!(codecs.payload_types, config::PayloadTypes::Any);
    let codecs = &good(&with("override = { ptime = 30 }\n")).trunks[0].policy.codecs;
    assert_eq!(codecs.ptime_ms, Some(30));
}

#[test]
fn routes_take_all_their_short_forms() {
    let config = good(&with(
        "[trunk.b]\nkind = \"direct\"\nlisten = \"in\"\ngateways = [\"10.0.0.3\"]\n\
         [[route]]\nname = \"one\"\nmatch = { called = \"100\" }\nto = \"pbx\"\n\
         [[route]]\nname = \"two\"\nmatch = { called = \"/2[0-9]+/\", on = \"b\" }\nto = [\"pbx\", \"b:7\"]\n\
         [[route]]\nname = \"mixed\"\nto = [\"b\", [\"pbx:3\", \"b:1\"]]\nretry_on = []\n",
    ));
    let (pbx, b) = (TrunkId(0), TrunkId(1));
    assert_eq!(config.routes[0].to, [vec![(pbx, 1)]]);
    assert_eq!(config.routes[0].match_called, Some(Pattern::Exact("100".into())));
    assert_eq!(config.routes[1].to, [vec![(pbx, 1)], vec![(b, 7)]]);
    assert_eq!(config.routes[1].match_on, [b]);
    assert!(matches!(&config.routes[1].match_called, Some(Pattern::Expression(e)) if e.is_match("21")));
    assert_eq!(config.routes[2].to, [vec![(b, 1)], vec![(pbx, 3), (b, 1)]]);
    assert_eq!(config.routes[2].retry_on, Some(vec![]));
    assert_eq!((config.routes[0].retry_on.clone(), &config.routes[2].match_called), (None, &None));
}

#[test]
fn secrets_are_places_or_hidden() {
    let tls = "tls = { verify = true, ca = \"ca.pem\", client_cert = \"c.pem\", client_key = KEY, peer_names = [\"sbc.example\"] }\n";
    let key = |key: &str| parse(&with(&tls.replace("KEY", key)), "t", Format::Toml).unwrap();
    let of = |loaded: &Loaded| loaded.config.trunks[0].tls.client_key.clone();
    assert_eq!(of(&key("{ credential = \"k\" }")), Some(Secret::Credential("k".into())));
    assert_eq!(of(&key("{ file = \"/k\" }")), Some(Secret::File("/k".into())));
    assert_eq!(of(&key("{ env = \"K\" }")), Some(Secret::Env("K".into())));
    let inline = key("\"hunter2\"");
    assert_eq!(inline.warnings[0].code, "inline-secret");
    assert!(matches!(of(&inline), Some(Secret::Inline(hidden)) if hidden.reveal() == "hunter2"));
    assert!(!format!("{:?}", inline.config).contains("hunter2"));
    assert!(!format!("{:?}", diff(&key("{ env = \"K\" }").config, &inline.config)).contains("hunter2"));
}

#[test]
fn json_of_the_same_schema_gives_the_same_picture() {
    let json = r#"{ "version": 1,
        "listen": { "in": { "address": "10.0.0.1", "sip": ["udp:5060"], "rtp": "20000-20099" } },
        "trunk": { "pbx": { "kind": "direct", "listen": "in", "gateways": ["10.0.0.2"] } } }"#;
    let from_json = parse(json, "t.json", Format::Json).unwrap();
    assert_eq!(from_json.config, good(&with("")));
}

#[test]
fn names_keep_the_order_of_the_text() {
    let config = good(
        "version = 1\nlisten.z = { address = \"10.0.0.1\", sip = [\"udp:5060\"] }\n\
         listen.a = { address = \"10.0.0.2\", sip = [\"udp:5060\"] }\n",
    );
    assert_eq!(config.listens.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(config.listen_named("a"), Some(ListenId(1)));
}

#[test]
fn differences_are_told_by_name() {
    let old = good(&with("calls_max = 10\n"));
    let new = good(
        &with("calls_max = 20\n[[route]]\nname = \"r\"\nto = \"pbx\"\n")
            .replace("\"udp:5060\"", "\"udp:5062\""),
    );
    let told: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "~ listen.in.sip: [udp:5060] -> [udp:5062] (needs a restart)",
            "+ route.r.place = 1",
            "+ route.r.priority = 100",
            "+ route.r.to = [[pbx:1]]",
            "~ trunk.pbx.calls_max: 10 -> 20",
        ]
    );
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn an_organisation_of_many_numbers_and_routes_is_read() {
    let mut text = with("");
    for n in 0..50_000 {
        text.push_str(&format!("[[numbers]]\nrange = \"+49302{n:06}\"\ndeliver = \"pbx\"\n"));
    }
    for n in 0..2_000 {
        text.push_str(&format!(
            "[[route]]\nname = \"r{n}\"\nmatch = {{ called = \"+1{n:04}*\" }}\nto = \"pbx\"\n"
        ));
    }
    let config = good(&text);
    assert_eq!((config.numbers.len(), config.routes.len()), (50_000, 2_000));
}
