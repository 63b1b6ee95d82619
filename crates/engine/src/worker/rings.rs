//! Packets that are brought to the worker, and taken from it, in memory that is shared with the kernel, where there is
//! such a way ([`media::Rings`]). They are judged as if they had come by their sockets.
//!
//! What waits there is taken before anything from a socket. When a direction has been taken back, what came by rings
//! before that is judged before what comes by its socket from then on.

use super::{BELL, Worker};
use crate::relay::Out;
use crate::sys::Poll;
use base::Time;
use media::token::Token;
use media::{Home, Leaving, Lendings, Rings};
use std::io;
use std::net::SocketAddr;

/// The token of the rings.
pub(super) const RINGS: u64 = BELL - 1;

/// The rings of a worker, if it has any.
#[derive(Default)]
pub(super) struct Shared {
    rings: Option<Box<dyn Rings>>,
    /// What waits in them is due before the next datagram of a socket.
    due: bool,
}

impl Shared {
    /// Watches them with the worker's poll.
    pub(super) fn watch(rings: Option<Box<dyn Rings>>, poll: &Poll) -> io::Result<Shared> {
        let shared = Shared { rings, due: false };
        shared.watch_all(poll)?;
        Ok(shared)
    }

    fn watch_all(&self, poll: &Poll) -> io::Result<()> {
        let mut all = self.rings.iter().flat_map(|rings| rings.descriptors());
        all.try_for_each(|descriptor| poll.add_raw(descriptor, RINGS))
    }

    /// Whether there are others now, for devices have come or gone.
    fn is_stale(&self) -> bool {
        self.rings.as_ref().is_some_and(|rings| rings.is_stale())
    }

    fn renew(&mut self, poll: &Poll) -> io::Result<()> {
        let Some(rings) = &mut self.rings else { return Ok(()) };
        for descriptor in rings.descriptors() {
            // Before it is closed: its number may be another's then. It can only fail where it is not watched.
            let _ = poll.remove_raw(descriptor);
        }
        rings.renew();
        self.watch_all(poll)
    }

    /// By what name packets of a session come.
    pub(super) fn home(&self, token: Token) -> Option<Home> {
        self.rings.as_ref().map(|rings| Home { rings: rings.number(), token: token.pack() })
    }

    /// What follows from what lendings have taken back: what was sent by rings leaves before what will leave by sockets.
    pub(super) fn note(&mut self, lendings: &mut Lendings) {
        if lendings.take_drained() {
            self.due = true;
            self.flush();
        }
    }

    /// Whether what waits in them is due before anything else.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The way out of what a side of a session says on a stream.
    pub(super) fn out(&mut self, lendings: &Lendings, direction: media::fast::Direction) -> Out<'_> {
        let lane = lendings.touched(direction);
        Out(self.rings.as_deref_mut().zip(lane))
    }

    /// Sends a copy of what a side says to its recorder.
    #[inline]
    pub(super) fn leave(&mut self, exit: Option<u32>, to: SocketAddr, bytes: &[u8]) -> Leaving {
        let way = self.rings.as_deref_mut().zip(exit);
        way.map_or(Leaving::Elsewhere, |(rings, lane)| rings.send(lane, to, bytes))
    }

    /// Lets leave what was sent by rings.
    pub(super) fn flush(&mut self) {
        self.rings.iter_mut().for_each(|rings| rings.flush());
    }
}

impl Worker {
    /// Follows devices that have come or gone. What has come from one that is gone is taken before.
    pub(super) fn follow_devices(&mut self, now: Time) {
        if self.rings.is_stale() {
            self.serve_rings(now);
            self.counters.socket_errors += u64::from(self.rings.renew(&self.poll).is_err());
        }
    }

    /// Takes what waits in the rings now.
    #[inline]
    pub(super) fn serve_rings(&mut self, now: Time) {
        self.rings.due = false;
        let waiting = self.rings.rings.as_ref().map_or(0, |rings| rings.waiting());
        for _ in 0..waiting {
            let Some(rings) = self.rings.rings.as_mut() else { return };
            let Some(arrived) = rings.receive(&mut self.buffer) else { break };
            let token = Token::unpack(arrived.token);
            self.guarded(token.place.slot, |w| match arrived.sound {
                true => w.hear(now, token, arrived.source, arrived.length),
                false => w.refuse(now, token),
            });
        }
        self.rings.flush();
    }

    /// The same, where a direction has been taken back since.
    #[inline]
    pub(super) fn serve_due_rings(&mut self, now: Time) {
        // What is judged may have the next one taken back.
        while self.rings.due {
            self.serve_rings(now);
        }
    }
}
