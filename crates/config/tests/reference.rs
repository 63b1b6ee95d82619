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
