//! How well a gateway's calls go: answer-seizure ratio and post-dial delay over the last attempts, mean
//! duration over the last calls.
//!
//! A gateway that is found bad is tried last for a while and then judged anew, from nothing.

use base::Time;
use config::Quality as Rules;
use std::collections::VecDeque;
use std::time::Duration;

/// What one attempt tells.
#[derive(Clone, Copy)]
struct Sample {
    answered: bool,
    delay: Option<Duration>,
}

/// The last attempts of a gateway.
#[derive(Clone, Default)]
pub struct Quality {
    rules: Option<Rules>,
    window: VecDeque<Sample>,
    /// How long the last calls were.
    talks: VecDeque<Duration>,
    poor_until: Time,
}

impl Quality {
    /// Takes the rules of a configuration; other rules begin from nothing.
    pub fn follow(&mut self, rules: Option<&Rules>) {
        if self.rules.as_ref() != rules {
            *self = Quality { rules: rules.cloned(), ..Quality::default() };
        }
    }

    /// An attempt was answered, or is over without; `delay`: from its INVITE to the first progress.
    /// Says why when the gateway turns out bad by it.
    pub fn note(&mut self, answered: bool, delay: Option<Duration>, now: Time) -> Option<String> {
        let rules = self.rules.clone()?;
        if self.is_poor(now) {
            return None;
        }
        if !keep(&mut self.window, Sample { answered, delay }, rules.window) {
            return None;
        }
        let why = self.verdict(&rules)?;
        self.condemn(&rules, now);
        Some(why)
    }

    /// An answered call is over after so long. Says why when the gateway turns out bad by it.
    pub fn note_talk(&mut self, talk: Duration, now: Time) -> Option<String> {
        let rules = self.rules.as_ref().filter(|rules| rules.acd_min.is_some())?.clone();
        if self.is_poor(now) || !keep(&mut self.talks, talk, rules.window) {
            return None;
        }
        let (mean, least) = (self.talk()?, rules.acd_min?);
        let (shown, limit, count) = (mean.as_secs_f64(), least.as_secs_f64(), self.talks.len());
        if mean >= least {
            return None;
        }
        self.condemn(&rules, now);
        Some(format!("mean duration {shown:.1} s over {count} calls, acd_min is {limit:.1} s"))
    }

    fn condemn(&mut self, rules: &Rules, now: Time) {
        self.poor_until = now + rules.hold;
        self.window.clear();
        self.talks.clear();
    }

    fn verdict(&self, rules: &Rules) -> Option<String> {
        let (ratio, count) = (self.answer_ratio()?, self.window.len());
        if let Some(least) = rules.asr_min.filter(|least| ratio < f64::from(*least)) {
            return Some(format!("{ratio:.0} % of {count} attempts answered, asr_min is {least}"));
        }
        let (mean, longest) = (self.delay()?, rules.pdd_max?);
        let (shown, limit) = (mean.as_secs_f64(), longest.as_secs_f64());
        (mean > longest)
            .then(|| format!("post-dial delay {shown:.1} s over {count} attempts, pdd_max is {limit:.1} s"))
    }

    /// Whether other gateways are to be tried first.
    pub fn is_poor(&self, now: Time) -> bool {
        self.poor_until > now
    }

    /// How much longer.
    pub fn held(&self, now: Time) -> Option<Duration> {
        self.is_poor(now).then(|| self.poor_until.since(now))
    }

    /// Whether anything is judged, and over how many attempts.
    pub fn of(&self) -> Option<u32> {
        self.rules.as_ref().map(|rules| rules.window)
    }

    /// Attempts known.
    pub fn sample(&self) -> usize {
        self.window.len()
    }

    /// Answered of all, percent.
    pub fn answer_ratio(&self) -> Option<f64> {
        let answered = self.window.iter().filter(|s| s.answered).count();
        (!self.window.is_empty()).then(|| answered as f64 * 100.0 / self.window.len() as f64)
    }

    /// Mean post-dial delay of those that made progress.
    pub fn delay(&self) -> Option<Duration> {
        let delays = self.window.iter().filter_map(|s| s.delay);
        let (sum, count) = delays.fold((Duration::ZERO, 0_u32), |(sum, count), d| (sum + d, count + 1));
        sum.checked_div(count)
    }

    /// Mean duration of the last calls.
    pub fn talk(&self) -> Option<Duration> {
        let sum: Duration = self.talks.iter().sum();
        sum.checked_div(u32::try_from(self.talks.len()).unwrap_or(u32::MAX))
    }
}

/// Adds to a window; whether it is whole.
fn keep<T>(window: &mut VecDeque<T>, sample: T, size: u32) -> bool {
    window.push_back(sample);
    if window.len() > size as usize {
        window.pop_front();
    }
    window.len() == size as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(asr_min: Option<u8>, pdd_max: Option<u64>) -> Rules {
        let pdd_max = pdd_max.map(Duration::from_secs);
        Rules { asr_min, pdd_max, acd_min: None, window: 5, hold: Duration::from_secs(60) }
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_whole_window_is_judged_and_the_hold_runs_out() {
        let mut quality = Quality::default();
        assert_eq!(quality.note(false, None, at(0)), None, "nothing is judged");
        quality.follow(Some(&rules(Some(50), None)));
        for n in 0..4 {
            assert_eq!(quality.note(n == 0, None, at(n)), None);
        }
        assert_eq!((quality.sample(), quality.answer_ratio()), (4, Some(25.0)));
        let why = quality.note(false, None, at(5)).expect("bad");
        assert_eq!(why, "20 % of 5 attempts answered, asr_min is 50");
        assert!(quality.is_poor(at(64)) && !quality.is_poor(at(65)));
        assert_eq!((quality.sample(), quality.held(at(5))), (0, Some(Duration::from_secs(60))));
        for n in 65..69 {
            assert_eq!(quality.note(false, None, at(n)), None, "it has a fresh chance");
        }
        quality.follow(Some(&rules(Some(50), None)));
        assert!(quality.note(false, None, at(69)).is_some(), "the same rules change nothing");
    }

    #[test]
    fn slow_progress_is_bad_too() {
        let mut quality = Quality::default();
        quality.follow(Some(&rules(None, Some(3))));
        for delay in [2, 4, 2, 4] {
            assert_eq!(quality.note(true, Some(Duration::from_secs(delay)), at(0)), None);
        }
        assert_eq!(quality.note(false, None, at(0)), None, "the mean is no more than 3 s");
        assert_eq!(quality.delay(), Some(Duration::from_secs(3)));
        let why = quality.note(true, Some(Duration::from_secs(5)), at(0));
        assert_eq!(why.as_deref(), Some("post-dial delay 3.8 s over 5 attempts, pdd_max is 3.0 s"));
    }

    #[test]
    fn short_calls_are_bad_and_a_whole_window_of_them_is_judged() {
        let mut quality = Quality::default();
        let talk =
            |quality: &mut Quality, length, now| quality.note_talk(Duration::from_secs(length), at(now));
        quality.follow(Some(&rules(Some(50), None)));
        assert_eq!(talk(&mut quality, 1, 0), None);
        assert_eq!(quality.talk(), None, "nothing is kept that nobody judges");
        quality.follow(Some(&Rules { acd_min: Some(Duration::from_secs(20)), ..rules(None, None) }));
        for length in [1, 1, 90, 4] {
            assert_eq!(talk(&mut quality, length, 0), None);
        }
        assert_eq!(talk(&mut quality, 4, 0), None, "exactly 20 s on average");
        let why = talk(&mut quality, 0, 1);
        assert_eq!(why.as_deref(), Some("mean duration 19.8 s over 5 calls, acd_min is 20.0 s"));
        assert!(quality.is_poor(at(60)) && !quality.is_poor(at(61)));
        assert_eq!(talk(&mut quality, 0, 30), None, "calls of before do not count against it meanwhile");
        assert_eq!(quality.talk(), None);
    }
}
