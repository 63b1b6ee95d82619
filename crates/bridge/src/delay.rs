//! How long sound waits so that it goes on evenly: what an adaptive jitter buffer decides.
//!
//! Each packet of sound has a transit: how much later it came than its timestamp says, beside the first. While nearly
//! all come as fast as the fastest of the last [`WINDOW`] packets nothing is held. When several were late, sound is
//! *held*: it is spoken at its timestamp plus one transit for all, the longest that was seen. That grows with any
//! later packet, at once, and shrinks when a high quantile of the lateness has become less: between two spurts of talk
//! for nothing, else by frames that are left out, which the bridge does. Enter through [`Delay::came`].

use base::Time;
use std::time::Duration;

/// The longest that sound is held beyond the fastest packet; one that needs more begins a time of its own, and so
/// does one that is earlier by more: the sender's timestamps have leapt (RFC 3550 §5.1 bars no leap).
pub const JITTER_MAX: Duration = Duration::from_millis(200);
/// Lateness that is left to the receiver: what leaves is no more even than the worker's tick of 10 ms.
const IGNORED_US: i64 = 20_000;
/// Packets whose transit is known.
const WINDOW: usize = 256;
/// So many packets may be later than all others without any being held, and 1 in [`SPARED`].
const SPARED_MIN: usize = 2;
const SPARED: usize = 50;
/// How often the quantile is taken, in packets.
const JUDGED_EVERY: u32 = 25;
/// Frames are left out of talk no more often than this, and of anything only so long after a packet was too late.
const SHRINKS_EVERY: Duration = Duration::from_millis(500);
const SHRINKS_AFTER: Duration = Duration::from_secs(5);

/// A moment of the sender's clock.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    arrival: Time,
    timestamp: u32,
    clock: u32,
}

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct Delay {
    anchor: Option<Anchor>,
    /// Transits of the last packets, microseconds, and where the next one goes.
    transits: Vec<i64>,
    next: usize,
    /// The shortest of them, and by how much others are longer.
    fastest: i64,
    lateness: i64,
    judged: u32,
    /// The transit at which sound is spoken, while it is held.
    held: Option<i64>,
    shrunk: Time,
    grown: Time,
    /// The longest that was waited.
    pub(crate) longest: Duration,
    /// Times that the wait was made longer or shorter.
    pub(crate) adapted: u32,
}

impl Delay {
    pub(crate) fn new() -> Delay {
        Delay {
            anchor: None,
            transits: Vec::new(),
            next: 0,
            fastest: 0,
            lateness: 0,
            judged: 0,
            held: None,
            shrunk: Time::ZERO,
            grown: Time::ZERO,
            longest: Duration::ZERO,
            adapted: 0,
        }
    }

    /// Another clock: nothing is known of it.
    pub(crate) fn forget(&mut self) {
        self.anchor = None;
        self.transits.clear();
        (self.next, self.fastest, self.lateness, self.judged, self.held) = (0, 0, 0, 0, None);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// A packet of sound has come, in order or not.
    #[inline]
    pub(crate) fn came(&mut self, now: Time, timestamp: u32, clock: u32) {
        let Some(anchor) = self.anchor.filter(|anchor| anchor.clock == clock) else {
            return self.begin(now, timestamp, clock);
        };
        let transit = now.0 as i64 / 1_000 - anchor.arrival.0 as i64 / 1_000 - anchor.micros(timestamp);
        if u128::from(transit.abs_diff(self.fastest)) > JITTER_MAX.as_micros() {
            return self.begin(now, timestamp, clock);
        }
        self.note(transit);
        if transit - self.fastest <= IGNORED_US && self.held.is_none() {
            return;
        }
        match self.held {
            Some(held) if transit <= held => {}
            Some(_) => self.grow_to(now, transit),
            None => {
                self.judge();
                if self.lateness > IGNORED_US {
                    self.grow_to(now, transit.max(self.fastest + self.lateness));
                }
            }
        }
    }

    fn grow_to(&mut self, now: Time, transit: i64) {
        self.grown = now;
        self.adapted = self.adapted.saturating_add(1);
        self.hold(transit);
        self.longest = self.longest.max(self.waits());
    }

    fn begin(&mut self, now: Time, timestamp: u32, clock: u32) {
        self.forget();
        self.anchor = Some(Anchor { arrival: now, timestamp, clock });
        self.note(0);
    }

    fn hold(&mut self, transit: i64) {
        self.held = Some(transit.min(self.fastest + JITTER_MAX.as_micros() as i64));
    }

    fn note(&mut self, transit: i64) {
        if self.transits.len() < WINDOW {
            self.transits.push(transit);
        } else if let Some(place) = self.transits.get_mut(self.next) {
            *place = transit;
        }
        self.next = (self.next + 1) % WINDOW;
        self.fastest = if self.transits.len() == 1 { transit } else { self.fastest.min(transit) };
        self.judged += 1;
        if self.judged >= JUDGED_EVERY {
            self.judge();
        }
    }

    /// Takes the quantile anew; what is held is let go where nothing is late any more.
    fn judge(&mut self) {
        self.judged = 0;
        let mut sorted = [0; WINDOW];
        let Some(sorted) = sorted.get_mut(..self.transits.len()) else { return };
        sorted.copy_from_slice(&self.transits);
        let spared = (sorted.len() / SPARED).max(SPARED_MIN);
        self.fastest = sorted.iter().copied().min().unwrap_or_default();
        self.lateness = match sorted.len().checked_sub(spared + 1) {
            Some(place) => *sorted.select_nth_unstable(place).1 - self.fastest,
            None => 0,
        };
        // The rest is played earlier, and nothing left out for it.
        let idle = self.held.is_some_and(|held| held - self.fastest <= 2 * IGNORED_US);
        match self.held {
            Some(_) if idle && self.wanted() == 0 => {
                self.held = None;
                self.adapted = self.adapted.saturating_add(1);
            }
            Some(held) => self.hold(held),
            None => {}
        }
    }

    /// How long sound should wait beyond the fastest packet, microseconds.
    fn wanted(&self) -> i64 {
        if self.lateness > IGNORED_US { self.lateness } else { 0 }
    }

    /// When sound of this timestamp is spoken; none: as it comes.
    #[inline]
    pub(crate) fn due(&self, timestamp: u32) -> Option<Time> {
        let (held, anchor) = (self.held?, self.anchor?);
        let micros = anchor.arrival.0 as i64 / 1_000 + anchor.micros(timestamp) + held;
        Some(Time(u64::try_from(micros).unwrap_or_default().saturating_mul(1_000)))
    }

    /// How long sound waits now, beyond the fastest packet.
    pub(crate) fn waits(&self) -> Duration {
        let micros = self.held.map_or(0, |held| held - self.fastest);
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    }

    /// A frame was put in, for nothing had come: all that follows is spoken later.
    pub(crate) fn grow(&mut self, frame: Duration) {
        if let Some(held) = self.held {
            self.hold(held + frame.as_micros() as i64);
        }
    }

    /// What was put in stands for sound that is lost: what follows is not later for it.
    pub(crate) fn take_back(&mut self, time: Duration) {
        self.held = self.held.map(|held| held - time.as_micros() as i64);
    }

    /// Whether a frame may be left out now: sound waits longer than it should, by this frame or, in talk, clearly more.
    pub(crate) fn may_shrink(&self, now: Time, frame: Duration, quiet: bool) -> bool {
        let surplus = self.waits().as_micros() as i64 - self.wanted() - frame.as_micros() as i64;
        let in_talk = || surplus >= IGNORED_US && now.since(self.shrunk) >= SHRINKS_EVERY;
        self.held.is_some() && now.since(self.grown) >= SHRINKS_AFTER && surplus >= 0 && (quiet || in_talk())
    }

    /// A frame is left out.
    pub(crate) fn shrink(&mut self, now: Time, frame: Duration) {
        self.take_back(frame);
        self.shrunk = now;
        self.adapted = self.adapted.saturating_add(1);
    }

    /// A spurt of talk begins after a pause: sound waits as long as it should, and no longer.
    pub(crate) fn settle(&mut self) {
        if self.held.is_some() {
            let wanted = self.wanted();
            let held = (wanted > 0).then_some(self.fastest + wanted);
            self.adapted = self.adapted.saturating_add(u32::from(held != self.held));
            self.held = held;
        }
    }
}

impl Anchor {
    /// How far a timestamp is from that of the anchor, microseconds; half of all timestamps lie before it.
    fn micros(&self, timestamp: u32) -> i64 {
        let ticks = timestamp.wrapping_sub(self.timestamp) as i32;
        i64::from(ticks) * 1_000_000 / i64::from(self.clock.max(1))
    }
}
