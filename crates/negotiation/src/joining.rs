//! What the engine was told of how two sides are joined and what they hear from us, and what it is to be told next.

use crate::early::Unheard;
use crate::plan::{Pair, Standing, may_bridge, plans};
use base::Rng;
use media::{Command, MAX_STREAMS, Play, SessionId, Side, Sound, Yields};
use sounds::Sounds;

/// What the sides of the engine may hear from us.
#[derive(Clone, Copy)]
pub enum Stage<'a> {
    /// The call is not answered: one side hears this, if anything.
    Early(Side, Option<&'a (Sound, Yields)>),
    /// It is: whoever is held hears the music of the trunk that holds it, of these sounds.
    Talking(&'a Sounds),
}

/// How a session is joined.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    /// Something was described since [`Joining::follow`], or is to be heard.
    pub retold: bool,
    /// The caller was answered by us, before the callee has answered: that answer holds.
    pub settled: bool,
    /// It was told that a side hears nothing of what it was to hear.
    deaf_told: bool,
    bridged: [bool; MAX_STREAMS],
    /// Whose digits are turned into something else, by the engine's sides.
    digits: [bool; 2],
    /// What each of the engine's sides hears from us, and on which stream.
    heard: [Option<(u8, Box<Play>)>; 2],
}

impl Joining {
    /// Whether digits of the peer on a side of the engine are turned into something else on their way.
    #[must_use]
    pub fn converts_digits(&self, from: Side) -> bool {
        self.digits[from.index()]
    }

    /// Whether a side of the engine hears something from us.
    #[must_use]
    pub fn is_heard(&self, toward: Side) -> bool {
        self.heard[toward.index()].is_some()
    }

    /// What a side of the engine hears from us has given way to something that is no more: it begins again.
    pub fn play_again(&mut self, toward: Side) {
        self.heard[toward.index()] = None;
        self.retold = true;
    }

    /// What one peer has described before the answer, where it is needed again to join it with the other one.
    #[must_use]
    pub fn early(&self, said: &Standing<'_>, other: &Standing<'_>) -> Box<[u8]> {
        if may_bridge(said, other, self.settled) { said.theirs.into() } else { Box::default() }
    }

    /// Whether nobody has been told yet that a side hears nothing of what it is to; from now on somebody has.
    pub fn is_deaf_first(&mut self) -> bool {
        !std::mem::replace(&mut self.deaf_told, true)
    }

    /// Tells the engine what follows from the descriptions that hold, those of its side A first; nothing while no
    /// stream needs a bridge or had one, and nothing is to be heard from us. Says why a side hears nothing of what it is to.
    pub fn follow(
        &mut self,
        session: SessionId,
        standings: [Standing<'_>; 2],
        stage: Stage<'_>,
        rng: &mut Rng,
        mut tell: impl FnMut(Command),
    ) -> Option<Unheard> {
        let mut unheard = None;
        let wanted = plans(&standings[0], &standings[1], self.settled);
        self.digits = [0, 1].map(|side| wanted.iter().flatten().any(|pair| pair[side].digits.is_some()));
        for ((stream, plans), bridged) in (0u8..).zip(wanted).zip(&mut self.bridged) {
            if plans.is_some() || *bridged {
                *bridged = plans.is_some();
                let plans: Option<Box<Pair>> = plans;
                tell(Command::Bridge { session, stream, plans, seed: rng.next_u64() });
            }
        }
        for toward in Side::BOTH {
            let next = heard(&standings, toward, stage).unwrap_or_else(|why| {
                unheard = Some(why);
                None
            });
            let held = &mut self.heard[toward.index()];
            if *held == next {
                continue;
            }
            // On another stream the old one ends first.
            let before = std::mem::replace(held, next).map(|(stream, _)| stream);
            let now = held.as_ref().map(|(stream, _)| *stream);
            if let Some(stream) = before.filter(|before| now != Some(*before)) {
                tell(Command::Play { session, stream, toward, play: None, seed: 0 });
            }
            if let Some((stream, play)) = held.clone() {
                tell(Command::Play { session, stream, toward, play: Some(play), seed: rng.next_u64() });
            }
        }
        unheard
    }
}

/// A stream, and what is heard on it.
type Heard = Option<(u8, Box<Play>)>;

/// What a side of the engine is to hear from us.
fn heard([a, b]: &[Standing<'_>; 2], toward: Side, stage: Stage<'_>) -> Result<Heard, Unheard> {
    let (here, there) = if toward == Side::A { (a, b) } else { (b, a) };
    let wanted = match stage {
        Stage::Early(side, sound) => sound.filter(|_| side == toward).cloned(),
        Stage::Talking(sounds) => {
            let music = there.policy.sounds.hold_music.as_deref().and_then(|music| sounds.get(music));
            let music = music.filter(|_| there.holds());
            music.map(|music| (Sound::Again(music.clone()), Yields::ToTalk))
        }
    };
    let Some((sound, yields)) = wanted else { return Ok(None) };
    let ear = here.ear()?;
    Ok(ear.map(|(stream, format)| (stream, Box::new(Play { sound, format, yields }))))
}
