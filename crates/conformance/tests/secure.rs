//! Secure media with foreign peers: baresip with its SRTP module on either side, and phones played by hand.

use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::phone::rtp_packet;
use conformance::secured::{DID, WORLD, phone, two_codecs, two_phones};
use conformance::wire::Datagrams;
use conformance::{Place, Server, records};
use std::net::UdpSocket;

#[path = "secure/bare.rs"]
mod bare;

/// The example of RFC 4568 §6.1, with a lifetime and an identifier.
const KEY: &str =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n";

#[test]
fn a_plain_phone_calls_one_that_demands_srtp() {
    two_phones("srtp-out", ("srtp = \"off\"", "srtp = \"required\""), ("", "srtp-mand"));
}

#[test]
fn a_phone_that_demands_srtp_calls_a_plain_one() {
    two_phones("srtp-in", ("srtp = \"required\"", "srtp = \"off\""), ("srtp-mand", ""));
}

#[test]
fn two_phones_with_other_suites_hear_each_other() {
    // baresip 1.0 offers tags of 80 bits alone, and answers with 32 where those are offered alone.
    let long = "srtp = \"required\", srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"]";
    let short = "srtp = \"required\", srtp_suites = [\"AES_CM_128_HMAC_SHA1_32\"]";
    two_phones("srtp-both", (long, short), ("srtp-mand", "srtp-mand"));
}

#[test]
fn optional_is_taken_with_and_without_keys() {
    let optional = "srtp = \"optional\"";
    two_phones("srtp-best", (optional, optional), ("srtp", "srtp"));
    two_phones("srtp-mixed", (optional, optional), ("srtp-mand", ""));
    two_phones("srtp-none", (optional, optional), ("", "srtp"));
}

#[test]
fn keys_and_another_codec_go_together() {
    let secured = "srtp = \"required\", codecs = [\"G722\"]";
    let plain = "srtp = \"off\", codecs = [\"PCMA\"]";
    two_codecs("srtp-g722", (secured, plain), ("srtp-mand", ""), ("G722", "PCMA"));
    two_codecs("g722-srtp", (plain, secured), ("", "srtp-mand"), ("PCMA", "G722"));
}

/// A phone at one address whose descriptions are written here.
struct Hand {
    sip: Datagrams,
    rtp: UdpSocket,
    ip: String,
}

impl Hand {
    fn new(place: &Place) -> Hand {
        let ip = place.ip(PBX);
        let rtp = UdpSocket::bind((ip.as_str(), 40_000)).expect("an RTP socket");
        Hand { sip: Datagrams::new(&format!("{ip}:5060"), &place.sip(INSIDE)), rtp, ip }
    }

    /// Calls with a description of this transport and these lines; the answer's status, text and media port.
    fn calls(&self, mark: &str, proto: &str, lines: &str) -> (u16, String, Option<u16>) {
        let ip = &self.ip;
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 40000 {proto} 8\r\n\
             a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\n{lines}"
        );
        self.sip.send(format!(
            "INVITE sip:{WORLD}@server SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK{mark}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{DID}@{ip}>;tag={mark}\r\nTo: <sip:{WORLD}@server>\r\n\
             Call-ID: {mark}@{ip}\r\nCSeq: 1 INVITE\r\nContact: <sip:{DID}@{ip}:5060>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let message = self.sip.await_any("answer", |message| {
            let done = message.status().is_some_and(|status| status >= 200);
            (done && message.header("Call-ID").starts_with(mark)).then_some(message)
        });
        let status = message.status().unwrap_or(0);
        let branch = if status < 300 { format!("{mark}ack") } else { mark.to_owned() };
        self.sip.send(format!(
            "ACK sip:{WORLD}@server SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
            message.header("From"),
            message.header("To"),
            message.header("Call-ID")
        ));
        let port =
            message.0.lines().find_map(|l| l.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
        (status, message.0, port)
    }
}

#[test]
fn offers_are_taken_and_refused_as_the_trunk_says() {
    for (policy, proto, lines, wanted, why) in [
        ("off", "RTP/SAVP", KEY, 488, "M-SRTP"),
        ("required", "RTP/AVP", "", 488, "M-SRTP-REQUIRED"),
        ("required", "RTP/SAVP", "", 488, "M-SRTP-REQUIRED"),
        ("required", "RTP/SAVP", KEY, 200, ""),
        ("optional", "RTP/AVP", KEY, 200, ""),
    ] {
        let place = Place::new("srtp-offers");
        let mut setup = Setup::new(&place);
        setup.pbx_more = format!("override = {{ srtp = \"{policy}\" }}\n");
        setup.itsp_more = "override = { latch = \"nat\" }\n".into();
        let _server = Server::start(&place, &setup.text());
        let callee = phone(&place, WORLD, ITSP, 700.0, "", None);
        callee.process().line("baresip is ready");
        let (status, text, _) = Hand::new(&place).calls("offer", proto, lines);
        assert_eq!(status, wanted, "{policy} {proto}: {text}");
        assert!(text.contains(why), "{text}");
        let answered =
            text.lines().filter(|line| line.starts_with("a=crypto:1 AES_CM_128_HMAC_SHA1_80 ")).count();
        assert_eq!(answered, usize::from(wanted == 200), "{text}");
        assert!(wanted != 200 || text.contains(&format!(" {proto} 8")), "{text}");
    }
}

#[test]
fn packets_under_a_wrong_key_are_dropped_and_counted() {
    let place = Place::new("srtp-wrong");
    let mut setup = Setup::new(&place);
    setup.pbx_more = "override = { srtp = \"required\" }\n".into();
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    let server = Server::start(&place, &setup.text());
    let callee = phone(&place, WORLD, ITSP, 700.0, "", None);
    callee.process().line("baresip is ready");
    let hand = Hand::new(&place);
    let (status, text, port) = hand.calls("wrong", "RTP/SAVP", &KEY.replace("|2^20|1:4", ""));
    assert_eq!(status, 200, "{text}");
    let port = port.expect("a media port");
    // Plain packets, and such with a tag that no key of this call makes.
    for sequence in 0..200_u16 {
        let mut packet = rtp_packet(0x1111, sequence, 0xA5);
        if sequence >= 100 {
            packet.extend([0x5A; 10]);
        }
        let to = (place.ip(INSIDE), port);
        hand.rtp.send_to(&packet, (to.0.as_str(), to.1)).expect("a packet sent");
    }
    // What comes back is not readable: it is longer by the tag, and not the callee's silence or tone in clear.
    let mut buffer = [0; 2048];
    hand.rtp.set_read_timeout(Some(conformance::PATIENCE)).expect("a read timeout");
    let length = hand.rtp.recv(&mut buffer).expect("the callee's sound");
    assert_eq!(length, 12 + 160 + 10, "a tag of 80 bits");
    let to = text.lines().find_map(|line| line.strip_prefix("To: ")).expect("To").to_owned();
    let ip = &hand.ip;
    hand.sip.send(format!(
        "BYE sip:{WORLD}@{} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:5060;rport;branch=z9hG4bKwrongbye\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{DID}@{ip}>;tag=wrong\r\nTo: {to}\r\nCall-ID: wrong@{ip}\r\n\
         CSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
        place.sip(INSIDE)
    ));
    let record = records::await_count(&place, 1).remove(0);
    let count = |path: &str| record.pointer(path).and_then(serde_json::Value::as_u64);
    assert_eq!(count("/media/from_caller/packets"), Some(0), "{record}");
    assert_eq!(count("/media/from_caller/dropped"), Some(200), "{record}");
    assert_eq!(server.stop(), 0);
}
