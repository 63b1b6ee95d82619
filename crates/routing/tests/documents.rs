//! The configurations in the guides do what their own tests say.

use config::Format;
use routing::{Table, run_tests, shadowed};

#[test]
fn the_guide_to_routes_passes_its_own_tests() {
    let page = include_str!("../../../docs/guide/routes.md");
    let text =
        page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a configuration");
    let loaded = config::parse(text, "routes.md", Format::Toml).expect("it parses");
    assert_eq!(loaded.warnings, []);
    assert_eq!(shadowed(&loaded.config), []);
    let outcomes = run_tests(&loaded.config, &Table::compile(&loaded.config));
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert!(outcome.passed(), "{outcome:?}");
    }
}
