//! What the demo says at its end: to people a ladder, a record and a table, to programs JSON.

use super::board::Board;
use super::ground::Ground;
use super::heard::Heard;
use super::judge::{Case, Check, Stream};
use super::ladder;
use super::peer::message::codec_name;
use super::script::{ANSWER_AFTER, Kind, Role, Way};
use crate::print::{Cell, Colour, Table, count};
use base::{ReasonId, q850_text};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use store::StoredCall;

/// The opening: who is there.
pub(super) fn opening(ground: &Ground, calls: usize) -> String {
    let (inside, outside) = (ground.inside(), ground.outside());
    let version = env!("CARGO_PKG_VERSION");
    let calls = count(calls as u64, "call");
    let near = format!("  IP-PBX {} <---> {inside} tronco {outside}", ground.pbx());
    let gap = " ".repeat(near.len());
    format!(
        "Tronco {version}: {calls} in real time through the real server, between two scripted peers.\n\n\
         {near} <---> ITSP {}\n{gap} <-x-> dead {}\n\n",
        ground.itsp(),
        ground.dead()
    )
}

/// Everything, for people.
pub(super) fn people(
    cases: &[Case<'_>],
    shown: usize,
    board: &Board,
    ground: &Ground,
    colour: bool,
) -> String {
    let mut text = String::new();
    if let Some(case) = cases.get(shown) {
        let title = title(case);
        let _ = writeln!(text, "Call {} ({title}), as both ends saw it\n", case.script.number);
        text.push_str(&ladder::draw(case, board, ground, colour));
        let _ = writeln!(text, "\nIts record\n");
        match case.record() {
            Some(record) => text.push_str(&indent(&self::record(record).print(colour))),
            None => text.push_str("  There is none.\n"),
        }
    }
    let _ = writeln!(text, "\nAll calls\n");
    text.push_str(&indent(&table(cases).print(colour)));
    let _ = writeln!(
        text,
        "\n  out: from the IP-PBX to the ITSP; in: the other way; final: until the final response.\n  \
         rtp: packets heard at the far end of those sent; ->: from the caller; <-: to the caller.\n  \
         jitter: in ms, the worse way. By script the callee answers {} ms after 180, and the server\n  \
         gives a gateway that says nothing {} ms.",
        ANSWER_AFTER.as_millis(),
        super::ground::FAILOVER_MS
    );
    text
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn title(case: &Case<'_>) -> String {
    let way = if case.script.way == Way::Out { "IP-PBX to ITSP" } else { "ITSP to IP-PBX" };
    format!("{way}, {}", case.script.title)
}

/// The record of a call, as the store has it.
fn record(record: &StoredCall) -> Table {
    let mut table = Table::pairs();
    let arrow = |from: &str, to: &str| if from == to { from.to_owned() } else { format!("{from} -> {to}") };
    table.pair("caller", arrow(&record.caller_received, &record.caller));
    table.pair("called", arrow(&record.called_received, &record.called));
    let route = if record.route.is_empty() { "-" } else { &record.route };
    table.pair("route", format!("{route} ({} -> {})", record.trunk_in, record.trunk_out));
    for attempt in &record.attempts {
        let outcome =
            if attempt.status == 0 { attempt.reason.to_string() } else { attempt.status.to_string() };
        let name = format!("attempt {}", attempt.number);
        let (trunk, target, transport) = (&attempt.trunk, &attempt.target, &attempt.transport);
        table.pair(&name, format!("{trunk}, {transport} {target}, sent {}: {outcome}", attempt.called_sent));
    }
    let delay =
        record.post_dial_delay_ms.map(|ms| if ms == 0 { "below 1 ms".into() } else { format!("{ms} ms") });
    table.pair("post-dial delay", delay.unwrap_or_default());
    let talked = record.answer.map(|_| format!("{:.1} s", record.duration_ms as f64 / 1_000.0));
    table.pair("talked", talked.unwrap_or_default());
    let sentence = ReasonId::from_id(&record.reason).map_or("", ReasonId::sentence);
    table.pair("reason", format!("{}: {sentence}", record.reason));
    let cause = q850_text(record.q850);
    table.pair("released by", format!("{} (Q.850 {} {cause})", record.released_by, record.q850));
    if let Some(media) = record.media.as_ref().filter(|_| record.answer.is_some()) {
        table.pair("codec", &*media.codec);
        for (name, row) in [("from caller", &media.from_caller), ("from callee", &media.from_callee)] {
            let mos = row.mos_avg.map_or("-".to_owned(), |mos| format!("{:.2}", f64::from(mos) / 100.0));
            let jitter = f64::from(row.jitter_us) / 1_000.0;
            let (packets, lost) = (row.packets, row.lost);
            table.pair(name, format!("{packets} packets, {lost} lost, jitter {jitter:.1} ms, MOS {mos}"));
        }
    }
    table
}

fn table(cases: &[Case<'_>]) -> Table {
    let head = [
        "#", "call", "status", "180 ms", "final ms", "rtp ->", "rtp <-", "jitter", "mos ->", "mos <-",
        "verdict",
    ];
    let mut table = Table::new(&head);
    for case in cases {
        let way = if case.script.way == Way::Out { "out" } else { "in" };
        let caller = case.ends.caller.clone().unwrap_or_default();
        let streams = [case.stream(Role::Caller), case.stream(Role::Callee)];
        let rtp = |at: usize| {
            streams.get(at).copied().flatten().map(|s| format!("{}/{}", s.heard.received, s.sent))
        };
        let mos =
            |at: usize| streams.get(at).copied().flatten().and_then(|s| s.mos).map(|mos| format!("{mos:.2}"));
        let jitter = streams.iter().flatten().map(|s| s.heard.jitter_ms()).reduce(f64::max);
        let verdict = if case.passed() { ("ok", Colour::Good) } else { ("FAILED", Colour::Bad) };
        table.row(vec![
            Cell::number(case.script.number),
            Cell::new(format!("{way}, {}", case.script.title)),
            Cell::number(caller.status),
            right(millis(&caller.invited, &caller.ringing).map(|ms| format!("{ms:.1}"))),
            right(millis(&caller.invited, &caller.decided).map(|ms| format!("{ms:.1}"))),
            right(rtp(0)),
            right(rtp(1)),
            right(jitter.map(|ms| format!("{ms:.1}"))),
            right(mos(0)),
            right(mos(1)),
            Cell::new(verdict.0).coloured(Some(verdict.1)),
        ]);
    }
    table
}

fn right(text: Option<String>) -> Cell {
    Cell::number(text.unwrap_or_else(|| "-".into()))
}

fn millis(from: &Option<Instant>, to: &Option<Instant>) -> Option<f64> {
    Some((*to)?.saturating_duration_since((*from)?).as_secs_f64() * 1_000.0)
}

/// The first thing that is not as it should be, in one line.
pub(super) fn failure(cases: &[Case<'_>], strays: &[String]) -> Option<String> {
    let failed = cases.iter().flat_map(|case| case.checks.iter().map(move |check| (case, check)));
    let first = failed.filter(|(_, check)| !check.passed).map(|(case, check)| {
        let why = check.why.as_deref().unwrap_or_default();
        format!("call {} ({}), check `{}`: {why}", case.script.number, title(case), check.check)
    });
    first.chain(strays.iter().cloned()).next()
}

/// The last lines for people.
pub(super) fn closing(cases: &[Case<'_>], strays: &[String], took: Duration) -> String {
    let checks = cases.iter().map(|case| case.checks.len()).sum::<usize>();
    let failed = cases.iter().flat_map(|case| &case.checks).filter(|check| !check.passed).count();
    let seconds = took.as_secs_f64();
    let bad = cases.iter().filter(|case| !case.passed()).count();
    if failed == 0 && strays.is_empty() {
        return format!(
            "\n{}, {} passed in {seconds:.1} s.\n",
            count(cases.len() as u64, "call"),
            count(checks as u64, "check")
        );
    }
    let mut text = format!("\n{bad} of {} calls failed {failed} of {checks} checks:\n", cases.len());
    for case in cases {
        for check in case.checks.iter().filter(|check| !check.passed) {
            let why = check.why.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  call {}, {}: {why}", case.script.number, check.check);
        }
    }
    strays.iter().for_each(|stray| {
        let _ = writeln!(text, "  {stray}");
    });
    text
}

/// One call of a running demo's visitors, from its record.
pub(super) fn visitor(record: &StoredCall) -> String {
    let time = record.start.text();
    let time = std::str::from_utf8(&time).ok().and_then(|text| text.get(11..19)).unwrap_or_default();
    let mos = record.media.as_ref().map(|media| {
        let shown =
            |mos: Option<u16>| mos.map_or("-".to_owned(), |mos| format!("{:.2}", f64::from(mos) / 100.0));
        format!(", MOS {} / {}", shown(media.from_caller.mos_avg), shown(media.from_callee.mos_avg))
    });
    format!(
        "{time}Z  {} -> {}  {} -> {}  {}  {:.1} s  {}{}\n",
        record.trunk_in,
        if record.trunk_out.is_empty() { "-" } else { &record.trunk_out },
        record.caller_received,
        record.called_received,
        record.status,
        record.duration_ms as f64 / 1_000.0,
        record.reason,
        mos.unwrap_or_default()
    )
}

/// Everything, for programs.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    version: &'static str,
    passed: bool,
    /// The first thing that is not as it should be.
    failed: Option<String>,
    seconds: f64,
    addresses: Addresses,
    calls: Vec<CallSummary<'a>>,
}

#[derive(Serialize)]
struct Addresses {
    inside: String,
    outside: String,
    pbx: String,
    itsp: String,
    dead: String,
}

#[derive(Serialize)]
struct CallSummary<'a> {
    number: usize,
    way: &'static str,
    kind: &'static str,
    title: &'a str,
    passed: bool,
    checks: &'a [Check],
    caller: &'a str,
    called: &'a str,
    caller_seen: Option<&'a str>,
    called_seen: Option<&'a str>,
    status: u16,
    ringing_ms: Option<f64>,
    final_ms: Option<f64>,
    codec: &'static str,
    from_caller: Option<Direction>,
    from_callee: Option<Direction>,
    record: Option<&'a StoredCall>,
}

#[derive(Serialize)]
struct Direction {
    sent: u32,
    received: u32,
    lost: u32,
    repeated: u32,
    jitter_ms: f64,
    sent_hz: f64,
    heard_hz: Option<f64>,
    heard_dbm0: Option<f64>,
    mos: Option<f64>,
}

impl From<Stream<'_>> for Direction {
    fn from(stream: Stream<'_>) -> Direction {
        let Stream { sent, heard, tone, mos } = stream;
        let &Heard { received, repeated, .. } = heard;
        let sound = heard.sound;
        Direction {
            sent,
            received,
            lost: sent.saturating_sub(received),
            repeated,
            jitter_ms: heard.jitter_ms(),
            sent_hz: tone,
            heard_hz: sound.map(|sound| sound.hertz),
            heard_dbm0: sound.map(|sound| sound.dbm0),
            mos,
        }
    }
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        cases: &'a [Case<'a>],
        strays: &[String],
        ground: &Ground,
        took: Duration,
    ) -> Summary<'a> {
        let failed = failure(cases, strays);
        Summary {
            version: env!("CARGO_PKG_VERSION"),
            passed: failed.is_none(),
            failed,
            seconds: took.as_secs_f64(),
            addresses: Addresses {
                inside: ground.inside().to_string(),
                outside: ground.outside().to_string(),
                pbx: ground.pbx().to_string(),
                itsp: ground.itsp().to_string(),
                dead: ground.dead().to_string(),
            },
            calls: cases.iter().map(summary).collect(),
        }
    }
}

fn summary<'a>(case: &'a Case<'a>) -> CallSummary<'a> {
    let (caller, callee) = (case.ends.caller.as_ref(), case.ends.callee.as_ref());
    CallSummary {
        number: case.script.number,
        way: if case.script.way == Way::Out { "out" } else { "in" },
        kind: match case.script.kind {
            Kind::Plain => "plain",
            Kind::Busy => "busy",
            Kind::Failover => "failover",
        },
        title: case.script.title,
        passed: case.passed(),
        checks: &case.checks,
        caller: &case.script.caller,
        called: &case.script.called,
        caller_seen: callee.map(|facts| facts.caller.as_str()),
        called_seen: callee.map(|facts| facts.called.as_str()),
        status: caller.map_or(0, |facts| facts.status),
        ringing_ms: caller.and_then(|facts| millis(&facts.invited, &facts.ringing)),
        final_ms: caller.and_then(|facts| millis(&facts.invited, &facts.decided)),
        codec: codec_name(case.script.law),
        from_caller: case.stream(Role::Caller).map(Direction::from),
        from_callee: case.stream(Role::Callee).map(Direction::from),
        record: case.record(),
    }
}
