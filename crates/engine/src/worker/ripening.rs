//! Sockets that the kernel filters: emptied once, then trusted.

use super::{DRAIN_MAX, Worker};
use base::Time;
use media::token::{Place, Token};
use media::{Component, Side};

impl Worker {
    /// Empties the sockets of a session that have been filtered for a while, and trusts the filter from
    /// then on. A socket that does not become empty has its turn at the next sweep.
    pub(super) fn ripen(&mut self, now: Time, at: u32) {
        let mut ripe = Vec::new();
        let Some(slot) = self.slots.get_mut(at as usize) else { return };
        let Some(entry) = slot.entry.as_mut() else { return };
        for (stream, ports) in (0u8..).zip(&mut entry.streams) {
            let Some(ports) = ports else { continue };
            for side in Side::BOTH {
                for component in Component::BOTH {
                    if ports.port_mut(side, component).ripen() {
                        let place = Place { slot: at, generation: slot.generation };
                        ripe.push(Token { place, stream, side, component });
                    }
                }
            }
        }
        for token in ripe {
            if (0..DRAIN_MAX).any(|_| !self.receive(now, token)) {
                let entry = self.slots.get_mut(at as usize).and_then(|s| s.entry.as_mut());
                let ports = entry.and_then(|e| e.streams.get_mut(usize::from(token.stream))?.as_mut());
                if let Some(ports) = ports {
                    ports.port_mut(token.side, token.component).trust();
                }
            }
        }
    }
}
