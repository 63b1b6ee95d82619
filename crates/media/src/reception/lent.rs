//! The counts of the present source as a [`Ledger`], and from one. Sources that were replaced stay here.

use super::{Reception, Transit};
use crate::fast::Ledger;
use rtp::stats::State;

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
        let totals = &mut self.totals;
        let before = totals.packets;
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

    /// Spans of rating that have ended.
    pub(crate) fn spans(&self) -> u32 {
        self.spans
    }
}
