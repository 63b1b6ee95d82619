//! What a trunk wants of session timers.

use config::{Policy, Refresher};
use sip_core::SessionPolicy;
use sip_core::session_timer::Preference;

/// The session policy of a trunk as `sip_core` wants it.
#[must_use]
pub fn session_policy(policy: &Policy, prefer_update: bool) -> SessionPolicy {
    let timer = policy.session_timer;
    let refresher = match timer.refresher {
        Refresher::Auto => Preference::Open,
        Refresher::Us => Preference::Us,
        Refresher::Peer => Preference::Peer,
    };
    SessionPolicy { expires: timer.expires, min_se: timer.min_se, prefer_update, refresher }
}
