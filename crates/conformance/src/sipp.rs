//! SIPp: a caller or callee that follows a scenario file of `scenarios/`, and what it counted.

use crate::PATIENCE;
use crate::place::Place;
use crate::process::Process;
use crate::script::Script;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;

/// SIPp about to be started.
#[derive(Debug)]
pub struct Sipp<'a> {
    place: &'a Place,
    name: String,
    command: Command,
    calls: u32,
    from: String,
    audio: String,
}

/// SIPp at work.
#[derive(Debug)]
pub struct Running {
    name: String,
    process: Process,
    statistics: PathBuf,
    messages: PathBuf,
    errors: PathBuf,
    calls: u32,
}

/// What SIPp counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Calls that went as the scenario says.
    pub good: u64,
    /// Calls that did not.
    pub failed: u64,
    /// Messages that were sent again.
    pub retransmissions: u64,
}

impl<'a> Sipp<'a> {
    /// `name` is unique in the place; `scenario` a file of `scenarios/` without its ending;
    /// `local` the address and port it is bound to.
    #[must_use]
    pub fn new(place: &'a Place, name: &str, scenario: &str, local: &str) -> Sipp<'a> {
        Sipp::of_path(place, name, &Place::own(&format!("scenarios/{scenario}.xml")), local)
    }

    /// The same with a scenario that a test has put together.
    #[must_use]
    pub fn of_script(place: &'a Place, name: &str, script: &Script, local: &str) -> Sipp<'a> {
        let file = place.write(&format!("{name}.xml"), script.text());
        Sipp::of_path(place, name, &file, local)
    }

    /// The same with a file of any place.
    #[must_use]
    pub fn of_path(place: &'a Place, name: &str, scenario: &Path, local: &str) -> Sipp<'a> {
        let (ip, port) = local.rsplit_once(':').unwrap_or((local, "5060"));
        let ip = ip.trim_matches(['[', ']']);
        let mut command = Command::new("sipp");
        command.current_dir(place.folder()).env("TERM", "xterm");
        command.args(["-sf".as_ref(), scenario.as_os_str()]);
        command.args([
            "-i",
            ip,
            "-p",
            port,
            "-mi",
            ip,
            "-nostdin",
            "-max_socket",
            "2000",
            "-buff_size",
            "4194304",
            "-trace_err",
            "-trace_stat",
            "-fd",
            "1",
        ]);
        command.arg("-error_file").arg(place.path(&format!("{name}.errors")));
        command.arg("-stf").arg(place.path(&format!("{name}.csv")));
        command.args(["-timeout", &format!("{}s", PATIENCE.as_secs()), "-timeout_error"]);
        Sipp {
            place,
            name: name.to_owned(),
            command,
            calls: 1,
            from: "+493023125100".into(),
            audio: "40000".into(),
        }
    }

    /// Calls to make or take before it ends.
    #[must_use]
    pub fn calls(mut self, calls: u32) -> Self {
        self.calls = calls;
        self
    }

    /// Calls a second.
    #[must_use]
    pub fn rate(self, rate: u32) -> Self {
        self.with(&["-r", &rate.to_string()])
    }

    /// Keeps every message, for [`Running::messages`].
    #[must_use]
    pub fn keep_messages(mut self) -> Self {
        let file = self.place.path(&format!("{}.messages", self.name));
        self.command.arg("-trace_msg").arg("-message_file").arg(file);
        self
    }

    /// The caller's number, +493023125100 unless told.
    #[must_use]
    pub fn from(mut self, number: &str) -> Self {
        self.from = number.to_owned();
        self
    }

    /// The port named in its session description, 40000 unless told. SIPp itself leaves it alone.
    #[must_use]
    pub fn audio(mut self, port: u16) -> Self {
        self.audio = port.to_string();
        self
    }

    /// A value that the scenario names in brackets.
    #[must_use]
    pub fn key(self, name: &str, value: &str) -> Self {
        self.with(&["-key", name, value])
    }

    /// Further arguments of SIPp's own.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Starts as callee.
    #[must_use]
    pub fn answer(self) -> Running {
        self.start()
    }

    /// Starts as caller of `number` at `target` (address and port).
    #[must_use]
    pub fn call(mut self, number: &str, target: &str) -> Running {
        self.command.args(["-s", number, target]);
        self.start()
    }

    fn start(mut self) -> Running {
        self.command.args([
            "-m",
            &self.calls.to_string(),
            "-key",
            "from",
            &self.from,
            "-key",
            "audio",
            &self.audio,
        ]);
        let file = |ending: &str| self.place.path(&format!("{}.{ending}", self.name));
        let running = Running {
            process: Process::start(&format!("sipp {}", self.name), &mut self.command),
            statistics: file("csv"),
            messages: file("messages"),
            errors: file("errors"),
            name: self.name,
            calls: self.calls,
        };
        // It writes the head of its statistics when its sockets are bound.
        let ready = crate::await_some(|| {
            let rows = std::fs::read_to_string(&running.statistics).unwrap_or_default();
            (rows.lines().count() > 1 || !running.process.runs()).then_some(())
        });
        assert!(ready.is_some(), "{}: does not start", running.name);
        running
    }
}

impl Running {
    /// Waits for the end; every call must have gone as the scenario says.
    ///
    /// # Panics
    /// A call failed; the message says how.
    pub fn finish(&self) -> Tally {
        let code = self.process.exit_code();
        let tally = self.tally();
        let expected = u64::from(self.calls);
        assert!(
            code == 0 && tally.failed == 0 && tally.good == expected,
            "{}: exit code {code}, {tally:?}, {expected} calls expected:\n{}",
            self.name,
            self.errors()
        );
        tally
    }

    /// Waits for the end, however it went.
    pub fn end(&self) -> Tally {
        let _ = self.process.exit_code();
        self.tally()
    }

    /// The figures so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let text = std::fs::read_to_string(&self.statistics).unwrap_or_default();
        let mut rows = text.lines();
        let head: Vec<&str> = rows.next().unwrap_or_default().split(';').collect();
        let last: Vec<&str> = rows.next_back().unwrap_or_default().split(';').collect();
        let figure = |name: &str| {
            let column = head.iter().position(|h| *h == name);
            column.and_then(|c| last.get(c)).and_then(|v| v.parse().ok()).unwrap_or(0)
        };
        Tally {
            good: figure("SuccessfulCall(C)"),
            failed: figure("FailedCall(C)"),
            retransmissions: figure("Retransmissions(C)"),
        }
    }

    /// Messages that it received, in order. Needs [`Sipp::keep_messages`].
    #[must_use]
    pub fn received(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.messages).unwrap_or_default();
        let parts = text.split("----------------------------------------------- ");
        parts.filter_map(message_of).collect()
    }

    /// Waits until it has received a message that holds `text`.
    ///
    /// # Panics
    /// It does not come.
    pub fn await_received(&self, text: &str) -> String {
        let found = crate::await_some(|| self.received().into_iter().find(|m| m.contains(text)));
        found.unwrap_or_else(|| panic!("{}: never received `{text}`:\n{}", self.name, self.errors()))
    }

    /// Ends it at once, as a dying machine would.
    pub fn kill(&self) {
        self.process.signal(Signal::KILL);
        let _ = self.process.exit_code();
    }

    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    fn errors(&self) -> String {
        let text = std::fs::read_to_string(&self.errors).unwrap_or_default();
        text.lines().take(60).collect::<Vec<_>>().join("\n")
    }
}

/// The message of one entry of SIPp's message file, when it was received.
fn message_of(entry: &str) -> Option<String> {
    let (head, message) = entry.split_once("\n\n")?;
    let received = head.lines().any(|l| l.contains("message received"));
    received.then(|| message.replace("\r\n", "\n").trim_end().to_owned())
}
