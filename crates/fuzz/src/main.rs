//! Runs every target, or one, for so many seconds: `fuzz SECONDS [TARGET] [--seed N]`.
//!
//! A failing input is written to `target/fuzz/` and its seed printed; the exit code is then 1.

use fuzz::{Mutator, TARGETS, Target, corpus};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_secs());
    if let Some(at) = arguments.iter().position(|a| a == "--seed") {
        match arguments.get(at + 1).and_then(|n| n.parse().ok()) {
            Some(given) => seed = given,
            None => return usage(),
        }
        arguments.drain(at..at + 2);
    }
    let Some(seconds) = arguments.first().and_then(|n| n.parse().ok()) else { return usage() };
    let wanted = arguments.get(1).map(String::as_str);
    if wanted.is_some_and(|name| !TARGETS.iter().any(|t| t.name == name)) {
        return usage();
    }
    println!("seed {seed}");
    let chosen = TARGETS.iter().filter(|t| wanted.is_none_or(|name| name == t.name));
    let sound = chosen.map(|target| run(target, seed, Duration::from_secs(seconds))).fold(true, |a, b| a & b);
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
    eprintln!("fuzz SECONDS [TARGET] [--seed N]; targets: {}", names.join(", "));
    ExitCode::from(64)
}

fn run(target: &Target, seed: u64, time: Duration) -> bool {
    let mut mutator = Mutator::new(seed, corpus(target));
    let began = Instant::now();
    let (mut count, mut slowest) = (0u64, Duration::ZERO);
    while began.elapsed() < time {
        let input = mutator.input();
        let at = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.body)(&input))).is_err() {
            return report(target, seed, count, &input);
        }
        slowest = slowest.max(at.elapsed());
        count += 1;
    }
    println!("{}: {count} inputs, slowest {slowest:?}", target.name);
    true
}

fn report(target: &Target, seed: u64, count: u64, input: &[u8]) -> bool {
    let folder = std::path::Path::new("target/fuzz");
    let file = folder.join(format!("{}-{seed}-{count}", target.name));
    let kept = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, input));
    let place = kept.map_or_else(|e| e.to_string(), |()| file.display().to_string());
    println!("{}: FAILED at input {count} of seed {seed}; {place}", target.name);
    false
}
