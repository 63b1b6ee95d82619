//! Media that are to go between the peers: ids that count for nothing, and trunks that nobody shares any with.

use super::{item_at, value_at};
use crate::build::Draft;
use crate::model::{Kind, MediaMode, Networks, Trunk};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table};

/// `mode`: what is written of `media.bypass`.
pub(super) fn judge(
    (entry, table): (&Entry, &Table),
    trunk: &Trunk,
    mode: Option<&str>,
    (networks, draft): (&Networks, &Draft),
    report: &mut Report<'_>,
) {
    let at = |key: &str| value_at(table, key, entry.key_span.start);
    let path = |key: &str| format!("trunk.{}.{key}", trunk.name);
    let mut told = false;
    written(trunk, mode, networks, |key, message, expected| {
        told = true;
        let finding = Finding::new(at(key), path(key), "no-effect", message);
        report.warning(finding.expected(expected));
    });
    // Of a trunk that cannot be read nobody knows what it shares.
    if told || mode != Some("match") || goes(trunk).is_none() || draft.trunks.contains(&None) {
        return;
    }
    let all = (&*draft.sites, &*draft.gateways);
    let others = || draft.trunks.iter().flatten().filter(|other| other.name != trunk.name).filter_map(goes);
    let is_shared = |id: &str| others().any(|other| networks.ids(other, all).any(|theirs| theirs == id));
    for (index, id) in trunk.bypass.iter().enumerate().filter(|(_, id)| !is_shared(id)) {
        let message = format!("`bypass` id `{id}` is that of no other trunk whose `media` is `direct`");
        let at = item_at(table, "bypass", index, at("bypass"));
        let finding = Finding::new(at, path(&format!("bypass[{index}]")), "no-effect", message);
        report.warning(finding.expected("the same id at the trunk that it is to share a place with"));
    }
    // Calls of others may leave as they came, which takes no id.
    if !trunk.bypass.is_empty() || trunk.kind == Kind::Direct {
        return;
    }
    let site = networks.ids(trunk, all).next();
    if !site.is_some_and(is_shared) {
        let place =
            table.table("override").map_or(entry.key_span.start, |t| value_at(t, "media", at("override")));
        report.warning(alone(place, path("override.media"), site));
    }
}

/// A trunk without ids of its own shares none: that of its site, if it is at one.
fn alone(place: usize, path: String, site: Option<&str>) -> Finding {
    let what = match site {
        Some(site) => format!("no other trunk at site `{site}` has it"),
        None => "the trunk is at no site and has no `bypass` id".to_owned(),
    };
    let message = format!("`media = \"direct\"`, and {what}: all its media go through this node");
    let finding = Finding::new(place, path, "no-effect", message);
    finding.expected("a `bypass` id that another trunk has too, or `media = \"anchor\"`")
}

/// A trunk that lets its media go.
pub(super) fn goes(trunk: &Trunk) -> Option<&Trunk> {
    Some(trunk).filter(|trunk| trunk.policy.media == MediaMode::Direct && trunk.kind != Kind::Recorder)
}

/// Ids of a bypass, and the address that stands for media, count where calls are matched by them and the trunk
/// lets its media go.
fn written(
    trunk: &Trunk,
    mode: Option<&str>,
    networks: &Networks,
    mut warn: impl FnMut(&str, String, &'static str),
) {
    let Trunk { bypass, media_address, policy, .. } = trunk;
    let said = [("bypass", !bypass.is_empty()), ("media_address", media_address.is_some())];
    for (key, _) in said.iter().filter(|(_, is_said)| *is_said) {
        let (message, expected) = match mode {
            Some("match") if policy.media == MediaMode::Anchor => {
                (format!("`{key}` and `media = \"anchor\"`"), "`override = { media = \"direct\" }`")
            }
            Some("match") if *key == "bypass" => continue,
            Some("match") if !bypass.is_empty() => {
                ("`media_address` beside `bypass`, whose ids hold".to_owned(), "one of both")
            }
            Some("match") if media_address.is_some_and(|at| networks.holding(at).is_some()) => continue,
            Some("match") => {
                ("`media_address` is in the `subnets` of no site".to_owned(), "an address of one of them")
            }
            _ => (
                format!("`{key}` says nothing where `media.bypass` matches no ids"),
                "`[media]` with `bypass = \"match\"`",
            ),
        };
        warn(key, message, expected);
    }
}
