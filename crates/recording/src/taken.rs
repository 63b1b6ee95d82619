//! What a recorder takes of what is said, by its last answer.

use crate::story::Trouble;
use crate::{CHECK, Copied, Lent, Recording};
use media::{Command, Remote, SessionId, Side};
use negotiation::End;

/// How much of what is said goes to a recorder that takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taking {
    /// All that it wants of it; or nothing is said.
    All,
    /// Something began that it has not been offered, or has not answered yet.
    Late,
    /// That is the end of a pause.
    Resuming,
    /// It wants nothing of it.
    Nothing,
}

/// One line of its answer.
#[derive(Debug)]
struct Line {
    stream: u8,
    side: Side,
    /// Where it wants that, if it does.
    remote: Remote,
    /// The payload types that it was offered.
    offered: [u64; 2],
}

/// See the module text.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    lines: Vec<Line>,
    /// Nothing is sent, whatever it wants.
    hushed: bool,
    /// What it has answered said that there is a pause.
    rested: bool,
    /// By which payload type each side's words flow now, by stream.
    pub(crate) spoken: Vec<[Option<u8>; 2]>,
}

fn has(map: [u64; 2], pt: u8) -> bool {
    map[usize::from(pt >> 6 & 1)] & 1 << (pt & 63) != 0
}

impl Taken {
    /// Other ports lead to it: it has answered nothing about them.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.rested = false;
    }

    fn order(&self, session: SessionId, media: &mut Vec<Command>) {
        for Line { stream, side, remote, .. } in &self.lines {
            let remote = Remote { send: remote.send && !self.hushed, ..remote.clone() };
            media.push(Command::Set { session, side: *side, stream: *stream, remote });
        }
    }

    /// Nothing is sent from now on, or what it wants again.
    fn hush(&mut self, hushed: bool, session: SessionId, media: &mut Vec<Command>) {
        if std::mem::replace(&mut self.hushed, hushed) != hushed {
            self.order(session, media);
        }
    }

    pub(crate) fn taking(&self) -> Taking {
        let (mut some, mut sent, mut late) = (false, false, false);
        for (stream, side) in (0..self.spoken.len()).flat_map(|at| Side::BOTH.map(|side| (at, side))) {
            let Some(pt) = self.spoken[stream][side.index()] else { continue };
            let line = self.lines.iter().find(|l| usize::from(l.stream) == stream && l.side == side);
            let wants = line.is_some_and(|l| l.remote.send && has(l.remote.payload_types, pt));
            let goes = wants && !self.hushed;
            (some, sent) = (true, sent || goes);
            late |= !goes && (self.hushed || !line.is_some_and(|l| has(l.offered, pt)));
        }
        match late {
            true if self.hushed || self.rested => Taking::Resuming,
            true => Taking::Late,
            false if some && !sent => Taking::Nothing,
            false => Taking::All,
        }
    }
}

impl<G: Copy + PartialEq> Recording<G> {
    /// A pause holds at once, whatever the recorder says to it and whenever; and until it has answered to what it was
    /// told of the pause, if anything (RFC 3264 §4).
    pub(crate) fn keep_quiet(&mut self, paused: bool, media: &mut Vec<Command>) {
        let told = self.told.1 && self.session.as_ref().is_some_and(crate::Session::is_changing);
        if let Some(copied) = &self.copied {
            self.taken.hush(paused || told, copied.session, media);
        }
    }

    /// The recorder says where it wants what.
    pub(crate) fn heed<U: Copy>(&mut self, answer: &[u8], end: &End<'_>, lent: &mut Lent<'_, '_, U>) {
        let Some(Copied { session, ports: Some(_), .. }) = self.copied else { return };
        self.taken.clear();
        (self.taken.hushed, self.taken.rested) = (self.story.paused, self.told.1);
        let lines = &mut self.taken.lines;
        let heard =
            negotiation::each_recorded(end, &self.sdp, answer, |stream, side, mut remote, offered| {
                remote.send &= !self.told.1;
                lines.push(Line { stream, side, remote, offered });
            });
        if heard.is_err() {
            self.over = true;
            self.failed(Trouble::Answer, lent.env.now, lent.env.now);
            return self.session.iter_mut().for_each(|session| session.end(lent.env));
        }
        self.taken.order(session, lent.media);
        if !self.live {
            (self.live, self.since, self.check_at) = (true, lent.env.now, lent.env.now + CHECK);
        }
        self.story.took(self.taken.taking(), lent.env.now);
    }
}
