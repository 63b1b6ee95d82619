//! The state of a reception as plain numbers, so that another engine can go on counting where this one stopped.

use super::Reception;

/// See the module text. What is reported since the last report stays with the [`Reception`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Extended sequence numbers of the current run.
    pub base: u64,
    /// The highest one.
    pub highest: u64,
    /// Which of the 128 numbers up to the highest were heard; bit 0 is the highest.
    pub window: u128,
    /// The number that proves a restart when it comes next.
    pub restart_at: Option<u16>,
    /// Packets expected in runs that are over.
    pub expected_before: u64,
    /// Packets received, each once.
    pub received: u64,
    /// Packets that came again.
    pub duplicates: u64,
    /// Packets that came after later ones.
    pub reordered: u64,
    /// Packets far from where the stream is.
    pub strays: u64,
    /// How often the sender began anew.
    pub restarts: u64,
    /// Clock of the last paced packet, Hz.
    pub clock: u32,
    /// Its arrival less its timestamp, in timestamp units, modulo 2^32.
    pub transit: Option<u32>,
    /// Its timestamp.
    pub timestamp: u32,
    /// Jitter in 1/16 timestamp units.
    pub jitter_16: u64,
    /// The highest jitter, in timestamp units.
    pub jitter_max: u32,
}

impl Reception {
    /// Its state; none before the first packet.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.started.then_some(State {
            base: self.base,
            highest: self.highest,
            window: self.window,
            restart_at: self.restart_at,
            expected_before: self.expected_before,
            received: self.received,
            duplicates: self.duplicates,
            reordered: self.reordered,
            strays: self.strays,
            restarts: self.restarts,
            clock: self.clock,
            transit: self.transit,
            timestamp: self.timestamp,
            jitter_16: self.jitter_16,
            jitter_max: self.jitter_max,
        })
    }

    /// The first and the highest extended number of the present run, and which of the 128 up to the highest were heard.
    pub(crate) fn recent(&self) -> Option<(u64, u64, u128)> {
        self.started.then_some((self.base, self.highest, self.window))
    }

    /// Goes on from a state that another engine has reached.
    pub fn go_on_from(&mut self, state: &State) {
        *self = Reception {
            started: true,
            base: state.base,
            highest: state.highest,
            window: state.window,
            restart_at: state.restart_at,
            expected_before: state.expected_before,
            received: state.received,
            duplicates: state.duplicates,
            reordered: state.reordered,
            strays: state.strays,
            restarts: state.restarts,
            reported: self.reported,
            clock: state.clock,
            transit: state.transit,
            timestamp: state.timestamp,
            jitter_16: state.jitter_16,
            jitter_max: state.jitter_max,
        };
    }
}
