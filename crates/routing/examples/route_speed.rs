//! Prints the time of one routing decision for tables of the sizes that organisations have, with and
//! without translations on every trunk of the call; and with all that a route can ask for at once.
//!
//! `cargo run --release -p routing --example route_speed`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use base::Rng;
use base::WallTime;
use config::{Config, Format, NumberRange, Pattern, Route};
use routing::{AllIdle, Facts, NoTrace, Table};
use std::hint::black_box;
use std::time::Instant;

const BASE: &str = r#"
version = 1
country = "DE"
[listen.inside]
address = "127.0.0.1"
sip = ["udp:5060"]
rtp = "20000-20999"
[trunk.flex]
kind = "itsp"
listen = "inside"
gateways = ["127.0.1.1"]
[trunk.elastic]
kind = "itsp"
listen = "inside"
gateways = ["127.0.1.2"]
[trunk.pbx]
kind = "direct"
listen = "inside"
gateways = ["127.0.1.3"]
[[dialplan]]
name = "exchange"
match = '9(\d+)'
to = "$1"
[[route]]
name = "expression"
match = { called = "/\\+49(30|40)[0-9]{4,10}/" }
to = [["flex:80", "elastic:20"]]
[[route]]
name = "prefix"
match = { called = "+49*" }
to = [["flex:80", "elastic:20"]]
"#;

fn organisation() -> Option<Config> {
    match config::parse(BASE, "speed.toml", Format::Toml) {
        Ok(loaded) => Some(loaded.config),
        Err(faults) => {
            eprintln!("{faults}");
            None
        }
    }
}

/// Fills a configuration with ranges of one number each and with routes of distinct prefixes.
fn fill(config: &mut Config, routes: usize, numbers: usize, rng: &mut Rng) {
    let Some(pbx) = config.trunk_named("pbx") else { return };
    let templates: Vec<Route> = std::mem::take(&mut config.routes);
    let expressions = templates.first().cloned();
    let prefixes = templates.get(1).cloned();
    for at in 0..numbers {
        let number = format!("+4930{:08}", 10_000_000 + at);
        config.numbers.push(NumberRange { first: number.clone(), last: number, deliver: vec![pbx] });
    }
    // One route in a hundred is an expression that no call of this run matches.
    for at in 0..routes {
        if at % 100 == 99 {
            config.routes.extend(expressions.clone());
        } else if let Some(route) = prefixes.clone() {
            let prefix = format!("+{}", 10_000 + rng.below(9_990_000));
            config.routes.push(Route { match_called: Some(Pattern::Prefix(prefix)), ..route });
        }
    }
    if let Some(route) = prefixes {
        config.routes.push(Route { name: "rest".into(), match_called: None, ..route });
    }
}

/// Ten rules in each list of each trunk, of which every number meets one near the end.
fn translate(config: &mut Config) {
    const IN: &str = r"^(\+?)(\d*)$";
    const OUT: &str = r"^\+(\d*)$";
    let rules = |last: &str, to: &str| {
        let others: String =
            (1..10).map(|n| format!("{{ match = '^77{n}(\\d{{4}})$', to = '$1' }}, ")).collect();
        format!("[{others}{{ match = '{last}', to = '{to}' }}]")
    };
    let (keep, bare) = (rules(IN, "$1$2"), rules(OUT, "$1"));
    let lists = format!(
        "[trunk.x]\nkind = 'direct'\nlisten = 'inside'\ngateways = ['127.0.1.9']\n[trunk.x.translate]\n\
         called_in = {keep}\ncaller_in = {keep}\ncalled_out = {bare}\ncaller_out = {bare}\n"
    );
    match config::parse(&format!("{BASE}{lists}"), "speed.toml", Format::Toml) {
        Ok(loaded) => {
            let made = loaded.config.trunks.last().map(|trunk| trunk.translate.clone()).unwrap_or_default();
            config.trunks.iter_mut().for_each(|trunk| trunk.translate = made.clone());
        }
        Err(faults) => eprintln!("{faults}"),
    }
}

/// Policies, usages, hours, exceptions and a file of rates: everything that a decision may have to heed.
const EVERYTHING: &str = r#"
default_policy = "staff"
[policy.staff]
usages = ["home", "world", "backup"]
[rates.all]
file = "rates.csv"
zone = "Europe/Berlin"
[[route]]
name = "template"
match = { called = "+49*", on = "pbx" }
except = ["+49900*", "+49137*"]
when = { zone = "Europe/Berlin", days = "mon-fri", from = "07:00", to = "19:00" }
usages = ["world"]
to = [["flex", "elastic"], ["pbx"]]
order = "cost"
[[route]]
name = "closing"
usages = ["backup"]
to = [["flex", "elastic"]]
order = "cost"
"#;

/// `routes` routes of one prefix each, half of them by expression behind the prefix, and `rates` rates.
fn everything(routes: usize, numbers: usize, rates: usize, rng: &mut Rng) -> Option<Config> {
    let (head, tail) = BASE.split_once("[listen.inside]")?;
    let (policy, more) = EVERYTHING.split_once("[policy.staff]")?;
    let text = format!("{head}{policy}[listen.inside]{tail}[policy.staff]{more}");
    let loaded = config::parse(&text, "speed.toml", Format::Toml).map_err(|e| eprintln!("{e}")).ok()?;
    let mut rows = String::from("prefix,trunk,price,connect,increments,days,hours\n");
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < rates {
        let prefix = format!("{}", 10_000 + rng.below(9_990_000));
        let trunk = if rng.below(2) == 0 { "flex" } else { "elastic" };
        if seen.insert((prefix.clone(), trunk)) {
            let (price, hours) =
                (rng.below(900_000), if rng.below(4) == 0 { "mon-fri,08:00-18:00" } else { "," });
            rows.push_str(&format!("{prefix},{trunk},0.{price:06},0.01,60/60,{hours}\n"));
        }
    }
    let start = Instant::now();
    let files = |_: &str| Ok(("rates.csv".to_owned(), rows.clone()));
    let mut config = loaded.with_files("speed.toml", files).map_err(|e| eprintln!("{e}")).ok()?.config;
    println!("{rates} rates read in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let template = config.routes.iter().find(|route| route.name == "template").cloned()?;
    let closing = config.routes.pop()?;
    config.routes.clear();
    for at in 0..routes {
        let prefix = format!("+{}", 10 + rng.below(9_990));
        let called = if at % 10 == 9 {
            config.dialplan.first().map(|rule| Pattern::Expression(rule.pattern.clone()))
        } else {
            Some(Pattern::Prefix(prefix))
        };
        config.routes.push(Route { match_called: called, ..template.clone() });
    }
    config.routes.push(closing);
    let pbx = config.trunk_named("pbx")?;
    for at in 0..numbers {
        let number = format!("+4930{:08}", 10_000_000 + at);
        config.numbers.push(NumberRange { first: number.clone(), last: number, deliver: vec![pbx] });
    }
    Some(config)
}

fn measure(name: &str, routes: usize, numbers: usize, translated: bool) {
    let Some(mut config) = organisation() else { return };
    if translated {
        translate(&mut config);
    }
    let mut rng = Rng::new((3, 4));
    fill(&mut config, routes, numbers, &mut rng);
    time(name, &config, numbers, &mut rng);
}

fn time(name: &str, config: &Config, numbers: usize, rng: &mut Rng) {
    const ROUNDS: u32 = 200_000;
    // A Wednesday noon.
    const AT: WallTime = WallTime(1_772_622_000_000_000);
    let start = Instant::now();
    let table = Table::compile(config);
    let compiled = start.elapsed();
    let Some(on) = config.trunk_named("pbx") else { return };
    let calls: Vec<(String, String)> = (0..4096)
        .map(|at| {
            let called = match at % 4 {
                0 => format!("+4930{:08}", 10_000_000 + rng.below(numbers.max(1) as u64)),
                1 => format!("900{}", 10_000_000_000 + rng.below(80_000_000_000)),
                2 => format!("0{}", 1_000_000_000 + rng.below(8_000_000_000)),
                _ => format!("+{}", 100_000_000_000 + rng.below(800_000_000_000)),
            };
            (called, format!("030{}", 10_000_000 + rng.below(10_000)))
        })
        .collect();
    let start = Instant::now();
    for round in 0..ROUNDS {
        let Some((called, caller)) = calls.get(round as usize % calls.len()) else { return };
        let facts = Facts {
            on,
            called,
            caller,
            anonymous: false,
            user: None,
            source: None,
            media: None,
            at: Some(AT),
        };
        black_box(table.plan(&facts, &AllIdle, u64::from(round), &mut NoTrace));
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!(
        "{name:<49} {each:6.2} us/decision   compiled in {:.1} ms, {} beginnings",
        compiled.as_secs_f64() * 1e3,
        table.prefixes()
    );
}

fn main() {
    for (name, routes, numbers) in [
        ("10 routes, 100 numbers", 10, 100),
        ("1,000 routes, 10,000 numbers", 1_000, 10_000),
        ("100,000 prefixes, 10,000 numbers", 100_000, 10_000),
    ] {
        measure(name, routes, numbers, false);
        measure(&format!("{name}, translated"), routes, numbers, true);
    }
    let mut rng = Rng::new((3, 4));
    if let Some(config) = everything(1_000, 10_000, 100_000, &mut rng) {
        time("all: 1,000 routes, 10,000 numbers, 100,000 rates", &config, 10_000, &mut rng);
    }
}
