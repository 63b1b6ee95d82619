//! What the next packets will touch, fetched while those before them are on their way.

use super::{Slot, Worker};
use crate::media::sys::{Ready, prefetch};
use media::token::Token;

/// Bytes of a line of memory.
const LINE: usize = 64;

fn fetch<T>(what: &T) {
    let start = (&raw const *what).cast::<u8>();
    (0..size_of::<T>()).step_by(LINE).for_each(|at| prefetch(start.wrapping_add(at)));
}

impl Worker {
    /// Fetches the place of the session whose turn comes two packets later, and what that of the next one leads to.
    #[inline]
    pub(super) fn look_ahead(&self, ready: &Ready, at: usize) {
        let slot = |token: Token| self.slots.get(token.place.slot as usize);
        let (next, later) = (Token::unpack(ready.token(at + 1)), Token::unpack(ready.token(at + 2)));
        slot(later).into_iter().for_each(fetch::<Slot>);
        let Some(entry) = slot(next).and_then(|slot| slot.entry.as_ref()) else { return };
        entry.streams.get(usize::from(next.stream)).into_iter().for_each(fetch);
        entry.session.hot_lines(next.side, next.stream).for_each(prefetch);
    }
}
