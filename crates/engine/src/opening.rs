//! Opening and giving back the ports of a session, on both sides.

use super::Engine;
use super::orders::{Asker, Order};
use super::ports::PortRange;
use super::sockets::{self, PairError};
use base::{ListenId, Time};
use media::{OpenError, Ports, SessionId, Side};
use std::net::IpAddr;

/// Address and even port of streams by side, and their sockets.
type Opened = (Vec<Option<[(IpAddr, u16); 2]>>, Vec<sockets::StreamPorts>);

impl Engine {
    pub(super) fn open_anew(
        &mut self,
        session: SessionId,
        at: (ListenId, ListenId),
        streams: u8,
    ) -> Result<Ports, OpenError> {
        let worker = self.least_loaded()?;
        self.open(session, at, streams, worker)
    }

    /// Asks how a session is doing. Its worker answers at its next look at orders, within a slice of a sweep; at once
    /// and with nothing where there is no such session.
    pub fn look(&mut self, session: SessionId, asker: Asker) {
        if self.held.contains_key(&session) {
            self.pass(session, Order::Look { session, asker });
        } else {
            let _ = asker.try_send(None);
        }
    }

    /// Opens a session towards a recorder, beside the one that is copied there.
    pub(super) fn open_copy(
        &mut self,
        session: SessionId,
        of: SessionId,
        listen: ListenId,
        (streams, seed): (u8, u64),
    ) -> Result<Ports, OpenError> {
        let worker = self.held.get(&of).filter(|held| !held.closing).map(|held| held.worker);
        let ports = self.open(session, (listen, listen), streams, worker.ok_or(OpenError::Unknown)?)?;
        if let Some(to) = self.held.get(&session).map(|held| held.place) {
            self.pass(of, Order::Copy { of, to, seed });
        }
        Ok(ports)
    }

    /// Ports of several streams; all of them or none.
    pub(super) fn open_streams(
        &mut self,
        now: Time,
        (a, b): (ListenId, ListenId),
        count: usize,
    ) -> Result<Opened, OpenError> {
        let (mut pairs, mut opened) = (Vec::new(), Vec::new());
        for _ in 0..count {
            match self.open_stream(now, a, b) {
                Ok((pair, sockets)) => {
                    pairs.push(Some(pair));
                    opened.push(sockets);
                }
                Err(reason) => {
                    drop(opened);
                    self.release(now, &pairs, Vec::new());
                    return Err(reason);
                }
            }
        }
        Ok((pairs, opened))
    }

    fn open_stream(
        &mut self,
        now: Time,
        a: ListenId,
        b: ListenId,
    ) -> Result<([(IpAddr, u16); 2], sockets::StreamPorts), OpenError> {
        let (a_local, a_pair) = self.open_side(now, Side::A, a)?;
        match self.open_side(now, Side::B, b) {
            Ok((b_local, b_pair)) => Ok(([a_local, b_local], sockets::StreamPorts([a_pair, b_pair]))),
            Err(e) => {
                drop(a_pair);
                if let Some(range) = self.range_of(a_local) {
                    range.give_unused(now, a_local.1);
                }
                Err(e)
            }
        }
    }

    fn open_side(
        &mut self,
        now: Time,
        side: Side,
        listen: ListenId,
    ) -> Result<((IpAddr, u16), sockets::Pair), OpenError> {
        let found = self.interfaces.iter().find(|i| i.listen.id == listen);
        let found = found.map(|i| (i.range, i.listen.address, i.listen.dscp));
        let (at, address, dscp) = found.ok_or(OpenError::NoRange(listen))?;
        let open = |ranges: &mut [PortRange]| {
            let range = ranges.get_mut(at).filter(|r| r.limit.max > 0)?;
            Some(sockets::open_pair(range, dscp, now))
        };
        let mut opened = open(&mut self.ranges);
        if matches!(opened, Some(Err(PairError::Descriptors))) {
            self.ranges.iter_mut().for_each(PortRange::close_ready);
            opened = open(&mut self.ranges);
        }
        match opened.ok_or(OpenError::NoRange(listen))? {
            Ok((port, pair)) => Ok(((address, port), pair)),
            Err(PairError::Exhausted) => Err(OpenError::PortsExhausted(side)),
            Err(PairError::Descriptors) => Err(OpenError::Descriptors),
            Err(PairError::Bind(errno)) => Err(OpenError::Bind(side, errno)),
        }
    }

    /// Gives ports back to the ranges they belong to, with their sockets where these came back.
    pub(super) fn release(
        &mut self,
        now: Time,
        pairs: &[Option<[(IpAddr, u16); 2]>],
        streams: Vec<Option<sockets::StreamPorts>>,
    ) {
        let mut streams = streams.into_iter();
        for pair in pairs {
            let bound = streams.next().flatten().map(|s| s.0.map(Some)).unwrap_or_default();
            for (local, bound) in pair.iter().flatten().zip(bound) {
                if let Some(range) = self.range_of(*local) {
                    range.give(now, local.1, bound);
                }
            }
        }
    }

    fn range_of(&mut self, (address, port): (IpAddr, u16)) -> Option<&mut PortRange> {
        self.ranges.iter_mut().find(|r| r.address == address && r.holds(port))
    }
}
