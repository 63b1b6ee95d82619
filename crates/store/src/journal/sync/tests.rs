//! What is synced, and when; the disk is a list.

use super::*;
use b2bua::{CallKey, JournalEvent};
use base::WallTime;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Tells what it is asked for, and refuses while it is told to.
struct Listed {
    asked: Sender<String>,
    refuses: Arc<AtomicBool>,
}

impl Listed {
    fn tell(&self, path: &Path) -> io::Result<()> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _ = self.asked.send(name.split('-').next_back().unwrap_or_default().to_owned());
        Ok(())
    }
}

impl Disk for Listed {
    fn sync_file(&mut self, path: &Path) -> io::Result<()> {
        self.tell(path)
    }

    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        self.tell(path)
    }
}

struct Room {
    directory: PathBuf,
    stream: Arc<Stream>,
    counters: Arc<Counters>,
    asked: Receiver<String>,
    refuses: Arc<AtomicBool>,
    disk: Option<Box<dyn Disk>>,
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Room {
    fn new(name: &str, segment_bytes: u64) -> Room {
        let directory = std::env::temp_dir().join(format!("tronco-sync-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let counters = Arc::new(Counters::default());
        let stream = Arc::new(Stream::new(directory.clone(), 1, 0, segment_bytes, Arc::clone(&counters)));
        let (sender, asked) = channel();
        let refuses = Arc::new(AtomicBool::new(false));
        let disk: Box<dyn Disk> = Box::new(Listed { asked: sender, refuses: Arc::clone(&refuses) });
        Room { directory, stream, counters, asked, refuses, disk: Some(disk) }
    }

    fn syncer(&mut self) -> Syncer {
        let disk = self.disk.take().unwrap();
        let mut syncer = Syncer::new(self.directory.clone(), disk, Arc::clone(&self.counters));
        syncer.follow(vec![Arc::clone(&self.stream)]);
        syncer
    }

    fn append(&self) {
        let progress =
            JournalEvent::Progress { call: CallKey(1), at: WallTime::default(), attempt: 1, status: 180 };
        self.stream.append(&[progress]).unwrap();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }

    fn folder(&self) -> String {
        let name = self.directory.file_name().unwrap().to_string_lossy();
        name.split('-').next_back().unwrap().to_owned()
    }
}

#[test]
fn what_has_grown_is_synced_once_and_a_new_file_with_its_name() {
    let mut room = Room::new("grown", 1 << 20);
    let mut syncer = room.syncer();
    syncer.pass();
    assert!(room.asked().is_empty(), "nothing was appended");
    room.append();
    room.append();
    syncer.pass();
    assert_eq!(room.asked(), ["00000001.journal".to_owned(), room.folder()]);
    syncer.pass();
    assert!(room.asked().is_empty(), "nothing is new");
    room.append();
    syncer.pass();
    assert_eq!(room.asked(), ["00000001.journal"]);
    assert_eq!(room.counters.read().syncs, 2);
}

#[test]
fn all_segments_since_the_last_pass_are_synced() {
    // Each event fills a segment.
    let mut room = Room::new("segments", 1);
    let mut syncer = room.syncer();
    room.append();
    syncer.pass();
    room.asked();
    room.append();
    room.append();
    syncer.pass();
    let all = ["00000001.journal", "00000002.journal", "00000003.journal"].map(str::to_owned);
    assert_eq!(room.asked(), [&all[..], &[room.folder()]].concat());
}

#[test]
fn what_the_disk_refuses_is_tried_again() {
    let mut room = Room::new("refused", 1 << 20);
    let mut syncer = room.syncer();
    room.append();
    room.refuses.store(true, Ordering::SeqCst);
    syncer.pass();
    assert_eq!((room.counters.read().syncs, room.counters.read().sync_errors), (0, 1));
    room.refuses.store(false, Ordering::SeqCst);
    syncer.pass();
    assert_eq!(room.asked().len(), 2);
    assert_eq!((room.counters.read().syncs, room.counters.read().sync_errors), (1, 1));
}

#[test]
fn a_journal_that_was_dropped_is_followed_until_it_is_safe() {
    let mut room = Room::new("dropped", 1 << 20);
    let mut syncer = room.syncer();
    room.append();
    room.stream.closed.store(true, Ordering::Release);
    room.refuses.store(true, Ordering::SeqCst);
    syncer.pass();
    assert_eq!(syncer.streams.len(), 1);
    room.refuses.store(false, Ordering::SeqCst);
    syncer.pass();
    assert!(syncer.streams.is_empty());
}

#[test]
fn the_thread_syncs_by_itself_and_once_more_at_its_end() {
    let mut room = Room::new("thread", 1 << 20);
    let disk = room.disk.take().unwrap();
    let counters = Arc::clone(&room.counters);
    let syncing = Syncing::start(room.directory.clone(), Duration::from_millis(1), disk, counters).unwrap();
    syncing.add_stream(Arc::clone(&room.stream));
    room.append();
    let patience = Duration::from_secs(20);
    assert_eq!(room.asked.recv_timeout(patience).unwrap(), "00000001.journal");
    assert_eq!(room.asked.recv_timeout(patience).unwrap(), room.folder());
    drop(syncing);

    // An interval that never ends: only the end syncs.
    let mut room = Room::new("end", 1 << 20);
    let disk = room.disk.take().unwrap();
    let counters = Arc::clone(&room.counters);
    let syncing =
        Syncing::start(room.directory.clone(), Duration::from_secs(86_400), disk, counters).unwrap();
    syncing.add_stream(Arc::clone(&room.stream));
    room.append();
    drop(syncing);
    assert_eq!(room.asked(), ["00000001.journal".to_owned(), room.folder()]);
}

#[test]
fn the_systems_disk_takes_files_and_directories() {
    let room = Room::new("system", 1 << 20);
    room.append();
    System.sync_file(&room.stream.path(1)).unwrap();
    System.sync_directory(&room.directory).unwrap();
    assert!(System.sync_file(&room.stream.path(9)).is_err());
}
