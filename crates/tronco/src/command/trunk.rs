//! `tronco trunk list|show|enable|disable|drain`.

use crate::arguments::{Part, Reach, Trunk as Command};
use crate::exit::Failure;
use crate::print::{Cell, Table};
use api::client::segment;
use api::wire::{Gateway, Registration, Trunk, TrunkQuery, Trunks};
use std::process::ExitCode;

/// Does what the command says.
pub(crate) fn trunk(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List { reach } => {
            let trunks: Trunks = reach.client().get("/v1/trunks", &())?;
            reach.output().show(&trunks, |trunks, colour| list(&trunks.trunks).print(colour))?;
        }
        Command::Show { name, reach } => {
            let trunk: Trunk = reach.client().get(&path(name, ""), &())?;
            reach.output().show(&trunk, show)?;
        }
        Command::Enable { part, reach } => set(part, "/enable", reach)?,
        Command::Disable { part, reach } => set(part, "/disable", reach)?,
        Command::Drain { part, reach } => set(part, "/drain", reach)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(name: &str, action: &str) -> String {
    format!("/v1/trunks/{}{action}", segment(name))
}

fn set(part: &Part, action: &str, reach: &Reach) -> Result<(), Failure> {
    let query = TrunkQuery { gateway: part.gateway.clone() };
    let trunk: Trunk = reach.client().order_with("POST", &path(&part.name, action), &query)?;
    reach.output().show(&trunk, |trunk, _| told(trunk, part.gateway.as_deref()))
}

/// What holds now, for the trunk and, when one was set, its gateway.
fn told(trunk: &Trunk, gateway: Option<&str>) -> String {
    let sentence = |what: String, state: &str, live: u64| match state {
        "disabled" => format!("{what} takes no new calls; {live} live calls go on\n"),
        "draining" => {
            format!(
                "{what} is draining: it takes no new calls, callers are sent elsewhere; {live} live calls go on\n"
            )
        }
        _ => format!("{what} takes new calls\n"),
    };
    let live = trunk.calls_in + trunk.calls_out;
    let whole = sentence(format!("trunk {}", trunk.name), &trunk.state, live);
    let one = trunk.gateways.iter().find(|g| Some(g.name.as_str()) == gateway);
    match one {
        Some(gateway) => {
            sentence(format!("gateway {}", gateway.name), &gateway.state, gateway.calls) + &whole
        }
        None => whole,
    }
}

/// A number of its limit, when there is one.
fn of_limit(number: u64, limit: Option<u64>) -> String {
    limit.map_or_else(|| number.to_string(), |limit| format!("{number}/{limit}"))
}

fn list(trunks: &[Trunk]) -> Table {
    let header =
        ["TRUNK", "KIND", "STATE", "GATEWAYS UP", "CALLS", "IN", "OUT", "ANSWERED", "FAILED", "LISTEN"];
    let mut table = Table::new(&header);
    for trunk in trunks {
        let up = trunk.gateways.iter().filter(|g| g.state == "up").count();
        table.row(vec![
            Cell::new(&trunk.name),
            Cell::new(&trunk.kind),
            Cell::state(&trunk.state),
            Cell::number(format!("{up}/{}", trunk.gateways.len())),
            Cell::number(of_limit(trunk.calls_in + trunk.calls_out, trunk.calls_max)),
            Cell::number(trunk.total_in),
            Cell::number(trunk.total_out),
            Cell::number(trunk.answered_out),
            Cell::number(trunk.failed_out),
            Cell::new(&trunk.listen),
        ]);
    }
    table
}

fn show(trunk: &Trunk, colour: bool) -> String {
    let mut table = Table::pairs();
    table.row(vec![Cell::new("trunk"), Cell::new(&trunk.name)]);
    table.row(vec![Cell::new("state"), Cell::state(&trunk.state)]);
    table.pair("kind", format!("{}, profile {}", trunk.kind, trunk.profile));
    table.pair("listen", &trunk.listen);
    table.pair("site", trunk.site.as_deref().unwrap_or_default());
    let calls = of_limit(trunk.calls_in + trunk.calls_out, trunk.calls_max);
    table.pair("calls", format!("{calls} live: {} in, {} out", trunk.calls_in, trunk.calls_out));
    table.pair("at most", limits(trunk));
    table.pair(
        "total",
        format!(
            "{} in, {} attempts out: {} answered, {} failed",
            trunk.total_in, trunk.total_out, trunk.answered_out, trunk.failed_out
        ),
    );
    let mut text = format!("{}\n{}", table.print(colour), gateways(&trunk.gateways).print(colour));
    if trunk.gateways.iter().any(|gateway| !gateway.bindings.is_empty()) {
        text.push('\n');
        text.push_str(&bindings(&trunk.gateways).print(colour));
    }
    if !trunk.registrations.is_empty() {
        text.push('\n');
        text.push_str(&registrations(&trunk.registrations).print(colour));
    }
    text
}

/// Where the users of a trunk registered.
fn bindings(gateways: &[Gateway]) -> Table {
    let mut table = Table::new(&["USER", "CONTACT", "FROM", "VIA", "EXPIRES", "FLOW", "AGENT"]);
    for gateway in gateways {
        for one in &gateway.bindings {
            table.row(vec![
                Cell::new(&gateway.name),
                Cell::new(&one.contact),
                Cell::new(&one.source),
                Cell::new(&one.transport),
                Cell::number(format!("{} s", one.expires_s)),
                Cell::maybe(one.flow.map(|flow| flow.to_string())),
                Cell::new(&one.agent),
            ]);
        }
    }
    table
}

fn registrations(all: &[Registration]) -> Table {
    let mut table = Table::new(&["ACCOUNT", "STATE", "EXPIRES", "NEXT", "LAST", "REGISTRAR", "TROUBLE"]);
    let seconds = |left: Option<u64>| Cell::maybe(left.map(|left| format!("{left} s")));
    for one in all {
        table.row(vec![
            Cell::new(&one.account),
            Cell::state(&one.state),
            seconds(one.expires_s),
            seconds(one.next_s),
            Cell::maybe(
                one.last_status
                    .map(|status| if status == 0 { "silence".to_owned() } else { status.to_string() }),
            ),
            Cell::maybe(one.registrar.as_deref()),
            Cell::maybe(one.trouble.as_deref()),
        ]);
    }
    table
}

/// The limits that the trunk has, in words.
fn limits(trunk: &Trunk) -> String {
    let all = [
        (trunk.calls_max, "calls"),
        (trunk.calls_in_max, "calls in"),
        (trunk.calls_out_max, "calls out"),
        (trunk.cps_max, "new calls a second"),
        (trunk.cps_in_max, "new calls in a second"),
        (trunk.cps_out_max, "new calls out a second"),
    ];
    let set = all.iter().filter_map(|(max, what)| Some(format!("{} {what}", (*max)?)));
    set.collect::<Vec<_>>().join(", ")
}

/// How a gateway's calls went, in words.
fn quality(gateway: &Gateway) -> String {
    let Some(quality) = &gateway.quality else { return "-".to_owned() };
    let mut text = format!("{} of {}", quality.sample, quality.window);
    if let Some(ratio) = quality.answer_ratio {
        text.push_str(&format!(", {ratio:.0} % answered"));
    }
    if let Some(delay) = quality.post_dial_delay_ms {
        text.push_str(&format!(", {:.1} s to ring", delay / 1_000.0));
    }
    if let Some(mean) = quality.call_duration_s {
        text.push_str(&format!(", {mean:.0} s long"));
    }
    if let Some(seconds) = quality.poor_s {
        text.push_str(&format!(", poor for {seconds} s more"));
    }
    text
}

fn gateways(gateways: &[Gateway]) -> Table {
    let mut table =
        Table::new(&["GATEWAY", "STATE", "ADDRESS", "RANK", "RTT", "MISSES", "CALLS", "QUALITY", "TROUBLE"]);
    for gateway in gateways {
        if gateway.addresses.is_empty() {
            let mut row = vec![Cell::new(&gateway.name), Cell::state(&gateway.state)];
            row.extend((0..6).map(|_| Cell::new("-")));
            row.push(Cell::maybe(gateway.trouble.as_deref()));
            table.row(row);
        }
        for (place, address) in gateway.addresses.iter().enumerate() {
            let once = |text: &str| Cell::new(if place == 0 { text } else { "" });
            table.row(vec![
                once(&gateway.name),
                Cell::state(if address.state == "down" { "down" } else { &gateway.state }),
                Cell::new(format!("{} {}", address.transport, address.target)),
                Cell::number(format!("{}/{}", address.rank, address.weight)),
                Cell::maybe(address.rtt_ms.map(|rtt| format!("{rtt:.1} ms"))),
                Cell::number(address.misses),
                once(&gateway.calls.to_string()),
                once(&quality(gateway)),
                match address.cooling_s {
                    Some(seconds) => Cell::new(format!("asked to be left alone, {seconds} s more")),
                    None => once(gateway.trouble.as_deref().unwrap_or("-")),
                },
            ]);
        }
    }
    table
}
