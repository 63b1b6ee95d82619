//! The addresses behind a gateway: each with a health of its own, and drawn anew for each call.
//!
//! A dead address never blocks another: it is asked and judged by itself, and a call tries it after
//! all that live.

use base::{Rng, Time, Transport};
use sip_core::liveness::{Health, Liveness};
use sip_core::{Change, ClientTxn};
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::time::Duration;

/// Addresses of one gateway that OPTIONS are sent to, at most: limit `targets_watched`. Further ones are
/// judged by calls alone.
pub const WATCHED_MAX: usize = 16;
/// After a call met silence at an address, others are tried before it for this long; twice as long
/// after each further miss.
const BACKOFF_FIRST: Duration = Duration::from_secs(10);
/// The longest such time, and the time after which an address that nobody asks by OPTIONS is trusted
/// again: limit `target_backoff`.
const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// One address of a gateway and its place among them (RFC 3263 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Where to send.
    pub target: Target,
    /// Lower ranks are tried first: NAPTR's order, then SRV's priority.
    pub rank: u16,
    /// SRV's weight: the share of first tries inside a rank (RFC 2782).
    pub weight: u16,
    /// The host that it is an address of; all addresses of one host share its weight.
    pub host: u16,
}

impl From<Target> for Choice {
    /// The only address there is.
    fn from(target: Target) -> Choice {
        Choice { target, rank: 0, weight: 0, host: 0 }
    }
}

/// One address of a gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Address and port.
    pub address: SocketAddr,
    /// Transport.
    pub transport: Transport,
}

/// The addresses behind a gateway's name, or the reason why there are none.
pub enum Resolution {
    /// Targets with their ranks and weights, and for how long they hold.
    Found {
        /// Where to send, lower ranks first.
        choices: Vec<Choice>,
        /// After this the name is asked for again.
        ttl: Duration,
        /// What is not as it should be although there are addresses (`the DNS does not answer; …`).
        trouble: Option<String>,
    },
    /// The name has no usable record, or the DNS does not answer.
    Failed {
        /// A short reason for people (`no such name`).
        reason: String,
        /// After this the name is asked for again.
        retry: Duration,
        /// The domain itself says so (RFC 2308); else the DNS is at fault.
        denied: bool,
    },
}

/// What an address's liveness is made with.
pub type Rhythm = (Option<Duration>, u32);

/// How one address is doing.
#[derive(Clone)]
pub struct TargetRun {
    pub id: u32,
    pub choice: Choice,
    pub liveness: Liveness,
    /// Interval and misses that `liveness` was made with.
    rhythm: Rhythm,
    /// When its alarm fires.
    pub alarm_at: Option<Time>,
    /// When the OPTIONS under way was sent, and in which transaction.
    pub asked: Option<(Time, ClientTxn)>,
    /// Whatever was asked since then had no answer; it says nothing where the last was answered.
    silent_since: Time,
    /// A Retry-After holds until then (RFC 3261 §21.5.4).
    pub cooling_until: Time,
    /// A call met silence here: others first until then.
    backoff_until: Time,
}

impl TargetRun {
    pub fn new(id: u32, choice: Choice) -> TargetRun {
        TargetRun {
            id,
            choice,
            liveness: Liveness::new(None, 1, Time::ZERO, 0),
            rhythm: (None, 0),
            alarm_at: None,
            asked: None,
            silent_since: Time::ZERO,
            cooling_until: Time::ZERO,
            backoff_until: Time::ZERO,
        }
    }

    /// The same address at another place.
    pub fn placed(self, choice: Choice) -> TargetRun {
        TargetRun { choice, ..self }
    }

    pub fn target(&self) -> Target {
        self.choice.target
    }

    /// Whether calls should try all others first.
    pub fn is_demoted(&self, now: Time) -> bool {
        self.is_dead(now) || self.cooling_until > now
    }

    /// Since when it is silent, where OPTIONS found it down.
    pub fn down_since(&self) -> Option<Time> {
        (self.rhythm.0.is_some() && self.liveness.state() == Health::Down).then_some(self.silent_since)
    }

    /// Known to be down. Without OPTIONS nobody would ever find out otherwise: then it is trusted again
    /// after a while.
    fn is_dead(&self, now: Time) -> bool {
        let asked = self.rhythm.0.is_some();
        self.liveness.state() == Health::Down && (asked || self.backoff_until > now)
    }

    /// Whether calls should try its neighbours first.
    pub fn is_backing_off(&self, now: Time) -> bool {
        self.backoff_until > now
    }

    /// Watches it from now on; what keeps its rhythm keeps its health.
    pub fn watch(&mut self, rhythm: Rhythm, now: Time, jitter: u64) {
        if self.rhythm != rhythm {
            self.rhythm = rhythm;
            self.liveness = Liveness::new(rhythm.0, rhythm.1, now, jitter);
            self.alarm_at = None;
        }
    }

    /// It answered something.
    pub fn answered(&mut self, now: Time, rtt: Option<Duration>) -> Option<Change> {
        self.backoff_until = Time::ZERO;
        self.liveness.answered(now, rtt)
    }

    /// It was silent, to OPTIONS or to a call.
    pub fn missed(&mut self, now: Time) -> Option<Change> {
        let doublings = self.liveness.misses().min(8);
        let asked = self.asked.map_or(now, |(at, _)| at);
        self.silent_since = if doublings == 0 { asked } else { self.silent_since };
        self.backoff_until = now + (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_MAX);
        self.liveness.missed(now)
    }
}

/// Places of addresses in the order of one call: by rank; inside a rank hosts drawn by weight (RFC 2782,
/// usage rules), so that each call begins anew; the addresses of a host in any order.
pub fn draw(targets: &[TargetRun], rng: &mut Rng) -> SmallVec<[usize; 4]> {
    let mut left: SmallVec<[usize; 4]> = (0..targets.len()).collect();
    if left.len() < 2 {
        return left;
    }
    let choice = |at: usize| targets[at].choice;
    // Weight 0 first, so that such a record has its small chance, as RFC 2782 asks.
    left.sort_by_key(|&at| (choice(at).rank, choice(at).weight, choice(at).host));
    let mut drawn = SmallVec::new();
    while let Some(&first) = left.first() {
        let rank = choice(first).rank;
        let hosts = left.iter().take_while(|&&at| choice(at).rank == rank);
        let mut hosts: SmallVec<[(u16, u16); 4]> =
            hosts.map(|&at| (choice(at).host, choice(at).weight)).collect();
        hosts.dedup();
        let host = one_by_weight(&hosts, rng);
        let from = drawn.len();
        left.retain(|at| {
            let taken = choice(*at).rank == rank && choice(*at).host == host;
            if taken {
                drawn.push(*at);
            }
            !taken
        });
        shuffle(&mut drawn[from..], rng);
    }
    drawn
}

/// RFC 2782: a number from 0 to the sum of weights, and the first host whose running sum reaches it.
/// Where no host has a weight, each has the same chance.
fn one_by_weight(hosts: &[(u16, u16)], rng: &mut Rng) -> u16 {
    let sum: u64 = hosts.iter().map(|h| u64::from(h.1)).sum();
    let at = match (hosts.len(), sum) {
        (0 | 1, _) => 0,
        (count, 0) => rng.below(count as u64) as usize,
        _ => {
            let mark = rng.below(sum + 1);
            let mut running = 0;
            let reached = |h: &(u16, u16)| {
                running += u64::from(h.1);
                running >= mark
            };
            hosts.iter().position(reached).unwrap_or(0)
        }
    };
    hosts.get(at).map_or(0, |h| h.0)
}

fn shuffle(places: &mut [usize], rng: &mut Rng) {
    for last in (1..places.len()).rev() {
        let other = rng.below(last as u64 + 1) as usize;
        places.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(choices: &[(u16, u16, u16)]) -> Vec<TargetRun> {
        let one = |(at, &(rank, weight, host)): (usize, &(u16, u16, u16))| {
            let address = std::net::SocketAddr::from(([192, 0, 2, at as u8], 5060));
            let target = Target { address, transport: Transport::Udp };
            TargetRun::new(at as u32, Choice { target, rank, weight, host })
        };
        choices.iter().enumerate().map(one).collect()
    }

    #[test]
    fn weights_share_the_first_place_and_ranks_never_mix() {
        // Two addresses of the heavy host, a light host, one without weight, one of a later rank.
        let all = targets(&[(1, 75, 1), (1, 75, 1), (1, 25, 2), (1, 0, 3), (2, 100, 4)]);
        let mut rng = Rng::new((1, 2));
        let mut first = [0_u32; 5];
        for _ in 0..1_000 {
            let drawn = draw(&all, &mut rng);
            let mut sorted = drawn.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
            assert_eq!(drawn[4], 4);
            let at = |target| drawn.iter().position(|d| *d == target).unwrap();
            assert_eq!(at(0).abs_diff(at(1)), 1, "addresses of a host stay together");
            first[drawn[0]] += 1;
        }
        assert!((330..420).contains(&first[0]) && (330..420).contains(&first[1]), "{first:?}");
        assert!((200..300).contains(&first[2]) && first[3] < 40 && first[4] == 0, "{first:?}");
    }

    #[test]
    fn an_address_backs_off_longer_each_time_and_one_answer_ends_it() {
        let mut all = targets(&[(0, 0, 0)]);
        let target = &mut all[0];
        target.watch((None, 3), Time::ZERO, 0);
        let at = |seconds: u64| Time::ZERO + Duration::from_secs(seconds);
        assert_eq!(target.missed(at(0)), None);
        assert!(target.is_backing_off(at(9)) && !target.is_backing_off(at(10)) && !target.is_demoted(at(1)));
        target.missed(at(10));
        assert!(target.is_backing_off(at(29)) && !target.is_backing_off(at(30)));
        assert_eq!(target.missed(at(30)), Some(Change::Down));
        assert!(target.is_demoted(at(69)));
        assert!(!target.is_demoted(at(70)), "nobody asks it, so it is tried again");
        for _ in 0..20 {
            target.missed(at(70));
        }
        assert!(target.is_demoted(at(369)) && !target.is_demoted(at(370)), "the time is bounded");
        assert_eq!(target.answered(at(100), None), Some(Change::Up));
        assert!(!target.is_demoted(at(100)) && !target.is_backing_off(at(100)));
    }

    #[test]
    fn an_address_that_is_asked_stays_down_until_it_answers() {
        let mut all = targets(&[(0, 0, 0)]);
        let target = &mut all[0];
        target.watch((Some(Duration::from_secs(60)), 1), Time::ZERO, 0);
        target.missed(Time::ZERO);
        assert!(target.is_demoted(Time::ZERO + Duration::from_secs(3_600)));
        target.answered(Time::ZERO + Duration::from_secs(3_600), None);
        assert!(!target.is_demoted(Time::ZERO + Duration::from_secs(3_600)));
    }
}
