//! Directions that are lent to an engine that relays without asking, and what it counts for us meanwhile.

use super::Session;
use crate::control::Side;
use crate::fast::{HEARD_MIN, Lane, Ledger, Unfit};
use crate::flow::{Action, Check, Component};
use crate::half::Half;

impl Session {
    /// How many streams it has, refused ones too.
    #[must_use]
    pub fn streams(&self) -> u8 {
        u8::try_from(self.streams.len()).unwrap_or(u8::MAX)
    }

    /// What an engine must know to relay what `side` sends; why it may not, otherwise.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn lane(&self, side: Side, stream: u8) -> Result<Lane, Unfit> {
        let s = self.streams.get(usize::from(stream)).filter(|s| !s.rejected).ok_or(Unfit::NoStream)?;
        let [half, other] = s.seen_from(side);
        if self.serves_recorder() {
            return Err(Unfit::Recorder);
        }
        let touched = self.flow(side, stream, Component::Rtp).is_none();
        let flow = &half.rtp;
        let Check::Rtp(payload_types) = flow.check else { return Err(Unfit::NotRtp) };
        let unsettled = |half: &Half| half.lock.is_moving() || half.contested;
        if unsettled(half) || unsettled(other) {
            return Err(Unfit::Unsettled);
        }
        let expect = flow.expect.ok_or(Unfit::Unsettled)?;
        let Action::Relay { component: Component::Rtp, to } = flow.action else { return Err(Unfit::Held) };
        if expect.is_ipv4() != to.is_ipv4() {
            return Err(Unfit::Families);
        }
        let may_send = |half: &Half| half.remote.as_ref().is_some_and(|remote| remote.receive);
        let quiet = |half: &Half| may_send(half) && half.heard_since_change < HEARD_MIN;
        if quiet(half) || quiet(other) {
            return Err(Unfit::Quiet);
        }
        let (ssrc, rate) = half.voice().ok_or(Unfit::Quiet)?;
        let lane = Lane { expect, to, payload_types, ssrc, rate, changed: half.changed_at, touched };
        // Of a touched one the session itself judges who speaks and what.
        Ok(if touched { Lane { payload_types: [0; 2], ssrc: 0, rate: 0, ..lane } } else { lane })
    }

    /// What was counted of a direction, to go on from elsewhere; none before its first packet.
    #[must_use]
    pub fn ledger(&self, side: Side, stream: u8) -> Option<Ledger> {
        self.streams.get(usize::from(stream))?.halves[side.index()].ledger()
    }

    /// Takes over what was counted elsewhere since it was lent.
    pub fn follow(&mut self, side: Side, stream: u8, ledger: &Ledger) {
        if let Some(s) = self.streams.get_mut(usize::from(stream)) {
            self.changed |= s.halves[side.index()].follow(ledger);
        }
    }

    /// Spans of rating of a direction that have ended.
    #[must_use]
    pub fn spans(&self, side: Side, stream: u8) -> u32 {
        self.streams.get(usize::from(stream)).map_or(0, |s| s.halves[side.index()].spans())
    }
}
