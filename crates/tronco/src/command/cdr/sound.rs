//! How a side of a call sounded, in words.

use store::DirectionRow;

/// A part of sound from which on it is told that it was silent.
const SILENT_TOLD: f64 = 0.5;

/// What there is to say beside the counts; empty where nothing stands out.
pub(super) fn words(row: &DirectionRow<'_>) -> String {
    let figure = |name: &str| row.quality.value(name);
    let more = |name: &str| figure(name).filter(|count| *count > 0.0);
    let mut said: Vec<String> = Vec::new();
    if let (Some(bursts), Some(ms), Some(density)) =
        (more("bursts"), figure("burst_ms"), figure("burst_density"))
    {
        let plural = if bursts > 1.0 { "bursts" } else { "burst" };
        let between = figure("gap_density").unwrap_or(0.0) * 100.0;
        said.push(format!(
            "{bursts} {plural} of {ms} ms with {:.0} % lost, {between:.1} % between",
            density * 100.0
        ));
    }
    if let Some(late) = more("late") {
        said.push(format!("{late} too late"));
    }
    if let Some(rtt) = more("rtt_max_ms") {
        said.push(format!("round trip up to {rtt:.1} ms"));
    }
    if let Some(ms) = more("concealed_ms") {
        said.push(format!("{ms} ms made up"));
    }
    if let Some(ppm) = figure("drift_ppm") {
        said.push(format!("clock {ppm:+.1} ppm"));
    }
    if let Some(part) = figure("silent").filter(|part| *part >= SILENT_TOLD) {
        said.push(format!("silent {:.0} %", part * 100.0));
    }
    if let Some(ms) = more("one_way_ms").filter(|_| !row.one_way) {
        said.push(format!("not heard for {:.1} s", ms / 1_000.0));
    }
    if let Some(packets) = more("noise_packets") {
        said.push(format!("{packets} of comfort noise"));
    }
    said.join(", ")
}

/// Why it was not heard; none where it was.
pub(super) fn why(row: &DirectionRow<'_>) -> Option<&'static str> {
    media::OneWay::of_word(&row.one_way_why).map(media::OneWay::sentence)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn what_stands_out_is_said_and_nothing_else() {
        assert_eq!(words(&DirectionRow::default()), "");
        let quality = r#"{"late":0,"bursts":2,"burst_density":0.3333,"burst_ms":240,"gap_density":0.004,
            "rtt_max_ms":31.25,"concealed_ms":120,"silent":0.985,"drift_ppm":-12.3}"#;
        let row = DirectionRow { quality: serde_json::from_str(quality).unwrap(), ..DirectionRow::default() };
        assert_eq!(
            words(&row),
            "2 bursts of 240 ms with 33 % lost, 0.4 % between, round trip up to 31.2 ms, 120 ms made up, \
             clock -12.3 ppm, silent 98 %"
        );
    }

    #[test]
    fn every_cause_has_its_sentence() {
        let row = |why: &'static str| DirectionRow { one_way_why: why.into(), ..DirectionRow::default() };
        assert!(why(&row("stopped")).is_some_and(|sentence| sentence.contains("sent no more")));
        assert_eq!((why(&row("")), why(&row("other"))), (None, None));
    }
}
