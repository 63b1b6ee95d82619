//! How a recording goes: what failed, what is missing of it, and how that is said.

use base::Time;
use media::OpenError;
use std::time::Duration;

/// Why nothing is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// The recorder's final response; 0: none came.
    Status(u16),
    /// The recorder answered with media that do not fit.
    Answer,
    /// No address of it takes calls.
    Nowhere,
    /// No ports towards it.
    Ports(OpenError),
    /// Its address is down.
    Down,
    /// No media get there.
    Unreached,
    /// The recorder ended it.
    Stopped,
}

impl Trouble {
    /// How much it says of why nothing is recorded: that there is nobody to ask, or no answer, is mostly what follows from
    /// something else.
    fn weight(self) -> u8 {
        match self {
            Trouble::Nowhere => 0,
            Trouble::Status(0) | Trouble::Down => 1,
            _ => 2,
        }
    }
}

/// What happened since it was counted last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// A recorder took the call for the first time.
    pub begun: u32,
    /// None could be had.
    pub failed: u32,
    /// A recorder that took part was lost.
    pub lost: u32,
    /// The recording goes on after a gap.
    pub resumed: u32,
}

impl Tally {
    /// What people should hear of, if anything.
    #[must_use]
    pub fn said(&self) -> Option<&'static str> {
        match self {
            Tally { lost: 1.., .. } => Some("recording lost"),
            Tally { failed: 1.., .. } => Some("recording failed"),
            Tally { resumed: 1.., .. } => Some("recording resumed"),
            _ => None,
        }
    }
}

/// See the module text.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) was_live: bool,
    /// Nothing is sent for now.
    pub(crate) paused: bool,
    pub(crate) tally: Tally,
    trouble: Option<Trouble>,
    /// None could be had, as was told.
    failing: bool,
    /// Nothing is recorded since then, of a call that was.
    missing: Option<Time>,
    gaps: u32,
    gap: Duration,
    /// It was ended before the call was.
    pub(crate) ended: bool,
}

impl Story {
    /// The recorder takes part.
    pub(crate) fn recorded(&mut self, now: Time) {
        self.tally.begun += u32::from(!self.was_live);
        (self.was_live, self.trouble, self.failing) = (true, None, false);
        self.resumed(now);
    }

    /// A gap ends, with the call or before.
    pub(crate) fn resumed(&mut self, now: Time) {
        if let Some(since) = self.missing.take() {
            self.gap += now.since(since);
            self.tally.resumed += u32::from(self.trouble.is_none());
        }
    }

    /// No recorder takes part; `lost`: one did until now; `more`: others are asked at once.
    pub(crate) fn failed(&mut self, why: Trouble, (lost, more): (bool, bool), now: Time) {
        let told = self.failing || self.missing.is_some();
        if lost {
            (self.missing, self.gaps) = (Some(now), self.gaps + 1);
            self.tally.lost += 1;
        } else if !more && !std::mem::replace(&mut self.failing, true) {
            self.tally.failed += 1;
        }
        // What is met when it is asked again does not hide why it went, or could not be had.
        if self.trouble.is_none_or(|before| !told || why.weight() > before.weight()) {
            self.trouble = Some(why);
        }
    }

    /// The recorder has ended it.
    pub(crate) fn stopped(&mut self) {
        self.trouble = Some(Trouble::Stopped);
    }

    pub(crate) fn verdict(&self) -> String {
        let ended = if self.ended && self.was_live && self.trouble.is_none() { ", then ended" } else { "" };
        self.course() + ended
    }

    fn course(&self) -> String {
        let when = if self.was_live { "lost" } else { "failed" };
        let seconds = self.gap.as_secs_f64();
        match self.trouble {
            None if self.was_live && self.paused => "paused".to_owned(),
            None if self.gaps == 1 => format!("ok, but for {seconds:.1} s"),
            None if self.gaps > 1 => format!("ok, but for {seconds:.1} s in {} gaps", self.gaps),
            None if self.was_live => "ok".to_owned(),
            None => "none".to_owned(),
            Some(Trouble::Status(0)) => format!("{when}, no answer"),
            Some(Trouble::Status(status)) => format!("{when}, {status}"),
            Some(Trouble::Answer) => format!("{when}, media refused"),
            Some(Trouble::Nowhere) => format!("{when}, no gateway"),
            Some(Trouble::Ports(error)) => format!("{when}, {}", error.id()),
            Some(Trouble::Down) => format!("{when}, gateway down"),
            Some(Trouble::Unreached) => format!("{when}, media unreachable"),
            Some(Trouble::Stopped) => "stopped by the recorder".to_owned(),
        }
    }
}
