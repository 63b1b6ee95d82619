//! Numbers and times as people read them.

/// `0.4 s`, `59 s`, `4m 07s`, `3h 12m`, `5d 02h`.
pub(crate) fn whole_seconds(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d {:02}h", hours % 24),
        () if hours > 0 => format!("{hours}h {:02}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m {:02}s", seconds % 60),
        () => format!("{seconds}s"),
    }
}

/// Milliseconds, tenths of seconds below a minute.
pub(crate) fn duration(millis: u64) -> String {
    match millis {
        0 => "-".to_owned(),
        1..60_000 => format!("{}.{}s", millis / 1_000, millis % 1_000 / 100),
        _ => whole_seconds(millis / 1_000),
    }
}

/// A moment to the second, from RFC 3339 in UTC: `2026-03-01 12:30:00Z`.
pub(crate) fn clock(moment: &str) -> String {
    match (moment.get(..10), moment.get(11..19)) {
        (Some(date), Some(time)) => format!("{date} {time}Z"),
        _ => moment.to_owned(),
    }
}

/// `900 B`, `258.0 kB`, `1.2 MB`.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// `1 call`, `2 calls`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let shown = [0, 59, 60, 3_599, 3_600, 86_399, 86_400 * 5 + 7_200].map(whole_seconds);
        assert_eq!(shown, ["0s", "59s", "1m 00s", "59m 59s", "1h 00m", "23h 59m", "5d 02h"]);
        assert_eq!([0, 90, 1_250, 59_999, 60_000].map(duration), ["-", "0.0s", "1.2s", "59.9s", "1m 00s"]);
        assert_eq!(clock("2026-03-01T12:30:00.123456Z"), "2026-03-01 12:30:00Z");
        assert_eq!([999, 1_000, 2_500_000].map(bytes), ["999 B", "1.0 kB", "2.5 MB"]);
        assert_eq!(clock("soon"), "soon");
        assert_eq!((count(1, "call"), count(0, "call")), ("1 call".into(), "0 calls".into()));
    }
}
