//! Networks of sites against each other, and limits of links that no call can cross.

use super::value_at;
use crate::build::Draft;
use crate::forms::net;
use crate::model::Trunk;
use crate::nearest::nearest;
use crate::report::{Finding, Report};
use crate::text::Table;
use ipnet::IpNet;
use std::collections::BTreeMap;

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    judge_networks(root, report);
    judge_node(root, report);
    judge_links(root, draft, report);
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
    let own = root.table("node").and_then(|node| node.value("site")).and_then(|site| site.text());
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
