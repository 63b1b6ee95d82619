//! What a half counts, lent to an engine that counts elsewhere, and taken back.

use super::Half;
use crate::fast::Ledger;
use base::Time;
use std::time::Duration;

impl Half {
    /// Synchronisation source and clock of what is heard, once it is.
    pub(crate) fn voice(&self) -> Option<(u32, u32)> {
        self.reception.heard().map(|(ssrc, _)| (ssrc, self.clock_rate))
    }

    pub(crate) fn ledger(&self) -> Option<Ledger> {
        let last = self.last_rtp?.0;
        let silence_max = u64::try_from(self.silence_max.as_nanos()).unwrap_or(u64::MAX);
        self.reception.ledger(Ledger {
            last,
            silence_max,
            heard: self.heard_since_change,
            ..Ledger::default()
        })
    }

    /// Goes on from what was counted elsewhere; true when the operating system may filter for the source again, as
    /// [`Half::hear`] says.
    pub(crate) fn follow(&mut self, ledger: &Ledger) -> bool {
        let heard = ledger.heard > self.heard_since_change;
        self.last_rtp = Some(Time(ledger.last));
        self.silence_max = Duration::from_nanos(ledger.silence_max);
        self.heard_since_change = ledger.heard;
        self.reception.follow(ledger);
        heard && std::mem::take(&mut self.unfiltered)
    }

    pub(crate) fn spans(&self) -> u32 {
        self.reception.spans()
    }
}
