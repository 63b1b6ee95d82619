//! `tronco demo` as a newcomer runs it: the exit code, what is printed, what is left behind.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tronco"));
    command.arg("demo").args(arguments).env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> (Output, String) {
    let output = demo(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_newcomer_sees_calls_a_ladder_a_record_and_a_verdict() {
    let (output, text) = run(&[]);
    assert!(output.status.success(), "{}\n{text}", told(&output));
    for line in [
        "Call 1 (IP-PBX to ITSP, abroad), as both ends saw it",
        "|--- INVITE 00441632960001 ------------>|",
        "|--- INVITE +441632960001 ------------->|",
        "|<---------------------- 180 Ringing ---|",
        "=== RTP 100 x PCMA, 770 Hz ===",
        "=== RTP 100, 770 Hz, -10.0 dBm0 ===",
        "called           00441632960001 -> +441632960001",
        "reason           P-HANGUP-A: The caller hung up.",
        "6 calls, 51 checks passed in ",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.ends_with("  ok")).count(), 6, "{text}");
    assert!(!text.contains('\x1b'), "colour without a terminal");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?} columns");
}

#[test]
fn a_program_gets_one_json_document() {
    let (output, text) = run(&["--json", "--calls", "4"]);
    assert!(output.status.success(), "{}\n{text}", told(&output));
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["passed"], true);
    let calls = summary["calls"].as_array().unwrap();
    let kinds: Vec<&str> = calls.iter().map(|call| call["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["plain", "plain", "busy", "failover"]);
    let statuses: Vec<u64> = calls.iter().map(|call| call["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 486, 200]);
    // The call that comes in is shown to the IP-PBX as people dial.
    assert_eq!(calls[1]["called"], "+493023125502");
    assert_eq!(calls[1]["called_seen"], "03023125502");
    assert_eq!(calls[1]["from_callee"]["heard_hz"], calls[1]["from_callee"]["sent_hz"]);
    assert_eq!(calls[3]["record"]["attempts"][0]["reason"], "S-FAILOVER-SILENT");
    assert_eq!(calls[3]["record"]["attempts"][1]["trunk"], "itsp");
}

#[test]
fn the_embedded_configuration_passes_the_check_and_bad_arguments_are_told() {
    let (output, text) = run(&["--print-config"]);
    assert!(output.status.success());
    let path = std::env::temp_dir().join(format!("tronco-print-config-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let check =
        Command::new(env!("CARGO_BIN_EXE_tronco")).arg("check").arg("--config").arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(check.status.success() && check.stderr.is_empty(), "{}", told(&check));
    for bad in [&["--calls", "3"][..], &["--calls", "201"], &["--ladder", "7"], &["--ladder", "0"]] {
        assert_eq!(run(bad).0.status.code(), Some(64), "{bad:?}");
    }
}

/// Ends the program if the test does not.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn it_stays_until_told_to_go_and_leaves_nothing_behind() {
    let child = demo(&["--stay", "--calls", "4"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let socket = lines.by_ref().find_map(|line| Some(line.split_once("--socket ")?.1.to_owned())).unwrap();
    let folder = Path::new(&socket).parent().unwrap().to_owned();
    assert!(lines.by_ref().any(|line| line == "Calls as they end:"));
    let status = Command::new(env!("CARGO_BIN_EXE_tronco"))
        .args(["cdr", "query", "--json", "--socket", &socket])
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", told(&status));
    assert_eq!(
        String::from_utf8_lossy(&status.stdout).matches("\"sip_call_id\"").count(),
        4 + 5,
        "calls and attempts"
    );
    signal(&running.0, "TERM");
    assert!(running.0.wait().unwrap().success());
    assert!(!folder.exists());
}

#[test]
fn an_interrupted_demo_fails_and_leaves_nothing_behind() {
    let child = demo(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut out = BufReader::new(running.0.stdout.take().unwrap());
    // The opening is printed when the server runs and the calls begin.
    assert!(out.read_line(&mut String::new()).unwrap() > 0);
    signal(&running.0, "INT");
    assert_eq!(running.0.wait().unwrap().code(), Some(1));
    let mut told = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, "tronco demo: interrupted\n");
    let left = format!("tronco-demo-{}-", running.0.id());
    let names = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with(&left)).count(), 0);
}
