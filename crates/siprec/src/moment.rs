//! Times as metadata write them: `xs:dateTime` in UTC (RFC 7865 §11, RFC 3339).

use base::WallTime;

/// A time in UTC, to the millisecond.
pub(crate) fn moment(at: WallTime) -> String {
    let (seconds, millis) = (at.0 / 1_000_000, at.0 / 1_000 % 1_000);
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of year 0 in eras of 400 years.
    let days = day + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!(
        "{:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}.{millis:03}Z",
        era * 400 + year,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(moment(WallTime(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(moment(WallTime(951_827_696_789_000)), "2000-02-29T12:34:56.789Z");
        assert_eq!(moment(WallTime(1_798_761_599_000_000)), "2026-12-31T23:59:59.000Z");
    }
}
