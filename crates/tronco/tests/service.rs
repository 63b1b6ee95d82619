//! What a service manager hears over its notification socket (sd_notify(3)).

#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Place, Running, command, tronco};
use std::os::unix::net::UnixDatagram;

/// Reads messages until one has the line.
fn hear(socket: &UnixDatagram, line: &str) {
    let mut buffer = [0; 4096];
    loop {
        let count = socket.recv(&mut buffer).unwrap();
        if String::from_utf8_lossy(&buffer[..count]).lines().any(|l| l.starts_with(line)) {
            return;
        }
    }
}

#[test]
fn ready_alive_reloading_and_stopping_are_told() {
    let place = Place::new("service");
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let config = place.write(&place.text());
    let mut run = command(&["run", "--config", &config]);
    run.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let daemon = Running::launch(run);
    hear(&socket, "READY=1");
    hear(&socket, "WATCHDOG=1");
    hear(&socket, "WATCHDOG=1");
    daemon.signal("HUP");
    hear(&socket, "RELOADING=1");
    hear(&socket, "READY=1");
    daemon.signal("TERM");
    hear(&socket, "STOPPING=1");
    hear(&socket, "EXTEND_TIMEOUT_USEC=");
    let mut daemon = daemon;
    assert_eq!(daemon.end(), 0);
}

#[test]
fn a_start_that_cannot_succeed_is_never_ready() {
    let place = Place::new("never");
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let config = place.write(&place.text().replace(&place.socket(), "/dev/null"));
    let mut run = command(&["run", "--config", &config]);
    run.env("NOTIFY_SOCKET", &path);
    let mut daemon = Running::launch(run);
    assert_eq!(daemon.end(), 78, "{:?}", daemon.seen);
    assert!(socket.recv(&mut [0; 64]).is_err());
}

/// What `systemd-analyze` says, and how it ends; `None` where there is no systemd.
fn analyze(arguments: &[&str]) -> Option<(Option<i32>, String)> {
    match std::process::Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "systemd-analyze: {error}");
            None
        }
    }
}

/// The unit as it is installed, but for the program's path.
fn unit(place: &Place) -> String {
    let path = place.path("tronco.service");
    let text = include_str!("../../../packaging/tronco.service");
    std::fs::write(&path, text.replace("/usr/bin/tronco", env!("CARGO_BIN_EXE_tronco"))).unwrap();
    path.display().to_string()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let place = Place::new("verify");
    let path = unit(&place);
    let Some((code, said)) = analyze(&["verify", "--man=no", &path]) else { return };
    // It also reads the machine's own units, about which it may say more.
    let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("tronco.service")).collect();
    assert!(code == Some(0) && about_ours.is_empty(), "{code:?}: {said}");

    // A key that does not exist is found, so silence means something.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("WatchdogSec=", "WatchdogSecond=")).unwrap();
    let (_, said) = analyze(&["verify", "--man=no", &path]).unwrap();
    assert!(said.contains("WatchdogSecond"), "{said}");
}

#[test]
fn only_the_main_process_may_find_the_configuration_wrong_since_systemd_heeds_no_other_exit_code() {
    let unit = include_str!("../../../packaging/tronco.service");
    let values = |key: &str| {
        unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect::<Vec<_>>()
    };
    assert_eq!(values("ExecStart"), ["/usr/bin/tronco run --config /etc/tronco/tronco.toml"]);
    assert!(values("ExecStartPre").is_empty() && values("ExecCondition").is_empty());
    assert_eq!(values("RestartPreventExitStatus"), ["64 78"]);
    let place = Place::new("unit-codes");
    let wrong = place.write("version = 2\n");
    assert_eq!(tronco(&["run", "--config", &wrong]).code, 78);
    assert_eq!(tronco(&["run", "--confg", &wrong]).code, 64);
}

/// Tenths of systemd's measure of exposure, 0 to 100; below 20 it calls a unit safe.
const EXPOSURE_MAX: &str = "20";

#[test]
fn the_unit_exposes_little() {
    let place = Place::new("exposure");
    let path = unit(&place);
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let Some((code, said)) = analyze(&["security", "--no-pager", "--offline=yes", &threshold, &path]) else {
        return;
    };
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Overall exposure level for tronco.service"), "{said}");
}
