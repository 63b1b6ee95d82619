//! The engine: lanes given out, opened, read and closed, on devices where the program stands.

use crate::devices::{Device, devices_of};
use crate::ground::Ground;
use crate::hops::Hop;
use crate::keeper::{Found, Keeper};
use crate::layout::{Place, RawLane, gate};
use crate::memory::{Memory, steady};
use crate::program::{self, Hook, Program, Tried};
use crate::rings::{Guest, Hall, Hand, Worker};
use crate::table::{Held, Table};
use crate::trial::whole;
use base::Time;
use media::{FastPath, FastStatus, Lane, Ledger, Opening, Rings, Road, TouchedStatus};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Directions that may be open at a time: limit `fast_path_lanes`.
const LANES_MAX: u32 = 65_536;
/// A packet that was relayed so shortly before a lane is closed may still be on its way out; what comes after it must
/// not overtake it.
const SETTLED_NANOS: u64 = 100_000;

/// What is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Addresses at which media arrive.
    pub addresses: Vec<IpAddr>,
    /// The hook; none: the best that works on all devices.
    pub hook: Option<Hook>,
    /// How many directions there may be at most.
    pub lanes: usize,
    /// Packets that must be touched are to be brought to the process in shared memory.
    pub touched: bool,
    /// Workers that touch them: all have their sockets, or none.
    pub workers: usize,
}

/// See the module text.
#[derive(Debug)]
pub struct Kernel {
    // The memory goes before the maps that it is a view of.
    pub(crate) memory: Memory,
    table: Mutex<Table>,
    keeper: Arc<Keeper>,
    /// The generation of next hops in which each lane was found well.
    well: Box<[AtomicU64]>,
    ground: Arc<Ground>,
    /// Why it does not stand at a better hook.
    lesser: Option<String>,
    /// What brings packets to the process, or why nothing does.
    hall: Result<Arc<Hall>, String>,
    /// Sockets of the workers that were foreseen, until these take them.
    first: Mutex<VecDeque<Worker>>,
}

impl Kernel {
    /// Loads the program, lets it pass a packet, and attaches it to the devices that have the addresses.
    ///
    /// # Errors
    /// Why this machine or this user cannot have it, in words for a log.
    pub fn start(wish: &Wish) -> Result<Kernel, String> {
        Kernel::start_where(wish, program::hands_over)
    }

    /// The same by what a probe says of handing packets over: why the kernel has no such thing.
    ///
    /// # Errors
    /// As [`Kernel::start`].
    pub fn start_where(wish: &Wish, probe: impl FnOnce() -> Result<(), String>) -> Result<Kernel, String> {
        let (devices, places) = devices_of(&wish.addresses)?;
        let hands_over = if wish.touched { probe() } else { Err("switched off".to_owned()) };
        let mut kernel = Kernel::load_where(wish.lanes, hands_over)?;
        let hooks = wish.hook.map_or(vec![Hook::Xdp, Hook::Tcx], |hook| vec![hook]);
        let mut reasons = Vec::new();
        for hook in hooks {
            match kernel.ground.attach(hook, &devices) {
                Ok(()) => {
                    kernel.lesser = reasons.pop();
                    if let Some(reason) = &kernel.lesser {
                        tracing::info!(%reason, "media are relayed behind the driver");
                    }
                    if wish.touched {
                        kernel.open_hall(hook, &devices, wish.workers);
                    }
                    kernel.ground.stay(hook, &wish.addresses, (devices, places));
                    kernel.keeper.mind(&kernel.ground);
                    return Ok(kernel);
                }
                Err(reason) => reasons.push(format!("{}: {reason}", hook.name())),
            }
        }
        Err(reasons.join("; "))
    }

    /// Loads the whole program and lets it pass a packet, without any device.
    ///
    /// # Errors
    /// As [`Kernel::start`].
    pub fn load(lanes: usize) -> Result<Kernel, String> {
        Kernel::load_program(lanes, true)
    }

    /// The same; where packets cannot be handed over, or the program that does is refused, the plain one.
    ///
    /// # Errors
    /// As [`Kernel::start`].
    pub fn load_where(lanes: usize, hands_over: Result<(), String>) -> Result<Kernel, String> {
        let without = match hands_over.map(|()| Kernel::load_program(lanes, true)) {
            Ok(Ok(kernel)) => return Ok(kernel),
            Ok(Err(reason)) => format!("the program that hands over: {reason}"),
            Err(reason) => reason,
        };
        let mut kernel = Kernel::load_program(lanes, false)?;
        kernel.hall = Err(without);
        Ok(kernel)
    }

    fn load_program(lanes: usize, all: bool) -> Result<Kernel, String> {
        let count = u32::try_from(lanes).unwrap_or(u32::MAX).clamp(2, LANES_MAX);
        let (program, doors, memory) = Program::load(count, all).map_err(|error| whole(&error))?;
        let keeper = Keeper::start().map_err(|error| format!("netlink: {error}"))?;
        let well = (0..count).map(|_| AtomicU64::new(0)).collect();
        let kernel = Kernel {
            memory,
            table: Mutex::new(Table::new(doors, count)),
            keeper,
            well,
            ground: Arc::new(Ground::new(program)),
            lesser: None,
            hall: Err("switched off".to_owned()),
            first: Mutex::default(),
        };
        for hook in [Hook::Xdp, Hook::Tcx] {
            kernel.pass_a_packet(hook)?;
        }
        Ok(kernel)
    }

    /// Opens sockets at all queues, for packets that must be touched.
    fn open_hall(&mut self, hook: Hook, devices: &[Device], workers: usize) {
        let opened = match (hook, self.ground.program().take_sockets()) {
            (Hook::Tcx, _) => Err("media are relayed behind the driver".to_owned()),
            (Hook::Xdp, Some(map)) => Hall::open(devices, map, self.memory.count(), workers),
            // Why is said already.
            (Hook::Xdp, None) => return,
        };
        self.hall = opened.map(|(hall, workers)| {
            self.first = Mutex::new(workers);
            self.ground.bring(&hall);
            hall
        });
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the program on a frame that is on no wire, with the lanes that there are.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn attempt(&self, hook: Hook, frame: &[u8]) -> Result<Tried, String> {
        self.ground.program().attempt(hook, frame).map_err(|error| whole(&error))
    }

    /// As [`FastPath::watch`] with a next hop of the caller's, for tests without a network.
    pub fn watch_by(&self, lane: &Lane, road: &Road, (device, mtu): (u32, u32), now: Time) -> Option<u32> {
        let hop = Hop { device, next: lane.to.ip(), to: [2; 6], from: [4; 6], mtu };
        self.take(lane, road, self.known(hop), now)
    }

    /// Lets time go by for a lane, for tests.
    pub fn pass_time(&self, lane: u32, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.memory.set_birth(lane, self.memory.birth(lane).wrapping_sub(nanos));
    }

    /// A hop that needs not to be found.
    pub(crate) fn known(&self, hop: Hop) -> Found {
        Found { generation: self.keeper.generation(), hop }
    }

    pub(crate) fn take(&self, lane: &Lane, road: &Road, found: Found, now: Time) -> Option<u32> {
        let Found { generation, hop } = found;
        let (hand, guest) = self.hand(lane, road, &hop)?;
        let mut table = self.table();
        let number = table.free_lane()?;
        let place = Place::new(road.local);
        let birth = steady().wrapping_sub(now.0);
        self.memory.lay(number, &RawLane::new(lane, road, &hop, birth, hand), gate::WATCH);
        if table.doors.add(&place, number).is_err() {
            // At the end: those before it have rested.
            table.free.push_back((number, Instant::now()));
            table.refused += 1;
            return None;
        }
        self.keeper.hold(&hop);
        if let (Some(guest), Ok(hall)) = (guest, &self.hall) {
            hall.host(number, guest);
        }
        let held =
            Held { place: Some(place), hop, from: road.from.ip(), to: lane.to.ip(), touched: lane.touched };
        *table.held.get_mut(number as usize)? = Some(held);
        self.well.get(number as usize)?.store(generation, Ordering::SeqCst);
        Some(number)
    }

    /// Where the packets of a lane are handed to the process, and what must be known of them there: nothing of a lane that
    /// nobody touches. None: they cannot be.
    fn hand(&self, lane: &Lane, road: &Road, hop: &Hop) -> Option<(Hand, Option<Guest>)> {
        if !lane.touched {
            return Some((Hand::default(), None));
        }
        let (hall, home) = (self.hall.as_ref().ok()?, road.home?);
        let device = self.ground.standing().device_at(road.local.ip())?.number;
        let hand = hall.hand(home.rings, device)?;
        Some((hand, Some(Guest::new(lane, road, hop, home))))
    }

    /// The next hop, where frames may be redirected to its device.
    fn find(&self, from: IpAddr, to: IpAddr) -> Option<Found> {
        let found = self.keeper.find(from, to)?;
        let standing = self.ground.standing();
        (standing.hook == Some(Hook::Tcx) || standing.has(found.hop.device)).then_some(found)
    }

    /// A lane that has been given out, unless its next hop has changed meanwhile.
    fn unless_moved(&self, lane: u32, (from, to): (IpAddr, IpAddr), hop: &Hop) -> Option<u32> {
        if !self.keeper.stands(from, to, hop) {
            self.close(lane);
            return None;
        }
        Some(lane)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // Whoever looks at devices at this moment comes to none any more.
        self.ground.leave();
    }
}

impl FastPath for Kernel {
    fn watch(&self, lane: &Lane, road: &Road, now: Time) -> Option<u32> {
        let way = (road.from.ip(), lane.to.ip());
        let found = self.find(way.0, way.1)?;
        self.unless_moved(self.take(lane, road, found, now)?, way, &found.hop)
    }

    fn open(&self, lane: u32, ledger: &Ledger) -> Opening {
        let seen = self.memory.peek(lane);
        match (gate::mode(seen), gate::seen(seen)) {
            (gate::UNSOUND, _) => Opening::Never,
            (gate::WATCH, Some(last)) if last == ledger.highest as u16 => {
                let handed = self.memory.is_handed(lane);
                if !handed {
                    self.memory.put(lane, ledger);
                }
                let mode = if handed { gate::HANDED } else { gate::OPEN };
                if self.memory.open(lane, seen, mode) { Opening::Opened } else { Opening::NotYet }
            }
            _ => Opening::NotYet,
        }
    }

    fn read(&self, lane: u32) -> Ledger {
        self.memory.read(lane)
    }

    fn end_spans(&self, lane: u32, spans: u32) {
        self.memory.set_spans(lane, spans);
    }

    fn is_well(&self, lane: u32) -> bool {
        let Some(well) = self.well.get(lane as usize) else { return false };
        if well.load(Ordering::SeqCst) == self.keeper.generation() {
            return true;
        }
        let Some(held) = self.table().held.get(lane as usize).copied().flatten() else { return false };
        let found = self.keeper.find(held.from, held.to).filter(|found| found.hop == held.hop);
        if let Some(found) = found {
            well.store(found.generation, Ordering::SeqCst);
        }
        found.is_some()
    }

    fn close(&self, lane: u32) -> Option<Ledger> {
        let mode = self.memory.close(lane);
        let ledger = [gate::OPEN, gate::HANDED].contains(&mode).then(|| self.memory.read(lane));
        let mut table = self.table();
        if let Some(held) = table.held.get_mut(lane as usize).and_then(Option::take) {
            held.place.iter().for_each(|place| table.doors.remove(place));
            table.free.push_back((lane, Instant::now()));
            self.keeper.release(&held.hop);
            if let (true, Ok(hall)) = (held.touched, &self.hall) {
                hall.dismiss();
            }
        }
        drop(table);
        let last = ledger.map_or(0, |ledger| ledger.last.wrapping_add(self.memory.birth(lane)));
        while steady().checked_sub(last).is_some_and(|age| age < SETTLED_NANOS) {
            std::hint::spin_loop();
        }
        // What is handed to the process is counted there.
        ledger.filter(|_| mode == gate::OPEN)
    }

    fn rings(&self) -> Option<Box<dyn Rings>> {
        let hall = self.hall.as_ref().ok()?;
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match first.map_or_else(|| hall.admit(), Ok) {
            Ok(worker) => Some(Box::new(worker)),
            Err(reason) => {
                tracing::warn!(%reason, "a media worker touches packets by sockets alone");
                None
            }
        }
    }

    fn exit(&self, to: SocketAddr, road: &Road) -> Option<u32> {
        let (hall, from) = (self.hall.as_ref().ok()?, road.from.ip());
        if from.is_ipv4() != to.is_ipv4() {
            return None;
        }
        let Found { generation, hop } = self.find(from, to.ip())?;
        let guest = Guest::leaving(to, road, &hop);
        let mut table = self.table();
        let number = table.free_lane()?;
        self.keeper.hold(&hop);
        hall.know(number, guest);
        let held = Held { place: None, hop, from, to: to.ip(), touched: false };
        *table.held.get_mut(number as usize)? = Some(held);
        self.well.get(number as usize)?.store(generation, Ordering::SeqCst);
        drop(table);
        self.unless_moved(number, (from, to.ip()), &hop)
    }

    fn status(&self) -> FastStatus {
        let standing = self.ground.standing().clone();
        let hook = standing.hook.map_or("", Hook::name);
        let table = self.table();
        FastStatus {
            devices: standing.devices.into_iter().map(|device| (device.name, hook)).collect(),
            reason: None,
            lesser: self.lesser.clone(),
            places: standing.places,
            lanes: u64::from(self.memory.count()) - table.free.len() as u64,
            lanes_max: u64::from(self.memory.count()),
            refused: table.refused,
            touched: match &self.hall {
                Ok(hall) => hall.status(),
                Err(reason) => TouchedStatus { reason: Some(reason.clone()), ..TouchedStatus::default() },
            },
        }
    }
}
