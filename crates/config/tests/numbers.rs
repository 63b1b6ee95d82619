//! What a configuration says about the numbers of a trunk.

#![allow(clippy::unwrap_used, clippy::panic)]

use config::*;

/// A PBX with more text in its table.
fn with(more: &str) -> String {
    format!(
        "version = 1\n[listen.in]\naddress = \"10.0.0.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-20099\"\n\
         [trunk.pbx]\nkind = \"direct\"\nlisten = \"in\"\ngateways = [\"10.0.0.2\"]\n{more}"
    )
}

fn pbx(more: &str) -> Trunk {
    let loaded = parse(&with(more), "t.toml", Format::Toml).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded.config.trunks[0].clone()
}

#[test]
fn translations_are_read_in_their_order_with_names_of_their_own() {
    let trunk = pbx(r#"
translate.called_in = [{ name = "5-digit Extension", match = '^5(\d{4})$', to = "+1425555$1" }]
[[trunk.pbx.translate.caller_out]]
match = '^\+(\d*)$'
to = "$1"
[[trunk.pbx.translate.caller_out]]
match = '1(?<rest>.*)'
to = "${rest}"
final = false
"#);
    let named = |list: &[Translation]| list.iter().map(|r| (r.name.clone(), r.ends)).collect::<Vec<_>>();
    assert_eq!(named(&trunk.translate.called_in), [("5-digit Extension".into(), true)]);
    assert_eq!(
        named(&trunk.translate.caller_out),
        [("caller_out 1".into(), true), ("caller_out 2".into(), false)]
    );
    assert!(trunk.translate.called_out.is_empty() && trunk.translate.caller_in.is_empty());
    assert_eq!(pbx("").translate, Translate::default());
}

#[test]
fn a_list_holds_four_hundred_translations() {
    let list = |count: usize| {
        let rules: Vec<String> = (0..count).map(|n| format!("{{ match = '{n}', to = '$0' }}")).collect();
        with(&format!("translate.called_in = [{}]\n", rules.join(", ")))
    };
    assert!(parse(&list(TRANSLATIONS_MAX), "t", Format::Toml).is_ok());
    let refused = parse(&list(TRANSLATIONS_MAX + 1), "t", Format::Toml).unwrap_err();
    assert_eq!(refused.0[0].code, "out-of-range");
}

#[test]
fn names_patterns_and_replacements_have_their_longest() {
    let rule = |name: usize, pattern: usize, to: usize| {
        let (name, pattern, to) = ("n".repeat(name), "1".repeat(pattern), "2".repeat(to));
        let text = with(&format!(
            "translate.called_in = [{{ name = '{name}', match = '{pattern}', to = '{to}' }}]\n"
        ));
        parse(&text, "t", Format::Toml).map(drop).map_err(|errors| errors.0.len())
    };
    assert_eq!(rule(100, 1024, 256), Ok(()));
    assert_eq!(rule(101, 1025, 257), Err(3));
}

#[test]
fn a_changed_translation_is_told() {
    let of = |text: &str| parse(text, "t", Format::Toml).unwrap().config;
    let old = of(&with("translate.called_in = [{ match = '1', to = '2' }]\n"));
    let new = of(&with("translate.called_in = [{ match = '1', to = '3', final = false }]\n"));
    let told: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["~ trunk.pbx.translate.called_in.1: called_in 1: 1 -> 2 -> called_in 1: 1 -> 3, and on"]
    );
}
