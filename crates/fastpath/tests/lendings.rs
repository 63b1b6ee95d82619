//! When directions of a session are lent and taken back: with a path of this test's in place of the kernel's, so that
//! it runs everywhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use base::Time;
use media::{
    Component, Datagram, FastPath, FastStatus, Home, Keys, Lane, Ledger, Lendings, Opening, Remote, Road,
    Session, SessionId, Side, Srtp, Unfit,
};
use srtp::{MasterKey, Suite};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// A path that opens when it is told to, and relays when the test says so.
#[derive(Debug)]
struct Path(Mutex<State>);

#[derive(Debug)]
struct State {
    answer: Opening,
    well: bool,
    lanes: BTreeMap<u32, (Lane, Option<Ledger>)>,
    given: u32,
}

impl Path {
    fn new() -> Path {
        Path(Mutex::new(State { answer: Opening::Opened, well: true, lanes: BTreeMap::new(), given: 0 }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn open_lanes(&self) -> usize {
        self.state().lanes.values().filter(|(_, ledger)| ledger.is_some()).count()
    }

    /// The next packets of what comes from a source.
    fn relay(&self, source: SocketAddr, packets: u64, at: Time) {
        let mut state = self.state();
        let (_, ledger) = state.lanes.values_mut().find(|(lane, _)| lane.expect == source).unwrap();
        let ledger = ledger.as_mut().unwrap();
        ledger.packets += packets;
        ledger.heard += packets;
        ledger.received += packets;
        ledger.highest += packets;
        ledger.bytes += 172 * packets;
        ledger.last = at.0;
    }
}

impl FastPath for Path {
    fn watch(&self, lane: &Lane, _road: &Road, _now: Time) -> Option<u32> {
        let mut state = self.state();
        state.given += 1;
        let number = state.given;
        state.lanes.insert(number, (*lane, None));
        Some(number)
    }

    fn open(&self, lane: u32, ledger: &Ledger) -> Opening {
        let mut state = self.state();
        if state.answer == Opening::Opened {
            state.lanes.get_mut(&lane).unwrap().1 = Some(*ledger);
        }
        state.answer
    }

    fn read(&self, lane: u32) -> Ledger {
        self.state().lanes[&lane].1.unwrap()
    }

    fn end_spans(&self, _lane: u32, _spans: u32) {}

    fn is_well(&self, _lane: u32) -> bool {
        self.state().well
    }

    fn close(&self, lane: u32) -> Option<Ledger> {
        let (lane, ledger) = self.state().lanes.remove(&lane).unwrap();
        ledger.filter(|_| !lane.touched)
    }

    fn exit(&self, to: SocketAddr, _road: &Road) -> Option<u32> {
        let mut state = self.state();
        state.given += 1;
        let number = state.given;
        let (payload_types, changed) = ([0; 2], Time::ZERO);
        let lane = Lane { expect: to, to, payload_types, ssrc: 0, rate: 0, changed, touched: true };
        state.lanes.insert(number, (lane, None));
        Some(number)
    }

    fn status(&self) -> FastStatus {
        FastStatus::default()
    }
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(172, 0xd5);
    packet
}

struct Call {
    path: Path,
    session: Session,
    lendings: Lendings,
    now: Time,
    a: SocketAddr,
    b: SocketAddr,
    sequence: u16,
}

impl Call {
    /// Both sides have been heard.
    fn new() -> Call {
        Call::with(Srtp::Off)
    }

    /// The same, protected on the side of B.
    fn with(srtp: Srtp) -> Call {
        let (a, b) = (at("192.0.2.1:4000"), at("198.51.100.2:5000"));
        let mut session = Session::new(SessionId(1), Time::ZERO, 1);
        session.set(Time::ZERO, Side::A, 0, Remote::audio(a));
        session.set(Time::ZERO, Side::B, 0, Remote { srtp, ..Remote::audio(b) });
        let (path, lendings, now) = (Path::new(), Lendings::default(), Time::ZERO);
        let mut call = Call { path, session, lendings, now, a, b, sequence: 0 };
        call.speak(10);
        call
    }

    /// Both sides speak, and are heard by the session itself.
    fn speak(&mut self, packets: u16) {
        for _ in 0..packets {
            self.now = self.now + Duration::from_millis(20);
            for (side, source, ssrc) in [(Side::A, self.a, 1), (Side::B, self.b, 2)] {
                let mut buffer = packet(ssrc, self.sequence);
                let datagram = Datagram { length: buffer.len(), buffer: &mut buffer };
                self.session.on_packet(self.now, side, 0, Component::Rtp, source, datagram);
            }
            self.sequence += 1;
        }
    }

    /// Time goes on for the lendings.
    fn advance(&mut self) {
        self.advance_at(None);
    }

    /// The same of a worker who may have rings.
    fn advance_at(&mut self, home: Option<Home>) {
        let road = Road { local: at("192.0.2.9:20000"), from: at("198.51.100.9:30000"), dscp: 46, home };
        let now = self.now;
        self.lendings.advance(&self.path, &mut self.session, |_| Some(road), || now);
    }

    fn lent() -> Call {
        let mut call = Call::new();
        call.advance();
        assert_eq!(call.path.open_lanes(), 0, "watched first");
        call.advance();
        assert_eq!(call.path.open_lanes(), 2);
        call
    }

    /// A datagram comes up from A.
    fn meet(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.lendings.meet(&self.path, &mut self.session, self.now, (Side::A, 0), (source, bytes));
    }

    fn heard(&self) -> [u64; 2] {
        let report = self.session.report(self.now);
        [report.a[0].packets, report.b[0].packets]
    }
}

#[test]
fn a_direction_is_lent_when_both_sides_were_heard_often_enough() {
    let mut call = Call::new();
    assert!(call.session.lane(Side::A, 0).is_ok() && call.session.lane(Side::B, 0).is_ok());
    call.session.set(call.now, Side::B, 0, Remote { ptime_ms: 30, ..Remote::audio(call.b) });
    assert_eq!(call.session.lane(Side::A, 0), Err(Unfit::Quiet), "B has not been heard since");
    call.session.set(call.now, Side::B, 0, Remote { receive: false, ..Remote::audio(call.b) });
    assert!(call.session.lane(Side::A, 0).is_ok(), "B may not send");
    assert_eq!(call.session.lane(Side::B, 0), Err(Unfit::Held));
    call.session.set(call.now, Side::A, 0, Remote { udptl: true, ..Remote::audio(call.a) });
    assert_eq!(call.session.lane(Side::A, 0), Err(Unfit::NotRtp));
}

#[test]
fn what_the_path_counts_is_the_sessions() {
    let mut call = Call::lent();
    call.now = call.now + Duration::from_secs(1);
    call.path.relay(call.a, 50, call.now);
    call.lendings.sync(&call.path, &mut call.session);
    assert_eq!(call.heard(), [60, 10]);
    assert_eq!(call.lendings.take_passed(), (50, 8_600));
    call.path.relay(call.b, 7, call.now);
    call.lendings.recall(&call.path, &mut call.session);
    assert_eq!((call.heard(), call.lendings.take_passed()), ([60, 17], (7, 1_204)));
    assert!(call.lendings.is_empty() && call.path.state().lanes.is_empty());
    assert_eq!(call.session.report(call.now).a[0].last_packet_after, Some(call.now.since(Time::ZERO)));
}

#[test]
fn media_that_come_up_take_their_direction_back_for_a_while() {
    let mut call = Call::lent();
    call.path.relay(call.a, 3, call.now);
    call.meet(call.a, &packet(1, 14));
    assert_eq!((call.path.open_lanes(), call.heard()), (1, [13, 10]));
    call.now = call.now + Duration::from_secs(4);
    call.advance();
    assert_eq!(call.path.state().lanes.len(), 1);
    call.now = call.now + Duration::from_secs(1);
    call.advance();
    call.advance();
    assert_eq!(call.path.open_lanes(), 2);
}

#[test]
fn control_packets_and_strangers_leave_it_where_it_is() {
    let mut call = Call::lent();
    call.path.relay(call.a, 3, call.now);
    call.meet(call.a, &[0x80, 200, 0, 6]);
    call.meet(at("192.0.2.1:4002"), &packet(1, 14));
    call.meet(call.a, &[0, 1, 0, 0]);
    assert_eq!((call.path.open_lanes(), call.heard()), (2, [13, 10]));
}

#[test]
fn what_is_no_more_as_it_was_lent_is_taken_back() {
    let mut call = Call::lent();
    call.session.set(call.now, Side::B, 0, Remote { send: false, ..Remote::audio(call.b) });
    call.lendings.review(&call.path, &mut call.session);
    assert_eq!(call.path.state().lanes.len(), 0, "B is not sent to, and was not heard since");
    let mut call = Call::lent();
    call.path.state().well = false;
    call.advance();
    assert_eq!(call.path.open_lanes(), 0, "its next hop has moved");
    call.path.state().well = true;
    call.advance();
    assert_eq!(call.path.open_lanes(), 2);
}

#[test]
fn a_flow_that_the_path_cannot_have_is_left_alone_for_long() {
    let mut call = Call::new();
    call.path.state().answer = Opening::Never;
    call.advance();
    call.advance();
    assert!(call.lendings.is_empty());
    let given = call.path.state().given;
    call.now = call.now + Duration::from_secs(299);
    call.advance();
    assert_eq!(call.path.state().given, given);
    call.now = call.now + Duration::from_secs(1);
    call.advance();
    assert_eq!(call.path.state().given, given + 2);
}

/// A call that is protected on the side of B, who only hears, and the name of the worker who has rings.
fn touched() -> (Call, Option<Home>) {
    let keys = || {
        let key = || MasterKey::new(Suite::AesCm128Sha1_80, &[7; 30]).unwrap();
        Srtp::On(Box::new(Keys { receive: key(), send: key() }))
    };
    let mut call = Call::with(keys());
    let hears = Remote { srtp: keys(), receive: false, ..Remote::audio(call.b) };
    call.session.set(call.now, Side::B, 0, hears);
    call.speak(10);
    (call, Some(Home { rings: 0, token: 3 }))
}

#[test]
fn what_must_be_touched_is_lent_to_a_worker_with_rings_alone_and_counted_by_the_session() {
    let (mut call, home) = touched();
    assert!(call.session.lane(Side::A, 0).unwrap().touched);
    call.advance();
    assert_eq!(call.path.state().given, 0, "nobody would bring them");
    call.advance_at(home);
    assert_eq!((call.path.state().given, call.lendings.touched((Side::A, 0))), (1, None), "watched first");
    call.advance_at(home);
    assert_eq!(call.lendings.touched((Side::A, 0)), Some(1));
    let before = call.heard()[0];
    call.speak(5);
    call.lendings.sync(&call.path, &mut call.session);
    assert_eq!(call.heard()[0], before + 5, "the session counts what is brought to it");
    assert_eq!(call.lendings.take_passed(), (0, 0));
    assert!(!call.lendings.take_drained());
    call.lendings.recall(&call.path, &mut call.session);
    assert!(call.lendings.take_drained() && !call.lendings.take_drained());
    assert_eq!((call.heard()[0], call.lendings.touched((Side::A, 0))), (before + 5, None));
}

#[test]
fn a_direction_of_which_a_packet_is_brought_unsound_goes_to_its_socket_for_a_while() {
    let (mut call, home) = touched();
    call.advance_at(home);
    call.advance_at(home);
    call.lendings.refuse(&call.path, &mut call.session, call.now, (Side::A, 0));
    assert!(call.lendings.is_empty() && call.lendings.take_drained());
    call.now = call.now + Duration::from_secs(4);
    call.advance_at(home);
    assert!(call.lendings.is_empty());
    call.now = call.now + Duration::from_secs(1);
    call.advance_at(home);
    assert!(!call.lendings.is_empty());
}

#[test]
fn copies_for_a_recorder_have_a_way_out_by_rings_while_it_is_where_it_was() {
    let (mut call, home) = touched();
    call.session.serve_recorder(7);
    call.advance();
    assert_eq!(call.lendings.exit((Side::A, 0)), None, "this worker has no rings");
    call.advance_at(home);
    let ways = [Side::A, Side::B].map(|side| call.lendings.exit((side, 0)));
    assert!(ways.iter().all(Option::is_some) && call.path.open_lanes() == 0 && call.lendings.is_empty());
    let moved = at("198.51.100.3:5000");
    call.session.set(call.now, Side::B, 0, Remote { receive: false, ..Remote::audio(moved) });
    call.lendings.review(&call.path, &mut call.session);
    assert_eq!([Side::A, Side::B].map(|side| call.lendings.exit((side, 0))), [ways[0], None]);
    assert!(call.lendings.take_drained(), "what left by rings leaves before what will leave by sockets");
    call.advance_at(home);
    assert!(call.path.state().lanes.values().any(|(lane, _)| lane.to == moved));
    call.path.state().well = false;
    call.lendings.review(&call.path, &mut call.session);
    assert!(call.path.state().lanes.is_empty(), "its next hop has moved");
}
