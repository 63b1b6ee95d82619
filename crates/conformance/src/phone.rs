//! A phone made of text: it places and takes single calls word for word and has RTP sockets of its
//! own, for tests that must look at each packet. One thread plays both phones of a call.

use crate::PATIENCE;
use crate::hearing::find;
use crate::place::Place;
use crate::wire::{Datagrams, Message};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// A phone at one address of a place: SIP on 5060, RTP on 40000.
#[derive(Debug)]
pub struct Phone {
    /// Its signalling.
    pub sip: Datagrams,
    /// Its RTP socket.
    pub rtp: UdpSocket,
    /// Lines at the end of its description.
    pub more: String,
    /// Its description in a call, where another one than its own.
    pub described: Option<String>,
    ip: String,
}

/// One side of a dialog, as much as is needed to go on with it.
#[derive(Debug, Clone)]
pub struct Dialog {
    call_id: String,
    /// Our From, with tag.
    ours: String,
    /// Their To, with tag.
    theirs: String,
    target: String,
    cseq: u32,
    /// Where the server wants our RTP.
    pub relay: SocketAddr,
    /// What the server described.
    pub description: String,
}

impl Phone {
    /// A phone at `place.ip(host)` whose server is at `server` (address and port).
    ///
    /// # Panics
    /// The address is taken.
    #[must_use]
    pub fn new(place: &Place, host: u8, server: &str) -> Phone {
        Phone::at(&place.ip(host), server)
    }

    /// The same at an address of the host that this happens on.
    ///
    /// # Panics
    /// The address is taken.
    #[must_use]
    pub fn at(ip: &str, server: &str) -> Phone {
        let ip = ip.to_owned();
        let rtp = UdpSocket::bind((ip.as_str(), 40_000)).expect("an RTP socket");
        rtp.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        Phone {
            sip: Datagrams::new(&format!("{ip}:5060"), server),
            rtp,
            more: String::new(),
            described: None,
            ip,
        }
    }

    /// Its session description: PCMA, at its RTP socket.
    #[must_use]
    pub fn description(&self) -> String {
        if let Some(described) = &self.described {
            return described.clone();
        }
        let (ip, more) = (&self.ip, &self.more);
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n{more}"
        )
    }

    fn invite(&self, number: &str, from: &str, mark: &str) -> String {
        let (ip, body) = (&self.ip, self.description());
        format!(
            "INVITE sip:{number}@server SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK{mark}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{from}@{ip}>;tag={mark}\r\nTo: <sip:{number}@server>\r\n\
             Call-ID: {mark}@{ip}\r\nCSeq: 1 INVITE\r\nContact: <sip:{from}@{ip}:5060>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Places a call that is refused; the refusal, acknowledged.
    #[must_use]
    pub fn refused(&self, number: &str, from: &str, mark: &str) -> Message {
        self.sip.send(self.invite(number, from, mark));
        let refusal = self.sip.await_any("refusal", |message| {
            let done = message.status().is_some_and(|s| s >= 200);
            (done && message.header("Call-ID").starts_with(mark)).then_some(message)
        });
        self.sip.send(format!(
            "ACK sip:{number}@server SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\n\
             Call-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
            refusal.header("Via"),
            refusal.header("From"),
            refusal.header("To"),
            refusal.header("Call-ID")
        ));
        refusal
    }

    fn answer(&self, invite: &Message, body: &str) -> String {
        self.response(invite, "200 OK", body)
    }

    /// A response to an INVITE with a description; `line` is status and words.
    #[must_use]
    pub fn response(&self, invite: &Message, line: &str, body: &str) -> String {
        let ip = &self.ip;
        let vias: String = invite.headers("Via").iter().map(|v| format!("Via: {v}\r\n")).collect();
        format!(
            "SIP/2.0 {line}\r\n{vias}From: {}\r\nTo: {};tag=callee\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:callee@{ip}:5060>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            invite.header("From"),
            invite.header("To"),
            invite.header("Call-ID"),
            invite.header("CSeq"),
            body.len()
        )
    }

    /// Places a call.
    pub fn calls(&self, number: &str, from: &str, mark: &str) {
        self.sip.send(self.invite(number, from, mark));
    }

    /// Waits until the call that it has placed is answered, and acknowledges that.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn is_answered(&self) -> Dialog {
        let answer = self.sip.await_message("200", "INVITE");
        let dialog = Dialog {
            call_id: answer.header("Call-ID").into(),
            ours: answer.header("From").into(),
            theirs: answer.header("To").into(),
            target: address_of(answer.header("Contact")),
            cseq: 1,
            relay: answer.media().expect("an answer with audio"),
            description: answer.body().into(),
        };
        self.sip.send(self.within(&dialog, "ACK", 1));
        dialog
    }

    /// Takes a call; what it describes is made of the offer.
    ///
    /// # Panics
    /// None comes.
    #[must_use]
    pub fn takes(&self, describe: impl FnOnce(&str) -> String) -> Dialog {
        let invite = self.sip.await_message("INVITE", "");
        self.sip.send(self.answer(&invite, &describe(invite.body())));
        Dialog {
            call_id: invite.header("Call-ID").into(),
            ours: format!("{};tag=callee", invite.header("To")),
            theirs: invite.header("From").into(),
            target: address_of(invite.header("Contact")),
            cseq: 1,
            relay: invite.media().expect("an offer with audio"),
            description: invite.body().into(),
        }
    }

    /// A request within the dialog.
    #[must_use]
    pub fn within(&self, dialog: &Dialog, method: &str, cseq: u32) -> String {
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {}:5060;rport;branch=z9hG4bK{method}{cseq}{}\r\n\
             Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Content-Length: 0\r\n\r\n",
            dialog.target,
            self.ip,
            dialog.call_id.split('@').next().unwrap_or_default(),
            dialog.ours,
            dialog.theirs,
            dialog.call_id
        )
    }

    /// Offers another description in the call.
    pub fn asks(&self, dialog: &mut Dialog, body: &str) {
        dialog.cseq += 1;
        let head = self.within(dialog, "INVITE", dialog.cseq);
        let (head, _) = head.split_once("Content-Length").unwrap_or((&head, ""));
        self.sip.send(format!("{head}{}", self.described_by(body)));
    }

    /// What its last offer in the call is answered, acknowledged.
    #[must_use]
    pub fn agreed(&self, dialog: &Dialog) -> String {
        let answer = self.sip.await_message("200", &format!("CSeq: {} INVITE", dialog.cseq));
        self.sip.send(self.within(dialog, "ACK", dialog.cseq));
        answer.body().into()
    }

    /// Takes an offer in the call; what it describes is made of the offer, which is given back.
    #[must_use]
    pub fn takes_again(&self, describe: impl FnOnce(&str) -> String) -> String {
        let invite = self.sip.await_message("INVITE", "");
        let body = describe(invite.body());
        let agreed = ok(&invite);
        let (head, _) = agreed.split_once("Content-Length").unwrap_or((&agreed, ""));
        self.sip.send(format!("{head}{}", self.described_by(&body)));
        invite.body().into()
    }

    /// The rows that go with a description, and the description.
    fn described_by(&self, body: &str) -> String {
        let (ip, length) = (&self.ip, body.len());
        format!(
            "Contact: <sip:phone@{ip}:5060>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    /// Ends the call: BYE and its 200 here, its BYE and our 200 at the other phone.
    pub fn hang_up(&self, dialog: &Dialog, other: &Phone) {
        self.sip.send(self.within(dialog, "BYE", dialog.cseq + 1));
        let bye = other.sip.await_message("BYE", "");
        other.sip.send(ok(&bye));
        let _ = self.sip.await_message("200", "BYE");
    }

    /// Sends one RTP packet to `to`: PCMA, 160 bytes of `fill`.
    ///
    /// # Panics
    /// The socket refuses.
    pub fn send_rtp(&self, to: SocketAddr, source: u32, sequence: u16, fill: u8) {
        self.rtp.send_to(&rtp_packet(source, sequence, fill), to).expect("a packet sent");
    }

    /// The next RTP packet that comes.
    ///
    /// # Panics
    /// None comes.
    #[must_use]
    pub fn receive_rtp(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 2048];
        let (length, from) = self.rtp.recv_from(&mut buffer).expect("a packet before the deadline");
        (buffer.get(..length).unwrap_or_default().to_vec(), from)
    }

    /// All RTP packets that are there, and those that come within the time of a few more.
    #[must_use]
    pub fn drain_rtp(&self) -> Vec<Vec<u8>> {
        let (mut packets, end) = (Vec::new(), Instant::now() + PATIENCE);
        let next = || find(&self.rtp, Duration::from_millis(300), |bytes, _| Some(bytes.to_vec()));
        while let Some(packet) = next() {
            packets.push(packet);
            assert!(Instant::now() < end, "packets without end");
        }
        packets
    }
}

/// An RTP packet: PCMA, 160 bytes of `fill`.
#[must_use]
pub fn rtp_packet(source: u32, sequence: u16, fill: u8) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet.extend_from_slice(&source.to_be_bytes());
    packet.extend_from_slice(&[fill; 160]);
    packet
}

/// 200 to a request, without body.
#[must_use]
pub fn ok(request: &Message) -> String {
    let vias: String = request.headers("Via").iter().map(|v| format!("Via: {v}\r\n")).collect();
    format!(
        "SIP/2.0 200 OK\r\n{vias}From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        request.header("From"),
        request.header("To"),
        request.header("Call-ID"),
        request.header("CSeq")
    )
}

/// A call from one phone to the other, answered: both sides of it.
///
/// # Panics
/// It does not come about.
#[must_use]
pub fn call(caller: &Phone, callee: &Phone, number: &str, from: &str, mark: &str) -> (Dialog, Dialog) {
    call_answered(caller, callee, (number, from, mark), |_| callee.description())
}

/// The same, where the callee's description is made of the one that it was offered.
///
/// # Panics
/// It does not come about.
#[must_use]
pub fn call_answered(
    caller: &Phone,
    callee: &Phone,
    (number, from, mark): (&str, &str, &str),
    describe: impl FnOnce(&str) -> String,
) -> (Dialog, Dialog) {
    caller.calls(number, from, mark);
    let b = callee.takes(describe);
    let a = caller.is_answered();
    let _ = callee.sip.await_message("ACK", "");
    (a, b)
}

/// The URI within `<…>`.
fn address_of(contact: &str) -> String {
    contact.split('<').nth(1).and_then(|c| c.split('>').next()).unwrap_or(contact).to_owned()
}
