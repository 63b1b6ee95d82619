//! The subject: a running `tronco`, with its configuration file, its log, its end.

use crate::place::Place;
use crate::process::Process;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: Process,
    config: PathBuf,
}

/// The program: `TRONCO_BIN`, or the workspace's own, built once.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(path) = std::env::var_os("TRONCO_BIN") {
            return path.into();
        }
        let root = Place::own("../..");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).current_dir(&root).args(["build", "-q", "-p", "tronco"]).status();
        assert!(built.is_ok_and(|s| s.success()), "tronco does not build");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        target.join("debug/tronco")
    })
}

/// Runs `tronco` with these arguments to its end.
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn tronco(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).env("NO_COLOR", "1").output().expect("tronco starts")
}

impl Server {
    /// Starts `tronco run` with this configuration, without waiting for anything.
    #[must_use]
    pub fn launch(place: &Place, config: &str) -> Server {
        let path = place.write("tronco.toml", config);
        Server::launch_file(path)
    }

    fn launch_file(config: PathBuf) -> Server {
        let mut command = Command::new(program());
        command.arg("run").arg("--config").arg(&config).env("NO_COLOR", "1");
        Server { process: Process::start("tronco", &mut command), config }
    }

    /// Starts it and waits until it says that it is ready.
    #[must_use]
    pub fn start(place: &Place, config: &str) -> Server {
        let server = Server::launch(place, config);
        server.process.line("ready");
        server
    }

    /// Starts it again with the file that it had.
    #[must_use]
    pub fn restart(self) -> Server {
        let config = self.config.clone();
        drop(self);
        let server = Server::launch_file(config);
        server.process.line("ready");
        server
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Replaces the configuration file and sends SIGHUP; the line number from which its words count.
    pub fn reload(&self, config: &str) -> usize {
        let from = self.process.lines().len();
        assert!(std::fs::write(&self.config, config).is_ok(), "the configuration file is written");
        self.process.signal(Signal::HUP);
        from
    }

    /// Ends it at once, as a crash would, and waits for the end.
    pub fn kill(&self) {
        self.process.signal(Signal::KILL);
        let _ = self.process.exit_code();
    }

    /// Asks it to stop and gives its exit code.
    pub fn stop(&self) -> i32 {
        self.process.signal(Signal::TERM);
        self.process.exit_code()
    }

    /// Resident memory in KiB.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
    }
}
