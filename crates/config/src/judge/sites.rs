//! Networks of sites against each other, and limits of links that no call can cross.

use super::value_at;
use crate::build::Draft;
use crate::forms::net;
use crate::model::{Kind, MediaMode, Networks, Site, Trunk};
use crate::nearest::nearest;
use crate::report::{Finding, Report};
use crate::text::Table;
use base::TrunkId;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    judge_networks(root, report);
    judge_node(root, report);
    judge_links(root, draft, report);
    judge_twice(root, draft, report);
}

/// The node's own site.
fn own(root: &Table) -> Option<&str> {
    root.table("node")?.value("site")?.text()
}

/// Media that come from a site to the node and go back there cross its link twice.
fn judge_twice(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let mode = root.table("media").and_then(|media| media.value("bypass")?.text()).unwrap_or("always");
    let (networks, all) = (Networks::of(&draft.sites), (&*draft.sites, &*draft.gateways));
    let leaves = |one: &Trunk, other: &Trunk| {
        let share = || networks.ids(one, all).any(|id| networks.ids(other, all).any(|theirs| theirs == id));
        [one, other].iter().all(|trunk| trunk.policy.media == MediaMode::Direct)
            && (mode == "always" || mode == "match" && share())
    };
    let at = |trunk| networks.of_media(trunk, all).and_then(|at| draft.sites.get(at));
    let narrow = |site: &Site| site.wan_calls_max == Some(1) && own(root) != Some(&site.name);
    let mut told = BTreeSet::new();
    // Thousands of routes are looked at only where there is something to find.
    for (from, to) in draft.sites.iter().any(narrow).then(|| led(draft)).into_iter().flatten() {
        let Some(site) = at(from).filter(|site| narrow(site)) else { continue };
        if at(to).is_none_or(|other| other.name != site.name) || leaves(from, to) || !told.insert(&site.name)
        {
            continue;
        }
        let Some(entry) = root.entries_of("site").iter().find(|entry| entry.key == site.name) else {
            continue;
        };
        let place = entry.value.table().map_or(0, |t| value_at(t, "wan_calls_max", entry.key_span.start));
        let message = format!(
            "calls between `{}` and `{}`, which are both at site `{}`, cross its link twice: `wan_calls_max = 1` never has \
             room for them",
            from.name, to.name, site.name
        );
        let finding = Finding::new(place, format!("site.{}.wan_calls_max", site.name), "no-room", message);
        report.warning(finding.expected("2 or more, or `media = \"direct\"` at both trunks"));
    }
}

/// Trunks that a call may come by, and leave by, as routes and numbers say.
fn led(draft: &Draft) -> Vec<(&Trunk, &Trunk)> {
    let find = |id: &TrunkId| draft.trunks.get(id.index()).and_then(Option::as_ref);
    let callers: Vec<&Trunk> = draft.trunks.iter().flatten().filter(|t| t.kind != Kind::Recorder).collect();
    let mut led = Vec::new();
    for route in draft.routes.iter().flatten() {
        let named: Vec<&Trunk> = route.match_on.iter().filter_map(find).collect();
        let from = if named.is_empty() { &callers } else { &named };
        let to = route.to.iter().flatten().filter_map(|(id, _)| find(id));
        led.extend(to.flat_map(|to| from.iter().map(move |from| (*from, to))));
    }
    for to in draft.numbers.iter().flatten().flat_map(|range| &range.deliver).filter_map(find) {
        led.extend(callers.iter().map(|from| (*from, to)));
    }
    led.retain(|(from, to)| from.name != to.name);
    led
}

/// The node may stand where no site is described, but hardly where one is nearly called so.
fn judge_node(root: &Table, report: &mut Report<'_>) {
    let value = root.table("node").and_then(|node| node.value("site"));
    let Some((value, own)) = value.and_then(|value| Some((value, value.text()?))) else { return };
    let near = nearest(own, root.entries_of("site").iter().map(|site| site.key.as_str()));
    let Some(near) = near.filter(|near| *near != own) else { return };
    let message = format!("there is no `[site.{own}]`, so the node is at a place of its own");
    let finding = Finding::new(value.span.start, "node.site", "unknown-name", message);
    report.warning(finding.nearest(Some(near.to_owned())));
}

/// A link is crossed by what is at its site: by a network, a trunk, or the node.
fn judge_links(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    let own = own(root);
    let limited = |table: &Table| table.value("wan_calls_max").is_some() && table.value("subnets").is_none();
    for entry in root.entries_of("site") {
        let Some(table) = entry.value.table().filter(|table| limited(table)) else { continue };
        let named =
            |trunk: &Option<Trunk>| trunk.as_ref().is_some_and(|t| t.site.as_ref() == Some(&entry.key));
        if own == Some(entry.key.as_str()) || draft.trunks.iter().any(named) {
            continue;
        }
        let message = format!("nothing is at site `{}`, so no call crosses its link", entry.key);
        let at = value_at(table, "wan_calls_max", entry.key_span.start);
        let finding = Finding::new(at, format!("site.{}.wan_calls_max", entry.key), "no-effect", message);
        report.warning(finding.expected("`subnets`, or a trunk with this `site`"));
    }
}

/// A network of two sites would put its callers at either.
fn judge_networks(root: &Table, report: &mut Report<'_>) {
    let mut known: BTreeMap<IpNet, (&str, usize)> = BTreeMap::new();
    for entry in root.entries_of("site") {
        let value = entry.value.table().and_then(|table| table.value("subnets"));
        for (index, item) in value.map_or(&[][..], |value| value.items()).iter().enumerate() {
            let Some(net) = item.text().and_then(|text| net::network(text).ok()) else { continue };
            match known.get(&net.trunc()) {
                Some(&(site, at)) if site != entry.key => {
                    let line = report.source.line(at);
                    let message = format!("{net} is a network of site `{site}` already, in line {line}");
                    let path = format!("site.{}.subnets[{index}]", entry.key);
                    let finding = Finding::new(item.span.start, path, "conflict", message);
                    report.error(finding.expected("each network in one site only"));
                }
                Some(_) => {}
                None => {
                    known.insert(net.trunc(), (&entry.key, item.span.start));
                }
            }
        }
    }
}
