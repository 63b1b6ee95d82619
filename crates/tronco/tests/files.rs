//! Files, secrets and directories that a configuration names: what is wrong with them is told with its place.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Place, Running, Said, command, tronco};
use serde_json::Value;

/// A line of the configuration that names something, the text in that line to point at, and how the finding begins.
struct Wrong<'a> {
    tls: &'a str,
    at: &'a str,
    says: &'a str,
    expects: &'a str,
}

/// A certificate and the key of another, in a folder.
fn certificates(place: &Place) {
    for name in ["srv", "other"] {
        let made = rcgen::generate_simple_self_signed(vec![format!("{name}.test")]).unwrap();
        std::fs::write(place.path(&format!("{name}.pem")), made.cert.pem()).unwrap();
        std::fs::write(place.path(&format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    }
    std::fs::write(place.path("text.pem"), "no certificate\n").unwrap();
}

/// The configuration with a table `[listen.outside.tls]` of these lines, or with other lines at its end.
fn with(place: &Place, lines: &str) -> String {
    let lines = lines.replace("DIR", &place.folder.display().to_string());
    place.write(&format!("{}\n{lines}\n", place.text()))
}

/// Line and column of `part` in a file.
fn place_of(path: &str, part: &str) -> (usize, usize) {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().position(|line| line.contains(part)).unwrap();
    (line + 1, text.lines().nth(line).unwrap().find(part).unwrap() + 1)
}

fn is_told(said: &Said, path: &str, wrong: &Wrong<'_>, folder: &str) {
    let (line, column) = place_of(path, &wrong.at.replace("DIR", folder));
    let start = format!("{path}:{line}:{column}: error: {}", wrong.says.replace("DIR", folder));
    let told = said.error.lines().find(|told| told.contains(&start));
    assert!(
        told.is_some_and(|told| told.contains(&wrong.expects.replace("DIR", folder))),
        "{start}\n{}",
        said.error
    );
    assert_eq!(said.code, 78, "{}", said.error);
}

const TLS: &str = "[listen.outside.tls]\n";

const WRONG: [Wrong<'static>; 10] = [
    Wrong {
        tls: "cert = \"DIR/srw.pem\"\nkey = { file = \"DIR/srv.key\" }",
        at: "\"DIR/srw.pem\"",
        says: "listen.outside.tls.cert: DIR/srw.pem: No such file",
        expects: "; expected a file that this user can read; did you mean `DIR/srv.pem`?",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/none/nope\" }",
        at: "\"DIR/none/nope\"",
        says: "listen.outside.tls.key: DIR/none/nope: No such file",
        expects: "; expected a file that this user can read",
    },
    Wrong {
        tls: "cert = \"DIR/text.pem\"\nkey = { file = \"DIR/srv.key\" }",
        at: "\"DIR/text.pem\"",
        says: "listen.outside.tls.cert: no certificate in DIR/text.pem",
        expects: "; expected a certificate chain in PEM form",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/text.pem\" }",
        at: "\"DIR/text.pem\"",
        says: "listen.outside.tls.key: no private key in PEM form",
        expects: "; expected a private key in PEM form",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/other.key\" }",
        at: "\"DIR/other.key\"",
        says: "listen.outside.tls.key: the key does not belong to the certificate in DIR/srv.pem",
        expects: "; expected the key that the certificate was made for",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { credential = \"tls-kye\" }",
        at: "\"tls-kye\"",
        says: "listen.outside.tls.key: DIR/tls-kye: No such file",
        expects: "; expected a credential that the service manager passes on (`LoadCredential=`)",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { env = \"TRONCO_TEST_KYE\" }",
        at: "\"TRONCO_TEST_KYE\"",
        says: "listen.outside.tls.key: the environment has no variable `TRONCO_TEST_KYE`",
        expects: "; expected a variable of the server's environment; did you mean `TRONCO_TEST_KEY`?",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/srv.key\" }\nclient_ca = \"DIR/nope.pem\"",
        at: "\"DIR/nope.pem\"",
        says: "listen.outside.tls.client_ca: DIR/nope.pem: No such file",
        expects: "; expected a file that this user can read",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/srv.key\" }\n[trunk.itsp.tls]\nca = \"DIR/nope.pem\"",
        at: "\"DIR/nope.pem\"",
        says: "trunk.itsp.tls.ca: DIR/nope.pem: No such file",
        expects: "; expected a file that this user can read",
    },
    Wrong {
        tls: "cert = \"DIR/srv.pem\"\nkey = { file = \"DIR/srv.key\" }\n[[trunk.itsp.accounts]]\nusername = \"u\"\n\
              password = { file = \"DIR/nope\" }",
        at: "\"DIR/nope\"",
        says: "trunk.itsp.accounts[0].password: DIR/nope: No such file",
        expects: "; expected a file that this user can read",
    },
];

#[test]
fn a_wrong_file_or_secret_is_told_with_the_place_that_names_it_by_check_and_run() {
    let place = Place::new("files");
    let folder = place.folder.display().to_string();
    certificates(&place);
    for wrong in &WRONG {
        let path = with(&place, &format!("{TLS}{}", wrong.tls));
        for order in [&["check"][..], &["run"]] {
            let mut command = command(&[order, &["--config", &path]].concat());
            command.env("CREDENTIALS_DIRECTORY", &folder).env("TRONCO_TEST_KEY", "x");
            is_told(&Said::of(&command.output().unwrap()), &path, wrong, &folder);
        }
        let said = tronco(&["check", "--offline", "--config", &path]);
        assert_eq!((said.code, said.text), (0, format!("{path}: ok\n")), "{}", said.error);
    }
}

#[test]
fn all_wrong_files_are_told_at_once_each_once_and_as_json() {
    let place = Place::new("several");
    let path = with(
        &place,
        "[listen.outside.tls]\ncert = \"DIR/a\"\nkey = { file = \"DIR/b\" }\n[trunk.itsp.tls]\nca = \"DIR/c\"\n\
         [[trunk.itsp.users]]\nusername = \"u\"\npassword = { file = \"DIR/d\" }",
    );
    let said = tronco(&["check", "--json", "--config", &path]);
    assert_eq!(said.code, 78);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    let errors = report["errors"].as_array().unwrap();
    let paths: Vec<&str> = errors.iter().filter_map(|error| error["path"].as_str()).collect();
    let expected = [
        "listen.outside.tls.cert",
        "listen.outside.tls.key",
        "trunk.itsp.tls.ca",
        "trunk.itsp.users[0].password",
    ];
    assert_eq!(paths, expected);
    assert!(errors.iter().all(|error| error["code"] == "unreadable" && error["line"].is_u64()), "{errors:?}");
    assert!(tronco(&["check", "--config", &path]).error.contains("--offline"));
}

#[test]
fn a_directory_for_records_that_cannot_be_had_is_78_and_told_with_its_place() {
    let place = Place::new("records");
    let data = place.path("data").display().to_string();
    let text = place.text();
    for (unusable, checked) in
        [("/proc/nope/rec", false), (concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml/x"), true)]
    {
        let path = place.write(&text.replace(&data, unusable));
        let (line, column) = place_of(&path, unusable);
        let start = format!("{path}:{line}:{}: error: records.path: ", column - 1);
        let said = tronco(&["run", "--config", &path]);
        assert_eq!(said.code, 78, "{}", said.error);
        assert!(said.error.contains(&start), "{start}\n{}", said.error);
        assert!(
            said.error.contains("; expected a directory that the server can make or write"),
            "{}",
            said.error
        );
        let said = tronco(&["check", "--config", &path]);
        assert_eq!(said.code, if checked { 78 } else { 0 }, "{}", said.error);
        assert_eq!(said.error.contains(&start), checked, "{}", said.error);
    }
    let path = place
        .write(&text.replace("[records]", &format!("[records]\njsonl = \"{}\"", place.folder.display())));
    let said = tronco(&["check", "--config", &path]);
    assert!(said.code == 78 && said.error.contains("error: records.jsonl: "), "{}", said.error);
}

#[test]
fn an_address_of_another_machine_and_a_socket_that_is_none_are_told_with_their_places() {
    let place = Place::new("addresses");
    let text = place.text();
    let path = place.write(&text.replace(&place.ip(1), "192.0.2.77"));
    let said = tronco(&["run", "--config", &path]);
    let (line, column) = place_of(&path, "\"192.0.2.77\"");
    assert_eq!(said.code, 78, "{}", said.error);
    assert!(
        said.error.contains(&format!("{path}:{line}:{column}: error: listen.outside.address: ")),
        "{}",
        said.error
    );
    std::fs::create_dir_all(place.path("run")).unwrap();
    std::fs::write(place.path("run/tronco.sock"), "").unwrap();
    let path = place.write(&text);
    let said = tronco(&["run", "--config", &path]);
    let (line, column) = place_of(&path, &format!("\"{}\"", place.socket()));
    assert_eq!(said.code, 78, "{}", said.error);
    assert!(said.error.contains(&format!("{path}:{line}:{column}: error: api.socket: ")), "{}", said.error);
}

#[test]
fn a_reload_with_a_missing_file_says_where_it_is_named_and_keeps_what_runs() {
    let place = Place::new("reload-files");
    let mut daemon = Running::daemon(&place, &place.text());
    let path = with(&place, "[trunk.itsp.tls]\nca = \"DIR/nope.pem\"");
    let (line, column) =
        place_of(&path, "\"DIR/nope.pem\"".replace("DIR", &place.folder.display().to_string()).as_str());
    daemon.signal("HUP");
    let told = daemon.line(&format!("{path}:{line}:{column}: error: trunk.itsp.tls.ca: "));
    assert!(told.contains("; expected a file that this user can read"), "{told}");
    daemon.line("not reloaded: the running configuration stays");
    let trouble = place.json(&["status"]);
    assert!(trouble.to_string().contains("trunk.itsp.tls.ca"), "{trouble}");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn sounds_that_cannot_be_played_are_all_told_with_their_places_at_a_reload_and_nothing_waits_for_a_pipe() {
    let place = Place::new("reload-sounds");
    let mut daemon = Running::daemon(&place, &place.text());
    let pipe = place.path("pipe.wav");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let path = with(
        &place,
        "[defaults.override]\nhold_music = \"DIR/pipe.wav\"\nannounce = [{ status = 404, file = \"/dev/zero\" }]",
    );
    daemon.signal("HUP");
    let (line, column) = place_of(&path, &format!("\"{}\"", pipe.display()));
    let told = daemon.line(&format!("{path}:{line}:{column}: error: defaults.override.hold_music: "));
    assert!(told.contains("it is no regular file; expected a WAV file"), "{told}");
    let (line, column) = place_of(&path, "\"/dev/zero\"");
    daemon.line(&format!("{path}:{line}:{column}: error: defaults.override.announce[0].file: "));
    daemon.line("not reloaded: the running configuration stays");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_required_fast_path_that_cannot_be_had_is_78_and_told_with_its_place() {
    let place = Place::new("fast-path");
    let (mut path, key) = (String::new(), |key: &str| format!("media.{key}"));
    // No kernel has a driver beneath loopback addresses.
    for name in ["fast_path", "touched_path"] {
        path = place.write(&format!("{}\n[media]\n{name} = \"required\"\n", place.text()));
        let said = tronco(&["run", "--config", &path]);
        assert_eq!(said.code, 78, "{}", said.error);
        let parts = [&format!("{path}:"), &key(name), "loopback address", "expected `auto` or `off`"];
        for part in parts {
            assert!(said.error.contains(part), "{part}\n{}", said.error);
        }
    }
    assert_eq!(tronco(&["check", "--offline", "--config", &path]).code, 0);
}
