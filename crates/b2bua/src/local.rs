//! Requests outside any dialog that are answered here.

use crate::context::Context;
use base::{ReasonId, TrunkId};
use config::{HeaderOn, Policy};
use identity::{abilities, header_rules::shape};
use sip_core::{Response, ServerTxn};
use sip_msg::{Method, Msg, Scheme, Uri};

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
    let status = judge(msg, policy, registers, &mut rows);
    shape(&policy.headers.rules_out, HeaderOn::Response, &mut rows);
    answer(cx, txn, status, &rows);
    cx.give_rows(rows);
}

fn judge(msg: Msg<'_>, policy: &Policy, registers: bool, rows: &mut Vec<u8>) -> u16 {
    match msg.method() {
        Method::Options => {
            abilities::push_unsupported(msg, policy, rows);
            if !rows.is_empty() {
                return 420;
            }
            abilities::push_all(policy, rows);
            abilities::push_register(registers, rows);
            200
        }
        Method::Subscribe => abilities::refuse_event(msg, policy, 403, rows),
        Method::Bye | Method::Update | Method::Prack | Method::Info | Method::Notify => 481,
        Method::Refer => 603,
        method => {
            abilities::push_allow_outside(policy, rows);
            abilities::push_register(registers, rows);
            if method == Method::Other { 501 } else { 405 }
        }
    }
}

/// What is wrong with a Request-URI (RFC 3261 §8.2.2.1), if anything.
pub(crate) fn check_uri(uri: &[u8]) -> Option<ReasonId> {
    match Uri::parse(uri) {
        Err(_) => Some(ReasonId::BadRequest),
        Ok(uri) if uri.scheme == Scheme::Other => Some(ReasonId::UriScheme),
        Ok(_) => None,
    }
}
