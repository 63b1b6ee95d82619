//! Calls to store, and a directory that goes away with its test.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use b2bua::{
    AttemptFacts, AttemptRecord, CallFacts, CallKey, CallRecord, JournalEvent, MediaRecord, ReleasedBy,
    TransferHow, TransferRecord,
};
use base::{ReasonId, WallTime};
use media::{DropReason, Report, Security, StreamReport};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::{Store, StoreOptions};

/// A directory below the system's for temporary files, removed at the end.
pub struct Room(pub PathBuf);

impl Room {
    pub fn new(name: &str) -> Room {
        Room::below(&std::env::temp_dir(), name)
    }

    /// In memory where the system has a place for that: for tests that open very many stores.
    pub fn in_memory(name: &str) -> Room {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Room::below(memory, name) } else { Room::new(name) }
    }

    fn below(parent: &Path, name: &str) -> Room {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("tronco-store-{}-{name}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Room(path)
    }

    pub fn jsonl(&self) -> PathBuf {
        self.0.join("records.jsonl")
    }

    pub fn open(&self) -> Store {
        Store::open(&self.0, self.options()).unwrap().0
    }

    pub fn options(&self) -> StoreOptions {
        StoreOptions { jsonl: Some(self.jsonl()), node: "ber-1".to_owned(), ..StoreOptions::default() }
    }

    pub fn segments(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = std::fs::read_dir(self.0.join("journal"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "journal"))
            .collect();
        all.sort();
        all
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// 2026-11-05T10:00:00Z.
pub const DAWN: u64 = 1_793_872_800_000_000;

pub fn at(second: u64) -> WallTime {
    WallTime(DAWN + second * 1_000_000)
}

pub fn facts(number: u128) -> Arc<CallFacts> {
    Arc::new(CallFacts {
        node: "ber-1".into(),
        trunk: "pbx".into(),
        site: "berlin".into(),
        trace_id: format!("{number:032x}").into(),
        source: "10.10.0.21:5060".parse().unwrap(),
        sip_call_id: format!("a-{number:x}@10.10.0.21").into(),
        caller_received: "100".into(),
        called_received: "0044 1632 960001".into(),
        asserted_received: "<sip:+493023125100@ber.example>".into(),
        preferred_received: "<sip:100@ber.example>".into(),
        diversion_received: "".into(),
        revision: 7,
    })
}

/// The rows that name somebody in each attempt's INVITE.
pub const SENT: &[u8] = b"From: \"Alice, B\" <sip:+493023125100@ber.example>;tag=1\r\n\
    P-Asserted-Identity: <sip:+493023125000@ber.example>\r\nPrivacy: none\r\n";

pub fn attempt_facts(number: u16, call: u128) -> Arc<AttemptFacts> {
    Arc::new(AttemptFacts {
        number,
        tier: 0,
        trunk: if number == 1 { "flex".into() } else { "elastic".into() },
        site: if number == 1 { "".into() } else { "london".into() },
        gateway: "sip.elastic.example".into(),
        target: "[2001:db8::7]:5061".parse().unwrap(),
        transport: "tls",
        sip_call_id: format!("b-{call:x}-{number}@ber-1").into(),
        caller_sent: "+493023125100".into(),
        called_sent: "+441632960001".into(),
        sent: b2bua::Sent::of(SENT),
    })
}

/// A minute of sound that was held for 12 ms.
const HELD: media::Tally = media::Tally {
    lost: 0,
    late: 0,
    concealed_ms: 0,
    heard_ms: 60_000,
    silent_ms: 0,
    refused: 0,
    overflowed: 0,
    held_ms: 0,
    held_max_ms: 60,
    held_sum: 60_000 * 12,
    adapted: 0,
    early: 0,
    put_in_ms: 0,
    left_out_ms: 40,
};

pub fn report() -> Box<Report> {
    let mut stream = StreamReport {
        packets: 3_000,
        expected: 3_010,
        lost: 10,
        jitter_ms: 1.5,
        jitter_max_ms: 4.25,
        rtt_ms: Some(23.4),
        mos_min: 398,
        mos_avg: 421,
        silence_max: Duration::from_millis(120),
        source: Some("192.0.2.7:40000".parse().unwrap()),
        security: Some(Security::Plain),
        drift_ppm: Some(-12.34),
        packet_ms: 20,
        silent: Some(0.25),
        bridged: Some(HELD),
        peer_voip: Some(media::VoipMetrics {
            mos_listening: Some(40),
            r_factor: Some(82),
            burst_ms: 120,
            ..media::VoipMetrics::default()
        }),
        ..StreamReport::default()
    };
    stream.dropped.add(DropReason::ForeignSource);
    Box::new(Report {
        duration: Duration::from_secs(60),
        a: vec![stream],
        b: vec![StreamReport {
            one_way: true,
            one_way_why: Some(media::OneWay::Nothing),
            ..StreamReport::default()
        }],
        uncopied: 0,
    })
}

pub fn failed_attempt(call: u128, start: WallTime) -> AttemptRecord {
    AttemptRecord {
        facts: attempt_facts(1, call),
        start,
        progress: None,
        answer: None,
        end: Some(WallTime(start.0 + 50_000)),
        status: 503,
        q850: Some(34),
        reason: ReasonId::PeerUnavailable,
    }
}

/// An answered call of 60 s after a failed first attempt.
pub fn record(call: u128, start: WallTime) -> Box<CallRecord> {
    let later = |ms: u64| Some(WallTime(start.0 + ms * 1_000));
    Box::new(CallRecord {
        key: CallKey(call),
        facts: facts(call),
        route: "world".into(),
        caller: "+493023125100".into(),
        called: "+441632960001".into(),
        start,
        progress: later(300),
        early_media: later(350),
        answer: later(5_000),
        end: WallTime(start.0 + 65_000_000),
        status: 200,
        q850: 16,
        reason: ReasonId::HangupA,
        released_by: ReleasedBy::Caller,
        decision: "route world: flex 503, elastic, \"spill-over\"".into(),
        recording: "rec: ok".into(),
        attempts: vec![
            failed_attempt(call, start),
            AttemptRecord {
                facts: attempt_facts(2, call),
                start: WallTime(start.0 + 51_000),
                progress: later(290),
                answer: later(4_990),
                end: later(65_000),
                status: 200,
                q850: None,
                reason: ReasonId::HangupA,
            },
        ],
        transfers: vec![transfer(1, 200)],
        media: Some(MediaRecord { report: report(), codec: "PCMA".into() }),
    })
}

/// A blind transfer of the caller's.
pub fn transfer(number: u16, status: u16) -> TransferRecord {
    TransferRecord {
        number,
        at: WallTime(1_793_872_800_000_000),
        how: TransferHow::Blind,
        by: ReleasedBy::Caller,
        trunk: "pbx".into(),
        from: "+493023125100".into(),
        to: "+441632960002".into(),
        with: Some(CallKey(0xbeef)),
        status,
    }
}

pub fn transferred(call: u128, at: WallTime, transfer: TransferRecord) -> JournalEvent {
    JournalEvent::Transfer { call: CallKey(call), at, transfer: Box::new(transfer) }
}

pub fn accepted(call: u128, at: WallTime) -> JournalEvent {
    JournalEvent::Accepted { call: CallKey(call), at, facts: facts(call) }
}

pub fn attempted(call: u128, number: u16, at: WallTime) -> JournalEvent {
    JournalEvent::Attempt { call: CallKey(call), at, facts: attempt_facts(number, call) }
}

pub fn answered(call: u128, attempt: u16, at: WallTime) -> JournalEvent {
    JournalEvent::Answered { call: CallKey(call), at, attempt }
}

pub fn ended(record: Box<CallRecord>) -> JournalEvent {
    JournalEvent::Ended { record }
}

/// Call and id of each line of a JSON lines file.
pub fn lines(path: &Path) -> Vec<store::StoredCall> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the file ends with a whole line");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
