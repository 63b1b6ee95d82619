//! Records by themselves: stored whole, found by every filter, exported, kept and removed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;
use b2bua::{CallKey, ReleasedBy};
use base::{ReasonId, WallTime};
use common::*;
use store::{Format, MediaRow, Moment, QualityRow, Query, Store, StoreError, StoreOptions, StoredCall};

fn store_with(room: &Room, calls: impl IntoIterator<Item = Box<b2bua::CallRecord>>) -> Store {
    let store = room.open();
    let mut journal = store.journal().unwrap();
    for call in calls {
        journal.append(&[accepted(call.key.0, call.start), ended(call)]).unwrap();
    }
    store.flush().unwrap();
    store
}

fn check_sound(media: &MediaRow<'_>) {
    let caller = &media.from_caller;
    assert_eq!(
        (caller.quality.value("drift_ppm"), caller.quality.value("silent")),
        (Some(-12.3), Some(0.25))
    );
    assert_eq!((&*caller.one_way_why, &*media.from_callee.one_way_why), ("", "nothing"));
    assert_eq!(media.from_callee.quality, QualityRow::default(), "nothing was measured of it");
    let held = ["buffer_ms", "buffer_max_ms", "buffer_late", "buffer_changes", "stretched_ms", "cut_ms"];
    let held = held.map(|name| caller.quality.value(name));
    assert_eq!(held, [12.0, 60.0, 0.0, 0.0, 0.0, 40.0].map(Some));
    let told = ["peer_mos", "peer_mos_listening", "peer_r_factor", "peer_burst_ms", "peer_rtt_ms"];
    let told = told.map(|name| media.from_caller.quality.value(name));
    assert_eq!(told, [Some(4.0), Some(4.0), Some(82.0), Some(120.0), None]);
}

#[test]
fn a_record_comes_back_whole() {
    let room = Room::new("whole");
    let store = store_with(&room, [record(0xfeed, at(1))]);
    let calls = store.query(&Query::default()).unwrap();
    let [call] = calls.as_slice() else { panic!("one record") };
    assert_eq!((call.id, call.call, call.revision), (1, CallKey(0xfeed), 7));
    assert_eq!((&*call.node, &*call.trunk_in, &*call.trunk_out), ("ber-1", "pbx", "elastic"));
    assert_eq!((&*call.source, &*call.route), ("10.10.0.21:5060", "world"));
    assert_eq!((&*call.caller, &*call.called_received), ("+493023125100", "0044 1632 960001"));
    assert_eq!(call.start, at(1).into());
    assert_eq!(call.answer, Some(at(6).into()));
    assert_eq!((call.post_dial_delay_ms, call.duration_ms), (Some(300), 60_000));
    assert_eq!((call.status, call.q850, call.end_estimated), (200, 16, false));
    assert_eq!((&*call.reason, &*call.blame, &*call.released_by), ("P-HANGUP-A", "caller", "caller"));
    let [first, second] = call.attempts.as_slice() else { panic!("two attempts") };
    assert_eq!((first.status, first.q850, &*first.reason), (503, Some(34), "P-SERVICE-UNAVAILABLE"));
    assert_eq!((&*second.target, &*second.transport), ("[2001:db8::7]:5061", "tls"));
    assert_eq!(second.end, Some(at(66).into()));
    let [transfer] = call.transfers.as_slice() else { panic!("one transfer") };
    assert_eq!((&*transfer.how, &*transfer.by, &*transfer.to), ("blind", "caller", "+441632960002"));
    assert_eq!((&*transfer.with, transfer.status), ("0000000000000000000000000000beef", 200));
    let media = call.media.as_ref().unwrap();
    assert_eq!((&*media.codec, media.duration_ms), ("PCMA", 60_000));
    let caller = &media.from_caller;
    assert_eq!((caller.packets, caller.expected, caller.lost, caller.dropped), (3_000, 3_010, 10, 1));
    assert_eq!((caller.jitter_us, caller.jitter_max_us, caller.rtt_us), (1_500, 4_250, Some(23_400)));
    assert_eq!((caller.mos_min, caller.mos_avg, caller.silence_max_ms), (Some(398), Some(421), 120));
    assert_eq!((&*caller.security, &*media.from_callee.security), ("none", ""));
    check_sound(media);
    assert!(media.from_callee.one_way && media.from_callee.mos_min.is_none());

    let written = lines(&room.jsonl());
    assert_eq!(written, calls, "the line says what the row says");
    let line = std::fs::read_to_string(room.jsonl()).unwrap();
    assert!(line.starts_with(r#"{"format":1,"id":1,"call":"0000000000000000000000000000feed","#), "{line}");
    for part in [r#""start":"2026-11-05T10:00:01.000000Z""#, r#""mos_avg":4.21"#, r#""jitter_max_ms":4.25"#] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// Ten calls, a minute apart; the third was busy on another number, the fourth never left.
fn ten(room: &Room) -> Store {
    store_with(
        room,
        (0..10_u128).map(|n| {
            let mut call = record(0x100 + n, at(60 * n as u64));
            if n == 2 {
                (call.status, call.reason, call.released_by) = (486, ReasonId::Busy, ReleasedBy::Callee);
                (call.answer, call.called) = (None, "+441632960999".into());
            }
            if n == 3 {
                (call.status, call.reason, call.released_by) = (404, ReasonId::NoRoute, ReleasedBy::Us);
                (call.answer, call.media) = (None, None);
                call.attempts.clear();
            }
            call
        }),
    )
}

fn ids(calls: &[StoredCall]) -> Vec<i64> {
    calls.iter().map(|call| call.id).collect()
}

#[test]
fn every_filter_finds_its_records() {
    let room = Room::new("filters");
    let store = ten(&room);
    let check = |query: Query, expected: &[i64]| {
        assert_eq!(ids(&store.query(&query).unwrap()), expected, "{query:?}");
    };
    let all = Query::default;
    let text = |s: &str| Some(s.to_owned());
    check(all(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    check(Query { newest_first: true, limit: 2, ..all() }, &[10, 9]);
    check(Query { newest_first: true, before: Some(9), limit: 2, ..all() }, &[8, 7]);
    check(Query { after: Some(8), ..all() }, &[9, 10]);
    check(Query { since: Some(at(60).into()), until: Some(at(180).into()), ..all() }, &[2, 3]);
    check(Query { number: text("+441632960999"), ..all() }, &[3]);
    check(Query { number: text("*960999"), ..all() }, &[3]);
    check(Query { number: text("+49*"), after: Some(8), ..all() }, &[9, 10]);
    check(Query { number: text("100"), limit: 1, ..all() }, &[1]);
    check(Query { number: text("[0-9]*"), ..all() }, &[]);
    check(Query { number: text("'; DROP TABLE call; --"), ..all() }, &[]);
    check(Query { trunk: text("flex"), until: Some(at(61).into()), ..all() }, &[1, 2]);
    check(Query { trunk: text("pbx"), reason: text("R-NO-ROUTE"), ..all() }, &[4]);
    check(Query { trunk: text("flex"), reason: text("R-NO-ROUTE"), ..all() }, &[]);
    check(Query { trunk: text("lex"), ..all() }, &[]);
    check(Query { status: Some(486), ..all() }, &[3]);
    check(Query { call: Some(CallKey(0x105)), ..all() }, &[6]);
    check(Query { call: Some(CallKey(0x105)), status: Some(404), ..all() }, &[]);
    check(Query { call: Some(CallKey(1)), ..all() }, &[]);
    assert_eq!(ids(&store.tail(7).unwrap()), [8, 9, 10]);
    assert_eq!(store.last_id().unwrap(), 10);
}

#[test]
fn exports_say_the_same_in_every_format() {
    let room = Room::new("export");
    let store = ten(&room);
    let export = |query: &Query, format| {
        let mut out = Vec::new();
        let count = store.export(query, format, &mut out).unwrap();
        (count, String::from_utf8(out).unwrap())
    };
    let (count, csv) = export(&Query::default(), Format::Csv);
    assert_eq!(count, 10);
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 11);
    let columns = rows[0].split(',').count();
    assert!(rows[1].contains(r#""route world: flex 503, elastic, ""spill-over""""#), "{}", rows[1]);
    // One quoted field holds two commas, and the caller's name as sent one.
    assert_eq!(rows[1].split(',').count(), columns + 3);
    assert_eq!(rows[4].split(',').count(), columns + 2);
    assert!(rows[4].contains("R-NO-ROUTE"));
    let (_, attempts) = export(&Query::default(), Format::CsvAttempts);
    assert_eq!(attempts.lines().count(), 1 + 9 * 2);
    assert!(attempts.lines().skip(1).all(|line| line.split(',').count() == 30), "a name has a comma");
    assert!(attempts.lines().next().unwrap().ends_with(",referred_by_sent"));
    let (count, jsonl) = export(&Query { status: Some(200), ..Query::default() }, Format::Jsonl);
    assert_eq!((count, jsonl.lines().count()), (8, 8));
    let (count, newest) = export(&Query { newest_first: true, limit: 3, ..Query::default() }, Format::Jsonl);
    let first: StoredCall = serde_json::from_str(newest.lines().next().unwrap()).unwrap();
    assert_eq!((count, first.id), (3, 10));
}

/// Scripts read columns by their places: a column that is added goes to the end of `data/columns.txt`.
#[test]
fn columns_of_exports_keep_their_places() {
    let room = Room::new("columns");
    let store = ten(&room);
    let tables = include_str!("data/columns.txt").split("## ").skip(1);
    for (table, format) in tables.zip([Format::Csv, Format::CsvAttempts]) {
        let mut out = Vec::new();
        store.export(&Query::default(), format, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let expected: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(header, expected, "{format:?}");
    }
}

#[test]
fn the_same_end_twice_is_one_record() {
    let room = Room::new("twice");
    let store = room.open();
    let mut journal = store.journal().unwrap();
    journal.append(&[ended(record(1, at(0))), ended(record(1, at(0)))]).unwrap();
    store.flush().unwrap();
    journal.append(&[ended(record(1, at(0)))]).unwrap();
    store.flush().unwrap();
    assert_eq!(store.query(&Query::default()).unwrap().len(), 1);
    assert_eq!((store.stats().records, store.stats().records_repeated), (1, 2));
    assert_eq!(lines(&room.jsonl()).len(), 1);
}

#[test]
fn old_records_are_removed_and_ids_never_come_again() {
    let room = Room::new("purge");
    // Long ago, and in the year 2100, so that the clock of the test does not matter.
    let old = record(1, WallTime(1_000_000));
    let new = record(2, WallTime(4_107_542_400_000_000));
    let options = StoreOptions { keep_days: 60, ..room.options() };
    {
        let (store, _) = Store::open(&room.0, options.clone()).unwrap();
        let mut journal = store.journal().unwrap();
        journal.append(&[ended(new), ended(old)]).unwrap();
        store.flush().unwrap();
        assert_eq!(store.query(&Query::default()).unwrap().len(), 2);
    }
    let (store, _) = Store::open(&room.0, options.clone()).unwrap();
    store.flush().unwrap();
    assert_eq!(ids(&store.query(&Query::default()).unwrap()), [1]);
    assert_eq!(store.stats().purged, 1);
    drop(store);
    let (store, _) = Store::open(&room.0, options).unwrap();
    let mut journal = store.journal().unwrap();
    journal.append(&[ended(record(3, at(0)))]).unwrap();
    store.flush().unwrap();
    assert_eq!(store.last_id().unwrap(), 3);
    assert_eq!(ids(&lines(&room.jsonl())), [1, 2, 3]);
}

#[test]
fn a_second_process_is_kept_out_and_a_damaged_database_is_set_aside() {
    let room = Room::new("lock");
    let store = room.open();
    assert!(matches!(Store::open(&room.0, room.options()), Err(StoreError::InUse { .. })));
    drop(store);
    for side in ["records.sqlite-wal", "records.sqlite-shm"] {
        let _ = std::fs::remove_file(room.0.join(side));
    }
    std::fs::write(room.0.join("records.sqlite"), [0x5a; 8_192]).unwrap();
    let store = room.open();
    assert_eq!(store.last_id().unwrap(), 0);
    let aside = std::fs::read_dir(&room.0)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("records.damaged-"))
        .count();
    assert_eq!(aside, 1);
}

#[test]
fn moments_are_read_and_written() {
    let moment: Moment = "2026-11-05T10:00:00Z".parse().unwrap();
    assert_eq!(moment, Moment(DAWN));
}
