//! G.729 toward a receiver that has refused annex B: what describes silence does not go on, and leaves no hole.

use crate::world::read;
use base::Time;
use bridge::{Bridge, Moved, Passage, Plan};
use rtp::Header;

fn packet(sequence: u16, payload_type: u8, length: usize, padding: u8) -> Vec<u8> {
    let header =
        Header { marker: false, payload_type, sequence, timestamp: u32::from(sequence) * 160, ssrc: 7 };
    let mut packet = vec![0; 12 + length + usize::from(padding)];
    header.write(&vec![9; length + usize::from(padding)], &mut packet).unwrap();
    if padding > 0 {
        packet[0] |= 0x20;
        *packet.last_mut().unwrap() = padding;
    }
    packet
}

#[test]
fn descriptions_of_silence_are_dropped_cut_off_and_counted_out_of_the_numbers() {
    let plan = Plan { annex_b: Some(18), ..Plan::passing(None, 20) };
    let mut bridge = Bridge::new(plan, 3);
    let mut left = Vec::new();
    // Speech, speech that ends in silence, a pause with a description of it, events, noise of another kind, speech.
    let come =
        [(10, 18, 20), (11, 18, 12), (12, 18, 2), (13, 18, 2), (14, 101, 4), (15, 13, 2), (16, 18, 20)];
    for (sequence, payload_type, length) in come {
        let mut bytes = packet(sequence, payload_type, length, 0);
        let now = Time::from_millis(u64::from(sequence) * 20);
        match bridge.on_packet(now, &mut bytes) {
            Passage::Cut(less) => left.push(read(&bytes[..bytes.len() - less])),
            Passage::InPlace => left.push(read(&bytes)),
            other => assert_eq!(other, Passage::Silence, "{sequence}"),
        }
    }
    let seen: Vec<_> = left.iter().map(|left| (left.header.sequence, left.payload.len())).collect();
    assert_eq!(seen, [(10, 20), (11, 10), (12, 4), (13, 2), (14, 20)]);
    assert_eq!(left.last().unwrap().header.timestamp, 16 * 160, "time goes on");
    let moved = Moved { numbers: -2i32 as u32, packets: -2i32 as u32, octets: -6i32 as u32 };
    assert_eq!(bridge.moved(7), moved);
    assert!(!bridge.is_source() && bridge.wakes().is_none());
    // The last octets of one with padding are not its frames.
    let mut padded = packet(17, 18, 12, 4);
    assert_eq!(bridge.on_packet(Time::from_millis(340), &mut padded), Passage::InPlace);
}

#[test]
fn a_receiver_that_has_refused_nothing_gets_all() {
    let mut bridge = Bridge::new(Plan::passing(None, 20), 3);
    for length in [2, 12, 20] {
        let mut bytes = packet(10, 18, length, 0);
        assert_eq!(bridge.on_packet(Time::from_millis(200), &mut bytes), Passage::InPlace);
    }
}
