//! What engine and worker say to each other, and what they share. Values only.

use super::sockets::StreamPorts;
use super::status::Board;
use bridge::Plan;
use ice::Credentials;
use media::token::Place;
use media::{Digit, Play, Remote, Reply, Report, SessionId, Side};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

/// What the engine asks of a worker. `Copy`: what is relayed for a session goes to another one of this worker, too,
/// whose ports lead to a recorder.
pub(super) enum Order {
    Open {
        session: SessionId,
        place: Place,
        streams: Vec<StreamPorts>,
    },
    Grow {
        session: SessionId,
        streams: Vec<StreamPorts>,
    },
    Set {
        session: SessionId,
        side: Side,
        stream: u8,
        remote: Remote,
    },
    Bridge {
        session: SessionId,
        stream: u8,
        plans: Option<Box<[Plan; 2]>>,
        seed: u64,
    },
    Digit {
        session: SessionId,
        toward: Side,
        digit: Digit,
    },
    Ice {
        session: SessionId,
        side: Side,
        local: Credentials,
    },
    Copy {
        of: SessionId,
        to: Place,
        seed: u64,
    },
    Play {
        session: SessionId,
        at: (u8, Side),
        play: Option<Box<Play>>,
        seed: u64,
    },
    Reject {
        session: SessionId,
        stream: u8,
    },
    /// How a session that goes on is doing.
    Look {
        session: SessionId,
        asker: Asker,
    },
    Close {
        session: SessionId,
    },
}

/// Where a report of a running session goes.
pub type Asker = SyncSender<Option<Box<Report>>>;

/// What a worker tells the engine.
pub(super) enum News {
    Reply(Reply),
    /// A session has ended. Sockets that may be used again come back.
    Closed {
        session: SessionId,
        report: Box<Report>,
        streams: Vec<Option<StreamPorts>>,
    },
    /// A stream is rejected and needs no sockets any more.
    Freed {
        session: SessionId,
        stream: u8,
        ports: Option<Box<StreamPorts>>,
    },
}

/// What engine and worker share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The bell has been rung and orders not yet been looked at.
    pub(super) rung: AtomicBool,
    /// The worker comes back by itself within a slice of a sweep: orders need no bell.
    pub(super) sweeping: AtomicBool,
    /// The worker is to end.
    pub(super) stop: AtomicBool,
    pub(super) board: Board,
}

/// Wakes the engine's owner.
pub(super) type Notify = Arc<dyn Fn() + Send + Sync>;
