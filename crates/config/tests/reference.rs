//! The reference page in `docs/` is the one that the key tables give.
//! `TRONCO_BLESS=1 cargo test -p config --test reference` writes it anew.

#![allow(clippy::unwrap_used)]

#[test]
fn the_reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    let page = config::reference_markdown();
    if std::env::var_os("TRONCO_BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page, "docs/reference/configuration.md is stale");
}

/// The table of profiles, from their files.
fn profiles() -> String {
    let mut table =
        String::from("| profile | for | numbers | late offers | status |\n|---|---|---|---|---|\n");
    for profile in config::profile::profiles() {
        let policy = &profile.defaults.policy;
        let phone = if policy.user_phone { ", `user=phone`" } else { "" };
        let late = match policy.early_offer {
            config::EarlyOffer::Make => "made early",
            config::EarlyOffer::Pass => "pass",
            config::EarlyOffer::Withhold => "withheld",
        };
        let (name, summary, status) = (&profile.name, &profile.summary, profile.status);
        let numbers = policy.number_format;
        table += &format!("| `{name}` | {summary} | `{numbers}`{phone} | {late} | {status} |\n");
    }
    table
}

#[test]
fn the_guide_to_profiles_has_the_table_of_their_files() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/profiles.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- profiles").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of profiles -->").unwrap();
    let current =
        format!("{before}<!-- profiles{mark}-->\n\n{}\n<!-- end of profiles -->{after}", profiles());
    if std::env::var_os("TRONCO_BLESS").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == current, "docs/guide/profiles.md is stale");
}
