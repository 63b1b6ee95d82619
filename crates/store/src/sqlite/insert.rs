//! Putting records in: prepared once for each transaction, bound by place.

use super::signed;
use crate::error::StoreError;
use crate::moment::Moment;
use crate::quality::{FIRST, LATER};
use crate::row::{AttemptRow, CallRow, DirectionRow, MediaRow, TransferRow};
use rusqlite::types::Null;
use rusqlite::{CachedStatement, Connection, Statement, ToSql};
use std::slice::SliceIndex;

/// 142 values, in the order of the table.
const INSERT_CALL: &str = "INSERT OR IGNORE INTO call VALUES (
    ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,
    ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,
    ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,
    ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
/// 28 values, in the order of the table.
const INSERT_ATTEMPT: &str =
    "INSERT INTO attempt VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
/// 10 values, in the order of the table.
const INSERT_TRANSFER: &str = "INSERT INTO transfer VALUES (?,?,?,?,?,?,?,?,?,?)";
/// Columns of one direction of media.
pub(super) const DIRECTION_COLUMNS: usize = 12;

/// Inserts records within one transaction.
pub(crate) struct Inserter<'c> {
    connection: &'c Connection,
    call: CachedStatement<'c>,
    attempt: CachedStatement<'c>,
    next_id: i64,
    trunks: String,
}

/// Binds values one after the other.
struct Bind<'s, 'c> {
    statement: &'s mut Statement<'c>,
    place: usize,
}

impl Bind<'_, '_> {
    fn put(&mut self, value: impl ToSql) -> Result<(), rusqlite::Error> {
        self.place += 1;
        self.statement.raw_bind_parameter(self.place, value)
    }

    fn time(&mut self, value: Moment) -> Result<(), rusqlite::Error> {
        self.put(signed(value.0))
    }

    fn time_option(&mut self, value: Option<Moment>) -> Result<(), rusqlite::Error> {
        self.put(value.map(|at| signed(at.0)))
    }

    fn nulls(&mut self, count: usize) -> Result<(), rusqlite::Error> {
        (0..count).try_for_each(|_| self.put(Null))
    }
}

impl<'c> Inserter<'c> {
    pub(super) fn new(connection: &'c Connection, next_id: i64) -> Result<Inserter<'c>, StoreError> {
        Ok(Inserter {
            connection,
            call: connection.prepare_cached(INSERT_CALL)?,
            attempt: connection.prepare_cached(INSERT_ATTEMPT)?,
            next_id,
            trunks: String::new(),
        })
    }

    pub(super) fn next_id(&self) -> i64 {
        self.next_id
    }

    /// Keeps a small number together with the records.
    pub(crate) fn set_meta(&mut self, name: &str, value: i64) -> Result<(), StoreError> {
        set_meta(self.connection, name, value)
    }

    /// Inserts a record and gives it its id; false when it is already there.
    pub(crate) fn insert(&mut self, row: &mut CallRow<'_>) -> Result<bool, StoreError> {
        row.id = self.next_id;
        self.trunks.clear();
        self.trunks.push(',');
        for trunk in std::iter::once(&row.trunk_in).chain(row.attempts.iter().map(|a| &a.trunk)) {
            self.trunks.push_str(trunk);
            self.trunks.push(',');
        }
        bind_call(&mut Bind { statement: &mut self.call, place: 0 }, row, &self.trunks)?;
        if self.call.raw_execute()? == 0 {
            return Ok(false);
        }
        for attempt in &row.attempts {
            bind_attempt(&mut Bind { statement: &mut self.attempt, place: 0 }, row.id, attempt)?;
            self.attempt.raw_execute()?;
        }
        for transfer in &row.transfers {
            let mut statement = self.connection.prepare_cached(INSERT_TRANSFER)?;
            bind_transfer(&mut Bind { statement: &mut statement, place: 0 }, row.id, transfer)?;
            statement.raw_execute()?;
        }
        self.next_id += 1;
        Ok(true)
    }
}

pub(super) fn set_meta(connection: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?;
    statement.execute((name, value))?;
    Ok(())
}

fn bind_call(bind: &mut Bind<'_, '_>, row: &CallRow<'_>, trunks: &str) -> Result<(), rusqlite::Error> {
    bind.put(row.id)?;
    bind.put(row.call.0.to_be_bytes().as_slice())?;
    bind.put(&*row.node)?;
    bind.put(signed(row.revision))?;
    bind.put(&*row.trunk_in)?;
    bind.put(&*row.trunk_out)?;
    bind.put(trunks)?;
    bind.put(&*row.source)?;
    bind.put(&*row.sip_call_id)?;
    bind.put(&*row.route)?;
    bind.put(&*row.caller_received)?;
    bind.put(&*row.called_received)?;
    bind.put(&*row.caller)?;
    bind.put(&*row.called)?;
    bind.put(&*row.asserted_received)?;
    bind.put(&*row.diversion_received)?;
    bind.time(row.start)?;
    bind.time_option(row.progress)?;
    bind.time_option(row.early_media)?;
    bind.time_option(row.answer)?;
    bind.time(row.end)?;
    bind.put(row.end_estimated)?;
    bind.put(row.status)?;
    bind.put(row.q850)?;
    bind.put(&*row.reason)?;
    bind.put(&*row.released_by)?;
    bind.put(&*row.decision)?;
    bind_media(bind, row.media.as_ref())?;
    bind.put(&*row.trace_id)?;
    bind.put(&*row.site_in)?;
    bind.put(&*row.site_out)?;
    bind.put(&*row.preferred_received)?;
    let media = row.media.as_ref();
    bind.put(media.map_or("", |media| &media.from_caller.security))?;
    bind.put(media.map_or("", |media| &media.from_callee.security))?;
    bind.put(&*row.recording)?;
    bind_qualities(bind, media)
}

/// How each side sounded.
fn bind_qualities(bind: &mut Bind<'_, '_>, media: Option<&MediaRow<'_>>) -> Result<(), rusqlite::Error> {
    let sides = [media.map(|media| &media.from_caller), media.map(|media| &media.from_callee)];
    for side in sides {
        bind.put(side.map_or("", |row| &row.one_way_why))?;
        bind_quality(bind, side, ..FIRST)?;
    }
    sides.into_iter().try_for_each(|side| bind_quality(bind, side, FIRST..LATER))?;
    let blank = DirectionRow::default();
    let rows = sides.map(|side| side.unwrap_or(&blank));
    let spoken = rows.iter().flat_map(|row| [&row.codec, &row.recoded_to, &row.recoded_why]);
    let foreign = rows.iter().flat_map(|row| [&row.foreign_source, &row.described]);
    spoken.chain(foreign).try_for_each(|text| bind.put(&**text))?;
    sides.into_iter().try_for_each(|side| bind_quality(bind, side, LATER..))
}

fn bind_quality(
    bind: &mut Bind<'_, '_>,
    row: Option<&DirectionRow<'_>>,
    part: impl SliceIndex<[Option<i64>], Output = [Option<i64>]>,
) -> Result<(), rusqlite::Error> {
    let figures = row.map(|row| row.quality).unwrap_or_default().0;
    figures[part].iter().try_for_each(|figure| bind.put(figure))
}

fn bind_media(bind: &mut Bind<'_, '_>, media: Option<&MediaRow<'_>>) -> Result<(), rusqlite::Error> {
    let Some(media) = media else { return bind.nulls(2 + 2 * DIRECTION_COLUMNS) };
    bind.put(&*media.codec)?;
    bind.put(signed(media.duration_ms))?;
    bind_direction(bind, &media.from_caller)?;
    bind_direction(bind, &media.from_callee)
}

fn bind_direction(bind: &mut Bind<'_, '_>, row: &DirectionRow<'_>) -> Result<(), rusqlite::Error> {
    bind.put(signed(row.packets))?;
    bind.put(signed(row.expected))?;
    bind.put(signed(row.lost))?;
    bind.put(signed(row.dropped))?;
    bind.put(row.jitter_us)?;
    bind.put(row.jitter_max_us)?;
    bind.put(row.rtt_us)?;
    bind.put(row.mos_min)?;
    bind.put(row.mos_avg)?;
    bind.put(row.one_way)?;
    bind.put(signed(row.silence_max_ms))?;
    bind.put(&*row.source)
}

fn bind_transfer(bind: &mut Bind<'_, '_>, call: i64, row: &TransferRow<'_>) -> Result<(), rusqlite::Error> {
    bind.put(call)?;
    bind.put(row.number)?;
    bind.time(row.at)?;
    for text in [&row.how, &row.by, &row.trunk, &row.from, &row.to, &row.with] {
        bind.put(&**text)?;
    }
    bind.put(row.status)
}

fn bind_attempt(bind: &mut Bind<'_, '_>, call: i64, row: &AttemptRow<'_>) -> Result<(), rusqlite::Error> {
    bind.put(call)?;
    bind.put(row.number)?;
    bind.put(row.tier)?;
    bind.put(&*row.trunk)?;
    bind.put(&*row.gateway)?;
    bind.put(&*row.target)?;
    bind.put(&*row.transport)?;
    bind.put(&*row.sip_call_id)?;
    bind.put(&*row.caller_sent)?;
    bind.put(&*row.called_sent)?;
    bind.time(row.start)?;
    bind.time_option(row.progress)?;
    bind.time_option(row.answer)?;
    bind.time_option(row.end)?;
    bind.put(row.status)?;
    bind.put(row.q850)?;
    bind.put(&*row.reason)?;
    bind.put(&*row.site)?;
    row.sent.0.iter().try_for_each(|value| bind.put(&**value))
}
