//! Whose media go between the peers (R50, R52): by trunks, by ids of places, back to where a call came from.

mod common;

use common::World;
use routing::{AllIdle, Facts, MediaPath, Story, Table};

/// The PBX and a gateway are in Berlin, another gateway names two places, the providers none.
fn world(mode: &str) -> World {
    let direct = "override = { media = \"direct\" }";
    let more = format!(
        "[media]\nbypass = \"{mode}\"\n[site.munich]\n\
         [trunk.branch]\nkind = \"direct\"\nlisten = \"inside\"\nsite = \"munich\"\ngateways = [\"127.0.1.7\"]\n{direct}\n\
         [trunk.both]\nkind = \"direct\"\nlisten = \"inside\"\nsite = \"munich\"\nbypass = [\"pstn\", \"berlin\"]\ngateways = [\"127.0.1.8\"]\n{direct}\n\
         [trunk.office]\nkind = \"direct\"\nlisten = \"inside\"\nsite = \"berlin\"\ngateways = [\"127.0.1.9\"]\n{direct}\n\
         [[route]]\nname = \"all\"\nmatch = {{ called = \"+*\" }}\nto = [\"office\", \"branch\", \"both\", \"gw\"]\n"
    );
    let config = common::config("DE", &more);
    World { table: Table::compile(&config), config }
}

fn path<'w>(w: &'w World, one: &str, other: &str) -> MediaPath<'w> {
    w.table.media_path(w.id(one), w.id(other), None)
}

#[test]
fn both_trunks_have_to_let_their_media_go() {
    for mode in ["always", "match", "off"] {
        let w = world(mode);
        for other in ["office", "both", "gw"] {
            assert_eq!(path(&w, "gw", other), MediaPath::Anchored);
            assert_eq!(path(&w, other, "gw"), MediaPath::Anchored);
        }
    }
}

#[test]
fn the_mode_says_how_far_that_holds() {
    assert_eq!(path(&world("always"), "office", "branch"), MediaPath::Always);
    assert_eq!(path(&world("off"), "office", "office"), MediaPath::Off);
    let w = world("match");
    assert_eq!(path(&w, "office", "branch"), MediaPath::Apart);
    assert_eq!(path(&w, "office", "both"), MediaPath::Shared("berlin"), "by an id beside its own");
    assert_eq!(path(&w, "branch", "both"), MediaPath::Apart, "its ids stand for its site");
    assert_eq!(path(&w, "branch", "branch"), MediaPath::Same, "out as it came in");
}

#[test]
fn the_story_and_the_record_tell_whose_media_leave() {
    let w = world("match");
    let plan = w.plan("office", "", "+49401234567");
    assert_eq!(
        w.table.explain(w.id("office"), &plan),
        "route all; office media between the peers: it leaves as it came; \
         branch, if tried: media through this node: no common bypass id; \
         both, if tried: media between the peers: bypass id berlin"
    );
    let mut story = Story::default();
    let facts = Facts::new(w.id("office"), "+49401234567", "");
    assert!(w.table.plan(&facts, &AllIdle, 0, &mut story).plan().is_some());
    let told: Vec<&String> = story.0.iter().filter(|step| step.contains("media")).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[2], "trunk both: media between the peers: bypass id berlin");
}

/// Berlin and Munich have networks; the carrier signals from afar and has its media in Munich.
fn placed() -> World {
    let direct = "override = { media = \"direct\" }";
    let trunk = |name: &str, rest: &str| {
        format!("[trunk.{name}]\nkind = \"direct\"\nlisten = \"inside\"\n{rest}\n{direct}\n")
    };
    let more = format!(
        "[media]\nbypass = \"match\"\n[site.munich]\nsubnets = [\"127.0.9.0/24\"]\n{}{}{}{}",
        trunk("near", "gateways = [\"127.0.9.7\"]"),
        trunk("carrier", "site = \"berlin\"\nmedia_address = \"127.0.9.200\"\ngateways = [\"127.0.1.8\"]"),
        trunk("lost", "site = \"munich\"\nmedia_address = \"127.0.77.1\"\ngateways = [\"127.0.9.9\"]"),
        trunk("office", "site = \"berlin\"\ngateways = [\"127.0.1.9\"]"),
    );
    let config = common::config("DE", &more);
    World { table: Table::compile(&config), config }
}

#[test]
fn a_trunk_without_ids_has_its_media_where_its_networks_say() {
    let w = placed();
    assert_eq!(
        path(&w, "near", "carrier"),
        MediaPath::Shared("munich"),
        "by the gateways, and by the address"
    );
    assert_eq!(path(&w, "office", "carrier"), MediaPath::Apart, "its signalling is there, its media are not");
    assert_eq!(path(&w, "near", "lost"), MediaPath::Apart, "its media are in no site");
}

#[test]
fn media_of_peers_with_different_versions_of_ip_go_through_this_node() {
    let trunk = |name: &str, listen: &str, gateway: &str| {
        format!(
            "[trunk.{name}]\nkind = \"direct\"\nlisten = \"{listen}\"\nsite = \"berlin\"\ngateways = [\"{gateway}\"]\n\
             override = {{ media = \"direct\" }}\n"
        )
    };
    for (mode, alike) in [("always", MediaPath::Always), ("match", MediaPath::Shared("berlin"))] {
        let more = format!(
            "[media]\nbypass = \"{mode}\"\n\
             [listen.six]\naddress = \"::1\"\nsip = [\"udp:5060\"]\nrtp = \"30000-30999\"\n{}{}{}{}",
            trunk("old", "inside", "127.0.9.7"),
            trunk("older", "inside", "127.0.9.8"),
            trunk("new", "six", "[fd00::7]"),
            trunk("newer", "six", "[fd00::8]"),
        );
        let config = common::config("DE", &more);
        let w = World { table: Table::compile(&config), config };
        assert_eq!((path(&w, "old", "older"), path(&w, "new", "newer")), (alike, alike));
        for (one, other) in [("old", "new"), ("newer", "older")] {
            assert_eq!(path(&w, one, other), MediaPath::Families, "neither reaches the other");
        }
        assert_eq!(MediaPath::Families.to_string(), "media through this node: IPv4 and IPv6");
    }
}
