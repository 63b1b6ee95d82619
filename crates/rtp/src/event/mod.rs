//! DTMF as named events (RFC 4733): the payload, and streams of it heard and sent.
//!
//! [`TelephoneEvent`] reads and writes one payload; [`EventListener`] makes of a peer's packets each event
//! once; [`EventQueue`] plays digits one after the other in time; [`EventSender`] turns what it plays into
//! packets. Time comes in as nanoseconds.

mod listener;
mod queue;
mod sender;

pub use listener::{EventCounts, EventListener, Heard, LOST_AFTER_NS};
pub use queue::{EventQueue, GAP_NS, LONGEST_NS, Play, QUEUE_MAX, SHORTEST_NS};
pub use sender::{EventPacket, EventSender};

use crate::error::RtpError;

/// Length of the event payload in bytes.
pub const EVENT_LENGTH: usize = 4;
/// The largest volume value: -63 dBm0.
pub const VOLUME_MAX: u8 = 63;

/// One telephone-event payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code; 0 to 15 are DTMF digits, 16 is a hook flash.
    pub event: u8,
    /// Whether this packet ends the event.
    pub end: bool,
    /// Power level in dBm0 below zero, 0 to 63.
    pub volume: u8,
    /// Duration so far, in timestamp units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload; bytes beyond the fourth are later events of RFC 2833 and passed over.
    ///
    /// # Errors
    /// [`RtpError::Short`] below four bytes.
    pub fn parse(payload: &[u8]) -> Result<TelephoneEvent, RtpError> {
        let Some([event, flags, high, low]) = payload.first_chunk::<EVENT_LENGTH>() else {
            return Err(RtpError::Short { need: EVENT_LENGTH, found: payload.len() });
        };
        Ok(TelephoneEvent {
            event: *event,
            end: flags & 0x80 != 0,
            volume: flags & VOLUME_MAX,
            duration: u16::from_be_bytes([*high, *low]),
        })
    }

    /// The payload; the reserved bit is 0, the volume stops at 63.
    #[must_use]
    pub fn to_bytes(self) -> [u8; EVENT_LENGTH] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume.min(VOLUME_MAX), high, low]
    }

    /// The DTMF digit: `0`–`9`, `*`, `#`, `A`–`D`; none for other events (RFC 4733 §3.2).
    #[must_use]
    pub fn digit(self) -> Option<char> {
        digit_of(self.event)
    }
}

/// The digits in the order of their event codes.
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// The digit of an event code.
#[must_use]
pub fn digit_of(event: u8) -> Option<char> {
    DIGITS.get(usize::from(event)).copied()
}

/// The event code of a digit; letters in either case.
#[must_use]
pub fn event_of(digit: char) -> Option<u8> {
    let digit = digit.to_ascii_uppercase();
    DIGITS.iter().position(|known| *known == digit).and_then(|at| u8::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_codes_are_one_to_one() {
        for event in 0..=255u8 {
            match digit_of(event) {
                Some(digit) => assert_eq!(event_of(digit), Some(event)),
                None => assert!(event > 15),
            }
        }
        assert_eq!((event_of('d'), event_of('x')), (Some(15), None));
    }

    #[test]
    fn every_payload_reads_back() {
        for flags in 0..=255u8 {
            let event = TelephoneEvent::parse(&[11, flags, 3, 32, 99]).unwrap();
            assert_eq!(event.to_bytes(), [11, flags & !0x40, 3, 32]);
            assert_eq!((event.digit(), event.duration), (Some('#'), 800));
        }
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]).err(), Some(RtpError::Short { need: 4, found: 3 }));
        let loud = TelephoneEvent { event: 1, end: true, volume: 200, duration: 0 };
        assert_eq!(loud.to_bytes(), [1, 0x80 | 63, 0, 0]);
    }
}
