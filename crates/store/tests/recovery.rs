//! What a killed process leaves: cut calls, torn tails, damage, rotation. The process is played
//! by a store whose journal files are put aside before they are deleted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
use common::*;
use std::fs;
use std::path::PathBuf;
use store::{Query, Recovered, Store, StoreOptions, StoredCall};

/// Appends events and gives the bytes of the journal as a kill would have left them.
fn journal_of(events: &[b2bua::JournalEvent]) -> Vec<u8> {
    let room = Room::new("source");
    let store = room.open();
    let mut journal = store.journal().unwrap();
    journal.append(events).unwrap();
    let segments = room.segments();
    assert_eq!(segments.len(), 1);
    fs::read(&segments[0]).unwrap()
}

fn place(room: &Room, name: &str, bytes: &[u8]) -> PathBuf {
    let directory = room.0.join("journal");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

const FIRST: &str = "0000000000000001-0000-00000001.journal";

fn recover(bytes: &[u8]) -> (Room, Store, Recovered) {
    let room = Room::in_memory("recover");
    place(&room, FIRST, bytes);
    let (store, recovered) = Store::open(&room.0, room.options()).unwrap();
    (room, store, recovered)
}

fn all(store: &Store) -> Vec<StoredCall> {
    store.query(&Query { limit: 10_000, ..Query::default() }).unwrap()
}

fn story() -> Vec<b2bua::JournalEvent> {
    vec![
        accepted(1, at(0)),
        attempted(1, 1, at(0)),
        b2bua::JournalEvent::AttemptFailed {
            call: b2bua::CallKey(1),
            at: at(1),
            attempt: 1,
            status: 503,
            reason: base::ReasonId::PeerUnavailable,
        },
        attempted(1, 2, at(1)),
        b2bua::JournalEvent::Progress { call: b2bua::CallKey(1), at: at(2), attempt: 2, status: 180 },
        accepted(2, at(3)),
        answered(1, 2, at(4)),
        ended(record(3, at(0))),
    ]
}

#[test]
fn a_cut_call_has_a_record_with_all_that_was_known() {
    let (room, store, recovered) = recover(&journal_of(&story()));
    assert_eq!(recovered, Recovered { crashed_calls: 2, replayed_records: 1, ..Recovered::default() });
    let calls = all(&store);
    assert_eq!(calls.len(), 3);
    let cut = calls.iter().find(|call| call.call.0 == 1).unwrap();
    assert_eq!((&*cut.reason, &*cut.released_by, &*cut.blame), ("X-CRASHED", "tronco", "us"));
    assert_eq!((cut.status, cut.q850, cut.end_estimated), (200, 41, true));
    assert_eq!((cut.start, cut.progress), (at(0).into(), Some(at(2).into())));
    assert_eq!((cut.answer, cut.end), (Some(at(4).into()), at(4).into()));
    assert_eq!((&*cut.trunk_in, &*cut.trunk_out), ("pbx", "elastic"));
    assert_eq!((&*cut.caller, &*cut.called), ("100", "0044 1632 960001"));
    let [first, second] = cut.attempts.as_slice() else { panic!("two attempts") };
    for attempt in [first, second] {
        let sent: Vec<_> = attempt.sent.named().collect();
        let from = ("from", "\"Alice, B\" <sip:+493023125100@ber.example>");
        assert_eq!(sent, [from, ("asserted", "<sip:+493023125000@ber.example>"), ("privacy", "none")]);
    }
    assert_eq!((first.status, first.end, &*first.reason), (503, Some(at(1).into()), "P-SERVICE-UNAVAILABLE"));
    assert_eq!((second.status, second.answer), (200, Some(at(4).into())));
    assert_eq!((second.end, &*second.reason), (Some(at(4).into()), "X-CRASHED"));
    let ringing = calls.iter().find(|call| call.call.0 == 2).unwrap();
    assert_eq!((ringing.status, ringing.duration_ms, ringing.attempts.len()), (0, 0, 0));
    assert_eq!(lines(&room.jsonl()).len(), 3);
    assert!(room.segments().is_empty(), "nothing is left to recover");
    drop(store);
    let (store, recovered) = Store::open(&room.0, room.options()).unwrap();
    assert_eq!(recovered, Recovered::default());
    assert_eq!(all(&store).len(), 3);
    assert_eq!(lines(&room.jsonl()).len(), 3);
}

#[test]
fn a_cut_call_of_several_attempts_at_once_names_the_one_that_answered() {
    let lost = b2bua::JournalEvent::AttemptFailed {
        call: b2bua::CallKey(1),
        at: at(2),
        attempt: 2,
        status: 0,
        reason: base::ReasonId::Elsewhere,
    };
    let both = [accepted(1, at(0)), attempted(1, 1, at(0)), attempted(1, 2, at(0))];
    let story: Vec<_> = both.iter().cloned().chain([lost, answered(1, 1, at(2))]).collect();
    let (_room, store, _) = recover(&journal_of(&story));
    let [cut]: [StoredCall; 1] = all(&store).try_into().unwrap();
    assert_eq!((&*cut.trunk_out, cut.status, cut.last_attempt().unwrap().number), ("flex", 200, 1));
    // Cut while both rang: each has its end.
    let (_room, store, _) = recover(&journal_of(&both));
    let [cut]: [StoredCall; 1] = all(&store).try_into().unwrap();
    assert!(cut.attempts.iter().all(|a| &*a.reason == "X-CRASHED" && a.end == Some(cut.end)));
    assert_eq!(cut.attempts.len(), 2);
}

#[test]
fn a_cut_call_that_was_routed_has_its_route_and_normalised_numbers() {
    let call = b2bua::CallKey(1);
    let routed = b2bua::JournalEvent::Routed {
        call,
        at: at(0),
        route: "world".into(),
        caller: "+493023125100".into(),
        called: "+441632960001".into(),
        decision: "route world".into(),
    };
    let (_room, store, _) = recover(&journal_of(&[accepted(1, at(0)), routed, attempted(1, 2, at(0))]));
    let [cut] = all(&store).try_into().unwrap();
    let cut: StoredCall = cut;
    assert_eq!((&*cut.caller, &*cut.called, &*cut.route), ("+493023125100", "+441632960001", "world"));
    assert_eq!((&*cut.caller_received, &*cut.reason), ("100", "X-CRASHED"));
    assert_eq!(&*cut.decision, "route world; written from the journal at the next start");
    assert_eq!((&*cut.site_in, &*cut.site_out, cut.trace_id.len()), ("berlin", "london", 32));
    assert_eq!(&*cut.preferred_received, "<sip:100@ber.example>");
}

#[test]
fn the_end_of_a_cut_call_is_when_its_run_last_lived() {
    let room = Room::new("alive");
    place(&room, FIRST, &journal_of(&story()));
    let beat = at(100).0.to_le_bytes();
    let mut alive = beat.to_vec();
    alive.extend_from_slice(&crc32fast::hash(&beat).to_le_bytes());
    let path = place(&room, "0000000000000001.alive", &alive);
    let (store, _) = Store::open(&room.0, room.options()).unwrap();
    let calls = all(&store);
    let cut = calls.iter().find(|call| call.call.0 == 1).unwrap();
    assert_eq!((cut.end, cut.duration_ms), (at(100).into(), 96_000));
    assert!(!path.exists());
}

/// The tail of a journal may end at any byte. Before, a reader that trusts lengths would take a
/// part of an event for the whole, or stop with an error and lose what came before.
#[test]
fn a_tail_torn_at_any_byte_loses_only_the_event_it_cut() {
    let bytes = journal_of(&[accepted(1, at(0)), answered(1, 1, at(4)), ended(record(2, at(0)))]);
    let mut seen = (0, 0);
    for cut in (0..=bytes.len()).rev() {
        let (_room, store, recovered) = recover(&bytes[..cut]);
        let found = (recovered.crashed_calls, recovered.replayed_records);
        if cut == bytes.len() {
            assert_eq!((found, recovered.corrupt_bytes), ((1, 1), 0));
            seen = found;
        }
        assert!(found <= seen, "less and less is there");
        assert_eq!(all(&store).len(), found.0 + found.1);
        seen = found;
    }
    assert_eq!(seen, (0, 0));
}

#[test]
fn damaged_bytes_cost_at_most_their_events_and_never_a_panic() {
    let bytes = journal_of(&story());
    let mut random = base::Rng::new((11, 7));
    for _ in 0..60 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.below(4) {
            let place = random.below(damaged.len() as u64) as usize;
            damaged[place] = random.below(256) as u8;
        }
        let (_room, store, recovered) = recover(&damaged);
        assert!(all(&store).len() <= 3);
        assert!(recovered.crashed_calls + recovered.replayed_records <= 3);
    }
    let noise: Vec<u8> = (0..50_000).map(|_| random.below(256) as u8).collect();
    let (_room, store, _) = recover(&noise);
    assert!(all(&store).is_empty());
}

#[test]
fn a_newer_version_is_left_alone() {
    let room = Room::new("newer");
    let path = place(&room, FIRST, b"TRNCJRL\x09whatever");
    let (_store, recovered) = Store::open(&room.0, room.options()).unwrap();
    assert_eq!(recovered.unknown_segments, 1);
    assert!(path.exists());
}

#[test]
fn segments_go_when_their_calls_are_over() {
    let room = Room::new("segments");
    let options = StoreOptions { segment_bytes: 4_096, ..room.options() };
    let (store, _) = Store::open(&room.0, options.clone()).unwrap();
    let mut journal = store.journal().unwrap();
    // One long call holds the first segment back, its answer the second.
    journal.append(&[accepted(1_000, at(0))]).unwrap();
    for call in 0..10 {
        journal.append(&[accepted(call, at(1)), ended(record(call, at(1)))]).unwrap();
    }
    journal.append(&[answered(1_000, 1, at(2))]).unwrap();
    for call in 10..200 {
        journal.append(&[accepted(call, at(1)), ended(record(call, at(1)))]).unwrap();
    }
    store.flush().unwrap();
    let stats = store.stats();
    assert!(stats.segments_opened > 20, "{stats:?}");
    assert_eq!(stats.segments_compacted, room.segments().len() as u64 - 1, "{stats:?}");
    let held: u64 = room.segments().iter().map(|p| fs::metadata(p).unwrap().len()).sum();
    assert!(held < 3 * 4_096, "{held} bytes are held back");

    // Killed now, the long call is cut, with its answer; nothing else comes twice.
    let other = Room::new("killed");
    for side in ["records.sqlite", "records.sqlite-wal"] {
        fs::copy(room.0.join(side), other.0.join(side)).unwrap();
    }
    for segment in room.segments() {
        place(&other, segment.file_name().unwrap().to_str().unwrap(), &fs::read(&segment).unwrap());
    }
    let (copy, recovered) = Store::open(&other.0, options).unwrap();
    assert_eq!(recovered.crashed_calls, 1);
    assert_eq!(recovered.replayed_records, 0);
    let cut = copy.query(&Query { call: Some(b2bua::CallKey(1_000)), ..Query::default() }).unwrap();
    assert_eq!(cut[0].answer, Some(at(2).into()));
    assert_eq!(all(&copy).len(), 201);

    // Ended, it lets go.
    journal.append(&[ended(record(1_000, at(0)))]).unwrap();
    drop(journal);
    store.flush().unwrap();
    assert!(room.segments().is_empty());
    assert_eq!(all(&store).len(), 201);
}

#[test]
fn a_refusing_disk_holds_events_and_stops_nothing() {
    let room = Room::new("refuse");
    let store = room.open();
    let mut journal = store.journal().unwrap();
    // A directory where the journal directory was: segments cannot be begun.
    let directory = room.0.join("journal");
    fs::rename(&directory, room.0.join("away")).unwrap();
    let refused = journal.append(&[accepted(1, at(0)), ended(record(1, at(0)))]);
    assert!(matches!(refused, Err(store::StoreError::JournalHeld { .. })), "{refused:?}");
    assert!(journal.append(&[accepted(2, at(0))]).is_err());
    let stats = store.stats();
    assert!(stats.append_errors >= 1 && stats.held_bytes > 0 && stats.events == 3, "{stats:?}");
    fs::rename(room.0.join("away"), &directory).unwrap();
    drop(journal);
    store.flush().unwrap();
    assert_eq!(all(&store).len(), 1);
    assert_eq!(store.stats().held_bytes, 0);
    drop(store);
    let (store, recovered) = Store::open(&room.0, room.options()).unwrap();
    assert_eq!(recovered.crashed_calls, 1, "the event that waited is on disk");
    assert_eq!(all(&store).len(), 2);
}

#[test]
fn rotation_is_noticed_and_costs_no_line() {
    let room = Room::new("rotate");
    let rotated = room.0.join("records.jsonl.1");
    {
        let store = room.open();
        let mut journal = store.journal().unwrap();
        for call in 0..5 {
            journal.append(&[ended(record(call, at(0)))]).unwrap();
            store.flush().unwrap();
        }
        fs::rename(room.jsonl(), &rotated).unwrap();
        journal.append(&[ended(record(5, at(0)))]).unwrap();
        store.flush().unwrap();
        assert_eq!(store.stats().line_reopens, 1);
    }
    assert_eq!(lines(&rotated).len(), 5);
    assert_eq!(lines(&room.jsonl()).len(), 1);
    // Taken away while the process was down: nothing is written again.
    fs::rename(room.jsonl(), room.0.join("records.jsonl.2")).unwrap();
    let store = room.open();
    assert_eq!(lines(&room.jsonl()).len(), 0);
    drop(store);
}

#[test]
fn a_torn_line_is_written_again_and_a_foreign_file_is_kept() {
    let room = Room::new("torn-line");
    {
        let store = room.open();
        let mut journal = store.journal().unwrap();
        journal.append(&[ended(record(1, at(0))), ended(record(2, at(0)))]).unwrap();
        store.flush().unwrap();
    }
    let whole = fs::read(room.jsonl()).unwrap();
    let second = whole.iter().position(|&b| b == b'\n').unwrap() + 1;
    for cut in [0, 1, second / 2, second - 1, second, second + 1, whole.len() - 1] {
        fs::write(room.jsonl(), &whole[..cut]).unwrap();
        // The position kept in SQLite is from before the lines, as after a kill.
        let database = rusqlite::Connection::open(room.0.join("records.sqlite")).unwrap();
        database.execute("DELETE FROM meta WHERE name LIKE 'jsonl%'", []).unwrap();
        drop(database);
        drop(room.open());
        assert!(fs::read(room.jsonl()).unwrap() == whole, "cut at {cut}");
    }
    fs::write(room.jsonl(), "somebody else's notes").unwrap();
    drop(room.open());
    assert_eq!(fs::read_to_string(room.jsonl()).unwrap(), "somebody else's notes\n");
}

#[test]
fn a_call_that_was_cut_in_the_middle_of_a_transfer_says_so() {
    let begun = [accepted(1, at(0)), attempted(1, 1, at(0)), answered(1, 1, at(1))];
    let failed = [transferred(1, at(2), transfer(1, 0)), transferred(1, at(3), transfer(1, 486))];
    let open = [transferred(1, at(4), transfer(2, 0)), attempted(1, 2, at(4))];
    let events: Vec<_> = begun.into_iter().chain(failed).chain(open).collect();
    let (_room, store, recovered) = recover(&journal_of(&events));
    assert_eq!(recovered.crashed_calls, 1);
    let [cut] = all(&store).try_into().unwrap();
    let cut: StoredCall = cut;
    let transfers: Vec<(u16, u16)> = cut.transfers.iter().map(|t| (t.number, t.status)).collect();
    assert_eq!(transfers, [(1, 486), (2, 0)]);
    assert_eq!((cut.answer, cut.attempts.len(), &*cut.reason), (Some(at(1).into()), 2, "X-CRASHED"));
}
