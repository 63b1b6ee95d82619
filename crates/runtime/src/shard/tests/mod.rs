//! The loop with a small brain in it, against real sockets and foreign peers on loopback.

mod bench;
mod datagrams;
mod life;
mod streams;
mod tls;
