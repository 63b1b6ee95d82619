//! Commands that need no daemon, and what they say when there is none: every exit code.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, tronco};
use serde_json::Value;

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    for wrong in [
        &["statuss"][..],
        &[],
        &["trunk"],
        &["trunk", "show"],
        &["status", "--timeout", "0"],
        &["cdr", "export", "--format", "parquet"],
        &["cdr", "query", "--status", "busy"],
        &["cdr", "query", "--since", "yesterday"],
        &["cdr", "export", "--json", "--format", "csv"],
        &["route", "test", "--on", "pbx"],
    ] {
        let said = tronco(wrong);
        assert_eq!(said.code, 64, "{wrong:?}: {}", said.error);
        assert!(said.text.is_empty() && !said.error.is_empty(), "{wrong:?}");
    }
    for right in [&["--help"][..], &["--version"], &["cdr", "query", "--help"]] {
        let said = tronco(right);
        assert_eq!(said.code, 0, "{right:?}");
        assert!(said.error.is_empty() && !said.text.is_empty(), "{right:?}");
    }
}

#[test]
fn without_a_daemon_it_is_69() {
    let place = Place::new("nobody");
    for asking in [
        &["status"][..],
        &["trunk", "list"],
        &["trunk", "enable", "x"],
        &["call", "list"],
        &["call", "hangup", "abcd"],
        &["cdr", "tail"],
        &["cdr", "query"],
        &["cdr", "export"],
        &["route", "test", "--on", "pbx", "--to", "1"],
    ] {
        let said = place.tronco(asking);
        assert_eq!(said.code, 69, "{asking:?}: {}", said.error);
        assert!(said.error.contains(&place.socket()), "{}", said.error);
    }
    let said = tronco(&["status", "--socket", "/nowhere/t.sock"]);
    assert_eq!(said.code, 69);
    assert!(said.error.contains("/nowhere/t.sock"));
}

#[test]
fn a_silent_daemon_is_69_too() {
    let place = Place::new("silent");
    let path = place.path("silent.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let said = tronco(&["status", "--timeout", "0.1", "--socket", &path.display().to_string()]);
    assert_eq!(said.code, 69, "{}", said.error);
    assert!(said.error.contains("no answer within 0.1 s"), "{}", said.error);
}

#[test]
fn check_says_ok_or_what_is_wrong_and_where() {
    let place = Place::new("check");
    let path = place.write(&place.text());
    let said = tronco(&["check", "--config", &path]);
    assert_eq!((said.code, said.text.as_str()), (0, format!("{path}: ok\n").as_str()), "{}", said.error);

    let path = place.write(&place.text().replace("gateways", "gatewayz"));
    let said = tronco(&["check", "--config", &path]);
    assert_eq!(said.code, 78);
    assert!(said.text.is_empty() && said.error.contains("tronco.toml:15:1"), "{}", said.error);
    let said = tronco(&["check", "--json", "--config", &path]);
    assert_eq!(said.code, 78);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(report["ok"], false);
    let misspelt = report["errors"].as_array().unwrap().iter().find(|e| e["code"] == "unknown-key").unwrap();
    assert_eq!((&misspelt["line"], &misspelt["nearest"]), (&15.into(), &"gateways".into()));

    let said = tronco(&["check", "--json", "--config", "/nowhere.toml"]);
    assert_eq!(said.code, 78);
    assert!(said.text.contains("unreadable"), "{}", said.text);
}

#[test]
fn a_failing_test_in_the_configuration_is_3() {
    let place = Place::new("failing");
    let case =
        "[[test]]\nname = \"t\"\ncall = { on = \"pbx\", from = \"1\", to = \"030 1234567\" }\nexpect = ";
    let path = place.write(&format!("{}{case}{{ called = \"+49301234567\" }}\n", place.text()));
    assert_eq!(tronco(&["check", "--config", &path]).code, 0);
    let path = place.write(&format!("{}{case}{{ called = \"+1\" }}\n", place.text()));
    let said = tronco(&["check", "--config", &path]);
    assert_eq!(said.code, 3);
    assert!(said.error.contains("test `t` failed"), "{}", said.error);
    let said = tronco(&["check", "--json", "--config", &path]);
    assert_eq!(said.code, 3);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(report["failed_tests"][0]["name"], "t");
    assert_eq!(tronco(&["run", "--config", &path]).code, 78);
}

#[test]
fn a_failing_test_names_where_it_stands() {
    let place = Place::new("failing-place");
    let text = place.text();
    let line = text.lines().count() + 2;
    let case =
        "[[test]]\ncall = { on = \"pbx\", from = \"1\", to = \"030 1234567\" }\nexpect = { called = \"+1\" }";
    let path = place.write(&format!("{text}\n{case}\n"));
    let said = tronco(&["check", "--config", &path]);
    let place_of = format!("{path}:{line}:1: error: test `test 1` failed: expected called number +1");
    assert!(said.error.starts_with(&place_of), "{}", said.error);
    let said = tronco(&["check", "--json", "--config", &path]);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    let failed = &report["failed_tests"][0];
    assert_eq!(
        (&failed["line"], &failed["column"], &failed["path"]),
        (&line.into(), &1.into(), &"test[0]".into())
    );
}

#[test]
fn every_warning_has_a_place_and_is_told_once() {
    let place = Place::new("doubtful");
    let text = place.text();
    let first = text.lines().count() + 1;
    // Both are covered by `world`; only the routing room sees through a choice of beginnings.
    let more = r#"[[route]]
name = "narrow"
match = { called = "+49*" }
to = "itsp"
[[route]]
name = "chosen"
match = { called = '/\+(1|44)[0-9]+/' }
to = "itsp"
[[dialplan]]
name = "lost"
match = '0(\d+)'
to = "+$1"
[[trunk.itsp.translate.called_out]]
match = '^+1(\d{10})$'
to = "$1"
"#;
    let path = place.write(&format!("{text}{more}"));
    let said = tronco(&["check", "--config", &path]);
    assert_eq!(said.code, 0, "{}", said.error);
    let lines: Vec<&str> = said.error.lines().collect();
    let starts: Vec<String> = [
        (first + 1, 8, "route `narrow` is never taken: route `world` in line "),
        (first + 8, 1, "dial rule `lost` makes +2345678910 of 02345678910: the country code is lost"),
        (
            first + 12,
            1,
            "translation `called_out 1` of trunk `itsp` repeats a place at character 2 of `match`",
        ),
    ]
    .into_iter()
    .map(|(line, column, text)| format!("{path}:{line}:{column}: warning: {text}"))
    .collect();
    for start in &starts {
        assert_eq!(lines.iter().filter(|l| l.starts_with(start)).count(), 1, "{start}\n{}", said.error);
    }
    assert!(
        lines.iter().all(|l| l.starts_with(&format!("{path}:")) && l.contains("; expected ")),
        "{lines:?}"
    );
    let said = tronco(&["check", "--json", "--config", &path]);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    let warnings = report["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), lines.len());
    assert!(warnings.iter().all(|w| w["line"].is_u64() && w["column"].is_u64()), "{warnings:?}");
}

#[test]
fn a_file_that_is_no_text_is_refused_at_its_first_bad_byte() {
    let place = Place::new("bytes");
    let path = place.path("bytes.toml");
    std::fs::write(&path, b"version = 1\n# caf\xe9\n").unwrap();
    let path = path.display().to_string();
    let said = tronco(&["check", "--config", &path]);
    assert_eq!(said.code, 78);
    assert!(said.error.starts_with(&format!("{path}:2:6: error: byte 0xe9")), "{}", said.error);
}

#[test]
fn a_route_is_tested_from_a_file() {
    let place = Place::new("dry");
    let path = place.write(&place.text());
    let ask = |arguments: &[&str]| tronco(&[&["route", "test", "--config", &path], arguments].concat());
    let said = ask(&["--on", "pbx", "--from", "030 111", "--to", "0044 1632 960001", "--json"]);
    assert_eq!(said.code, 0, "{}", said.error);
    let test: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(test["route"], "world");
    assert_eq!(test["attempts"][0]["trunk"], "itsp");
    assert_eq!(test["called"], "+441632960001");
    let said = ask(&["--on", "itsp", "--to", "+441632960001"]);
    assert_eq!(said.code, 3, "hairpin: {}", said.text);
    assert!(said.text.contains("refused"), "{}", said.text);
    assert_eq!(ask(&["--on", "nobody", "--to", "1"]).code, 64);
    assert_eq!(tronco(&["route", "test", "--config", "/nowhere", "--on", "pbx", "--to", "1"]).code, 78);
}

#[test]
fn schema_and_completions_are_printed() {
    let said = tronco(&["config", "schema"]);
    assert_eq!(said.code, 0);
    let schema: Value = serde_json::from_str(&said.text).unwrap();
    assert!(schema["properties"]["trunk"].is_object());
    for shell in ["bash", "zsh", "fish"] {
        let said = tronco(&["completions", shell]);
        assert_eq!(said.code, 0);
        assert!(said.text.contains("hangup"), "{shell}");
    }
}

#[test]
fn profiles_are_listed_and_shown_with_their_sources() {
    let said = tronco(&["profile", "list"]);
    assert_eq!(said.code, 0, "{}", said.error);
    assert!(said.text.contains("generic-pbx") && said.text.contains("from-documents"), "{}", said.text);
    let said = tronco(&["profile", "show", "generic-pbx", "--json"]);
    let profile: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!((&profile["name"], &profile["status"]), (&"generic-pbx".into(), &"from-documents".into()));
    let values = profile["values"].as_array().unwrap();
    assert!(values.iter().all(|v| !v["source"].as_str().unwrap().is_empty()), "{values:?}");
    assert!(tronco(&["profile", "show", "generic-gateway"]).text.contains("policy.user_phone"));
    let said = tronco(&["profile", "show", "nobody"]);
    assert_eq!(said.code, 64);
    assert!(said.error.contains("generic-itsp"), "{}", said.error);
}

#[test]
fn a_trunks_settings_are_shown_with_where_they_come_from() {
    let place = Place::new("effective");
    let text = place.text();
    let line = u64::try_from(text.lines().count()).unwrap() + 2;
    let path = place.write(&format!("{text}[defaults]\nring_timeout = \"77s\"\n"));
    let said = tronco(&["config", "effective", "pbx", "--config", &path, "--json"]);
    assert_eq!(said.code, 0, "{}", said.error);
    let found: Value = serde_json::from_str(&said.text).unwrap();
    let setting = |key: &str| {
        let all = found["settings"].as_array().unwrap();
        all.iter().find(|s| s["key"] == key).cloned().unwrap()
    };
    let ring = setting("ring_timeout");
    assert_eq!((&ring["value"], &ring["origin"]), (&"77s".into(), &"defaults".into()));
    assert_eq!((&ring["file"], &ring["line"]), (&path.clone().into(), &line.into()));
    assert_eq!(setting("kind")["origin"], "trunk");
    assert_eq!(setting("override.hold")["origin"], "built-in");
    assert_eq!(setting("override.number_format")["origin"], "profile generic-pbx v1");
    let said = tronco(&["config", "effective", "pbx", "--config", &path]);
    assert!(said.text.contains("\"77s\"") && said.text.contains(&format!("{path}:{line}")), "{}", said.text);
    assert_eq!(tronco(&["config", "effective", "nobody", "--config", &path]).code, 64);
    assert_eq!(tronco(&["config", "effective", "pbx", "--config", "/nowhere"]).code, 78);
    assert_eq!(place.tronco(&["config", "effective", "pbx"]).code, 69);
}
