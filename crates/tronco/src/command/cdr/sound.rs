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
    said.extend(held(row));
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

/// How long its sound was held so that it went on evenly, and what that cost; none where it never was.
fn held(row: &DirectionRow<'_>) -> Option<String> {
    let more = |name: &str| row.quality.value(name).filter(|count| *count > 0.0);
    let (most, mean) = (more("buffer_max_ms")?, row.quality.value("buffer_ms")?);
    let slips = [("stretched_ms", "put in"), ("cut_ms", "left out")];
    let [put_in, left_out] =
        slips.map(|(name, what)| more(name).map(|ms| format!(", {ms} ms {what}")).unwrap_or_default());
    Some(format!("held {mean:.0} ms, up to {most} ms{put_in}{left_out}"))
}

/// What a side has reported of the sound that it got, in words; empty where it reported nothing.
pub(crate) fn reported(row: &DirectionRow<'_>) -> String {
    let figure = |name: &str| row.quality.value(name);
    let more = |name: &str| figure(name).filter(|count| *count > 0.0);
    let percent = |name: &str, what: &str| more(name).map(|part| format!("{:.1} % {what}", part * 100.0));
    let bursts = more("peer_burst_ms").map(|ms| {
        format!("bursts of {ms} ms with {:.0} % lost", figure("peer_burst_density").unwrap_or(0.0) * 100.0)
    });
    let lost =
        percent("peer_loss_mean", "lost").or_else(|| figure("peer_lost").map(|lost| format!("{lost} lost")));
    let said = [
        figure("peer_mos").map(|mos| format!("MOS {mos:.1}")),
        figure("peer_r_factor").map(|r| format!("R {r}")),
        lost,
        percent("peer_discard", "thrown away"),
        bursts,
        figure("peer_jitter_ms").map(|ms| format!("jitter {ms:.1} ms")),
        more("peer_rtt_ms").map(|ms| format!("round trip {ms} ms")),
        more("peer_end_system_ms").map(|ms| format!("{ms} ms within")),
    ];
    said.into_iter().flatten().collect::<Vec<String>>().join(", ")
}

/// How the sound of a side was changed on its way; none where it passed as it was.
pub(crate) fn recoded(row: &DirectionRow<'_>) -> Option<String> {
    let why = media::Why::of_word(&row.recoded_why)?.sentence();
    Some(format!("{} to {}: {why}", row.codec, row.recoded_to))
}

/// Why it was not heard; none where it was.
pub(super) fn why(row: &DirectionRow<'_>) -> Option<String> {
    row.not_heard().map(|heard| heard.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn what_stands_out_is_said_and_nothing_else() {
        assert_eq!(words(&DirectionRow::default()), "");
        let quality = r#"{"late":0,"bursts":2,"burst_density":0.3333,"burst_ms":240,"gap_density":0.004,
            "rtt_max_ms":31.25,"concealed_ms":120,"silent":0.985,"drift_ppm":-12.3,
            "buffer_ms":22.4,"buffer_max_ms":60,"stretched_ms":40,"cut_ms":0}"#;
        let row = DirectionRow { quality: serde_json::from_str(quality).unwrap(), ..DirectionRow::default() };
        assert_eq!(
            words(&row),
            "2 bursts of 240 ms with 33 % lost, 0.4 % between, round trip up to 31.2 ms, 120 ms made up, \
             held 22 ms, up to 60 ms, 40 ms put in, clock -12.3 ppm, silent 98 %"
        );
    }

    #[test]
    fn what_a_side_reports_is_said() {
        let said = |quality: &str| {
            let quality = serde_json::from_str(quality).unwrap();
            reported(&DirectionRow { quality, ..DirectionRow::default() })
        };
        assert_eq!(said("{}"), "");
        assert_eq!(said(r#"{"peer_lost":0,"peer_jitter_ms":2.5}"#), "0 lost, jitter 2.5 ms");
        let extended = r#"{"peer_lost":12,"peer_mos":3.8,"peer_r_factor":82,"peer_loss_mean":0.1016,"peer_discard":0.05,
            "peer_burst_ms":120,"peer_burst_density":0.5,"peer_rtt_ms":80,"peer_end_system_ms":45}"#;
        assert_eq!(
            said(extended),
            "MOS 3.8, R 82, 10.2 % lost, 5.0 % thrown away, bursts of 120 ms with 50 % lost, round trip 80 ms, \
             45 ms within"
        );
    }

    #[test]
    fn every_cause_has_its_sentence() {
        let row = |why: &'static str| DirectionRow { one_way_why: why.into(), ..DirectionRow::default() };
        assert!(why(&row("stopped")).is_some_and(|sentence| sentence.contains("sent no more")));
        assert_eq!((why(&row("")), why(&row("other"))), (None, None));
    }
}
