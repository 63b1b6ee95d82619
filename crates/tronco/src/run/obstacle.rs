//! What stands in the way of a start: whether the configuration is to blame, and where in it.

use super::fast::Lacking;
use crate::exit;
use crate::load;
use crate::load::fault::{Fault, of_password, of_sound, of_start};
use crate::load::sounds::SoundError;
use api::SocketError;
use config::{Diagnostic, Places};
use runtime::{PasswordError, StartError};
use std::io::ErrorKind;
use std::path::Path;
use store::StoreError;

/// What stands in the way of a start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error("no control socket: {0}")]
    Socket(#[from] SocketError),
    #[error("records cannot be kept: {0}")]
    Records(#[from] StoreError),
    #[error("not started: {0}")]
    Password(#[from] PasswordError),
    #[error("not started: {0}")]
    Sound(#[from] SoundError),
    #[error("not started: {0}")]
    Node(#[from] StartError),
    #[error("not started: media.fast_path is required, and cannot be had: {0}")]
    FastPath(String),
    #[error("not started: media.touched_path is required, and cannot be had: {0}")]
    TouchedPath(String),
    #[error("no event loop: {0}")]
    Loop(#[from] std::io::Error),
    /// One of the above, with the place of the key that is to blame.
    #[error("{0}")]
    Placed(Box<Diagnostic>),
}

impl Obstacle {
    /// Whether another program holds a port of the configuration.
    pub(crate) fn is_port_in_use(&self) -> bool {
        matches!(self, Obstacle::Node(StartError::PortInUse { .. }))
    }

    /// Whether trying again with the same configuration is vain.
    pub(super) fn code(&self) -> u8 {
        let vain = match self {
            Obstacle::Socket(SocketError::TooLong { .. } | SocketError::NotASocket { .. }) => true,
            Obstacle::Records(StoreError::File { source, .. }) => is_lasting(source.kind()),
            Obstacle::Records(StoreError::SchemaTooNew { .. }) => true,
            Obstacle::Password(_) | Obstacle::Sound(_) | Obstacle::Placed(_) => true,
            Obstacle::FastPath(_) | Obstacle::TouchedPath(_) => true,
            Obstacle::Node(error) => error.is_configuration(),
            _ => false,
        };
        if vain { exit::CONFIG } else { exit::FAILED }
    }

    /// With its place in the configuration `file`, when that is to blame and the key is written there.
    pub(super) fn placed(self, file: &str, places: &Places, jsonl: Option<&str>) -> Obstacle {
        let vain = self.code() == exit::CONFIG;
        let fault = self.fault(jsonl).filter(|_| vain);
        match fault.and_then(|fault| load::placed_where_written(fault, file, places)) {
            Some(diagnostic) => Obstacle::Placed(Box::new(diagnostic)),
            None => self,
        }
    }

    fn fault(&self, jsonl: Option<&str>) -> Option<Fault> {
        match self {
            Obstacle::Socket(error) => {
                Some(Fault::new("api.socket", &error.to_string(), "a path for a socket of our own"))
            }
            Obstacle::Records(StoreError::File { path, .. })
                if jsonl.is_some_and(|l| Path::new(l) == path) =>
            {
                Some(Fault::new("records.jsonl", &self.to_string(), load::JSONL))
            }
            Obstacle::Records(_) => Some(Fault::new("records.path", &self.to_string(), load::RECORDS)),
            Obstacle::Password(error) => Some(of_password(error)),
            Obstacle::FastPath(_) => {
                Some(Fault::new("media.fast_path", &self.to_string(), "`auto` or `off`"))
            }
            Obstacle::TouchedPath(_) => {
                Some(Fault::new("media.touched_path", &self.to_string(), "`auto` or `off`"))
            }
            Obstacle::Sound(error) => Some(of_sound(error)),
            Obstacle::Node(error) => of_start(error),
            _ => None,
        }
    }
}

impl From<Lacking> for Obstacle {
    fn from(lacking: Lacking) -> Obstacle {
        match lacking {
            Lacking::FastPath(reason) => Obstacle::FastPath(reason),
            Lacking::TouchedPath(reason) => Obstacle::TouchedPath(reason),
        }
    }
}

/// Whether the system will say the same the next time.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::AlreadyExists
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    )
}
