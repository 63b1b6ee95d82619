//! What the media engine was told last, and what descriptions say of their protocol.

use crate::common::World;
use media::{Remote, SessionId, Side, Srtp};

impl World {
    /// What the engine was told last of a side's first stream, and of which session.
    fn last_told(&self, wanted: Side) -> Option<(SessionId, Remote)> {
        self.media.iter().rev().find_map(|command| match command {
            media::Command::Set { session, side, stream: 0, remote } if *side == wanted => {
                Some((*session, remote.clone()))
            }
            _ => None,
        })
    }

    /// The same of a side of which it was told.
    pub(crate) fn told(&self, wanted: Side) -> (SessionId, Remote) {
        self.last_told(wanted).expect("the engine was told")
    }

    /// How the engine was told last to secure a side.
    pub(crate) fn srtp(&self, wanted: Side) -> Srtp {
        self.last_told(wanted).map(|(_, remote)| remote.srtp).unwrap_or_default()
    }
}

/// The transport protocol of a description's first m-line.
pub(crate) fn proto(body: &str) -> &str {
    body.lines().find(|line| line.starts_with("m=")).and_then(|line| line.split(' ').nth(2)).unwrap_or("")
}
