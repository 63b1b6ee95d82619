//! The page of reasons in `docs/` is the one that the table gives.
//! `TRONCO_BLESS=1 cargo test -p base --test reasons_page` writes it anew.

#![allow(clippy::unwrap_used)]

use base::ReasonId;
use std::fmt::Write;

/// The fields in the order of the page: the first letter of an id, and what it stands for.
const FIELDS: &[(&str, &str)] = &[
    ("R", "Routing"),
    ("L", "Limits"),
    ("C", "The request itself"),
    ("A", "Access"),
    ("S", "Signalling"),
    ("P", "What a party or peer said"),
    ("M", "Media"),
    ("X", "Our own process"),
    ("O", "Operator"),
];

fn page() -> String {
    let mut page = String::from(
        "# Reasons\n\n\
         Generated from the program's own table. Every refusal, failed attempt and call end carries exactly one \
         reason. Ids are never renamed or reused.\n\n\
         *blame*: who has to act. *again*: whether the same call may succeed by another way or later; whether an \
         attempt is retried follows `retry_on`, not this column. *status* and *cause*: the SIP status and the Q.850 \
         cause when this node says it; what a peer said goes on with the peer's own. A refusal by this node carries \
         the id in a `Warning: 399` header and the cause in `Reason`. \
         [How reasons come into records](../concepts/records.md).\n\n\
         Some rows are there for features that are still to come; an id that this version never gives does no harm.\n",
    );
    for (letter, title) in FIELDS {
        let _ = write!(page, "\n## {letter}: {title}\n\n");
        page.push_str("| id | blame | again | status | cause | meaning |\n|---|---|---|---|---|---|\n");
        for reason in ReasonId::ALL.iter().filter(|r| r.id().starts_with(letter)) {
            let again = if reason.retryable() { "yes" } else { "no" };
            let _ = writeln!(
                page,
                "| `{}` | {} | {again} | {} | {} | {} |",
                reason.id(),
                reason.blame(),
                reason.status(),
                reason.q850(),
                reason.sentence().replace('|', "\\|"),
            );
        }
    }
    page
}

#[test]
fn the_page_of_reasons_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/reasons.md");
    let page = page();
    assert_eq!(page.matches("\n| `").count(), ReasonId::ALL.len(), "every reason has its field");
    if std::env::var_os("TRONCO_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/reference/reasons.md is stale");
}
