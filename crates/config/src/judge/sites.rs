//! Networks of sites against each other.

use crate::forms::net;
use crate::report::{Finding, Report};
use crate::text::Table;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// A network of two sites would put its callers at either.
pub(super) fn judge(root: &Table, report: &mut Report<'_>) {
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
