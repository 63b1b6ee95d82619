//! Reading events back: total, and kind to what older and newer programs wrote.
//!
//! Enter through [`decode`]; [`peek`] reads only which call and what kind.

use super::bytes::{Malformed, Take};
use super::event::{
    ACCEPTED, ANSWERED, ATTEMPT, ATTEMPT_FAILED, ATTEMPTS_MAX, ENDED, PROGRESS, ROUTED, TRANSFER,
    TRANSFERS_MAX,
};
use crate::moment::Moment;
use crate::quality::QualityRow;
use crate::row::{AttemptRow, CallRow, DirectionRow, FORMAT, MediaRow, TransferRow};
use crate::sent::SentRow;
use b2bua::CallKey;
use std::borrow::Cow;

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
    /// How the call was routed.
    Routed(Box<Routed<'a>>),
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
    /// How a transfer stands.
    Transfer(Box<TransferRow<'a>>),
    /// The whole record.
    Ended(Box<CallRow<'a>>),
    /// A kind that is not known here.
    Unknown,
}

/// A route as it was found.
pub(crate) struct Routed<'a> {
    pub(crate) route: Cow<'a, str>,
    pub(crate) caller: Cow<'a, str>,
    pub(crate) called: Cow<'a, str>,
    pub(crate) decision: Cow<'a, str>,
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
        ACCEPTED => {
            let mut row = take_facts(&mut take, call, at)?;
            take_later_facts(&mut take, &mut row)?;
            Body::Accepted(Box::new(row))
        }
        ROUTED => Body::Routed(Box::new(Routed {
            route: take.text()?,
            caller: take.text()?,
            called: take.text()?,
            decision: take.text()?,
        })),
        ATTEMPT => {
            let mut row = take_attempt_facts(&mut take, at)?;
            row.site = take.later_text()?;
            row.sent = take_sent(&mut take)?;
            Body::Attempt(Box::new(row))
        }
        PROGRESS => Body::Progress { attempt: take.number()? },
        ANSWERED => Body::Answered { attempt: take.number()? },
        ATTEMPT_FAILED => {
            Body::AttemptFailed { attempt: take.number()?, status: take.number()?, reason: take.text()? }
        }
        TRANSFER => Body::Transfer(Box::new(take_transfer(&mut take)?)),
        ENDED => Body::Ended(Box::new(take_record(&mut take, call, at)?)),
        _ => Body::Unknown,
    };
    Ok(Event { call, at, body })
}

/// A record of which nothing is known but its key and a moment.
pub(crate) fn blank<'a>(call: CallKey, at: Moment) -> CallRow<'a> {
    CallRow { format: FORMAT, call, start: at, end: at, ..CallRow::default() }
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

/// What events of older segments end without.
fn take_later_facts<'a>(take: &mut Take<'a>, row: &mut CallRow<'a>) -> Result<(), Malformed> {
    row.site_in = take.later_text()?;
    row.trace_id = take.later_text()?;
    row.preferred_received = take.later_text()?;
    Ok(())
}

fn take_attempt_facts<'a>(take: &mut Take<'a>, at: Moment) -> Result<AttemptRow<'a>, Malformed> {
    Ok(AttemptRow {
        number: take.number()?,
        tier: take.byte()?,
        trunk: take.text()?,
        site: Cow::Borrowed(""),
        gateway: take.text()?,
        target: take.text()?,
        transport: take.text()?,
        sip_call_id: take.text()?,
        caller_sent: take.text()?,
        called_sent: take.text()?,
        sent: SentRow::default(),
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
    take_later_facts(take, &mut row)?;
    for attempt in &mut row.attempts {
        attempt.site = take.later_text()?;
    }
    for attempt in &mut row.attempts {
        attempt.sent = take_sent(take)?;
    }
    row.transfers = take_transfers(take)?;
    row.media.iter_mut().try_for_each(|media| take_securities(take, media))?;
    row.recording = take.later_text()?;
    row.media.iter_mut().try_for_each(|media| take_qualities(take, media))?;
    row.follow_last_attempt();
    row.derive();
    Ok(row)
}

/// Who an attempt named; a newer program may have written more values than are known here, an older one
/// none.
fn take_sent<'a>(take: &mut Take<'a>) -> Result<SentRow<'a>, Malformed> {
    if take.0.is_empty() {
        return Ok(SentRow::default());
    }
    let mut left = take.number::<usize>()?;
    let known = SentRow::take(|| match left {
        0 => Ok(Cow::Borrowed("")),
        _ => {
            left -= 1;
            take.text()
        }
    })?;
    (0..left).try_for_each(|_| take.text().map(|_| ()))?;
    Ok(known)
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

/// What records of older segments end without.
fn take_transfers<'a>(take: &mut Take<'a>) -> Result<Vec<TransferRow<'a>>, Malformed> {
    let count = if take.0.is_empty() { 0 } else { take.number::<usize>()? };
    if count > TRANSFERS_MAX {
        return Err(Malformed);
    }
    (0..count).map(|_| take_transfer(take)).collect()
}

fn take_transfer<'a>(take: &mut Take<'a>) -> Result<TransferRow<'a>, Malformed> {
    Ok(TransferRow {
        number: take.number()?,
        at: Moment(take.fixed64()?),
        how: take.text()?,
        by: take.text()?,
        trunk: take.text()?,
        from: take.text()?,
        to: take.text()?,
        with: take.text()?,
        status: take.number()?,
    })
}

fn take_media<'a>(take: &mut Take<'a>) -> Result<MediaRow<'a>, Malformed> {
    Ok(MediaRow {
        codec: take.text()?,
        duration_ms: take.number()?,
        from_caller: take_direction(take)?,
        from_callee: take_direction(take)?,
    })
}

/// What records of older segments end without.
fn take_securities<'a>(take: &mut Take<'a>, media: &mut MediaRow<'a>) -> Result<(), Malformed> {
    media.from_caller.security = take.later_text()?;
    media.from_callee.security = take.later_text()?;
    Ok(())
}

/// How each side sounded, and what became of what it spoke; what records of older segments end without.
fn take_qualities<'a>(take: &mut Take<'a>, media: &mut MediaRow<'a>) -> Result<(), Malformed> {
    for row in [&mut media.from_caller, &mut media.from_callee] {
        row.one_way_why = take.later_text()?;
        row.quality = QualityRow::take(take)?;
    }
    for row in [&mut media.from_caller, &mut media.from_callee] {
        for text in [&mut row.codec, &mut row.recoded_to, &mut row.recoded_why] {
            *text = take.later_text()?;
        }
    }
    for row in [&mut media.from_caller, &mut media.from_callee] {
        (row.foreign_source, row.described) = (take.later_text()?, take.later_text()?);
    }
    Ok(())
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
        ..DirectionRow::default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use crate::journal::event::encode;
    use b2bua::{AttemptFacts, CallFacts, JournalEvent};
    use base::WallTime;
    use std::sync::Arc;

    fn facts() -> CallFacts {
        CallFacts {
            node: "n".into(),
            trunk: "pbx".into(),
            site: "berlin".into(),
            trace_id: "ab".into(),
            source: "10.0.0.1:5060".parse().unwrap(),
            sip_call_id: "c".into(),
            caller_received: "1".into(),
            called_received: "2".into(),
            asserted_received: "".into(),
            preferred_received: "p".into(),
            diversion_received: "".into(),
            revision: 4,
        }
    }

    fn attempt() -> AttemptFacts {
        AttemptFacts {
            number: 1,
            tier: 0,
            trunk: "flex".into(),
            site: "london".into(),
            gateway: "g".into(),
            target: "192.0.2.7:5060".parse().unwrap(),
            transport: "udp",
            sip_call_id: "b".into(),
            caller_sent: "1".into(),
            called_sent: "2".into(),
            sent: b2bua::Sent::of(b"From: <sip:1@x>;tag=a\r\nPrivacy: id\r\n"),
        }
    }

    #[test]
    fn events_of_older_programs_are_read_without_what_came_later() {
        let (call, at) = (CallKey(7), WallTime(5));
        let mut accepted = Vec::new();
        encode(&JournalEvent::Accepted { call, at, facts: Arc::new(facts()) }, &mut accepted);
        // Three texts with a length byte each stand at the end.
        let later = 3 + "berlin".len() + "ab".len() + "p".len();
        for (bytes, site, trace) in
            [(&accepted[..], "berlin", "ab"), (&accepted[..accepted.len() - later], "", "")]
        {
            let Body::Accepted(row) = decode(bytes).unwrap().body else { unreachable!("another kind") };
            assert_eq!((&*row.site_in, &*row.trace_id, row.revision), (site, trace, 4));
        }
        let mut attempted = Vec::new();
        encode(&JournalEvent::Attempt { call, at, facts: Arc::new(attempt()) }, &mut attempted);
        // A count and as many texts with a length byte each.
        let sent = 1 + b2bua::SENT.len() + "<sip:1@x>".len() + "id".len();
        let first = attempted.len() - sent;
        let oldest = first - 1 - "london".len();
        for (bytes, site, from, privacy) in [
            (&attempted[..], "london", "<sip:1@x>", "id"),
            (&attempted[..first], "london", "", ""),
            (&attempted[..oldest], "", "", ""),
        ] {
            let Body::Attempt(row) = decode(bytes).unwrap().body else { unreachable!("another kind") };
            assert_eq!((&*row.site, &*row.called_sent), (site, "2"));
            assert_eq!((row.sent.value("from"), row.sent.value("privacy")), (from, privacy));
        }
        // A newer program knows a header more, an older one fewer.
        let mut other = attempted[..first].to_vec();
        other.push(b2bua::SENT.len() as u8 + 1);
        other.extend_from_slice(&attempted[first + 1..]);
        other.extend_from_slice(b"\x03new");
        let Body::Attempt(row) = decode(&other).unwrap().body else { unreachable!("another kind") };
        assert_eq!(row.sent.value("privacy"), "id");
        other.truncate(first);
        other.extend_from_slice(b"\x01\x03one");
        let Body::Attempt(row) = decode(&other).unwrap().body else { unreachable!("another kind") };
        assert_eq!((row.sent.value("from"), row.sent.value("privacy")), ("one", ""));
    }
}
