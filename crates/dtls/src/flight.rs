//! What one side says in one go, kept until the other has answered it (RFC 6347 §4.2.4).

use crate::crypto::Cipher;
use crate::record::{self, Content, HEADER};
use crate::trouble::Trouble;
use base::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// The longest datagram that is sent, bytes.
const DATAGRAM_MAX: usize = 1200;
/// How long the first answer is waited for; twice as long after each time, up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_millis(400);
const WAIT_MAX: Duration = Duration::from_millis(3200);
/// How often a flight is sent by itself: limit `dtls_sends`.
const SENDS_MAX: u8 = 7;
/// A peer that repeats itself is answered no sooner than this after the last time.
const REPEAT_GAP: Duration = Duration::from_millis(100);

struct Part {
    content: Content,
    epoch: u16,
    body: Vec<u8>,
}

/// The numbers and the key of what we write.
pub(crate) struct Line {
    /// Of the next record in each epoch.
    pub(crate) sequences: [u64; 2],
    pub(crate) sealing: Option<Cipher>,
    pub(crate) outgoing: VecDeque<Vec<u8>>,
}

impl Line {
    pub(crate) fn from(sequence: u64) -> Line {
        Line { sequences: [sequence, 0], sealing: None, outgoing: VecDeque::new() }
    }

    /// Appends a record.
    pub(crate) fn write(
        &mut self,
        content: Content,
        epoch: u16,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        let Some(sequence) = self.sequences.get_mut(usize::from(epoch)) else {
            return Err(Trouble::Internal);
        };
        let number = *sequence;
        *sequence += 1;
        record::write(content, (epoch, number), body, self.sealing.as_ref().filter(|_| epoch > 0), out)
    }
}

/// See the module text.
#[derive(Default)]
pub(crate) struct Flight {
    parts: Vec<Part>,
    sends: u8,
    sent: Option<Time>,
    /// When it is sent again; none: only when the peer repeats itself.
    due: Option<Time>,
}

impl Flight {
    pub(crate) fn add(&mut self, content: Content, epoch: u16, body: Vec<u8>) {
        self.parts.push(Part { content, epoch, body });
    }

    /// Sends it. `awaits`: an answer is owed.
    pub(crate) fn send(&mut self, now: Time, line: &mut Line, awaits: bool) -> Result<(), Trouble> {
        let mut datagram: Vec<u8> = Vec::new();
        for part in &self.parts {
            let length = HEADER + part.body.len() + if part.epoch > 0 { 8 + Cipher::TAG } else { 0 };
            if !datagram.is_empty() && datagram.len() + length > DATAGRAM_MAX {
                line.outgoing.push_back(std::mem::take(&mut datagram));
            }
            line.write(part.content, part.epoch, &part.body, &mut datagram)?;
        }
        if !datagram.is_empty() {
            line.outgoing.push_back(datagram);
        }
        let wait = WAIT_FIRST * (1 << self.sends.min(5));
        self.sends = self.sends.saturating_add(1);
        self.sent = Some(now);
        self.due = awaits.then(|| now + wait.min(WAIT_MAX));
        Ok(())
    }

    /// The peer has said something new, if not all yet.
    pub(crate) fn heard(&mut self, now: Time) {
        if let Some(due) = &mut self.due {
            *due = (*due).max(now + WAIT_FIRST);
        }
    }

    /// The peer repeats what it said before: it may not have heard us.
    pub(crate) fn repeat(&mut self, now: Time, line: &mut Line) -> Result<(), Trouble> {
        let just = self.sent.is_some_and(|sent| now.since(sent) < REPEAT_GAP);
        if self.parts.is_empty() || just {
            return Ok(());
        }
        let (sends, awaits) = (self.sends, self.due.is_some());
        self.send(now, line, awaits)?;
        self.sends = sends;
        Ok(())
    }

    /// Time goes on.
    pub(crate) fn on_tick(&mut self, now: Time, line: &mut Line) -> Result<(), Trouble> {
        match self.due {
            Some(due) if due <= now && self.sends >= SENDS_MAX => Err(Trouble::Silent),
            Some(due) if due <= now => self.send(now, line, true),
            _ => Ok(()),
        }
    }
}
