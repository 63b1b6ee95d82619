//! Recorders played by SIPp, whose ports hear what is recorded, and two phones whose call is.

use crate::audio::{self, share};
use crate::baresip::{Baresip, Voice};
use crate::config::{INSIDE, ITSP, PBX, Setup};
use crate::place::Place;
use crate::sipp::{Running, Sipp};
use std::net::UdpSocket;
use std::time::Duration;

/// Who is called.
pub const WORLD: &str = "+441632960001";
/// Who calls.
pub const DID: &str = "+493023125100";
/// Last byte of the recorder's address.
pub const SRS: u8 = 40;
/// Last byte of the address of another one.
pub const SRS_2: u8 = 41;
/// Where recorders take what the caller says.
pub const CALLER_PORT: u16 = 7000;
/// Where recorders take what the callee says.
pub const CALLEE_PORT: u16 = 7004;
/// What the caller says, Hz.
pub const CALLER_TONE: f64 = 440.0;
/// What the callee says, Hz.
pub const CALLEE_TONE: f64 = 700.0;

/// The IP-PBX's calls are recorded; `more`: further lines of the recorder's trunk.
#[must_use]
pub fn setup(place: &Place, gateways: &[u8], more: &str) -> Setup {
    let mut setup = Setup::new(place);
    setup.pbx_more = "record = \"rec\"\noverride = { latch = \"nat\" }\n".into();
    setup.itsp_more = "override = { latch = \"nat\" }\n".into();
    let gateways: Vec<String> =
        gateways.iter().map(|host| format!("\"{};transport=udp\"", place.sip(*host))).collect();
    setup.more = format!(
        "[trunk.rec]\nkind = \"recorder\"\nlisten = \"inside\"\ngateways = [{}]\noptions_interval = \"0s\"\n{more}{}",
        gateways.join(", "),
        setup.more
    );
    setup
}

/// A recorder that follows a scenario.
#[must_use]
pub fn recorder(place: &Place, host: u8, scenario: &str) -> Running {
    let name = format!("recorder{host}");
    let sipp = Sipp::new(place, &name, scenario, &place.sip(host)).calls(1).keep_messages();
    let keys = [("caller_port", CALLER_PORT), ("callee_port", CALLEE_PORT)];
    keys.into_iter().fold(sipp, |sipp, (key, port)| sipp.key(key, &port.to_string())).answer()
}

/// A caller and a callee with tones of their own.
#[must_use]
pub fn phones(place: &Place) -> (Baresip, Baresip) {
    phones_with(place, ["PCMA", "PCMA"])
}

/// The same with a codec each.
#[must_use]
pub fn phones_with(place: &Place, codecs: [&str; 2]) -> (Baresip, Baresip) {
    let account = |number: &str, host| format!("<sip:{number}@{}>;regint=0", place.host(host));
    let a = Voice { codec: codecs[0], ..Voice::tone(CALLER_TONE) };
    let b = Voice { codec: codecs[1], ..Voice::tone(CALLEE_TONE) };
    let callee = Baresip::with_voice(place, WORLD, ITSP, &b, &account(WORLD, ITSP), None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::with_voice(place, DID, PBX, &a, &account(DID, PBX), Some(&uri));
    (caller, callee)
}

/// A port of a recorder's, and the RTCP port above it.
#[derive(Debug)]
pub struct Ear {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// The payload type of what is to come.
    pub payload: u8,
}

impl Ear {
    /// At an address of the place.
    #[must_use]
    pub fn new(place: &Place, host: u8, port: u16) -> Ear {
        let open = |port| {
            let socket = UdpSocket::bind((place.ip(host), port)).expect("a port of the recorder's");
            socket.set_read_timeout(Some(Duration::from_secs(20))).expect("patience");
            socket
        };
        Ear { rtp: open(port), rtcp: open(port + 1), payload: 8 }
    }

    /// One packet as it came.
    #[must_use]
    pub fn packet(&self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let length = self.rtp.recv(&mut buffer).expect("a packet for the recorder");
        buffer[..length].to_vec()
    }

    /// So many packets in a row: SSRC and sequence number of each, and the sound.
    fn hear(&self, count: usize) -> (Vec<(u32, u16)>, Vec<i16>) {
        let packets: Vec<Vec<u8>> = (0..count).map(|_| self.packet()).collect();
        read(&packets, self.payload)
    }

    /// A second and a half of one stream without a gap, which is one tone.
    #[must_use]
    pub fn hears(&self, hertz: f64, not: f64) -> u32 {
        let (heads, sound) = self.hear(75);
        let ssrc = heads[0].0;
        for pair in heads.windows(2) {
            assert_eq!(pair[1], (ssrc, pair[0].1.wrapping_add(1)), "one stream, one after the other");
        }
        is_tone(&sound, hertz, not);
        ssrc
    }

    /// Whose sender report comes; it is answered with a receiver report (RFC 3550 §6.4).
    #[must_use]
    pub fn report(&self) -> u32 {
        let mut buffer = [0; 2048];
        let (length, from) = self.rtcp.recv_from(&mut buffer).expect("a sender report");
        let report = &buffer[..length];
        assert_eq!((report[0], report[1], length), (0x80, 200, 56), "a sender report and a description");
        assert_eq!((report[28], report[29]), (0x81, 202), "SDES");
        let ssrc: [u8; 4] = report[4..8].try_into().expect("four bytes");
        let mut answer = vec![0x81, 201, 0, 7, 9, 9, 9, 9];
        answer.extend_from_slice(&ssrc);
        answer.extend_from_slice(&[0; 20]);
        self.rtcp.send_to(&answer, from).expect("a receiver report leaves");
        u32::from_be_bytes(ssrc)
    }
}

/// SSRC and sequence number of packets with G.711, and the sound.
#[must_use]
pub fn read(packets: &[Vec<u8>], payload: u8) -> (Vec<(u32, u16)>, Vec<i16>) {
    let (mut heads, mut sound) = (Vec::new(), Vec::new());
    for packet in packets {
        let fits = packet.len() > 12 && packet[0] == 0x80 && packet[1] & 0x7f == payload;
        assert!(fits, "RTP with payload type {payload}: {packet:?}");
        let ssrc = u32::from_be_bytes(packet[8..12].try_into().expect("four bytes"));
        heads.push((ssrc, u16::from_be_bytes([packet[2], packet[3]])));
        let law = if payload == 0 { mu_law } else { a_law };
        sound.extend(packet[12..].iter().map(|byte| law(*byte)));
    }
    (heads, sound)
}

/// After half a second it is one tone, and nothing of another.
pub fn is_tone(sound: &[i16], hertz: f64, not: f64) {
    let later = &sound[audio::RATE as usize / 2..];
    let (own, other) = (share(later, hertz), share(later, not));
    assert!(own > 0.8 && other < 0.1, "{own:.2} at {hertz}, {other:.2} at {not}");
}

/// ITU-T G.711, A-law.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (byte >> 4 & 7, i16::from(byte & 0x0f));
    let level = match exponent {
        0 => (mantissa << 4) + 8,
        e => ((mantissa << 4) + 0x108) << (e - 1),
    };
    if byte & 0x80 == 0 { -level } else { level }
}

/// ITU-T G.711, µ-law.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let (exponent, mantissa) = (byte >> 4 & 7, i16::from(byte & 0x0f));
    let level = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if byte & 0x80 == 0 { level } else { -level }
}
