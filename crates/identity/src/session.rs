//! One name for a session over all nodes that it crosses (RFC 7989).

use sip_msg::{Msg, Name};

/// Hex digits of a session's UUID (RFC 7989 §5).
const UUID_LENGTH: usize = 32;

/// The caller's half of the Session-ID in its INVITE (RFC 7989 §5).
#[must_use]
pub fn session_of(msg: Msg<'_>) -> Option<Box<str>> {
    msg.first(Name::SessionId).and_then(local_uuid)
}

/// The UUID in front of the parameters; the nil UUID names nothing.
fn local_uuid(value: &[u8]) -> Option<Box<str>> {
    let local = value.split(|c| *c == b';').next()?.trim_ascii();
    let named = local.len() == UUID_LENGTH
        && local.iter().all(u8::is_ascii_hexdigit)
        && local.iter().any(|c| *c != b'0');
    named.then(|| String::from_utf8_lossy(local).to_ascii_lowercase().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_uuid_names_a_session() {
        let uuid = "ab30317f1a784dc48ff824d0d3715d86";
        let with_remote = format!("{uuid};remote=00000000000000000000000000000000");
        assert_eq!(local_uuid(with_remote.as_bytes()).as_deref(), Some(uuid));
        assert_eq!(local_uuid(uuid.to_ascii_uppercase().as_bytes()).as_deref(), Some(uuid));
        for none in ["", "00000000000000000000000000000000", "ab30317f", "zb30317f1a784dc48ff824d0d3715d86"] {
            assert_eq!(local_uuid(none.as_bytes()), None, "{none}");
        }
    }
}
