//! Every way in which digits come, into every way in which they go: none lost, none doubled, in order, under
//! loss and reordering.

use base::Time;
use bridge::{Bridge, Codec, Digit, DigitPlan, Format, Hears, Passage, Plan, Says};
use codec::{DtmfDetector, DtmfNews, DtmfTone, Law};
use rtp::event::{EventListener, EventSender, Heard, LOST_AFTER_NS, digit_of, event_of};
use rtp::{Header, Packet};
use std::collections::BTreeMap;

const DIALLED: &str = "1234567890*#ABCD115500";
/// A digit is pressed so long, and as long is the pause: milliseconds.
const PRESSED: u64 = 100;
/// When the first is pressed.
const FIRST: u64 = 300;
const EVENTS_IN: u8 = 101;
const EVENTS_OUT: u8 = 97;
const STEP: u64 = 5;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 20
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.roll() % 100 < chance
    }
}

/// A peer that speaks, and presses keys.
struct Talker {
    way: Hears,
    /// No sound while a key is pressed, as phones have it that send events.
    pauses: bool,
    /// No sound at all.
    silent: bool,
    sender: EventSender,
    sequence: u16,
    tone: Option<DtmfTone>,
}

impl Talker {
    fn new(way: Hears, clock: u32) -> Talker {
        Talker {
            way,
            pauses: false,
            silent: false,
            sender: EventSender::new(clock, 20),
            sequence: 65_500,
            tone: None,
        }
    }

    fn packet(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: 0x7a11 };
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = vec![0; 12 + payload.len()];
        header.write(payload, &mut bytes).unwrap();
        bytes
    }

    /// What it sends at a moment of 5 ms.
    fn speak(&mut self, ms: u64, dice: &mut Dice) -> Vec<Vec<u8>> {
        let at = ms.checked_sub(FIRST).filter(|at| at / (2 * PRESSED) < DIALLED.len() as u64);
        let digit = at.map(|at| DIALLED.as_bytes()[(at / (2 * PRESSED)) as usize] as char);
        let begins = at.is_some_and(|at| at.is_multiple_of(2 * PRESSED));
        let ends = at.is_some_and(|at| at % (2 * PRESSED) == PRESSED);
        let (timestamp, mut packets) = (0xffff_f000u32.wrapping_add(ms as u32 * 8), Vec::new());
        match (&self.way, digit) {
            (Hears::Events(_), Some(digit)) if begins => {
                assert!(self.sender.queue().push(
                    ms * 1_000_000,
                    event_of(digit).unwrap(),
                    10,
                    PRESSED * 1_000_000
                ));
            }
            (Hears::Sound, Some(digit)) if begins => self.tone = DtmfTone::new(digit, -13.0, 8_000),
            (Hears::Sound, _) if ends => self.tone.as_mut().unwrap().release(),
            _ => {}
        }
        while let Some(event) = self.sender.poll(ms * 1_000_000, timestamp) {
            packets.push(self.packet(EVENTS_IN, event.marker, event.timestamp, &event.payload));
        }
        let quiet = self.silent || self.pauses && self.sender.is_sounding();
        if ms.is_multiple_of(20) && !quiet {
            let mut samples: Vec<i16> = (0..160).map(|_| (dice.roll() % 800) as i16 - 400).collect();
            if let Some(tone) = &mut self.tone {
                tone.fill(&mut samples);
            }
            let mut payload = [0; 160];
            Law::A.encode_slice(&samples, &mut payload);
            packets.push(self.packet(8, false, timestamp, &payload));
        }
        packets
    }
}

/// A peer that hears.
#[derive(Default)]
struct Listener {
    events: String,
    signalled: String,
    listener: EventListener,
    sound: BTreeMap<u32, Vec<u8>>,
    sequences: Vec<u16>,
}

impl Listener {
    fn hear(&mut self, now: Time, bytes: &[u8]) {
        let packet = Packet::parse(bytes).unwrap();
        let header = packet.header();
        self.sequences.push(header.sequence);
        match header.payload_type {
            8 => {
                drop(self.sound.insert(header.timestamp.wrapping_sub(0xffff_0000), packet.payload().to_vec()))
            }
            EVENTS_OUT => {
                let events = &mut self.events;
                self.listener.hear(now.0, &header, packet.payload(), |news| {
                    if let Heard::Ended { event, duration } = news {
                        assert!((480..=2_400).contains(&duration), "{duration} units");
                        events.push(digit_of(event).unwrap());
                    }
                });
            }
            other => panic!("payload type {other} was not agreed"),
        }
    }

    /// Takes what a bridge has made.
    fn fetch(&mut self, now: Time, bridge: &mut Bridge) {
        let mut buffer = [0; 1_500];
        while let Some(length) = bridge.pop(&mut buffer) {
            self.hear(now, &buffer[..length]);
        }
        while let Some(digit) = bridge.pop_digit() {
            assert!((40..=300).contains(&digit.duration_ms), "{} ms", digit.duration_ms);
            self.signalled.push(digit_of(digit.event).unwrap());
        }
    }

    fn end(&mut self, now: Time) {
        let events = &mut self.events;
        self.listener.on_time(now.0 + LOST_AFTER_NS, |news| {
            if let Heard::Ended { event, .. } = news {
                events.push(digit_of(event).unwrap());
            }
        });
    }

    /// The digits in the sound, by its timestamps.
    fn heard(&self) -> String {
        let (mut detector, mut digits, mut next) = (DtmfDetector::new(8_000), String::new(), None);
        for (timestamp, payload) in &self.sound {
            let gap = timestamp.wrapping_sub(next.unwrap_or(*timestamp));
            let mut samples = vec![0i16; (gap as usize).min(16_000)];
            samples.extend(payload.iter().map(|code| Law::A.decode(*code)));
            next = Some(timestamp.wrapping_add(payload.len() as u32));
            detector.listen(&samples, |news| {
                if let DtmfNews::Began(digit) = news {
                    digits.push(digit);
                }
            });
        }
        digits
    }
}

fn plan(hears: &Hears, says: Says) -> Plan {
    let law = Codec::G711(Law::A);
    let digits = Some(DigitPlan { hears: hears.clone(), says });
    Plan { digits, ..Plan::between(vec![(8, law)], 20, Format::new(8, law, 20)) }
}

/// The way of packets: some are lost, some late.
struct Network {
    loss: u64,
    delay: u64,
    lost_before: bool,
    under_way: Vec<(u64, Vec<u8>)>,
}

impl Network {
    fn send(&mut self, ms: u64, packet: Vec<u8>, dice: &mut Dice) {
        // Sound has nothing that repeats it: there, no two in a row are lost.
        let sound = packet[1] & 0x7f == 8;
        self.lost_before = dice.percent(self.loss) && !(sound && self.lost_before);
        if !self.lost_before {
            self.under_way.push((ms + dice.roll() % (self.delay + 1), packet));
            self.under_way.sort_by_key(|(due, _)| *due);
        }
    }

    fn arrives(&mut self, ms: u64) -> Option<Vec<u8>> {
        let due = self.under_way.first().is_some_and(|(due, _)| *due <= ms);
        due.then(|| self.under_way.remove(0).1)
    }
}

/// The key that is pressed at a moment.
fn pressed(ms: u64) -> Option<char> {
    let at = ms.checked_sub(FIRST).filter(|at| at.is_multiple_of(2 * PRESSED))?;
    DIALLED.chars().nth((at / (2 * PRESSED)) as usize)
}

/// Lives through a call and gives what the far end heard.
fn live(mut talker: Talker, plan: Plan, loss: u64, delay: u64, seed: u64) -> Listener {
    let (mut bridge, mut ear, mut dice) = (Bridge::new(plan, seed), Listener::default(), Dice(seed | 1));
    let mut network = Network { loss, delay, lost_before: false, under_way: Vec::new() };
    let end = FIRST + 2 * PRESSED * DIALLED.len() as u64 + 3_000;
    for ms in (0..end).step_by(STEP as usize) {
        let now = Time::from_millis(ms);
        for packet in talker.speak(ms, &mut dice) {
            network.send(ms, packet, &mut dice);
        }
        if let Some(digit) = pressed(ms).filter(|_| talker.way == Hears::Signalled) {
            let duration_ms = PRESSED as u16;
            assert!(bridge.say(now, Digit { event: event_of(digit).unwrap(), duration_ms }));
        }
        ear.fetch(now, &mut bridge);
        while let Some(mut packet) = network.arrives(ms) {
            if bridge.on_packet(now, &mut packet) == Passage::InPlace {
                ear.hear(now, &packet);
            }
            ear.fetch(now, &mut bridge);
        }
        if bridge.wakes().is_some_and(|due| due <= now) {
            bridge.on_tick(now);
        }
        ear.fetch(now, &mut bridge);
    }
    ear.end(Time::from_millis(end));
    assert_eq!(bridge.digit_tally().lost, 0);
    ear
}

fn check(hears: &Hears, says: Says, loss: u64, delay: u64) {
    for seed in 1..=4 {
        for pauses in [false, true] {
            let talker = Talker { pauses, ..Talker::new(hears.clone(), 8_000) };
            let ear = live(talker, plan(hears, says), loss, delay, seed * 7_919);
            let found = [ear.events.clone(), ear.heard(), ear.signalled.clone()];
            let expected = match says {
                Says::Events { .. } => [DIALLED, "", ""],
                Says::Sound => ["", DIALLED, ""],
                Says::Signalled => ["", "", DIALLED],
            };
            assert_eq!(found, expected, "{hears:?} to {says:?}, loss {loss} %, seed {seed}, pauses {pauses}");
        }
    }
}

fn events() -> Hears {
    Hears::Events(vec![(EVENTS_IN, 8_000)])
}

const AS_EVENTS: Says = Says::Events { payload_type: EVENTS_OUT, clock: 8_000 };

#[test]
fn events_become_events_of_another_number() {
    check(&events(), AS_EVENTS, 0, 0);
    check(&events(), AS_EVENTS, 15, 30);
}

#[test]
fn events_become_tones() {
    check(&events(), Says::Sound, 0, 0);
    check(&events(), Says::Sound, 15, 30);
}

#[test]
fn events_become_signalling() {
    check(&events(), Says::Signalled, 0, 0);
    check(&events(), Says::Signalled, 15, 30);
}

#[test]
fn tones_become_events_and_are_taken_out_of_the_sound() {
    check(&Hears::Sound, AS_EVENTS, 0, 0);
    check(&Hears::Sound, AS_EVENTS, 4, 0);
}

#[test]
fn tones_become_signalling_and_are_taken_out_of_the_sound() {
    check(&Hears::Sound, Says::Signalled, 0, 0);
    check(&Hears::Sound, Says::Signalled, 4, 0);
}

#[test]
fn signalling_becomes_events() {
    check(&Hears::Signalled, AS_EVENTS, 0, 0);
    check(&Hears::Signalled, AS_EVENTS, 10, 30);
}

#[test]
fn signalling_becomes_tones() {
    check(&Hears::Signalled, Says::Sound, 0, 0);
    check(&Hears::Signalled, Says::Sound, 10, 15);
}

#[test]
fn digits_reach_their_ear_although_the_sender_says_nothing_else() {
    for says in [AS_EVENTS, Says::Sound] {
        for hears in [events(), Hears::Signalled] {
            let talker = Talker { silent: true, ..Talker::new(hears.clone(), 8_000) };
            let ear = live(talker, plan(&hears, says), 0, 0, 5);
            let found = if says == Says::Sound { ear.heard() } else { ear.events };
            assert_eq!(found, DIALLED, "{hears:?} to {says:?}");
        }
    }
}

#[test]
fn sound_that_need_not_be_touched_passes_and_its_numbers_have_no_holes() {
    for (hears, says) in [(events(), Says::Signalled), (Hears::Signalled, AS_EVENTS), (events(), AS_EVENTS)] {
        let digits = DigitPlan { hears: hears.clone(), says };
        assert!(!digits.touches_sound());
        let plan = Plan::passing(Some(digits), 20);
        let ear = live(Talker::new(hears, 8_000), plan, 0, 0, 3);
        let found = if says == Says::Signalled { &ear.signalled } else { &ear.events };
        assert_eq!(found, DIALLED);
        assert_eq!(ear.heard(), "");
        assert!(
            ear.sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)),
            "{:?}",
            ear.sequences
        );
    }
    assert!(DigitPlan { hears: Hears::Sound, says: AS_EVENTS }.touches_sound());
}

#[test]
fn events_of_a_wide_clock_become_those_of_a_narrow_one() {
    let hears = Hears::Events(vec![(EVENTS_IN, 48_000)]);
    let ear = live(Talker::new(hears.clone(), 48_000), plan(&hears, AS_EVENTS), 10, 20, 11);
    assert_eq!(ear.events, DIALLED);
}

#[test]
fn a_digit_does_not_show_itself() {
    let shown = format!("{:?}", Digit { event: 7, duration_ms: 100 });
    assert!(!shown.contains('7'), "{shown}");
}
