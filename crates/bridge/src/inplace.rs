//! Between the laws of G.711, packet for packet: codes become the other law's, payload types the receiver's.
//!
//! Sequence, timestamp and source stay, so nothing is remembered and RTCP needs no change. Where the receiver takes
//! certain packet times alone and several packets in a row had others, this is not enough any more.

use crate::plan::{Codec, Plan, Takes};
use codec::Law;
use rtp::Packet;

/// In the table: the codes change too.
const CODES: u8 = 0x80;
/// In the table: this payload type was not agreed.
const UNKNOWN: u8 = 0xff;

/// Packets of another length than the receiver takes before they are made anew.
const ODD_MAX: u8 = 10;
/// Bytes of a millisecond.
const BYTES_PER_MS: usize = 8;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rewritten {
    Done,
    /// Its payload type was not agreed.
    Unknown,
    /// It is one of several that are too long or too short, and as it came.
    Odd,
}

/// A table of all payload types: what the receiver calls them, and whether their codes become the other law's.
#[derive(Clone, Debug)]
pub(crate) struct InPlace {
    changes: [u8; 128],
    /// The law of codes that change.
    from: Law,
    speaks: u8,
    takes: Option<Takes>,
    /// Packets in a row of another length than that.
    odd: u8,
}

impl InPlace {
    /// None when the plan asks for more.
    pub(crate) fn new(plan: &Plan) -> Option<InPlace> {
        let Codec::G711(law) = plan.speaks.codec else { return None };
        // Of 127 the table cannot say that codes change.
        if !plan.is_in_place() || plan.speaks.payload_type == UNKNOWN & !CODES {
            return None;
        }
        let mut changes = [UNKNOWN; 128];
        let mut put = |from: u8, to: u8| {
            if let Some(place) = changes.get_mut(usize::from(from)) {
                *place = to;
            }
        };
        for (from, codec) in &plan.hears {
            let same = codec.is_same(plan.speaks.codec);
            put(*from, plan.speaks.payload_type | if same { 0 } else { CODES });
        }
        for events in &plan.events {
            put(events.from, events.to);
        }
        if let (Some(from), Some(to)) = (plan.noise.from, plan.noise.to) {
            put(from, to);
        }
        let from = if law == Law::Mu { Law::A } else { Law::Mu };
        Some(InPlace { changes, from, speaks: plan.speaks.payload_type, takes: plan.takes, odd: 0 })
    }

    /// Rewrites a packet.
    #[inline]
    pub(crate) fn rewrite(&mut self, bytes: &mut [u8]) -> Rewritten {
        let Ok(mut packet) = Packet::parse(bytes) else { return Rewritten::Unknown };
        let change = self.changes.get(usize::from(packet.payload_type())).copied().unwrap_or(UNKNOWN);
        if change == UNKNOWN {
            return Rewritten::Unknown;
        }
        if let Some(takes) = self.takes.filter(|_| change & !CODES == self.speaks) {
            let ms = u8::try_from(packet.payload().len() / BYTES_PER_MS).unwrap_or(u8::MAX);
            self.odd = if takes.takes(ms) { 0 } else { self.odd + 1 };
            if self.odd >= ODD_MAX {
                return Rewritten::Odd;
            }
        }
        packet.set_payload_type(change & !CODES);
        if change & CODES != 0 {
            self.from.convert_in_place(packet.payload_mut());
        }
        Rewritten::Done
    }
}
