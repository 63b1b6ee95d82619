//! Named events (RFC 4733): payload type and timestamp of one side become the other's.
//!
//! All packets of one event carry the timestamp of its beginning, so the first one's translation is kept.

use crate::outgoing::Outgoing;
use crate::plan::Events;
use rtp::{Header, TelephoneEvent};

/// See the module text.
#[derive(Clone, Debug)]
pub(crate) struct EventRelay {
    agreed: Vec<Events>,
    /// The timestamps of the event that goes on: as it came, as it left.
    current: Option<(u32, u32)>,
}

impl EventRelay {
    pub(crate) fn new(agreed: Vec<Events>) -> EventRelay {
        EventRelay { agreed, current: None }
    }

    /// The events of a payload type.
    pub(crate) fn of(&self, payload_type: u8) -> Option<Events> {
        self.agreed.iter().find(|events| events.from == payload_type).copied()
    }

    /// Passes a packet on. `place` translates its timestamp; it is asked for the first packet of an event.
    pub(crate) fn relay(
        &mut self,
        events: Events,
        header: Header,
        payload: &[u8],
        place: impl FnOnce() -> u32,
        outgoing: &mut Outgoing,
    ) {
        let known = self.current.filter(|(came, _)| *came == header.timestamp);
        let (_, timestamp) = known.unwrap_or_else(|| (header.timestamp, place()));
        self.current = Some((header.timestamp, timestamp));
        let duration = |event: TelephoneEvent| {
            let ticks = crate::hearing::scaled(u32::from(event.duration), events.to_clock, events.from_clock);
            TelephoneEvent { duration: u16::try_from(ticks).unwrap_or(u16::MAX), ..event }
        };
        outgoing.push((events.to, header.marker), timestamp, payload.len(), |out| {
            let out = out.get_mut(..payload.len())?;
            out.copy_from_slice(payload);
            if events.to_clock != events.from_clock
                && let (Ok(event), Some(place)) = (TelephoneEvent::parse(payload), out.first_chunk_mut())
            {
                *place = duration(event).to_bytes();
            }
            Some(payload.len())
        });
    }
}
