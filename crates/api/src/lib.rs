//! How people and their tools see and change a running node: HTTP and JSON over a unix socket.
//!
//! Floor 6. It shows what the runtime and the store know and hands commands to them; it decides
//! nothing about calls, and a slow or hostile client never slows a call down: every question to the
//! node runs on a thread of its own with a time limit, and everything a client can make us hold has a
//! limit. The formats of [`wire`] are this crate's own and stable within `/v1`. A server enters
//! through [`Socket::claim`] and [`Server::start`], a client through [`Client`].

pub mod client;
pub mod wire;

mod metrics;
mod serve;
mod socket;

pub use client::{Client, ClientError};
pub use serve::{ConfigText, ReloadState, Server, Subject};
pub use socket::{Socket, SocketError};

/// Where the control socket is when nobody says otherwise.
pub const SOCKET_DEFAULT: &str = "/run/tronco/tronco.sock";
