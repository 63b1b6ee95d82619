//! The reference page of all keys, from the key tables.

use crate::forms::plain;
use crate::keys::{Effect, Key, Need, ROOT, Section, Shape};
use crate::phrase;
use crate::profile;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The reference page: every table and key with shape, default, effect of a change and meaning.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Configuration reference\n\n\
         Generated from the program's own key tables. A change marked *restart* is taken over at the next start; \
         all others by a reload, while running calls keep what they began with. \
         Durations are strings with a unit (`ms`, `s`, `m`, `h`, `d`) or whole seconds. \
         Unknown keys are errors.\n",
    );
    let mut seen = BTreeSet::new();
    section(&ROOT, &mut page, &mut seen);
    page.push_str("\n## Profiles\n\n| profile | version | status | for |\n|---|---|---|---|\n");
    for profile in profile::profiles() {
        let cells = [profile.version.to_string(), profile.status.to_string(), cell(&profile.summary)];
        let _ = writeln!(page, "| `{}` | {} |", profile.name, cells.join(" | "));
    }
    let _ = write!(page, "\nNames of tables are {}.\n", plain::NAME.phrase);
    page
}

fn section(of: &'static Section, page: &mut String, seen: &mut BTreeSet<&'static str>) {
    if !seen.insert(of.title) {
        return;
    }
    let heading = if of.title.is_empty() { "Top level".to_owned() } else { format!("`[{}]`", of.title) };
    let _ = write!(
        page,
        "\n## {heading}\n\n{}\n\n| key | value | default | change | meaning |\n|---|---|---|---|---|\n",
        of.doc
    );
    for key in of.keys {
        row(key, page);
    }
    for inner in of.keys.iter().filter_map(|key| key.shape.section()) {
        section(inner, page, seen);
    }
}

fn row(key: &Key, page: &mut String) {
    let default = match &key.need {
        _ if matches!(key.shape, Shape::Later(_)) => String::new(),
        Need::Required => "required".to_owned(),
        Need::Absent(meaning) => (*meaning).to_owned(),
        Need::Default(preset) => format!("`{}`", phrase::preset(preset)),
    };
    let change = if key.effect == Effect::Restart { "restart" } else { "" };
    let cells = [phrase::shape(&key.shape), default, change.to_owned(), key.doc.to_owned()];
    let _ = writeln!(page, "| `{}` | {} |", key.name, cells.map(|c| cell(&c)).join(" | "));
}

/// A text that may stand in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_table_and_key() {
        let page = reference_markdown();
        for wanted in
            ["## `[trunk.NAME.override]`", "## `[[numbers]]`", "| `failover_after` | ", "| `generic-pbx` | "]
        {
            assert!(page.contains(wanted), "{wanted}");
        }
        assert!(page.lines().filter(|l| l.starts_with("| `")).all(|l| l.ends_with('|')));
    }
}
