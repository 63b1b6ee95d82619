//! How a recording goes: what failed, what is missing of it, and how that is said.

use base::Time;
use media::OpenError;
use std::time::Duration;

/// A recorder that takes part within this time, at the beginning and after a pause, leaves no gap worth a word.
const PROMPT: Duration = Duration::from_secs(1);
/// What is shorter cannot be said in tenths of a second.
const LEAST: Duration = Duration::from_millis(50);

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
#[derive(Debug)]
pub(crate) struct Story {
    was_live: bool,
    /// Nothing is sent for now.
    pub(crate) paused: bool,
    pub(crate) tally: Tally,
    trouble: Option<Trouble>,
    /// None could be had, as was told.
    failing: bool,
    /// Nothing is recorded since then, though it should be.
    missing: Option<Time>,
    /// A recorder that took part was lost, and none goes on yet.
    lost: bool,
    /// The recorder takes part, and wants nothing for now; and it has said so since there was something.
    held: bool,
    declined: bool,
    gaps: u32,
    gap: Duration,
    /// It pauses since then, or has ended, as somebody has ordered; and how long it did so before.
    rests: Option<Time>,
    rested: Duration,
    /// It was ended before the call was.
    pub(crate) ended: bool,
}

impl Story {
    /// Of a call that should be recorded from now on.
    pub(crate) fn new(now: Time) -> Story {
        Story {
            was_live: false,
            paused: false,
            tally: Tally::default(),
            trouble: None,
            failing: false,
            missing: Some(now),
            lost: false,
            held: false,
            declined: false,
            gaps: 0,
            gap: Duration::ZERO,
            rests: None,
            rested: Duration::ZERO,
            ended: false,
        }
    }

    /// What it tells of the one before it, of the same call: whether somebody has ended that, or its recorder has.
    pub(crate) fn follow(&mut self, before: &Story, now: Time) {
        (self.was_live, self.gaps, self.gap, self.rested) =
            (before.was_live, before.gaps, before.gap, before.rested);
        match before.trouble {
            Some(_) => (self.missing, self.lost) = (before.missing.or(Some(now)), before.was_live),
            None => self.rested += before.rests.map_or(Duration::ZERO, |since| now.since(since)),
        }
    }

    /// Nothing of it goes on, from now to the end of the call or until it is ordered anew.
    pub(crate) fn end(&mut self, now: Time) {
        if self.trouble.is_none() {
            self.resumed(now);
            self.rests = self.rests.or(Some(now));
        }
    }

    /// The recorder takes part; `held`: of all that it could have it wants nothing.
    pub(crate) fn took(&mut self, held: bool, now: Time) {
        (self.trouble, self.failing, self.held) = (None, false, held);
        if held {
            (self.missing, self.declined) = (self.missing.or(Some(now)), true);
            return;
        }
        self.tally.begun += u32::from(!self.was_live);
        self.was_live = true;
        self.resumed(now);
        self.rest(self.paused, now);
    }

    /// It pauses as was ordered, or no more.
    fn rest(&mut self, rests: bool, now: Time) {
        if rests {
            self.rests = self.rests.or(Some(now));
        } else if let Some(since) = self.rests.take() {
            self.rested += now.since(since);
        }
    }

    /// It pauses from now on, or goes on as soon as the recorder takes something again.
    pub(crate) fn pauses(&mut self, paused: bool, now: Time) {
        if std::mem::replace(&mut self.paused, paused) == paused || !self.was_live || self.lost {
            return;
        }
        self.rest(paused, now);
        if paused {
            self.resumed(now);
        } else {
            (self.held, self.missing) = (true, self.missing.or(Some(now)));
        }
    }

    /// Whether nothing is sent for now: somebody wants a pause, or the recorder wants nothing.
    pub(crate) fn is_resting(&self) -> bool {
        self.paused || self.held
    }

    /// A gap ends, with the call or before.
    pub(crate) fn resumed(&mut self, now: Time) {
        let Some(since) = self.missing.take() else { return };
        let (gap, lost) = (now.since(since), std::mem::take(&mut self.lost));
        if lost || gap >= if std::mem::take(&mut self.declined) { LEAST } else { PROMPT } {
            (self.gap, self.gaps) = (self.gap + gap, self.gaps + 1);
        }
        self.tally.resumed += u32::from(lost && self.trouble.is_none());
    }

    /// No recorder takes part; `lost`: one did, and nothing of it is kept since then; `more`: others are asked at once.
    pub(crate) fn failed(&mut self, why: Trouble, (lost, more): (Option<Time>, bool)) {
        let told = self.failing || self.lost;
        if let Some(since) = lost {
            (self.missing, self.lost, self.held) = (self.missing.or(Some(since)), true, false);
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
    pub(crate) fn stopped(&mut self, now: Time) {
        (self.trouble, self.missing) = (Some(Trouble::Stopped), self.missing.or(Some(now)));
    }

    pub(crate) fn verdict(&self) -> String {
        let ended = if self.ended && self.was_live && self.trouble.is_none() { ", then ended" } else { "" };
        let rested = self.rested.as_secs_f64();
        let paused = self.was_live && self.trouble.is_none() && !self.is_resting() && self.rested >= LEAST;
        let paused = if paused { format!(", paused {rested:.1} s") } else { String::new() };
        self.course() + &paused + ended
    }

    fn course(&self) -> String {
        let when = if self.was_live { "lost" } else { "failed" };
        let seconds = self.gap.as_secs_f64();
        match self.trouble {
            None if self.was_live && self.paused => "paused".to_owned(),
            None if self.held => "held by the recorder".to_owned(),
            None if !self.was_live && self.rests.is_some() => "failed, no answer".to_owned(),
            None if !self.was_live => "none".to_owned(),
            None if self.gaps == 1 => format!("ok, but for {seconds:.1} s"),
            None if self.gaps > 1 => format!("ok, but for {seconds:.1} s in {} gaps", self.gaps),
            None => "ok".to_owned(),
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
