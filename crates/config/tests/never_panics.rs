//! Whatever the text, the reader answers: with a picture or with at least one error.

#![allow(clippy::unwrap_used, clippy::panic)]

use config::{Format, diff, parse};
use proptest::prelude::*;

const SEEDS: [&str; 3] = [
    include_str!("data/base.toml"),
    include_str!("data/design.toml"),
    include_str!("../../../docs/examples/tronco.toml"),
];

/// Pieces that mean something to the reader, to be thrown together.
const PIECES: [&str; 32] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "=",
    ",",
    "..",
    "-",
    ":",
    ";transport=",
    "$",
    "${",
    "/",
    "*",
    "+",
    "0",
    "99999999999999999999",
    "-1",
    "true",
    "[[route]]\n",
    "[trunk.x]\n",
    "to = ",
    "match = ",
    "gateways = [",
    "é",
    "\u{feff}",
    "\n",
    "\\u00e9",
    "\0",
    "(",
];

fn answers(text: &str) {
    for format in [Format::Toml, Format::Json] {
        match parse(text, "t", format) {
            Ok(loaded) => {
                assert!(diff(&loaded.config, &loaded.config).is_empty());
                loaded.warnings.iter().for_each(|w| assert!(w.line >= 1 && w.column >= 1));
            }
            Err(errors) => {
                assert!(!errors.0.is_empty());
                errors.0.iter().for_each(|e| assert!(e.line >= 1 && e.column >= 1));
            }
        }
    }
}

fn at_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text(text in "\\PC*") {
        answers(&text);
    }

    #[test]
    fn random_pieces(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        answers(&pieces.concat());
    }

    /// Cuts, doubles and replaces stretches of good samples.
    #[test]
    fn mutated_samples(
        seed in 0usize..3,
        edits in prop::collection::vec((0usize..4000, 0usize..40, prop::sample::select(&PIECES[..])), 1..6),
    ) {
        let mut text = SEEDS[seed].to_owned();
        for (at, length, piece) in edits {
            let start = at_boundary(&text, at % (text.len() + 1));
            let end = at_boundary(&text, start + length).max(start);
            text.replace_range(start..end, piece);
        }
        answers(&text);
    }

    /// Replaces whole values by others, so that the text stays TOML and the checks behind are reached.
    #[test]
    fn exchanged_values(
        seed in 0usize..3,
        swaps in prop::collection::vec((0usize..200, 0usize..200), 1..8),
    ) {
        let mut lines: Vec<String> = SEEDS[seed].lines().map(str::to_owned).collect();
        let value_of = |line: &str| line.split_once(" = ").map(|(_, v)| v.to_owned());
        for (to, from) in swaps {
            let value = value_of(&lines[from % lines.len()]);
            let index = to % lines.len();
            let key = lines[index].split_once(" = ").map(|(k, _)| k.to_owned());
            if let (Some(key), Some(value)) = (key, value) {
                lines[index] = format!("{key} = {value}");
            }
        }
        answers(&lines.join("\n"));
    }
}
