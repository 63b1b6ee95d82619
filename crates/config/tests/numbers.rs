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

#[test]
fn pilots_prefixes_and_forms_of_numbers_are_read() {
    let trunk = pbx("external_prefix = '0'\npilot = { number = '+493023125', digits = '2..4' }\n\
         override = { extension = 'short', uri = 'tel', phone_context = '+49', called_from = 'header:X-DID' }\n");
    assert_eq!(trunk.external_prefix.as_deref(), Some("0"));
    let pilot = Pilot { number: "+493023125".into(), digits_min: 2, digits_max: 4 };
    assert_eq!(trunk.pilot, Some(pilot));
    let policy = &trunk.policy;
    assert_eq!((policy.extension, policy.uri), (Extension::Short, UriScheme::Tel));
    assert_eq!(policy.phone_context.as_deref(), Some("+49"));
    assert_eq!(policy.called_from, CalledFrom::Header("X-DID".into()));
    let usual = pbx("");
    assert_eq!((usual.policy.extension, usual.policy.uri), (Extension::Pass, UriScheme::Sip));
    assert_eq!(usual.policy.called_from, CalledFrom::RequestUri);
    let itsp = with("").replace("kind = \"direct\"", "kind = \"itsp\"");
    let itsp = parse(&itsp, "t", Format::Toml).unwrap().config;
    assert_eq!(itsp.trunks[0].policy.extension, Extension::Strip);
}

#[test]
fn faults_of_numbers_are_told_with_their_place() {
    for (more, said) in [
        (
            "external_prefix = '99999'",
            "t:10:19: error: `external_prefix`: a prefix of 5 characters; expected 1 to 4 of `0` to `9`, `*` and `#`",
        ),
        (
            "pilot = { number = '030', digits = '3' }",
            "t:10:20: error: `number`: a pilot number without its `+`; expected a number such as `+493023125`",
        ),
        (
            "pilot = { number = '+4930' }",
            "t:10:1: error: `digits` is missing in [trunk.pbx.pilot]; expected a count of digits such as `3`, or the least and the most such as `2..4`",
        ),
        (
            "override = { extension = 'short' }",
            "t:10:26: error: `extension = \"short\"` without a `pilot`; expected `pilot = { number = \"+493023125\", digits = \"3\" }` or the like in the trunk",
        ),
        (
            "override = { called_from = 'header:X DID' }",
            "t:10:37: error: `called_from`: ` ` may not stand in a header name; expected one of `request-uri`, `to`, `p-called-party-id`, `diversion`, or `header:NAME`",
        ),
        (
            "override = { phone_context = '192.0.2.1' }",
            "t:10:30: error: `phone_context`: an address is no context of numbers; expected a domain name such as `example.com`, or the beginning of a number such as `+49`",
        ),
    ] {
        let errors = parse(&with(more), "t", Format::Toml).unwrap_err();
        assert_eq!(errors.to_string(), said);
    }
}
