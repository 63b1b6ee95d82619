//! Floors: a crate depends only on crates of lower floors, and nothing shipped on the garden.
//! The table is that of ARCHITECTURE.md; a new crate is added to both. Enter at [`check`].

use super::{Fault, House, Room};

/// Crates that are never shipped; they may depend on any crate that is.
const GARDEN: &[&str] = &["sim", "conformance", "fuzz", "bench", "xtask"];

/// The floor of each shipped crate.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("config-text", 0),
    ("sip-msg", 1),
    ("sdp", 1),
    ("rtp", 0),
    ("bridge", 1),
    ("srtp", 1),
    ("ice", 1),
    ("codec", 0),
    ("config-model", 1),
    ("config", 2),
    ("sip-core", 2),
    ("media", 2),
    ("dtls", 3),
    ("sounds", 2),
    ("routing", 3),
    ("identity", 3),
    ("peers", 3),
    ("records", 3),
    ("negotiation", 3),
    ("siprec", 3),
    ("admission", 4),
    ("contract", 4),
    ("recording", 4),
    ("b2bua", 5),
    ("rehearsal", 6),
    ("engine", 6),
    ("runtime", 7),
    ("fastpath", 6),
    ("store", 6),
    ("api", 8),
    ("tronco", 9),
];

/// Crates below floor 6: no clock, no entropy, no sockets, no files, no threads, no locks.
pub(crate) fn is_pure(room: &str) -> bool {
    floor(room).is_some_and(|f| f < 6)
}

/// Whether the crate is never shipped.
pub(crate) fn is_garden(room: &str) -> bool {
    GARDEN.contains(&room)
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Judges every dependency of every crate.
pub(crate) fn check(house: &House, faults: &mut Vec<Fault>) {
    for room in &house.rooms {
        if floor(&room.name).is_none() && !is_garden(&room.name) {
            faults.push(Fault::new(&room.folder, "has no floor: name one in xtask/src/tidy/floors.rs"));
            continue;
        }
        for (line, dependency) in dependencies(room) {
            if let Some(what) = judge(&room.name, &dependency) {
                faults.push(Fault::new(format!("{}/Cargo.toml:{line}", room.folder), what));
            }
        }
    }
}

fn judge(room: &str, dependency: &str) -> Option<String> {
    if is_garden(room) {
        return None;
    }
    if is_garden(dependency) {
        return Some(format!("`{dependency}` is of the garden; nothing that is shipped may depend on it"));
    }
    let (own, other) = (floor(room)?, floor(dependency)?);
    (other >= own)
        .then(|| format!("`{dependency}` is on floor {other}, `{room}` on floor {own}: only lower floors"))
}

/// Names in every table of dependencies, with their lines (from 1).
fn dependencies(room: &Room) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in room.manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_end_matches(']');
            let table = head.rsplit('.').next().unwrap_or(head);
            inside = table.ends_with("dependencies");
            // `[dependencies.name]`: a table of its own.
            if head.contains("dependencies.") && !inside {
                found.push((number + 1, table.to_owned()));
            }
            continue;
        }
        let name: String =
            line.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
        if inside && !name.is_empty() {
            found.push((number + 1, name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(manifest: &str) -> Room {
        Room {
            name: "routing".into(),
            folder: "crates/routing".into(),
            manifest: manifest.into(),
            clippy: None,
        }
    }

    #[test]
    fn a_crate_may_not_look_up() {
        assert!(judge("routing", "b2bua").is_some());
        assert!(judge("routing", "routing").is_some());
        assert!(judge("routing", "config").is_none());
        assert!(judge("tronco", "sim").is_some());
        assert!(judge("sim", "b2bua").is_none());
        assert!(judge("base", "serde").is_none());
    }

    #[test]
    fn dependencies_are_found_in_every_form() {
        let room = room(
            "[package]\nname = \"x\"\n[dependencies]\nbase.workspace = true\nsdp = { path = \"..\" }\n\
             [dev-dependencies.b2bua]\nworkspace = true\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n",
        );
        let names: Vec<String> = dependencies(&room).into_iter().map(|(_, n)| n).collect();
        assert_eq!(names, ["base", "sdp", "b2bua", "libc"]);
    }
}
