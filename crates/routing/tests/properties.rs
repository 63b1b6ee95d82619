//! What holds for every decision.

mod common;

use base::{Rng, TrunkId};
use common::World;
use config::Pattern;
use proptest::prelude::*;
use routing::{AllIdle, Decision, Facts, Health, NoTrace, RouteRef, Table, TrunkState};

const ROUTES: &str = r#"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = ["pbx", "gw"]
[[route]]
name = "world"
match = { called = "+*" }
to = [["flex:80", "elastic:20"], ["elastic", "flex", "gw:3", "off"]]
[[route]]
name = "rest"
to = [["gw", "pbx", "elastic"]]
"#;

fn state() -> impl Strategy<Value = TrunkState> {
    let calls = prop_oneof![0..70_u32, 190..210_u32];
    (any::<[bool; 6]>(), calls).prop_map(|([enabled, draining, down, spent, cooling, full_out], calls)| {
        TrunkState {
            full_out,
            enabled,
            draining,
            health: if down { Health::Down } else { Health::Up },
            calls,
            cps_spent: spent,
            cooling,
        }
    })
}

fn usable(world: &World, trunk: TrunkId, state: &TrunkState) -> bool {
    let config = &world.config.trunks[trunk.index()];
    let full = state.full_out || config.calls_max.is_some_and(|max| state.calls >= max);
    config.enabled && state.enabled && !state.draining && !full && !state.cps_spent
}

proptest! {
    #[test]
    fn plans_obey_the_state(
        states in prop::collection::vec(state(), 5),
        on in 0..5_u32,
        called in "(\\+|0|00)?[0-9]{0,14}|[a-z]{0,5}",
        caller in "\\+?[0-9]{0,14}",
        dice in any::<u64>(),
    ) {
        let world = World::new("DE", ROUTES);
        let state = |id: TrunkId| states[id.index()];
        let facts = Facts { on: TrunkId(on), called: &called, caller: &caller, anonymous: false, user: None, source: None, media: None, at: None };
        let decision = world.table.plan(&facts, &state, dice, &mut NoTrace);
        prop_assert_eq!(&decision, &world.table.plan(&facts, &state, dice, &mut NoTrace));
        match decision {
            Decision::Plan(plan) => {
                prop_assert!(!plan.attempts.is_empty() && plan.attempts.len() <= routing::ATTEMPTS_MAX);
                let mut seen: Vec<TrunkId> = plan.skipped.iter().map(|s| s.0).collect();
                let mut demoted = false;
                let mut tier = 0;
                for attempt in &plan.attempts {
                    prop_assert!(!seen.contains(&attempt.trunk), "no trunk twice");
                    seen.push(attempt.trunk);
                    let now = state(attempt.trunk);
                    prop_assert!(plan.emergency || usable(&world, attempt.trunk, &now));
                    prop_assert_eq!(attempt.demoted, now.health == Health::Down || now.cooling);
                    prop_assert!(attempt.demoted || !demoted, "trouble goes last");
                    if attempt.demoted && !demoted {
                        tier = 0;
                    }
                    demoted = attempt.demoted;
                    prop_assert!(attempt.tier >= tier, "tiers in order");
                    tier = attempt.tier;
                    let itsp = world.config.trunks[attempt.trunk.index()].kind == config::Kind::Itsp;
                    prop_assert!(!(itsp && attempt.trunk == TrunkId(on)), "never back to a provider");
                }
            }
            Decision::Refuse(refusal) => {
                prop_assert!((400..700).contains(&refusal.status));
                prop_assert!(refusal.retry_after.is_none() || refusal.status == 503);
                prop_assert!(refusal.sentence.ends_with('.'));
            }
        }
    }

    #[test]
    fn no_input_panics(called in ".{0,140}", caller in ".{0,140}", on in 0..9_u32) {
        let world = World::new("IT", ROUTES);
        let facts = Facts { on: TrunkId(on), called: &called, caller: &caller, anonymous: true, user: None, source: None, media: None, at: None };
        let _ = world.table.plan(&facts, &AllIdle, 7, &mut routing::Story::default());
    }

    #[test]
    fn the_index_finds_what_a_scan_finds(
        prefixes in prop::collection::vec("\\+[1-4]{0,4}", 1..40),
        called in "\\+[1-4]{1,7}",
    ) {
        let mut config = common::config("", "[[route]]\nname = \"x\"\nto = \"gw\"\n");
        let template = config.routes.remove(0);
        for (at, prefix) in prefixes.iter().enumerate() {
            let pattern = match at % 3 {
                0 => Pattern::Exact(prefix.clone()),
                _ => Pattern::Prefix(prefix.clone()),
            };
            config.routes.push(config::Route { match_called: Some(pattern), ..template.clone() });
        }
        let scan = config.routes.iter().position(|route| match &route.match_called {
            Some(Pattern::Exact(text)) => *text == called,
            Some(Pattern::Prefix(text)) => called.starts_with(text.as_str()),
            _ => false,
        });
        let table = Table::compile(&config);
        let on = config.trunk_named("pbx").expect("a trunk");
        let facts = Facts { on, called: &called, caller: "", anonymous: false, user: None, source: None, media: None, at: None };
        let decision = table.plan(&facts, &AllIdle, 0, &mut NoTrace);
        let found = decision.plan().map(|plan| plan.route);
        prop_assert_eq!(found, scan.map(|at| RouteRef::Route(at as u32)));
        for (route, by) in routing::shadowed(&config) {
            prop_assert!(by < route);
            prop_assert_ne!(scan, Some(route), "a shadowed route is never taken");
        }
    }
}

#[test]
fn weights_converge() {
    let world = World::new("DE", ROUTES);
    let mut rng = Rng::new((1, 2));
    let flex = world.id("flex");
    let rounds = 20_000;
    let mut first = 0;
    let facts = Facts {
        on: world.id("pbx"),
        called: "+15550100000",
        caller: "+493023125001",
        anonymous: false,
        user: None,
        source: None,
        media: None,
        at: None,
    };
    for _ in 0..rounds {
        let decision = world.table.plan(&facts, &AllIdle, rng.next_u64(), &mut NoTrace);
        let plan = decision.plan().expect("a plan");
        first += u32::from(plan.attempts[0].trunk == flex);
        assert_eq!(plan.attempts.len(), 3, "flex and elastic once each, then gw");
    }
    // 80 of 100, with 20,000 draws: five standard deviations are 1.4 points.
    let share = f64::from(first) / f64::from(rounds);
    assert!((share - 0.8).abs() < 0.015, "{share}");
}
