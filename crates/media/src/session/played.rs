//! Streams in which a peer hears sound of ours: a player for each direction, beside the bridges.

use super::{Session, Stream};
use crate::control::{Reply, Side};
use base::Time;
use bridge::{Play, Player, Sound};

/// The players of a stream, by the side in whose place they speak.
#[derive(Default, Debug)]
pub(super) struct Players([Option<Player>; 2]);

impl Stream {
    /// Whether a bridge or a player has to hear of its packets.
    pub(super) fn is_touched(&self) -> bool {
        self.bridges.is_some() || self.players.is_some()
    }

    /// A packet of a side's has come; whether it is heard, or sound of ours instead.
    pub(super) fn is_heard(&mut self, now: Time, side: Side) -> bool {
        let player = self.players.as_mut().and_then(|players| players.0[side.index()].as_mut());
        player.is_none_or(|player| player.meets(now))
    }

    /// Whether a peer hears sound of ours.
    pub(super) fn is_played_to(&self, toward: Side) -> bool {
        self.players.as_ref().is_some_and(|players| players.0[toward.other().index()].is_some())
    }

    /// The clock of the player in a side's place.
    pub(super) fn playing_clock(&self, side: Side) -> Option<u32> {
        let player = self.players.as_ref()?.0[side.index()].as_ref()?;
        Some(player.play().format.codec.clock())
    }

    /// The next packet of the player in a side's place; one that is over goes with its last.
    pub(super) fn pop_played(&mut self, side: Side, buffer: &mut [u8]) -> Option<usize> {
        let players = self.players.as_mut()?;
        let player = &mut players.0[side.index()];
        let length = player.as_mut().and_then(|player| player.pop(buffer));
        if length.is_none() && player.as_ref().is_some_and(Player::is_over) {
            *player = None;
            // Its name is given up: its hearer is told at the next look.
            self.halves[side.other().index()].tending.due = Time::ZERO;
            if players.0.iter().all(Option::is_none) {
                self.players = None;
            }
        }
        length
    }

    /// Whether a player has something to do by time, at the latest by then.
    pub(super) fn plays(&self, side: Side, by: Option<Time>) -> bool {
        let player = self.players.as_ref().and_then(|players| players.0[side.index()].as_ref());
        player.and_then(Player::wakes).is_some_and(|due| by.is_none_or(|by| due <= by))
    }
}

impl Session {
    /// What a peer hears from us on a stream; none: nothing any more. Says in whose place, when there is such a stream.
    pub fn play(
        &mut self,
        now: Time,
        (stream, toward): (u8, Side),
        play: Option<Play>,
        seed: u64,
    ) -> Option<(Side, u8)> {
        let from = toward.other();
        let s = self.streams.get_mut(usize::from(stream)).filter(|s| !s.rejected)?;
        s.said[from.index()].serve(now);
        let Some(play) = play else {
            if let Some(player) = s.players.as_mut().and_then(|players| players.0[from.index()].as_mut()) {
                player.stop(now);
            }
            return Some((from, stream));
        };
        let slot = &mut s.players.get_or_insert_default().0[from.index()];
        if slot.as_ref().is_none_or(|held| held.is_over() || *held.play() != play) {
            *slot = Player::new(now, play, seed);
            if slot.is_none() {
                self.tell_played(toward);
            }
        }
        Some((from, stream))
    }

    /// Lets the player in a side's place do what is due.
    pub(super) fn tick_player(&mut self, now: Time, side: Side, stream: u8) {
        let s = self.streams.get_mut(usize::from(stream));
        let player = s.and_then(|s| s.players.as_mut()?.0[side.index()].as_mut());
        let Some(player) = player.filter(|player| player.wakes().is_some_and(|due| due <= now)) else {
            return;
        };
        let before = player.is_over();
        player.on_tick(now);
        if player.is_over() && !before && matches!(player.play().sound, Sound::Once(_)) {
            self.tell_played(side.other());
        }
    }

    fn tell_played(&mut self, toward: Side) {
        self.tell(Reply::Played { session: self.id, toward });
        self.changed = true;
    }
}
