//! The places of a queue's memory for what leaves: which are free, and whose the others are.
//!
//! The kernel may have sent an entry of a ring, and its place may have been given back and taken anew by anybody, while the
//! ring still shows the entry as waiting. So a place that is taken has a turn, and whoever returns it says in which.

use super::ring::PLACE;

/// A place that was taken, and in which turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    place: u32,
    turn: u32,
}

impl Spot {
    /// Where the place begins.
    #[inline]
    pub(super) fn address(self) -> u64 {
        u64::from(self.place) * PLACE as u64
    }
}

/// See the module text.
#[derive(Debug)]
pub(super) struct Stock {
    /// By place: how often it was taken and returned; an odd number while it is taken.
    turns: Box<[u32]>,
    free: Vec<u32>,
}

impl Stock {
    /// Of a memory of so many places, those from the first one on.
    pub(super) fn new(first: u32, places: u32) -> Stock {
        Stock { turns: (0..places).map(|_| 0).collect(), free: (first..places).collect() }
    }

    /// Takes places, as many as `own` has room for.
    pub(super) fn take(&mut self, own: &mut Vec<Spot>) {
        let some = self.free.len().saturating_sub(own.capacity() - own.len());
        for place in self.free.drain(some..) {
            if let Some(turn) = self.turns.get_mut(place as usize) {
                *turn = turn.wrapping_add(1);
                own.push(Spot { place, turn: *turn });
            }
        }
    }

    /// The kernel has sent what lies at an address. One that is free already was not in its hands.
    pub(super) fn sent(&mut self, address: u64) {
        let place = (address / PLACE as u64) as u32;
        if let Some(&turn) = self.turns.get(place as usize).filter(|turn| *turn % 2 == 1) {
            self.give_back(Spot { place, turn });
        }
    }

    /// Whether a place is still taken in this turn: nobody has returned it.
    pub(super) fn is_out(&self, spot: Spot) -> bool {
        self.turns.get(spot.place as usize) == Some(&spot.turn)
    }

    /// Returns a place, unless it was returned in this turn already.
    pub(super) fn give_back(&mut self, spot: Spot) {
        if self.is_out(spot)
            && let Some(turn) = self.turns.get_mut(spot.place as usize)
        {
            *turn = turn.wrapping_add(1);
            self.free.push(spot.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(stock: &mut Stock, count: usize) -> Vec<Spot> {
        let mut own = Vec::with_capacity(count);
        stock.take(&mut own);
        own
    }

    /// Each place that is free is so once.
    fn free(stock: &Stock) -> Vec<u32> {
        let mut free = stock.free.clone();
        free.sort_unstable();
        let count = free.len();
        free.dedup();
        assert_eq!(free.len(), count, "a place is free twice");
        free
    }

    #[test]
    fn a_place_is_taken_once_and_free_again_when_it_was_sent_or_given_back() {
        let mut stock = Stock::new(4, 8);
        let own = take(&mut stock, 3);
        assert_eq!((own.len(), free(&stock)), (3, vec![4]));
        assert!(own.iter().all(|spot| stock.is_out(*spot)));
        stock.sent(own[0].address() + 100);
        stock.give_back(own[1]);
        assert_eq!(free(&stock).len(), 3);
        assert_eq!(take(&mut stock, 8).len(), 3, "one is still out");
    }

    #[test]
    fn a_place_that_was_sent_while_its_entry_still_seemed_to_wait_is_not_free_twice_when_the_entry_is_revoked()
     {
        let mut stock = Stock::new(4, 8);
        let own = take(&mut stock, 2);
        stock.sent(own[0].address());
        let revoked: Vec<Spot> = own.iter().copied().filter(|spot| stock.is_out(*spot)).collect();
        assert_eq!(revoked, own[1..], "the other one has left");
        own.iter().for_each(|spot| stock.give_back(*spot));
        assert_eq!(free(&stock), [4, 5, 6, 7]);
    }

    #[test]
    fn a_place_that_was_sent_and_taken_by_another_is_not_returned_by_who_had_it_before() {
        let mut stock = Stock::new(7, 8);
        let (before, mut now) = (take(&mut stock, 1)[0], Vec::new());
        stock.sent(before.address());
        now.append(&mut take(&mut stock, 1));
        assert_eq!(before.address(), now[0].address());
        assert!(!stock.is_out(before) && stock.is_out(now[0]));
        stock.give_back(before);
        assert_eq!(free(&stock), [] as [u32; 0], "it is another's");
        stock.sent(now[0].address());
        assert_eq!(free(&stock), [7]);
    }

    #[test]
    fn a_place_of_which_the_kernel_says_twice_that_it_was_sent_is_free_once_and_one_beyond_all_is_none() {
        let mut stock = Stock::new(7, 8);
        let own = take(&mut stock, 1);
        stock.give_back(own[0]);
        for address in [own[0].address(), own[0].address(), 8 * PLACE as u64, u64::MAX] {
            stock.sent(address);
        }
        // One that is for what comes was never taken.
        stock.sent(0);
        assert_eq!(free(&stock), [7]);
    }
}
