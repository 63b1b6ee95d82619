//! Bodies of the fuzz targets; ordinary tests run them briefly.

use crate::agent::{Agent, Event};
use crate::credentials::Credentials;
use crate::integrity::Key;
use crate::message::{Message, kind};
use base::Time;
use std::net::{Ipv4Addr, SocketAddr};

/// Any bytes: read, ask everything, give to an agent, and read its answers back.
///
/// # Panics
/// When an answer of ours is no STUN message, is longer than it may be, or goes to somebody without credentials.
pub fn stun(bytes: &[u8]) {
    let key = Key::new(b"VOkJxbRl1RmTxUk/WvJxBt");
    let read = Message::parse(bytes);
    if let Ok(message) = &read {
        let _ = (message.class(), message.is_binding(), message.transaction(), message.username());
        let _ = (message.priority(), message.use_candidate(), message.error_code(), message.mapped_address());
        let _ = (message.not_understood().count(), message.is_from(&key), message.attribute(kind::NONCE));
    }
    let Some(credentials) = Credentials::new("evtj", "VOkJxbRl1RmTxUk/WvJxBt") else { return };
    let mut agent = Agent::new(credentials, Time::ZERO);
    let mut buffer = bytes.to_vec();
    buffer.resize(bytes.len() + 64, 0);
    let source = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 32_853));
    match agent.receive(Time::ZERO, 0, source, &mut buffer, bytes.len()) {
        Event::Answer { length, .. } => {
            let answer = Message::parse(buffer.get(..length).unwrap_or_default());
            assert!(answer.is_ok_and(|a| a.is_from(&key) && a.mapped_address() == Some(source)));
            assert!(read.is_ok_and(|m| m.is_from(&key)));
        }
        Event::Refuse { length, .. } => {
            assert!(length <= bytes.len());
            let answer = Message::parse(buffer.get(..length).unwrap_or_default());
            assert!(answer.is_ok_and(|a| a.error_code().is_some()));
        }
        Event::Drop(_) => assert!(agent.answered() == 0),
    }
}
