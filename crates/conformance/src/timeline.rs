//! What was sent to an ear, each packet's samples at its timestamp, so that what is missing moves nothing else: a
//! packet that the capture has not, or the time for which whoever speaks stood still.

use crate::audio::{RATE, level, of_a_law, share};
use crate::capture::Capture;

/// Samples of a tenth of a second.
const TENTH: usize = RATE as usize / 10;
/// Tenths that may be without some of their samples, of those that are judged: one halt of the machine is about as many.
const HOLES_MAX: usize = 6;
/// Or one of so many of them.
const HOLES_SHARE: usize = 3;

/// Sound in A-law as it stands in time.
#[derive(Debug, Default)]
pub struct Timeline {
    samples: Vec<Option<i16>>,
    /// When the first and the last packet were sent, seconds of the epoch.
    pub from: f64,
    /// See `from`.
    pub until: f64,
}

impl Timeline {
    /// What was sent to an address, of a capture that ends with it.
    ///
    /// # Panics
    /// That is nothing.
    #[must_use]
    pub fn sent_to(capture: &Capture, ip: &str) -> Timeline {
        let fields = ["rtp.seq", "rtp.timestamp", "frame.time_epoch", "rtp.payload"];
        // SIPp's port is known from no description when the capture is read: every packet of the address is tried.
        let lines = capture.end(&format!("rtp && !icmp && ip.dst == {ip} && rtp.p_type == 8"), &fields);
        let mut packets: Vec<_> = lines.iter().map(|line| packet(line)).collect();
        packets.sort_by_key(|packet| packet.0);
        packets.dedup_by_key(|packet| packet.0);
        let (_, first, from, _) = packets.first().expect("packets");
        let mut timeline = Timeline { from: *from, ..Timeline::default() };
        for (_, timestamp, time, samples) in &packets {
            let at = usize::try_from(timestamp.wrapping_sub(*first)).unwrap_or_default();
            timeline.samples.resize(at.max(timeline.samples.len()), None);
            timeline.samples.truncate(at);
            timeline.samples.extend(samples.iter().copied().map(Some));
            timeline.until = *time;
        }
        timeline
    }

    /// How long it lasts by its timestamps, in tenths of a second.
    #[must_use]
    pub fn tenths(&self) -> usize {
        self.samples.len() / TENTH
    }

    /// Samples that were heard.
    #[must_use]
    pub fn heard(&self) -> usize {
        self.samples.iter().flatten().count()
    }

    /// Where a tone of these frequencies sounds (`#`) and where nothing does (`.`), in tenths of a second; `_`: some of
    /// it is missing.
    #[must_use]
    pub fn pattern(&self, hertz: &[f64]) -> String {
        self.samples.chunks_exact(TENTH).map(|piece| mark(piece, hertz)).collect()
    }

    /// Judges the first tenths of it, as [`Timeline::pattern`] writes them. Where something is missing nothing is judged,
    /// and that is in six of these tenths or a third of them at most.
    ///
    /// # Panics
    /// It sounds otherwise.
    pub fn sounds(&self, hertz: &[f64], wanted: &str) {
        let pattern = self.pattern(hertz);
        let holes = pattern.chars().take(wanted.len()).filter(|heard| *heard == '_').count();
        let holes_max = HOLES_MAX.max(wanted.len() / HOLES_SHARE);
        let fits = pattern.chars().zip(wanted.chars()).all(|(heard, wanted)| heard == wanted || heard == '_');
        let told = format!("\n{pattern} was heard,\n{wanted} was to be");
        assert!(fits && pattern.len() >= wanted.len() && holes <= holes_max, "{told}");
    }
}

fn mark(piece: &[Option<i16>], hertz: &[f64]) -> char {
    let Some(piece) = piece.iter().copied().collect::<Option<Vec<i16>>>() else { return '_' };
    tone(&piece, hertz)
}

fn tone(piece: &[i16], hertz: &[f64]) -> char {
    let share: f64 = hertz.iter().map(|hertz| share(piece, *hertz)).sum();
    match level(piece) {
        level if level < 30.0 => '.',
        level if level > 500.0 && share > 0.9 => '#',
        _ => '?',
    }
}

/// Where a tone of these frequencies sounds and where nothing does, in tenths of a second of samples without a hole.
#[must_use]
pub fn pattern(samples: &[i16], hertz: &[f64]) -> String {
    samples.chunks_exact(TENTH).map(|piece| tone(piece, hertz)).collect()
}

/// Sequence, timestamp, time and samples.
fn packet(line: &str) -> (u32, u32, f64, Vec<i16>) {
    let columns: Vec<&str> = line.split('\t').collect();
    let hex: String = columns[3].chars().filter(char::is_ascii_hexdigit).collect();
    let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex"));
    let number = |at: usize| columns[at].parse().expect("a number");
    (number(0), number(1), columns[2].parse().expect("a time"), bytes.map(of_a_law).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio;

    #[test]
    fn what_is_missing_moves_nothing_and_is_bounded() {
        let mut samples: Vec<Option<i16>> = audio::tone(440.0, 1).into_iter().map(Some).collect();
        samples.extend([Some(0); 8_000]);
        samples[4_100] = None;
        let timeline = |samples: Vec<Option<i16>>| Timeline { samples, ..Timeline::default() };
        let one = timeline(samples.clone());
        assert_eq!(one.pattern(&[440.0]), "#####_####..........");
        one.sounds(&[440.0], "##########.....");
        assert!(std::panic::catch_unwind(|| one.sounds(&[440.0], "#########..")).is_err());
        (8_100..13_000).step_by(900).for_each(|at| samples[at] = None);
        let often = timeline(samples);
        often.sounds(&[440.0], "#####_####....");
        assert!(std::panic::catch_unwind(|| often.sounds(&[440.0], "#####_####..........")).is_err());
    }
}
