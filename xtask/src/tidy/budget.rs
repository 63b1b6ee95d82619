//! Budgets: lines of a file, of a function, of a crate. Above the hard limit nothing may be; above the
//! soft one only what `xtask/budget.txt` lists, and no larger than listed there (a ratchet). A crate has
//! a soft limit alone. Enter at [`check`].

use super::{Fault, House, Source, floors};
use std::collections::BTreeMap;
use std::path::Path;

/// Lines of a file.
const FILE: Limit = Limit { soft: 400, hard: 800 };
/// Lines of a function with code on them, from its name to its closing brace: comments, empty lines and
/// the inside of long texts do not count.
const FUNCTION: Limit = Limit { soft: 40, hard: 70 };
/// Lines of a shipped crate's `src`.
const CRATE: Limit = Limit { soft: 10_000, hard: usize::MAX };

struct Limit {
    soft: usize,
    hard: usize,
}

/// What to do with the list of today's soft offenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ratchet {
    /// Read it.
    Keep,
    /// Lower entries to what is measured; add none.
    Lower,
    /// Write it anew.
    Accept,
}

/// Sizes by name: `path`, `path::function`, or the crate's folder.
type Sizes = BTreeMap<String, usize>;

/// Measures everything against the limits and the list at `list`.
///
/// # Errors
/// The list cannot be read or written.
pub(crate) fn check(
    house: &House,
    list: &Path,
    ratchet: Ratchet,
    faults: &mut Vec<Fault>,
) -> std::io::Result<()> {
    let mut over = Sizes::new();
    for source in &house.sources {
        note(&source.path, source.text.lines().count(), &FILE, &mut over, faults);
        for (name, lines) in functions(source) {
            note(&format!("{}::{name}", source.path), lines, &FUNCTION, &mut over, faults);
        }
    }
    for room in house.rooms.iter().filter(|r| !floors::is_garden(&r.name)) {
        let prefix = format!("{}/src/", room.folder);
        let own = house.sources.iter().filter(|s| s.path.starts_with(&prefix));
        note(&room.folder, own.map(|s| s.text.lines().count()).sum(), &CRATE, &mut over, faults);
    }
    let listed = read(list)?;
    let kept: Sizes = match ratchet {
        Ratchet::Keep => listed,
        Ratchet::Accept => over.clone(),
        Ratchet::Lower => over
            .iter()
            .filter_map(|(name, size)| listed.get(name).map(|l| (name.clone(), *size.min(l))))
            .collect(),
    };
    if ratchet != Ratchet::Keep {
        write(list, &kept)?;
    }
    for (name, size) in &over {
        judge(name, *size, kept.get(name), faults);
    }
    Ok(())
}

fn judge(name: &str, size: usize, listed: Option<&usize>, faults: &mut Vec<Fault>) {
    match listed {
        None => faults.push(Fault::new(name, format!("{size} lines: over the soft limit; divide it"))),
        Some(before) if size > *before => {
            faults.push(Fault::new(name, format!("{size} lines: it had {before} and may only shrink")));
        }
        Some(_) => {}
    }
}

fn note(name: &str, size: usize, limit: &Limit, over: &mut Sizes, faults: &mut Vec<Fault>) {
    if size > limit.hard {
        faults.push(Fault::new(name, format!("{size} lines: the hard limit is {}", limit.hard)));
    } else if size > limit.soft {
        // Two functions of one name in a file share an entry: the larger counts.
        let entry = over.entry(name.to_owned()).or_insert(0);
        *entry = size.max(*entry);
    }
}

/// Functions of a file with their lengths in lines.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let bare = &source.bare;
    let mut found = Vec::new();
    for (at, _) in bare.match_indices("fn ") {
        if bare.get(..at).and_then(|b| b.chars().next_back()).is_some_and(|c| c.is_alphanumeric() || c == '_')
        {
            continue;
        }
        let rest = bare.get(at + 3..).unwrap_or_default();
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let (false, Some(lines)) = (name.is_empty(), body_lines(rest)) {
            found.push((name, lines));
        }
    }
    found
}

/// Lines from a function's name to its closing brace; `None` for a declaration.
fn body_lines(rest: &str) -> Option<usize> {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && curly == 0 => return None,
            '{' => curly += 1,
            '}' => {
                curly -= 1;
                // A brace within the signature (a const generic) is at round depth 0 as well, but never
                // the first: signatures with one are not written here.
                if curly == 0 && round == 0 {
                    return rest.get(..=at).map(code_lines);
                }
            }
            _ => {}
        }
    }
    None
}

fn code_lines(body: &str) -> usize {
    body.lines().filter(|l| !l.trim().is_empty()).count()
}

fn read(list: &Path) -> std::io::Result<Sizes> {
    let text = match std::fs::read_to_string(list) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let entry = |line: &str| {
        let (name, size) = line.rsplit_once(' ')?;
        Some((name.trim().to_owned(), size.parse().ok()?))
    };
    Ok(text.lines().filter(|l| !l.starts_with('#')).filter_map(entry).collect())
}

fn write(list: &Path, sizes: &Sizes) -> std::io::Result<()> {
    let mut text = String::from(
        "# What is over a soft limit today, in lines. Entries may only shrink:\n\
         # `cargo run -p xtask -- tidy --ratchet` lowers them.\n",
    );
    for (name, size) in sizes {
        text.push_str(&format!("{name} {size}\n"));
    }
    std::fs::write(list, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let bare = super::super::scrub::scrub(text);
        Source { path: "crates/a/src/a.rs".into(), room: "a".into(), text: text.into(), bare }
    }

    #[test]
    fn functions_are_measured_from_name_to_closing_brace() {
        let text = "trait T { fn a(&self) -> [u8; 4]; }\nfn b(\n x: u8,\n) -> u8 {\n  \"}\".len();\n\n  // no\n  { 1 }\n}\nfn c() {}\n";
        assert_eq!(functions(&source(text)), [("b".to_owned(), 6), ("c".to_owned(), 1)]);
    }

    #[test]
    fn what_is_listed_may_shrink_and_not_grow() {
        let mut faults = Vec::new();
        judge("a", 45, Some(&50), &mut faults);
        assert!(faults.is_empty());
        judge("a", 51, Some(&50), &mut faults);
        judge("b", 41, None, &mut faults);
        assert_eq!(faults.len(), 2);
    }
}
