//! Manifests and lint tables: licence and publishing fields, shared lints, and the `clippy.toml`
//! of each pure crate with every ban in it. Enter at [`check`].

use super::{Fault, House, Room, floors};

/// What a pure crate's `clippy.toml` must name (it replaces the workspace's file).
const PURE_BANS: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::thread::scope",
    "std::thread::sleep",
    "std::collections::HashMap::iter",
    "std::collections::HashMap::keys",
    "std::collections::HashMap::values",
    "std::collections::HashMap::drain",
    "std::collections::HashMap::retain",
    "std::collections::HashSet::iter",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::fs::File",
];

/// Fields that every manifest takes from the workspace.
const SHARED: &[&str] = &["version.workspace", "edition.workspace", "license.workspace", "publish.workspace"];

/// Judges every manifest.
pub(crate) fn check(house: &House, faults: &mut Vec<Fault>) {
    if !house.root_manifest.contains("license = \"MIT OR Apache-2.0\"") {
        faults.push(Fault::new("Cargo.toml", "the workspace's licence must be MIT OR Apache-2.0"));
    }
    for room in &house.rooms {
        fields(room, faults);
        if floors::is_pure(&room.name) {
            bans(room, faults);
        }
    }
}

fn fields(room: &Room, faults: &mut Vec<Fault>) {
    let place = format!("{}/Cargo.toml", room.folder);
    let compact: String = room.manifest.chars().filter(|c| !matches!(c, ' ' | '\t')).collect();
    for field in SHARED {
        if !compact.lines().any(|l| l == format!("{field}=true")) {
            faults.push(Fault::new(&place, format!("needs `{field} = true`")));
        }
    }
    if !compact.contains("[lints]\nworkspace=true") {
        faults.push(Fault::new(&place, "needs the workspace's lints: `[lints]`, `workspace = true`"));
    }
    if !compact.contains(&format!("name=\"{}\"", room.name)) {
        faults.push(Fault::new(&place, "the package's name must be its folder's"));
    }
}

fn bans(room: &Room, faults: &mut Vec<Fault>) {
    let Some(clippy) = &room.clippy else {
        faults.push(Fault::new(
            &room.folder,
            "a pure crate needs a clippy.toml with the bans of the pure house",
        ));
        return;
    };
    for ban in PURE_BANS {
        if !clippy.contains(&format!("\"{ban}\"")) {
            faults.push(Fault::new(format!("{}/clippy.toml", room.folder), format!("does not ban `{ban}`")));
        }
    }
}
