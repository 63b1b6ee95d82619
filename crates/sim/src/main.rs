//! `sim --seed N [--trace]` replays one world; `sim --calls N [--from SEED]` explores many; `sim --registering N
//! [--trace]` replays one world of registrations.

use sim::{Plan, registering};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let trace = arguments.iter().any(|a| a == "--trace");
    if let Some(seed) = value("--seed") {
        return replay(seed, trace);
    }
    if let Some(seed) = value("--registering") {
        return replay_registering(seed, trace);
    }
    match value("--calls") {
        Some(calls) => explore(calls, value("--from").unwrap_or(1), value("--stop").unwrap_or(10)),
        None => {
            eprintln!("usage: sim --seed N [--trace] | sim --calls N [--from SEED] [--stop FAILURES]");
            ExitCode::from(64)
        }
    }
}

fn replay(seed: u64, trace: bool) -> ExitCode {
    let plan = Plan::draw(seed);
    if trace {
        println!("{plan:#?}");
    }
    let outcome = sim::run(plan, trace);
    for line in outcome.ladder.iter().chain(&outcome.records) {
        println!("{line}");
    }
    for fault in &outcome.faults {
        println!("FAULT {fault}");
    }
    if outcome.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn replay_registering(seed: u64, trace: bool) -> ExitCode {
    let plan = registering::Plan::draw(seed);
    if trace {
        println!("{plan:#?}");
    }
    let outcome = registering::run(plan, trace);
    outcome.ladder.iter().for_each(|line| println!("{line}"));
    outcome.faults.iter().for_each(|fault| println!("FAULT {fault}"));
    if outcome.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Runs worlds until so many calls were placed; prints each seed that shows a fault.
fn explore(calls: u64, from: u64, stop: u64) -> ExitCode {
    let (mut placed, mut answered, mut messages, mut failures) = (0, 0, 0, 0);
    let mut seed = from;
    while placed < calls && failures < stop {
        let plan = Plan::draw(seed);
        let garbled = plan.mutate > 0;
        let outcome = sim::run(plan, false);
        placed += outcome.calls as u64;
        answered += outcome.answered as u64;
        messages += outcome.messages as u64;
        failures += u64::from(!outcome.faults.is_empty());
        for fault in &outcome.faults {
            let mark = if garbled { "~ " } else { "" };
            println!("seed {seed}: {mark}{fault}");
        }
        seed += 1;
    }
    println!(
        "seeds {from} to {}: {placed} calls, {answered} answered, {messages} messages, {failures} seeds with faults",
        seed - 1
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
