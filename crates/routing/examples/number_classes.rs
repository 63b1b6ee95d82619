//! Writes the table of number classes from libphonenumber's metadata.
//!
//! `cargo run -p routing --example number_classes -- PhoneNumberMetadata.xml VERSION > crates/routing/data/number_classes.txt`

#![allow(clippy::disallowed_methods, reason = "a tool for those who build the house reads a file")]

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Elements of the metadata and the classes that their numbers belong to.
const CLASSES: [(&str, &str); 3] =
    [("premiumRate", "premium"), ("sharedCost", "shared-cost"), ("personalNumber", "personal")];
/// Calling codes whose countries count as abroad from each other where their numbers tell them apart.
const SHARED_CODES: [&str; 2] = ["1", "7"];
/// Territories of the United States, which count as at home there.
const AT_HOME: [&str; 5] = ["AS", "GU", "MP", "PR", "VI"];
/// Longest beginning that is written; what differs later is taken together.
const BEGINNING_MAX: usize = 8;

/// The text between two marks, and what follows it.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to)
}

/// What the numbers of an expression begin with, as far as single digits are told apart.
fn beginnings(pattern: &str) -> BTreeSet<String> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return BTreeSet::new() };
    let mut extractor = Extractor::new();
    // A class of ten digits says nothing, so an extraction ends before it.
    extractor.kind(ExtractKind::Prefix).limit_class(9).limit_repeat(20);
    extractor.limit_literal_len(BEGINNING_MAX).limit_total(1_000_000);
    let sequence = extractor.extract(&hir);
    let literals = sequence.literals().unwrap_or_default();
    literals.iter().filter_map(|l| std::str::from_utf8(l.as_bytes()).ok()).map(str::to_owned).collect()
}

/// Ten beginnings that differ in their last digit are one; what a shorter one begins is left out.
fn merged(mut all: BTreeSet<String>) -> BTreeSet<String> {
    for length in (2..=BEGINNING_MAX).rev() {
        let stems: BTreeSet<String> =
            all.iter().filter(|b| b.len() == length).map(|b| b[..length - 1].to_owned()).collect();
        for stem in stems {
            if ('0'..='9').all(|digit| all.contains(&format!("{stem}{digit}"))) {
                all.retain(|b| !(b.len() == length && b.starts_with(&stem)));
                all.insert(stem);
            }
        }
    }
    let covered = |b: &String| (1..b.len()).any(|end| all.contains(&b[..end]));
    all.iter().filter(|b| !covered(b)).cloned().collect()
}

fn collect(mut metadata: &str) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    while let Some((territory, rest)) = between(metadata, "<territory ", "</territory>") {
        metadata = rest;
        let Some((code, _)) = between(territory, "countryCode=\"", "\"") else { continue };
        for (element, class) in CLASSES {
            let inner = between(territory, &format!("<{element}>"), &format!("</{element}>"));
            let pattern =
                inner.and_then(|(i, _)| between(i, "<nationalNumberPattern>", "</nationalNumberPattern>"));
            let Some((pattern, _)) = pattern else { continue };
            let compact: String = pattern.split_whitespace().collect();
            let mut own = beginnings(&compact);
            // Codes that are no country's and whole classes of their own.
            if own.remove("") || matches!(code, "808" | "878" | "979") {
                own = [String::new()].into();
            }
            found.entry((code.to_owned(), class.to_owned())).or_default().extend(own);
        }
        let Some((iso, _)) = between(territory, "id=\"", "\"") else { continue };
        if let Some((digits, _)) = between(territory, "leadingDigits=\"", "\"")
            && SHARED_CODES.contains(&code)
            && !AT_HOME.contains(&iso)
        {
            found.entry((code.to_owned(), iso.to_owned())).or_default().extend(beginnings(digits));
        }
    }
    for code in ["870", "881", "882", "883"] {
        found.insert((code.to_owned(), "satellite".to_owned()), [String::new()].into());
    }
    found
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, version] = arguments.as_slice() else {
        eprintln!("usage: number_classes PhoneNumberMetadata.xml VERSION");
        return ExitCode::from(64);
    };
    let metadata = match std::fs::read_to_string(file) {
        Ok(metadata) => metadata,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "# Classes of called numbers: calling code, class, what national numbers begin with (- for all)."
    );
    println!("# A class of two letters is a country that shares its calling code with others.");
    println!("# Written by `cargo run -p routing --example number_classes` from PhoneNumberMetadata.xml of");
    println!(
        "# libphonenumber {version}, Copyright (C) 2009 The Libphonenumber Authors, Apache License 2.0;"
    );
    println!("# satellite codes are those of ITU-T E.164 shared codes 870, 881, 882 and 883.");
    for ((code, class), own) in collect(&metadata) {
        let own: Vec<String> =
            if own.contains("") { vec!["-".to_owned()] } else { merged(own).into_iter().collect() };
        println!("{code} {class} {}", own.join(" "));
    }
    ExitCode::SUCCESS
}
