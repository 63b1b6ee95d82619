//! Brings the journal from the kernel to the disk, behind the calls, so that a loss of power costs at most
//! the last interval.
//!
//! A thread of its own looks at every stream once in an interval and syncs the segments that have grown.
//! It never holds a lock that an append takes, and the signalling thread never waits for it. Enter
//! through [`Syncing::start`].

use super::stream::Stream;
use crate::stats::{Counters, add};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What reaches the disk, so that it can be tried without one.
pub(crate) trait Disk: Send {
    /// Waits until the bytes of a file are on the disk.
    fn sync_file(&mut self, path: &Path) -> io::Result<()>;
    /// Waits until the names in a directory are.
    fn sync_directory(&mut self, path: &Path) -> io::Result<()>;
}

/// The system's.
pub(crate) struct System;

impl Disk for System {
    fn sync_file(&mut self, path: &Path) -> io::Result<()> {
        // Any descriptor of a file syncs what all of them wrote.
        File::open(path)?.sync_data()
    }

    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// What callers ask of the thread.
#[derive(Default)]
struct Control {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    new_streams: Vec<Arc<Stream>>,
    stop: bool,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running thread. Dropping it syncs once more and ends it.
pub(crate) struct Syncing {
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Syncing {
    /// Starts the thread for the journals below a directory.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(
        directory: PathBuf,
        every: Duration,
        disk: Box<dyn Disk>,
        counters: Arc<Counters>,
    ) -> io::Result<Syncing> {
        let control = Arc::new(Control::default());
        let shared = Arc::clone(&control);
        let mut syncer = Syncer::new(directory, disk, counters);
        let thread = std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || {
            loop {
                let stop = {
                    let mut state = shared.lock();
                    if !state.stop {
                        let waited = shared.wake.wait_timeout_while(state, every, |s| !s.stop);
                        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                    }
                    syncer.follow(std::mem::take(&mut state.new_streams));
                    state.stop
                };
                syncer.pass();
                if stop {
                    return;
                }
            }
        })?;
        Ok(Syncing { control, thread: Some(thread) })
    }

    /// Syncs this stream from now on.
    pub(crate) fn add_stream(&self, stream: Arc<Stream>) {
        self.control.lock().new_streams.push(stream);
    }
}

impl Drop for Syncing {
    fn drop(&mut self) {
        self.control.lock().stop = true;
        self.control.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs the journal panicked");
        }
    }
}

/// One stream, and up to where it is known to be on the disk: segment and length.
struct Followed {
    stream: Arc<Stream>,
    safe: (u32, u64),
}

/// The thread's own things.
struct Syncer {
    directory: PathBuf,
    disk: Box<dyn Disk>,
    counters: Arc<Counters>,
    streams: Vec<Followed>,
    failing: bool,
}

impl Syncer {
    fn new(directory: PathBuf, disk: Box<dyn Disk>, counters: Arc<Counters>) -> Syncer {
        Syncer { directory, disk, counters, streams: Vec::new(), failing: false }
    }

    fn follow(&mut self, streams: Vec<Arc<Stream>>) {
        self.streams.extend(streams.into_iter().map(|stream| Followed { stream, safe: (0, 0) }));
    }

    /// Syncs what has grown since the last pass; what the disk refuses is tried again with the next.
    fn pass(&mut self) {
        let mut failure = None;
        for followed in &mut self.streams {
            // Read before the sync: what is appended meanwhile belongs to the next pass.
            let end = followed.stream.published();
            if followed.safe == end {
                continue;
            }
            match bring(&mut *self.disk, &self.directory, followed, end) {
                Ok(()) => {
                    followed.safe = end;
                    add(&self.counters.syncs, 1);
                }
                Err(error) => {
                    add(&self.counters.sync_errors, 1);
                    failure = Some(error);
                }
            }
        }
        self.streams.retain(|f| !f.stream.closed.load(Ordering::Acquire) || f.safe != f.stream.published());
        if failure.is_some() != self.failing {
            self.failing = !self.failing;
            match failure {
                Some(error) => {
                    tracing::warn!(%error, "the journal is not synced: a loss of power may cost more");
                }
                None => tracing::info!("the journal is synced again"),
            }
        }
    }
}

/// Brings a stream to the disk up to `end`.
fn bring(disk: &mut dyn Disk, directory: &Path, followed: &Followed, end: (u32, u64)) -> io::Result<()> {
    let (first, last) = (followed.safe.0.max(1), end.0);
    for segment in first..=last {
        match disk.sync_file(&followed.stream.path(segment)) {
            // Nothing needs it any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    // A file without its name is lost too.
    if followed.safe.0 == last { Ok(()) } else { disk.sync_directory(directory) }
}

#[cfg(test)]
mod tests;
