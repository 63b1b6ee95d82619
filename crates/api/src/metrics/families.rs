//! Which families there are, and where each gets its samples.

use super::page::{Page, SIDES};
use super::tally::{Table, Tally};
use crate::serve::Picture;
use crate::wire::{self, Gateway, Trunk};
use b2bua::view::LinkView;
use media::DropReason;

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";
/// States of a trunk, as [`Trunk::state`].
const STATES: [&str; 9] =
    ["up", "down", "unknown", "cooling", "poor", "unresolved", "unregistered", "disabled", "draining"];

/// The whole page.
pub(crate) fn text(picture: &Picture, tally: &Tally) -> String {
    let mut page = Page::default();
    node(&mut page, picture);
    let trunks: Vec<Trunk> = picture.trunks.iter().map(|t| wire::trunk(t, &picture.snapshot)).collect();
    trunk_states(&mut page, &trunks);
    gateway_states(&mut page, &trunks);
    registrations(&mut page, &trunks);
    trunk_calls(&mut page, &trunks);
    links(&mut page, &picture.status.links);
    signalling(&mut page, picture);
    of_calls(&mut page, picture);
    media_engine(&mut page, picture);
    if picture.store.is_some() {
        records(&mut page, picture, tally);
        ended_calls(&mut page, tally);
        quality(&mut page, tally);
    }
    page.finish()
}

fn node(page: &mut Page, picture: &Picture) {
    let version = env!("CARGO_PKG_VERSION");
    let config = &picture.snapshot.config;
    page.family("tronco_build_info", GAUGE, "Version and node, as labels.");
    page.sample("tronco_build_info", &[("version", version), ("node", &config.node.name)], 1_u64);
    let uptime = picture.transport.uptime.as_secs_f64();
    page.single("tronco_uptime_seconds", GAUGE, "Time since the start.", uptime);
    let revision = picture.snapshot.revision;
    page.single("tronco_config_revision", GAUGE, "Applied configurations, from 1.", revision);
    let applied = picture.reload_failure.is_none();
    let help = "Whether the last reload was taken over.";
    page.single("tronco_config_last_apply_success", GAUGE, help, applied);
    let status = &picture.status;
    page.single("tronco_draining", GAUGE, "Whether no new calls are taken.", status.draining);
    page.single("tronco_calls_live", GAUGE, "Live calls.", status.calls);
    page.single("tronco_calls_limit", GAUGE, "Most calls at a time.", u64::from(config.limits.calls_max));
    page.single("tronco_calls_accepted_total", COUNTER, "INVITEs accepted.", status.accepted);
    page.single("tronco_calls_answered_total", COUNTER, "Calls answered.", status.answered);
    page.single("tronco_calls_refused_total", COUNTER, "Calls that this node refused.", status.refused);
}

fn trunk_states(page: &mut Page, trunks: &[Trunk]) {
    let name = "tronco_trunk_up";
    page.family(name, GAUGE, "Whether the trunk is enabled and no fault of all its gateways is known.");
    for trunk in trunks {
        let up = matches!(trunk.state.as_str(), "up" | "unknown" | "cooling" | "poor");
        page.sample(name, &[("trunk", &trunk.name), ("site", trunk.site.as_deref().unwrap_or(""))], up);
    }
    let name = "tronco_trunk_state";
    page.family(name, GAUGE, "1 for the state that the trunk is in.");
    for trunk in trunks {
        for state in STATES {
            page.sample(name, &[("trunk", &trunk.name), ("state", state)], trunk.state == state);
        }
    }
}

fn gateway_states(page: &mut Page, trunks: &[Trunk]) {
    let gateways = trunks.iter().flat_map(|t| t.gateways.iter().map(move |g| (t, g)));
    let gateways: Vec<_> = gateways.collect();
    let name = "tronco_trunk_endpoint_up";
    page.family(name, GAUGE, "Whether the gateway answers, or has not been asked.");
    for (trunk, gateway) in &gateways {
        let up = matches!(gateway.state.as_str(), "up" | "unknown" | "cooling" | "poor");
        page.sample(name, &[("trunk", &trunk.name), ("endpoint", &gateway.name)], up);
    }
    let name = "tronco_trunk_endpoint_calls";
    page.family(name, GAUGE, "Live calls and attempts that go to the gateway.");
    for (trunk, gateway) in &gateways {
        page.sample(name, &[("trunk", &trunk.name), ("endpoint", &gateway.name)], gateway.calls);
    }
    gateway_quality(page, &gateways);
    let name = "tronco_trunk_target_up";
    page.family(name, GAUGE, "Whether this address of the gateway answers, or has not been asked.");
    for (trunk, gateway) in &gateways {
        for address in &gateway.addresses {
            let labels = [
                ("trunk", trunk.name.as_str()),
                ("endpoint", &gateway.name),
                ("target", &address.target),
                ("transport", &address.transport),
            ];
            page.sample(name, &labels, address.state != "down");
        }
    }
    let name = "tronco_options_rtt_seconds";
    page.family(name, GAUGE, "Round trip of the last answered OPTIONS, at the nearest address.");
    for (trunk, gateway) in &gateways {
        if let Some(rtt) = gateway.rtt_ms {
            page.sample(name, &[("trunk", &trunk.name), ("endpoint", &gateway.name)], rtt / 1_000.0);
        }
    }
}

fn gateway_quality(page: &mut Page, gateways: &[(&Trunk, &Gateway)]) {
    let judged = || gateways.iter().filter_map(|(t, g)| Some((&t.name, &g.name, g.quality.as_ref()?)));
    let name = "tronco_trunk_endpoint_answer_ratio";
    page.family(name, GAUGE, "Answer-seizure ratio of the gateway's last attempts, 0 to 1.");
    for (trunk, gateway, quality) in judged() {
        if let Some(ratio) = quality.answer_ratio {
            page.sample(name, &[("trunk", trunk), ("endpoint", gateway)], ratio / 100.0);
        }
    }
    let name = "tronco_trunk_endpoint_call_duration_seconds";
    page.family(name, GAUGE, "Mean duration of the gateway's last calls, where the trunk judges it.");
    for (trunk, gateway, quality) in judged() {
        if let Some(mean) = quality.call_duration_s {
            page.sample(name, &[("trunk", trunk), ("endpoint", gateway)], mean);
        }
    }
    let name = "tronco_trunk_endpoint_poor";
    page.family(name, GAUGE, "Whether others are tried first because the gateway's calls went badly.");
    for (trunk, gateway, quality) in judged() {
        page.sample(name, &[("trunk", trunk), ("endpoint", gateway)], quality.poor_s.is_some());
    }
}

fn registrations(page: &mut Page, trunks: &[Trunk]) {
    let all = || trunks.iter().flat_map(|t| t.registrations.iter().map(move |r| (t, r)));
    let name = "tronco_registration_up";
    page.family(name, GAUGE, "Whether the account is registered with its provider.");
    for (trunk, one) in all() {
        page.sample(name, &[("trunk", &trunk.name), ("account", &one.account)], one.expires_s.is_some());
    }
    let name = "tronco_registration_expires_seconds";
    page.family(name, GAUGE, "How long the registration still stands.");
    for (trunk, one) in all() {
        page.sample(name, &[("trunk", &trunk.name), ("account", &one.account)], one.expires_s.unwrap_or(0));
    }
    let name = "tronco_registration_last_status";
    page.family(name, GAUGE, "The registrar's last final response; 0 for silence.");
    for (trunk, one) in all() {
        let status = u64::from(one.last_status.unwrap_or(0));
        page.sample(name, &[("trunk", &trunk.name), ("account", &one.account)], status);
    }
}

fn trunk_calls(page: &mut Page, trunks: &[Trunk]) {
    let mut both = |name: &str, kind: &str, help: &str, of: fn(&Trunk) -> (u64, u64)| {
        page.family(name, kind, help);
        for trunk in trunks {
            let (incoming, outgoing) = of(trunk);
            page.sample(name, &[("trunk", &trunk.name), ("direction", "in")], incoming);
            page.sample(name, &[("trunk", &trunk.name), ("direction", "out")], outgoing);
        }
    };
    both("tronco_calls_active", GAUGE, "Live calls.", |t| (t.calls_in, t.calls_out));
    let help = "Calls received and attempts made.";
    both("tronco_call_attempts_total", COUNTER, help, |t| (t.total_in, t.total_out));
    let name = "tronco_trunk_calls_limit";
    page.family(name, GAUGE, "Most calls at a time, where the trunk has a limit.");
    for trunk in trunks {
        if let Some(limit) = trunk.calls_max {
            page.sample(name, &[("trunk", &trunk.name)], limit);
        }
    }
    let name = "tronco_attempts_answered_total";
    page.family(name, COUNTER, "Attempts answered.");
    trunks.iter().for_each(|t| page.sample(name, &[("trunk", &t.name)], t.answered_out));
    let name = "tronco_attempts_failed_total";
    page.family(name, COUNTER, "Attempts failed.");
    trunks.iter().for_each(|t| page.sample(name, &[("trunk", &t.name)], t.failed_out));
}

fn links(page: &mut Page, links: &[LinkView]) {
    let name = "tronco_site_wan_calls";
    page.family(name, GAUGE, "Calls whose media cross the WAN link of the site.");
    links.iter().for_each(|link| page.sample(name, &[("site", &*link.site)], u64::from(link.calls)));
    let name = "tronco_site_wan_calls_limit";
    page.family(name, GAUGE, "Most such calls at a time, where the site has a limit.");
    for link in links {
        if let Some(max) = link.max {
            page.sample(name, &[("site", &*link.site)], u64::from(max));
        }
    }
    let name = "tronco_site_wan_calls_refused_total";
    page.family(name, COUNTER, "Calls that were refused because the WAN link of the site was full.");
    links.iter().for_each(|link| page.sample(name, &[("site", &*link.site)], link.refused));
    let name = "tronco_site_wan_calls_skipped_total";
    page.family(name, COUNTER, "Attempts that were not made because the WAN link of the site was full.");
    links.iter().for_each(|link| page.sample(name, &[("site", &*link.site)], link.skipped));
}

/// A counter of the switchboard by its name in the status.
fn counter(picture: &Picture, wanted: &str) -> u64 {
    picture.status.counters.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, n)| *n)
}

fn of_calls(page: &mut Page, picture: &Picture) {
    let name = "tronco_recordings_total";
    let help =
        "Recordings of calls: begun, failed (no recorder could be had), lost, and resumed after a gap.";
    page.family(name, COUNTER, help);
    for (event, of) in [
        ("begun", "recordings"),
        ("failed", "recordings_failed"),
        ("lost", "recordings_lost"),
        ("resumed", "recordings_resumed"),
    ] {
        page.sample(name, &[("event", event)], counter(picture, of));
    }
    let help = "Calls in which somebody heard nothing of what it was to hear from this node.";
    page.single("tronco_sounds_unheard_total", COUNTER, help, counter(picture, "sounds_unheard"));
    let help = "Digits that did not get to the other side.";
    page.single("tronco_digits_lost_total", COUNTER, help, counter(picture, "digits_lost"));
}

fn signalling(page: &mut Page, picture: &Picture) {
    let counter = |wanted: &str| counter(picture, wanted);
    let shard = picture.transport.shard;
    let name = "tronco_sip_messages_total";
    page.family(name, COUNTER, "SIP messages.");
    page.sample(name, &[("direction", "in")], shard.messages_in);
    page.sample(name, &[("direction", "out")], shard.messages_out);
    let name = "tronco_sip_retransmissions_total";
    page.family(name, COUNTER, "Messages received again, and sent again.");
    page.sample(name, &[("direction", "in")], counter("retransmissions_in"));
    page.sample(name, &[("direction", "out")], counter("retransmissions_out"));
    let help = "Datagrams and frames that were no SIP message.";
    page.single("tronco_sip_parse_errors_total", COUNTER, help, picture.status.malformed);
    page.family("tronco_blocked_requests_total", COUNTER, "Requests dropped without an answer.");
    let blocked = picture.status.unknown_sources;
    page.sample("tronco_blocked_requests_total", &[("reason", "unknown_source")], blocked);
    let help = "Messages that could not be sent.";
    page.single("tronco_sip_send_failures_total", COUNTER, help, shard.send_failures);
    page.single("tronco_panics_total", COUNTER, "Faults of ours.", shard.panics + picture.engine.panics);
    let name = "tronco_connections_closed_total";
    page.family(name, COUNTER, "Connections closed, by cause.");
    for (cause, count) in picture.transport.streams.closed() {
        page.sample(name, &[("cause", cause)], count);
    }
    let name = "tronco_limit_hits_total";
    page.family(name, COUNTER, "How often a named limit was met.");
    for (limit, _, hits) in &picture.transport.limits {
        page.sample(name, &[("limit", limit)], *hits);
    }
    let name = "tronco_tls_certificate_expiry_timestamp_seconds";
    page.family(name, GAUGE, "When the interface's certificate ends, seconds since 1970.");
    for listen in &picture.transport.listens {
        if let Some(ends) = listen.certificate_ends {
            page.sample(name, &[("name", &listen.name)], u64::try_from(ends).unwrap_or(0));
        }
    }
}

/// Packets that come to the process and leave it in shared memory.
fn touched_media(page: &mut Page, touched: &media::TouchedStatus) {
    let name = "tronco_rtp_touched_packets_total";
    page.family(
        name,
        COUNTER,
        "RTP packets that came to the process, and left it, in shared memory (AF_XDP).",
    );
    for (direction, count) in [("in", touched.received), ("out", touched.sent)] {
        page.sample(name, &[("direction", direction)], count);
    }
    let name = "tronco_rtp_touched_lost_total";
    page.family(
        name,
        COUNTER,
        "Of these, those that were lost: no room in, no room out, wrong headers or sum.",
    );
    for (reason, count) in [("in", touched.lost), ("out", touched.full), ("unsound", touched.unsound)] {
        page.sample(name, &[("reason", reason)], count);
    }
    let help = "Directions of streams that come to the process in shared memory, or are watched for it.";
    page.single("tronco_touched_path_directions", GAUGE, help, touched.lanes);
    let without = touched.workers.iter().filter(|worker| worker.reason.is_some()).count() as u64;
    let help = "Media workers that have no part in it though others have.";
    page.single("tronco_touched_path_workers_without", GAUGE, help, without);
}

fn media_engine(page: &mut Page, picture: &Picture) {
    let engine = &picture.engine;
    let unheard = counter(picture, "one_way");
    let help = "Sides of live calls that were found not to be heard while the other one was.";
    page.single("tronco_one_way_events_total", COUNTER, help, unheard);
    page.single("tronco_media_sessions", GAUGE, "Open media sessions.", engine.sessions);
    page.single("tronco_rtp_packets_total", COUNTER, "RTP and RTCP packets relayed.", engine.packets);
    page.single("tronco_rtp_bytes_total", COUNTER, "Their UDP payload.", engine.bytes);
    let help = "Of the packets relayed, those that the kernel relayed.";
    page.single("tronco_rtp_fast_path_packets_total", COUNTER, help, engine.fast_packets);
    let help = "Directions of streams that the kernel relays or watches.";
    page.single("tronco_fast_path_directions", GAUGE, help, engine.fast.lanes);
    let help = "Directions that the kernel's engine had no room for.";
    page.single("tronco_fast_path_refused_total", COUNTER, help, engine.fast.refused);
    let name = "tronco_fast_path_device_up";
    page.family(name, GAUGE, "Devices that the kernel relays media on.");
    for (device, hook) in &engine.fast.devices {
        page.sample(name, &[("device", device), ("hook", hook)], 1);
    }
    touched_media(page, &engine.fast.touched);
    let name = "tronco_rtp_dropped_total";
    page.family(name, COUNTER, "Packets received and not relayed.");
    for reason in DropReason::ALL {
        page.sample(name, &[("reason", reason.name())], engine.dropped(reason));
    }
    let listens = wire::listens(&picture.transport, engine);
    let ports =
        listens.iter().filter_map(|l| Some((l.name.as_str(), l.media_ports_used?, l.media_ports_limit?)));
    let ports: Vec<(&str, u64, u64)> = ports.collect();
    page.family("tronco_media_ports_used", GAUGE, "Pairs of media ports in use.");
    ports
        .iter()
        .for_each(|(name, used, _)| page.sample("tronco_media_ports_used", &[("listen", name)], *used));
    page.family("tronco_media_ports_limit", GAUGE, "Pairs of media ports in the range.");
    ports
        .iter()
        .for_each(|(name, _, max)| page.sample("tronco_media_ports_limit", &[("listen", name)], *max));
}

fn records(page: &mut Page, picture: &Picture, tally: &Tally) {
    let Some(stats) = picture.store else { return };
    page.single("tronco_cdr_written_total", COUNTER, "Records committed.", stats.records);
    let name = "tronco_cdr_failed_total";
    page.family(name, COUNTER, "Writes of records that failed and were tried again.");
    page.sample(name, &[("sink", "sqlite")], stats.sqlite_errors);
    page.sample(name, &[("sink", "jsonl")], stats.line_errors);
    let help = "Journal bytes that wait in memory because the disk refuses them.";
    page.single("tronco_journal_held_bytes", GAUGE, help, stats.held_bytes);
    let help = "Journal events lost because the disk refused for too long.";
    page.single("tronco_journal_events_dropped_total", COUNTER, help, stats.events_dropped);
    let help = "Syncs of the journal to the disk.";
    page.single("tronco_journal_syncs_total", COUNTER, help, stats.syncs);
    let help = "Syncs of the journal to the disk that failed and were tried again.";
    page.single("tronco_journal_sync_errors_total", COUNTER, help, stats.sync_errors);
    let help = "Whether the families below are complete: no record waits to be counted.";
    page.single("tronco_records_counted", GAUGE, help, !tally.failed && !tally.behind);
}

fn table<const N: usize>(page: &mut Page, name: &str, help: &str, labels: [&str; N], rows: &Table<N>) {
    page.family(name, COUNTER, help);
    for (values, count) in rows {
        let pairs: Vec<(&str, &str)> = labels.into_iter().zip(values.iter().map(String::as_str)).collect();
        page.sample(name, &pairs, *count);
    }
}

fn ended_calls(page: &mut Page, tally: &Tally) {
    let labels = ["trunk", "direction", "code", "origin", "class"];
    let help = "Calls ended, for each trunk they used; origin released them, class has to act.";
    table(page, "tronco_calls_ended_total", help, labels, &tally.ended);
    let help = "Calls refused before any attempt, by reason id.";
    table(page, "tronco_calls_rejected_total", help, ["reason"], &tally.rejected);
    let help = "Attempts that followed a failed one.";
    table(page, "tronco_failovers_total", help, ["from", "to", "reason"], &tally.failovers);
    table(page, "tronco_route_hits_total", "Calls by route.", ["route"], &tally.routes);
    let help = "INVITE to the first ringing or answer.";
    page.histogram("tronco_post_dial_delay_seconds", help, &tally.post_dial_delay);
    page.histogram("tronco_call_setup_seconds", "INVITE to answer.", &tally.setup);
    page.histogram("tronco_call_duration_seconds", "Answer to end.", &tally.duration);
}

fn quality(page: &mut Page, tally: &Tally) {
    let mut by_side = |name: &str, help: &str, counts: [u64; 2]| {
        page.family(name, COUNTER, help);
        for (side, count) in SIDES.iter().zip(counts) {
            page.sample(name, &[("from", side)], count);
        }
    };
    by_side("tronco_rtp_packets_lost_total", "Packets of ended calls that never came.", tally.lost);
    by_side(
        "tronco_rtp_packets_expected_total",
        "Packets of ended calls that were sent to us.",
        tally.expected,
    );
    page.by_side("tronco_rtp_jitter_seconds", "Interarrival jitter at the end, by direction.", &tally.jitter);
    page.by_side("tronco_rtp_round_trip_seconds", "Round trip to the peer, by direction.", &tally.round_trip);
    page.by_side("tronco_mos", "Mean estimated MOS, by direction.", &tally.mos);
    let help = "Calls with a side that was not heard though it might send, while the other was.";
    page.single("tronco_one_way_calls_total", COUNTER, help, tally.one_way);
    tally.sound.print(page);
}
