//! `tronco status`.

use crate::arguments::Reach;
use crate::exit::Failure;
use crate::print::{Cell, Colour, Table, count, whole_seconds};
use api::wire::{CallCounts, FastPath, Listen, Media, Status, TouchedPath};
use std::process::ExitCode;

/// Shows the node at a glance.
pub(crate) fn status(reach: &Reach) -> Result<ExitCode, Failure> {
    let status: Status = reach.client().get("/v1/status", &())?;
    reach.output().show(&status, people)?;
    Ok(ExitCode::SUCCESS)
}

fn people(status: &Status, colour: bool) -> String {
    let mut text = node(status).print(colour);
    text.push('\n');
    text.push_str(&listens(&status.listens).print(colour));
    text.push_str(&lesser(&status.listens));
    let mut trunks = Table::new(&["TRUNK", "STATE", "CALLS"]);
    for trunk in &status.trunks {
        trunks.row(vec![Cell::new(&trunk.name), Cell::state(&trunk.state), Cell::number(trunk.calls)]);
    }
    text.push('\n');
    text.push_str(&trunks.print(colour));
    let links = status.links.iter().filter(|link| link.calls_max.is_some());
    let mut table = Table::new(&["LINK TO SITE", "CALLS", "REFUSED", "SKIPPED"]);
    for link in links.clone() {
        let calls = format!("{}/{}", link.calls, link.calls_max.unwrap_or_default());
        let counts = [link.refused, link.skipped].map(Cell::number);
        table.row([Cell::new(&link.site), Cell::new(calls)].into_iter().chain(counts).collect());
    }
    if links.count() > 0 {
        text.push('\n');
        text.push_str(&table.print(colour));
    }
    if !status.troubles.is_empty() {
        text.push('\n');
        let paint = |line: &String| if colour { Colour::Bad.paint(line) } else { line.clone() };
        status.troubles.iter().for_each(|line| text.push_str(&format!("trouble: {}\n", paint(line))));
    }
    text
}

fn node(status: &Status) -> Table {
    let mut table = Table::pairs();
    let site = status.site.as_ref().map_or(String::new(), |site| format!(" at {site}"));
    let uptime = whole_seconds(status.uptime_s);
    table.pair(
        "node",
        format!("{}{site}, tronco {}, process {}, up {uptime}", status.node, status.version, status.pid),
    );
    let draining = if status.draining { ", draining: no new calls" } else { "" };
    table.pair("config", format!("{}, revision {}{draining}", status.config, status.revision));
    table.pair("calls", calls(&status.calls));
    table.pair("media", media(&status.media));
    match &status.records {
        Some(records) => table.pair("records", format!("{} written", records.written)),
        None => table.pair("records", "off"),
    }
    let [begun, failed, lost, resumed] = ["", "_failed", "_lost", "_resumed"]
        .map(|event| status.counters.get(&format!("recordings{event}")).copied().unwrap_or_default());
    if begun + failed > 0 {
        table.pair(
            "recorded",
            format!("{} begun, {failed} failed, {lost} lost, {resumed} resumed", count(begun, "recording")),
        );
    }
    let hits: u64 = status.limits.iter().map(|limit| limit.hits).sum();
    table.pair(
        "refused",
        format!(
            "{} from unknown sources, {} malformed, {}",
            count(status.unknown_sources, "request"),
            status.malformed,
            count(hits, "limit hit")
        ),
    );
    table
}

fn calls(calls: &CallCounts) -> String {
    format!(
        "{} live of {}; {} accepted, {} answered, {} ended, {} refused",
        calls.live, calls.limit, calls.accepted, calls.answered, calls.ended, calls.refused
    )
}

fn media(media: &Media) -> String {
    format!(
        "{} engine, {}{}, {}, {}; {} packets relayed, {} dropped",
        media.engine,
        in_kernel(&media.fast_path),
        in_memory(media),
        count(media.workers, "worker"),
        count(media.sessions, "session"),
        media.packets,
        media.drops.values().sum::<u64>()
    )
}

fn in_kernel(fast: &FastPath) -> String {
    if let Some(reason) = &fast.reason {
        return format!("nothing in the kernel ({reason})");
    }
    let devices: Vec<String> = fast.devices.iter().map(|(name, hook)| format!("{name} {hook}")).collect();
    format!("{} in the kernel ({})", count(fast.directions, "direction"), devices.join(", "))
}

/// What comes in shared memory; nothing where that was not asked for, or is explained already.
fn in_memory(Media { fast_path, touched_path: touched, .. }: &Media) -> String {
    match &touched.reason {
        Some(_) if fast_path.reason.is_some() => String::new(),
        Some(reason) if reason == "switched off" => String::new(),
        Some(reason) => format!(", touched by sockets ({reason})"),
        None if touched.devices.is_empty() => String::new(),
        None => {
            let devices =
                touched.devices.iter().map(|(name, queues)| format!("{name} {}", count(*queues, "queue")));
            let devices: Vec<String> = devices.collect();
            let (directions, devices) = (count(touched.directions, "direction"), devices.join(", "));
            format!(", {directions} by AF_XDP ({devices}, {}{})", copies(touched), lacking(touched))
        }
    }
}

/// Whether packets are copied on their way to the process.
fn copies(touched: &TouchedPath) -> &'static str {
    let has = |mode| touched.workers.iter().flat_map(|worker| &worker.queues).any(|at| at.mode == mode);
    match (has("zero_copy"), has("copy")) {
        (true, true) => "some by copies",
        (true, false) => "without copies",
        (false, _) => "by copies",
    }
}

/// The devices and workers that have no part in it, and why.
fn lacking(touched: &TouchedPath) -> String {
    let devices = touched.without.values().map(|reason| format!("; by sockets: {reason}"));
    let reasons = touched.workers.iter().filter_map(|worker| Some((worker.worker, worker.reason.as_ref()?)));
    devices.chain(reasons.map(|(worker, reason)| format!("; worker {worker} by sockets: {reason}"))).collect()
}

fn listens(listens: &[Listen]) -> Table {
    let mut table =
        Table::new(&["LISTEN", "CONNECTIONS", "DATAGRAMS IN", "OUT", "MEDIA PORTS", "RELAYED BY", "OPEN"]);
    for listen in listens {
        let media = match (listen.media_ports_used, listen.media_ports_limit) {
            (Some(used), Some(limit)) => format!("{used}/{limit}"),
            _ => String::new(),
        };
        table.row(vec![
            Cell::new(&listen.name),
            Cell::number(listen.connections_in + listen.connections_out),
            Cell::number(listen.datagrams_in),
            Cell::number(listen.datagrams_out),
            Cell::new(media),
            Cell::new(relayed(listen)),
            Cell::new(listen.ports.join(" ")),
        ]);
    }
    table
}

/// Who relays what arrives at an interface.
fn relayed(listen: &Listen) -> String {
    let Some(relayed) = &listen.relayed else { return String::new() };
    match &relayed.device {
        Some(device) => format!("{} on {device}", relayed.by),
        None => relayed.by.clone(),
    }
}

/// Why interfaces relay behind the driver, and not at it. Why nothing is in the kernel stands above.
fn lesser(listens: &[Listen]) -> String {
    let told = |listen: &Listen| {
        let relayed = listen.relayed.as_ref().filter(|relayed| relayed.device.is_some())?;
        Some(format!("{}: not at the driver ({})\n", listen.name, relayed.reason.as_ref()?))
    };
    listens.iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::wire::{TouchedQueue, TouchedWorker};

    #[test]
    fn a_worker_without_sockets_is_told_beside_those_that_have_them() {
        let at = |queue| TouchedQueue {
            device: "eth0".into(),
            queue,
            mode: "copy".into(),
            ..TouchedQueue::default()
        };
        let has = TouchedWorker { worker: 0, queues: vec![at(0), at(1)], reason: None };
        let lacks = TouchedWorker { worker: 1, queues: Vec::new(), reason: Some("eth0: it is full".into()) };
        let touched_path = TouchedPath {
            devices: [("eth0".to_owned(), 2)].into(),
            without: [("eth1".to_owned(), "eth1 queue 0: it is held".to_owned())].into(),
            directions: 4,
            workers: vec![has, lacks],
            ..TouchedPath::default()
        };
        let told = in_memory(&Media { touched_path, ..Media::default() });
        assert_eq!(
            told,
            ", 4 directions by AF_XDP (eth0 2 queues, by copies; by sockets: eth1 queue 0: it is held; \
             worker 1 by sockets: eth0: it is full)"
        );
    }
}
