//! Configurations and calls for the tests of routing.
#![allow(dead_code, unreachable_pub, clippy::panic)]

use base::TrunkId;
use config::{Config, Format};
use routing::{Decision, Facts, NoTrace, Plan, Refusal, State, Story, Table};

/// Two providers, a PBX and a gateway; rules and routes come from the test.
pub const BASE: &str = r#"
version = 1
node = { name = "test", site = "berlin" }
[records]
path = "/tmp/none"
[site.berlin]
[listen.inside]
address = "127.0.0.1"
sip = ["udp:5060"]
rtp = "20000-20999"
[listen.outside]
address = "127.0.0.2"
sip = ["udp:5060"]
rtp = "20000-20999"
[trunk.flex]
kind = "itsp"
listen = "outside"
gateways = ["127.0.1.1"]
calls_max = 60
[trunk.elastic]
kind = "itsp"
listen = "outside"
gateways = ["127.0.1.2"]
calls_max = 200
override = { number_format = "e164" }
[trunk.pbx]
kind = "direct"
listen = "inside"
site = "berlin"
gateways = ["127.0.1.3"]
[trunk.gw]
kind = "direct"
listen = "inside"
gateways = ["127.0.1.4"]
override = { number_format = "national" }
[trunk.off]
kind = "itsp"
listen = "outside"
gateways = ["127.0.1.5"]
enabled = false
"#;

/// The base with a country and more text.
pub fn config(country: &str, more: &str) -> Config {
    config_with(country, "", more)
}

/// The base with a country, text before its tables and more text behind.
pub fn config_with(country: &str, head: &str, more: &str) -> Config {
    let country = if country.is_empty() { String::new() } else { format!("country = {country:?}\n") };
    let base = BASE.replace("version = 1\n", &format!("version = 1\n{country}{head}\n"));
    // The base's own top-level keys stay above the tables of `head`.
    let base = base.replacen("node = { name = \"test\", site = \"berlin\" }\n", "", 1);
    let mut text = format!("node = {{ name = \"test\", site = \"berlin\" }}{base}{more}");
    if country.is_empty() {
        text = text.replace("override = { number_format = \"national\" }", "");
    }
    match config::parse(&text, "test.toml", Format::Toml) {
        Ok(loaded) => loaded.config,
        Err(faults) => panic!("{faults}"),
    }
}

pub fn trunk(config: &Config, name: &str) -> TrunkId {
    config.trunk_named(name).expect("a trunk of the test's configuration")
}

/// A configuration with its table.
pub struct World {
    pub config: Config,
    pub table: Table,
}

impl World {
    /// Of a whole configuration.
    pub fn of(text: &str) -> World {
        match config::parse(text, "test.toml", Format::Toml) {
            Ok(loaded) => World { table: Table::compile(&loaded.config), config: loaded.config },
            Err(faults) => panic!("{faults}"),
        }
    }

    pub fn new(country: &str, more: &str) -> World {
        let config = config(country, more);
        World { table: Table::compile(&config), config }
    }

    pub fn id(&self, name: &str) -> TrunkId {
        trunk(&self.config, name)
    }

    /// A call of which no more is known than its numbers.
    pub fn facts<'f>(&self, on: &str, caller: &'f str, called: &'f str) -> Facts<'f> {
        Facts::new(self.id(on), called, caller)
    }

    pub fn decide(&self, on: &str, caller: &str, called: &str, state: &dyn State, dice: u64) -> Decision {
        let facts = self.facts(on, caller, called);
        let quiet = self.table.plan(&facts, state, dice, &mut NoTrace);
        let mut story = Story::default();
        let told = self.table.plan(&facts, state, dice, &mut story);
        assert_eq!(quiet, told, "a trace changes nothing");
        assert!(!story.0.is_empty());
        quiet
    }

    pub fn plan(&self, on: &str, caller: &str, called: &str) -> Plan {
        match self.decide(on, caller, called, &routing::AllIdle, 0) {
            Decision::Plan(plan) => plan,
            Decision::Refuse(refusal) => panic!("{called} refused: {refusal:?}"),
        }
    }

    pub fn refusal(&self, on: &str, caller: &str, called: &str) -> Refusal {
        match self.decide(on, caller, called, &routing::AllIdle, 0) {
            Decision::Refuse(refusal) => refusal,
            Decision::Plan(plan) => panic!("{called} planned: {plan:?}"),
        }
    }

    pub fn names(&self, plan: &Plan) -> Vec<&str> {
        plan.attempts.iter().map(|a| self.config.trunks[a.trunk.index()].name.as_str()).collect()
    }
}
