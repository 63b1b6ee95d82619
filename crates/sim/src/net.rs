//! The network between the house and its peers: it loses, delays, reorders and repeats datagrams;
//! streams it only delays. Whether a message that is repeated gets through at last is certain: of
//! the same bytes only so many copies are lost.

use crate::dice::{Dice, mark};
use base::Time;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Copies of one message that may be lost.
const LOSSES_MAX: u8 = 2;

/// How bad a network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Datagrams lost, of a hundred.
    pub loss: u64,
    /// Datagrams that arrive twice, of a hundred.
    pub twice: u64,
    /// Longest usual way, milliseconds.
    pub delay: u64,
    /// Datagrams that dawdle for up to two seconds, of a hundred.
    pub dawdle: u64,
}

/// The network.
pub struct Net {
    /// How bad it is.
    pub weather: Weather,
    /// What the DNS says, when it is not what the configuration began with.
    pub names: Option<crate::names::Names>,
    dice: Dice,
    lost: BTreeMap<u64, u8>,
    streams: BTreeMap<(SocketAddr, SocketAddr), Time>,
    dead: Vec<(IpAddr, Time, Time)>,
}

impl Net {
    /// A network.
    #[must_use]
    pub fn new(weather: Weather, dice: Dice) -> Net {
        Net { weather, names: None, dice, lost: BTreeMap::new(), streams: BTreeMap::new(), dead: Vec::new() }
    }

    /// From `from` to `until` nothing reaches or leaves a host.
    pub fn kill(&mut self, host: IpAddr, from: Time, until: Time) {
        self.dead.push((host, from, until));
    }

    /// Whether a host is cut off.
    #[must_use]
    pub fn is_dead(&self, host: IpAddr, now: Time) -> bool {
        self.dead.iter().any(|(h, from, until)| *h == host && *from <= now && now < *until)
    }

    /// Whether a host was cut off at any time before `now`.
    #[must_use]
    pub fn was_dead(&self, host: IpAddr, now: Time) -> bool {
        self.dead.iter().any(|(h, from, _)| *h == host && *from <= now)
    }

    /// When a message arrives: never, once or twice.
    pub fn send(
        &mut self,
        now: Time,
        way: (SocketAddr, SocketAddr),
        stream: bool,
        bytes: &[u8],
    ) -> Vec<Time> {
        if self.is_dead(way.0.ip(), now) || self.is_dead(way.1.ip(), now) {
            return Vec::new();
        }
        let arrival = now + self.dice.millis(1, self.weather.delay);
        if stream {
            let last = self.streams.entry(way).or_default();
            *last = arrival.max(*last + Duration::from_micros(1));
            return vec![*last];
        }
        if self.dice.percent(self.weather.loss) {
            let lost = self.lost.entry(identity(way, bytes)).or_default();
            if *lost < LOSSES_MAX {
                *lost += 1;
                return Vec::new();
            }
        }
        let slow = self.dice.percent(self.weather.dawdle);
        let mut times = vec![if slow { arrival + self.dice.millis(1, 2_000) } else { arrival }];
        if self.dice.percent(self.weather.twice) {
            times.push(arrival + self.dice.millis(1, 3_000));
        }
        times
    }
}

/// The same for all copies of a message: an ACK for a repeated 2xx is a new request each time, so the
/// branch does not count.
fn identity(way: (SocketAddr, SocketAddr), bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let kept = |l: &&str| ["SIP/2.0 ", "ACK ", "Call-ID:", "CSeq:", "To:"].iter().any(|p| l.starts_with(p));
    let request = !text.starts_with("SIP/2.0 ") && !text.starts_with("ACK ");
    let name: String = if request { text.into_owned() } else { text.split("\r\n").filter(kept).collect() };
    mark(name.as_bytes()) ^ mark(format!("{way:?}").as_bytes())
}
