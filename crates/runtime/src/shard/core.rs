//! The brain and its outbox, and the one place where it is fed: a panic in it is caught here.

use crate::brain::Brain;
use b2bua::{Input, Outbox};
use base::Time;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// After this many panics the brain is beyond trust and the process ends, to be started anew with its journal.
const PANICS_MAX: u64 = 64;

/// A brain, what it said last, and how it fares.
pub(super) struct Core<B> {
    pub(super) brain: B,
    pub(super) out: Outbox,
    pub(super) panics: u64,
    pub(super) messages: u64,
}

impl<B: Brain> Core<B> {
    pub(super) fn new(brain: B, out: Outbox) -> Core<B> {
        Core { brain, out, panics: 0, messages: 0 }
    }

    /// Feeds one input. A panic is a bug that costs at most what this input was about.
    pub(super) fn feed(&mut self, now: Time, input: Input<'_>) {
        let (brain, out) = (&mut self.brain, &mut self.out);
        // The brain may be left half-changed; its tables check handles at every use, so the damage stays
        // with the call at hand, and an end to all calls would be worse.
        if catch_unwind(AssertUnwindSafe(|| brain.handle(now, input, out))).is_err() {
            self.panicked();
        }
    }

    /// Feeds one message.
    pub(super) fn message(&mut self, now: Time, flow: sip_core::Flow, verified: &[String], bytes: &[u8]) {
        self.messages += 1;
        self.feed(now, Input::Message { flow, verified, bytes });
    }

    #[cold]
    fn panicked(&mut self) {
        self.panics += 1;
        tracing::error!(panics = self.panics, "a panic in the switchboard was caught; this is a bug");
        if self.panics >= PANICS_MAX {
            tracing::error!("too many panics; ending the process");
            std::process::abort();
        }
    }
}
