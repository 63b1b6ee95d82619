//! What a bad configuration gets: `data/bad.txt` holds texts and, behind `=>`, exactly what is said.
//!
//! A case is a `## title`, changes to a good base, and the expected lines. `@ old -> new` replaces in the
//! base, all other lines are added at its end. `TRONCO_BLESS=1` prints what is said instead of failing,
//! for a person to judge before it is written down.

#![allow(clippy::unwrap_used, clippy::panic)]

use config::{Format, parse};

const BASE: &str = include_str!("data/base.toml");
const CASES: &str = include_str!("data/bad.txt");

struct Case {
    title: String,
    text: String,
    expected: Vec<String>,
}

fn cases() -> Vec<Case> {
    CASES.split("## ").skip(1).map(case).collect()
}

fn case(block: &str) -> Case {
    let (title, body) = block.split_once('\n').unwrap();
    let mut text = BASE.to_owned();
    let mut expected = Vec::new();
    for line in body.lines().filter(|l| !l.is_empty()) {
        if let Some(said) = line.strip_prefix("=> ") {
            expected.push(said.to_owned());
        } else if let Some(change) = line.strip_prefix("@ ") {
            let (old, new) = change.split_once(" -> ").unwrap_or((change.trim_end_matches(" ->"), ""));
            let old = old.replace("\\n", "\n");
            assert!(text.contains(&old), "{title}: the base has no {old}");
            text = text.replacen(&old, &new.replace("\\n", "\n"), 1);
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    Case { title: title.to_owned(), text, expected }
}

fn said(text: &str) -> Vec<String> {
    let found = match parse(text, "t", Format::Toml) {
        Ok(loaded) => loaded.warnings,
        Err(errors) => errors.0,
    };
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_base_has_nothing_doubtful() {
    assert_eq!(said(BASE), Vec::<String>::new());
}

#[test]
fn every_bad_configuration_gets_exactly_its_diagnostics() {
    let bless = std::env::var_os("TRONCO_BLESS").is_some();
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let said = said(&case.text);
        if bless {
            println!("## {}\n=> {}", case.title, said.join("\n=> "));
        } else if said != case.expected {
            wrong.push(format!("{}:\n  said     {said:#?}\n  expected {:#?}", case.title, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_diagnostic_lies_inside_its_text_and_has_a_code() {
    for case in cases() {
        let Err(errors) = parse(&case.text, "t", Format::Toml) else { continue };
        let lines: Vec<&str> = case.text.lines().collect();
        for error in &errors.0 {
            let line = lines.get(error.line as usize - 1).copied().unwrap_or("");
            assert!(error.column as usize <= line.chars().count() + 1, "{error}");
            assert!(!error.code.is_empty() && !error.message.is_empty());
        }
    }
}

#[test]
fn json_faults_name_line_and_column() {
    let said = |text: &str| match parse(text, "t.json", Format::Json) {
        Ok(loaded) => panic!("{:?}", loaded.config),
        Err(errors) => errors.to_string(),
    };
    assert_eq!(
        said("{\n  \"version\": 1,\n}"),
        "t.json:3:1: error: unexpected `}`; expected a key in double quotes"
    );
    assert_eq!(
        said(
            "{\n  \"version\": 1,\n  \"listen\": { \"a\": {\n    \"address\": \"10.0.0.1\",\n    \"sip\": \"udp:5060\" } } }"
        ),
        "t.json:5:12: error: `sip` is a string; expected a list of 1 to 64 items, each transport and port such as \
         `udp:5060`, `tcp:5060` or `tls:5061`; did you mean `[\"udp:5060\"]`?"
    );
    assert_eq!(
        said("{ \"version\": null, \"version\": 1 }"),
        "t.json:1:20: error: key `version` is written twice; expected one value"
    );
}

#[test]
fn what_is_suggested_for_a_value_of_the_wrong_type_is_valid_itself() {
    let listen = |sip: &str| {
        let text = format!("version = 1\n[listen.a]\naddress = \"10.0.0.1\"\nsip = {sip}\n");
        let errors = parse(&text, "t.toml", Format::Toml).unwrap_err();
        let about_sip =
            errors.0.into_iter().find(|e| e.code == "wrong-type" && e.path.contains("sip")).unwrap();
        about_sip.nearest
    };
    assert_eq!(listen("[5060]").as_deref(), Some("\"udp:5060\""));
    assert_eq!(listen("5060").as_deref(), Some("[\"udp:5060\"]"));
    assert_eq!(listen("\"tls\"").as_deref(), Some("[\"tls:5061\"]"));
    assert_eq!(listen("[70000]"), None);
    assert_eq!(listen("true"), None);
}

#[test]
fn what_names_a_file_a_secret_or_a_host_has_its_place() {
    let text = "version = 1\nnode = { name = \"n\" }\n[listen.a]\naddress = \"10.0.0.1\"\nsip = [\"udp:5060\"]\nrtp = \"20000-29999\"\n\
                tls = { cert = \"/c\", key = { file = \"/k\" } }\n[trunk.b]\nkind = \"direct\"\nlisten = \"a\"\n\
                gateways = [\"10.0.0.2\"]\n[[trunk.b.users]]\nusername = \"u\"\npassword = { env = \"E\" }\n";
    let loaded = parse(text, "t.toml", Format::Toml).unwrap();
    let named: Vec<String> = loaded
        .places
        .named
        .iter()
        .map(|(path, place)| format!("{path} {}:{}", place.line, place.column))
        .collect();
    assert_eq!(
        named,
        [
            "listen.a.address 4:11",
            "listen.a.tls.cert 7:16",
            "listen.a.tls.key 7:37",
            "trunk.b.users[0].password 14:20"
        ]
    );
}

#[test]
fn at_most_two_hundred_errors_are_listed() {
    let many: String = (0..500).map(|i| format!("key{i} = 1\n")).collect();
    let errors = parse(&many, "t", Format::Toml).unwrap_err();
    assert_eq!(errors.0.len(), 201);
    assert_eq!(errors.0[200].message, "302 more errors are not listed");
}

#[test]
fn a_text_of_no_sane_size_is_refused_unread() {
    let huge = " ".repeat(config::TEXT_MAX + 1);
    assert_eq!(parse(&huge, "t", Format::Toml).unwrap_err().0[0].code, "too-large");
}
