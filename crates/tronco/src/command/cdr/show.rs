//! Records for people: in a table, line after line, and whole.

use crate::print::{Cell, Colour, Table, clock, count, duration};
use store::{DirectionRow, MediaRow, StoredCall};

const HEADER: [&str; 10] =
    ["START", "CALLER", "CALLED", "IN", "OUT", "STATUS", "REASON", "DELAY", "TALK", "CALL"];

fn cells(record: &StoredCall) -> Vec<Cell> {
    vec![
        Cell::new(clock(&record.start.to_string())),
        Cell::new(&record.caller),
        Cell::new(&record.called),
        Cell::new(&record.trunk_in),
        Cell::new(&record.trunk_out),
        Cell::number(record.status),
        Cell::new(&record.reason),
        Cell::number(record.post_dial_delay_ms.map_or("-".to_owned(), delay)),
        Cell::number(duration(record.duration_ms)),
        Cell::new(record.call.to_string()),
    ]
}

/// A delay: that none was awaited and that none was to be measured are two things.
fn delay(millis: u64) -> String {
    if millis == 0 { "0.0s".to_owned() } else { duration(millis) }
}

/// All in one table.
pub(super) fn list(records: &[StoredCall]) -> Table {
    let mut table = Table::new(&HEADER);
    records.iter().for_each(|record| table.row(cells(record)));
    table
}

/// Lines of a table whose end is not known: the widths of what came before are kept.
#[derive(Default)]
pub(super) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// The next lines, under the header when they are the first.
    pub(super) fn print(&mut self, records: &[StoredCall], colour: bool) -> String {
        let mut table = if self.widths.is_empty() { Table::new(&HEADER) } else { Table::pairs() };
        records.iter().for_each(|record| table.row(cells(record)));
        table.widen(&mut self.widths);
        table.print_as_wide(colour, &self.widths)
    }
}

/// One record in full.
pub(crate) fn whole(record: &StoredCall, colour: bool) -> String {
    let mut table = Table::pairs();
    table.pair("call", record.call.to_string());
    if !record.trace_id.is_empty() {
        table.pair("trace", &record.trace_id);
    }
    table.pair("state", "over");
    table.pair("caller", with_received(&record.caller, &record.caller_received));
    table.pair("called", with_received(&record.called, &record.called_received));
    table.pair("in", format!("{} from {}, Call-ID {}", record.trunk_in, record.source, record.sip_call_id));
    table.pair("route", &record.route);
    table.pair("start", clock(&record.start.to_string()));
    table.pair("answer", record.answer.map_or(String::new(), |at| clock(&at.to_string())));
    let estimated = if record.end_estimated { " (estimated: the node was killed)" } else { "" };
    table.pair("end", format!("{}{estimated}", clock(&record.end.to_string())));
    table.pair("talk", duration(record.duration_ms));
    let sentence = base::ReasonId::from_id(&record.reason).map_or("", |reason| reason.sentence());
    table.pair("outcome", format!("{} {}: {sentence}", record.status, record.reason));
    table.pair("released by", format!("{}, Q.850 cause {}", record.released_by, record.q850));
    table.pair("decision", &record.decision);
    add_recording(&mut table, record);
    if let Some(media) = &record.media {
        add_media(&mut table, media);
    }
    let mut text = table.print(colour);
    if !record.attempts.is_empty() {
        text.push('\n');
        text.push_str(&attempts(record).print(colour));
        text.push('\n');
        text.push_str(&identities(record).print(colour));
    }
    if !record.transfers.is_empty() {
        text.push('\n');
        text.push_str(&transfers(record).print(colour));
    }
    text
}

fn with_received(number: &str, received: &str) -> String {
    if number == received { number.to_owned() } else { format!("{number} (received {received})") }
}

fn add_recording(table: &mut Table, record: &StoredCall) {
    if !record.recording.is_empty() {
        table.pair("recording", &record.recording);
    }
}

fn add_media(table: &mut Table, media: &MediaRow<'_>) {
    table.pair("codec", &media.codec);
    let (caller, callee) = (&media.from_caller.security, &media.from_callee.security);
    if !caller.is_empty() && !callee.is_empty() {
        table.pair("security", format!("caller {caller}, callee {callee}"));
    }
    for (name, row) in [("from caller", &media.from_caller), ("from callee", &media.from_callee)] {
        table.row(direction(name, row, &media.codec));
        let words = super::sound::words(row);
        if !words.is_empty() {
            table.more(words, None);
        }
        if let Some(sentence) = super::sound::why(row) {
            table.more(sentence, Some(Colour::Bad));
        }
        if let Some(text) = super::sound::recoded(row) {
            table.more(text, None);
        }
    }
    for (name, row) in [("caller reports", &media.from_caller), ("callee reports", &media.from_callee)] {
        let words = super::sound::reported(row);
        if !words.is_empty() {
            table.pair(name, words);
        }
    }
}

fn direction(name: &str, row: &DirectionRow<'_>, codec: &str) -> Vec<Cell> {
    let mut text = count(row.packets, "packet");
    // Of a fax alone nothing is known of loss and jitter.
    match row.expected == 0 && row.packets > 0 && codec.ends_with("+t38") {
        true => text.push_str(" of T.38 (UDPTL)"),
        false => {
            let jitter = f64::from(row.jitter_us) / 1_000.0;
            text.push_str(&format!(", {} lost, jitter {jitter:.1} ms", row.lost));
        }
    }
    if let Some(mos) = row.mos_avg {
        text.push_str(&format!(", MOS {:.2}", f64::from(mos) / 100.0));
        if let Some(worst) = row.mos_min.filter(|worst| *worst < mos) {
            text.push_str(&format!(" (at worst {:.2})", f64::from(worst) / 100.0));
        }
    }
    if row.dropped > 0 {
        text.push_str(&format!(", {} dropped", row.dropped));
    }
    match (row.one_way, row.dropped) {
        (false, _) => {}
        (true, _) if row.packets > 0 => text.push_str(", then no more (one-way)"),
        (true, 0) => text.push_str(", never sent (one-way)"),
        (true, _) => text.push_str(", none of it passed on (one-way)"),
    }
    vec![Cell::new(name), Cell::new(text).coloured(row.one_way.then_some(Colour::Bad))]
}

/// Who each attempt's INVITE named, header by header.
fn identities(record: &StoredCall) -> Table {
    let mut table = Table::new(&["TRY", "HEADER", "AS SENT"]);
    for attempt in &record.attempts {
        for (header, value) in attempt.sent.named() {
            table.row(vec![Cell::number(attempt.number), Cell::new(header), Cell::new(value)]);
        }
    }
    table
}

fn transfers(record: &StoredCall) -> Table {
    let mut table = Table::new(&["TRANSFER", "HOW", "BY", "FROM", "TO", "STATUS", "JOINED CALL"]);
    for transfer in &record.transfers {
        table.row(vec![
            Cell::number(transfer.number),
            Cell::new(&transfer.how),
            Cell::new(format!("{} on {}", transfer.by, transfer.trunk)),
            Cell::new(&transfer.from),
            Cell::new(&transfer.to),
            Cell::number(transfer.status),
            Cell::new(&transfer.with),
        ]);
    }
    table
}

fn attempts(record: &StoredCall) -> Table {
    let mut table = Table::new(&["TRY", "TRUNK", "GATEWAY", "TARGET", "CALLED SENT", "STATUS", "REASON"]);
    for attempt in &record.attempts {
        table.row(vec![
            Cell::number(attempt.number),
            Cell::new(&attempt.trunk),
            Cell::new(&attempt.gateway),
            Cell::new(format!("{}:{}", attempt.transport, attempt.target)),
            Cell::new(&attempt.called_sent),
            Cell::number(attempt.status),
            Cell::new(&attempt.reason),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_came_and_were_dropped_are_not_called_unsent() {
        let shown = |row: &DirectionRow<'_>| {
            let mut table = Table::pairs();
            table.row(direction("from caller", row, "PCMA+t38"));
            table.print(false)
        };
        let fax = DirectionRow { packets: 100, ..DirectionRow::default() };
        assert!(shown(&fax).ends_with("100 packets of T.38 (UDPTL)\n"), "{}", shown(&fax));
        let sound = DirectionRow { expected: 100, ..fax };
        assert!(shown(&sound).contains("100 packets, 0 lost, jitter 0.0 ms"));
        let silent = DirectionRow { one_way: true, ..DirectionRow::default() };
        assert!(shown(&silent).contains("0 packets, 0 lost, jitter 0.0 ms, never sent (one-way)"));
        let foreign = DirectionRow { dropped: 317, ..silent };
        let text = shown(&foreign);
        assert!(text.contains("0 packets, 0 lost, jitter 0.0 ms, 317 dropped"), "{text}");
        assert!(text.contains("none of it passed on (one-way)") && !text.contains("never sent"), "{text}");
    }

    #[test]
    fn no_delay_is_told_apart_from_none_known() {
        assert_eq!((delay(0), delay(1_250)), ("0.0s".to_owned(), "1.2s".to_owned()));
    }
}
