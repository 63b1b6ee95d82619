//! Reports of sound of ours, and its farewell.

use super::{MADE, ONE, Room, TWO};
use crate::common::{a, b, rtcp};
use base::Time;
use bridge::{Codec, Format, Play, Samples, Sound, Yields};
use media::{Care, Component, Datagram, Remote, Session, SessionId, Side};
use std::time::Duration;

impl Room {
    /// Tenths of seconds go by, in which what is played leaves; how many packets did, and the name of the last.
    fn play_on(&mut self, tenths: u32) -> (u32, u32) {
        let (mut count, mut name) = (0, 0);
        let mut buffer = [0; 1_500];
        for step in 0..tenths * 5 {
            self.now = self.now + Duration::from_millis(20);
            let mut made = Vec::new();
            self.session.on_bridge_tick(self.now, |side, stream| made.push((side, stream)));
            for (side, stream) in made {
                let mut packet = Datagram { buffer: &mut buffer, length: 0 };
                while self.session.take_made(side, stream, &mut packet).is_some() {
                    (count, name) =
                        (count + 1, u32::from_be_bytes(packet.bytes()[8..12].try_into().unwrap()));
                }
            }
            if step % 5 == 4 {
                self.session.on_tick(self.now);
                let mut packet = Datagram { buffer: &mut buffer, length: 0 };
                while let Some(sending) = self.session.take_due(self.now, &mut packet) {
                    self.left.push((self.now, sending, packet.bytes().to_vec()));
                }
            }
        }
        (count, name)
    }

    fn music(&mut self, plays: bool) {
        let samples = Samples { rate: 8_000, samples: vec![1_000; 8_000].into() };
        let format = Format { codec: Codec::G722, payload_type: 9, ptime_ms: 20 };
        let play = Play { sound: Sound::Again(samples.into()), format, yields: Yields::Never };
        let told = self.session.play(self.now, (0, Side::B), plays.then_some(play), 99);
        assert_eq!(told, Some((Side::A, 0)));
    }
}

#[test]
fn whoever_hears_music_of_ours_gets_reports_of_it_and_a_farewell_when_it_ends() {
    let mut room = Room::new(Care { reports: false, ..MADE });
    room.pass(2, [true, true]);
    room.music(true);
    let (count, name) = room.play_on(200);
    let reports = room.reports(Side::B);
    assert!(reports.len() >= 3 && ![ONE, TWO].contains(&name), "{reports:?}");
    let (_, last) = reports.last().unwrap();
    let sender = last.sender.unwrap();
    assert_eq!((last.ssrc, last.farewells.len()), (name, 0));
    assert!(sender.packets <= count && sender.packets > count / 2, "{sender:?} of {count}");
    assert_eq!(sender.octets, sender.packets * 160);
    let (block, rr) = ((1, 0), rtcp(TWO, Some(3), Some((1, 0))));
    assert!(room.hand(Side::B, Component::Rtcp, &rr).is_empty(), "A knows nothing of it: {block:?}");
    assert!(!room.reports(Side::A).is_empty(), "A hears how B's words came");
    let before = room.left.len();
    room.music(false);
    room.play_on(3);
    let farewells: Vec<_> = room.reports(Side::B).pop().map(|(_, said)| said.farewells).unwrap();
    assert_eq!((farewells, room.left.len() - before), (vec![name], 1), "at once, and only this");
    room.pass(30, [true, true]);
    assert_eq!(room.hand(Side::A, Component::Rtcp, &rtcp(ONE, Some(7), None)).len(), 1, "RTCP passes again");
    let mut buffer = [0; 1_500];
    let mut packet = Datagram { buffer: &mut buffer, length: 0 };
    let last = room.session.take_farewell(room.now, None, &mut packet);
    assert!(last.is_none_or(|sending| sending.side == Side::A), "the farewell was said");
}

#[test]
fn before_the_answer_only_whoever_hears_us_gets_reports() {
    let mut room = Room::new(MADE);
    room.session = Session::new(SessionId(1), Time::ZERO, 1);
    for (side, at) in [(Side::A, a()), (Side::B, b())] {
        let remote = Remote { care: Care { live: false, ..MADE }, timeout: None, ..Remote::audio(at) };
        room.session.set(room.now, side, 0, remote);
    }
    room.music(true);
    room.play_on(150);
    assert!(!room.reports(Side::B).is_empty() && room.reports(Side::A).is_empty());
}
