//! `docs/reference/api.md` names every endpoint, parameter, refusal, state and metric that the code has, and none more.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/reference/api.md");
const ROUTES: &str = include_str!("../src/serve/answers.rs");
const REFUSALS: &str = include_str!("../src/serve/refused.rs");
const FAMILIES: &str = include_str!("../src/metrics/families.rs");
const SOUND: &str = include_str!("../src/metrics/sound.rs");
const QUERIES: &str = include_str!("../src/wire/query.rs");

/// A part of the page, from its heading to the next of the same or a higher rank.
fn part(heading: &str) -> &'static str {
    let rank = heading.split(' ').next().unwrap();
    let body = PAGE.split_once(&format!("\n{heading}\n")).unwrap().1;
    let ends = (2..=rank.len()).filter_map(|r| body.find(&format!("\n{} ", "#".repeat(r))));
    &body[..ends.min().unwrap_or(body.len())]
}

/// What stands between two marks, each time.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Vec<&'t str> {
    text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
}

/// What the page writes as code.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn is_word(text: &&str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'_')
}

#[test]
fn the_page_has_every_endpoint_and_no_other() {
    let mut built = BTreeSet::new();
    for route in ROUTES.split(".route(\"").skip(1) {
        let (path, handlers) = route.split_once('"').unwrap();
        let handlers = handlers.lines().next().unwrap();
        for method in ["get", "post", "delete", "put", "patch"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                built.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let described: BTreeSet<String> = code(part("## Endpoints"))
        .into_iter()
        .filter(|text| text.contains(" /v1/"))
        .map(|text| text.split('?').next().unwrap().to_owned())
        .collect();
    assert!(built.len() > 10, "{built:?}");
    assert_eq!(described, built);
}

#[test]
fn the_page_has_every_parameter() {
    let endpoints = part("## Endpoints");
    for field in between(QUERIES, "\n    pub ", ":").into_iter().filter(is_word) {
        let shown = [format!("?{field}="), format!("&{field}="), format!("`{field}`")];
        assert!(shown.iter().any(|shown| endpoints.contains(shown)), "{field} is not on the page");
    }
}

#[test]
fn the_page_has_every_refusal_and_no_other() {
    let made: BTreeSet<&str> =
        REFUSALS.split("Refused::new(").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    let mut described: BTreeSet<&str> = code(part("## Errors")).into_iter().filter(is_word).collect();
    // Said by the connection's guard, before a request is read.
    assert!(described.remove("too-many-connections"));
    assert!(made.len() > 10, "{made:?}");
    assert_eq!(described, made);
}

#[test]
fn the_page_has_every_state_of_a_trunk() {
    let list =
        FAMILIES.split_once("const STATES").unwrap().1.split_once(';').unwrap().1.split_once(';').unwrap().0;
    let states: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(states.len() > 5, "{states:?}");
    let sentence = between(PAGE, "A trunk's `state` is ", "\n")[0];
    for state in states {
        assert!(sentence.contains(&format!("`{state}`")), "{state} is not on the page");
    }
}

#[test]
fn the_page_has_every_metric_and_no_other() {
    let named = [FAMILIES, SOUND].into_iter().flat_map(|room| between(room, "\"tronco_", "\""));
    let built: BTreeSet<&str> = named.filter(is_word).collect();
    let described: BTreeSet<&str> = code(part("## Metrics"))
        .into_iter()
        .filter_map(|text| text.split('{').next()?.strip_prefix("tronco_"))
        .collect();
    assert!(built.len() > 50, "{built:?}");
    assert_eq!(described, built);
}
