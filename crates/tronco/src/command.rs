//! The commands that ask a running daemon, and the one that asks a file.
//!
//! Each asks once, shows the answer, and says by its exit code how it went.

pub(crate) mod call;
pub(crate) mod cdr;
pub(crate) mod config;
pub(crate) mod profile;
pub(crate) mod route;
pub(crate) mod status;
pub(crate) mod trunk;

use crate::arguments::{CONFIG_DEFAULT, Reach};
use crate::print::Output;
use ::config::Format;
use api::{Client, SOCKET_DEFAULT};
use std::path::PathBuf;

impl Reach {
    /// A way to the daemon.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.socket_path(), self.timeout)
    }

    /// Where answers go.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.json)
    }

    fn socket_path(&self) -> PathBuf {
        self.socket.clone().or_else(configured_socket).unwrap_or_else(|| SOCKET_DEFAULT.into())
    }
}

/// The socket of the installed configuration, when there is a valid one that we may read.
fn configured_socket() -> Option<PathBuf> {
    let text = std::fs::read_to_string(CONFIG_DEFAULT).ok()?;
    let loaded = ::config::parse(&text, CONFIG_DEFAULT, Format::Toml).ok()?;
    Some(loaded.config.api.socket.into())
}
