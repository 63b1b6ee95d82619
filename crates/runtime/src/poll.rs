//! Readiness: which sockets can be read or written, and a bell that other threads may ring.
//!
//! A thin, safe cover over epoll, level-triggered: a socket that was not drained in one turn is
//! reported again in the next, so that a budget per turn loses nothing. It never reads or writes
//! a socket itself. Enter through [`Poll`].

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// Events taken from the kernel per turn, at most.
const EVENTS_PER_TURN: usize = 256;

/// What a descriptor is registered under; comes back with its events.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Source {
    /// The bell.
    Bell,
    /// A datagram socket, by its index.
    Datagrams(u32),
    /// A listening socket, by its index.
    Listener(u32),
    /// A stream, by its connection number.
    Stream(u32),
}

impl Source {
    fn pack(self) -> u64 {
        match self {
            Source::Bell => 0,
            Source::Datagrams(index) => 1 << 32 | u64::from(index),
            Source::Listener(index) => 2 << 32 | u64::from(index),
            Source::Stream(number) => 3 << 32 | u64::from(number),
        }
    }

    fn unpack(data: u64) -> Source {
        let low = data as u32;
        match data >> 32 {
            1 => Source::Datagrams(low),
            2 => Source::Listener(low),
            3 => Source::Stream(low),
            _ => Source::Bell,
        }
    }
}

/// One descriptor's news.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) source: Source,
    /// Bytes or the end of them wait.
    pub(crate) readable: bool,
    /// There is room to write, or a connect is over.
    pub(crate) writable: bool,
    /// An error waits (for datagrams: in the error queue).
    pub(crate) error: bool,
}

/// The set of watched descriptors.
pub(crate) struct Poll {
    epoll: OwnedFd,
    bell: Bell,
}

/// What one wait brought; made on the thread that waits, kept for its memory.
pub(crate) struct News {
    events: Vec<epoll::Event>,
    /// Descriptors with news.
    pub(crate) ready: Vec<Ready>,
}

impl News {
    pub(crate) fn new() -> News {
        News { events: Vec::with_capacity(EVENTS_PER_TURN), ready: Vec::with_capacity(EVENTS_PER_TURN) }
    }
}

impl Poll {
    /// A set that watches only its bell.
    pub(crate) fn new() -> io::Result<Poll> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let bell = Bell(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?));
        let poll = Poll { epoll, bell };
        poll.add(&*poll.bell.0, Source::Bell, false)?;
        Ok(poll)
    }

    /// The bell that ends a wait.
    pub(crate) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Watches a descriptor for reading, and for room to write when asked.
    pub(crate) fn add(&self, fd: impl AsFd, source: Source, write: bool) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, epoll::EventData::new_u64(source.pack()), flags(write))?)
    }

    /// Changes whether room to write is watched for.
    pub(crate) fn watch_write(&self, fd: impl AsFd, source: Source, write: bool) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, epoll::EventData::new_u64(source.pack()), flags(write))?)
    }

    /// Stops watching a descriptor.
    pub(crate) fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// Waits until something is ready, the bell rings or the time is up; `None` waits for ever.
    pub(crate) fn wait(&self, limit: Option<Duration>, news: &mut News) -> io::Result<()> {
        news.events.clear();
        news.ready.clear();
        let limit = limit.map(timespec);
        match epoll::wait(&self.epoll, spare_capacity(&mut news.events), limit.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for event in &news.events {
            let flags = event.flags;
            let source = Source::unpack(event.data.u64());
            if source == Source::Bell {
                self.bell.silence();
            }
            let error = flags.intersects(epoll::EventFlags::ERR);
            let hung = flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::RDHUP);
            news.ready.push(Ready {
                source,
                readable: flags.intersects(epoll::EventFlags::IN) || hung || error,
                writable: flags.intersects(epoll::EventFlags::OUT) || hung || error,
                error,
            });
        }
        Ok(())
    }
}

fn flags(write: bool) -> epoll::EventFlags {
    let read = epoll::EventFlags::IN | epoll::EventFlags::RDHUP;
    if write { read | epoll::EventFlags::OUT } else { read }
}

/// Rounded up to whole milliseconds, the granularity of `epoll_wait`, so that a wait never ends before
/// its deadline.
fn timespec(limit: Duration) -> Timespec {
    const LONGEST: u64 = 60_000;
    let millis = u64::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(LONGEST).min(LONGEST);
    Timespec { tv_sec: (millis / 1000) as i64, tv_nsec: ((millis % 1000) * 1_000_000) as i64 }
}

/// Ends the wait of a [`Poll`] from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<OwnedFd>);

impl Bell {
    /// Rings. A full counter means that it rings already, and a closed set hears nothing.
    pub(crate) fn ring(&self) {
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    fn silence(&self) {
        let mut count = [0u8; 8];
        let _ = rustix::io::read(&*self.0, &mut count);
    }
}
