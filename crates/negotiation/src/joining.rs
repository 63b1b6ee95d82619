//! What the engine was told of how two sides are joined, and what it is to be told next.

use crate::plan::{Pair, Standing, plans};
use base::Rng;
use media::{Command, MAX_STREAMS, SessionId, Side};

/// Which streams of a session are bridged.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    /// Something was described since [`Joining::follow`].
    pub retold: bool,
    bridged: [bool; MAX_STREAMS],
    /// Whose digits are turned into something else, by the engine's sides.
    digits: [bool; 2],
}

impl Joining {
    /// Whether digits of the peer on a side of the engine are turned into something else on their way.
    #[must_use]
    pub fn converts_digits(&self, from: Side) -> bool {
        self.digits[from.index()]
    }

    /// Tells the engine what follows from the descriptions that hold, those of its side A first; nothing while no
    /// stream needs a bridge or had one.
    pub fn follow(
        &mut self,
        session: SessionId,
        [a, b]: [Standing<'_>; 2],
        rng: &mut Rng,
        mut tell: impl FnMut(Command),
    ) {
        let wanted = plans(&a, &b);
        self.digits = [0, 1].map(|side| wanted.iter().flatten().any(|pair| pair[side].digits.is_some()));
        for ((stream, plans), bridged) in (0u8..).zip(wanted).zip(&mut self.bridged) {
            if plans.is_some() || *bridged {
                *bridged = plans.is_some();
                let plans: Option<Box<Pair>> = plans;
                tell(Command::Bridge { session, stream, plans, seed: rng.next_u64() });
            }
        }
    }
}
