//! Digits that wait to be played: one after the other, none shorter than a receiver needs, with pauses
//! between them, whether their end is known when they come or only later.
//!
//! Time comes in; nothing is sent or sounded here. Enter through [`EventQueue::push`] for a digit of known
//! length, [`EventQueue::begin`] and [`EventQueue::end`] for one that is pressed now, and
//! [`EventQueue::step`] to play.

/// Digits that may wait, limit `digits_played`; further ones are refused.
pub const QUEUE_MAX: usize = 32;
/// No digit is played for less: receivers recognise tones from 40 ms on (ITU-T Q.24), and packets of 20 ms
/// quantise.
pub const SHORTEST_NS: u64 = 60_000_000;
/// Pause between two digits: 40 ms are recognised (ITU-T Q.24), and three end packets of 20 ms take as long.
pub const GAP_NS: u64 = 60_000_000;
/// A digit whose end never comes is over after this.
pub const LONGEST_NS: u64 = 60_000_000_000;

/// One digit or other event.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    event: u8,
    volume: u8,
    came_ns: u64,
    /// `None` while it is pressed.
    length_ns: Option<u64>,
}

/// What happens now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Play {
    /// Nothing sounds.
    Rest,
    /// An event begins to sound.
    Begin {
        /// Its code.
        event: u8,
        /// Its level in dBm0 below zero.
        volume: u8,
    },
    /// It goes on.
    Sound,
    /// It is over, after this time.
    End {
        /// From its beginning.
        length_ns: u64,
    },
}

/// See the module text.
#[derive(Clone, Debug, Default)]
pub struct EventQueue {
    waiting: [Item; QUEUE_MAX],
    count: usize,
    /// What sounds, and since when.
    playing: Option<(Item, u64)>,
    free_ns: u64,
    refused: u64,
}

impl EventQueue {
    /// A digit of known length; `false`: too many wait.
    pub fn push(&mut self, now_ns: u64, event: u8, volume: u8, length_ns: u64) -> bool {
        self.add(Item { event, volume, came_ns: now_ns, length_ns: Some(length_ns) })
    }

    /// A digit is pressed; it sounds until [`EventQueue::end`]. One that was pressed before ends.
    pub fn begin(&mut self, now_ns: u64, event: u8, volume: u8) -> bool {
        self.release(now_ns, None);
        self.add(Item { event, volume, came_ns: now_ns, length_ns: None })
    }

    /// The pressed digit was let go, after `length_ns` where that is known better than by the clock.
    pub fn end(&mut self, now_ns: u64, length_ns: Option<u64>) {
        self.release(now_ns, length_ns);
    }

    fn add(&mut self, item: Item) -> bool {
        let Some(slot) = self.waiting.get_mut(self.count) else {
            self.refused += 1;
            return false;
        };
        *slot = item;
        self.count += 1;
        true
    }

    fn release(&mut self, now_ns: u64, length_ns: Option<u64>) {
        let playing = self.playing.as_mut().map(|(item, _)| item);
        let waiting = self.waiting.iter_mut().take(self.count);
        if let Some(item) = playing.into_iter().chain(waiting).find(|item| item.length_ns.is_none()) {
            item.length_ns = Some(length_ns.unwrap_or(now_ns.saturating_sub(item.came_ns)));
        }
    }

    /// What happens at `now_ns`. Call until it says nothing new, at [`EventQueue::deadline`] or more often.
    pub fn step(&mut self, now_ns: u64) -> Play {
        if let Some((item, since)) = self.playing {
            let over = ends_at(&item, since);
            if now_ns < over {
                return Play::Sound;
            }
            self.playing = None;
            self.free_ns = over.max(since).saturating_add(GAP_NS);
            return Play::End { length_ns: over.saturating_sub(since) };
        }
        if self.count == 0 || now_ns < self.free_ns {
            return Play::Rest;
        }
        let item = self.waiting[0];
        self.waiting.copy_within(1..self.count, 0);
        self.count -= 1;
        self.playing = Some((item, now_ns));
        Play::Begin { event: item.event, volume: item.volume }
    }

    /// When [`EventQueue::step`] says something new without anything being put in before.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match self.playing {
            Some((item, since)) => Some(ends_at(&item, since)),
            None => (self.count > 0).then_some(self.free_ns),
        }
    }

    /// Whether something sounds or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.playing.is_some() || self.count > 0
    }

    /// Whether something sounds.
    #[must_use]
    pub fn is_sounding(&self) -> bool {
        self.playing.is_some()
    }

    /// Digits that were refused because too many waited.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

fn ends_at(item: &Item, since: u64) -> u64 {
    let length = item.length_ns.map_or(LONGEST_NS, |length| length.clamp(SHORTEST_NS, LONGEST_NS));
    since.saturating_add(length)
}
