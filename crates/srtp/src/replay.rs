//! Packet indices: the rollover counter, and what was received before (RFC 3711 §3.3).

use crate::error::SrtpError;

/// Packets behind the newest one that are still told apart.
pub(crate) const WINDOW: u64 = 128;

/// The newest index and those just before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// One above the newest index; 0 when nothing was received.
    pub next: u64,
    /// Bit `n`: index `next - 1 - n` was received.
    pub seen: u128,
}

impl Window {
    /// A window that takes nothing before `next`: what was received of it is not known any more.
    pub(crate) fn after(next: u64) -> Window {
        Window { next, seen: u128::MAX }
    }

    /// One above the newest index; 0 when nothing was received.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The newest index.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Whether a packet may be new (RFC 3711 §3.3.2).
    pub(crate) fn admits(&self, index: u64) -> Result<(), SrtpError> {
        if index >= self.next {
            return Ok(());
        }
        let behind = self.next - 1 - index;
        let known = behind >= WINDOW || self.seen >> behind & 1 == 1;
        if known { Err(SrtpError::Replayed) } else { Ok(()) }
    }

    /// Whether an index lies so far from the newest that it is neither a late packet nor what follows a gap.
    pub(crate) fn is_far_from(&self, index: u64) -> bool {
        index.saturating_add(WINDOW) < self.next || index >= self.next.saturating_add(0x8000)
    }

    /// Remembers a packet whose tag was right.
    pub(crate) fn note(&mut self, index: u64) {
        if index >= self.next {
            let ahead = index + 1 - self.next;
            self.seen = if ahead >= WINDOW { 0 } else { self.seen << ahead };
            self.seen |= 1;
            self.next = index + 1;
        } else if self.next - 1 - index < WINDOW {
            self.seen |= 1 << (self.next - 1 - index);
        }
    }
}

/// The index that a sequence number means, given the newest index of its stream (RFC 3711 §3.3.1): the one that
/// lies nearest.
pub(crate) fn index_of(newest: Option<u64>, sequence: u16) -> u64 {
    let Some(newest) = newest else { return u64::from(sequence) };
    let (rollover, last) = (newest >> 16, newest as u16);
    let rollover = match sequence.wrapping_sub(last) {
        // Ahead, perhaps over the end.
        0..0x8000 => rollover + u64::from(sequence < last),
        // Behind, perhaps over the beginning.
        _ => rollover.saturating_sub(u64::from(sequence > last)),
    };
    rollover << 16 | u64::from(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_nearest_to_the_newest() {
        assert_eq!(index_of(None, 65_535), 65_535);
        assert_eq!(index_of(Some(65_535), 0), 65_536);
        assert_eq!(index_of(Some(65_536), 65_535), 65_535);
        assert_eq!(index_of(Some(5 << 16 | 40_000), 10), 6 << 16 | 10);
        assert_eq!(index_of(Some(5 << 16 | 10), 40_000), 4 << 16 | 40_000);
        assert_eq!(index_of(Some(10), 40_000), 40_000, "nothing is before the beginning");
    }

    #[test]
    fn each_index_is_admitted_once_and_old_ones_never() {
        let mut window = Window::default();
        for index in [5, 7, 6, 300, 299, 173] {
            assert_eq!(window.admits(index), Ok(()), "{index}");
            window.note(index);
            assert_eq!(window.admits(index), Err(SrtpError::Replayed), "{index}");
        }
        assert_eq!(window.admits(172), Err(SrtpError::Replayed), "beyond the window");
        assert_eq!(window.admits(174), Ok(()));
        assert_eq!(window.newest(), Some(300));
    }
}
