//! Records for other programs: CSV (RFC 4180) and JSON lines.
//!
//! Enter through [`Table`]; the same rows as everywhere, flat for CSV. There columns keep their places for ever, as some
//! read them by these: new ones go to the end.

use crate::error::StoreError;
use crate::moment::Moment;
use crate::quality::QualityRow;
use crate::row::{AttemptRow, CallRow, DirectionRow, MediaRow};
use crate::sent::SentRow;
use std::fmt::{Display, Write as _};
use std::io::Write;
use std::ops::Range;

/// How records are written out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A header, then one line for each call; of its attempts the last.
    Csv,
    /// A header, then one line for each attempt of each call.
    CsvAttempts,
    /// One JSON object for each call, with its attempts.
    Jsonl,
}

const CALL_HEADER: &str = "id,call,node,revision,trunk_in,trunk_out,source,sip_call_id,route,\
caller_received,called_received,caller,called,asserted_received,diversion_received,start,progress,early_media,\
answer,end,end_estimated,post_dial_delay_ms,duration_ms,status,q850,reason,blame,released_by,decision,attempts,\
gateway,target,transport,sip_call_id_out,caller_sent,called_sent,attempt_status,attempt_q850,attempt_reason,\
codec,media_ms,";

const DIRECTION_FIELDS: [&str; 12] = [
    "packets",
    "expected",
    "lost",
    "dropped",
    "jitter_ms",
    "jitter_max_ms",
    "rtt_ms",
    "mos_min",
    "mos_avg",
    "one_way",
    "silence_max_ms",
    "source",
];

const ATTEMPT_HEADER: &str = "id,call,number,tier,trunk,gateway,target,transport,sip_call_id,caller_sent,\
called_sent,start,progress,answer,end,status,q850,reason,site";

/// What was added to the calls.
const CALL_TAIL: &str = "trace_id,site_in,site_out,preferred_received";

/// What was added to them after that.
const CALL_END: &str = ",caller_security,callee_security,recording";

/// And after how each side sounded.
const CALL_CODECS: &str = ",caller_codec,caller_recoded_to,caller_recoded_why,callee_codec,callee_recoded_to,\
callee_recoded_why,caller_foreign_source,caller_described,callee_foreign_source,callee_described";

/// Figures of how a side sounded, and headers of who was named, that have columns in the middle of the lines. Whatever is
/// added to these tables has its columns at the end: first figures of the caller's side, then of the callee's, then
/// headers.
const FIGURES: usize = 35;
const SENT: usize = 10;

/// Writes rows in one format.
pub(crate) struct Table<'w> {
    out: &'w mut dyn Write,
    format: Format,
    line: String,
}

impl<'w> Table<'w> {
    /// Begins a table: writes the header, where the format has one.
    pub(crate) fn begin(format: Format, out: &'w mut dyn Write) -> Result<Table<'w>, StoreError> {
        let mut header = match format {
            Format::Jsonl => String::new(),
            Format::CsvAttempts => ATTEMPT_HEADER.to_owned() + &sent_header(0..usize::MAX),
            Format::Csv => {
                CALL_HEADER.to_owned()
                    + &direction_header("caller")
                    + ","
                    + &direction_header("callee")
                    + ","
                    + CALL_TAIL
                    + &sent_header(0..SENT)
                    + CALL_END
                    + &quality_header("caller")
                    + &quality_header("callee")
                    + CALL_CODECS
                    + &figures_header("caller", FIGURES..usize::MAX)
                    + &figures_header("callee", FIGURES..usize::MAX)
                    + &sent_header(SENT..usize::MAX)
            }
        };
        if !header.is_empty() {
            header.push_str("\r\n");
            out.write_all(header.as_bytes()).map_err(StoreError::Export)?;
        }
        Ok(Table { out, format, line: String::new() })
    }

    /// Writes one call.
    pub(crate) fn put(&mut self, call: &CallRow<'_>) -> Result<(), StoreError> {
        self.line.clear();
        match self.format {
            Format::Jsonl => {
                self.line = serde_json::to_string(call)?;
                self.line.push('\n');
            }
            Format::Csv => call_line(&mut Fields::new(&mut self.line), call),
            Format::CsvAttempts => {
                for attempt in &call.attempts {
                    attempt_line(&mut Fields::new(&mut self.line), call, attempt);
                }
            }
        }
        self.out.write_all(self.line.as_bytes()).map_err(StoreError::Export)
    }
}

/// What was sent of whom, with a comma before each.
fn sent_header(places: Range<usize>) -> String {
    within(SentRow::columns(), places).map(|column| format!(",{column}")).collect()
}

fn within<T>(all: impl Iterator<Item = T>, places: Range<usize>) -> impl Iterator<Item = T> {
    all.skip(places.start).take(places.len())
}

fn direction_header(side: &str) -> String {
    DIRECTION_FIELDS.map(|field| format!("{side}_{field}")).join(",")
}

/// How a side sounded, with a comma before each.
fn quality_header(side: &str) -> String {
    format!(",{side}_one_way_why") + &figures_header(side, 0..FIGURES)
}

fn figures_header(side: &str, places: Range<usize>) -> String {
    within(QualityRow::names(), places).map(|name| format!(",{side}_{name}")).collect()
}

/// Fields of one CSV line.
struct Fields<'l> {
    line: &'l mut String,
    first: bool,
}

impl Fields<'_> {
    fn new(line: &mut String) -> Fields<'_> {
        Fields { line, first: true }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.line.push(',');
        }
    }

    /// Text, quoted where RFC 4180 §2 asks for it.
    fn text(&mut self, text: &str) {
        self.separate();
        if text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
            self.line.push('"');
            self.line.push_str(&text.replace('"', "\"\""));
            self.line.push('"');
        } else {
            self.line.push_str(text);
        }
    }

    /// A value whose text needs no quotes.
    fn plain(&mut self, value: impl Display) {
        self.separate();
        // Writing to a String does not fail.
        let _ = write!(self.line, "{value}");
    }

    fn option(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(value),
            None => self.separate(),
        }
    }

    fn end(&mut self) {
        self.line.push_str("\r\n");
    }
}

fn call_line(fields: &mut Fields<'_>, call: &CallRow<'_>) {
    fields.plain(call.id);
    fields.plain(call.call);
    fields.text(&call.node);
    fields.plain(call.revision);
    for text in [&call.trunk_in, &call.trunk_out, &call.source, &call.sip_call_id, &call.route] {
        fields.text(text);
    }
    for text in [&call.caller_received, &call.called_received, &call.caller, &call.called] {
        fields.text(text);
    }
    fields.text(&call.asserted_received);
    fields.text(&call.diversion_received);
    times(fields, call.start, [call.progress, call.early_media, call.answer]);
    fields.plain(call.end);
    fields.plain(call.end_estimated);
    fields.option(call.post_dial_delay_ms);
    fields.plain(call.duration_ms);
    fields.plain(call.status);
    fields.plain(call.q850);
    for text in [&call.reason, &call.blame, &call.released_by, &call.decision] {
        fields.text(text);
    }
    fields.plain(call.attempts.len());
    last_attempt(fields, call.last_attempt());
    let media = call.media.as_ref();
    fields.text(media.map_or("", |m| &m.codec));
    fields.option(media.map(|m| m.duration_ms));
    direction(fields, media.map(|m| &m.from_caller));
    direction(fields, media.map(|m| &m.from_callee));
    for text in [&call.trace_id, &call.site_in, &call.site_out, &call.preferred_received] {
        fields.text(text);
    }
    sent(fields, call.last_attempt(), 0..SENT);
    put_end(fields, call);
    fields.end();
}

/// What [`CALL_END`] names, how each side sounded, what [`CALL_CODECS`] names, and what came after.
fn put_end(fields: &mut Fields<'_>, call: &CallRow<'_>) {
    ends(call).into_iter().for_each(|value| fields.text(value));
    let media = call.media.as_ref();
    for row in [media.map(|m| &m.from_caller), media.map(|m| &m.from_callee)] {
        fields.text(row.map_or("", |row| &row.one_way_why));
        figures(fields, row, 0..FIGURES);
    }
    let blank = DirectionRow::default();
    let sides = [media.map(|m| &m.from_caller), media.map(|m| &m.from_callee)];
    let sides = sides.map(|side| side.unwrap_or(&blank));
    let spoken = sides.iter().flat_map(|row| [&row.codec, &row.recoded_to, &row.recoded_why]);
    let foreign = sides.iter().flat_map(|row| [&row.foreign_source, &row.described]);
    spoken.chain(foreign).for_each(|text| fields.text(text));
    for row in [media.map(|m| &m.from_caller), media.map(|m| &m.from_callee)] {
        figures(fields, row, FIGURES..usize::MAX);
    }
    sent(fields, call.last_attempt(), SENT..usize::MAX);
}

/// Who was named in an attempt's INVITE.
fn sent(fields: &mut Fields<'_>, attempt: Option<&AttemptRow<'_>>, places: Range<usize>) {
    match attempt {
        Some(attempt) => within(attempt.sent.0.iter(), places).for_each(|value| fields.text(value)),
        None => within(SentRow::columns(), places).for_each(|_| fields.separate()),
    }
}

/// What [`CALL_END`] names.
fn ends<'c>(call: &'c CallRow<'_>) -> [&'c str; 3] {
    let [caller, callee] = call.media.as_ref().map_or(["", ""], securities);
    [caller, callee, &call.recording]
}

/// How each leg was protected.
fn securities<'m>(media: &'m MediaRow<'_>) -> [&'m str; 2] {
    [&media.from_caller.security, &media.from_callee.security]
}

fn times<const N: usize>(fields: &mut Fields<'_>, start: Moment, others: [Option<Moment>; N]) {
    fields.plain(start);
    for at in others {
        fields.option(at);
    }
}

fn last_attempt(fields: &mut Fields<'_>, attempt: Option<&AttemptRow<'_>>) {
    let text = |of: fn(&'_ AttemptRow<'_>) -> String| attempt.map_or(String::new(), of);
    fields.text(&text(|a| a.gateway.to_string()));
    fields.text(&text(|a| a.target.to_string()));
    fields.text(&text(|a| a.transport.to_string()));
    fields.text(&text(|a| a.sip_call_id.to_string()));
    fields.text(&text(|a| a.caller_sent.to_string()));
    fields.text(&text(|a| a.called_sent.to_string()));
    fields.option(attempt.map(|a| a.status));
    fields.option(attempt.and_then(|a| a.q850));
    fields.text(&text(|a| a.reason.to_string()));
}

fn direction(fields: &mut Fields<'_>, row: Option<&DirectionRow<'_>>) {
    let Some(row) = row else {
        DIRECTION_FIELDS.iter().for_each(|_| fields.separate());
        return;
    };
    for count in [row.packets, row.expected, row.lost, row.dropped] {
        fields.plain(count);
    }
    fields.plain(f64::from(row.jitter_us) / 1_000.0);
    fields.plain(f64::from(row.jitter_max_us) / 1_000.0);
    fields.option(row.rtt_us.map(|us| f64::from(us) / 1_000.0));
    fields.option(row.mos_min.map(|mos| f64::from(mos) / 100.0));
    fields.option(row.mos_avg.map(|mos| f64::from(mos) / 100.0));
    fields.plain(row.one_way);
    fields.plain(row.silence_max_ms);
    fields.text(&row.source);
}

fn figures(fields: &mut Fields<'_>, row: Option<&DirectionRow<'_>>, places: Range<usize>) {
    let quality = row.map(|row| row.quality).unwrap_or_default();
    within(quality.shown(), places).for_each(|figure| fields.option(figure));
}

fn attempt_line(fields: &mut Fields<'_>, call: &CallRow<'_>, attempt: &AttemptRow<'_>) {
    fields.plain(call.id);
    fields.plain(call.call);
    fields.plain(attempt.number);
    fields.plain(attempt.tier);
    for text in [&attempt.trunk, &attempt.gateway, &attempt.target, &attempt.transport, &attempt.sip_call_id]
    {
        fields.text(text);
    }
    fields.text(&attempt.caller_sent);
    fields.text(&attempt.called_sent);
    times(fields, attempt.start, [attempt.progress, attempt.answer, attempt.end]);
    fields.plain(attempt.status);
    fields.option(attempt.q850);
    fields.text(&attempt.reason);
    fields.text(&attempt.site);
    sent(fields, Some(attempt), 0..usize::MAX);
    fields.end();
}
