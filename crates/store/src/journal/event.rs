//! Events as payloads of frames: kind, call, time, and what the kind needs.
//!
//! A reader passes over kinds that it does not know, and over what follows the fields that it knows, so
//! that both may be added within a version of the format. Reasons are written by their stable ids. Enter
//! through [`encode`]; [`super::decode`] reads.

use super::bytes::Put;
use crate::quality::QualityRow;
use crate::row::DirectionRow;
use b2bua::{
    AttemptFacts, AttemptRecord, CallFacts, CallKey, CallRecord, JournalEvent, MediaRecord, TransferRecord,
};
use base::WallTime;
use media::{OneWay, StreamReport};

/// Most attempts of one call that are stored; routing makes far fewer.
pub(crate) const ATTEMPTS_MAX: usize = 255;

/// The kind byte of an event that owes a record from here on.
pub(crate) const ACCEPTED: u8 = 1;
pub(crate) const ATTEMPT: u8 = 2;
pub(crate) const PROGRESS: u8 = 3;
pub(crate) const ANSWERED: u8 = 4;
pub(crate) const ATTEMPT_FAILED: u8 = 5;
/// The kind byte of an event that carries a whole record.
pub(crate) const ENDED: u8 = 6;
pub(crate) const ROUTED: u8 = 7;
pub(crate) const TRANSFER: u8 = 8;

/// Most transfers of one call that are stored; policy allows far fewer.
pub(crate) const TRANSFERS_MAX: usize = 64;

/// Writes an event's payload; gives the number of fields that were cut.
pub(crate) fn encode(event: &JournalEvent, out: &mut Vec<u8>) -> usize {
    let mut put = Put { out, cut: 0 };
    match event {
        JournalEvent::Accepted { call, at, facts } => {
            begin(&mut put, ACCEPTED, *call, *at);
            put_facts(&mut put, facts);
            put_later_facts(&mut put, facts);
        }
        JournalEvent::Routed { call, at, route, caller, called, decision } => {
            begin(&mut put, ROUTED, *call, *at);
            [&**route, caller, called, decision].into_iter().for_each(|text| put.text(text));
        }
        JournalEvent::Attempt { call, at, facts } => {
            begin(&mut put, ATTEMPT, *call, *at);
            put_attempt_facts(&mut put, facts);
            put.text(&facts.site);
            put_sent(&mut put, facts);
        }
        JournalEvent::Progress { call, at, attempt, status } => {
            numbers(&mut put, PROGRESS, (*call, *at), &[*attempt, *status]);
        }
        JournalEvent::Answered { call, at, attempt } => {
            numbers(&mut put, ANSWERED, (*call, *at), &[*attempt]);
        }
        JournalEvent::AttemptFailed { call, at, attempt, status, reason } => {
            numbers(&mut put, ATTEMPT_FAILED, (*call, *at), &[*attempt, *status]);
            put.text(reason.id());
        }
        JournalEvent::Transfer { call, at, transfer } => {
            begin(&mut put, TRANSFER, *call, *at);
            put_transfer(&mut put, transfer);
        }
        JournalEvent::Ended { record } => {
            begin(&mut put, ENDED, record.key, record.end);
            put_record(&mut put, record);
            put_end(&mut put, record);
        }
    }
    put.cut
}

fn begin(put: &mut Put<'_>, kind: u8, call: CallKey, at: WallTime) {
    put.byte(kind);
    put.out.extend_from_slice(&call.0.to_le_bytes());
    put.fixed64(at.0);
}

/// An event that is numbers, or begins with some.
fn numbers(put: &mut Put<'_>, kind: u8, (call, at): (CallKey, WallTime), all: &[u16]) {
    begin(put, kind, call, at);
    all.iter().for_each(|number| put.number(*number));
}

fn put_facts(put: &mut Put<'_>, facts: &CallFacts) {
    put.text(&facts.node);
    put.text(&facts.trunk);
    put.shown(facts.source);
    put.text(&facts.sip_call_id);
    put.text(&facts.caller_received);
    put.text(&facts.called_received);
    put.text(&facts.asserted_received);
    put.text(&facts.diversion_received);
    put.number(facts.revision);
}

/// What the format did not have from the beginning; it stands at the end of its event.
fn put_later_facts(put: &mut Put<'_>, facts: &CallFacts) {
    put.text(&facts.site);
    put.text(&facts.trace_id);
    put.text(&facts.preferred_received);
}

fn put_attempt_facts(put: &mut Put<'_>, facts: &AttemptFacts) {
    put.number(facts.number);
    put.byte(facts.tier);
    put.text(&facts.trunk);
    put.text(&facts.gateway);
    put.shown(facts.target);
    put.text(facts.transport);
    put.text(&facts.sip_call_id);
    put.text(&facts.caller_sent);
    put.text(&facts.called_sent);
}

fn put_record(put: &mut Put<'_>, record: &CallRecord) {
    put_facts(put, &record.facts);
    put.text(&record.route);
    put.text(&record.caller);
    put.text(&record.called);
    let start = record.start.0;
    put.fixed64(start);
    for at in [record.progress, record.early_media, record.answer] {
        put.near_option(at.map(|t| t.0), start);
    }
    put.number(record.status);
    put.byte(record.q850);
    put.text(record.reason.id());
    put.text(record.released_by.word());
    put.text(&record.decision);
    // The newest attempts say how it ended; no plan is so long that some are left out.
    let kept = &record.attempts[record.attempts.len().saturating_sub(ATTEMPTS_MAX)..];
    put.number(kept.len() as u64);
    for attempt in kept {
        put_attempt(put, attempt, start);
    }
    match &record.media {
        None => put.byte(0),
        Some(media) => {
            put.byte(1);
            put_media(put, media);
        }
    }
    put_later_facts(put, &record.facts);
    for attempt in kept {
        put.text(&attempt.facts.site);
    }
    for attempt in kept {
        put_sent(put, &attempt.facts);
    }
    let transfers = &record.transfers[..record.transfers.len().min(TRANSFERS_MAX)];
    put.number(transfers.len() as u64);
    transfers.iter().for_each(|transfer| put_transfer(put, transfer));
    record.media.iter().for_each(|media| put_securities(put, media));
}

/// How the first stream of each side was protected.
fn put_securities(put: &mut Put<'_>, media: &MediaRecord) {
    for streams in [&media.report.a, &media.report.b] {
        match streams.first().and_then(|stream| stream.security) {
            Some(security) => put.shown(security),
            None => put.text(""),
        }
    }
}

/// What records had not from the beginning, after the transfers.
fn put_end(put: &mut Put<'_>, record: &CallRecord) {
    put.text(&record.recording);
    record.media.iter().for_each(|media| put_qualities(put, media));
    record.media.iter().for_each(|media| put_codings(put, media));
}

/// What each side spoke, what became of it, and whom it was not believed to be.
fn put_codings(put: &mut Put<'_>, media: &MediaRecord) {
    for streams in [&media.report.a, &media.report.b] {
        let row = DirectionRow::default().coded(streams, &media.codec);
        [&row.codec, &row.recoded_to, &row.recoded_why].into_iter().for_each(|text| put.text(text));
    }
    for streams in [&media.report.a, &media.report.b] {
        let row = DirectionRow::default().coded(streams, &media.codec);
        [&row.foreign_source, &row.described].into_iter().for_each(|text| put.text(text));
    }
}

/// How each side sounded.
fn put_qualities(put: &mut Put<'_>, media: &MediaRecord) {
    for streams in [&media.report.a, &media.report.b] {
        put.text(streams.iter().find_map(|stream| stream.one_way_why).map_or("", OneWay::word));
        QualityRow::of(streams).put(put);
    }
}

/// Who an attempt named: how many values, then these.
fn put_sent(put: &mut Put<'_>, facts: &AttemptFacts) {
    put.number(b2bua::SENT.len() as u64);
    facts.sent.values().for_each(|value| put.text(value));
}

fn put_transfer(put: &mut Put<'_>, transfer: &TransferRecord) {
    put.number(transfer.number);
    put.fixed64(transfer.at.0);
    put.text(transfer.how.word());
    put.text(transfer.by.word());
    put.text(&transfer.trunk);
    put.text(&transfer.from);
    put.text(&transfer.to);
    match transfer.with {
        Some(call) => put.shown(call),
        None => put.text(""),
    }
    put.number(transfer.status);
}

fn put_attempt(put: &mut Put<'_>, attempt: &AttemptRecord, call_start: u64) {
    put_attempt_facts(put, &attempt.facts);
    let start = attempt.start.0;
    put.near(start, call_start);
    for at in [attempt.progress, attempt.answer, attempt.end] {
        put.near_option(at.map(|t| t.0), start);
    }
    put.number(attempt.status);
    put.option(attempt.q850.map(u64::from));
    put.text(attempt.reason.id());
}

fn put_media(put: &mut Put<'_>, media: &MediaRecord) {
    put.text(&media.codec);
    put.number(u64::try_from(media.report.duration.as_millis()).unwrap_or(u64::MAX));
    put_direction(put, &media.report.a);
    put_direction(put, &media.report.b);
}

/// The counters of a side, and the worst of the quality of its streams.
fn put_direction(put: &mut Put<'_>, streams: &[StreamReport]) {
    let row = DirectionRow::counted(streams);
    for count in [row.packets, row.expected, row.lost, row.dropped] {
        put.number(count);
    }
    put.number(row.jitter_us);
    put.number(row.jitter_max_us);
    put.option(row.rtt_us.map(u64::from));
    put.option(row.mos_min.map(u64::from));
    put.option(row.mos_avg.map(u64::from));
    put.byte(u8::from(row.one_way));
    put.number(row.silence_max_ms);
    put.text(&row.source);
}
