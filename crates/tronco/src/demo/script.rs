//! What is to happen: the calls of a demo, what each end does, and what each end must see.
//!
//! Numbers are from ranges set aside for fiction: 030 23125 xxx in Berlin, 01632 960xxx in Britain,
//! 01 99 00 xx xx in France. Enter through [`scripts`].

use codec::Law;
use std::time::Duration;

/// RTP packets of 20 ms that each end of an answered call sends: two seconds.
pub(super) const PACKETS: u32 = 100;
/// The level of every tone.
pub(super) const TONE_DBM0: f64 = -10.0;
/// From ringing to answer.
pub(super) const ANSWER_AFTER: Duration = Duration::from_millis(300);
/// Between the beginnings of two calls, unless there are so many that [`SPREAD`] is reached.
const APART: Duration = Duration::from_millis(40);
/// All calls begin within this time.
const SPREAD: Duration = Duration::from_secs(3);
/// Least calls that show everything.
pub(super) const CALLS_MIN: usize = 4;

/// From where to where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// From the IP-PBX to the provider.
    Out,
    /// From the provider to the IP-PBX.
    In,
}

/// One end of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Who places it.
    Caller,
    /// Who is called.
    Callee,
}

/// What is special about a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Answered by the first gateway that is tried.
    Plain,
    /// The called party is busy.
    Busy,
    /// The first gateway is dead.
    Failover,
}

/// One call.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Script {
    /// From 1.
    pub(super) number: usize,
    pub(super) way: Way,
    pub(super) kind: Kind,
    /// In a few words.
    pub(super) title: &'static str,
    /// When it begins, after the first.
    pub(super) start: Duration,
    /// The caller's number as the caller writes it.
    pub(super) caller: String,
    /// The called number as the caller writes it.
    pub(super) called: String,
    /// The caller's number as the callee must see it.
    pub(super) caller_shown: String,
    /// The called number as the callee must see it.
    pub(super) called_shown: String,
    /// How the audio is coded.
    pub(super) law: Law,
    /// The tone that the caller sends, Hz.
    pub(super) caller_tone: f64,
    /// The tone that the callee sends, Hz.
    pub(super) callee_tone: f64,
    /// Who hangs up.
    pub(super) hangs_up: Role,
    /// The route that the record must name; empty when a number range decides.
    pub(super) route: &'static str,
}

impl Script {
    /// The trunk that the call comes in on.
    pub(super) fn trunk_in(&self) -> &'static str {
        if self.way == Way::Out { "pbx" } else { "itsp" }
    }

    /// The trunk that it must leave by.
    pub(super) fn trunk_out(&self) -> &'static str {
        if self.way == Way::Out { "itsp" } else { "pbx" }
    }

    /// The final response that the caller must get.
    pub(super) fn status(&self) -> u16 {
        if self.kind == Kind::Busy { 486 } else { 200 }
    }
}

/// The first `count` calls (at least [`CALLS_MIN`]), of which one is busy and one meets a dead gateway.
pub(super) fn scripts(count: usize) -> Vec<Script> {
    let count = count.max(CALLS_MIN);
    let apart = APART.min(SPREAD / u32::try_from(count).unwrap_or(u32::MAX));
    (1..=count).map(|number| script(number, apart)).collect()
}

fn script(number: usize, apart: Duration) -> Script {
    let kind = match number {
        3 => Kind::Busy,
        4 => Kind::Failover,
        _ => Kind::Plain,
    };
    let way = if number.is_multiple_of(2) && kind == Kind::Plain { Way::In } else { Way::Out };
    let even = number.is_multiple_of(2);
    let base = Script {
        number,
        way,
        kind,
        title: "",
        start: apart * u32::try_from(number - 1).unwrap_or(0),
        caller: String::new(),
        called: String::new(),
        caller_shown: String::new(),
        called_shown: String::new(),
        law: if even { Law::Mu } else { Law::A },
        caller_tone: tone(2 * number),
        callee_tone: tone(2 * number + 1),
        hangs_up: if even { Role::Callee } else { Role::Caller },
        route: "",
    };
    match way {
        Way::In => Script {
            title: "own number",
            caller: format!("+441632960{:03}", 300 + number),
            called: format!("+493023125{:03}", 500 + number),
            caller_shown: format!("00441632960{:03}", 300 + number),
            called_shown: format!("03023125{:03}", 500 + number),
            ..base
        },
        Way::Out => Script {
            title: match kind {
                Kind::Plain => "abroad",
                Kind::Busy => "busy",
                Kind::Failover => "dead gateway",
            },
            caller: format!("03023125{:03}", 100 + number),
            caller_shown: format!("+493023125{:03}", 100 + number),
            called: if kind == Kind::Failover {
                "0033199001234".into()
            } else {
                format!("00441632960{number:03}")
            },
            called_shown: if kind == Kind::Failover {
                "+33199001234".into()
            } else {
                format!("+441632960{number:03}")
            },
            route: if kind == Kind::Failover { "france" } else { "world" },
            ..base
        },
    }
}

/// A frequency for each sender, all different: multiples of 5 Hz from 400 to 2,995 Hz, far apart for
/// neighbours (37 has no divisor in common with 520).
fn tone(sender: usize) -> f64 {
    (400 + 5 * (sender * 37 % 520)) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_ends_sound_alike_and_no_two_calls_share_a_number() {
        let all = scripts(200);
        let tones: BTreeSet<u64> =
            all.iter().flat_map(|s| [s.caller_tone as u64, s.callee_tone as u64]).collect();
        assert_eq!(tones.len(), 400);
        assert!(tones.iter().all(|hz| (400..3_000).contains(hz)));
        let called: BTreeSet<&str> = all.iter().map(|s| s.called_shown.as_str()).collect();
        assert_eq!(called.len(), 200);
    }

    #[test]
    fn the_least_demo_shows_every_kind_both_ways() {
        let few = scripts(0);
        assert_eq!(few.len(), CALLS_MIN);
        for kind in [Kind::Plain, Kind::Busy, Kind::Failover] {
            assert!(few.iter().any(|s| s.kind == kind));
        }
        assert!(few.iter().any(|s| s.way == Way::In && s.kind == Kind::Plain));
    }
}
