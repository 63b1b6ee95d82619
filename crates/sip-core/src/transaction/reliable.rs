//! Reliable provisional responses on the server side: RFC 3262 §3.
//!
//! One at a time is in flight; later ones wait, in order, and so does a 2xx behind one that carried SDP.
//! Values only: the server room sends what comes out and sets the timers.

use base::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// A printed reliable provisional.
#[derive(Debug)]
pub(super) struct Provisional {
    pub(super) rseq: u32,
    pub(super) message: Box<[u8]>,
    /// Whether it carries a session description.
    pub(super) sdp: bool,
}

/// The one in flight.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) provisional: Provisional,
    pub(super) since: Time,
    pub(super) interval: Duration,
}

/// All of one INVITE.
#[derive(Debug)]
pub(super) struct Reliable {
    next_rseq: u32,
    pub(super) in_flight: Option<InFlight>,
    queue: VecDeque<Provisional>,
    /// The 2xx that waits for its turn, printed.
    pub(super) held_success: Option<Box<[u8]>>,
}

impl Reliable {
    /// Starts counting at a random place. RFC 3262 §3: 1 to 2^31 - 1.
    pub(super) fn new(random: u64) -> Reliable {
        let first = (random % 0x7fff_ff00) as u32 + 1;
        Reliable { next_rseq: first, in_flight: None, queue: VecDeque::new(), held_success: None }
    }

    /// The number of the next one.
    pub(super) fn take_rseq(&mut self) -> u32 {
        let rseq = self.next_rseq;
        self.next_rseq = self.next_rseq.wrapping_add(1);
        rseq
    }

    /// How many wait behind the one in flight.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether a new one may leave at once.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none()
    }

    pub(super) fn fly(&mut self, provisional: Provisional, now: Time, interval: Duration) {
        self.in_flight = Some(InFlight { provisional, since: now, interval });
    }

    pub(super) fn enqueue(&mut self, provisional: Provisional) {
        self.queue.push_back(provisional);
    }

    /// A PRACK named this number: whether it is the one in flight, which is acknowledged then.
    pub(super) fn acknowledge(&mut self, rseq: u32) -> bool {
        let matches = self.in_flight.as_ref().is_some_and(|f| f.provisional.rseq == rseq);
        if matches {
            self.in_flight = None;
        }
        matches
    }

    /// The next that may leave.
    pub(super) fn next(&mut self) -> Option<Provisional> {
        if self.in_flight.is_some() { None } else { self.queue.pop_front() }
    }

    /// Whether a 2xx must wait: something unacknowledged carries a session description (RFC 3262 §3).
    pub(super) fn blocks_success(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|f| f.provisional.sdp) || self.queue.iter().any(|p| p.sdp)
    }

    /// A final response leaves: nothing more is sent, but a PRACK on its way is still known.
    pub(super) fn end(&mut self) {
        self.queue.clear();
        self.held_success = None;
    }
}
