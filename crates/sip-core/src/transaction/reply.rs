//! Rows that responses copy from their request, and the way that responses go.
//!
//! RFC 3261 §8.2.6.2 (what is copied), §18.2.1 and RFC 3581 §4 (received, rport), §18.2.2 (the way).

use super::types::Response;
use crate::flow::Flow;
use crate::text::{push_number, push_row};
use base::Transport;
use sip_msg::{Msg, Name, Rport, Via, Writer, reason_phrase};
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Where the parts of the collected rows begin: Via, From, Call-ID and CSeq rows first, then To's value
/// (alone, so that a tag can follow), then the Record-Route rows, then the Timestamp row.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Marks {
    to: u32,
    record_route: u32,
    timestamp: u32,
    to_has_tag: bool,
}

/// Appends to `rows` what responses to `msg` will copy.
pub(super) fn collect(
    msg: Msg<'_>,
    via: &Via<'_>,
    to_has_tag: bool,
    source: SocketAddr,
    rows: &mut Vec<u8>,
) -> Marks {
    let start = rows.len();
    let here = |rows: &Vec<u8>| u32::try_from(rows.len() - start).unwrap_or(u32::MAX);
    for (place, element) in msg.list(Name::Via).enumerate() {
        if place == 0 {
            push_top_via(rows, element, via, source);
        } else {
            push_row(rows, b"Via", element);
        }
    }
    for (name, text) in [(Name::From, &b"From"[..]), (Name::CallId, b"Call-ID"), (Name::CSeq, b"CSeq")] {
        if let Some(value) = msg.first(name) {
            push_row(rows, text, value);
        }
    }
    let mut marks = Marks { to: here(rows), ..Marks::default() };
    crate::text::push_clean(rows, msg.first(Name::To).unwrap_or_default());
    marks.to_has_tag = to_has_tag;
    marks.record_route = here(rows);
    for value in msg.rows(Name::RecordRoute) {
        push_row(rows, b"Record-Route", value);
    }
    marks.timestamp = here(rows);
    if let Some(value) = msg.first(Name::Timestamp) {
        push_row(rows, b"Timestamp", value);
    }
    marks
}

/// The top Via with the address that the request really came from. RFC 3261 §18.2.1, RFC 3581 §4.
fn push_top_via(rows: &mut Vec<u8>, element: &[u8], via: &Via<'_>, source: SocketAddr) {
    let ip = source.ip().to_canonical();
    let asked = via.rport != Rport::Absent;
    if !asked && host_ip(via.host) == Some(ip) && via.received.is_none() {
        push_row(rows, b"Via", element);
        return;
    }
    rows.extend_from_slice(b"Via: ");
    for (place, part) in split_params(element).enumerate() {
        let name = part.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii();
        if place > 0 && (name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport")) {
            continue;
        }
        if place > 0 {
            rows.push(b';');
        }
        crate::text::push_clean(rows, part);
    }
    // Writing to a Vec cannot fail.
    let _ = write!(rows, ";received={ip}");
    if asked {
        rows.extend_from_slice(b";rport=");
        push_number(rows, u64::from(source.port()));
    }
    rows.extend_from_slice(b"\r\n");
}

/// The parts of a header element between semicolons; those in quotes do not part.
fn split_params(element: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    element.split(move |&b| {
        if escaped {
            escaped = false;
            return false;
        }
        match b {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' => return !quoted,
            _ => {}
        }
        false
    })
}

/// The address that a host text spells, if it is one.
fn host_ip(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// The way that responses to a request with this top Via go. RFC 3261 §18.2.2, RFC 3581 §4.
///
/// Over UDP to the source port when `rport` was asked for, else to the port of sent-by; always to the
/// address that the request came from. `maddr` is not obeyed: it would let a peer point our answers at
/// somebody else. Over a stream the connection stays named, beside the address to which a new one goes.
pub(super) fn way_back(flow: &Flow, via: &Via<'_>) -> Flow {
    let mut back = *flow;
    let symmetric = flow.transport == Transport::Udp && via.rport != Rport::Absent;
    if !symmetric {
        back.remote.set_port(via.port.unwrap_or(flow.transport.default_port()));
    }
    back
}

/// What a reliable provisional carries beside the TU's rows.
pub(super) type Rseq = Option<u32>;

/// Prints a response to the request whose rows were collected. RFC 3261 §8.2.6, RFC 3262 §3.
pub(super) fn print(out: &mut Vec<u8>, rows: &[u8], marks: Marks, response: &Response<'_>, rseq: Rseq) {
    let part = |from: u32, to: u32| rows.get(from as usize..to as usize).unwrap_or_default();
    let standard = reason_phrase(response.status).as_bytes();
    let reason = if response.reason.is_empty() { standard } else { response.reason };
    let mut writer = Writer::response(out, response.status, reason);
    writer.lines(part(0, marks.to));
    let to = part(marks.to, marks.record_route);
    if marks.to_has_tag || response.to_tag.is_empty() {
        writer.header(Name::To, to);
    } else {
        writer.header_parts(Name::To, &[to, b";tag=", response.to_tag]);
    }
    if response.record_route {
        writer.lines(part(marks.record_route, marks.timestamp));
    }
    if response.status == 100 {
        writer.lines(rows.get(marks.timestamp as usize..).unwrap_or_default());
    }
    if let Some(rseq) = rseq {
        writer.header(Name::Require, b"100rel").header_number(Name::RSeq, u64::from(rseq));
    }
    writer.lines(response.rows);
    writer.finish(response.content_type, response.body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_semicolons_do_not_part() {
        let parts: Vec<&[u8]> = split_params(br#"SIP/2.0/UDP a;x="b;\";c";branch=z"#).collect();
        assert_eq!(parts, [&b"SIP/2.0/UDP a"[..], br#"x="b;\";c""#, b"branch=z"]);
    }

    #[test]
    fn hosts_that_are_addresses_are_known() {
        assert_eq!(host_ip(b"[2001:db8::1]"), "2001:db8::1".parse().ok());
        assert_eq!(host_ip(b"192.0.2.1"), "192.0.2.1".parse().ok());
        assert_eq!(host_ip(b"example.com"), None);
    }
}
