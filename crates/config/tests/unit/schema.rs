//! Tests of `config/src/schema.rs`, which need its private parts.

use super::*;

/// Follows every `$ref`, so that none dangles.
fn walk(value: &Value, root: &Value, refs: &mut usize) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                assert!(
                    root.pointer(target.trim_start_matches('#')).is_some_and(Value::is_object),
                    "{target}"
                );
                *refs += 1;
            }
            map.values().for_each(|v| walk(v, root, refs));
        }
        Value::Array(items) => items.iter().for_each(|v| walk(v, root, refs)),
        _ => {}
    }
}

#[test]
fn references_lead_somewhere_and_keys_are_described() {
    let root = schema();
    let mut refs = 0;
    walk(&root, &root, &mut refs);
    assert!(refs >= 18, "{refs}");
    let gateways = root.pointer("/$defs/trunk/properties/gateways").unwrap();
    assert_eq!(gateways["type"], "array");
    assert!(gateways["description"].as_str().unwrap().contains("RFC 3263"));
    assert!(root.pointer("/$defs/site/properties/on_wan_down").is_none(), "not built, not offered");
    assert_eq!(root.pointer("/$defs/site/properties/wan_calls_max/minimum"), Some(&json!(0)));
    assert_eq!(root.pointer("/$defs/limits/properties/calls_max/default"), Some(&json!(20_000)));
    assert_eq!(root.pointer("/$defs/trunk/additionalProperties"), Some(&json!(false)));
}
