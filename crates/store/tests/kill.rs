//! `kill -9` at random points: exactly one record for every call that was journalled.
//!
//! The child is this test binary again, told by an environment variable to run as the process
//! that is to be killed. It says what it appended only after the journal has taken it, so what the
//! parent has read must be found again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
use common::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use store::{Query, Store, StoreOptions};

const DIRECTORY: &str = "TRONCO_STORE_KILL_DIRECTORY";
const RUN: &str = "TRONCO_STORE_KILL_RUN";
const KILLS: u64 = 20;
/// Calls that live at once in the child.
const LIVE: u128 = 40;

fn options(directory: &std::path::Path) -> StoreOptions {
    StoreOptions {
        jsonl: Some(directory.join("records.jsonl")),
        node: "ber-1".to_owned(),
        // Small, so that rotation, deletion and compaction happen all the time.
        segment_bytes: 64 << 10,
        ..StoreOptions::default()
    }
}

/// The process that is killed; an ordinary test run has nothing to do here.
#[test]
fn child_appends_until_it_is_killed() {
    let (Ok(directory), Ok(run)) = (std::env::var(DIRECTORY), std::env::var(RUN)) else { return };
    let directory = PathBuf::from(directory);
    let run: u128 = run.parse().unwrap();
    let mut out = std::io::stderr().lock();
    writeln!(out, "opening").unwrap();
    let (store, _) = Store::open(&directory, options(&directory)).unwrap();
    let mut journals = [store.journal().unwrap(), store.journal().unwrap()];
    for number in 0_u128.. {
        let journal = &mut journals[number as usize % 2];
        let call = run << 64 | number;
        journal
            .append(&[
                accepted(call, at(number as u64)),
                attempted(call, 1, at(number as u64)),
                answered(call, 1, at(number as u64)),
            ])
            .unwrap();
        writeln!(out, "A {number}").unwrap();
        // Every twentieth call never ends, so that segments are held back.
        if number >= LIVE && number % 20 != 0 {
            let old = number - LIVE;
            let call = run << 64 | old;
            journals[old as usize % 2].append(&[ended(record(call, at(old as u64)))]).unwrap();
            writeln!(out, "E {old}").unwrap();
        }
    }
}

/// Starts a child, kills it after a number of its lines, and gives what it had said by then.
fn run_and_kill(directory: &std::path::Path, run: u64, lines: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_appends_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(RUN, run.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while (said.len() as u64) < lines && reader.read_line(&mut line).unwrap() > 0 {
        said.push(std::mem::take(&mut line));
    }
    child.kill().unwrap();
    // What it said before it died counts as well; a torn last line does not.
    while reader.read_line(&mut line).unwrap() > 0 {
        said.push(std::mem::take(&mut line));
    }
    child.wait().unwrap();
    said.retain(|line| line.ends_with('\n'));
    said
}

#[test]
fn killed_twenty_times_every_call_has_exactly_one_record() {
    let room = Room::new("kill");
    let mut random = base::Rng::new((2, 20));
    let mut accepted = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for run in 1..=KILLS {
        // Some are killed while they recover what the one before left.
        let lines = if run % 4 == 0 { 1 + random.below(3) } else { 1 + random.below(6_000) };
        for line in run_and_kill(&room.0, run, lines) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("A"), Some(number)) => {
                    accepted.insert(u128::from(run) << 64 | number.parse::<u128>().unwrap());
                }
                (Some("E"), Some(number)) => {
                    ended.insert(u128::from(run) << 64 | number.parse::<u128>().unwrap());
                }
                _ => assert_eq!(line, "opening\n"),
            }
        }
    }
    assert!(accepted.len() > 1_000, "the children did their work: {}", accepted.len());
    let (store, _) = Store::open(&room.0, options(&room.0)).unwrap();
    let mut found = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = store.query(&Query { after: Some(after), limit: 10_000, ..Query::default() }).unwrap();
        let Some(last) = page.last() else { break };
        after = last.id;
        for call in page {
            assert!(found.insert(call.call.0, call).is_none(), "a call twice");
        }
    }
    for call in &accepted {
        assert!(found.contains_key(call), "{call:x} is missing");
    }
    for call in &ended {
        assert_eq!(&*found[call].reason, "P-HANGUP-A", "{call:x}");
        assert_eq!((found[call].duration_ms, found[call].attempts.len()), (60_000, 2));
    }
    let cut = found.values().filter(|call| call.reason == "X-CRASHED").count();
    assert!(cut > 0 && cut + ended.len() <= found.len());
    let written = lines(&room.jsonl());
    let unique: BTreeSet<u128> = written.iter().map(|call| call.call.0).collect();
    assert_eq!((written.len(), unique.len()), (found.len(), found.len()), "every line once");
    assert!(written.windows(2).all(|pair| pair[0].id < pair[1].id));
}
