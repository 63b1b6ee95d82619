//! Upkeep of the house, for those who build it: `cargo run -p xtask -- tidy | bpf | sim | fuzz | attack | bench`.
//! It may be slow and noisy; it is never shipped and depends on nothing but the standard library.
//! Enter at [`main`]; each subcommand has its room.

mod bpf;
mod long;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run -p xtask -- COMMAND
  tidy             check floors, budgets, bans and manifests
  tidy --ratchet   the same, and lower xtask/budget.txt to what is there today
  tidy --accept    write xtask/budget.txt anew from what is there today
  bpf              compile the kernel's program into the object that is committed (clang-14)
  sim  [ARGS]      the simulated world for long: scenarios under loss until told to stop
  fuzz [SECONDS]   every fuzz body for SECONDS each (60) on random and mutated input
  attack [PACKETS] calls under storms of PACKETS broken, forged and old media packets each (1000000)
  bench [ARGS]     the measurements of BENCHMARKS.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    match words.as_slice() {
        ["tidy"] => tidy::command(&root, tidy::Ratchet::Keep),
        ["tidy", "--ratchet"] => tidy::command(&root, tidy::Ratchet::Lower),
        ["tidy", "--accept"] => tidy::command(&root, tidy::Ratchet::Accept),
        ["bpf"] => bpf::command(&root),
        ["sim", rest @ ..] => long::sim(&root, rest),
        ["fuzz"] => long::fuzz(&root, "60"),
        ["fuzz", seconds] => long::fuzz(&root, seconds),
        ["attack"] => long::attack(&root, "1000000"),
        ["attack", packets] => long::attack(&root, packets),
        ["bench", rest @ ..] => long::bench(&root, rest),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(64)
        }
    }
}

/// The workspace's folder: the parent of this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
