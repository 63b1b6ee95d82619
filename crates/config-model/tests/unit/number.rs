//! Tests of `config-model/src/forms/number.rs`, which need its private parts.

use super::*;

#[test]
fn patterns_are_read() {
    assert_eq!(pattern("*").unwrap(), Pattern::Prefix(String::new()));
    assert_eq!(pattern("+49*").unwrap(), Pattern::Prefix("+49".into()));
    assert_eq!(pattern("*21").unwrap(), Pattern::Exact("*21".into()));
    let Pattern::Expression(e) = pattern(r"/\+49(30|40).*/").unwrap() else { panic!("no expression") };
    assert!(e.is_match("+4930123") && !e.is_match("00+4930123"));
    assert_eq!(pattern("/a(/").unwrap_err().at, 2);
    assert!(pattern("+49 30").is_err());
}

#[test]
fn a_plus_within_a_number_is_told() {
    let flaw = range("+49+30").unwrap_err();
    assert_eq!((flaw.at, flaw.nearest.as_deref()), (3, Some("+4930")));
    assert!(range("++").is_err() && range("1+2..3").is_err());
}

#[test]
fn prefixes_pilots_and_lengths_are_read() {
    assert!(external_prefix("9").is_ok() && external_prefix("*#09").is_ok());
    assert!(external_prefix("").is_err() && external_prefix("12345").is_err());
    assert_eq!(external_prefix("9+").unwrap_err().at, 1);
    assert!(pilot("+493023125").is_ok() && pilot("03023125").is_err() && pilot("+").is_err());
    assert_eq!((lengths("3").unwrap(), lengths("2..4").unwrap()), ((3, 3), (2, 4)));
    assert_eq!(lengths("4..2").unwrap_err().nearest.as_deref(), Some("2..4"));
    assert_eq!(lengths("2..9").unwrap_err().at, 3);
    assert!(lengths("").is_err() && lengths("03").is_err() && lengths("2..").is_err());
}

#[test]
fn alternate_callers_are_read() {
    let read = caller_id("+493023125000;ext=17").unwrap();
    assert_eq!((read.number.as_str(), read.extension.as_deref()), ("+493023125000", Some("17")));
    assert_eq!(caller_id("3023125000").unwrap().extension, None);
    for (wrong, at) in
        [("0302312", 0), ("+49;ext=07", 8), ("+49;ext=", 8), ("+49;ext=+7", 8), ("", 0), ("+", 0)]
    {
        assert_eq!(caller_id(wrong).unwrap_err().at, at, "{wrong}");
    }
}

#[test]
fn ranges_are_read() {
    assert_eq!(range("100..199").unwrap(), ("100".into(), "199".into()));
    assert_eq!(range("+4930").unwrap(), ("+4930".into(), "+4930".into()));
    assert_eq!(range("+49 30").unwrap_err().nearest.as_deref(), Some("+4930"));
    assert_eq!(range("200..100").unwrap_err().nearest.as_deref(), Some("100..200"));
    assert!(range("99..100").is_err());
    assert!(range("+9..10").is_err());
    assert!(range("").is_err());
}
