//! Settled directions of plain streams, lent to an engine that relays them where their packets arrive.
//!
//! A session lends a direction as a [`Lane`] with its [`Ledger`]: whoever holds the ledger counts, and counts the
//! same. The engine is a [`FastPath`]; it is told by the threads that own the sessions. What it cannot judge goes up to
//! the socket, and so to the session. Enter through [`crate::Session::lane`].

use crate::control::Side;
use base::Time;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// So many packets of a side must have been heard since its description before its direction is lent.
pub const HEARD_MIN: u64 = 10;

/// A direction of a stream that can be relayed without asking the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lane {
    /// The only source.
    pub expect: SocketAddr,
    /// Where its packets go.
    pub to: SocketAddr,
    /// Payload types that pass, as in [`crate::Remote::payload_types`].
    pub payload_types: [u64; 2],
    /// The synchronisation source that is heard; another one goes up.
    pub ssrc: u32,
    /// RTP clock, Hz.
    pub rate: u32,
    /// When the source's description changed last.
    pub changed: Time,
    /// Its packets are opened, protected, changed or copied by the session: they can only be brought to it ([`Rings`]).
    /// What it says of payload types, source and clock is not asked then.
    pub touched: bool,
}

/// What is counted of a lane: plain numbers, laid out as the kernel's program has them.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// When the last packet came, nanoseconds of the engine's time.
    pub last: u64,
    /// The longest pause, nanoseconds.
    pub silence_max: u64,
    /// Packets since the description changed.
    pub heard: u64,
    /// Packets, all.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// Those that came too late to be played.
    pub late: u64,
    /// Runs of missing packets.
    pub gaps: u64,
    /// From here on as [`rtp::stats::State`].
    pub base: u64,
    pub highest: u64,
    /// Lower half first.
    pub window: [u64; 2],
    pub expected_before: u64,
    pub received: u64,
    pub duplicates: u64,
    pub reordered: u64,
    pub strays: u64,
    pub restarts: u64,
    pub jitter_16: u64,
    pub jitter_max: u32,
    /// Of the last packet of all.
    pub timestamp: u32,
    /// Of the last packet of all.
    pub payload_type: u32,
    pub paced_timestamp: u32,
    pub clock: u32,
    pub transit: u32,
    /// [`Ledger::HAS_TRANSIT`], [`Ledger::HAS_ORIGIN`].
    pub flags: u32,
    /// [`Ledger::NO_RESTART`] where there is none.
    pub restart_at: u32,
    /// Transit of the first packet of a span of origin, and of the last.
    pub origin: u32,
    pub last_transit: u32,
    /// Quickest transit of this span of rating and the one before, relative to the origin.
    pub quickest: i32,
    pub quickest_before: i32,
    /// Spans of rating whose end has been taken into account.
    pub spans: u32,
    /// Nothing; keeps the length a multiple of eight.
    pub rest: u32,
}

impl Ledger {
    /// A transit is known.
    pub const HAS_TRANSIT: u32 = 1;
    /// An origin of transits is known.
    pub const HAS_ORIGIN: u32 = 2;
    /// No number that proves a restart.
    pub const NO_RESTART: u32 = 0x1_0000;
}

/// Why a direction is not lent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// There is no such stream, or it was refused.
    NoStream,
    /// Its packets are a recorder's, or go to one.
    Recorder,
    /// It is not RTP.
    NotRtp,
    /// Its source is not settled: nobody was heard, it may move, or others may speak in its place.
    Unsettled,
    /// It is not relayed now (hold).
    Held,
    /// Too few packets have come, of this side or of the other one that may send too.
    Quiet,
    /// Its packets would leave by another family of addresses.
    Families,
}

/// Our two ports of a lane, and how its packets leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Road {
    /// Where its packets arrive.
    pub local: SocketAddr,
    /// Where they leave from.
    pub from: SocketAddr,
    /// Their code point, 0 to 63.
    pub dscp: u8,
    /// Who touches its packets, where they must be; none: nobody takes them but by sockets.
    pub home: Option<Home>,
}

/// Who takes packets that are brought to the process, and by what name he knows whose they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Home {
    /// [`Rings::number`].
    pub rings: u32,
    /// See [`crate::token::Token`].
    pub token: u64,
}

/// A packet that has come by rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// As in [`Home`].
    pub token: u64,
    /// Who sent it.
    pub source: SocketAddr,
    /// Its length; it lies at the start of the buffer.
    pub length: usize,
    /// Its headers and its sum are right. Nothing lies in the buffer otherwise.
    pub sound: bool,
}

/// What became of a packet that was to leave by rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leaving {
    /// It leaves, with the next [`Rings::flush`] at the latest.
    Left,
    /// There is no room, or nothing leaves there: it is lost.
    Full,
    /// Not by rings: a socket is to send it.
    Elsewhere,
}

/// What brings packets of touched lanes to one thread, and takes them from it, in memory that is shared with the kernel.
pub trait Rings: Send + fmt::Debug {
    /// Their number, for [`Home`].
    fn number(&self) -> u32;
    /// Descriptors that are readable while a packet waits.
    fn descriptors(&self) -> Vec<i32>;
    /// How many packets wait.
    fn waiting(&self) -> usize;
    /// The next packet; none when all have been taken.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrived>;
    /// Lets a packet leave as the lane's packets do.
    fn send(&mut self, lane: u32, to: SocketAddr, bytes: &[u8]) -> Leaving;
    /// Has the kernel send what was left to it.
    fn flush(&mut self);
    /// Whether devices have come or gone since [`Rings::renew`].
    fn is_stale(&self) -> bool {
        false
    }
    /// Follows them. The descriptors are others then; what waited at a device that is gone is no more.
    fn renew(&mut self) {}
}

/// What became of the wish to open a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Its packets are relayed from now on.
    Opened,
    /// A packet of it is on its way up, or none has been seen yet: ask again later.
    NotYet,
    /// Never: its packets are not as this engine needs them. The lane is to be closed.
    Never,
}

/// An engine that relays lanes. Its lanes are named by numbers that it gives out.
pub trait FastPath: Send + Sync + fmt::Debug {
    /// Begins to watch what comes for a lane, which goes up as before; `now` is the caller's time. None: it cannot be
    /// taken, at least not now.
    fn watch(&self, lane: &Lane, road: &Road, now: Time) -> Option<u32>;
    /// Opens a lane whose last packet the session has relayed: only when no other has passed since.
    fn open(&self, lane: u32, ledger: &Ledger) -> Opening;
    /// What has been counted of an open lane.
    fn read(&self, lane: u32) -> Ledger;
    /// Tells how many spans of rating have ended.
    fn end_spans(&self, lane: u32, spans: u32);
    /// Whether the lane's packets still leave where they should.
    fn is_well(&self, lane: u32) -> bool;
    /// Closes a lane, watched or open; every packet goes up from now on. What an open one has counted.
    fn close(&self, lane: u32) -> Option<Ledger>;
    /// What brings packets of touched lanes to the calling thread; none: such lanes cannot be had.
    fn rings(&self) -> Option<Box<dyn Rings>> {
        None
    }
    /// A way out by rings for what leaves from a port of ours to a peer, whatever comes from there: `road.from`. Given
    /// back by [`FastPath::close`]. None: it cannot be had, at least not now.
    fn exit(&self, to: SocketAddr, road: &Road) -> Option<u32> {
        let _ = (to, road);
        None
    }
    /// At a glance.
    fn status(&self) -> FastStatus;
}

/// The fast path that an engine has, or why it has none.
pub type Choice = Result<Arc<dyn FastPath>, String>;

/// A fast path at a glance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FastStatus {
    /// Devices that it works on, and how: `xdp`, `tcx`.
    pub devices: Vec<(String, &'static str)>,
    /// Why it works on none.
    pub reason: Option<String>,
    /// Why it stands behind the driver and not at it, where that was to be chosen.
    pub lesser: Option<String>,
    /// By address at which media arrive: the device, or why it does nothing there.
    pub places: Vec<(IpAddr, Result<String, String>)>,
    /// Directions open now, and how many there may be.
    pub lanes: u64,
    /// See there.
    pub lanes_max: u64,
    /// Directions that were not taken because none was free.
    pub refused: u64,
    /// What it does for packets that must be touched.
    pub touched: TouchedStatus,
}

/// Packets that are brought to the process in shared memory, at a glance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TouchedStatus {
    /// Devices, and how many queues of each are served.
    pub devices: Vec<(String, u32)>,
    /// Devices that came while it runs and that have none, and why.
    pub without: Vec<(String, String)>,
    /// Why there are none.
    pub reason: Option<String>,
    /// What each media worker has of it.
    pub workers: Vec<TouchedWorker>,
    /// Directions that are brought now, or watched.
    pub lanes: u64,
    /// Packets that were brought.
    pub received: u64,
    /// Packets that left so.
    pub sent: u64,
    /// Packets brought that were not right: headers, or the sum of UDP.
    pub unsound: u64,
    /// Packets that the kernel had no room for on their way here.
    pub lost: u64,
    /// Packets that found no room on their way out.
    pub full: u64,
}

/// What one media worker has of packets that are brought in shared memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TouchedWorker {
    /// [`Rings::number`].
    pub number: u32,
    /// Where it has sockets.
    pub queues: Vec<TouchedQueue>,
    /// Why it has none.
    pub reason: Option<String>,
}

/// A worker's socket at a queue of a device.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TouchedQueue {
    /// The device.
    pub device: String,
    /// The number of its queue.
    pub queue: u32,
    /// Frames lie in the memory without having been copied.
    pub zero_copy: bool,
    /// Packets that were brought there.
    pub received: u64,
    /// Packets that the kernel had no room for.
    pub lost: u64,
}

/// Who relays what no fast path does.
pub const SOCKETS: &str = "sockets";
/// Who relays what is brought to the process in shared memory.
pub(crate) const RINGS: &str = "af_xdp";
/// A fast path of which no more is known.
pub(crate) const KERNEL: &str = "kernel";

impl FastStatus {
    /// How the device works at which media to an address arrive.
    #[must_use]
    pub fn hook_at(&self, address: IpAddr) -> Option<&'static str> {
        let (_, place) = self.places.iter().find(|(place, _)| *place == address)?;
        let device = place.as_ref().ok()?;
        self.devices.iter().find(|(name, _)| name == device).map(|(_, hook)| *hook)
    }
}

/// Whether bytes look like media and not like what else may share a port with them (RFC 7983 §7, RFC 5761 §4).
#[must_use]
pub fn is_media(bytes: &[u8]) -> bool {
    rtp::classify(bytes) == rtp::Datagram::Rtp
}

/// A direction: of which stream, and who sends.
pub type Direction = (Side, u8);
