//! What all sessions of one worker share: who we are, who is let in, and how much is begun.

use crate::certificate::Certificate;
use crate::cookie::Doorman;
use crate::trouble::Trouble;
use base::Time;
use std::sync::Arc;
use std::time::Duration;

/// Handshakes that one worker begins in a second, and at once: limit `dtls_handshakes`.
const BEGUN_PER_SECOND: u64 = 200;
const BEGUN_AT_ONCE: u64 = 100;
/// How long one of them takes to come back.
const EVERY: Duration = Duration::from_nanos(1_000_000_000 / BEGUN_PER_SECOND);

/// See the module text.
#[derive(Debug)]
pub struct Desk {
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) doorman: Doorman,
    /// Handshakes that may be begun.
    left: u64,
    /// Until when what came back is counted.
    filled: Time,
}

impl Desk {
    /// # Errors
    /// The cryptographic library failed.
    pub fn new(certificate: Arc<Certificate>) -> Result<Desk, Trouble> {
        Ok(Desk { certificate, doorman: Doorman::new()?, left: BEGUN_AT_ONCE, filled: Time::ZERO })
    }

    /// Whether one more may begin.
    pub(crate) fn admit(&mut self, now: Time) -> bool {
        let back = now.since(self.filled).as_nanos() / EVERY.as_nanos();
        let back = u64::try_from(back).unwrap_or(u64::MAX);
        self.left = self.left.saturating_add(back).min(BEGUN_AT_ONCE);
        // The part of one that has come back meanwhile counts next time.
        let whole = EVERY * u32::try_from(back).unwrap_or(u32::MAX);
        self.filled = if self.left == BEGUN_AT_ONCE { now } else { self.filled + whole };
        let admitted = self.left > 0;
        self.left -= u64::from(admitted);
        admitted
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
mod tests {
    use super::*;

    /// How many of those that ask every so often, for a second, may begin after a full desk was emptied.
    fn begun(every: Duration) -> usize {
        let mut desk = Desk::new(Arc::new(Certificate::make().unwrap())).unwrap();
        let start = Time::from_millis(5_000);
        while desk.admit(start) {}
        let asks = 1_000_000_000 / u32::try_from(every.as_nanos()).unwrap();
        (1..=asks).filter(|number| desk.admit(start + every * *number)).count()
    }

    #[test]
    fn as_many_handshakes_begin_however_often_is_asked() {
        for micros in [50, 300, 900, 1_000, 1_700, 4_000] {
            let begun = begun(Duration::from_micros(micros));
            assert!((195..=200).contains(&begun), "{begun} of those that ask every {micros} µs");
        }
    }
}
