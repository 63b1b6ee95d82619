//! A place of loopback addresses and files for one test, a daemon in it, and commands to ask it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

pub mod phone;

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Nothing in these tests takes nearly as long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Addresses and a folder of one test.
pub struct Place {
    pub folder: PathBuf,
    number: u8,
}

impl Place {
    pub fn new(name: &str) -> Place {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let folder = std::env::temp_dir().join(format!("tronco-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Place { folder, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// 127.x.y.z, of this process and test alone.
    pub fn ip(&self, host: u8) -> String {
        let pid = std::process::id();
        format!("127.{}.{}.{}", 100 + pid / 200 % 100, 1 + pid % 200, self.number * 8 + host + 1)
    }

    pub fn inside(&self) -> String {
        format!("{}:5060", self.ip(0))
    }

    pub fn pbx(&self) -> String {
        format!("{}:5060", self.ip(2))
    }

    pub fn itsp(&self) -> String {
        format!("{}:5060", self.ip(3))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn socket(&self) -> String {
        self.path("run/tronco.sock").display().to_string()
    }

    /// A whole configuration with an IP-PBX inside and a provider outside.
    pub fn text(&self) -> String {
        let names =
            [("INSIDE", self.ip(0)), ("OUTSIDE", self.ip(1)), ("PBX", self.pbx()), ("ITSP", self.itsp())];
        let files = [("DATA", self.path("data").display().to_string()), ("SOCKET", self.socket())];
        let all = names.into_iter().chain(files);
        all.fold(include_str!("tronco.toml").to_owned(), |text, (name, value)| {
            text.replace(&format!("@{name}@"), &value)
        })
    }

    /// Writes a configuration and gives its path.
    pub fn write(&self, text: &str) -> String {
        let path = self.path("tronco.toml");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs a command to its end, against this place's daemon.
    pub fn tronco(&self, arguments: &[&str]) -> Said {
        let mut command = command(arguments);
        Said::of(&command.env("TRONCO_SOCKET", self.socket()).output().unwrap())
    }

    /// The JSON that a command prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let said = self.tronco(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.error);
        serde_json::from_str(&said.text).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The program with a clean environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tronco"));
    command.args(arguments).env_remove("TRONCO_SOCKET").env_remove("NOTIFY_SOCKET").stdin(Stdio::null());
    command
}

/// Runs a command that needs no daemon.
pub fn tronco(arguments: &[&str]) -> Said {
    Said::of(&command(arguments).output().unwrap())
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub text: String,
    pub error: String,
}

impl Said {
    pub fn of(output: &Output) -> Said {
        Said {
            code: output.status.code().unwrap_or(-1),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A process whose lines are read as they come.
pub struct Running {
    pub child: Child,
    lines: Receiver<String>,
    pub seen: Vec<String>,
}

impl Running {
    fn watch(child: Child, stream: impl Read + Send + 'static) -> Running {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Running { child, lines, seen: Vec::new() }
    }

    /// A daemon, ready or ended.
    pub fn launch(mut command: Command) -> Running {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stream = child.stderr.take().unwrap();
        Running::watch(child, stream)
    }

    /// A daemon that takes calls.
    pub fn daemon(place: &Place, text: &str) -> Running {
        let config = place.write(text);
        let mut running = Running::launch(command(&["run", "--config", &config]));
        running.line("ready");
        running
    }

    /// A command whose results are read as they come.
    pub fn follow(place: &Place, arguments: &[&str]) -> Running {
        let mut command = command(arguments);
        command.env("TRONCO_SOCKET", place.socket()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stream = child.stdout.take().unwrap();
        Running::watch(child, stream)
    }

    /// Waits for a line that contains `text`.
    pub fn line(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {text:?}: {error}\n{}", self.seen.join("\n")),
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the end.
    pub fn end(&mut self) -> i32 {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
