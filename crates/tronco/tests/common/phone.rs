//! Two tiny telephones of fixed manners over UDP: one calls, one answers. They know just enough SIP.

use super::PATIENCE;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

fn header<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    let lines = message.split("\r\n").take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
}

/// A response to a request, with what must be copied copied (RFC 3261 §8.2.6.2).
fn response(request: &str, status: &str, contact: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.split("\r\n").take_while(|line| !line.is_empty()).skip(1) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "via" | "from" | "call-id" | "cseq" | "record-route" => text.push_str(&format!("{line}\r\n")),
            "to" if line.contains("tag=") => text.push_str(&format!("{line}\r\n")),
            "to" => text.push_str(&format!("{line};tag=callee\r\n")),
            _ => {}
        }
    }
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    text.push_str(&format!("Contact: <sip:{contact}>\r\n{kind}Content-Length: {}\r\n\r\n{body}", body.len()));
    text
}

/// Answers every call at once, until dropped.
pub struct Callee {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Callee {
    pub fn at(address: &str) -> Callee {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, contact) = (stop.clone(), address.to_owned());
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while !stopped.load(Ordering::Relaxed) {
                let Ok((count, from)) = socket.recv_from(&mut buffer) else { continue };
                let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
                let answers = match message.split(' ').next().unwrap_or_default() {
                    "INVITE" => vec![
                        response(&message, "180 Ringing", &contact, ""),
                        response(&message, "200 OK", &contact, SDP),
                    ],
                    "BYE" | "OPTIONS" | "CANCEL" => vec![response(&message, "200 OK", &contact, "")],
                    _ => Vec::new(),
                };
                for answer in answers {
                    socket.send_to(answer.as_bytes(), from).unwrap();
                }
            }
        });
        Callee { stop, thread: Some(thread) }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Calls, one call at a time.
pub struct Caller {
    socket: UdpSocket,
    address: String,
    server: String,
    calls: u32,
}

impl Caller {
    pub fn at(address: &str, server: &str) -> Caller {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Caller { socket, address: address.to_owned(), server: server.to_owned(), calls: 0 }
    }

    fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), &self.server).unwrap();
    }

    fn receive(&self) -> String {
        let mut buffer = [0; 65_536];
        let (count, _) = self.socket.recv_from(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    fn request(&self, method: &str, target: &str, to: &str, body: &str) -> String {
        let Caller { address, calls, .. } = self;
        let host = address.split(':').next().unwrap_or_default();
        let cseq = if method == "BYE" { 2 } else { 1 };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bK{method}{calls}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+493023125100@{host}>;tag=caller{calls}\r\nTo: {to}\r\n\
             Call-ID: call-{calls}@{host}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{address}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Calls and gives the final status; an answered call is up.
    pub fn call(&mut self, number: &str) -> u16 {
        self.calls += 1;
        let target = format!("sip:{number}@{}", self.server);
        let to = format!("<{target}>");
        self.send(&self.request("INVITE", &target, &to, SDP));
        loop {
            let message = self.receive();
            let status = message.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).unwrap_or("0");
            let status: u16 = status.parse().unwrap();
            if !header(&message, "CSeq").unwrap_or_default().contains("INVITE") || status < 200 {
                continue;
            }
            let to = header(&message, "To").unwrap_or_default().to_owned();
            let contact = header(&message, "Contact").unwrap_or_default();
            let contact = contact.trim_start_matches('<').split('>').next().unwrap_or_default();
            let target = if contact.is_empty() { target.as_str() } else { contact };
            let mut ack = self.request("ACK", target, &to, "");
            if status >= 300 {
                // The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
                ack = ack.replace("z9hG4bKACK", "z9hG4bKINVITE");
            }
            self.send(&ack);
            return status;
        }
    }

    /// Waits for the other side's BYE and answers it.
    pub fn await_bye(&mut self) {
        loop {
            let message = self.receive();
            if message.starts_with("BYE") {
                self.send(&response(&message, "200 OK", &self.address, ""));
                return;
            }
        }
    }
}
