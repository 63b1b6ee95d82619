//! Who is heard where several sources speak on one stream.
//!
//! One is, and another is believed when two of its packets come in a row while the first says nothing (RFC 3550 §A.1,
//! MIN_SEQUENTIAL), or at once when that has been silent for longer. So packets of two that come between each other
//! are no reason to begin anew with each of them.

use crate::bridge::Bridge;
use base::Time;
use rtp::Header;
use std::time::Duration;

/// Who has said nothing for two packet times and so long gives way to the first packet of another.
const SILENT_AFTER: Duration = Duration::from_millis(50);

/// The first packet of another source.
#[derive(Debug, Default)]
pub(crate) struct Candidate {
    known: Option<(u32, u16)>,
    came: Time,
    bytes: Vec<u8>,
}

/// What is done with a packet.
pub(crate) enum Source {
    /// It is heard.
    Heard,
    /// It is another's, which is heard from now on; with the one packet that came before it, if any, and its time.
    Changed(Option<(Time, u16, Vec<u8>)>),
    /// It is another's, and waits or goes.
    Waits,
}

impl Bridge {
    /// Judges who speaks.
    pub(crate) fn judge_source(&mut self, now: Time, header: &Header, bytes: &[u8]) -> Source {
        if self.source == Some(header.ssrc) {
            self.source_heard = now;
            self.refuse_candidate();
            return Source::Heard;
        }
        let known = self.candidate.known.filter(|known| *known == (header.ssrc, header.sequence));
        let silent = self.source.is_none() || now.since(self.source_heard) >= self.silent_after();
        if known.is_none() && !silent {
            self.refuse_candidate();
            self.candidate.known = Some((header.ssrc, header.sequence.wrapping_add(1)));
            self.candidate.came = now;
            self.candidate.bytes.clear();
            self.candidate.bytes.extend_from_slice(bytes);
            return Source::Waits;
        }
        self.source_heard = now;
        let Candidate { came, bytes, .. } = std::mem::take(&mut self.candidate);
        let before = known.map(|_| (came, header.sequence.wrapping_sub(1), bytes));
        Source::Changed(before)
    }

    fn silent_after(&self) -> Duration {
        SILENT_AFTER + 2 * Duration::from_millis(u64::from(self.plan.hears_ptime_ms))
    }

    /// Whoever has waited to be believed is not.
    fn refuse_candidate(&mut self) {
        if self.candidate.known.take().is_some() {
            self.tally.refused += 1;
        }
    }
}
