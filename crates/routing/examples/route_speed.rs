//! Prints the time of one routing decision for tables of the sizes that organisations have, with and
//! without translations on every trunk of the call.
//!
//! `cargo run --release -p routing --example route_speed`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use base::Rng;
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

fn measure(name: &str, routes: usize, numbers: usize, translated: bool) {
    const ROUNDS: u32 = 200_000;
    let Some(mut config) = organisation() else { return };
    if translated {
        translate(&mut config);
    }
    let mut rng = Rng::new((3, 4));
    fill(&mut config, routes, numbers, &mut rng);
    let start = Instant::now();
    let table = Table::compile(&config);
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
        let facts = Facts { on, called, caller, anonymous: false, at: None };
        black_box(table.plan(&facts, &AllIdle, u64::from(round), &mut NoTrace));
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    println!(
        "{name:<46} {each:6.2} us/decision   compiled in {:.1} ms, {} beginnings",
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
}
