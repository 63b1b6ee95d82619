//! Ringing tones by country: the table of `data/ringing.txt`, read on demand.

use bridge::{Cadence, Sine};

const TABLE: &str = include_str!("../data/ringing.txt");
/// The level of a tone, all of it, dBm0 (E.180 §10: -10 with 5 dB either way).
const LEVEL: f64 = -10.0;

/// The ringing tone of a country by its code; of another one, or of none, what E.180 recommends.
#[must_use]
pub fn of(country: &str) -> Cadence {
    let lines = || TABLE.lines().filter(|line| !line.starts_with('#'));
    let own = lines().find(|line| line.split(' ').next().is_some_and(|code| code == country));
    own.or_else(|| lines().next_back()).and_then(cadence).unwrap_or_else(|| Cadence {
        sines: vec![Sine { hertz: 425.0, level: LEVEL }],
        turns: vec![(1_000, 4_000)],
    })
}

/// The countries that have a line.
pub fn countries() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(|line| line.split(' ').next()).filter(|code| *code != "#" && *code != "--")
}

fn cadence(line: &str) -> Option<Cadence> {
    let mut words = line.split(' ').skip(1);
    let sines = sines(words.next()?)?;
    let times: Option<Vec<u32>> = words.map(milliseconds).collect();
    let times = times?;
    let turns = times.chunks_exact(2).map(|pair| Some((*pair.first()?, *pair.get(1)?)));
    Some(Cadence { sines, turns: turns.collect::<Option<_>>()? })
}

fn milliseconds(seconds: &str) -> Option<u32> {
    seconds.parse::<f64>().ok().map(|seconds| (seconds * 1_000.0).round() as u32)
}

fn sines(text: &str) -> Option<Vec<Sine>> {
    let sine = |hertz: f64, below: f64| Sine { hertz, level: LEVEL - below };
    if let Some((carrier, by)) = text.split_once('*') {
        let (carrier, by): (f64, f64) = (carrier.parse().ok()?, by.parse().ok()?);
        // Wholly modulated: each side band has a quarter of the carrier's power.
        let below = 10.0 * 1.5_f64.log10();
        return Some(vec![
            sine(carrier, below),
            sine(carrier - by, below + 6.02),
            sine(carrier + by, below + 6.02),
        ]);
    }
    let hertz: Option<Vec<f64>> = text.split('+').map(|hertz| hertz.parse().ok()).collect();
    let hertz = hertz?;
    let below = 10.0 * (hertz.len() as f64).log10();
    Some(hertz.into_iter().map(|hertz| sine(hertz, below)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_whole() {
        let lines: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        for line in &lines {
            let made = cadence(line).unwrap();
            assert!(line.split(' ').count() == 2 + 2 * made.turns.len() && !made.turns.is_empty(), "{line}");
            let power: f64 = made.sines.iter().map(|sine| 10f64.powf(sine.level / 10.0)).sum();
            assert!((10.0 * power.log10() - LEVEL).abs() < 0.01, "{line}");
        }
        let known: Vec<&str> = countries().collect();
        assert_eq!(known.len() + 1, lines.len());
        assert!(known.is_sorted());
        let asked = "US CA GB DE FR IT ES CH AT NL BE SE NO DK FI PL JP AU IN BR CN";
        assert!(asked.split(' ').all(|code| known.contains(&code)));
    }

    #[test]
    fn tones_are_as_the_country_has_them() {
        assert_eq!(of("US").turns, [(2_000, 4_000)]);
        assert_eq!(of("GB").turns, [(400, 200), (400, 2_000)]);
        let hertz = |code: &str| of(code).sines.iter().map(|sine| sine.hertz).collect::<Vec<_>>();
        assert_eq!(hertz("US"), [440.0, 480.0]);
        assert_eq!(hertz("IN"), [400.0, 375.0, 425.0]);
        assert_eq!((hertz("XX"), of("").turns), (vec![425.0], vec![(1_000, 4_000)]));
    }
}
