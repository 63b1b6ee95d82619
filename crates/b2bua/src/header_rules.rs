//! Header rules of a trunk, run over the rows of a message; without rules nothing is read.

use crate::call::Call;
use crate::context::{Context, User};
use crate::headers::push_row;
use config::{HeaderOn, HeaderRow, HeaderRules, Policy};
use sip_core::{Response, ServerTxn};
use sip_msg::{Msg, Name};

/// Runs the rules that concern a message of ours over its rows.
pub(crate) fn shape(rules: &HeaderRules, on: HeaderOn, rows: &mut Vec<u8>) {
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
pub(crate) fn received(msg: Msg<'_>, from: &Policy, held: fn(Name) -> bool) -> Option<Vec<HeaderRow>> {
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

impl Call {
    /// Answers a request of a peer, as the rules of its trunk want it.
    pub(crate) fn reply(&self, txn: ServerTxn, response: &Response<'_>, cx: &mut Context<'_>) {
        let trunk = match cx.txns.server_user(txn) {
            Some(User::Inner(_, side)) => self.trunk_of(side),
            _ => self.trunk_in,
        };
        let rules = &self.epoch.policy(trunk).headers.rules_out;
        if rules.is_empty() {
            return cx.txns.respond(cx.now, txn, response, &mut cx.out.sip);
        }
        let mut rows = cx.take_rows();
        rows.extend_from_slice(response.rows);
        shape(rules, HeaderOn::Response, &mut rows);
        cx.txns.respond(cx.now, txn, &Response { rows: &rows, ..*response }, &mut cx.out.sip);
        cx.give_rows(rows);
    }
}
