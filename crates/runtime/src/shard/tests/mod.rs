//! The loop with a small brain in it, against real sockets and foreign peers on loopback.

pub(crate) mod bench;
mod datagrams;
mod life;
mod streams;
pub(crate) mod tls;
