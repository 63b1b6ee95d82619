//! The counts of the present source as a [`Ledger`], and from one. Sources that were replaced stay here.

use super::{PAUSE_MS, Reception, STEADY_MS, Transit};
use crate::fast::Ledger;
use rtp::stats::State;

/// The longest packet of sound that is thought of here, milliseconds.
const PACKET_MS_MAX: u64 = 60;

impl Reception {
    /// Fills in what is counted here; none before the first packet.
    pub(crate) fn ledger(&self, ledger: Ledger) -> Option<Ledger> {
        let state = self.source.state()?;
        let (origin, last_transit) = self.transit.origin.unwrap_or_default();
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        Some(Ledger {
            packets: self.totals.packets,
            bytes: self.totals.bytes,
            late: self.totals.late,
            gaps: self.totals.gaps,
            base: state.base,
            highest: state.highest,
            window: [state.window as u64, (state.window >> 64) as u64],
            expected_before: state.expected_before,
            received: state.received,
            duplicates: state.duplicates,
            reordered: state.reordered,
            strays: state.strays,
            restarts: state.restarts,
            jitter_16: state.jitter_16,
            jitter_max: state.jitter_max,
            timestamp: self.timestamp,
            payload_type: u32::from(self.payload_type),
            paced_timestamp: state.timestamp,
            clock: state.clock,
            transit: state.transit.unwrap_or_default(),
            flags: flag(state.transit.is_some(), Ledger::HAS_TRANSIT)
                | flag(self.transit.origin.is_some(), Ledger::HAS_ORIGIN),
            restart_at: state.restart_at.map_or(Ledger::NO_RESTART, u32::from),
            origin,
            last_transit,
            quickest: self.transit.quickest,
            quickest_before: self.transit.quickest_before,
            spans: self.spans,
            ..ledger
        })
    }

    /// Goes on from what was counted elsewhere. Spans that ended meanwhile and that nobody has taken into account
    /// there are, here.
    pub(crate) fn follow(&mut self, ledger: &Ledger) {
        let before = self.totals.packets;
        if ledger.packets > before {
            self.note_pause(ledger);
        }
        let totals = &mut self.totals;
        (totals.packets, totals.bytes) = (ledger.packets, ledger.bytes);
        (totals.late, totals.gaps) = (ledger.late, ledger.gaps);
        self.timestamp = ledger.timestamp;
        self.payload_type = ledger.payload_type as u8;
        let has = |flag: u32| ledger.flags & flag != 0;
        self.transit = Transit {
            origin: has(Ledger::HAS_ORIGIN).then_some((ledger.origin, ledger.last_transit)),
            quickest: ledger.quickest,
            quickest_before: ledger.quickest_before,
        };
        for _ in 0..self.spans.wrapping_sub(ledger.spans).min(2) {
            self.transit.end_span();
        }
        if ledger.packets > before && ledger.timestamp == ledger.paced_timestamp {
            // The last packet stands for those that were not seen here.
            self.drift.hear(ledger.last, ledger.timestamp, ledger.clock);
        }
        self.source.go_on_from(&State {
            base: ledger.base,
            highest: ledger.highest,
            window: u128::from(ledger.window[1]) << 64 | u128::from(ledger.window[0]),
            restart_at: u16::try_from(ledger.restart_at).ok(),
            expected_before: ledger.expected_before,
            received: ledger.received,
            duplicates: ledger.duplicates,
            reordered: ledger.reordered,
            strays: ledger.strays,
            restarts: ledger.restarts,
            clock: ledger.clock,
            transit: has(Ledger::HAS_TRANSIT).then_some(ledger.transit),
            timestamp: ledger.paced_timestamp,
            jitter_16: ledger.jitter_16,
            jitter_max: ledger.jitter_max,
        });
    }

    /// Something has come: whether it began a talkspurt.
    fn note_pause(&mut self, ledger: &Ledger) {
        self.spurts = self.spurts.saturating_add(u8::from(self.is_spurt(ledger)));
        self.sound.pausing = false;
    }

    /// Whether the sender was silent since the last ledger and has begun anew without a loss: by its timestamps more time
    /// has gone by than its packets are long, and they came in time.
    fn is_spurt(&self, ledger: &Ledger) -> bool {
        let (Some(state), Some((_, before))) = (self.source.state(), self.transit.origin) else {
            return false;
        };
        let ms = |ticks: u32| u64::from(ticks) * 1_000 / u64::from(ledger.clock.max(1));
        let numbers = ledger.highest.saturating_sub(state.highest);
        let whole = numbers > 0 && ledger.received.saturating_sub(state.received) == numbers;
        let paced = ledger.timestamp == ledger.paced_timestamp && ledger.clock == state.clock;
        let advance = ms(ledger.paced_timestamp.wrapping_sub(state.timestamp));
        let change = (ledger.last_transit.wrapping_sub(before) as i32).unsigned_abs();
        let same = ledger.origin == self.transit.origin.unwrap_or_default().0;
        // No packet is longer than this in what is lent: it may have been fewer than the pause is long.
        let pause = advance.saturating_sub(numbers * PACKET_MS_MAX);
        whole && paced && same && PAUSE_MS.contains(&pause) && ms(change) <= STEADY_MS
    }

    /// Spans of rating that have ended.
    pub(crate) fn spans(&self) -> u32 {
        self.spans
    }
}
