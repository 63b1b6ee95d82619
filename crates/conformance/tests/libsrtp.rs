//! Calls whose both ends are libsrtp's, each with keys of its own: more packets than there are sequence numbers, packets
//! that change places around a rollover, master key identifiers, and reports of every suite.

#![allow(clippy::panic, reason = "a peer that does not do its part fails the test")]

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::hearing::await_datagram;
use conformance::libsrtp::{Keys, Libsrtp, Way};
use conformance::phone::{Dialog, Phone, call_answered};
use conformance::{Place, Server, records};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// How long a packet may be on its way.
const SOON: Duration = Duration::from_secs(5);
/// Packets that are on their way at once, in each direction: as many as fit into every buffer between.
const AT_ONCE: usize = 64;
const LONG: &str = "AES_CM_128_HMAC_SHA1_80";
const SUITES: [&str; 6] = [
    LONG,
    "AES_CM_128_HMAC_SHA1_32",
    "AES_256_CM_HMAC_SHA1_80",
    "AES_256_CM_HMAC_SHA1_32",
    "AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM",
];

/// A key and a salt for a suite, in base64; `which` of many.
fn inline(suite: &str, which: usize) -> String {
    // Digits, and what makes them up to fours: of 30, 46, 28 and 44 bytes.
    let (digits, padding) = match suite {
        "AES_CM_128_HMAC_SHA1_80" | "AES_CM_128_HMAC_SHA1_32" => (40, ""),
        "AEAD_AES_128_GCM" => (38, "=="),
        "AEAD_AES_256_GCM" => (59, "="),
        _ => (62, "=="),
    };
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |n: usize| char::from(alphabet[(n * 7 + which * 11) % alphabet.len()]);
    let key: String = (1..digits).map(digit).collect();
    format!("inline:{key}g{padding}")
}

/// The `a=crypto` line of a description.
fn line_of(description: &str) -> String {
    let mut lines = description.lines().filter(|line| line.starts_with("a=crypto:"));
    let line = lines.next().unwrap_or_else(|| panic!("no key:\n{description}"));
    assert_eq!(lines.next(), None, "one suite");
    line.to_owned()
}

/// One end of the call.
struct End {
    phone: Phone,
    dialog: Dialog,
    reports: UdpSocket,
    /// What it seals with, and what it opens with.
    out: Keys,
    back: Keys,
    /// The source of its sound, and how many packets of it there were.
    ssrc: u32,
    said: u32,
    /// What it sealed last.
    sealed: Vec<Vec<u8>>,
}

struct Room {
    place: Place,
    libsrtp: Libsrtp,
    caller: End,
    callee: End,
    server: Server,
}

fn reports(place: &Place, host: u8) -> UdpSocket {
    let socket = UdpSocket::bind((place.ip(host), 40_001)).expect("a socket for reports");
    socket.set_read_timeout(Some(SOON)).expect("a read timeout");
    socket
}

impl Room {
    /// A call under keys of this suite; `theirs` says of which line each end's description is.
    fn new(name: &str, suite: &str, theirs: [&str; 2]) -> Room {
        let place = Place::new(name);
        let mut setup = Setup::new(&place);
        setup.pbx_more = format!("override = {{ srtp = \"required\", srtp_suites = [\"{suite}\"] }}\n");
        setup.itsp_more = setup.pbx_more.clone();
        let server = Server::start(&place, &setup.text());
        let mut pbx = Phone::new(&place, PBX, &place.sip(INSIDE));
        let itsp = Phone::new(&place, ITSP, &place.sip(OUTSIDE));
        let secured = |plain: String, line: &str| plain.replace("RTP/AVP", "RTP/SAVP") + line + "\r\n";
        let lines = theirs.map(|inlines| format!("a=crypto:1 {suite} {inlines}"));
        pbx.described = Some(secured(pbx.description(), &lines[0]));
        let answers = |_: &str| secured(itsp.description(), &lines[1]);
        let (a, b) = call_answered(&pbx, &itsp, (WORLD, DID, name), answers);
        let mut libsrtp = Libsrtp::start();
        let mut end = |phone: Phone, dialog: Dialog, line: &str, ssrc, host| {
            phone.rtp.set_read_timeout(Some(SOON)).expect("a read timeout");
            let back = libsrtp.keys(Way::In, &line_of(&dialog.description));
            let out = libsrtp.keys(Way::Out, line);
            End {
                phone,
                dialog,
                reports: reports(&place, host),
                out,
                back,
                ssrc,
                said: 0,
                sealed: Vec::new(),
            }
        };
        let caller = end(pbx, a, &lines[0], 0x0A0A_0A0A, PBX);
        let callee = end(itsp, b, &lines[1], 0x0B0B_0B0B, ITSP);
        Room { place, libsrtp, caller, callee, server }
    }

    /// A call whose keys have neither lifetime nor identifier.
    fn plain(name: &str) -> Room {
        Room::new(name, LONG, [0, 1].map(|which| inline(LONG, which)).each_ref().map(|key| &**key))
    }

    fn ends(&mut self, from_caller: bool) -> (&mut Libsrtp, &mut End, &mut End) {
        let Room { libsrtp, caller, callee, .. } = self;
        if from_caller { (libsrtp, caller, callee) } else { (libsrtp, callee, caller) }
    }

    /// One end seals packets with these numbers in this order; they are sent in the order of `sent`, which holds their
    /// places. All must arrive, be opened, and be what was said; their numbers as they arrived.
    fn says(&mut self, from_caller: bool, which: usize, numbers: &[u16], sent: &[usize]) -> Vec<u16> {
        let (libsrtp, from, to) = self.ends(from_caller);
        let packets: Vec<Vec<u8>> = numbers.iter().map(|number| from.packet(*number)).collect();
        from.sealed = libsrtp.seal(from.out, which, &packets);
        sent.iter().for_each(|place| from.sends(&from.sealed[*place]));
        let heard: Vec<Vec<u8>> = sent.iter().map(|_| to.phone.receive_rtp().0).collect();
        let opened = libsrtp.open(to.back, &heard);
        for (opened, place) in opened.iter().zip(sent) {
            let said = &packets[*place];
            assert_eq!(opened[4..], said[4..], "time, source and sound of {}", numbers[*place]);
        }
        opened.iter().map(|packet| u16::from_be_bytes([packet[2], packet[3]])).collect()
    }

    /// The same of packets in a row; how far their numbers were moved, all alike.
    fn goes_on(&mut self, from_caller: bool, first: u16, count: u16) -> u16 {
        let numbers: Vec<u16> = (0..count).map(|n| first.wrapping_add(n)).collect();
        let sent: Vec<usize> = (0..numbers.len()).collect();
        let heard = self.says(from_caller, 0, &numbers, &sent);
        let moved = heard[0].wrapping_sub(first);
        let right = heard.iter().zip(&numbers).all(|(heard, said)| heard.wrapping_sub(*said) == moved);
        assert!(right, "{numbers:?} came as {heard:?}");
        moved
    }

    /// A report of one end's is sealed under one of its keys, and opened at the other end as it was.
    fn reports(&mut self, from_caller: bool, which: usize) {
        let (libsrtp, from, to) = self.ends(from_caller);
        let report = from.report();
        let sealed = libsrtp.seal_report(from.out, which, &report);
        let relay = SocketAddr::new(from.dialog.relay.ip(), from.dialog.relay.port() + 1);
        from.reports.send_to(&sealed, relay).expect("a report sent");
        // The server may have reports of its own.
        let mine = |bytes: &[u8], _| (bytes.get(4..8) == report.get(4..8)).then(|| bytes.to_vec());
        let sealed = await_datagram(&to.reports, "report", mine);
        assert_eq!(libsrtp.open_report(to.back, &sealed), report);
    }

    /// Ends the call: what the record says of packets that were relayed and dropped, in both directions.
    fn hang_up(self) -> [(u64, u64); 2] {
        self.caller.phone.hang_up(&self.caller.dialog, &self.callee.phone);
        let record = records::await_count(&self.place, 1).remove(0);
        assert_eq!(self.server.stop(), 0);
        let count = |way: &str, what: &str| {
            let told = record.pointer(&format!("/media/{way}/{what}")).and_then(serde_json::Value::as_u64);
            told.unwrap_or_else(|| panic!("{record}"))
        };
        ["from_caller", "from_callee"].map(|way| (count(way, "packets"), count(way, "dropped")))
    }
}

impl End {
    /// Its next packet: 20 bytes that no other has.
    fn packet(&mut self, number: u16) -> Vec<u8> {
        self.said += 1;
        let time = (self.said * 160).to_be_bytes();
        let head = [&[0x80, 8][..], &number.to_be_bytes(), &time, &self.ssrc.to_be_bytes()].concat();
        [head, self.said.to_be_bytes().repeat(5)].concat()
    }

    fn sends(&self, packet: &[u8]) {
        self.phone.rtp.send_to(packet, self.dialog.relay).expect("a packet sent");
    }

    /// A sender report of its sound (RFC 3550 §6.4.1).
    fn report(&self) -> Vec<u8> {
        [&[0x80, 200, 0, 6][..], &self.ssrc.to_be_bytes(), &[7; 12], &self.said.to_be_bytes(), &[0, 0, 0, 9]]
            .concat()
    }
}

#[test]
fn more_packets_than_there_are_numbers_pass_both_ways_and_none_is_lost_or_refused() {
    let mut room = Room::plain("rollover");
    // The caller's begin just before a rollover and pass the next one, too; the callee's in the middle.
    let (mut caller, mut callee, count) = (65_500_u16, 32_000_u16, 66_048_u32);
    for _ in 0..count / AT_ONCE as u32 {
        // Where nobody could miss the beginning: half a turn earlier (RFC 3711 §3.3.1).
        assert_eq!(room.goes_on(true, caller, AT_ONCE as u16), 0x8000);
        assert_eq!(room.goes_on(false, callee, AT_ONCE as u16), 0);
        caller = caller.wrapping_add(AT_ONCE as u16);
        callee = callee.wrapping_add(AT_ONCE as u16);
    }
    // What is missing counts: a quarter of a turn at a time, through two further rollovers.
    for _ in 0..8 {
        assert_eq!(room.goes_on(true, caller, 2), 0x8000);
        assert_eq!(room.goes_on(false, callee, 2), 0);
        caller = caller.wrapping_add(0x4000);
        callee = callee.wrapping_add(0x4000);
    }
    let said = u64::from(count) + 16;
    assert_eq!(room.hang_up(), [(said, 0), (said, 0)]);
}

/// Around a rollover in this order: neighbours change places, one comes four late.
const SHUFFLED: [usize; 10] = [1, 0, 3, 4, 6, 5, 2, 9, 7, 8];

#[test]
fn packets_that_change_places_around_a_rollover_are_opened_and_none_is_taken_twice() {
    let mut room = Room::plain("rollover-order");
    for from_caller in [true, false] {
        for first in [20_000, 40_000, 60_000] {
            assert_eq!(room.goes_on(from_caller, first, 4), 0);
        }
        for _ in 0..2 {
            let numbers: Vec<u16> = (0..10).map(|n| 65_531_u16.wrapping_add(n)).collect();
            let heard = room.says(from_caller, 0, &numbers, &SHUFFLED);
            assert_eq!(heard, SHUFFLED.map(|place| numbers[place]));
            // All of them once more: they are dropped, before the packets that follow.
            let (_, from, _) = room.ends(from_caller);
            from.sealed.iter().for_each(|packet| from.sends(packet));
            for first in [20_000, 40_000, 60_000] {
                assert_eq!(room.goes_on(from_caller, first, 4), 0);
            }
        }
    }
    assert_eq!(room.hang_up(), [(12 + 2 * (10 + 12), 20); 2]);
}

#[test]
fn a_call_that_begins_just_before_a_rollover_is_heard_though_its_first_packets_are_late_or_lost() {
    let mut room = Room::plain("rollover-first");
    let heard = room.says(true, 0, &[65_534, 65_535, 0, 1], &[1, 0, 3, 2]);
    assert_eq!(heard, [32_767, 32_766, 32_769, 32_768], "half a turn earlier, in the order of the wire");
    assert_eq!(room.goes_on(true, 2, 64), 0x8000);
    // Who hears none before the rollover cannot know of it, but by the tags (RFC 3711 §3.3.1).
    assert_eq!(room.says(false, 0, &[65_533, 65_534, 65_535, 0, 1], &[3, 4]), [0, 1]);
    assert_eq!(room.goes_on(false, 2, 64), 0);
    assert_eq!(room.hang_up(), [(68, 0), (66, 0)]);
}

#[test]
fn packets_and_reports_with_identifiers_are_opened_and_ours_are_of_every_suite() {
    for suite in SUITES {
        // RFC 4568 §6.1: the caller may change between two keys, the callee has one.
        let key = |which| inline(suite, which);
        let two = format!("{}|2^20|1:4;{}|2^20|2:4", key(0), key(1));
        let mut room = Room::new("identifiers", suite, [&two, &format!("{}|2^31|258:2", key(2))]);
        for (round, which) in [0, 1, 0].into_iter().enumerate() {
            let first = 100 + 10 * round as u16;
            assert_eq!(room.says(true, which, &[first, first + 1], &[0, 1]), [first, first + 1], "{suite}");
            assert_eq!(room.goes_on(false, first, 2), 0, "{suite}");
            room.reports(true, which);
            room.reports(false, 0);
        }
        assert_eq!(room.hang_up().map(|(_, dropped)| dropped), [0, 0], "{suite}");
    }
}
