//! What this node says of why something is refused or ends: its status and Reason.

use crate::headers::{decimal, push_parts};
use base::{ReasonId, q850_text};

/// Appends the Q.850 Reason of a refusal or BYE (RFC 3326 §2).
pub fn push_why(rows: &mut Vec<u8>, q850: u8) {
    let mut digits = [0; 20];
    let cause = decimal(u64::from(q850), &mut digits);
    push_parts(rows, b"Reason", &[b"Q.850;cause=", cause, b";text=\"", q850_text(q850).as_bytes(), b"\""]);
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
