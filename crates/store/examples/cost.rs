//! What a record costs: appends events of calls at full speed and prints the CPU time of each
//! thread for each call.
//!
//! `cargo run --release -p store --example cost -- [CALLS] [jsonl]`

use b2bua::{
    AttemptFacts, AttemptRecord, CallFacts, CallKey, CallRecord, JournalEvent, MediaRecord, ReleasedBy,
};
use base::{ReasonId, WallTime};
use std::sync::Arc;
use store::{Store, StoreOptions};

/// Calls whose events share one append, as one turn of a busy shard would give.
const CALLS_PER_APPEND: u128 = 8;
/// Calls between two passes of the writer: a quarter of a second at 2,000 calls/s.
const CALLS_PER_PASS: u128 = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let calls: u128 = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    let directory = std::env::temp_dir().join(format!("tronco-store-cost-{}", std::process::id()));
    let jsonl = arguments.iter().any(|a| a == "jsonl").then(|| directory.join("records.jsonl"));
    let (store, _) = Store::open(&directory, StoreOptions { jsonl, ..StoreOptions::default() })?;
    let mut journal = store.journal()?;
    let before = threads()?;
    let mut making = std::time::Duration::ZERO;
    let mut number = 0;
    while number < calls {
        let begun = std::time::Instant::now();
        let events: Vec<JournalEvent> = (number..number + CALLS_PER_APPEND).flat_map(events).collect();
        making += begun.elapsed();
        journal.append(&events)?;
        number += CALLS_PER_APPEND;
        if number % CALLS_PER_PASS < CALLS_PER_APPEND {
            store.flush()?;
        }
    }
    store.flush()?;
    let after = threads()?;
    println!(
        "{number} calls; events took {:.2} µs of wall time a call to make",
        making.as_secs_f64() * 1e6 / number as f64
    );
    for (name, nanos) in after {
        let earlier = before.iter().find(|(other, _)| *other == name).map_or(0, |(_, n)| *n);
        println!("thread {name}: {:.2} µs of CPU a call", (nanos - earlier) as f64 / 1e3 / number as f64);
    }
    let stats = store.stats();
    println!(
        "journal {} bytes a call, database {} bytes a call",
        stats.bytes / number as u64,
        std::fs::metadata(directory.join("records.sqlite"))?.len() / number as u64
    );
    println!("{stats:?}");
    drop((journal, store));
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

/// Name and CPU nanoseconds of each thread.
fn threads() -> std::io::Result<Vec<(String, u64)>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc/self/task")? {
        let path = entry?.path();
        let name = std::fs::read_to_string(path.join("comm"))?.trim().to_owned();
        let spent = std::fs::read_to_string(path.join("schedstat"))?;
        all.push((name, spent.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)));
    }
    Ok(all)
}

fn report() -> Box<media::Report> {
    let stream = media::StreamReport {
        packets: 3_000,
        expected: 3_000,
        mos_min: 440,
        mos_avg: 441,
        ..Default::default()
    };
    Box::new(media::Report { a: vec![stream.clone()], b: vec![stream], ..Default::default() })
}

fn facts(number: u128) -> Arc<CallFacts> {
    Arc::new(CallFacts {
        node: "ber-1".into(),
        trunk: "pbx".into(),
        site: "berlin".into(),
        trace_id: format!("{number:032x}").into(),
        source: std::net::SocketAddr::from(([10, 10, 0, 21], 5060)),
        sip_call_id: format!("{number:032x}@10.10.0.21").into(),
        caller_received: format!("+4930231{:05}", number % 100_000).into(),
        called_received: format!("00441632{:06}", number * 7 % 1_000_000).into(),
        asserted_received: "".into(),
        preferred_received: "".into(),
        diversion_received: "".into(),
        revision: 1,
    })
}

fn answered(facts: &Arc<AttemptFacts>, start: WallTime) -> AttemptRecord {
    let later = |ms: u64| Some(WallTime(start.0 + ms * 1_000));
    AttemptRecord {
        facts: Arc::clone(facts),
        start,
        progress: later(90),
        answer: later(190),
        end: later(60_000),
        status: 200,
        q850: None,
        reason: ReasonId::HangupA,
    }
}

fn events(number: u128) -> [JournalEvent; 4] {
    let call = CallKey(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let start = WallTime(1_793_872_800_000_000 + number as u64 * 500);
    let facts = facts(number);
    let attempt = Arc::new(AttemptFacts {
        number: 1,
        tier: 0,
        trunk: "elastic".into(),
        site: "".into(),
        gateway: "sip.elastic.example".into(),
        target: std::net::SocketAddr::from(([192, 0, 2, 7], 5060)),
        transport: "udp",
        sip_call_id: format!("{:032x}@203.0.113.10", number + 1).into(),
        caller_sent: facts.caller_received.clone(),
        called_sent: format!("+441632{:06}", number * 7 % 1_000_000).into(),
        sent: b2bua::Sent::of(format!("From: <sip:{}@203.0.113.10>", facts.caller_received).as_bytes()),
    });
    let later = |ms: u64| Some(WallTime(start.0 + ms * 1_000));
    let record = Box::new(CallRecord {
        key: call,
        facts: Arc::clone(&facts),
        route: "world".into(),
        caller: facts.caller_received.clone(),
        called: attempt.called_sent.clone(),
        start,
        progress: later(100),
        early_media: None,
        answer: later(200),
        end: WallTime(start.0 + 60_000_000),
        status: 200,
        q850: 16,
        reason: ReasonId::HangupA,
        released_by: ReleasedBy::Caller,
        decision: "route world, tier 1, elastic".into(),
        recording: "".into(),
        attempts: vec![answered(&attempt, start)],
        transfers: Vec::new(),
        media: Some(MediaRecord { report: report(), codec: "PCMA".into() }),
    });
    [
        JournalEvent::Accepted { call, at: start, facts },
        JournalEvent::Attempt { call, at: start, facts: attempt },
        JournalEvent::Answered { call, at: WallTime(start.0 + 200_000), attempt: 1 },
        JournalEvent::Ended { record },
    ]
}
