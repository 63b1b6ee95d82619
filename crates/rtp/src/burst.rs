//! Bursts and gaps of loss (RFC 3611 §4.7.2), found at intervals in what a [`Reception`] remembers.
//!
//! Nothing is done per packet: [`Bursts::follow`] is called a few times a second and reads which of the last packets
//! came. So it sees whatever engine counts them. Of a burst of any length it needs only what was known before it.

use crate::Reception;
use crate::stats::WINDOW;
use crate::xr::GMIN;

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

/// What was known of a source when it was looked at last: so a burst may be longer than what a [`Reception`] remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Last {
    /// The next extended sequence number to judge.
    next: u64,
    highest: u64,
    window: u128,
    received: u64,
    /// Which run of the sender.
    run: u64,
}

/// Losses with fewer than [`GMIN`] received packets between them, so far.
type Cluster = Extent;

/// See the module text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bursts {
    /// Where the last look has ended.
    last: Option<Last>,
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
        self.last = None;
    }

    fn advance(&mut self, reception: &Reception, late: u64) {
        let Some((base, highest, window)) = reception.recent() else { return };
        let (run, received) = (reception.restarts(), reception.received());
        let remembered = (highest + 1).saturating_sub(WINDOW);
        let last = self.last.take().filter(|last| last.run == run);
        let first = last.as_ref().map_or(base.max(remembered), |last| last.next);
        let end = (highest + 1).saturating_sub(late).max(first);
        if let Some(last) = &last {
            // What has left the window since, as it was known then.
            let known = last.highest + 1;
            for number in first..known.min(remembered).min(end) {
                self.judge((last.window >> (last.highest - number)) & 1 == 1);
            }
            // What came and left it in between: only how many came is known.
            let between = remembered.min(end).saturating_sub(known.max(first));
            let inside = u64::from(newer_than(window, highest, last.highest).count_ones());
            let came = received.saturating_sub(last.received).saturating_sub(inside).min(between);
            self.run += came;
            self.lose(between - came);
        }
        for number in first.max(remembered)..end {
            self.judge((window >> (highest - number)) & 1 == 1);
        }
        self.last = Some(Last { next: end, highest, window, received, run });
    }

    /// One packet, in the order of sequence numbers.
    fn judge(&mut self, received: bool) {
        if received {
            self.run += 1;
        } else {
            self.lose(1);
        }
    }

    /// So many packets in a row, none of which came.
    fn lose(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        if self.run >= u64::from(GMIN) || self.cluster.lost == 0 {
            self.close();
        } else {
            self.cluster.packets += self.run;
        }
        self.run = 0;
        self.cluster.add(Extent { packets: count, lost: count });
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

/// The part of a window that is newer than an earlier highest number.
fn newer_than(window: u128, highest: u64, earlier: u64) -> u128 {
    match highest.saturating_sub(earlier) {
        newer if newer < WINDOW => window & ((1 << newer) - 1),
        _ => window,
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
    fn a_burst_of_any_length_is_one_and_nothing_around_it_is_forgotten() {
        let came = |count: usize| "1".repeat(count);
        for long in [100, 127, 128, 129, 160, 500, 2_900] {
            for before in [3, 21, 57, 200] {
                let lost = "0".repeat(long);
                // Ten received packets between two losses and the long one belong to the burst.
                let pattern = format!("{}0{}{lost}{}", came(before), came(10), came(200));
                let found = hear(&pattern).report();
                let all = (before + 1 + 10 + long + 200) as u64;
                assert_eq!((found.bursts, found.packets), (1, all), "{long} after {before}");
                assert_eq!(found.burst_packets, (1 + 10 + long) as f32, "{long} after {before}");
                let density = (1 + long) as f32 / (1 + 10 + long) as f32;
                assert!((found.burst_density - density).abs() < 1e-6, "{long} after {before}");
                assert_eq!((found.gap_density, found.gap_packets), (0.0, (before + 200) as f32 / 2.0));
            }
        }
    }

    #[test]
    fn long_bursts_one_after_another_are_counted_each() {
        let one = "1".repeat(40) + &"0".repeat(400);
        let found = hear(&(one.repeat(50) + &"1".repeat(40))).report();
        assert_eq!((found.bursts, found.packets, found.burst_packets), (50, 50 * 440 + 40, 400.0));
        assert_eq!((found.burst_density, found.gap_density, found.gap_packets), (1.0, 0.0, 40.0));
    }

    #[test]
    fn packets_that_came_and_were_forgotten_between_two_looks_are_not_lost() {
        let (mut reception, mut bursts) = (Reception::default(), Bursts::default());
        for number in 0..2_000u16 {
            reception.hear(number, 0, 0, 0);
            if number % 400 == 0 {
                bursts.follow(&reception);
            }
        }
        bursts.finish(&reception);
        assert_eq!((bursts.report().packets, bursts.report().bursts), (2_000, 0));
        assert_eq!(bursts.report().gap_density, 0.0);
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
