//! Between the laws of G.711, packet for packet: codes become the other law's, payload types the receiver's.
//!
//! Sequence, timestamp and source stay, so nothing is remembered and RTCP needs no change.

use crate::plan::{Codec, Plan};
use codec::Law;
use rtp::Packet;

/// What becomes of a payload type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    to: u8,
    /// Turn codes of this law into those of the other.
    from_law: Option<Law>,
}

/// A table of all payload types.
#[derive(Clone, Debug)]
pub(crate) struct InPlace {
    changes: [Option<Change>; 128],
}

impl InPlace {
    /// None when the plan asks for more.
    pub(crate) fn new(plan: &Plan) -> Option<InPlace> {
        let Codec::G711(law) = plan.speaks.codec else { return None };
        if !plan.is_in_place() {
            return None;
        }
        let mut changes = [None; 128];
        let mut put = |from: u8, to, from_law| {
            if let Some(place) = changes.get_mut(usize::from(from)) {
                *place = Some(Change { to, from_law });
            }
        };
        for (from, codec) in &plan.hears {
            if let Codec::G711(theirs) = codec {
                put(*from, plan.speaks.payload_type, (*theirs != law).then_some(*theirs));
            }
        }
        for events in &plan.events {
            put(events.from, events.to, None);
        }
        if let (Some(from), Some(to)) = (plan.noise.from, plan.noise.to) {
            put(from, to, None);
        }
        Some(InPlace { changes })
    }

    /// Rewrites a packet; false for one whose payload type was not agreed.
    #[inline]
    pub(crate) fn rewrite(&self, bytes: &mut [u8]) -> bool {
        let Ok(mut packet) = Packet::parse(bytes) else { return false };
        let known = self.changes.get(usize::from(packet.payload_type()));
        let Some(change) = known.copied().flatten() else { return false };
        packet.set_payload_type(change.to);
        if let Some(law) = change.from_law {
            law.convert_in_place(packet.payload_mut());
        }
        true
    }
}
