//! Reports about streams into which packets are put, or out of which they are taken.

use super::{ONE, Room, TWO};
use crate::common::{rtcp, rtp};
use bridge::{DigitPlan, Hears, Plan, Says};
use media::{Care, Component, Side};

#[test]
fn reports_about_a_stream_whose_events_were_taken_out_speak_of_the_senders_numbers() {
    let mut room = Room::new(Care::default());
    let digits = DigitPlan { hears: Hears::Events(vec![(101, 8_000)]), says: Says::Signalled };
    let plans = [Plan::passing(Some(digits), 20), Plan::passing(None, 20)];
    assert!(room.session.bridge(0, Some(Box::new(plans)), 77));
    let mut passed = Vec::new();
    for (sequence, payload_type) in [(4, 8), (5, 101), (6, 101), (7, 8), (8, 8)] {
        let mut packet = rtp(ONE, sequence, payload_type);
        if payload_type == 101 {
            packet.truncate(16);
            packet[12..].copy_from_slice(&[5, 0x8a, 3, 32]);
        }
        let sent = room.hand(Side::A, Component::Rtp, &packet);
        passed.extend(sent.iter().map(|sent| u16::from_be_bytes([sent[2], sent[3]])));
    }
    assert_eq!(passed, [4, 5, 6]);
    // The callee's report names 9 as the highest: for the caller that is 11.
    let told = room.hand(Side::B, Component::Rtcp, &rtcp(TWO, None, Some((0, 0))));
    let highest = |report: &[u8]| u32::from_be_bytes([report[16], report[17], report[18], report[19]]);
    assert_eq!(told.iter().map(|report| highest(report)).collect::<Vec<_>>(), [11]);
    // The caller's report says what has left here: two packets and eight octets less (RFC 3550 §6.4.1).
    let mut report = rtcp(ONE, Some(7), None);
    report[16..28].copy_from_slice(&[0, 0, 5, 0, 0, 0, 0, 5, 0, 0, 1, 0xe8]);
    let told = room.hand(Side::A, Component::Rtcp, &report);
    assert_eq!(told[0][16..28], [0, 0, 5, 0, 0, 0, 0, 3, 0, 0, 1, 0xe0]);
    // What the callee says was not moved.
    let told = room.hand(Side::A, Component::Rtcp, &rtcp(ONE, None, Some((0, 0))));
    assert_eq!(told.iter().map(|report| highest(report)).collect::<Vec<_>>(), [9]);
}
