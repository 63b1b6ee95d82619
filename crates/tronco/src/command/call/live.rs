//! A live call for people: what it is, and how it sounds so far, side beside side.

use crate::command::cdr;
use crate::print::{Cell, Colour, Table, bytes, clock, whole_seconds};
use api::wire::{Call, Figures};

/// All of it.
pub(super) fn whole(call: &Call, colour: bool) -> String {
    let mut text = head(call).print(colour);
    if let (Some(caller), Some(callee)) = (&call.from_caller, &call.from_callee) {
        text.push('\n');
        text.push_str(&figures([caller, callee]).print(colour));
    }
    text
}

/// The sites whose links its media cross.
fn links(call: &Call) -> String {
    let often = |(site, times): (&String, &u32)| {
        if *times == 1 { site.clone() } else { format!("{site} ({times})") }
    };
    let sites: Vec<String> = call.links.iter().map(often).collect();
    format!("to {}", sites.join(", "))
}

fn head(call: &Call) -> Table {
    let mut table = Table::pairs();
    table.pair("call", &call.key);
    table.row(vec![Cell::new("state"), Cell::state(&call.state)]);
    table.pair("caller", &call.caller);
    table.pair("called", &call.called);
    table.pair("in", format!("{}, Call-ID {}", call.trunk_in, call.a_call_id));
    match (&call.trunk_out, &call.b_call_id) {
        (Some(trunk), Some(id)) => table.pair("out", format!("{trunk}, Call-ID {id}")),
        (trunk, _) => table.pair("out", trunk.as_deref().unwrap_or_default()),
    }
    table.pair("route", format!("{}, attempt {}", call.route, call.attempts));
    table.pair("decision", &call.decision);
    table.pair("start", format!("{}, {} ago", clock(&call.start), whole_seconds(call.age_s)));
    match (&call.answer, call.talk_s) {
        (Some(answer), Some(talk)) => {
            table.pair("answer", format!("{}, {} ago", clock(answer), whole_seconds(talk)));
        }
        _ => table.pair("answer", ""),
    }
    add_media(&mut table, call);
    if let (Some(caller), Some(callee)) = (&call.from_caller, &call.from_callee) {
        add_sides(&mut table, [caller, callee]);
    }
    table
}

/// Who records it and how that goes; nothing where nobody does, or will.
fn recording(call: &Call) -> Option<String> {
    if !call.recording.is_empty() {
        return Some(call.recording.clone());
    }
    let paused = if call.recording_paused { ", and pauses from then on" } else { "" };
    call.recorder.as_ref().map(|by| format!("{by}: from the answer on{paused}"))
}

/// Where its media go, how they are protected, and who is not heard.
fn add_media(table: &mut Table, call: &Call) {
    let media = if call.anchored { "through this node" } else { "between the peers" };
    if let Some(recording) = recording(call) {
        table.pair("recording", recording);
    }
    for (who, whom, since) in
        [("caller", "callee", &call.caller_holds), ("callee", "caller", &call.callee_holds)]
    {
        if let Some(since) = since {
            table.pair("hold", format!("the {who} holds the {whom} since {}", clock(since)));
        }
    }
    table.pair("media", format!("{media}, codec {}", call.codec.as_deref().unwrap_or("not agreed")));
    if !call.links.is_empty() {
        table.pair("links", links(call));
    }
    if let (Some(caller), Some(callee)) = (&call.caller_security, &call.callee_security) {
        table.pair("security", format!("caller {caller}, callee {callee}"));
    }
    let sides = [
        ("caller", &call.caller_unheard, &call.from_caller),
        ("callee", &call.callee_unheard, &call.from_callee),
    ];
    for (who, word, side) in sides {
        if let Some(word) = word {
            let told = side.as_ref().and_then(|side| side.so_far.not_heard());
            let known = told.or_else(|| media::OneWay::of_word(word).map(Into::into));
            let text =
                format!("{who} not heard: {}", known.map(|heard| heard.to_string()).unwrap_or_default());
            table.row(vec![Cell::new("one way"), Cell::new(text).coloured(Some(Colour::Bad))]);
        }
    }
}

/// What of both sides is too long for a column.
fn add_sides(table: &mut Table, sides: [&Figures; 2]) {
    let whose = || ["caller", "callee"].into_iter().zip(sides.map(|side| &side.so_far));
    let heard: Vec<String> = whose()
        .filter(|(_, row)| !row.source.is_empty())
        .map(|(who, row)| format!("{who} {}", row.source))
        .collect();
    if !heard.is_empty() {
        table.pair("heard from", heard.join(", "));
    }
    for (who, row) in whose() {
        if let Some(text) = cdr::recoded(row) {
            table.pair("changed", format!("{who}'s {text}"));
        }
    }
    for (who, side) in ["caller", "callee"].into_iter().zip(sides).filter(|(_, side)| !side.drops.is_empty())
    {
        let reasons: Vec<String> =
            side.drops.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        table.pair("dropped", format!("from the {who}'s side: {}", reasons.join(", ")));
    }
    for ((who, row), name) in whose().zip(["caller tells", "callee tells"]) {
        let words = cdr::reported(row);
        if !words.is_empty() {
            table.pair(name, format!("{who} gets {words}"));
        }
    }
}

/// A row: its name, and what it says of a side; nothing where that was not measured.
type Line = (&'static str, fn(&Figures) -> Option<String>);

const LINES: [Line; 20] = [
    ("codec", |f| Some(f.so_far.codec.to_string())),
    ("passed on as", |f| Some(f.so_far.recoded_to.to_string())),
    ("relayed by", |f| Some(f.engine.clone())),
    ("packets", |f| Some(format!("{} ({})", f.so_far.packets, bytes(f.bytes)))),
    ("T.38 (UDPTL)", |f| (f.fax_packets > 0).then(|| format!("{} packets", f.fax_packets))),
    ("dropped", |f| (f.so_far.dropped > 0).then(|| f.so_far.dropped.to_string())),
    ("lost", |f| of_rtp(f).then(|| format!("{} ({:.1} %)", f.so_far.lost, f.loss * 100.0))),
    ("bursts", bursts),
    ("too late", |f| figure(f, "late").map(|late| late.to_string())),
    ("jitter", jitter),
    ("round trip", |f| f.so_far.rtt_us.map(|us| at_most(micros(us), figure(f, "rtt_max_ms")))),
    ("MOS", mos),
    ("made up", |f| figure(f, "concealed_ms").map(|ms| format!("{ms} ms"))),
    ("held", held),
    ("slipped", slips),
    ("silent", |f| figure(f, "silent").map(|part| format!("{:.0} % of its sound", part * 100.0))),
    ("longest pause", |f| Some(format!("{:.1} s", f.so_far.silence_max_ms as f64 / 1_000.0))),
    ("clock", |f| figure(f, "drift_ppm").map(|ppm| format!("{ppm:+.1} ppm"))),
    ("one way", |f| Some(if f.so_far.one_way { "not heard" } else { "no" }.to_owned())),
    ("digits", |f| f.digits.map(|digits| digits.to_string())),
];

fn figures(sides: [&Figures; 2]) -> Table {
    let mut table = Table::new(&["MEDIA", "FROM CALLER", "FROM CALLEE"]);
    for (name, of) in LINES {
        let cell = |side: &Figures| {
            let bad = name == "one way" && side.so_far.one_way;
            Cell::maybe(of(side)).coloured(bad.then_some(Colour::Bad))
        };
        let says = |side: &Figures| of(side).is_some_and(|text| !text.is_empty());
        // A line says something of a side, or is not there.
        if sides.into_iter().any(says) {
            table.row(vec![Cell::new(name), cell(sides[0]), cell(sides[1])]);
        }
    }
    table
}

fn figure(side: &Figures, name: &str) -> Option<f64> {
    side.so_far.quality.value(name)
}

/// Whether packets of RTP were expected: of a fax alone nothing is known of loss and jitter.
fn of_rtp(side: &Figures) -> bool {
    side.so_far.expected > 0 || side.fax_packets == 0
}

fn jitter(side: &Figures) -> Option<String> {
    let (last, most) = (micros(side.so_far.jitter_us), micros(side.so_far.jitter_max_us));
    of_rtp(side).then(|| at_most(last, Some(most)))
}

/// Milliseconds.
fn micros(us: u32) -> f64 {
    f64::from(us) / 1_000.0
}

fn at_most(ms: f64, most: Option<f64>) -> String {
    let most = most.filter(|most| *most > ms);
    format!("{ms:.1} ms") + &most.map_or(String::new(), |most| format!(", at most {most:.1} ms"))
}

fn bursts(side: &Figures) -> Option<String> {
    let count = figure(side, "bursts")?;
    let long = figure(side, "burst_ms").zip(figure(side, "burst_density"));
    let long = long.map(|(ms, density)| format!(" of {ms} ms, {:.0} % lost", density * 100.0));
    Some(format!("{count}{}", long.unwrap_or_default()))
}

/// How long the jitter buffer holds its sound, and what came too late for it.
fn held(side: &Figures) -> Option<String> {
    let mean = figure(side, "buffer_ms")?;
    let late = figure(side, "buffer_late").filter(|late| *late > 0.0);
    let late = late.map_or(String::new(), |late| format!(", {late} late"));
    Some(at_most(mean, figure(side, "buffer_max_ms")) + &late)
}

/// What the jitter buffer did to its sound.
fn slips(side: &Figures) -> Option<String> {
    let (put_in, left_out) = (figure(side, "stretched_ms")?, figure(side, "cut_ms")?);
    Some(format!("{put_in} ms put in, {left_out} ms left out"))
}

fn mos(side: &Figures) -> Option<String> {
    let rated = |mos: Option<u16>| mos.map_or(0.0, |mos| f64::from(mos) / 100.0);
    let (mean, lowest) = (rated(side.so_far.mos_avg), rated(side.so_far.mos_min));
    side.mos.map(|now| format!("{now:.2}, mean {mean:.2}, lowest {lowest:.2}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    fn call() -> Call {
        let long = "a word ".repeat(40);
        let side = r#"{"packets":1500,"expected":1503,"lost":3,"dropped":0,"jitter_ms":1.25,"jitter_max_ms":4.0,
            "rtt_ms":12.5,"mos_min":4.1,"mos_avg":4.38,"one_way":false,"silence_max_ms":340,
            "source":"[2001:db8:1111:2222:3333:4444:5555:6666]:40000","security":"SDES AES_256_CM_HMAC_SHA1_80",
            "codec":"PCMA","recoded_to":"opus","recoded_why":"codec","bytes":258000,"loss":0.002,"mos":4.39,
            "engine":"sockets","digits":3,"quality":{"late":1,"bursts":2,"burst_ms":240,"burst_density":0.3333,
            "rtt_max_ms":20.0,"concealed_ms":120,"buffer_ms":12.5,"buffer_max_ms":60,"buffer_late":2,
            "stretched_ms":40,"cut_ms":20,"silent":0.5,"drift_ppm":1.2,"peer_mos":3.8,"peer_r_factor":82,
            "peer_loss_mean":0.1,"peer_burst_ms":120,"peer_burst_density":0.5,"peer_rtt_ms":80}}"#;
        let text = format!(
            r#"{{"key":"00112233445566778899aabbccddeeff","state":"answered","trunk_in":"pbx","trunk_out":"provider",
            "route":"out","decision":"{long}","caller":"+441632960001","called":"+441632960002",
            "start":"2026-03-01T12:30:00Z","answer":"2026-03-01T12:30:05Z","age_s":35,"talk_s":30,"attempts":1,
            "a_call_id":"{}","b_call_id":"b","anchored":true,"codec":"PCMA","caller_security":"none",
            "callee_security":"none","recording":"","from_caller":{side},"from_callee":{side}}}"#,
            "0123456789".repeat(6)
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_live_call_fits_into_a_hundred_columns_and_every_figure_has_its_unit() {
        let text = whole(&call(), false);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        for line in [
            "packets        1500 (258.0 kB)",
            "lost           3 (0.2 %)",
            "bursts         2 of 240 ms, 33 % lost",
            "jitter         1.2 ms, at most 4.0 ms",
            "round trip     12.5 ms, at most 20.0 ms",
            "MOS            4.39, mean 4.38, lowest 4.10",
            "silent         50 % of its sound",
            "held           12.5 ms, at most 60.0 ms, 2 late",
            "slipped        40 ms put in, 20 ms left out",
            "one way        no",
            "digits         3",
            "relayed by     sockets",
        ] {
            assert!(text.lines().any(|shown| shown.starts_with(line)), "{line}\n{text}");
        }
        assert!(
            text.contains("caller's PCMA to opus: the other side has not agreed on this codec"),
            "{text}"
        );
        assert!(text.contains("callee gets MOS 3.8"), "{text}");
    }

    #[test]
    fn hold_drops_and_a_pause_are_told_in_words() {
        let call = call();
        let mut caller = call.from_caller.clone().unwrap();
        caller.drops = [("foreign_source".to_owned(), 1001), ("ssrc".to_owned(), 2)].into();
        caller.so_far.dropped = 1003;
        let call = Call {
            callee_holds: Some("2026-03-01T12:30:10Z".to_owned()),
            recorder: Some("rec".to_owned()),
            recording_paused: true,
            from_caller: Some(caller),
            ..call
        };
        let text = whole(&call, false);
        for told in [
            "the callee holds the caller since ",
            "from the caller's side: foreign_source 1001, ssrc 2",
            "rec: from the answer on, and pauses from then on",
        ] {
            assert!(text.contains(told), "{told}\n{text}");
        }
        assert!(text.lines().any(|line| line.starts_with("dropped        1003")), "{text}");
        let running = Call { recording: "rec: paused".to_owned(), ..call };
        assert!(whole(&running, false).contains("rec: paused"));
    }

    #[test]
    fn of_a_fax_packets_and_security_are_told_and_nothing_that_is_not_known() {
        let fax = api::wire::Figures {
            bytes: 800,
            engine: "sockets".to_owned(),
            fax_packets: 20,
            so_far: store::DirectionRow { packets: 20, ..Default::default() },
            ..Default::default()
        };
        let both = (Some(Box::new(fax.clone())), Some(Box::new(fax)));
        let text = whole(&Call { from_caller: both.0, from_callee: both.1, ..call() }, false);
        let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("MEDIA")).collect();
        let named: Vec<&str> =
            table.iter().filter_map(|line| Some(line.split("  ").next()?.trim())).collect();
        assert_eq!(named, ["MEDIA", "relayed by", "packets", "T.38 (UDPTL)", "longest pause", "one way"]);
        assert!(table[3].contains("20 packets") && text.contains("caller none, callee none"), "{text}");
    }

    #[test]
    fn a_call_without_media_here_has_no_figures() {
        let call = Call { from_caller: None, from_callee: None, anchored: false, ..call() };
        let text = whole(&call, false);
        assert!(text.contains("between the peers") && !text.contains("FROM CALLER"), "{text}");
    }
}
