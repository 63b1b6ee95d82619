//! Keepalives where a part of what comes does not leave.

use super::*;

/// What describes silence by annex B of G.729 comes every second, and stays here (RFC 4856 §2.1.9).
#[test]
fn a_receiver_that_gets_no_descriptions_of_silence_is_kept_awake_during_a_pause() {
    let mut room = Room::new(Care { keepalive: Keepalive::Empty(127), reports: false, ..MADE });
    let passing = || Plan { annex_b: Some(18), ..Plan::passing(None, 20) };
    assert!(room.session.bridge(0, Some(Box::new([passing(), passing()])), 77));
    let say = |room: &mut Room, payload: usize| {
        room.sequence += 1;
        let packet = &rtp(TWO, room.sequence, 18)[..12 + payload];
        let left = room.hand(Side::B, Component::Rtp, packet).len();
        room.pass(1, [true, false]);
        left
    };
    let kept = |room: &Room| room.left.iter().filter(|(_, sending, _)| sending.side == Side::A).count();
    for _ in 0..30 {
        assert_eq!(say(&mut room, 20), 1);
    }
    assert_eq!(kept(&room), 0, "sound leaves");
    for _ in 0..40 {
        assert_eq!(say(&mut room, 2), 0);
    }
    assert!((2..=4).contains(&kept(&room)), "{}", kept(&room));
}
