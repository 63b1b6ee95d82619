//! Header rules of a trunk, run over the rows of a message; without rules nothing is read.

use crate::headers::push_row;
use config::{HeaderOn, HeaderRow, HeaderRules, Policy};
use sip_msg::{Msg, Name};

/// Runs the rules that concern a message of ours over its rows.
pub fn shape(rules: &HeaderRules, on: HeaderOn, rows: &mut Vec<u8>) {
    if !rules.concern(on) {
        return;
    }
    let mut parsed: Vec<HeaderRow> = rows
        .split(|c| *c == b'\n')
        .filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let colon = line.iter().position(|c| *c == b':')?;
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii_start().to_vec();
            Some(HeaderRow { name: String::from_utf8_lossy(name).into_owned(), value })
        })
        .collect();
    rules.run(on, &mut parsed);
    rows.clear();
    for row in &parsed {
        push_row(rows, row.name.as_bytes(), &row.value);
    }
}

/// The rows of a received message as the rules of its trunk leave them; `None`: none concerns it. `held`:
/// headers that no rule may see.
pub fn received(msg: Msg<'_>, from: &Policy, held: fn(Name) -> bool) -> Option<Vec<HeaderRow>> {
    let rules = &from.headers.rules_in;
    let on = if msg.is_request() {
        HeaderOn::of_method(msg.method().as_str().as_bytes())
    } else {
        HeaderOn::Response
    };
    if !rules.concern(on) {
        return None;
    }
    let row = |header: sip_msg::Header<'_>| {
        let known = header.name.as_str();
        let name = if known.is_empty() {
            String::from_utf8_lossy(header.raw_name).into_owned()
        } else {
            known.to_owned()
        };
        HeaderRow { name, value: header.value.to_vec() }
    };
    let mut rows: Vec<HeaderRow> = msg.headers().filter(|h| !held(h.name)).map(row).collect();
    rules.run(on, &mut rows);
    Some(rows)
}
