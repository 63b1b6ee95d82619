//! What is shown of a call, and what is lent, for the time of one input.

use base::{ListenId, WallTime};
use media::{Command, SessionId};
use negotiation::{End, Mint, Standing};
use siprec::{Env, Party};

/// How the call that is recorded stands.
pub struct Picture<'a> {
    /// The session of its media.
    pub of: SessionId,
    /// How many streams that has.
    pub streams: u8,
    /// No offer of a peer is open.
    pub settled: bool,
    /// The interface of the recorder.
    pub listen: ListenId,
    /// Our end toward the recorder.
    pub end: End<'a>,
    /// What holds with the two peers, by the engine's sides.
    pub sides: [Standing<'a>; 2],
    /// Nothing is to be heard for now.
    pub paused: bool,
    /// Who they are.
    pub parties: [Party; 2],
}

/// What is lent.
pub struct Lent<'a, 'e, U: Copy> {
    /// For the dialog.
    pub env: &'a mut Env<'e, U>,
    /// Wall time.
    pub wall: WallTime,
    /// Where orders to the engine leave.
    pub media: &'a mut Vec<Command>,
    /// Keys of ours.
    pub mint: &'a mut Mint,
    /// Names a new session of the engine.
    pub open: &'a mut dyn FnMut() -> SessionId,
}
