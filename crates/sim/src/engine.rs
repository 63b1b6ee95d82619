//! A media engine that keeps books: which ports belong to which session, and nothing else.

use crate::dice::Dice;
use base::ListenId;
use media::{Command, OpenError, Ports, Reply, SessionId, Side, StreamPorts};
use std::collections::BTreeMap;

/// The books.
pub struct Engine {
    dice: Dice,
    /// `Open` commands that fail, of a hundred.
    pub fail: u64,
    next: u16,
    open: BTreeMap<u64, Ports>,
    closed: BTreeMap<u64, Ports>,
    /// Sessions that were given further streams.
    pub grown: usize,
    /// What the house did wrong.
    pub faults: Vec<String>,
}

impl Engine {
    /// An engine.
    #[must_use]
    pub fn new(dice: Dice, fail: u64) -> Engine {
        Engine {
            dice,
            fail,
            next: 0,
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            grown: 0,
            faults: Vec::new(),
        }
    }

    /// Does what signalling asks; whether its answer comes at once is the second value.
    pub fn execute(&mut self, command: &Command) -> Option<(Reply, bool)> {
        match command {
            Command::Open { session, a, b, streams } => Some((self.open(*session, (*a, *b), *streams), true)),
            Command::Grow { session, a, b, streams } => Some((
                Reply::Grown { session: *session, ports: self.grow(*session, (*a, *b), *streams) },
                true,
            )),
            Command::Copy { session, listen, streams, .. } => {
                Some((self.open(*session, (*listen, *listen), *streams), true))
            }
            Command::Close { session } => self.close(*session).map(|reply| (reply, false)),
            Command::Digit { session, .. } | Command::Ice { session, .. } => {
                if !self.open.contains_key(&session.0) {
                    self.faults.push(format!("media command for session {} not open", session.0));
                }
                None
            }
            Command::Set { session, stream, .. }
            | Command::Bridge { session, stream, .. }
            | Command::Play { session, stream, .. }
            | Command::Reject { session, stream } => {
                match self.open.get(&session.0) {
                    None => self.faults.push(format!("media command for session {} not open", session.0)),
                    Some(ports) if usize::from(*stream) >= ports.streams().len() => {
                        self.faults.push(format!("media command for stream {stream} never opened"));
                    }
                    Some(_) => {}
                }
                None
            }
        }
    }

    fn open(&mut self, session: SessionId, at: (ListenId, ListenId), streams: u8) -> Reply {
        if self.open.contains_key(&session.0) || self.closed.contains_key(&session.0) {
            self.faults.push(format!("session {} opened twice", session.0));
        }
        if self.dice.percent(self.fail) {
            return Reply::OpenFailed { session, reason: OpenError::PortsExhausted(Side::A) };
        }
        let mut ports = Ports::default();
        self.add(&mut ports, at, streams);
        self.open.insert(session.0, ports);
        Reply::Opened { session, ports }
    }

    /// Ports of further streams, as many in all.
    fn add(&mut self, ports: &mut Ports, at: (ListenId, ListenId), streams: u8) {
        for _ in ports.streams().len()..usize::from(streams) {
            let mut port = |listen: ListenId| {
                self.next = (self.next + 2) % 9_000;
                self.next + if listen == ListenId(0) { 20_000 } else { 30_000 }
            };
            ports.push(StreamPorts { a_rtp: port(at.0), b_rtp: port(at.1) });
        }
    }

    fn grow(
        &mut self,
        session: SessionId,
        at: (ListenId, ListenId),
        streams: u8,
    ) -> Result<Ports, OpenError> {
        let Some(mut ports) = self.open.get(&session.0).copied() else {
            self.faults.push(format!("session {} that is not open is to grow", session.0));
            return Err(OpenError::Unknown);
        };
        if usize::from(streams) <= ports.streams().len() {
            self.faults.push(format!("session {} grows to {streams} streams that it has", session.0));
        }
        if self.dice.percent(self.fail) {
            return Err(OpenError::PortsExhausted(Side::A));
        }
        self.add(&mut ports, at, streams);
        self.grown += 1;
        self.open.insert(session.0, ports);
        Ok(ports)
    }

    fn close(&mut self, session: SessionId) -> Option<Reply> {
        let Some(ports) = self.open.remove(&session.0) else {
            self.faults.push(format!("session {} closed that is not open", session.0));
            return None;
        };
        self.closed.insert(session.0, ports);
        Some(Reply::Closed { session, report: Box::default() })
    }

    /// The open session that owns a port.
    #[must_use]
    pub fn owner(&self, port: u16) -> Option<u64> {
        let of = |ports: &Ports| ports.streams().iter().any(|s| s.a_rtp == port || s.b_rtp == port);
        self.open.iter().find(|(_, p)| of(p)).map(|(id, _)| *id)
    }

    /// Sessions that are open.
    #[must_use]
    pub fn open_sessions(&self) -> Vec<SessionId> {
        self.open.keys().map(|id| SessionId(*id)).collect()
    }
}
