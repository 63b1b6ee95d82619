//! Every whole configuration in the documents parses: a block of TOML that says `version = 1`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// README.md and every page below `docs/`.
fn pages(root: &Path) -> Vec<PathBuf> {
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn every_whole_configuration_in_the_documents_parses() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut seen = 0;
    for page in pages(root) {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if block.lines().any(|line| line.trim() == "version = 1") {
                seen += 1;
                let name = page.display().to_string();
                let parsed = config::parse(block, &name, config::Format::Toml);
                assert!(parsed.is_ok(), "{}\n{block}", parsed.unwrap_err());
            }
        }
    }
    assert!(seen >= 5, "{seen} whole configurations found");
}
