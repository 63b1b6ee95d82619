//! SIP as text: reading what the server sends and writing what a peer says.
//!
//! Nothing of the server's own SIP code stands here: what the peers see is judged by other eyes.

use crate::demo::heard::payload_type;
use codec::Law;
use std::net::SocketAddr;

/// A message with `\r\n` line ends.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Message(pub(in crate::demo) String);

impl Message {
    fn start_line(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The status code; 0 for a request.
    pub(in crate::demo) fn status(&self) -> u16 {
        let code = self.0.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
        code.and_then(|c| c.parse().ok()).unwrap_or(0)
    }

    /// Status and phrase of a response, `200 OK`.
    pub(in crate::demo) fn status_line(&self) -> &str {
        self.start_line().strip_prefix("SIP/2.0 ").unwrap_or_default()
    }

    /// The method of a request; empty for a response.
    pub(in crate::demo) fn method(&self) -> &str {
        if self.status() == 0 { self.start_line().split(' ').next().unwrap_or_default() } else { "" }
    }

    /// The user part of a request's URI.
    pub(in crate::demo) fn called(&self) -> &str {
        user(self.start_line().split(' ').nth(1).unwrap_or_default())
    }

    /// The user part of From.
    pub(in crate::demo) fn caller(&self) -> &str {
        user(self.header("From"))
    }

    /// The first header of that name, without blanks; empty when there is none.
    pub(in crate::demo) fn header(&self, name: &str) -> &str {
        self.headers(name).next().unwrap_or_default()
    }

    fn headers<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let rows = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        rows.filter(move |(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The method of CSeq.
    pub(in crate::demo) fn sequence_method(&self) -> &str {
        self.header("CSeq").split_whitespace().nth(1).unwrap_or_default()
    }

    /// The number of CSeq.
    pub(super) fn sequence(&self) -> &str {
        self.header("CSeq").split_whitespace().next().unwrap_or_default()
    }

    /// The URI of Contact, without brackets.
    pub(super) fn contact(&self) -> Option<&str> {
        self.header("Contact").split_once('<')?.1.split_once('>').map(|(uri, _)| uri)
    }

    /// Whether To carries a tag: the message belongs to a dialog.
    pub(in crate::demo) fn is_within(&self) -> bool {
        self.header("To").rsplit('>').next().unwrap_or_default().contains(";tag=")
    }

    /// What follows the empty line.
    pub(super) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Where a session description wants audio, and the first of its codecs that the demo speaks.
    pub(in crate::demo) fn media(&self) -> Option<(SocketAddr, Law)> {
        let line = |start| self.body().lines().find_map(move |l: &str| l.strip_prefix(start));
        let address = line("c=IN IP4 ")?.trim().parse().ok()?;
        let mut words = line("m=audio ")?.split(' ');
        let port = words.next()?.parse().ok()?;
        let law = words.skip(1).find_map(|format| match format {
            "8" => Some(Law::A),
            "0" => Some(Law::Mu),
            _ => None,
        })?;
        Some((SocketAddr::new(address, port), law))
    }
}

/// The user part of the URI in a header or start line.
fn user(text: &str) -> &str {
    let after = text.split_once("sip:").map_or("", |(_, rest)| rest);
    let user = after.split_once('@').map_or("", |(user, _)| user);
    user.split(';').next().unwrap_or_default()
}

/// The name of a codec in SDP.
pub(in crate::demo) fn codec_name(law: Law) -> &'static str {
    match law {
        Law::A => "PCMA",
        Law::Mu => "PCMU",
    }
}

/// A session description for audio at this address.
pub(super) fn description(media: SocketAddr, law: Law) -> String {
    let (ip, port, payload, codec) = (media.ip(), media.port(), payload_type(law), codec_name(law));
    format!(
        "v=0\r\no=- {port} 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {payload} 101\r\na=rtpmap:{payload} {codec}/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Content-Type where needed, Content-Length, the empty line and the body.
pub(super) fn tail(body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!("{kind}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A response to a request (RFC 3261 §8.2.6.2); `tag` goes into To unless there is one.
pub(super) fn response(request: &Message, status: &str, tag: &str, rows: &str, body: &str) -> String {
    let vias: String = request.headers("Via").map(|via| format!("Via: {via}\r\n")).collect();
    let to = request.header("To");
    let tag = if request.is_within() || tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    format!(
        "SIP/2.0 {status}\r\n{vias}From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{rows}{}",
        request.header("From"),
        request.header("Call-ID"),
        request.header("CSeq"),
        tail(body)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:+441632960001;x=y@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\n\
        via: SIP/2.0/UDP b;branch=2\r\nFrom: \"A\" <sip:030@h>;tag=1\r\nTo: <sip:x@h>\r\nCall-ID: c\r\n\
        CSeq: 7 INVITE\r\nContact: <sip:030@h:5070>\r\n\r\n";

    #[test]
    fn a_request_is_read() {
        let media = SocketAddr::from(([127, 0, 0, 9], 4_000));
        let message = Message(format!("{INVITE}{}", description(media, Law::Mu)));
        assert_eq!((message.method(), message.status()), ("INVITE", 0));
        assert_eq!((message.called(), message.caller()), ("+441632960001", "030"));
        assert_eq!((message.sequence(), message.sequence_method()), ("7", "INVITE"));
        assert_eq!(message.contact(), Some("sip:030@h:5070"));
        assert_eq!(message.media(), Some((media, Law::Mu)));
        assert!(!message.is_within());
    }

    #[test]
    fn a_response_brings_back_what_it_must() {
        let reply = Message(response(&Message(INVITE.into()), "180 Ringing", "t", "", ""));
        assert_eq!((reply.status(), reply.status_line(), reply.method()), (180, "180 Ringing", ""));
        assert_eq!(reply.headers("Via").count(), 2);
        assert!(reply.is_within());
        assert_eq!(reply.media(), None);
    }
}
