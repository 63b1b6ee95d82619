//! Getting records out: filters over a covering index, then whole rows for the hits.

use super::insert::DIRECTION_COLUMNS;
use super::signed;
use crate::error::StoreError;
use crate::journal::decode::blank;
use crate::moment::Moment;
use crate::quality::{FIRST, LATER};
use crate::row::{AttemptRow, CallRow, DirectionRow, MediaRow, StoredCall, TransferRow};
use crate::sent::SentRow;
use b2bua::CallKey;
use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, Row};
use std::borrow::Cow;

/// Records that a query gives when it names no limit.
pub const LIMIT_DEFAULT: usize = 100;
/// Most records that one query gives; page with `after` or `before` for more.
pub const LIMIT_MAX: usize = 10_000;

/// Which records are wanted; every filter that is set must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Started at or after.
    pub since: Option<Moment>,
    /// Started before.
    pub until: Option<Moment>,
    /// Caller or called number, normalised or as received; `*` stands for any characters.
    pub number: Option<String>,
    /// The trunk it came in on, or the trunk of any attempt.
    pub trunk: Option<String>,
    /// Reason id.
    pub reason: Option<String>,
    /// Final response.
    pub status: Option<u16>,
    /// One call.
    pub call: Option<CallKey>,
    /// Ids above this, for paging forward.
    pub after: Option<i64>,
    /// Ids below this, for paging backward.
    pub before: Option<i64>,
    /// Newest first; else in the order of storing.
    pub newest_first: bool,
    /// How many; 0 means [`LIMIT_DEFAULT`], at most [`LIMIT_MAX`].
    pub limit: usize,
}

/// Conditions and their values.
#[derive(Default)]
struct Filter {
    text: String,
    values: Vec<Value>,
}

impl Filter {
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.values.extend(values);
    }
}

/// Runs a query.
pub(crate) fn select(connection: &Connection, query: &Query) -> Result<Vec<StoredCall>, StoreError> {
    let mut filter = Filter::default();
    let searched = add_filters(&mut filter, query);
    if let Some(after) = query.after {
        filter.and("id > ?", [Value::Integer(after)]);
    }
    if let Some(before) = query.before {
        filter.and("id < ?", [Value::Integer(before)]);
    }
    let limit = if query.limit == 0 { LIMIT_DEFAULT } else { query.limit.min(LIMIT_MAX) };
    let order = if query.newest_first { "DESC" } else { "ASC" };
    let conditions = &filter.text;
    let text = match searched {
        // The index holds every column that is filtered by, and is far smaller than the rows.
        Some(index) => format!(
            "SELECT * FROM call WHERE id IN (SELECT id FROM call INDEXED BY {index}{conditions}
             ORDER BY id {order} LIMIT {limit}) ORDER BY id {order}"
        ),
        None => format!("SELECT * FROM call{conditions} ORDER BY id {order} LIMIT {limit}"),
    };
    let mut statement = connection.prepare_cached(&text)?;
    let mut calls = statement
        .query_map(rusqlite::params_from_iter(&filter.values), read_call)?
        .collect::<Result<Vec<_>, _>>()?;
    let mut attempts = connection.prepare_cached("SELECT * FROM attempt WHERE call = ?1 ORDER BY number")?;
    let mut transfers =
        connection.prepare_cached("SELECT * FROM transfer WHERE call = ?1 ORDER BY number")?;
    for call in &mut calls {
        call.attempts = attempts.query_map([call.id], read_attempt)?.collect::<Result<_, _>>()?;
        call.transfers = transfers.query_map([call.id], read_transfer)?.collect::<Result<_, _>>()?;
    }
    Ok(calls)
}

/// Adds the filters other than ids; gives the index to use, when there are any.
fn add_filters(filter: &mut Filter, query: &Query) -> Option<&'static str> {
    if let Some(since) = query.since {
        filter.and("start >= ?", [Value::Integer(signed(since.0))]);
    }
    if let Some(until) = query.until {
        filter.and("start < ?", [Value::Integer(signed(until.0))]);
    }
    if let Some(number) = &query.number {
        let (operator, pattern) =
            if number.contains('*') { ("GLOB", glob(number)) } else { ("=", number.clone()) };
        let columns = ["caller", "called", "caller_received", "called_received"];
        let any: Vec<String> = columns.iter().map(|column| format!("{column} {operator} ?")).collect();
        filter.and(&format!("({})", any.join(" OR ")), columns.map(|_| Value::Text(pattern.clone())));
    }
    if let Some(trunk) = &query.trunk {
        filter.and("instr(trunks, ?) > 0", [Value::Text(format!(",{trunk},"))]);
    }
    if let Some(reason) = &query.reason {
        filter.and("reason = ?", [Value::Text(reason.clone())]);
    }
    if let Some(status) = query.status {
        filter.and("status = ?", [Value::Integer(status.into())]);
    }
    let searched = !filter.text.is_empty();
    if let Some(call) = query.call {
        filter.and("key = ?", [Value::Blob(call.0.to_be_bytes().to_vec())]);
        // Only the key's index has the key; with other filters SQLite fetches the rows of the hits.
        return Some("call_key");
    }
    searched.then_some("call_search")
}

/// A pattern in which only `*` is special.
fn glob(number: &str) -> String {
    number.chars().fold(String::new(), |mut text, c| {
        match c {
            '[' => text.push_str("[[]"),
            '?' => text.push_str("[?]"),
            other => text.push(other),
        }
        text
    })
}

/// Takes columns one after the other.
struct Columns<'r, 's> {
    row: &'r Row<'s>,
    place: usize,
}

impl Columns<'_, '_> {
    fn take<T: FromSql>(&mut self) -> Result<T, rusqlite::Error> {
        let value = self.row.get(self.place)?;
        self.place += 1;
        Ok(value)
    }

    fn text(&mut self) -> Result<Cow<'static, str>, rusqlite::Error> {
        Ok(Cow::Owned(self.take()?))
    }

    fn count(&mut self) -> Result<u64, rusqlite::Error> {
        Ok(u64::try_from(self.take::<i64>()?).unwrap_or(0))
    }

    fn time(&mut self) -> Result<Moment, rusqlite::Error> {
        self.count().map(Moment)
    }

    fn time_option(&mut self) -> Result<Option<Moment>, rusqlite::Error> {
        Ok(self.take::<Option<i64>>()?.map(|at| Moment(u64::try_from(at).unwrap_or(0))))
    }
}

fn read_call(row: &Row<'_>) -> Result<StoredCall, rusqlite::Error> {
    let mut from = Columns { row, place: 0 };
    let (id, call) = (from.take()?, CallKey(u128::from_be_bytes(from.take()?)));
    let (node, revision, trunk_in, trunk_out) = (from.text()?, from.count()?, from.text()?, from.text()?);
    let _trunks: String = from.take()?;
    // Fields of a struct expression are evaluated in the order in which they are written, which
    // is the order of the table.
    let mut call = CallRow {
        id,
        node,
        revision,
        trunk_in,
        trunk_out,
        source: from.text()?,
        sip_call_id: from.text()?,
        route: from.text()?,
        caller_received: from.text()?,
        called_received: from.text()?,
        caller: from.text()?,
        called: from.text()?,
        asserted_received: from.text()?,
        diversion_received: from.text()?,
        start: from.time()?,
        progress: from.time_option()?,
        early_media: from.time_option()?,
        answer: from.time_option()?,
        end: from.time()?,
        end_estimated: from.take()?,
        status: from.take()?,
        q850: from.take()?,
        reason: from.text()?,
        released_by: from.text()?,
        decision: from.text()?,
        media: read_media(&mut from)?,
        trace_id: from.text()?,
        site_in: from.text()?,
        site_out: from.text()?,
        preferred_received: from.text()?,
        ..blank(call, Moment::default())
    };
    read_securities(&mut from, call.media.as_mut())?;
    read_end(&mut from, &mut call)?;
    call.derive();
    Ok(call)
}

fn read_media(from: &mut Columns<'_, '_>) -> Result<Option<MediaRow<'static>>, rusqlite::Error> {
    let Some(codec) = from.take::<Option<String>>()? else {
        from.place += 1 + 2 * DIRECTION_COLUMNS;
        return Ok(None);
    };
    Ok(Some(MediaRow {
        codec: Cow::Owned(codec),
        duration_ms: from.count()?,
        from_caller: read_direction(from)?,
        from_callee: read_direction(from)?,
    }))
}

/// How each leg was protected.
fn read_securities(
    from: &mut Columns<'_, '_>,
    media: Option<&mut MediaRow<'static>>,
) -> Result<(), rusqlite::Error> {
    let (caller, callee) = (from.text()?, from.text()?);
    if let Some(media) = media {
        (media.from_caller.security, media.from_callee.security) = (caller, callee);
    }
    Ok(())
}

/// The recording, and how each side sounded.
fn read_end(from: &mut Columns<'_, '_>, call: &mut StoredCall) -> Result<(), rusqlite::Error> {
    call.recording = from.text()?;
    let Some(media) = &mut call.media else { return Ok(()) };
    for row in [&mut media.from_caller, &mut media.from_callee] {
        row.one_way_why = from.text()?;
        read_quality(from, &mut row.quality.0[..FIRST])?;
    }
    read_quality(from, &mut media.from_caller.quality.0[FIRST..LATER])?;
    read_quality(from, &mut media.from_callee.quality.0[FIRST..LATER])?;
    for row in [&mut media.from_caller, &mut media.from_callee] {
        for text in [&mut row.codec, &mut row.recoded_to, &mut row.recoded_why] {
            *text = from.text()?;
        }
    }
    for row in [&mut media.from_caller, &mut media.from_callee] {
        (row.foreign_source, row.described) = (from.text()?, from.text()?);
    }
    read_quality(from, &mut media.from_caller.quality.0[LATER..])?;
    read_quality(from, &mut media.from_callee.quality.0[LATER..])
}

fn read_quality(from: &mut Columns<'_, '_>, figures: &mut [Option<i64>]) -> Result<(), rusqlite::Error> {
    figures.iter_mut().try_for_each(|figure| from.take().map(|found| *figure = found))
}

fn read_direction(from: &mut Columns<'_, '_>) -> Result<DirectionRow<'static>, rusqlite::Error> {
    Ok(DirectionRow {
        packets: from.count()?,
        expected: from.count()?,
        lost: from.count()?,
        dropped: from.count()?,
        jitter_us: from.take()?,
        jitter_max_us: from.take()?,
        rtt_us: from.take()?,
        mos_min: from.take()?,
        mos_avg: from.take()?,
        one_way: from.take()?,
        silence_max_ms: from.count()?,
        source: from.text()?,
        ..DirectionRow::default()
    })
}

fn read_transfer(row: &Row<'_>) -> Result<TransferRow<'static>, rusqlite::Error> {
    let mut from = Columns { row, place: 1 };
    Ok(TransferRow {
        number: from.take()?,
        at: from.time()?,
        how: from.text()?,
        by: from.text()?,
        trunk: from.text()?,
        from: from.text()?,
        to: from.text()?,
        with: from.text()?,
        status: from.take()?,
    })
}

fn read_attempt(row: &Row<'_>) -> Result<AttemptRow<'static>, rusqlite::Error> {
    let mut from = Columns { row, place: 1 };
    Ok(AttemptRow {
        number: from.take()?,
        tier: from.take()?,
        trunk: from.text()?,
        gateway: from.text()?,
        target: from.text()?,
        transport: from.text()?,
        sip_call_id: from.text()?,
        caller_sent: from.text()?,
        called_sent: from.text()?,
        start: from.time()?,
        progress: from.time_option()?,
        answer: from.time_option()?,
        end: from.time_option()?,
        status: from.take()?,
        q850: from.take()?,
        reason: from.text()?,
        site: from.text()?,
        sent: SentRow::take(|| from.text())?,
    })
}
