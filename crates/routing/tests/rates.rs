//! Least cost: rates read from files, trunks of a tier in the order of what the call costs by each.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base::ReasonId;
use common::World;
use config::{Config, Format};
use routing::{AllIdle, Facts, NoTrace, Price, Story, Table};

const ROUTE: &str = r#"
[rates.all]
file = "all.csv"
currency = "EUR"
zone = "Europe/Berlin"
[[route]]
name = "cheapest"
to = [["flex", "elastic", "gw"]]
order = "cost"
"#;

fn loaded(more: &str, rates: &str) -> Result<Config, String> {
    let text = format!("{}{more}", common::BASE.replace("version = 1\n", "version = 1\ncountry = \"DE\"\n"));
    let loaded = config::parse(&text, "t.toml", Format::Toml).map_err(|e| e.to_string())?;
    let read = loaded.with_files("t.toml", |file| Ok((format!("/etc/{file}"), rates.to_owned())));
    Ok(read.map_err(|e| e.to_string())?.config)
}

fn world(more: &str, rates: &str) -> World {
    let config = loaded(more, rates).unwrap_or_else(|e| panic!("{e}"));
    World { table: Table::compile(&config), config }
}

const RATES: &str = "prefix,trunk,price,connect,increments\n\
    49,flex,0.02,,60/60\n\
    49,elastic,0.01,,1/1\n\
    4930,flex,0.005,,60/60\n\
    49151,elastic,0.2,,\n\
    49151,gw,0.15,0.1,1/1\n";

#[test]
fn the_cheapest_trunk_of_the_longest_prefixes_is_tried_first() {
    let w = world(ROUTE, RATES);
    assert_eq!(w.names(&w.plan("pbx", "", "+493023125100")), ["flex", "elastic", "gw"], "Berlin by flex");
    assert_eq!(w.names(&w.plan("pbx", "", "+498923125100")), ["elastic", "flex", "gw"], "Munich by elastic");
    assert_eq!(w.names(&w.plan("pbx", "", "+4915123125100")), ["flex", "gw", "elastic"], "mobile");
    assert_eq!(
        w.names(&w.plan("pbx", "", "+441632960001")),
        ["flex", "elastic", "gw"],
        "no rate: as written"
    );
}

#[test]
fn the_fee_of_a_call_counts_more_the_shorter_it_is() {
    let short = format!("{ROUTE}call_length = \"30s\"\n");
    let names = |w: World| w.names(&w.plan("pbx", "", "+4915123125100")).join(" ");
    assert_eq!(names(world(ROUTE, RATES)), "flex gw elastic", "3 x 0.15 + 0.1 = 0.55 against 0.6");
    assert_eq!(names(world(&short, RATES)), "flex elastic gw", "0.1 + 0.075 against 0.1");
}

#[test]
fn trunks_without_a_rate_may_be_left_out() {
    let w = world(&format!("{ROUTE}unrated = \"exclude\"\n"), RATES);
    let plan = w.plan("pbx", "", "+493023125100");
    assert_eq!(w.names(&plan), ["flex", "elastic"]);
    assert_eq!(plan.skipped.len(), 1);
    let refusal = w.refusal("pbx", "", "+441632960001");
    assert_eq!((refusal.reason, refusal.status), (ReasonId::NoRate, 404));
    assert_eq!(
        w.names(&w.plan("pbx", "", "112")),
        ["flex", "elastic", "gw"],
        "no cost keeps an emergency call"
    );
}

#[test]
fn equals_stay_in_the_order_of_the_tier_and_tiers_in_theirs() {
    let two = ROUTE.replace(r#"[["flex", "elastic", "gw"]]"#, r#"[["elastic", "flex"], ["gw"]]"#);
    let w = world(&two, "prefix;trunk;price\n+49;flex;0,01\n49;elastic;0,010\n49;gw;0\n");
    assert_eq!(w.names(&w.plan("pbx", "", "+498923125100")), ["elastic", "flex", "gw"]);
}

#[test]
fn a_rate_that_does_not_hold_now_leaves_the_word_to_a_shorter_prefix() {
    let rates = "prefix,trunk,price,valid_from,valid_until,days,hours\n\
        49,flex,0.02,,,,\n\
        4930,flex,0.001,2026-01-01,2026-12-31,mon-fri,18:00-08:00\n\
        49,elastic,0.01,,,,\n";
    let w = world(ROUTE, rates);
    let first = |at: &str| {
        let on = w.config.trunk_named("pbx").unwrap();
        let at = config::moment(at);
        let facts = Facts {
            on,
            called: "+493023125100",
            caller: "",
            anonymous: false,
            user: None,
            source: None,
            media: None,
            at,
        };
        let decision = w.table.plan(&facts, &AllIdle, 0, &mut NoTrace);
        w.names(decision.plan().unwrap())[0].to_owned()
    };
    assert_eq!(first("2026-03-04T20:00:00Z"), "flex", "Wednesday evening");
    assert_eq!(first("2026-03-04T12:00:00Z"), "elastic", "Wednesday noon");
    assert_eq!(first("2026-03-07T20:00:00Z"), "elastic", "Saturday evening");
    assert_eq!(first("2027-03-03T20:00:00Z"), "elastic", "a year later");
}

#[test]
fn a_rate_with_times_comes_before_one_of_the_same_prefix_that_always_holds() {
    let rates = "prefix,trunk,price,hours\n49,flex,0.05,\n49,flex,0.001,18:00-08:00\n49,elastic,0.01,\n";
    let w = world(ROUTE, rates);
    let first = |at: &str| {
        let on = w.config.trunk_named("pbx").unwrap();
        let facts = Facts {
            on,
            called: "+493023125100",
            caller: "",
            anonymous: false,
            user: None,
            source: None,
            media: None,
            at: config::moment(at),
        };
        let decision = w.table.plan(&facts, &AllIdle, 0, &mut NoTrace);
        w.names(decision.plan().unwrap())[0].to_owned()
    };
    assert_eq!(first("2026-03-04T20:00:00Z"), "flex");
    assert_eq!(first("2026-03-04T12:00:00Z"), "elastic");
}

#[test]
fn the_story_tells_the_prices_and_the_plan_keeps_them() {
    let w = world(ROUTE, RATES);
    let on = w.config.trunk_named("pbx").unwrap();
    let facts = Facts {
        on,
        called: "+4915123125100",
        caller: "",
        anonymous: false,
        user: None,
        source: None,
        media: None,
        at: None,
    };
    let mut story = Story::default();
    let decision = w.table.plan(&facts, &AllIdle, 0, &mut story);
    let prices: Vec<String> =
        story.0.iter().filter(|l| l.contains("rate") || l.contains("charges")).cloned().collect();
    assert_eq!(
        prices,
        [
            "trunk flex charges 0.02 a minute to +49: 0.06 EUR for a call of 180 s",
            "trunk gw charges 0.15 a minute and 0.1 a call to +49151: 0.55 EUR for a call of 180 s",
            "trunk elastic charges 0.2 a minute to +49151: 0.6 EUR for a call of 180 s",
        ]
    );
    let kept: Vec<Option<String>> =
        decision.plan().unwrap().attempts.iter().map(|a| a.price.as_ref().map(Price::to_string)).collect();
    assert_eq!(kept[0].as_deref(), Some("0.02 a minute"));
}

#[test]
fn faults_in_a_file_of_rates_are_told_with_file_and_line() {
    let faults = |rates: &str| loaded(ROUTE, rates).unwrap_err();
    let one = |row: &str| faults(&format!("prefix,trunk,price\n{row}\n"));
    assert_eq!(
        one("49,flx,0.01"),
        "/etc/all.csv:2:4: error: `flx` is no trunk; expected the name of a `[trunk.NAME]`; did you mean `flex`?"
    );
    assert!(one("49,flex,1.2345678").starts_with("/etc/all.csv:2:9: error: `1.2345678` is no price"));
    assert!(one("4x,flex,1").starts_with("/etc/all.csv:2:1: error: `4x` is no prefix"));
    assert!(one("49,flex").starts_with("/etc/all.csv:2:1: error: the row has 2 columns; expected 3"));
    assert!(
        one("49,flex,1\n+49,flex,2")
            .starts_with("/etc/all.csv:3:1: error: `+49` has a rate of this trunk already in line 2")
    );
    assert!(faults("prefx,trunk,price\n").contains("did you mean `prefix`?"));
    assert!(faults("prefix,price\n49,1\n").contains("no column `trunk`"));
    assert!(faults("").contains("the file is empty"));
    let text = format!("{}{ROUTE}", common::BASE).replace("version = 1\n", "version = 1\ncountry = \"DE\"\n");
    let parsed = config::parse(&text, "t.toml", Format::Toml).unwrap();
    let missing =
        parsed.with_files("t.toml", |_| Err("all.csv: no such file".into())).unwrap_err().to_string();
    assert!(missing.starts_with("t.toml:") && missing.contains("all.csv: no such file"), "{missing}");
}

#[test]
fn a_route_by_cost_needs_rates_and_shares_make_a_whole() {
    let fails = |more: &str| loaded(more, RATES).unwrap_err();
    assert!(
        fails("[[route]]\nname = \"r\"\nto = \"flex\"\norder = \"cost\"\n").contains("there are no rates")
    );
    let shares = |to: &str| format!("[[route]]\nname = \"r\"\nto = {to}\n");
    assert!(fails(&shares(r#"[["flex:60%", "elastic:30%"]]"#)).contains("make 90%"));
    assert!(fails(&shares(r#"[["flex:60%", "elastic:40"]]"#)).contains("shares in percent and others"));
    let config = loaded(&shares(r#"[["flex:80%", "elastic:20%"], "gw"]"#), RATES).unwrap();
    assert_eq!(config.routes[0].to[0].iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [80, 20]);
}

#[test]
fn trunks_in_trouble_go_last_whatever_they_cost() {
    use routing::{Health, TrunkState};
    let w = world(ROUTE, RATES);
    let flex = w.config.trunk_named("flex").unwrap();
    let on = w.config.trunk_named("pbx").unwrap();
    let state = |trunk| TrunkState {
        health: if trunk == flex { Health::Down } else { Health::Up },
        ..TrunkState::default()
    };
    let facts = Facts {
        on,
        called: "+493023125100",
        caller: "",
        anonymous: false,
        user: None,
        source: None,
        media: None,
        at: None,
    };
    let decision = w.table.plan(&facts, &state, 0, &mut NoTrace);
    assert_eq!(w.names(decision.plan().unwrap()), ["elastic", "gw", "flex"]);
}

fn base() -> String {
    common::BASE.replace("version = 1\n", "version = 1\ncountry = \"DE\"\n")
}

/// The warnings of a configuration with two tables of rates.
fn warned(first: &str, second: &str) -> Vec<String> {
    let more = r#"
[rates.one]
file = "one.csv"
zone = "Europe/Berlin"
[rates.two]
file = "two.csv"
zone = "Europe/Berlin"
"#;
    let text = format!("{}{more}", base());
    let loaded = config::parse(&text, "t.toml", Format::Toml).unwrap();
    let rates = |file: &str| Ok((file.to_owned(), if file == "one.csv" { first } else { second }.to_owned()));
    let loaded = loaded.with_files("t.toml", rates).unwrap();
    routing::priced_twice(&loaded.config, &loaded.rate_files).iter().map(ToString::to_string).collect()
}

#[test]
fn a_prefix_that_two_tables_price_for_one_trunk_is_warned_of_with_both_places() {
    let one = "prefix,trunk,price\n49,flex,0.01\n4930,flex,0.02\n";
    assert_eq!(
        warned(one, "trunk,prefix,price\n\nelastic,49,0.03\nflex,+49,0.03\n"),
        ["two.csv:4:6: warning: trunk `flex` has a rate for `+49` already in one.csv:2:1, which holds: \
             0.01 a minute and not 0.03; expected one rate for each prefix, trunk and time in all files of rates"]
    );
    assert_eq!(warned(one, "prefix,trunk,price\n44,flex,0.03\n49,elastic,0.03\n"), [""; 0]);
    assert_eq!(warned(one, one).len(), 2, "the same file twice");
}

#[test]
fn the_table_that_the_warning_names_is_the_one_that_holds() {
    let tables = ROUTE.replace("[rates.all]", "[rates.more]\nfile = \"more.csv\"\n[rates.all]");
    let text = format!("{}{tables}", base());
    let loaded = config::parse(&text, "t.toml", Format::Toml).unwrap();
    let rates = |file: &str| {
        let price = if file == "more.csv" { "0.01" } else { "0.09" };
        Ok((file.to_owned(), format!("prefix,trunk,price\n49,elastic,0.05\n49,flex,{price}\n")))
    };
    let loaded = loaded.with_files("t.toml", rates).unwrap();
    let told = routing::priced_twice(&loaded.config, &loaded.rate_files);
    let told = told.iter().find(|d| d.message.contains("`flex`")).unwrap();
    assert!(told.message.contains("already in more.csv:3:1, which holds: 0.01 a minute"), "{told}");
    let w = World { table: Table::compile(&loaded.config), config: loaded.config };
    assert_eq!(w.names(&w.plan("pbx", "", "+493023125100"))[0], "flex", "0.01 and not 0.09");
}

#[test]
fn rates_whose_times_meet_are_warned_of_and_others_are_not() {
    let head = "prefix,trunk,price,valid_from,valid_until,days,hours\n";
    let both =
        |one: &str, two: &str| warned(&format!("{head}49,flex,1,{one}\n49,flex,2,{two}\n"), head).len();
    assert_eq!(both("2026-01-01,2026-06-30,,", "2026-07-01,,,"), 0, "one after the other");
    assert_eq!(both("2026-01-01,,,", "2026-07-01,,,"), 1, "the first has no end");
    assert_eq!(both(",,mon-fri,08:00-18:00", ",,mon-fri,18:00-08:00"), 0);
    assert_eq!(both(",,mon-fri,", ",,sat-sun,"), 0);
    assert_eq!(both(",,sun,22:00-06:00", ",,mon,05:00-07:00"), 1, "over the end of the week");
    assert_eq!(both(",,,", ",,mon-fri,08:00-18:00"), 0, "an exception to what always holds");
}
