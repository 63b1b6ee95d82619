//! Limits that the source names (a doc line says "limit `name`") stand on the page of limits with their bound, and
//! the page names no other. Enter at [`check`].

use super::{Fault, House, Source, floors};
use std::collections::BTreeMap;

/// The page, below the workspace.
pub(crate) const PAGE: &str = "docs/reference/limits.md";

/// A limit of the source: where it stands, and its bound as the page writes it, where that can be read.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    place: String,
    bound: Option<String>,
}

/// Compares the page with the names in the source.
pub(crate) fn check(house: &House, page: &str, faults: &mut Vec<Fault>) {
    let mut named = BTreeMap::new();
    for source in house.sources.iter().filter(|s| !floors::is_garden(&s.room) && s.path.contains("/src/")) {
        gather(source, &mut named);
    }
    let rows: BTreeMap<&str, (usize, &str)> = page.lines().enumerate().filter_map(row).collect();
    for (name, limit) in &named {
        let Some((line, bound)) = rows.get(name.as_str()) else {
            let what = format!("limit `{name}` has no row in {PAGE}");
            faults.push(Fault::new(&limit.place, what));
            continue;
        };
        if let Some(known) = limit.bound.as_ref().filter(|known| known != bound) {
            let what = format!("limit `{name}` is {known} in {}, not `{bound}`", limit.place);
            faults.push(Fault::new(format!("{PAGE}:{line}"), what));
        }
    }
    for (name, (line, _)) in rows.iter().filter(|(name, _)| !named.contains_key(**name)) {
        faults.push(Fault::new(format!("{PAGE}:{line}"), format!("no doc line names a limit `{name}`")));
    }
}

/// A row that begins with a name: its name, line and bound.
fn row((index, line): (usize, &str)) -> Option<(&str, (usize, &str))> {
    let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
    let name = cells.next()?.strip_suffix('`')?;
    Some((name, (index + 1, cells.nth(1)?)))
}

/// The limits that a file's doc lines name.
fn gather(source: &Source, named: &mut BTreeMap<String, Named>) {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let (first, mut doc) = (at, String::new());
        while let Some(text) = lines.get(at).and_then(|line| line.trim_start().strip_prefix("/// ")) {
            doc.push_str(text);
            doc.push(' ');
            at += 1;
        }
        if let Some((_, rest)) = doc.split_once("limit `") {
            let name = rest.split('`').next().unwrap_or_default().to_owned();
            let place = format!("{}:{}", source.path, first + 1);
            named.insert(name, Named { place, bound: lines.get(at).and_then(|line| bound(line)) });
        }
        at += 1;
    }
}

/// The bound in a line of source, as people read it: `const TRIES_MAX: u8 = 6;`.
fn bound(line: &str) -> Option<String> {
    let (_, value) = line.trim().strip_suffix(';')?.split_once(" = ")?;
    let seconds = value.strip_prefix("Duration::from_secs(").and_then(|v| v.strip_suffix(')'));
    let digits = seconds.unwrap_or(value).replace('_', "");
    let number: u64 = digits.parse().ok()?;
    let number = grouped(number);
    Some(if seconds.is_some() { format!("{number} s") } else { number })
}

/// 16384 as `16,384`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str, page: &str) -> Vec<String> {
        let source = Source {
            path: "crates/media/src/a.rs".into(),
            room: "media".into(),
            text: text.into(),
            bare: text.into(),
        };
        let house = House { rooms: Vec::new(), sources: vec![source], root_manifest: String::new() };
        let mut faults = Vec::new();
        check(&house, page, &mut faults);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_limit_of_the_source_stands_on_the_page_with_its_bound() {
        let source = "/// How often: limit\n/// `tries`. More.\nconst TRIES_MAX: u64 = 16_384;\n/// limit `wait`\npub const W: Duration = Duration::from_secs(30);\n";
        assert_eq!(faults(source, "| `tries` | x | 16,384 | y |\n| `wait` | x | 30 s | y |\n"), [""; 0]);
        assert_eq!(
            faults(source, "| `tries` | x | 16 | y |\n| `other` | x | 1 | y |\n"),
            [
                "docs/reference/limits.md:1: limit `tries` is 16,384 in crates/media/src/a.rs:1, not `16`",
                "crates/media/src/a.rs:4: limit `wait` has no row in docs/reference/limits.md",
                "docs/reference/limits.md:2: no doc line names a limit `other`",
            ]
        );
    }

    #[test]
    fn a_bound_that_a_key_sets_is_the_pages_to_word() {
        let source = "/// limit `calls`\npub calls: usize,\n";
        assert_eq!(faults(source, "| `calls` | x | `limits.calls_max` | y |\n"), [""; 0]);
    }
}
