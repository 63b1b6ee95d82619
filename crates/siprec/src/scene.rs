//! Metadata (RFC 7865): who takes part in the recorded call, and whose words each stream bears.
//!
//! The first text is complete; what follows says what changed, until the recorder asks for all of it (§5, §6.1).

use crate::id::Id;
use crate::moment::moment;
use base::{Rng, WallTime};
use std::fmt::Write;

/// How a document begins.
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\r\n";
/// Participants of one call that are remembered: limit `recorded_parties`. Of more the oldest are forgotten.
const PEOPLE_MAX: usize = 16;

/// Somebody who takes part.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    /// Address of record: a URI.
    pub aor: String,
    /// What to call them; empty: nothing.
    pub name: String,
}

/// Who takes part, by side, and whether the words of each side flow, by stream and side.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cast {
    /// By side.
    pub parties: [Party; 2],
    /// By stream and side.
    pub flowing: Vec<[bool; 2]>,
}

/// The label of the line that bears a side's words of a stream (RFC 4574).
#[must_use]
pub fn label(stream: usize, side: usize) -> usize {
    stream * 2 + side + 1
}

/// A participant that the recorder knows.
#[derive(Clone, Copy, Debug)]
struct Person {
    id: Id,
    since: WallTime,
    until: Option<WallTime>,
}

/// What a recorder knows of a call.
#[derive(Clone, Debug)]
pub struct Scene {
    session: Id,
    start: WallTime,
    /// Those of the two sides now, then those that have gone.
    people: Vec<Person>,
    streams: Vec<[Id; 2]>,
    /// Who is on the sides now.
    parties: Option<[Party; 2]>,
    told: Option<Cast>,
}

impl Scene {
    /// Of a call that begins to be recorded.
    pub fn new(start: WallTime, rng: &mut Rng) -> Scene {
        let session = Id::draw(rng);
        Scene { session, start, people: Vec::new(), streams: Vec::new(), parties: None, told: None }
    }

    /// The recorder is to be told everything.
    pub fn forget(&mut self) {
        self.told = None;
    }

    /// What the recorder is to be told now, if anything.
    pub fn tell(&mut self, cast: &Cast, at: WallTime, rng: &mut Rng) -> Option<String> {
        let before = self.told.replace(cast.clone());
        if before.as_ref() == Some(cast) {
            return None;
        }
        while self.streams.len() < cast.flowing.len() {
            self.streams.push([Id::draw(rng), Id::draw(rng)]);
        }
        let grown = before.as_ref().is_none_or(|before| before.flowing.len() != cast.flowing.len());
        let known = self.parties.replace(cast.parties.clone());
        let entered = [0, 1].map(|side| known.as_ref().is_none_or(|known| known[side] != cast.parties[side]));
        let sides = (0..2).filter(|side| entered[*side]);
        let left: Vec<Person> = sides.filter_map(|side| self.enter(side, at, rng)).collect();
        let mut text = String::from(HEAD);
        match before {
            None => self.complete(cast, &mut text),
            Some(_) => self.partial(cast, (entered, grown), &left, &mut text),
        }
        text.push_str("</recording>\r\n");
        Some(text)
    }

    /// Somebody else is on a side; who was there before.
    fn enter(&mut self, side: usize, at: WallTime, rng: &mut Rng) -> Option<Person> {
        let fresh = Person { id: Id::draw(rng), since: at, until: None };
        if self.people.len() <= side {
            self.people.push(fresh);
            return None;
        }
        let left = Person { until: Some(at), ..std::mem::replace(&mut self.people[side], fresh) };
        if self.people.len() == PEOPLE_MAX {
            self.people.remove(2);
        }
        self.people.push(left);
        Some(left)
    }

    fn complete(&self, cast: &Cast, text: &mut String) {
        text.push_str("  <datamode>complete</datamode>\r\n");
        let (session, start) = (self.session, moment(self.start));
        let _ = write!(
            text,
            "  <session session_id=\"{session}\">\r\n    <start-time>{start}</start-time>\r\n  </session>\r\n"
        );
        for side in 0..2 {
            self.participant(side, cast, text);
        }
        self.streams(text);
        let _ = write!(
            text,
            "  <sessionrecordingassoc session_id=\"{session}\">\r\n    <associate-time>{start}</associate-time>\r\n  </sessionrecordingassoc>\r\n"
        );
        self.people.iter().for_each(|person| self.attends(person, text));
        for side in 0..2 {
            self.hears(side, cast, text);
        }
    }

    fn partial(&self, cast: &Cast, (entered, grown): ([bool; 2], bool), left: &[Person], text: &mut String) {
        text.push_str("  <datamode>partial</datamode>\r\n");
        let entered = || (0..2).filter(|side| entered[*side]);
        entered().for_each(|side| self.participant(side, cast, text));
        if grown {
            self.streams(text);
        }
        left.iter().for_each(|person| self.attends(person, text));
        entered().for_each(|side| self.attends(&self.people[side], text));
        // Who has gone hears and says nothing any more.
        for Person { id, until, .. } in left {
            let until = until.map(moment).unwrap_or_default();
            let _ = write!(
                text,
                "  <participantstreamassoc participant_id=\"{id}\">\r\n    <disassociate-time>{until}</disassociate-time>\r\n  </participantstreamassoc>\r\n"
            );
        }
        (0..2).for_each(|side| self.hears(side, cast, text));
    }

    fn participant(&self, side: usize, cast: &Cast, text: &mut String) {
        let (id, party) = (self.people[side].id, &cast.parties[side]);
        let _ = write!(text, "  <participant participant_id=\"{id}\">\r\n    <nameID aor=\"");
        escape(&party.aor, text);
        if party.name.is_empty() {
            text.push_str("\"/>\r\n");
        } else {
            text.push_str("\">\r\n      <name>");
            escape(&party.name, text);
            text.push_str("</name>\r\n    </nameID>\r\n");
        }
        text.push_str("  </participant>\r\n");
    }

    fn streams(&self, text: &mut String) {
        let session = self.session;
        for (stream, ids) in self.streams.iter().enumerate() {
            for (side, id) in ids.iter().enumerate() {
                let label = label(stream, side);
                let _ = write!(
                    text,
                    "  <stream stream_id=\"{id}\" session_id=\"{session}\">\r\n    <label>{label}</label>\r\n  </stream>\r\n"
                );
            }
        }
    }

    /// That somebody takes part in the call, or did.
    fn attends(&self, person: &Person, text: &mut String) {
        let (id, session, since) = (person.id, self.session, moment(person.since));
        let _ = write!(
            text,
            "  <participantsessionassoc participant_id=\"{id}\" session_id=\"{session}\">\r\n    <associate-time>{since}</associate-time>\r\n"
        );
        if let Some(until) = person.until.map(moment) {
            let _ = write!(text, "    <disassociate-time>{until}</disassociate-time>\r\n");
        }
        text.push_str("  </participantsessionassoc>\r\n");
    }

    /// Which streams bear what a side says and hears.
    fn hears(&self, side: usize, cast: &Cast, text: &mut String) {
        let id = self.people[side].id;
        let _ = write!(text, "  <participantstreamassoc participant_id=\"{id}\">\r\n");
        for (word, whose) in [("send", side), ("recv", 1 - side)] {
            let flowing = self.streams.iter().zip(&cast.flowing).filter(|(_, flowing)| flowing[whose]);
            for (ids, _) in flowing {
                let _ = write!(text, "    <{word}>{}</{word}>\r\n", ids[whose]);
            }
        }
        text.push_str("  </participantstreamassoc>\r\n");
    }
}

/// Text as XML may hold it; characters that it may not hold at all are left out (XML 1.0 §2.2).
fn escape(raw: &str, text: &mut String) {
    for c in raw.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c < ' ' => {}
            c => text.push(c),
        }
    }
}
