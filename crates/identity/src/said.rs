//! What this node says by itself: why something is refused or ends, and rows of its own requests.

use crate::headers::{decimal, push_parts};
use base::{ReasonId, q850_text};
use sip_msg::{Msg, Name};

/// Appends the Q.850 Reason of a refusal or BYE (RFC 3326 §2).
pub fn push_why(rows: &mut Vec<u8>, q850: u8) {
    let mut digits = [0; 20];
    let cause = decimal(u64::from(q850), &mut digits);
    push_parts(rows, b"Reason", &[b"Q.850;cause=", cause, b";text=\"", q850_text(q850).as_bytes(), b"\""]);
}

/// The Q.850 cause that a message says why by (RFC 3326 §2).
#[must_use]
pub fn q850_of(msg: Msg<'_>) -> Option<u8> {
    let cause = msg.reason().find(|reason| reason.protocol.eq_ignore_ascii_case(b"Q.850"))?.cause?;
    u8::try_from(cause).ok()
}

/// What a caller is told: redirects that were not followed and challenges are not the caller's business.
#[must_use]
pub fn status_for_caller(status: u16) -> u16 {
    match status {
        300..=399 => ReasonId::Redirected.status(),
        401 | 407 => ReasonId::AuthRequired.status(),
        // Answers to what *we* put into the request (RFC 3261 §21.4.15, RFC 4028 §6).
        420 | 421 | 422 | 494 => 502,
        other => other,
    }
}

/// Appends what RFC 5630 §5.3 wants to be said beside a refusal for want of TLS.
pub fn push_refusal(rows: &mut Vec<u8>, host: &str, reason: ReasonId) {
    if reason == ReasonId::SipsUnreachable {
        push_parts(rows, b"Warning", &[b"380 ", host.as_bytes(), b" \"SIPS Not Allowed\""]);
    }
}

/// The rows of a request but for those that the transaction writes and those that change.
pub fn copy_rows(request: Msg<'_>, cseq: u32, rows: &mut Vec<u8>) {
    const CHANGED: &[Name] = &[
        Name::Via,
        Name::ContentLength,
        Name::ContentType,
        Name::CSeq,
        Name::Authorization,
        Name::ProxyAuthorization,
    ];
    for header in request.headers().filter(|header| !CHANGED.contains(&header.name)) {
        rows.extend_from_slice(header.row);
    }
    let mut digits = [0; 20];
    push_parts(rows, b"CSeq", &[decimal(u64::from(cseq), &mut digits), b" ", request.method_token()]);
}
