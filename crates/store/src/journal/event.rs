//! Events as payloads of frames: kind, call, time, and what the kind needs.
//!
//! A reader passes over kinds that it does not know, so that kinds may be added within a version
//! of the format. Reasons are written by their stable ids. Enter through [`encode`] and
//! [`decode`]; [`peek`] reads only which call and what kind.

use super::bytes::{Malformed, Put, Take};
use crate::moment::Moment;
use crate::row::{AttemptRow, CallRow, DirectionRow, FORMAT, MediaRow};
use b2bua::{AttemptFacts, AttemptRecord, CallFacts, CallKey, CallRecord, JournalEvent, MediaRecord};
use base::WallTime;
use media::StreamReport;
use std::borrow::Cow;

/// Most attempts of one call that are stored; routing makes far fewer.
pub(crate) const ATTEMPTS_MAX: usize = 255;

/// The kind byte of an event that owes a record from here on.
pub(crate) const ACCEPTED: u8 = 1;
const ATTEMPT: u8 = 2;
const PROGRESS: u8 = 3;
const ANSWERED: u8 = 4;
const ATTEMPT_FAILED: u8 = 5;
/// The kind byte of an event that carries a whole record.
pub(crate) const ENDED: u8 = 6;

/// An event as it was read.
pub(crate) struct Event<'a> {
    pub(crate) call: CallKey,
    pub(crate) at: Moment,
    pub(crate) body: Body<'a>,
}

/// What happened.
pub(crate) enum Body<'a> {
    /// A record with nothing but the facts of its birth.
    Accepted(Box<CallRow<'a>>),
    /// An attempt with nothing but the facts of its birth.
    Attempt(Box<AttemptRow<'a>>),
    Progress {
        attempt: u16,
    },
    Answered {
        attempt: u16,
    },
    AttemptFailed {
        attempt: u16,
        status: u16,
        reason: Cow<'a, str>,
    },
    /// The whole record.
    Ended(Box<CallRow<'a>>),
    /// A kind that is not known here.
    Unknown,
}

/// Writes an event's payload; gives the number of fields that were cut.
pub(crate) fn encode(event: &JournalEvent, out: &mut Vec<u8>) -> usize {
    let mut put = Put { out, cut: 0 };
    match event {
        JournalEvent::Accepted { call, at, facts } => {
            begin(&mut put, ACCEPTED, *call, *at);
            put_facts(&mut put, facts);
        }
        JournalEvent::Attempt { call, at, facts } => {
            begin(&mut put, ATTEMPT, *call, *at);
            put_attempt_facts(&mut put, facts);
        }
        JournalEvent::Progress { call, at, attempt, status } => {
            begin(&mut put, PROGRESS, *call, *at);
            put.number(*attempt);
            put.number(*status);
        }
        JournalEvent::Answered { call, at, attempt } => {
            begin(&mut put, ANSWERED, *call, *at);
            put.number(*attempt);
        }
        JournalEvent::AttemptFailed { call, at, attempt, status, reason } => {
            begin(&mut put, ATTEMPT_FAILED, *call, *at);
            put.number(*attempt);
            put.number(*status);
            put.text(reason.id());
        }
        JournalEvent::Ended { record } => {
            begin(&mut put, ENDED, record.key, record.end);
            put_record(&mut put, record);
        }
    }
    put.cut
}

fn begin(put: &mut Put<'_>, kind: u8, call: CallKey, at: WallTime) {
    put.byte(kind);
    put.out.extend_from_slice(&call.0.to_le_bytes());
    put.fixed64(at.0);
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

/// Sums the counters of a side's streams and keeps the worst of their quality.
fn put_direction(put: &mut Put<'_>, streams: &[StreamReport]) {
    let sum = |field: fn(&StreamReport) -> u64| streams.iter().map(field).fold(0, u64::saturating_add);
    put.number(sum(|s| s.packets));
    put.number(sum(|s| s.expected));
    put.number(sum(|s| s.lost));
    put.number(sum(|s| s.dropped.total()));
    put.number(largest(streams.iter().map(|s| s.jitter_ms)).unwrap_or(0));
    put.number(largest(streams.iter().map(|s| s.jitter_max_ms)).unwrap_or(0));
    put.option(largest(streams.iter().filter_map(|s| s.rtt_ms)).map(u64::from));
    put.option(streams.iter().map(|s| s.mos_min).filter(|&m| m > 0).min().map(u64::from));
    put.option(streams.iter().map(|s| s.mos_avg).filter(|&m| m > 0).min().map(u64::from));
    put.byte(u8::from(streams.iter().any(|s| s.one_way)));
    let silence = streams.iter().map(|s| s.silence_max).max().unwrap_or_default();
    put.number(u64::try_from(silence.as_millis()).unwrap_or(u64::MAX));
    match streams.iter().find_map(|s| s.source) {
        Some(source) => put.shown(source),
        None => put.text(""),
    }
}

/// The largest of some milliseconds, in microseconds.
fn largest(millis: impl Iterator<Item = f32>) -> Option<u32> {
    // `as` saturates and turns what is not a number into 0, which suits a measurement.
    millis.map(|ms| (ms * 1_000.0).round() as u32).max()
}

/// The kind of an event and its call, without reading the rest.
pub(crate) fn peek(payload: &[u8]) -> Result<(u8, CallKey), Malformed> {
    let mut take = Take(payload);
    let kind = take.byte()?;
    Ok((kind, CallKey(u128::from_le_bytes(take.array()?))))
}

/// Reads a payload.
pub(crate) fn decode(payload: &[u8]) -> Result<Event<'_>, Malformed> {
    let mut take = Take(payload);
    let kind = take.byte()?;
    let call = CallKey(u128::from_le_bytes(take.array()?));
    let at = Moment(take.fixed64()?);
    let body = match kind {
        ACCEPTED => Body::Accepted(Box::new(take_facts(&mut take, call, at)?)),
        ATTEMPT => Body::Attempt(Box::new(take_attempt_facts(&mut take, at)?)),
        PROGRESS => Body::Progress { attempt: take.number()? },
        ANSWERED => Body::Answered { attempt: take.number()? },
        ATTEMPT_FAILED => {
            Body::AttemptFailed { attempt: take.number()?, status: take.number()?, reason: take.text()? }
        }
        ENDED => Body::Ended(Box::new(take_record(&mut take, call, at)?)),
        _ => Body::Unknown,
    };
    Ok(Event { call, at, body })
}

/// A record of which nothing is known but its key and a moment.
pub(crate) fn blank<'a>(call: CallKey, at: Moment) -> CallRow<'a> {
    const NONE: Cow<'static, str> = Cow::Borrowed("");
    CallRow {
        format: FORMAT,
        id: 0,
        call,
        node: NONE,
        revision: 0,
        trunk_in: NONE,
        trunk_out: NONE,
        source: NONE,
        sip_call_id: NONE,
        route: NONE,
        caller_received: NONE,
        called_received: NONE,
        caller: NONE,
        called: NONE,
        asserted_received: NONE,
        diversion_received: NONE,
        start: at,
        progress: None,
        early_media: None,
        answer: None,
        end: at,
        end_estimated: false,
        post_dial_delay_ms: None,
        duration_ms: 0,
        status: 0,
        q850: 0,
        reason: NONE,
        blame: NONE,
        released_by: NONE,
        decision: NONE,
        media: None,
        attempts: Vec::new(),
    }
}

fn take_facts<'a>(take: &mut Take<'a>, call: CallKey, at: Moment) -> Result<CallRow<'a>, Malformed> {
    let mut row = blank(call, at);
    row.node = take.text()?;
    row.trunk_in = take.text()?;
    row.source = take.text()?;
    row.sip_call_id = take.text()?;
    row.caller_received = take.text()?;
    row.called_received = take.text()?;
    row.asserted_received = take.text()?;
    row.diversion_received = take.text()?;
    row.revision = take.number()?;
    Ok(row)
}

fn take_attempt_facts<'a>(take: &mut Take<'a>, at: Moment) -> Result<AttemptRow<'a>, Malformed> {
    Ok(AttemptRow {
        number: take.number()?,
        tier: take.byte()?,
        trunk: take.text()?,
        gateway: take.text()?,
        target: take.text()?,
        transport: take.text()?,
        sip_call_id: take.text()?,
        caller_sent: take.text()?,
        called_sent: take.text()?,
        start: at,
        progress: None,
        answer: None,
        end: None,
        status: 0,
        q850: None,
        reason: Cow::Borrowed(""),
    })
}

fn take_record<'a>(take: &mut Take<'a>, call: CallKey, end: Moment) -> Result<CallRow<'a>, Malformed> {
    let mut row = take_facts(take, call, end)?;
    row.route = take.text()?;
    row.caller = take.text()?;
    row.called = take.text()?;
    let start = take.fixed64()?;
    row.start = Moment(start);
    row.progress = take.near_option(start)?.map(Moment);
    row.early_media = take.near_option(start)?.map(Moment);
    row.answer = take.near_option(start)?.map(Moment);
    row.status = take.number()?;
    row.q850 = take.byte()?;
    row.reason = take.text()?;
    row.released_by = take.text()?;
    row.decision = take.text()?;
    let attempts = take.number::<usize>()?;
    if attempts > ATTEMPTS_MAX {
        return Err(Malformed);
    }
    for _ in 0..attempts {
        row.attempts.push(take_attempt(take, start)?);
    }
    if take.flag()? {
        row.media = Some(take_media(take)?);
    }
    row.trunk_out = row.attempts.last().map_or(Cow::Borrowed(""), |a| a.trunk.clone());
    row.derive();
    Ok(row)
}

fn take_attempt<'a>(take: &mut Take<'a>, call_start: u64) -> Result<AttemptRow<'a>, Malformed> {
    let mut row = take_attempt_facts(take, Moment(0))?;
    let start = take.near(call_start)?;
    row.start = Moment(start);
    row.progress = take.near_option(start)?.map(Moment);
    row.answer = take.near_option(start)?.map(Moment);
    row.end = take.near_option(start)?.map(Moment);
    row.status = take.number()?;
    row.q850 = take.option()?;
    row.reason = take.text()?;
    Ok(row)
}

fn take_media<'a>(take: &mut Take<'a>) -> Result<MediaRow<'a>, Malformed> {
    Ok(MediaRow {
        codec: take.text()?,
        duration_ms: take.number()?,
        from_caller: take_direction(take)?,
        from_callee: take_direction(take)?,
    })
}

fn take_direction<'a>(take: &mut Take<'a>) -> Result<DirectionRow<'a>, Malformed> {
    Ok(DirectionRow {
        packets: take.number()?,
        expected: take.number()?,
        lost: take.number()?,
        dropped: take.number()?,
        jitter_us: take.number()?,
        jitter_max_us: take.number()?,
        rtt_us: take.option()?,
        mos_min: take.option()?,
        mos_avg: take.option()?,
        one_way: take.flag()?,
        silence_max_ms: take.number()?,
        source: take.text()?,
    })
}
