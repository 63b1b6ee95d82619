//! Tests of `config-model/src/forms/called.rs`, which need its private parts.

use super::*;

#[test]
fn sources_and_contexts_are_read() {
    assert_eq!(called_from("to").unwrap(), CalledFrom::To);
    assert_eq!(called_from("header:X-DID").unwrap(), CalledFrom::Header("X-DID".into()));
    assert!(called_from("header:").is_err() && called_from("ruri").is_err());
    assert_eq!(called_from("header:X DID").unwrap_err().at, 8);
    for (text, good) in [
        ("example.com", true),
        ("+49", true),
        ("+", false),
        ("+4x", false),
        ("192.0.2.1", false),
        ("", false),
    ] {
        assert_eq!(phone_context(text).is_ok(), good, "{text}");
    }
}
