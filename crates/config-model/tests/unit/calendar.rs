//! Tests of `config-model/src/forms/calendar.rs`, which need its private parts.

use super::*;

#[test]
fn dates_are_read() {
    let day = |y, m, d| Date::new(y, m, d).unwrap();
    assert_eq!(span("2026-12-24").unwrap(), Span::Days(day(2026, 12, 24), day(2026, 12, 24)));
    assert_eq!(span("2026-12-24..2027-01-01").unwrap(), Span::Days(day(2026, 12, 24), day(2027, 1, 1)));
    assert_eq!(span("02-29").unwrap(), Span::Yearly(2, 29));
    for wrong in ["2026-02-29", "26-12-24", "2026-12", "13-01", "2026-12-24..", "", "2027-01-01..2026-12-24"]
    {
        assert!(span(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn moments_and_zones_are_read() {
    let noon = instant("2026-12-24T12:00:00Z").unwrap();
    assert_eq!(instant("2026-12-24T13:00:00+01:00").unwrap(), noon);
    assert!(instant("2026-12-24").is_err() && instant("1969-12-31T23:59:59Z").is_err());
    assert_eq!(zone("Europe/Berlin").unwrap().name(), "Europe/Berlin");
    assert!(zone("Europe/Atlantis").is_err());
}
