//! The ladder of one call: both legs on one page, as the peers saw them on the wire.
//!
//! Plain text, below 100 columns. Enter through [`draw`].

use super::board::{Board, Seen, Side};
use super::ground::Ground;
use super::judge::{Case, Stream};
use super::peer::message::{Message, codec_name};
use super::script::{Role, Way};
use crate::print::Colour;
use std::fmt::Write as _;
use std::time::Instant;

/// Columns between two lifelines.
const SPAN: usize = 39;
/// Columns before the first lifeline.
const MARGIN: usize = 11;

/// One arrow on one leg, or one on each.
#[derive(Debug)]
struct Rung {
    at: Instant,
    /// From the left to the right.
    rightwards: bool,
    /// What the arrow is drawn with.
    stroke: char,
    /// Above the IP-PBX's leg and the ITSP's.
    labels: [Option<String>; 2],
    /// Below the arrow.
    details: Vec<String>,
    colour: Option<Colour>,
}

impl Rung {
    /// A message on one leg.
    fn message(at: Instant, side: Side, rightwards: bool, label: String) -> Rung {
        let labels = if side == Side::Pbx { [Some(label), None] } else { [None, Some(label)] };
        Rung { at, rightwards, stroke: '-', labels, details: Vec::new(), colour: None }
    }
}

/// The ladder of a call.
pub(super) fn draw(case: &Case<'_>, board: &Board, ground: &Ground, colour: bool) -> String {
    let mut rungs = rungs(&board.messages(case.script.number - 1));
    rungs.extend(knocks(&board.knocks(&case.script.called_shown), ground));
    rungs.extend(audio(case));
    rungs.sort_by_key(|rung| rung.at);
    let mut text = head(ground);
    let Some(begin) = rungs.first().map(|rung| rung.at) else { return text };
    for rung in &rungs {
        let millis = rung.at.saturating_duration_since(begin).as_secs_f64() * 1_000.0;
        let paint = rung.colour.filter(|_| colour);
        line(
            &mut text,
            &format!("{millis:.1} ms"),
            rung.labels.each_ref().map(|label| {
                let arrow = arrow(rung, label.as_deref()?);
                Some(paint.map_or(arrow.clone(), |colour| colour.paint(&arrow)))
            }),
        );
        for detail in &rung.details {
            let room = SPAN.saturating_sub(4);
            let detail: String = detail.chars().take(room).collect();
            let half = format!("    {detail:<room$}");
            line(&mut text, "", rung.labels.each_ref().map(|label| label.as_ref().map(|_| half.clone())));
        }
    }
    text
}

/// Names and addresses, each centred over its lifeline.
fn head(ground: &Ground) -> String {
    let server = format!("{} | {}", ground.inside().ip(), ground.outside().ip());
    let names = ["IP-PBX".to_owned(), "tronco".to_owned(), "ITSP".to_owned()];
    let addresses = [ground.pbx().to_string(), server, ground.itsp().to_string()];
    let mut text = String::new();
    for row in [names, addresses] {
        let mut line = String::new();
        for (lifeline, name) in row.iter().enumerate() {
            let centre = MARGIN + lifeline * (SPAN + 1);
            let start = centre.saturating_sub(name.len() / 2);
            let gap = start.saturating_sub(line.len());
            let _ = write!(line, "{:gap$}{name}", "");
        }
        let _ = writeln!(text, "{line}");
    }
    text
}

/// One line: a time, and what stands between the lifelines.
fn line(text: &mut String, time: &str, halves: [Option<String>; 2]) {
    let [left, right] = halves.map(|half| half.unwrap_or_else(|| " ".repeat(SPAN)));
    let _ = writeln!(text, "{time:>width$} |{left}|{right}|", width = MARGIN - 1);
}

/// An arrow across half the page: `--- INVITE 030 ----->`.
fn arrow(rung: &Rung, label: &str) -> String {
    let label: String = label.chars().take(SPAN - 8).collect();
    let stroke = |count: usize| rung.stroke.to_string().repeat(count);
    let rest = SPAN.saturating_sub(label.chars().count() + 2 + 3 + 1);
    if rung.rightwards {
        format!("{} {label} {}>", stroke(3), stroke(rest))
    } else {
        format!("<{} {label} {}", stroke(rest), stroke(3))
    }
}

/// A label, and whether the same was seen before.
fn again(label: String, again: bool) -> String {
    if again { format!("{label} (again)") } else { label }
}

fn rungs(messages: &[Seen]) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for (place, seen) in messages.iter().enumerate() {
        let earlier = messages.get(..place).unwrap_or_default();
        let repeated = earlier.iter().any(|e| e.side == seen.side && e.message.0 == seen.message.0);
        let (label, details, colour) = tell(&seen.message);
        let rightwards = seen.sent == (seen.side == Side::Pbx);
        let rung = Rung::message(seen.at, seen.side, rightwards, again(label, repeated));
        rungs.push(Rung { details: if repeated { Vec::new() } else { details }, colour, ..rung });
    }
    rungs
}

/// The requests that the dead gateway got.
fn knocks(requests: &[(Instant, Message)], ground: &Ground) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for (at, message) in requests {
        let label = again(tell(message).0, !rungs.is_empty());
        let rung = Rung::message(*at, Side::Itsp, true, label);
        let details = vec![format!("to {}, which is dead", ground.dead())];
        rungs.push(Rung { details, colour: Some(Colour::Doubtful), ..rung });
    }
    rungs
}

/// What a message is, in a few words, and its key facts.
fn tell(message: &Message) -> (String, Vec<String>, Option<Colour>) {
    let media = message.media().map(|(address, law)| format!("audio at {address}, {}", codec_name(law)));
    match message.status() {
        0 => {
            let opening = message.method() == "INVITE" && !message.is_within();
            let caller = opening.then(|| format!("from {}", message.caller()));
            let label = match opening {
                true => format!("INVITE {}", message.called()),
                false => message.method().to_owned(),
            };
            (label, caller.into_iter().chain(media).collect(), None)
        }
        status => {
            let of = message.sequence_method();
            let label = match of {
                "INVITE" => message.status_line().to_owned(),
                of => format!("{} ({of})", message.status_line()),
            };
            let colour = match status {
                180..300 => Some(Colour::Good),
                300.. => Some(Colour::Bad),
                _ => None,
            };
            (label, media.into_iter().collect(), colour)
        }
    }
}

/// Audio both ways: what was sent at one end, what was heard at the other.
fn audio(case: &Case<'_>) -> Vec<Rung> {
    let mut rungs = Vec::new();
    let (Some(caller), Some(callee)) = (&case.ends.caller, &case.ends.callee) else { return rungs };
    let began = [caller.audio_at, callee.audio_at].into_iter().flatten().max();
    let Some(began) = began else { return rungs };
    let codec = codec_name(case.script.law);
    for from in [Role::Caller, Role::Callee] {
        let Some(Stream { sent, heard, tone, .. }) = case.stream(from) else { continue };
        let rightwards = (from == Role::Caller) == (case.script.way == Way::Out);
        let said = format!("RTP {sent} x {codec}, {tone:.0} Hz");
        let sound = heard.sound.map(|s| format!("{:.0} Hz, {:.1} dBm0", s.hertz, s.dbm0));
        let got = format!("RTP {}, {}", heard.received, sound.unwrap_or_else(|| "no tone".to_owned()));
        let labels = if rightwards { [said, got] } else { [got, said] }.map(Some);
        rungs.push(Rung { at: began, rightwards, stroke: '=', labels, details: Vec::new(), colour: None });
    }
    rungs
}
