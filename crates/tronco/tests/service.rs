//! What a service manager hears over its notification socket (sd_notify(3)).

#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Place, Running, command};
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
