//! Diversion (RFC 5806): the number that forwarded last stands first.

use crate::forwarding::{FORWARDINGS_MAX, Forwarded, Why};
use crate::headers::{decimal, push_row};
use crate::party::Party;
use crate::rows::{Scene, push_party};
use sip_msg::{Msg, Name, NameAddr, unquote};

/// Reads all rows, the oldest forwarding first; what is malformed is left out.
pub(crate) fn read(msg: Msg<'_>) -> Vec<Forwarded> {
    let entries = msg.list(Name::Diversion).filter_map(|element| {
        let address = NameAddr::parse(element).ok()?;
        let param = |name| address.params.get(name).map(unquote);
        let number = param("counter").and_then(|v| std::str::from_utf8(v).ok()?.parse::<u16>().ok());
        // `privacy=name` hides the name alone; a number without it is as good as hidden.
        let open = |value: &[u8]| value.is_empty() || value.eq_ignore_ascii_case(b"off");
        Some(Forwarded {
            party: Party::of(&address)?,
            why: Why::from_word(param("reason").unwrap_or_default()),
            counter: number.unwrap_or(1).max(1),
            private: !open(param("privacy").unwrap_or_default()),
        })
    });
    let mut found: Vec<Forwarded> = entries.take(FORWARDINGS_MAX).collect();
    found.reverse();
    found
}

/// Appends one row for each forwarding, the latest first.
pub(crate) fn push(out: &mut Vec<u8>, forwarded: &[Forwarded], scene: &Scene<'_>) {
    for one in forwarded.iter().rev() {
        let mut value = Vec::with_capacity(96);
        push_party(&mut value, &one.party, one.private, scene);
        value.extend_from_slice(b";reason=");
        value.extend_from_slice(one.why.word().as_bytes());
        if one.counter > 1 {
            value.extend_from_slice(b";counter=");
            value.extend_from_slice(decimal(u64::from(one.counter), &mut [0; 20]));
        }
        if one.private {
            value.extend_from_slice(b";privacy=full");
        }
        push_row(out, b"Diversion", &value);
    }
}
