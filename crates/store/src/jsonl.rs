//! The JSON lines file: every record once, as one line, also over kills and rotations.
//!
//! A line carries the record's id, and ids only grow. Where the file stands is therefore told by
//! its own last line; the number kept in SQLite ([`POSITION`]) is only for a file that was taken
//! away. Lines are written after their records are committed, one `write(2)` for each batch, and
//! whatever could not be written is read again from SQLite. Enter through [`Lines::open`].

use crate::error::StoreError;
use crate::row::{CallRow, StoredCall};
use crate::sqlite::Database;
use crate::stats::{Counters, add};
use b2bua::CallKey;
use serde::Deserialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The id of the last record that is known to be in the file, kept in SQLite.
pub(crate) const POSITION: &str = "jsonl_position";
/// The inode of the file that it was written to, to find that file after a rotation.
pub(crate) const INODE: &str = "jsonl_inode";
/// Records that are read from SQLite at once when the file is behind.
const CATCH_UP: usize = 500;
/// Bytes from the end in which the last line is sought; no record is longer.
const LAST_LINE_MAX: u64 = 32 << 20;
/// How every line of ours begins.
const LINE_START: &[u8] = b"{\"format\":";

/// The sink.
pub(crate) struct Lines {
    path: PathBuf,
    file: Option<File>,
    inode: u64,
    /// The id of the last record in the file.
    position: i64,
    /// Lines of records that are about to be committed, and the id of the last.
    batch: Vec<u8>,
    batch_end: i64,
    /// Records after `position` wait in SQLite.
    behind: bool,
    counters: Arc<Counters>,
}

/// What of a line tells where the file stands.
#[derive(Deserialize)]
struct LineHead {
    id: i64,
    call: String,
}

impl Lines {
    /// Finds out where the file stands; the records after that are written by
    /// [`Lines::catch_up`].
    pub(crate) fn open(
        path: &Path,
        database: &Database,
        counters: Arc<Counters>,
    ) -> Result<Lines, StoreError> {
        let mut lines = Lines {
            path: path.to_owned(),
            file: None,
            inode: 0,
            position: database.meta(POSITION)?.unwrap_or(0),
            batch: Vec::new(),
            batch_end: 0,
            behind: true,
            counters,
        };
        if let Some(inode) = database.meta(INODE)? {
            lines.look_at_rotated(inode as u64, database)?;
        }
        lines.reopen().map_err(StoreError::file(path))?;
        if let Some(file) = lines.file.take() {
            let (last, torn) = last_line(&file).map_err(StoreError::file(path))?;
            lines.take_position(last, database)?;
            if let Some(length) = torn {
                file.set_len(length).map_err(StoreError::file(path))?;
            }
            end_foreign_line(&file).map_err(StoreError::file(path))?;
            lines.file = Some(file);
        }
        Ok(lines)
    }

    /// A line counts only when it was written from this database.
    fn take_position(&mut self, last: Option<LineHead>, database: &Database) -> Result<(), StoreError> {
        let Some(last) = last else { return Ok(()) };
        let ours = match database.key_of(last.id)? {
            Some(key) => last.call.parse() == Ok::<CallKey, std::num::ParseIntError>(key),
            None => false,
        };
        if ours {
            self.position = self.position.max(last.id);
        }
        Ok(())
    }

    /// The file that was written to last may have been renamed just before the process ended.
    fn look_at_rotated(&mut self, inode: u64, database: &Database) -> Result<(), StoreError> {
        let Some(directory) = self.path.parent() else { return Ok(()) };
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
        for entry in entries.flatten() {
            let path = entry.path();
            let same = entry.metadata().is_ok_and(|meta| meta.ino() == inode && meta.is_file());
            if same && path != self.path {
                let file =
                    OpenOptions::new().read(true).write(true).open(&path).map_err(StoreError::file(&path))?;
                let (last, torn) = last_line(&file).map_err(StoreError::file(&path))?;
                if let (Some(length), true) = (torn, last.is_some()) {
                    file.set_len(length).map_err(StoreError::file(&path))?;
                }
                self.take_position(last, database)?;
            }
        }
        Ok(())
    }

    /// Opens the file again when its path leads to another one than before, or to none.
    fn reopen(&mut self) -> io::Result<bool> {
        if self.file.is_some() && fs::metadata(&self.path).is_ok_and(|meta| meta.ino() == self.inode) {
            return Ok(false);
        }
        self.file = None;
        let file = OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        let before = std::mem::replace(&mut self.inode, file.metadata()?.ino());
        self.file = Some(file);
        if before != 0 {
            add(&self.counters.line_reopens, 1);
        }
        Ok(before != 0)
    }

    /// Adds the line of a record whose transaction is under way.
    pub(crate) fn add(&mut self, row: &CallRow<'_>) -> Result<(), StoreError> {
        if !self.behind {
            serde_json::to_writer(&mut self.batch, row)?;
            self.batch.push(b'\n');
        }
        self.batch_end = row.id;
        Ok(())
    }

    /// Forgets the lines of a transaction that is begun again.
    pub(crate) fn clear(&mut self) {
        self.batch.clear();
        self.batch_end = 0;
    }

    /// What to keep in SQLite with the next transaction.
    pub(crate) fn state(&self) -> (i64, i64) {
        (self.position, self.inode as i64)
    }

    /// The transaction is committed: writes its lines.
    pub(crate) fn write(&mut self) {
        if self.behind || self.batch.is_empty() {
            self.behind |= self.batch_end > self.position;
        } else {
            let batch = std::mem::take(&mut self.batch);
            let end = self.batch_end;
            self.put(&batch, end);
            self.batch = batch;
        }
        self.clear();
    }

    /// Whether records wait in SQLite.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Writes what waits in SQLite, until all is written or the file refuses.
    pub(crate) fn catch_up(&mut self, database: &Database) -> Result<(), StoreError> {
        while self.behind {
            let calls: Vec<StoredCall> = database.after(self.position, CATCH_UP)?;
            let Some(last) = calls.last().map(|call| call.id) else {
                self.behind = false;
                return Ok(());
            };
            let mut bytes = Vec::new();
            for call in &calls {
                serde_json::to_writer(&mut bytes, call)?;
                bytes.push(b'\n');
            }
            self.behind = false;
            self.put(&bytes, last);
            if self.behind {
                return Ok(());
            }
            self.behind = true;
        }
        Ok(())
    }

    /// Writes whole lines, or leaves the file as it was and falls behind.
    fn put(&mut self, bytes: &[u8], end: i64) {
        match self.try_put(bytes) {
            Ok(()) => {
                self.position = end;
                add(&self.counters.lines, bytes.iter().filter(|&&b| b == b'\n').count());
            }
            Err(error) => {
                self.behind = true;
                add(&self.counters.line_errors, 1);
                tracing::warn!(path = %self.path.display(), %error, "records wait in SQLite, the JSON lines file refuses");
            }
        }
    }

    fn try_put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reopen()?;
        let Some(file) = self.file.as_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        let before = file.metadata()?.len();
        let result = file.write_all(bytes);
        if result.is_err() {
            // Half a line must not stay; when it cannot be taken back, it is ended and ignored by
            // readers as broken JSON.
            let taken_back = file.set_len(before);
            if taken_back.is_err() {
                let _ = file.write_all(b"\n");
            }
        }
        result
    }
}

/// A file that somebody else began may lack its last newline.
fn end_foreign_line(mut file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last == [b'\n'] { Ok(()) } else { file.write_all(b"\n") }
}

/// The head of the last whole line that is a record, and the length to cut the file to when it
/// ends in a torn line of ours.
fn last_line(file: &File) -> io::Result<(Option<LineHead>, Option<u64>)> {
    let length = file.metadata()?.len();
    let mut window = 64 << 10;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, start)?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        let begin = bytes[..whole.saturating_sub(1)].iter().rposition(|&b| b == b'\n').map(|end| end + 1);
        let at_start = start == 0;
        if (whole == 0 || begin.is_none()) && !at_start && window < LAST_LINE_MAX {
            window *= 8;
            continue;
        }
        let line = &bytes[begin.unwrap_or(0)..whole];
        let head = serde_json::from_slice(line).ok();
        let tail = &bytes[whole..];
        let ours = head.is_some() || tail.starts_with(LINE_START) || LINE_START.starts_with(tail);
        let torn = (!tail.is_empty() && ours).then_some(start + whole as u64);
        return Ok((head, torn));
    }
}
