//! What is shown of a call's sound. Its descriptions are copied where the call lives, which costs next to nothing, and read
//! by whoever asks: hundreds of calls that are listed hold nothing up.

use crate::plan::{Standing, codec_shown};
use crate::secure::security;
use base::TrunkId;
use config::Config;
use media::Security;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// See the module text.
#[derive(Clone)]
pub struct Shown {
    config: Arc<Config>,
    noted: Box<str>,
    sides: [Copied; 2],
}

/// What holds with a peer; keys are in it.
#[derive(Clone)]
struct Copied {
    trunk: TrunkId,
    theirs: Zeroizing<Box<[u8]>>,
    ours: Zeroizing<Box<[u8]>>,
    answered: Option<Option<Security>>,
}

impl Shown {
    /// Of a call whose answers had this codec; of each side, the caller first: its trunk, what holds, and where its peer has
    /// described itself the outcome of its handshake, if there was one.
    #[must_use]
    pub fn new(
        (config, noted): (&Arc<Config>, &str),
        sides: [(TrunkId, Standing<'_>, Option<Option<Security>>); 2],
    ) -> Shown {
        let copied = |text: &[u8]| Zeroizing::new(Box::from(text));
        let sides = sides.map(|(trunk, Standing { theirs, ours, .. }, answered)| Copied {
            trunk,
            theirs: copied(theirs),
            ours: copied(ours),
            answered,
        });
        Shown { config: config.clone(), noted: noted.into(), sides }
    }

    /// What was noted of its answers, and where its sides have agreed on none in common that of the caller and that of the
    /// callee (`opus/G722`).
    #[must_use]
    pub fn codec(&self) -> Option<Box<str>> {
        let standing = |at: usize| {
            let Copied { trunk, theirs, ours, .. } = self.sides.get(at)?;
            let policy = &self.config.trunk(*trunk)?.policy;
            Some(Standing { policy, theirs, ours, renumbered: false })
        };
        codec_shown(&self.noted, [standing(0)?, standing(1)?])
    }

    /// How what each side sends is protected.
    #[must_use]
    pub fn security(&self) -> [Option<Security>; 2] {
        self.sides.each_ref().map(|side| security((&side.theirs, &side.ours), side.answered?))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(…)")
    }
}
