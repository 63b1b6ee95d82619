//! A worker's socket at one queue of a device: packets that come there are taken by the batch, and packets that leave are
//! put there, until the kernel has taken them or it turns out that they will not leave.

use super::Stand;
use super::pool::Pool;
use super::ring::{ENTRIES, Ring};
use super::stock::Spot;
use std::io;
use std::sync::Arc;

/// Places that are taken or given at once.
pub(super) const BATCH: usize = 64;
/// Packets after which the kernel is asked to send: it takes so many at a time.
const KICK_AFTER: usize = 32;
/// Times that the kernel is asked to send what stands in a ring. No more: who asks on and on keeps the processor from
/// whom the device waits for.
const KICKS: usize = 4;

/// A worker's socket at one queue of a device.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) device: u32,
    pub(super) pool: Arc<Pool>,
    pub(super) stand: Arc<Stand>,
    pub(super) coming: Ring<libc::xdp_desc>,
    leaving: Ring<libc::xdp_desc>,
    /// Places to be given back to the kernel, and places for what leaves.
    pub(super) emptied: Vec<u64>,
    stock: Vec<Spot>,
    /// Where the entries of the ring of what leaves lie; none: it is void.
    spots: Box<[Option<Spot>]>,
    /// Entries of that ring that were not taken by the kernel yet, as far as is known.
    pub(super) unsent: usize,
    /// Packets in it of which it is not known what became of them.
    open: usize,
    /// Where entries lay that were made void, until the kernel has passed over all.
    void: Vec<Spot>,
    /// Not yet told: packets that came, that left, and that the device did not take.
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) refused: u64,
}

impl Port {
    pub(super) fn new(pool: Arc<Pool>, stand: Stand, [coming, leaving]: [Ring<libc::xdp_desc>; 2]) -> Port {
        let (device, stand) = (stand.device.1, Arc::new(stand));
        Port {
            device,
            pool,
            stand,
            coming,
            leaving,
            emptied: Vec::with_capacity(BATCH),
            stock: Vec::with_capacity(BATCH),
            spots: (0..ENTRIES).map(|_| None).collect(),
            unsent: 0,
            open: 0,
            void: Vec::new(),
            received: 0,
            sent: 0,
            refused: 0,
        }
    }

    /// The next frame, with its place.
    #[inline]
    pub(super) fn next(&mut self) -> Option<libc::xdp_desc> {
        let frame = self.coming.pop();
        // Places are given back by the batch, and when there is time.
        if self.emptied.len() >= BATCH || (frame.is_none() && !self.emptied.is_empty()) {
            self.pool.refill(&mut self.emptied);
        }
        frame
    }

    /// A free place for a packet.
    #[inline]
    fn place(&mut self) -> Option<Spot> {
        if self.stock.is_empty() {
            self.pool.take(&mut self.stock);
        }
        if self.stock.is_empty() {
            self.push_out();
            self.pool.take(&mut self.stock);
        }
        self.stock.pop()
    }

    /// Puts a packet into the ring; whether there was room.
    #[inline]
    pub(super) fn put(&mut self, headers: &[u8], payload: &[u8]) -> bool {
        let Some(spot) = self.place() else { return false };
        let (addr, number) = (spot.address(), self.leaving.upcoming());
        let len = self.pool.memory.write(addr, [headers, payload]);
        if !self.leaving.push(libc::xdp_desc { addr, len, options: 0 }) {
            self.stock.push(spot);
            return false;
        }
        self.note(number, Some(spot));
        (self.unsent, self.open) = (self.unsent + 1, self.open + 1);
        if self.unsent.is_multiple_of(KICK_AFTER) {
            self.push_out();
        }
        true
    }

    /// Where an entry lies.
    #[inline]
    fn note(&mut self, number: u32, spot: Option<Spot>) {
        if let Some(noted) = self.spots.get_mut((number % ENTRIES) as usize) {
            *noted = spot;
        }
    }

    /// Has the kernel send what stands in the ring; what it does not take now it takes the next time.
    pub(super) fn push_out(&mut self) {
        let by_copies = !self.pool.manner.zero_copy;
        // It takes a void entry, or one that the device refuses, by a call of its own.
        let mut tries = KICKS + self.void.len();
        let mut refusals = self.leaving.waiting();
        while tries > 0 && self.leaving.waiting() > 0 && self.leaving.is_asked_for() {
            match self.stand.socket.kick() {
                Ok(()) => tries -= 1,
                Err(error) if by_copies && is_refusal(&error) && refusals > 0 => {
                    self.refuse(1);
                    refusals -= 1;
                }
                Err(error) if by_copies && is_gone(&error) => {
                    self.revoke();
                    break;
                }
                // It is full: the next time.
                Err(_) => break,
            }
        }
        self.unsent = self.leaving.waiting() as usize;
        // Void ones stand before those that are open.
        let open = self.open.min(self.unsent);
        self.sent += (self.open - open) as u64;
        self.open = open;
        if self.unsent == 0 && !self.void.is_empty() {
            self.pool.settle(&std::mem::take(&mut self.void));
        }
    }

    /// The device is gone for good: what it has not taken will not leave.
    #[cold]
    pub(super) fn end(&mut self) {
        self.push_out();
        self.refuse(self.open);
    }

    /// So many packets did not leave and will not.
    fn refuse(&mut self, packets: usize) {
        self.refused += packets as u64;
        self.open = self.open.saturating_sub(packets);
    }

    /// The device is down or gone: what stands in the ring must not leave when it is long over.
    #[cold]
    fn revoke(&mut self) {
        let noted = |number: u32| Some((number, *self.spots.get((number % ENTRIES) as usize)?));
        let standing = self.leaving.standing().filter_map(noted);
        let mut entries: Vec<(u32, Spot)> =
            standing.filter_map(|(number, spot)| Some((number, spot?))).collect();
        self.pool.keep_unsent(&mut entries);
        self.refuse(entries.len());
        for (number, spot) in entries {
            self.leaving.make_void(number);
            self.note(number, None);
            self.void.push(spot);
        }
    }
}

/// The device has dropped a packet: it has no room, or no carrier.
fn is_refusal(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBUSY)
}

fn is_gone(error: &io::Error) -> bool {
    [libc::ENETDOWN, libc::ENXIO, libc::ENODEV].contains(&error.raw_os_error().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rings::socket::Manner;

    /// The loopback device of a network of the calling thread's own, which is down; where this user may have none, nothing
    /// is tried.
    fn port() -> Option<Port> {
        port_at("lo", "true")
    }

    /// A device of such a network, after a command.
    #[allow(unsafe_code)]
    fn port_at(device: &str, command: &str) -> Option<Port> {
        let wish = Manner { share: ENTRIES, zero_copy: true };
        // SAFETY: no pointers. The thread is the test's, and ends with it.
        let moved = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        let moved = if moved == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        let found = moved.map(|()| {
            run(command);
            let told = run(&format!("ip -o link show {device}"));
            told.split(':').next().and_then(|number| number.parse().ok()).unwrap()
        });
        match found.and_then(|number| Ok((number, Pool::open((number, 0), wish)?))) {
            Ok((number, (pool, (socket, rings)))) => {
                let stand = Stand::new(0, (device.to_owned(), number), 0, &pool, socket);
                Some(Port::new(Arc::new(pool), stand, rings))
            }
            Err(error) => {
                let declared = std::env::var_os("TRONCO_KERNEL_TIER").is_some_and(|value| value == "1");
                assert!(!declared, "the kernel's engine is declared to work here: {error}");
                println!("skipped, no such socket can be had here: {error}");
                None
            }
        }
    }

    fn run(command: &str) -> String {
        let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn set_up() {
        run("ip link set lo up");
    }

    /// Each place for what leaves is free, once.
    fn all_are_free(port: &mut Port) {
        let mut all = Vec::with_capacity(ENTRIES as usize);
        all.append(&mut port.stock);
        port.pool.take(&mut all);
        let mut all: Vec<u64> = all.into_iter().map(Spot::address).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ENTRIES as usize);
    }

    #[test]
    fn where_no_place_is_left_a_packet_finds_no_room_and_where_one_is_again_it_does() {
        let Some(mut port) = port() else { return };
        set_up();
        let mut all = Vec::with_capacity(ENTRIES as usize);
        port.pool.take(&mut all);
        assert_eq!(all.len(), ENTRIES as usize);
        assert!(!port.put(&[0; 14], &[0; 20]));
        port.stock.extend(all.pop());
        assert!(port.put(&[0; 14], &[0; 20]) && port.unsent == 1);
        port.push_out();
        assert!(port.put(&[0; 14], &[0; 20]), "the place of the first one came back");
    }

    #[test]
    fn what_stands_in_the_ring_of_a_device_that_is_down_is_void_and_what_follows_leaves() {
        let Some(mut port) = port() else { return };
        (0..20).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        port.push_out();
        port.push_out();
        assert_eq!((port.refused, port.void.len(), port.unsent), (20, 20, 20));
        assert_eq!((port.sent, port.open), (0, 0));
        set_up();
        // The kernel passes over all of them, and gives the one that follows back.
        assert!(port.put(&[0; 14], &[0; 20]));
        port.push_out();
        assert_eq!((port.leaving.waiting(), port.void.len(), port.refused), (0, 0, 20));
        assert_eq!((port.sent, port.open), (1, 0), "each is counted once");
        all_are_free(&mut port);
    }

    #[test]
    fn what_was_sent_while_its_entries_still_seemed_to_wait_is_not_taken_for_lost_when_the_device_goes_down()
    {
        let Some(mut port) = port() else { return };
        (0..20).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        let first: Vec<Spot> = port.spots.iter().flatten().take(5).copied().collect();
        // As the kernel does that has not yet said which entries it has taken.
        port.pool.settle(&first);
        port.push_out();
        assert_eq!((port.refused, port.void.len(), port.open), (15, 15, 5));
        set_up();
        port.push_out();
        assert_eq!((port.refused, port.sent, port.open, port.unsent), (15, 5, 0, 0));
        all_are_free(&mut port);
    }

    #[test]
    fn a_ring_full_of_what_a_device_did_not_take_is_emptied_when_it_is_up() {
        let Some(mut port) = port() else { return };
        (0..ENTRIES).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        assert!(!port.put(&[0; 14], &[0; 20]), "the ring is full of them");
        assert_eq!(port.refused, u64::from(ENTRIES));
        set_up();
        port.push_out();
        assert_eq!((port.leaving.waiting(), port.void.len()), (0, 0));
        assert!(port.put(&[0; 14], &[0; 20]));
        port.push_out();
        all_are_free(&mut port);
    }

    #[test]
    fn a_device_that_offers_no_zero_copy_after_all_is_had_by_copies() {
        let Some(port) = port() else { return };
        assert_eq!(port.pool.manner, Manner { share: ENTRIES, zero_copy: false });
        assert!(!port.stand.zero_copy);
    }

    #[test]
    fn packets_that_a_device_without_a_carrier_drops_are_counted_as_lost_and_not_as_sent() {
        let command = "ip link add d0 type veth peer name d1 && ip link set d0 up";
        let Some(mut port) = port_at("d0", command) else { return };
        (0..50).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        port.push_out();
        assert_eq!((port.refused, port.sent, port.open), (50, 0, 0));
        run("ip link set d1 up");
        (0..50).for_each(|_| assert!(port.put(&[0; 14], &[0; 20])));
        port.push_out();
        assert_eq!((port.refused, port.sent, port.open), (50, 50, 0));
        all_are_free(&mut port);
    }
}
