//! A peer's SIP socket: every message of a scripted call that passes is noted with its time.

use super::message::Message;
use crate::demo::board::{Board, Seen, Side};
use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a peer waits for a message before it looks at its clocks.
const TICK: Duration = Duration::from_millis(5);
/// Largest datagram.
const DATAGRAM_MAX: usize = 65_535;

/// The socket.
pub(super) struct Wire {
    socket: UdpSocket,
    pub(super) me: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) side: Side,
    pub(super) board: Arc<Board>,
    /// Addresses that this side must never see.
    foreign: Vec<String>,
    entropy: RandomState,
    drawn: Cell<u64>,
}

impl Wire {
    /// Takes a bound socket.
    pub(super) fn new(
        socket: UdpSocket,
        server: SocketAddr,
        side: Side,
        board: Arc<Board>,
        foreign: Vec<String>,
    ) -> io::Result<Wire> {
        socket.set_read_timeout(Some(TICK))?;
        let me = socket.local_addr()?;
        Ok(Wire {
            socket,
            me,
            server,
            side,
            board,
            foreign,
            entropy: RandomState::new(),
            drawn: Cell::new(0),
        })
    }

    /// A number that nobody else draws.
    pub(super) fn draw(&self) -> u64 {
        self.drawn.set(self.drawn.get() + 1);
        let mut hasher = self.entropy.build_hasher();
        hasher.write_u64(self.drawn.get());
        hasher.finish()
    }

    /// A word that nobody else has, for tags, branches and Call-IDs.
    pub(super) fn token(&self) -> String {
        format!("{:016x}", self.draw())
    }

    /// Sends a message. What the network loses is sent again by its timer.
    pub(super) fn send(&self, script: Option<usize>, text: &str, to: SocketAddr) {
        self.note(script, true, text);
        let _ = self.socket.send_to(text.as_bytes(), to);
    }

    /// The next message, or nothing for a while.
    pub(super) fn receive(&self, buffer: &mut Vec<u8>) -> Option<(Message, SocketAddr)> {
        buffer.resize(DATAGRAM_MAX, 0);
        let (length, from) = self.socket.recv_from(buffer).ok()?;
        let bytes = buffer.get(..length)?;
        Some((Message(String::from_utf8_lossy(bytes).into_owned()), from))
    }

    /// An address in the text that the server was to keep to itself.
    pub(super) fn leak(&self, text: &str) -> Option<String> {
        self.foreign.iter().find(|address| text.contains(address.as_str())).cloned()
    }

    /// Notes a message of a scripted call.
    pub(super) fn note(&self, script: Option<usize>, sent: bool, text: &str) {
        if let Some(script) = script {
            let message = Message(text.to_owned());
            let seen = Seen { at: Instant::now(), script, side: self.side, sent, message };
            self.board.note(seen);
        }
    }
}
