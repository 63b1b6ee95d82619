//! Requests outside any dialog that are answered here.

use crate::context::Context;
use base::TrunkId;
use config::HeaderOn;
use identity::{abilities, header_rules::shape};
use sip_core::{Response, ServerTxn};
use sip_msg::Msg;

/// Answers a request without a body; a To tag is added from fresh random bits (RFC 3261 §8.2.6.2).
pub(crate) fn answer(cx: &mut Context<'_>, txn: ServerTxn, status: u16, rows: &[u8]) {
    let tag = cx.rng.tag();
    let response = Response {
        status,
        reason: b"",
        to_tag: &tag,
        rows,
        content_type: b"",
        body: b"",
        record_route: false,
    };
    cx.txns.respond(cx.now, txn, &response, &mut cx.out.sip);
}

/// OPTIONS is answered as an INVITE of the trunk would be judged (RFC 3261 §11.2); what is not supported is
/// refused as its RFC says.
pub(crate) fn outside_dialog(cx: &mut Context<'_>, msg: Msg<'_>, trunk: TrunkId, txn: ServerTxn) {
    let epoch = cx.current.clone();
    let policy = epoch.policy(trunk);
    let mut rows = cx.take_rows();
    let registers = epoch.trunk(trunk).users.registrar.is_some();
    let status = abilities::judge(msg, policy, registers, &mut rows);
    shape(&policy.headers.rules_out, HeaderOn::Response, &mut rows);
    answer(cx, txn, status, &rows);
    cx.give_rows(rows);
}
