//! How a recording goes: what failed, what is missing of it, and how that is said.

use crate::taken::Taking;
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

/// Why nothing is recorded now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lull {
    /// It should be.
    Missing,
    /// Somebody has ordered a pause, or the end.
    Rest,
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
    /// Nothing is recorded since then.
    lull: Option<(Time, Lull)>,
    /// A recorder that took part was lost, and none goes on yet.
    lost: bool,
    /// The recorder takes part, and how much of what is said goes there; it has said that it wants nothing since then.
    live: bool,
    taking: Taking,
    declined: bool,
    gaps: u32,
    gap: Duration,
    rested: Duration,
    /// It was ended before the call was; to be followed by another; it has ended.
    pub(crate) ended: bool,
    pub(crate) replaced: bool,
    over: bool,
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
            lull: Some((now, Lull::Missing)),
            lost: false,
            live: false,
            taking: Taking::All,
            declined: false,
            gaps: 0,
            gap: Duration::ZERO,
            rested: Duration::ZERO,
            ended: false,
            replaced: false,
            over: false,
        }
    }

    /// It goes on with what was told of the one before it, of the same call.
    pub(crate) fn follow(&mut self, before: &Story, now: Time) {
        let missing = before.lull.is_some_and(|(_, lull)| lull == Lull::Missing);
        let lost = before.lost || before.trouble.is_some() && before.was_live;
        (self.was_live, self.lost) = (before.was_live, missing && lost);
        (self.gaps, self.gap, self.rested, self.lull) = (before.gaps, before.gap, before.rested, before.lull);
        self.turn(now, Some(Lull::Missing));
    }

    /// Why nothing is recorded now, if so.
    fn due(&self) -> Option<Lull> {
        match () {
            () if self.over && !self.replaced => Some(Lull::Rest),
            () if self.over => Some(Lull::Missing),
            () if self.paused => Some(Lull::Rest),
            () => (!self.live || self.taking != Taking::All).then_some(Lull::Missing),
        }
    }

    /// Counts what has ended by what was just learnt.
    fn settle(&mut self, now: Time) {
        let going = self.live && (self.paused || self.taking == Taking::All);
        self.tally.begun += u32::from(going && !self.was_live);
        self.was_live |= going;
        self.declined |= self.is_held() && self.taking == Taking::Nothing;
        self.turn(now, self.due());
        self.tally.resumed += u32::from(going && std::mem::take(&mut self.lost));
    }

    /// The recorder takes part, and something that is said does not go there.
    fn is_held(&self) -> bool {
        self.live && !self.paused && self.taking != Taking::All
    }

    /// What nothing is recorded for is another thing from now on, or nothing is.
    fn turn(&mut self, now: Time, next: Option<Lull>) {
        if self.lull.map(|(_, lull)| lull) == next {
            return;
        }
        let before = std::mem::replace(&mut self.lull, next.map(|lull| (now, lull)));
        let Some((since, lull)) = before else { return };
        let lasted = now.since(since);
        if lull == Lull::Rest {
            self.rested += lasted;
            return;
        }
        let word = if std::mem::take(&mut self.declined) { LEAST } else { PROMPT };
        if self.lost || lasted >= word {
            (self.gap, self.gaps) = (self.gap + lasted, self.gaps + 1);
        }
    }

    /// Nothing of it goes on, from now to the end of the call or until it is ordered anew.
    pub(crate) fn end(&mut self, now: Time) {
        let unheard = !self.was_live && !self.is_held() && !self.failing && self.trouble.is_none();
        let waited =
            self.lull.is_some_and(|(since, lull)| lull == Lull::Missing && now.since(since) >= PROMPT);
        self.tally.failed += u32::from(unheard && waited && !self.over);
        self.over = true;
        self.turn(now, self.due());
        if self.was_live && self.taking != Taking::Nothing {
            // What it had not taken yet is a gap, if it is worth a word.
            self.taking = Taking::All;
        }
    }

    /// The recorder takes part, and has answered.
    pub(crate) fn took(&mut self, taking: Taking, now: Time) {
        (self.trouble, self.failing, self.live) = (None, false, true);
        self.takes(taking, now);
    }

    /// How much of what is said goes to the recorder from now on, where it takes part.
    pub(crate) fn takes(&mut self, taking: Taking, now: Time) {
        self.taking = taking;
        self.settle(now);
    }

    /// It pauses from now on, or goes on as soon as the recorder takes something again.
    pub(crate) fn pauses(&mut self, paused: bool, now: Time) {
        if std::mem::replace(&mut self.paused, paused) != paused {
            self.settle(now);
        }
    }

    /// Whether nothing is sent for now: somebody wants a pause, or the recorder wants nothing.
    pub(crate) fn is_resting(&self) -> bool {
        self.paused || self.is_held() && self.taking != Taking::Late
    }

    /// No recorder takes part; `lost`: one did, and nothing of it is kept since then; `more`: others are asked at once.
    pub(crate) fn failed(&mut self, why: Trouble, (lost, more): (Option<Time>, bool)) {
        let told = self.failing || self.lost;
        if let Some(since) = lost {
            (self.lost, self.live) = (true, false);
            self.turn(since, self.due());
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
        (self.trouble, self.live) = (Some(Trouble::Stopped), false);
        self.turn(now, self.due());
    }

    pub(crate) fn verdict(&self) -> String {
        let ended = if self.ended && self.was_live && self.trouble.is_none() { ", then ended" } else { "" };
        let rested = self.rested.as_secs_f64();
        let paused = self.was_live
            && self.trouble.is_none()
            && !self.paused
            && !self.is_held()
            && self.rested >= LEAST;
        let paused = if paused { format!(", paused {rested:.1} s") } else { String::new() };
        self.course() + &paused + ended
    }

    fn course(&self) -> String {
        let when = if self.was_live { "lost" } else { "failed" };
        let seconds = self.gap.as_secs_f64();
        match self.trouble {
            None if self.was_live && self.paused => "paused".to_owned(),
            None if self.is_held() => "held by the recorder".to_owned(),
            None if !self.was_live && self.over => "failed, no answer".to_owned(),
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
