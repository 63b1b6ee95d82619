//! Requests outside any dialog that are answered here.

use crate::context::Context;
use crate::relay::allow_row;
use base::ReasonId;
use identity::headers::push_row;
use sip_core::{Response, ServerTxn};
use sip_msg::{Method, Msg, Name, Scheme, Uri};

/// Extensions that a peer may require.
const EXTENSIONS: &[&str] = &["100rel", "timer"];

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

/// OPTIONS is answered (RFC 3261 §11.2); what is not supported is refused as its RFC says.
pub(crate) fn outside_dialog(cx: &mut Context<'_>, msg: Msg<'_>, txn: ServerTxn) {
    match msg.method() {
        Method::Options => {
            let mut unsupported = cx.take_rows();
            unsupported_rows(msg, &[], &mut unsupported);
            if !unsupported.is_empty() {
                answer(cx, txn, 420, &unsupported);
                return cx.give_rows(unsupported);
            }
            cx.give_rows(unsupported);
            let mut rows = allow_row();
            rows.extend_from_slice(b"Accept: application/sdp\r\nSupported: timer, 100rel\r\n");
            answer(cx, txn, 200, &rows);
        }
        // RFC 6665 §4.1.3: no event package is supported.
        Method::Subscribe | Method::Publish => answer(cx, txn, 489, b"Allow-Events: \r\n"),
        Method::Bye | Method::Update | Method::Prack | Method::Info | Method::Notify => {
            answer(cx, txn, 481, b"");
        }
        Method::Refer => answer(cx, txn, 603, b""),
        Method::Other => answer(cx, txn, 501, &allow_row()),
        _ => answer(cx, txn, 405, &allow_row()),
    }
}

/// Names what the peer requires and we do not know, one `Unsupported` row each (RFC 3261 §8.2.2.3).
/// `more`: what the trunk's policy allows beside.
pub(crate) fn unsupported_rows(msg: Msg<'_>, more: &[&str], rows: &mut Vec<u8>) {
    for tag in msg.list(Name::Require) {
        if !EXTENSIONS.iter().chain(more).any(|e| e.as_bytes().eq_ignore_ascii_case(tag)) {
            push_row(rows, b"Unsupported", tag);
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
