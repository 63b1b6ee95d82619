//! Where a peer's user is, as headers of Microsoft Teams say (local media optimization): which address of ours it
//! reaches best.

use config::{MediaLocation, Policy};
use sip_msg::Msg;

/// Whether a user is inside, and this node, known as `host`, the first on the way of its media; none where the
/// message does not say, or the trunk does not ask.
#[must_use]
pub fn is_inside(msg: Msg<'_>, policy: &Policy, host: &str) -> Option<bool> {
    if policy.media_location != MediaLocation::Teams {
        return None;
    }
    let value = |name| msg.row_named(name).next().map(|value: &[u8]| value.trim_ascii());
    let inside = value("X-MS-UserLocation")?.eq_ignore_ascii_case(b"internal");
    let first = value("X-MS-MediaPath").and_then(|path| path.split(|c| *c == b',').next());
    let ours = first.is_none_or(|first| first.trim_ascii().eq_ignore_ascii_case(host.as_bytes()));
    Some(inside && ours)
}
