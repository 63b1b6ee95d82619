//! What the next packets will touch, fetched while those before them are on their way.

use super::Worker;
use crate::sys::{Ready, prefetch};
use media::lines_of;
use media::token::Token;

impl Worker {
    /// Fetches the place of the session whose turn comes two packets later, and what that of the next one leads to.
    #[inline]
    pub(super) fn look_ahead(&self, ready: &Ready, at: usize) {
        let slot = |token: Token| self.slots.get(token.place.slot as usize);
        let (next, later) = (Token::unpack(ready.token(at + 1)), Token::unpack(ready.token(at + 2)));
        slot(later).into_iter().flat_map(lines_of).for_each(prefetch);
        let Some(entry) = slot(next).and_then(|slot| slot.entry.as_ref()) else { return };
        entry.streams.get(usize::from(next.stream)).into_iter().flat_map(lines_of).for_each(prefetch);
        entry.session.hot_lines(next.side, next.stream).for_each(prefetch);
    }
}
