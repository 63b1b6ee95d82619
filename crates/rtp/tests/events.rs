//! Streams of telephone events: what is sent, and that what arrives is told once whatever happens to it.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use rtp::Header;
use rtp::event::{EventListener, EventSender, Heard, LOST_AFTER_NS, TelephoneEvent, event_of};

const MS: u64 = 1_000_000;

/// A packet on its way: when it arrives, and what it holds.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: u64,
    header: Header,
    payload: [u8; 4],
}

/// Plays digits with their lengths in milliseconds and gives the packets, every one numbered.
fn play(digits: &[(char, u64)], clock: u32) -> Vec<Sent> {
    let mut sender = EventSender::new(clock, 20);
    for (digit, length) in digits {
        assert!(sender.queue().push(0, event_of(*digit).unwrap(), 10, length * MS));
    }
    let (mut packets, mut sequence) = (Vec::new(), 65_530u16);
    for tick in 0..u64::MAX {
        let at = tick * 5 * MS;
        let units = u32::try_from(at * u64::from(clock) / 1_000_000_000).unwrap();
        let timestamp = (u32::MAX - 4_000).wrapping_add(units);
        while let Some(packet) = sender.poll(at, timestamp) {
            let header = Header {
                marker: packet.marker,
                payload_type: 101,
                sequence,
                timestamp: packet.timestamp,
                ssrc: 7,
            };
            sequence = sequence.wrapping_add(1);
            packets.push(Sent { at, header, payload: packet.payload });
        }
        if !sender.is_busy() {
            return packets;
        }
    }
    packets
}

/// What a listener tells of packets, in the order of their arrival, and of the silence after them.
fn told(packets: &[Sent]) -> Vec<Heard> {
    let mut listener = EventListener::default();
    let mut heard = Vec::new();
    for packet in packets {
        listener.on_time(packet.at, |news| heard.push(news));
        listener.hear(packet.at, &packet.header, &packet.payload, |news| heard.push(news));
    }
    let last = packets.last().map_or(0, |packet| packet.at);
    listener.on_time(last + LOST_AFTER_NS, |news| heard.push(news));
    assert!(!listener.is_sounding());
    heard
}

/// The digits told, each checked to begin and end.
fn digits(packets: &[Sent]) -> String {
    let heard = told(packets);
    heard
        .chunks(2)
        .map(|pair| match pair {
            [Heard::Began { event, .. }, Heard::Ended { event: ended, .. }] if event == ended => {
                rtp::event::digit_of(*event).unwrap()
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn packet(sequence: u16, timestamp: u32, digit: char, duration: u16, end: bool) -> Sent {
    let event = TelephoneEvent { event: event_of(digit).unwrap(), end, volume: 10, duration };
    let header = Header { marker: false, payload_type: 96, sequence, timestamp, ssrc: 1 };
    Sent { at: u64::from(sequence) * 20 * MS, header, payload: event.to_bytes() }
}

fn marked(mut sent: Sent) -> Sent {
    sent.header.marker = true;
    sent
}

#[test]
fn a_digit_is_one_marked_packet_one_each_packet_time_and_three_ends() {
    let packets = play(&[('5', 100)], 8_000);
    let shown: Vec<(u64, bool, bool, u16)> = packets
        .iter()
        .map(|sent| {
            let event = TelephoneEvent::parse(&sent.payload).unwrap();
            assert_eq!((event.event, event.volume), (5, 10));
            assert_eq!(sent.header.timestamp, packets[0].header.timestamp, "frozen");
            (sent.at / MS, sent.header.marker, event.end, event.duration)
        })
        .collect();
    let expected = [
        (0, true, false, 160),
        (20, false, false, 320),
        (40, false, false, 480),
        (60, false, false, 640),
        (80, false, false, 800),
        (100, false, true, 800),
        (120, false, true, 800),
        (140, false, true, 800),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_long_press_goes_out_in_segments_and_is_one_event() {
    // 3 s at 48 kHz: 144,000 units, two full segments and a rest.
    let packets = play(&[('9', 3_000)], 48_000);
    let full = packets.iter().filter(|sent| sent.payload[2..] == [0xff, 0xff]);
    assert_eq!(full.count(), 2);
    assert_eq!(packets.iter().filter(|sent| sent.header.marker).count(), 1);
    let steps: Vec<u32> = packets
        .windows(2)
        .map(|pair| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp))
        .filter(|step| *step != 0)
        .collect();
    assert_eq!(steps, [0xffff, 0xffff]);
    let heard = told(&packets);
    assert_eq!(heard[1..], [Heard::Ended { event: 9, duration: 144_000 }]);
    // Also when the packet that closes a segment is lost.
    let kept: Vec<Sent> = packets.into_iter().filter(|sent| sent.payload[2..] != [0xff, 0xff]).collect();
    assert_eq!(told(&kept), heard);
}

#[test]
fn a_pressed_digit_sounds_until_it_is_let_go() {
    let mut sender = EventSender::new(8_000, 20);
    assert!(sender.queue().begin(0, 1, 10));
    let mut packets = Vec::new();
    for at in (0..600).step_by(20) {
        if at == 300 {
            sender.queue().end(at * MS, None);
        }
        while let Some(packet) = sender.poll(at * MS, 1_000) {
            packets.push(TelephoneEvent::parse(&packet.payload).unwrap());
        }
    }
    assert_eq!(packets.iter().filter(|event| event.end).count(), 3);
    assert!(packets.iter().filter(|event| event.end).all(|event| event.duration == 2_400));
    assert_eq!(packets.len(), 18);
}

#[test]
fn a_digit_that_is_too_short_is_lengthened_and_the_next_waits() {
    let packets = play(&[('1', 5), ('1', 0), ('2', 40)], 8_000);
    assert_eq!(digits(&packets), "112");
    for heard in told(&packets) {
        if let Heard::Ended { duration, .. } = heard {
            assert_eq!(duration, 480);
        }
    }
    let begins: Vec<u64> =
        packets.iter().filter(|sent| sent.header.marker).map(|sent| sent.at / MS).collect();
    assert_eq!(begins, [0, 120, 240]);
}

#[test]
fn more_digits_than_may_wait_are_refused_and_counted() {
    let mut sender = EventSender::new(8_000, 20);
    let taken = (0..40).filter(|_| sender.queue().push(0, 1, 10, MS)).count();
    assert_eq!((taken, sender.queue().refused()), (32, 8));
}

#[test]
fn a_lost_end_is_waited_for_and_its_late_packets_begin_nothing() {
    let whole = [packet(1, 0, '4', 160, false), packet(2, 0, '4', 320, false)];
    assert_eq!(told(&whole).last(), Some(&Heard::Ended { event: 4, duration: 320 }));
    let mut late = whole.to_vec();
    let end = packet(3, 0, '4', 480, true);
    late.push(Sent { at: end.at + 400 * MS, ..end });
    assert_eq!(digits(&late), "4");
}

#[test]
fn the_same_digit_twice_with_all_ends_lost_is_two() {
    let packets = [
        packet(1, 0, '4', 160, false),
        packet(2, 0, '4', 320, false),
        packet(9, 1_280, '4', 320, false),
        packet(10, 1_280, '4', 480, true),
    ];
    assert_eq!(digits(&packets), "44");
}

#[test]
fn only_an_end_is_a_whole_digit() {
    let packets = [packet(5, 0, '#', 800, true), packet(6, 0, '#', 800, true)];
    assert_eq!(told(&packets).len(), 2);
    assert_eq!(digits(&packets), "#");
}

#[test]
fn what_comes_late_belongs_to_the_digit_before() {
    let packets = [
        packet(1, 0, '1', 160, false),
        packet(5, 800, '2', 160, false),
        packet(3, 0, '1', 480, true),
        packet(2, 0, '1', 320, false),
        packet(6, 800, '2', 320, true),
        packet(4, 0, '1', 480, true),
    ];
    assert_eq!(digits(&packets), "12");
}

#[test]
fn one_timestamp_for_all_events_is_understood() {
    let one = [packet(1, 0, '7', 160, false), packet(2, 0, '7', 320, false), packet(3, 0, '7', 320, true)];
    let two = one.map(|mut sent| {
        sent.header.sequence += 3;
        sent.at += 60 * MS;
        sent
    });
    assert_eq!(digits(&[one, two].concat()), "77");
    // And when the ends of the first are lost; its successor begins with a marker or shorter.
    assert_eq!(digits(&[one[0], one[1], marked(two[0]), two[2]]), "77");
    assert_eq!(digits(&[one[0], one[1], two[0], two[2]]), "77");
    assert_eq!(digits(&[one[0], one[2], packet(4, 0, '8', 160, false), packet(5, 0, '8', 160, true)]), "78");
}

#[test]
fn a_timestamp_that_moves_with_the_duration_is_one_event() {
    let packets: Vec<Sent> =
        (0..6u16).map(|n| packet(n, 1_000 + 160 * u32::from(n), '3', 160 * (n + 1).min(4), n > 3)).collect();
    assert_eq!(digits(&packets), "3");
    // Its next press is another.
    let again = packets.iter().map(|sent| {
        let mut sent = *sent;
        sent.header.sequence += 20;
        sent.header.timestamp += 3_200;
        sent.header.marker = sent.header.sequence == 20;
        Sent { at: sent.at + 400 * MS, ..sent }
    });
    assert_eq!(digits(&packets.iter().copied().chain(again).collect::<Vec<_>>()), "33");
}

#[test]
fn a_duration_that_runs_over_is_one_event() {
    let durations = [0xfe00u16, 0xff00, 0x0040, 0x0140];
    let packets: Vec<Sent> =
        (1..).zip(durations).map(|(n, duration)| packet(n, 0, '6', duration, n == 4)).collect();
    assert_eq!(told(&packets)[1..], [Heard::Ended { event: 6, duration: 0x1_0140 }]);
}

#[test]
fn another_ssrc_in_the_middle_of_a_press_is_no_second_digit() {
    let rename = |mut sent: Sent| {
        sent.header.ssrc = 2;
        sent.header.sequence += 9_000;
        sent.header.timestamp += 77_777;
        sent
    };
    let first = [packet(1, 0, '0', 160, false), packet(2, 0, '0', 320, false)];
    let then = [rename(packet(3, 0, '0', 480, false)), rename(packet(4, 0, '0', 640, true))];
    let old = packet(3, 0, '0', 480, true);
    assert_eq!(digits(&[first[0], first[1], then[0], then[1], old]), "0");
    // A press of its own under the new one is.
    let next = [rename(packet(8, 0, '0', 160, false)), rename(packet(9, 0, '0', 160, true))];
    assert_eq!(digits(&[first[0], first[1], next[0], next[1]]), "00");
}

#[test]
fn several_events_in_one_packet_are_each_told_and_padding_is_not() {
    let header = Header { marker: true, payload_type: 96, sequence: 1, timestamp: 0, ssrc: 1 };
    let mut listener = EventListener::default();
    let mut heard = String::new();
    let mut hear = |payload: &[u8]| {
        listener.hear(0, &header, payload, |news| {
            if let Heard::Began { event, .. } = news {
                heard.push(rtp::event::digit_of(event).unwrap());
            }
        });
    };
    hear(&[1, 0x8a, 3, 32, 2, 0x8a, 3, 32, 0, 0, 0, 0]);
    hear(&[1, 0x8a, 3, 32, 2, 0x8a, 3, 32, 0, 0, 0, 0]);
    hear(&[]);
    hear(&[1, 2, 3]);
    assert_eq!(heard, "12");
}

#[test]
fn a_stream_that_starts_its_numbers_anew_is_heard_again() {
    let old = [packet(40_000, 0, '1', 160, false), packet(40_001, 0, '1', 160, true)];
    let mut new = [packet(3, 90_000, '2', 160, false), packet(4, 90_000, '2', 160, true)];
    new.iter_mut().for_each(|sent| sent.at = old[1].at + 500 * MS);
    assert_eq!(digits(&[old, new].concat()), "12");
}

proptest! {
    /// Loss, repetition and reordering within 40 ms: every digit of which any packet came is told once, in
    /// order.
    #[test]
    fn no_digit_is_lost_and_none_doubled(
        dialled in proptest::collection::vec((0usize..16, 40u64..400), 1..12),
        fates in proptest::collection::vec((0u8..100, 0u64..40, 0u8..100), 400),
        loss in 0u8..60,
    ) {
        const DIGITS: &[u8; 16] = b"0123456789*#ABCD";
        let dialled: Vec<(char, u64)> =
            dialled.into_iter().map(|(at, length)| (char::from(DIGITS[at]), length)).collect();
        let sent = play(&dialled, 8_000);
        let (mut arriving, mut expected, mut seen) = (Vec::new(), String::new(), None);
        for (packet, (luck, delay, twice)) in sent.iter().zip(fates.iter().cycle()) {
            if *luck < loss {
                continue;
            }
            if seen != Some(packet.header.timestamp) {
                seen = Some(packet.header.timestamp);
                expected.push(rtp::event::digit_of(packet.payload[0]).unwrap());
            }
            arriving.push(Sent { at: packet.at + delay * MS, ..*packet });
            if *twice < 20 {
                arriving.push(Sent { at: packet.at + 35 * MS, ..*packet });
            }
        }
        arriving.sort_by_key(|packet| packet.at);
        prop_assert_eq!(digits(&arriving), expected);
    }

    /// Any packets at all: what begins ends, and nothing ends that has not begun.
    #[test]
    fn whatever_comes_begins_before_it_ends(bytes in proptest::collection::vec(any::<[u8; 6]>(), 0..60)) {
        let packets: Vec<Sent> = (0u64..).zip(&bytes).map(|(n, bytes)| {
            let [a, b, c, event, flags, duration] = *bytes;
            let header = Header {
                marker: a & 1 == 1,
                payload_type: 101,
                sequence: u16::from(b) % 16,
                timestamp: u32::from(c) * 32_000,
                ssrc: u32::from(a) % 3,
            };
            let event = TelephoneEvent {
                event: event % 4,
                end: flags & 1 == 1,
                volume: 0,
                duration: u16::from(duration) << 8,
            };
            Sent { at: n * 20 * MS, header, payload: event.to_bytes() }
        }).collect();
        digits(&packets);
    }
}
