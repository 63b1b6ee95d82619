//! The directions of one session that a fast path relays, or watches before it does.
//!
//! The order of things is what keeps packets in order. A direction is watched first: the fast path says what it has
//! seen go up. It is opened only when the last packet that it saw is the last that the session has relayed; so none is
//! on its way between them. Before anything about the session changes, its directions are taken back: from then on
//! every packet goes up, and the session goes on from what was counted.
//!
//! Packets of a touched lane are brought to the session by another way, which counts for itself: when such a lane has
//! been taken back, what is still on that way is to be judged before anything from the socket
//! ([`Lendings::take_drained`]). Enter through [`Lendings::advance`].

use crate::control::Side;
use crate::fast::{self, Direction, FastPath, Lane, Ledger, Opening, Road};
use crate::report::Report;
use crate::session::Session;
use base::Time;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a direction stays with the session after the fast path sent up what it should have relayed, or could not
/// take it.
const PAUSE: Duration = Duration::from_secs(5);
/// How long after it turned out that its packets are not as the fast path needs them.
const PAUSE_LONG: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug)]
struct Lent {
    direction: Direction,
    number: u32,
    lane: Lane,
    open: bool,
    /// Where its packets arrive.
    at: IpAddr,
}

/// A way out by rings of what a side says, to its recorder.
#[derive(Clone, Copy, Debug)]
struct Exit {
    direction: Direction,
    number: u32,
    to: SocketAddr,
}

/// See the module text.
#[derive(Debug, Default)]
pub struct Lendings {
    lent: Vec<Lent>,
    /// Of a session that leads to a recorder.
    exits: Vec<Exit>,
    /// Nothing more is lent before.
    not_before: Time,
    /// Packets and bytes that were relayed for the session and not yet told.
    passed: (u64, u64),
    /// A touched lane has been taken back.
    drained: bool,
}

impl Lendings {
    /// Nothing is lent or watched.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lent.is_empty()
    }

    /// Packets and bytes that were relayed since it was last asked.
    pub fn take_passed(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.passed)
    }

    /// Adds to a report who relays each stream now.
    pub fn name_engines(&self, path: Option<&dyn FastPath>, report: &mut Report) {
        let status = path.filter(|_| !self.is_empty()).map(FastPath::status);
        for (side, stream, report) in report.streams_mut() {
            let is_it = |lent: &&Lent| lent.open && lent.direction == (side, stream);
            let lent = self.lent.iter().find(is_it);
            let hook = lent.and_then(|lent| Some(status.as_ref()?.hook_at(lent.at).unwrap_or(fast::KERNEL)));
            let touched = lent.filter(|lent| lent.lane.touched).map(|_| fast::RINGS);
            report.engine = Some(touched.or(hook).unwrap_or(fast::SOCKETS));
        }
    }

    /// Whether a touched lane was taken back since it was last asked: what was brought to the process is to be judged
    /// before what comes by sockets.
    pub fn take_drained(&mut self) -> bool {
        std::mem::take(&mut self.drained)
    }

    /// The open touched lane of a direction: what leaves for it may leave by rings.
    #[must_use]
    #[inline]
    pub fn touched(&self, direction: Direction) -> Option<u32> {
        let lent = self.lent.iter().find(|lent| lent.direction == direction)?;
        (lent.open && lent.lane.touched).then_some(lent.number)
    }

    /// The way out by rings of what a side says, to its recorder.
    #[must_use]
    #[inline]
    pub fn exit(&self, direction: Direction) -> Option<u32> {
        self.exits.iter().find(|exit| exit.direction == direction).map(|exit| exit.number)
    }

    /// Lets the session know what has been counted for it.
    pub fn sync(&mut self, path: &dyn FastPath, session: &mut Session) {
        for lent in self.lent.iter().filter(|lent| lent.open && !lent.lane.touched) {
            follow(&mut self.passed, session, lent.direction, &path.read(lent.number));
        }
    }

    /// A datagram has come up to the port of RTP of a direction. Where the fast path should have relayed it, the
    /// direction is taken back: whatever it is, it is for the session to judge, and so is what follows.
    #[cold]
    pub fn meet(
        &mut self,
        path: &dyn FastPath,
        session: &mut Session,
        now: Time,
        direction: Direction,
        (source, bytes): (SocketAddr, &[u8]),
    ) {
        self.sync(path, session);
        let is_it = |lent: &Lent| lent.open && lent.direction == direction && lent.lane.expect == source;
        if fast::is_media(bytes) && self.lent.iter().any(is_it) {
            self.take_back(path, session, |_, lent| is_it(lent));
            self.not_before = now + PAUSE;
        }
    }

    /// A packet of a touched lane was brought with wrong headers or a wrong sum: by its socket the system judges that,
    /// and whether the sender left the sum to a device that is not there.
    #[cold]
    pub fn refuse(&mut self, path: &dyn FastPath, session: &mut Session, now: Time, direction: Direction) {
        self.take_back(path, session, |_, lent| lent.direction == direction);
        self.not_before = now + PAUSE;
    }

    /// Takes back what is no more as it was lent.
    pub fn review(&mut self, path: &dyn FastPath, session: &mut Session) {
        self.take_back(path, session, |session, lent| {
            let (side, stream) = lent.direction;
            session.lane(side, stream) != Ok(lent.lane) || !path.is_well(lent.number)
        });
        self.leave_exits(path, |exit| {
            let (side, stream) = exit.direction;
            session.recorder(side, stream) != Some(exit.to) || !path.is_well(exit.number)
        });
    }

    /// Takes all back: something about the session is going to change.
    pub fn recall(&mut self, path: &dyn FastPath, session: &mut Session) {
        self.take_back(path, session, |_, _| true);
        self.leave_exits(path, |_| true);
    }

    /// What left by rings leaves before what will leave by sockets.
    fn leave_exits(&mut self, path: &dyn FastPath, mut due: impl FnMut(&Exit) -> bool) {
        let drained = &mut self.drained;
        self.exits.retain(|exit| {
            let due = due(exit);
            if due {
                path.close(exit.number);
                *drained = true;
            }
            !due
        });
    }

    fn take_back(
        &mut self,
        path: &dyn FastPath,
        session: &mut Session,
        mut due: impl FnMut(&Session, &Lent) -> bool,
    ) {
        let (passed, drained) = (&mut self.passed, &mut self.drained);
        self.lent.retain(|lent| {
            if !due(session, lent) {
                return true;
            }
            *drained |= lent.open && lent.lane.touched;
            if let Some(ledger) = path.close(lent.number) {
                follow(passed, session, lent.direction, &ledger);
            }
            false
        });
    }

    /// Time has gone on: opens what is watched and lends what has become settled. `road`: our ports of a direction;
    /// `clock`: the time at this very moment.
    pub fn advance(
        &mut self,
        path: &dyn FastPath,
        session: &mut Session,
        road: impl Fn(Direction) -> Option<Road>,
        clock: impl Fn() -> Time,
    ) {
        self.review(path, session);
        let mut never = false;
        for lent in &mut self.lent {
            let (side, stream) = lent.direction;
            if lent.open {
                if !lent.lane.touched {
                    path.end_spans(lent.number, session.spans(side, stream));
                }
                continue;
            }
            let opening = session.ledger(side, stream).map(|ledger| path.open(lent.number, &ledger));
            lent.open = opening == Some(Opening::Opened);
            never |= opening == Some(Opening::Never);
        }
        if never {
            self.recall(path, session);
            self.not_before = clock() + PAUSE_LONG;
        }
        for stream in 0..session.streams() {
            for side in Side::BOTH {
                self.lend(path, session, (side, stream), &road, &clock);
                self.find_exit(path, session, (side, stream), &road, &clock);
            }
        }
    }

    /// A way out for copies of what a side says.
    fn find_exit(
        &mut self,
        path: &dyn FastPath,
        session: &Session,
        (side, stream): Direction,
        road: impl Fn(Direction) -> Option<Road>,
        clock: impl Fn() -> Time,
    ) {
        let Some(to) = session.recorder(side, stream) else { return };
        if self.exit((side, stream)).is_some() {
            return;
        }
        // They leave by the port of whom is copied.
        let road = road((side.other(), stream)).filter(|road| road.home.is_some());
        let (Some(road), now) = (road, clock()) else { return };
        if now < self.not_before {
            return;
        }
        match path.exit(to, &road) {
            Some(number) => self.exits.push(Exit { direction: (side, stream), number, to }),
            None => self.not_before = now + PAUSE,
        }
    }

    fn lend(
        &mut self,
        path: &dyn FastPath,
        session: &Session,
        direction: Direction,
        road: impl Fn(Direction) -> Option<Road>,
        clock: impl Fn() -> Time,
    ) {
        if self.lent.iter().any(|lent| lent.direction == direction) {
            return;
        }
        let (Ok(lane), Some(road)) = (session.lane(direction.0, direction.1), road(direction)) else {
            return;
        };
        let now = clock();
        if now < self.not_before || (lane.touched && road.home.is_none()) {
            return;
        }
        match path.watch(&lane, &road, now) {
            Some(number) => {
                self.lent.push(Lent { direction, number, lane, open: false, at: road.local.ip() })
            }
            None => self.not_before = now + PAUSE,
        }
    }
}

fn follow(passed: &mut (u64, u64), session: &mut Session, (side, stream): Direction, ledger: &Ledger) {
    if let Some(before) = session.ledger(side, stream) {
        passed.0 += ledger.packets - before.packets.min(ledger.packets);
        passed.1 += ledger.bytes - before.bytes.min(ledger.bytes);
    }
    session.follow(side, stream, ledger);
}
