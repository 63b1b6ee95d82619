//! The unix socket: claimed by one process, open to its owner and group alone.
//!
//! A lock file beside the socket tells a live owner from a dead one, so that a stale socket is
//! removed and a live one never. The socket appears under its name only when its mode is right.
//! Enter through [`Socket::claim`].

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Owner and group may connect.
const MODE: u32 = 0o660;
/// Of a directory that we make for it.
const DIRECTORY_MODE: u32 = 0o755;
/// Longest path of a unix socket on Linux, bytes (unix(7)), less the ending of the name it is born with.
const PATH_MAX: usize = 107 - ENDING.len();
/// The ending of the name that the socket is born with.
const ENDING: &str = ".new";

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process serves it.
    #[error("{}: another tronco is running here", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket has its name.
    #[error("{}: exists and is no socket", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The kernel cannot hold such a long path.
    #[error("{}: longer than {PATH_MAX} bytes; set api.socket to a shorter path", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The directory, the lock or the socket cannot be made.
    #[error("{}: {source}; api.socket names the control socket", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A claimed socket; dropping it removes it.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
    /// Held as long as the socket is ours.
    _lock: File,
}

impl Socket {
    /// Claims the socket at `path`: makes its directory when there is none, removes a stale socket, and
    /// listens.
    ///
    /// # Errors
    /// Another process serves it, or the system refuses.
    pub fn claim(path: &Path) -> Result<Socket, SocketError> {
        let path = path.to_path_buf();
        if path.as_os_str().len() > PATH_MAX {
            return Err(SocketError::TooLong { path });
        }
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
            let made = DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(parent);
            made.map_err(|source| SocketError::File { path: parent.to_path_buf(), source })?;
        }
        let lock = lock(&path)?;
        make_way(&path)?;
        let listener = listen(&path).map_err(|source| SocketError::File { path: path.clone(), source })?;
        Ok(Socket { path, listener, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody else may claim it before the lock, which falls after this, is gone.
        let _ = fs::remove_file(&self.path);
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn lock(socket: &Path) -> Result<File, SocketError> {
    let path = with_ending(socket, ".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|source| SocketError::File { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SocketError::InUse { path: socket.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(SocketError::File { path, source }),
    }
}

/// Makes sure that only a stale socket has the name; the lock says that no other tronco does.
fn make_way(path: &Path) -> Result<(), SocketError> {
    let fault = |source| SocketError::File { path: path.to_path_buf(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(fault(error)),
        Ok(found) if !found.file_type().is_socket() => {
            Err(SocketError::NotASocket { path: path.to_path_buf() })
        }
        // Some other program may listen there; it holds no lock of ours.
        Ok(_) if UnixStream::connect(path).is_ok() => Err(SocketError::InUse { path: path.to_path_buf() }),
        Ok(_) => fs::remove_file(path).map_err(fault),
    }
}

/// Listens under a passing name, sets the mode, then gives the socket its name.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let born = with_ending(path, ENDING);
    match fs::remove_file(&born) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&born)?;
    fs::set_permissions(&born, Permissions::from_mode(MODE))?;
    fs::rename(&born, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tronco-socket-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_second_claim_is_refused_until_the_first_falls() {
        let folder = place("second");
        let path = folder.join("deep/t.sock");
        let first = Socket::claim(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert!(matches!(Socket::claim(&path), Err(SocketError::InUse { .. })));
        assert!(UnixStream::connect(&path).is_ok());
        drop(first);
        assert!(!path.exists());
        drop(Socket::claim(&path).unwrap());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stale_socket_gives_way_and_a_file_does_not() {
        let folder = place("stale");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("t.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(Socket::claim(&path).unwrap());
        let foreign = UnixListener::bind(&path).unwrap();
        assert!(matches!(Socket::claim(&path), Err(SocketError::InUse { .. })));
        drop(foreign);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a letter").unwrap();
        assert!(matches!(Socket::claim(&path), Err(SocketError::NotASocket { .. })));
        assert!(matches!(Socket::claim(&folder.join("x".repeat(200))), Err(SocketError::TooLong { .. })));
        fs::remove_dir_all(folder).unwrap();
    }
}
