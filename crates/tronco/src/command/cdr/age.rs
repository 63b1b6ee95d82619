//! Times as people give them: a moment, a date, or how long ago.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::Moment;

/// The moment as the daemon reads it; ages count back from now.
pub(super) fn moment(text: &str) -> Result<String, String> {
    if let Some(age) = age(text) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let then = now.saturating_sub(age);
        return Ok(Moment(u64::try_from(then.as_micros()).unwrap_or(0)).to_string());
    }
    let moment: Moment = text.parse().map_err(|error| format!("{error}, or an age such as 90m, 2h or 7d"))?;
    Ok(moment.to_string())
}

fn age(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_moments() {
        assert_eq!(age("90m"), Some(Duration::from_secs(5_400)));
        assert_eq!(age("7d"), Some(Duration::from_secs(604_800)));
        assert_eq!([age("d"), age("7"), age("-1h"), age("ü"), age("")], [None; 5]);
        assert_eq!(moment("2026-03-01").as_deref(), Ok("2026-03-01T00:00:00.000000Z"));
        assert!(moment("0s").is_ok_and(|now| now.as_str() > "2026"));
        assert!(moment("yesterday").is_err());
    }
}
