//! Tests of `config/src/diff.rs`, which need its private parts.

use super::*;
use crate::keys::Section;

fn agree(section: &Section, effect: Effect) {
    for key in section.keys {
        assert!(key.effect == effect, "{} of {}", key.name, section.title);
        if let Shape::Table(inner) = &key.shape {
            agree(inner, effect);
        }
    }
}

#[test]
fn keys_of_named_tables_have_their_heads_effect() {
    for key in ROOT.keys {
        if let Shape::Named { section, .. } | Shape::Each { section, .. } = &key.shape {
            agree(section, key.effect);
        }
    }
}

#[test]
fn restart_follows_the_key_tables() {
    assert!(needs_restart("listen.in.side.sip"));
    assert!(needs_restart("node.name") && needs_restart("records.path") && needs_restart("api.socket"));
    assert!(!needs_restart("trunk.pbx.override.session_timer.expires"));
    assert!(needs_restart("limits.message_max") && needs_restart("limits.transactions_max"));
    assert!(!needs_restart("site.london.wan_calls_max"));
    assert!(!needs_restart("limits.calls_max") && !needs_restart("country"));
}
