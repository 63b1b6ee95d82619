//! Which socket of which session an event of the poll is about.

use crate::control::Side;
use crate::flow::Component;

/// A session's place in its worker's table. The generation tells late events of an earlier session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Where in the table.
    pub slot: u32,
    /// How often it was used before.
    pub generation: u16,
}

/// Which socket of which session; fits an epoll token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// The session.
    pub place: Place,
    /// Its m-line, from 0.
    pub stream: u8,
    /// The side.
    pub side: Side,
    /// RTP or RTCP.
    pub component: Component,
}

impl Token {
    /// As a number.
    #[must_use]
    pub fn pack(self) -> u64 {
        let low = u64::from(self.stream) << 2 | (self.side.index() << 1 | self.component.index()) as u64;
        u64::from(self.place.slot) << 32 | u64::from(self.place.generation) << 8 | low
    }

    /// Of a number.
    #[inline]
    #[must_use]
    pub fn unpack(raw: u64) -> Token {
        Token {
            place: Place { slot: (raw >> 32) as u32, generation: (raw >> 8) as u16 },
            stream: (raw >> 2 & 0x3f) as u8,
            side: if raw & 2 == 0 { Side::A } else { Side::B },
            component: if raw & 1 == 0 { Component::Rtp } else { Component::Rtcp },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_kernel() {
        for (slot, generation, stream) in [(0, 0, 0), (u32::MAX - 1, u16::MAX, 63), (70_000, 7, 3)] {
            for side in Side::BOTH {
                for component in Component::BOTH {
                    let token = Token { place: Place { slot, generation }, stream, side, component };
                    assert_eq!(Token::unpack(token.pack()), token);
                }
            }
        }
    }
}
