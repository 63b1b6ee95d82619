//! Requests that this layer writes: the TU's with our Via, and the ACK and CANCEL made from an INVITE.

use super::types::Request;
use crate::flow::Flow;
use crate::text::{own_head, own_rows, push_number, push_row};
use sip_msg::{Msg, Name, Writer};

/// Prints the TU's request with our Via on top. RFC 3261 §8.1.1.7, §18.1.1; RFC 3581 §3.
pub(super) fn request(out: &mut Vec<u8>, request: &Request<'_>, flow: &Flow, sent_by: &[u8], branch: &[u8]) {
    let mut writer = Writer::request(out, request.method, request.uri);
    let token = flow.transport.via_token().as_bytes();
    writer.header_parts(Name::Via, &[b"SIP/2.0/", token, b" ", sent_by, b";rport;branch=", branch]);
    writer.lines(request.rows);
    writer.finish(request.content_type, request.body);
}

/// The same message with another Via: for the transport that it falls back to.
pub(super) fn with_via(message: &[u8], flow: &Flow, sent_by: &[u8], branch: &[u8]) -> Box<[u8]> {
    let mut lines = message.splitn(3, |&b| b == b'\n');
    let (start, _via, rest) = (lines.next(), lines.next(), lines.next());
    let mut out = Vec::with_capacity(message.len());
    out.extend_from_slice(start.unwrap_or_default());
    out.extend_from_slice(b"\nVia: SIP/2.0/");
    out.extend_from_slice(flow.transport.via_token().as_bytes());
    out.push(b' ');
    out.extend_from_slice(sent_by);
    out.extend_from_slice(b";rport;branch=");
    out.extend_from_slice(branch);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(rest.unwrap_or_default());
    out.into()
}

/// The ACK for a failure. RFC 3261 §17.1.1.3: the INVITE's Request-URI, Via, Route, From and Call-ID, the
/// response's To, the INVITE's CSeq number.
pub(super) fn ack(out: &mut Vec<u8>, invite: &[u8], response: Msg<'_>) {
    let to = response.first(Name::To).unwrap_or_default();
    derived(out, invite, b"ACK", Some(to), &[]);
}

/// The CANCEL of an INVITE. RFC 3261 §9.1: same Request-URI, Via, Route, From, To, Call-ID, CSeq number.
pub(super) fn cancel(out: &mut Vec<u8>, invite: &[u8], extra_rows: &[u8]) {
    derived(out, invite, b"CANCEL", None, extra_rows);
}

fn derived(out: &mut Vec<u8>, invite: &[u8], method: &[u8], to: Option<&[u8]>, extra_rows: &[u8]) {
    let head = own_head(invite);
    let uri = head.split(|&b| b == b' ').nth(1).unwrap_or_default();
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(uri);
    out.extend_from_slice(b" SIP/2.0\r\n");
    let mut via_done = false;
    for (name, value, row) in own_rows(head) {
        match name {
            Name::Via if !via_done => {
                via_done = true;
                out.extend_from_slice(row);
            }
            Name::Route | Name::From | Name::CallId => out.extend_from_slice(row),
            Name::To => push_row(out, b"To", to.unwrap_or(value)),
            Name::CSeq => {
                out.extend_from_slice(b"CSeq: ");
                let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
                out.extend_from_slice(value.get(..digits).unwrap_or_default());
                out.push(b' ');
                out.extend_from_slice(method);
                out.extend_from_slice(b"\r\n");
            }
            _ => {}
        }
    }
    out.extend_from_slice(b"Max-Forwards: ");
    push_number(out, 70);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(extra_rows);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}
