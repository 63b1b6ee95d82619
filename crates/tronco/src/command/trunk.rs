//! `tronco trunk list|show|enable|disable`.

use crate::arguments::{Reach, Trunk as Command};
use crate::exit::Failure;
use crate::print::{Cell, Table};
use api::client::segment;
use api::wire::{Gateway, Trunk, Trunks};
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
        Command::Enable { name, reach } => set(name, "/enable", reach)?,
        Command::Disable { name, reach } => set(name, "/disable", reach)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(name: &str, action: &str) -> String {
    format!("/v1/trunks/{}{action}", segment(name))
}

fn set(name: &str, action: &str, reach: &Reach) -> Result<(), Failure> {
    let trunk: Trunk = reach.client().order("POST", &path(name, action))?;
    reach.output().show(&trunk, |trunk, _| {
        if trunk.enabled {
            format!("trunk {} takes new calls\n", trunk.name)
        } else {
            let live = trunk.calls_in + trunk.calls_out;
            format!("trunk {} takes no new calls; {live} live calls go on\n", trunk.name)
        }
    })
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
    if let Some(rate) = trunk.cps_max {
        table.pair("rate", format!("at most {rate} new calls a second"));
    }
    table.pair(
        "total",
        format!(
            "{} in, {} attempts out: {} answered, {} failed",
            trunk.total_in, trunk.total_out, trunk.answered_out, trunk.failed_out
        ),
    );
    format!("{}\n{}", table.print(colour), gateways(&trunk.gateways).print(colour))
}

fn gateways(gateways: &[Gateway]) -> Table {
    let mut table = Table::new(&["GATEWAY", "STATE", "ADDRESS", "RANK", "RTT", "MISSES", "TROUBLE"]);
    for gateway in gateways {
        if gateway.addresses.is_empty() {
            let mut row = vec![Cell::new(&gateway.name), Cell::state(&gateway.state)];
            row.extend([Cell::new("-"), Cell::new("-"), Cell::new("-"), Cell::new("-")]);
            row.push(Cell::maybe(gateway.trouble.as_deref()));
            table.row(row);
        }
        for (place, address) in gateway.addresses.iter().enumerate() {
            let once = |text: &str| Cell::new(if place == 0 { text } else { "" });
            table.row(vec![
                once(&gateway.name),
                Cell::state(&address.state),
                Cell::new(format!("{} {}", address.transport, address.target)),
                Cell::number(format!("{}/{}", address.rank, address.weight)),
                Cell::maybe(address.rtt_ms.map(|rtt| format!("{rtt:.1} ms"))),
                Cell::number(address.misses),
                match address.cooling_s {
                    Some(seconds) => Cell::new(format!("asked to be left alone, {seconds} s more")),
                    None => once(gateway.trouble.as_deref().unwrap_or("-")),
                },
            ]);
        }
    }
    table
}
