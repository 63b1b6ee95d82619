//! Datagrams that a test waits for, whatever else comes: until a deadline, so that no flood of others keeps it waiting.

use crate::PATIENCE;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Receives until `found` gives something of a datagram and its source.
///
/// # Panics
/// It has not when `PATIENCE` ends.
pub fn await_datagram<T>(
    socket: &UdpSocket,
    what: &str,
    found: impl FnMut(&[u8], SocketAddr) -> Option<T>,
) -> T {
    find(socket, PATIENCE, found).unwrap_or_else(|| panic!("no {what} before the deadline"))
}

/// The same within a time of its own; none when that ends first.
///
/// # Panics
/// The socket fails.
pub fn find<T>(
    socket: &UdpSocket,
    within: Duration,
    mut found: impl FnMut(&[u8], SocketAddr) -> Option<T>,
) -> Option<T> {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    let before = socket.read_timeout().expect("a socket's timeout");
    let (end, mut buffer) = (Instant::now() + within, vec![0; 65_536]);
    let value = loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break None;
        }
        socket.set_read_timeout(Some(left)).expect("a read timeout");
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                if let Some(value) = found(buffer.get(..length).unwrap_or_default(), from) {
                    break Some(value);
                }
            }
            Err(e) => assert!(matches!(e.kind(), TimedOut | WouldBlock), "{e}"),
        }
    };
    socket.set_read_timeout(before).expect("a read timeout");
    value
}
