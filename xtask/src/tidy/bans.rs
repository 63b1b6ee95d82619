//! Words that may not stand in the source: postponed work, ignored tests, sleeps, `unsafe` outside
//! the crates that may have it, modules without an opening paragraph. Enter at [`check`].

use super::{Fault, House, Source, floors};

/// Crates that may hold `unsafe`, each use with its `SAFETY:` reason.
const UNSAFE_ROOMS: &[&str] = &["codec", "engine", "runtime", "fastpath"];

/// Files of the garden that may hold `unsafe` although their crate may not: they count allocations, or measure an engine
/// that is not built.
const UNSAFE_FILES: &[&str] = &[
    "crates/sip-msg/tests/allocation.rs",
    "crates/sip-core/tests/allocation.rs",
    "crates/sdp/tests/allocation.rs",
    "crates/bench/src/rings.rs",
];

/// Sleeping is allowed here: a media worker without sessions waits for its next sweep; a shard under load
/// rests so that more messages share a turn; at the start a queue of a device is asked for again of which the kernel does not
/// tell when it is free.
const SLEEP_FILES: &[&str] =
    &["crates/engine/src/worker.rs", "crates/runtime/src/shard/mod.rs", "crates/fastpath/src/rings/rooms.rs"];

/// Paths that stand for clocks, entropy, sockets, files, threads and locks.
const IMPURE: &[&str] = &[
    "async fn",
    "async move",
    "async {",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::os::",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "std::sync::mpsc",
    "Mutex",
    "RwLock",
    "Condvar",
    "Instant::now",
    "SystemTime",
    "RandomState",
    "getrandom",
    "thread_rng",
    "tokio",
];

/// Lines before an `unsafe` within which its reason must stand.
const REASON_WITHIN: usize = 8;

/// Looks through every file.
pub(crate) fn check(house: &House, faults: &mut Vec<Fault>) {
    for source in &house.sources {
        opening(source, faults);
        postponed(source, faults);
        code(source, faults);
        pure(source, faults);
    }
}

fn opening(source: &Source, faults: &mut Vec<Fault>) {
    let first = source.text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
    if !first.starts_with("//!") {
        faults.push(Fault::new(
            &source.path,
            "a module opens with a `//!` paragraph: what it is for, what it may never do, where one enters",
        ));
    }
}

/// Notes of postponed work stand in comments, so the whole text is searched.
fn postponed(source: &Source, faults: &mut Vec<Fault>) {
    // Put together here, so that this file does not find itself.
    let notes = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    for (number, line) in source.text.lines().enumerate() {
        for note in &notes {
            if word(line, note) && !line.contains("XXXX") {
                let place = format!("{}:{}", source.path, number + 1);
                faults.push(Fault::new(place, format!("{note}: do it now or write it down as an issue")));
            }
        }
    }
}

fn code(source: &Source, faults: &mut Vec<Fault>) {
    let lines: Vec<&str> = source.text.lines().collect();
    for (number, line) in source.bare.lines().enumerate() {
        let mut fault = |what: &str| faults.push(Fault::new(format!("{}:{}", source.path, number + 1), what));
        if word(line, "todo!") || word(line, "unimplemented!") {
            fault("unfinished code");
        }
        if line.contains("#[ignore") {
            fault("ignored test: mend it or remove it");
        }
        if sleeps(source, line) && !SLEEP_FILES.contains(&source.path.as_str()) {
            fault("sleep: wait for the event itself");
        }
        if word(line, "unsafe") {
            if !may_be_unsafe(source) {
                fault("`unsafe` belongs to codec, engine, runtime and fastpath only");
            } else if !has_reason(&lines, number) {
                fault("`unsafe` without its `SAFETY:` reason above it");
            }
        }
    }
}

/// What shipped code of the pure house may not even name: clippy bans the calls, this bans the paths
/// that it does not know by name. Unit tests at the end of a file are left alone.
fn pure(source: &Source, faults: &mut Vec<Fault>) {
    if !floors::is_pure(&source.room) || !in_shipped_code(source) {
        return;
    }
    let shipped = source.bare.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in shipped.lines().enumerate() {
        for path in IMPURE {
            if line.contains(path) {
                let place = format!("{}:{}", source.path, number + 1);
                faults.push(Fault::new(place, format!("`{}` has no place in the pure house", path.trim())));
            }
        }
    }
}

/// A thread that sleeps, anywhere; in tests also a task that does (in the program that is a time limit).
fn sleeps(source: &Source, line: &str) -> bool {
    let in_test = source.path.contains("/tests/") || source.path.ends_with("/tests.rs");
    line.contains("thread::sleep")
        || (in_test && (line.contains("time::sleep") || line.contains("sleep_until(")))
}

fn may_be_unsafe(source: &Source) -> bool {
    UNSAFE_ROOMS.contains(&source.room.as_str()) || UNSAFE_FILES.contains(&source.path.as_str())
}

fn in_shipped_code(source: &Source) -> bool {
    source.path.contains("/src/")
}

/// A reason may cover a group: it is looked for in the lines just above, and at the end of the line.
fn has_reason(lines: &[&str], number: usize) -> bool {
    let from = number.saturating_sub(REASON_WITHIN);
    lines
        .get(from..=number)
        .unwrap_or_default()
        .iter()
        .any(|l| l.contains("SAFETY") || l.contains("# Safety"))
}

/// Whether `word` stands in `line` with no letter, digit or underscore on either side.
fn word(line: &str, word: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|l| l.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|l| l.chars().next());
        edge(before) && edge(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(room: &str, text: &str) -> Vec<String> {
        let source = Source {
            path: format!("crates/{room}/src/a.rs"),
            room: room.into(),
            text: text.into(),
            bare: super::super::scrub::scrub(text),
        };
        let house = House { rooms: Vec::new(), sources: vec![source], root_manifest: String::new() };
        let mut faults = Vec::new();
        check(&house, &mut faults);
        faults.into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn postponed_work_and_sleeps_are_found_and_words_that_hold_them_are_not() {
        let note = ["// TO", "DO later"].concat();
        assert_eq!(faults_of("base", &format!("//! a\n{note}\n")).len(), 1);
        assert_eq!(faults_of("runtime", "//! a\nstd::thread::sleep(x);\n").len(), 1);
        assert_eq!(faults_of("base", "//! a\nlet s = \"thread::sleep\"; let mastodon = 1;\n").len(), 0);
        assert_eq!(faults_of("base", "fn a() {}\n").len(), 1);
    }

    #[test]
    fn the_pure_house_names_no_clock_but_its_unit_tests_may() {
        assert_eq!(faults_of("base", "//! a\nlet t = Instant::now();\n").len(), 1);
        assert_eq!(faults_of("runtime", "//! a\nlet t = Instant::now();\n").len(), 0);
        assert_eq!(faults_of("base", "//! a\n#[cfg(test)]\nmod tests { use std::fs; }\n").len(), 0);
    }

    #[test]
    fn unsafe_needs_the_right_crate_and_a_reason() {
        let bare = "//! a\nfn f() { unsafe { g() } }\n";
        let told = "//! a\n// SAFETY: g has no preconditions.\nfn f() { unsafe { g() } }\n";
        assert_eq!(faults_of("base", told).len(), 1);
        assert_eq!(faults_of("runtime", bare).len(), 1);
        assert_eq!(faults_of("runtime", told).len(), 0);
    }
}
