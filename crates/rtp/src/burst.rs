//! Bursts and gaps of loss (RFC 3611 §4.7.2), found at intervals in what a [`Reception`] remembers.
//!
//! Nothing is done per packet: [`Bursts::follow`] is called a few times a second and reads which of the last packets
//! came. So it sees whatever engine counts them, as long as it is called before they are forgotten.

use crate::Reception;
use crate::stats::WINDOW;

/// So many packets received in a row end a burst (RFC 3611 §4.7.2 recommends this value of Gmin).
pub const GMIN: u64 = 16;
/// How many of the newest packets are not judged yet, for one that is late may still come.
const LATE: u64 = 32;

/// Packets of a period, and those of them that are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Extent {
    packets: u64,
    lost: u64,
}

impl Extent {
    fn add(&mut self, other: Extent) {
        self.packets += other.packets;
        self.lost += other.lost;
    }
}

/// Losses with fewer than [`GMIN`] received packets between them, so far.
type Cluster = Extent;

/// See the module text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bursts {
    /// The next extended sequence number to judge, and in which run of the sender.
    next: Option<(u64, u64)>,
    bursts: Extent,
    gaps: Extent,
    burst_count: u64,
    gap_count: u64,
    /// Packets of the gap that began after the last burst.
    gap_now: u64,
    cluster: Cluster,
    /// Packets received since the last loss.
    run: u64,
}

/// What was found; densities are parts of a whole, lengths are packets.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct BurstReport {
    /// Bursts.
    pub bursts: u64,
    /// Packets judged.
    pub packets: u64,
    /// Of the packets in bursts, those lost.
    pub burst_density: f32,
    /// Mean length of a burst.
    pub burst_packets: f32,
    /// Of the packets in gaps, those lost.
    pub gap_density: f32,
    /// Mean length of a gap.
    pub gap_packets: f32,
}

impl Bursts {
    /// Judges what is settled by now. Packets that are forgotten already, or of a run that is over, are passed over.
    pub fn follow(&mut self, reception: &Reception) {
        self.advance(reception, LATE);
    }

    /// Judges all there is: no more comes of this source.
    pub fn finish(&mut self, reception: &Reception) {
        self.advance(reception, 0);
        self.next = None;
    }

    fn advance(&mut self, reception: &Reception, late: u64) {
        let Some((base, highest, window)) = reception.recent() else { return };
        let run = reception.restarts();
        let known = self.next.filter(|(_, of)| *of == run).map_or(base, |(next, _)| next);
        let first = known.max(base).max((highest + 1).saturating_sub(WINDOW));
        let end = (highest + 1).saturating_sub(late);
        for number in first..end {
            self.judge((window >> (highest - number)) & 1 == 1);
        }
        self.next = Some((first.max(end), run));
    }

    /// One packet, in the order of sequence numbers.
    fn judge(&mut self, received: bool) {
        if received {
            self.run += 1;
            return;
        }
        if self.run >= GMIN || self.cluster.lost == 0 {
            self.close();
        } else {
            self.cluster.packets += self.run;
        }
        self.run = 0;
        self.cluster.add(Extent { packets: 1, lost: 1 });
    }

    /// The cluster is over: one loss alone belongs to the gap around it.
    fn close(&mut self) {
        let cluster = std::mem::take(&mut self.cluster);
        if cluster.lost > 1 {
            self.bursts.add(cluster);
            self.burst_count += 1;
            self.gap_count += u64::from(self.gap_now > 0);
            self.gap_now = 0;
        } else {
            self.gaps.add(cluster);
            self.gap_now += cluster.packets;
        }
        self.gaps.packets += self.run;
        self.gap_now += self.run;
        self.run = 0;
    }

    /// What has been found. As RFC 3611 has it, the stream is taken to be surrounded by packets that came.
    #[must_use]
    pub fn report(&self) -> BurstReport {
        let mut all = *self;
        all.close();
        let gaps = all.gap_count + u64::from(all.gap_now > 0);
        BurstReport {
            bursts: all.burst_count,
            packets: all.bursts.packets + all.gaps.packets,
            burst_density: part(all.bursts.lost, all.bursts.packets),
            burst_packets: part(all.bursts.packets, all.burst_count),
            gap_density: part(all.gaps.lost, all.gaps.packets),
            gap_packets: part(all.gaps.packets, gaps),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of packets are far below 2^24 of a whole")]
fn part(some: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (some as f64 / whole as f64) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1`: came; `0`: lost. Followed every ten packets.
    fn hear(pattern: &str) -> Bursts {
        let (mut reception, mut bursts) = (Reception::default(), Bursts::default());
        for (number, came) in pattern.chars().enumerate() {
            if came == '1' {
                reception.hear(65_500u16.wrapping_add(number as u16), 0, 0, 0);
            }
            if number % 10 == 9 {
                bursts.follow(&reception);
            }
        }
        bursts.finish(&reception);
        bursts
    }

    #[test]
    fn the_example_of_the_rfc() {
        // As in RFC 3611 §4.7.2: a burst of twelve packets, four of them lost or discarded; the single losses before
        // and behind it are of the gaps. By hand: gaps of 23 packets with one lost and of 28 with one.
        let (many, some) = ("1".repeat(18), "1".repeat(9));
        let found = hear(&format!("11110{many}011101011110{many}0{some}")).report();
        assert_eq!((found.bursts, found.packets), (1, 23 + 12 + 28));
        assert_eq!((found.burst_packets, found.gap_packets), (12.0, 25.5));
        assert!((found.burst_density - 4.0 / 12.0).abs() < 1e-6);
        assert!((found.gap_density - 2.0 / 51.0).abs() < 1e-6);
    }

    #[test]
    fn sixteen_packets_between_two_losses_part_them_and_fifteen_do_not() {
        let around = "1".repeat(20);
        let of = |between: usize| hear(&format!("{around}0{}0{around}", "1".repeat(between))).report();
        assert_eq!((of(16).bursts, of(16).gap_packets), (0, 58.0));
        assert_eq!((of(15).bursts, of(15).burst_packets), (1, 17.0));
    }

    #[test]
    fn nothing_lost_is_one_gap_and_nothing_heard_is_none() {
        let quiet = hear(&"1".repeat(500)).report();
        assert_eq!((quiet.bursts, quiet.packets, quiet.gap_packets, quiet.gap_density), (0, 500, 500.0, 0.0));
        assert_eq!(Bursts::default().report(), BurstReport::default());
    }

    #[test]
    fn packets_that_come_late_are_not_lost() {
        let (mut reception, mut bursts) = (Reception::default(), Bursts::default());
        for number in 0..1_000u16 {
            // Of each twenty the first two come ten packets later.
            let due = |number: u16| number % 20 >= 2;
            if due(number) {
                reception.hear(number, 0, 0, 0);
            }
            if number >= 10 && !due(number - 10) {
                reception.hear(number - 10, 0, 0, 0);
            }
            bursts.follow(&reception);
        }
        assert_eq!((bursts.report().bursts, bursts.report().gap_density), (0, 0.0));
    }

    #[test]
    fn a_sender_that_begins_anew_is_no_burst() {
        let (mut reception, mut bursts) = (Reception::default(), Bursts::default());
        for number in (0..100).chain(30_000..30_100u16) {
            reception.hear(number, 0, 0, 0);
            bursts.follow(&reception);
        }
        bursts.finish(&reception);
        let found = bursts.report();
        assert_eq!((found.bursts, found.gap_density), (0, 0.0));
        assert!((160..=200).contains(&found.packets), "{}", found.packets);
    }
}
