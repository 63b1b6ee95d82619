//! Which lanes are given out, and to whom; which are free.

use crate::hops::Hop;
use crate::layout::Place;
use crate::program::Doors;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a lane rests before it is given out again: the program may still be looking at it.
const REST: Duration = Duration::from_secs(1);

/// A lane that is given out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Where its packets arrive; none: they only leave.
    pub(crate) place: Option<Place>,
    pub(crate) hop: Hop,
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    /// Its packets are brought to the process.
    pub(crate) touched: bool,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) doors: Doors,
    pub(crate) held: Vec<Option<Held>>,
    /// Lanes that are free, and since when.
    pub(crate) free: VecDeque<(u32, Instant)>,
    pub(crate) refused: u64,
}

impl Table {
    /// So many lanes, all free.
    pub(crate) fn new(doors: Doors, count: u32) -> Table {
        let long_ago = Instant::now().checked_sub(REST).unwrap_or_else(Instant::now);
        let free = (0..count).map(|lane| (lane, long_ago)).collect();
        Table { doors, held: vec![None; count as usize], free, refused: 0 }
    }

    pub(crate) fn free_lane(&mut self) -> Option<u32> {
        let free = self.free.pop_front_if(|(_, since)| since.elapsed() >= REST);
        self.refused += u64::from(free.is_none());
        free.map(|(number, _)| number)
    }
}
