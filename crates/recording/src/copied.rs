//! Ports towards the recorder, and how many packets were lost before it.

use media::{Command, Ports, Reply, SessionId};

/// Sessions that have been closed and not reported yet: limit `recorder_reports`. What was told of further ones stands.
const CLOSING_MAX: usize = 8;

/// Ports towards the recorder, for one media session of the call.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) session: SessionId,
    pub(crate) of: SessionId,
    /// How many streams that had.
    pub(crate) streams: u8,
    pub(crate) ports: Option<Ports>,
    /// Packets that were lost on our side of the recorder, as far as the engine has told.
    pub(crate) lost: u64,
}

/// What was lost in sessions that are no more.
#[derive(Debug, Default)]
pub(crate) struct Uncopied {
    counted: u64,
    /// Those whose last figure is awaited, with what was told before.
    closing: Vec<(SessionId, u64)>,
}

impl Uncopied {
    /// Closes a session. It goes before that which is copied, whose report the record of the call waits for: so the record
    /// knows what was lost to the end.
    pub(crate) fn close(&mut self, copied: &Copied, media: &mut Vec<Command>) {
        let ends = |command: &Command| matches!(command, Command::Close { session } if *session == copied.of);
        let at = media.iter().position(ends).unwrap_or(media.len());
        media.insert(at, Command::Close { session: copied.session });
        if self.closing.len() >= CLOSING_MAX {
            self.counted += self.closing.remove(0).1;
        }
        self.closing.push((copied.session, copied.lost));
    }

    /// The engine's last report of a session.
    pub(crate) fn hear(&mut self, reply: &Reply) {
        let Reply::Closed { session, report } = reply else { return };
        if let Some(at) = self.closing.iter().position(|(closing, _)| closing == session) {
            self.counted += self.closing.remove(at).1.max(report.uncopied);
        }
    }

    /// How many packets were lost, with those of the session that is open, as words behind others.
    pub(crate) fn said(&self, open: Option<&Copied>) -> String {
        let told = self.closing.iter().map(|(_, lost)| lost).sum::<u64>();
        match self.counted + told + open.map_or(0, |copied| copied.lost) {
            0 => String::new(),
            1 => ", 1 packet lost".to_owned(),
            many => format!(", {many} packets lost"),
        }
    }
}
