//! A program that a test started: its lines, its end. It is ended with the test, by its own id.

use crate::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
struct Seen {
    lines: Vec<String>,
    ended: Option<ExitStatus>,
    open_streams: usize,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A running program.
#[derive(Debug)]
pub struct Process {
    what: String,
    pid: Pid,
    seen: Shared,
}

impl Process {
    /// Starts a program and collects what it prints (both streams).
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(what: &str, command: &mut Command) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{what}: {command:?}: {e}"));
        let pid = Pid::from_child(&child);
        let seen: Shared = Arc::default();
        lock(&seen).open_streams = 2;
        if let Some(stream) = child.stdout.take() {
            collect(stream, Arc::clone(&seen));
        }
        if let Some(stream) = child.stderr.take() {
            collect(stream, Arc::clone(&seen));
        }
        reap(child, Arc::clone(&seen));
        Process { what: what.to_owned(), pid, seen }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for a line that holds `text`, from line number `from` on; gives it back with its number.
    ///
    /// # Panics
    /// The program ended or the deadline passed without one.
    pub fn line_after(&self, from: usize, text: &str) -> (usize, String) {
        let found = self.wait(|seen| {
            let hit = seen.lines.iter().enumerate().skip(from).find(|(_, l)| l.contains(text));
            match hit {
                Some((number, line)) => Some(Some((number, line.clone()))),
                None if seen.ended.is_some() && seen.open_streams == 0 => Some(None),
                None => None,
            }
        });
        found.flatten().unwrap_or_else(|| panic!("{}: no line with `{text}`:\n{}", self.what, self.tail()))
    }

    /// The same from the first line on.
    pub fn line(&self, text: &str) -> String {
        self.line_after(0, text).1
    }

    /// Lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lock(&self.seen).lines.clone()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        lock(&self.seen).ended.is_none()
    }

    /// Sends a signal, when it still runs.
    pub fn signal(&self, signal: Signal) {
        let seen = lock(&self.seen);
        if seen.ended.is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits for the end; the exit code, or 128 + signal.
    ///
    /// # Panics
    /// The deadline passed.
    pub fn exit_code(&self) -> i32 {
        let status = self.wait(|seen| seen.ended.filter(|_| seen.open_streams == 0));
        let status = status.unwrap_or_else(|| panic!("{}: still runs:\n{}", self.what, self.tail()));
        let signal = std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
        status.code().unwrap_or(128 + signal)
    }

    /// Waits until it has ended, and all that it has started.
    pub fn await_end(&self) {
        self.wait(|seen| seen.ended.filter(|_| seen.open_streams == 0));
    }

    /// The last lines, for a failure's message.
    #[must_use]
    pub fn tail(&self) -> String {
        let lines = self.lines();
        lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
    }

    fn wait<T>(&self, mut found: impl FnMut(&Seen) -> Option<T>) -> Option<T> {
        let end = Instant::now() + PATIENCE;
        let mut seen = lock(&self.seen);
        loop {
            if let Some(value) = found(&seen) {
                return Some(value);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.wait(|seen| seen.ended);
        if std::thread::panicking() {
            eprintln!("-- {}:\n{}", self.what, self.tail());
        }
    }
}

fn lock(seen: &Shared) -> std::sync::MutexGuard<'_, Seen> {
    seen.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn collect(stream: impl Read + Send + 'static, seen: Shared) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            lock(&seen).lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            seen.1.notify_all();
            line.clear();
        }
        lock(&seen).open_streams -= 1;
        seen.1.notify_all();
    });
}

fn reap(mut child: Child, seen: Shared) {
    std::thread::spawn(move || {
        let status = child.wait().unwrap_or_else(|_| {
            let lost = 255 << 8;
            std::os::unix::process::ExitStatusExt::from_raw(lost)
        });
        lock(&seen).ended = Some(status);
        seen.1.notify_all();
    });
}
