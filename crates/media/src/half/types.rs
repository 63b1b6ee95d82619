//! Payload types that are let through: those of the description that holds, those of others that may speak in its
//! peer's place, and for a while those of the description before, for packets of it are still on their way.

use super::Half;
use crate::control::Remote;
use base::Time;
use std::time::Duration;

/// How long what was allowed before is still let through.
const GRACE: Duration = Duration::from_secs(2);

/// What was allowed before the last description, until when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Former(Option<([u64; 2], Time)>);

fn joined(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0] | b[0], a[1] | b[1]]
}

impl Half {
    /// What passes now.
    pub(super) fn types(&self) -> [u64; 2] {
        let former = self.former.0.map_or([0; 2], |(types, _)| types);
        let said = self.remote.iter().chain(self.beside.remotes()).map(|remote| remote.payload_types);
        said.fold(former, joined)
    }

    /// Another description of the peer holds from now on.
    pub(super) fn note_former(&mut self, now: Time, next: &Remote) {
        // Of a description by which nothing came nothing is under way.
        let held = self.remote.as_ref().filter(|held| !held.udptl && self.heard_since_change > 0);
        let Some(types) = held.map(|held| held.payload_types) else { return };
        if joined(types, next.payload_types) != next.payload_types {
            self.former = Former(Some((types, now + GRACE)));
        }
    }

    /// Time goes on; true when fewer types pass than before.
    pub(crate) fn forget_former(&mut self, now: Time) -> bool {
        let over = self.former.0.is_some_and(|(_, until)| now >= until);
        if over {
            self.former = Former(None);
        }
        over
    }
}
