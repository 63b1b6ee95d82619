//! Who a request of ours named, as it left: what the record keeps of an attempt.

use sip_msg::Name;

/// The longest value that is kept, in bytes, several rows of one header together: limit `sent_bytes`.
const SENT_MAX: usize = 512;

/// The headers that name somebody, in the order of [`Sent::values`], as they are called in records.
pub const SENT: [(Name, &str); 10] = [
    (Name::From, "from"),
    (Name::PAssertedIdentity, "asserted"),
    (Name::PPreferredIdentity, "preferred"),
    (Name::RemotePartyId, "remote_party"),
    (Name::Privacy, "privacy"),
    (Name::Diversion, "diversion"),
    (Name::HistoryInfo, "history"),
    (Name::PCalledPartyId, "called_party"),
    (Name::PChargeInfo, "charge"),
    (Name::ReferredBy, "referred_by"),
];

/// The values of these headers, From without its tag; empty where none left.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Sent([Box<str>; SENT.len()]);

impl Sent {
    /// Takes them from the rows of a request of ours, as header rules and policies left them.
    pub fn of(rows: &[u8]) -> Sent {
        let mut sent = Sent::default();
        for line in rows.split(|c| *c == b'\n') {
            // All names begin with one of few letters, also in their compact forms.
            if !line.first().is_some_and(|c| b"fprdhb".contains(&(c | 0x20))) {
                continue;
            }
            let Some(colon) = line.iter().position(|c| *c == b':') else { continue };
            let (raw, value) = line.split_at(colon);
            let name = Name::from_bytes(raw.trim_ascii());
            if let Some(at) = SENT.iter().position(|(known, _)| *known == name) {
                let value = value.get(1..).unwrap_or_default().trim_ascii();
                sent.add(at, if name == Name::From { untagged(value) } else { value });
            }
        }
        sent
    }

    fn add(&mut self, at: usize, value: &[u8]) {
        let room = SENT_MAX.saturating_sub(self.0[at].len());
        let mut text = String::from_utf8_lossy(value);
        if text.len() > room {
            let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.to_mut().truncate(end);
        }
        self.0[at] = if self.0[at].is_empty() {
            text.into()
        } else {
            format!("{}, {text}", self.0[at]).into_boxed_str()
        };
    }

    /// The values, in the order of [`SENT`].
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|value| &**value)
    }

    /// What left in one header.
    #[must_use]
    pub fn value(&self, name: Name) -> &str {
        SENT.iter().position(|(known, _)| *known == name).map_or("", |at| &self.0[at])
    }
}

/// A value of From without the tag, which stands last.
fn untagged(value: &[u8]) -> &[u8] {
    let at = value.windows(5).rposition(|w| w.eq_ignore_ascii_case(b";tag="));
    at.map_or(value, |at| &value[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_somebody_is_kept_and_nothing_else() {
        let sent = Sent::of(
            b"Via: SIP/2.0/UDP x\r\nf: \"A\" <sip:1@x>;tag=9\r\nTo: <sip:2@x>\r\nprivacy :id\r\n\
              Diversion: <sip:3@x>\r\nDiversion: <sip:4@x>\r\nP-Early-Media: supported\r\nb: <sip:5@x>\r\n",
        );
        assert_eq!(sent.value(Name::From), "\"A\" <sip:1@x>");
        assert_eq!(sent.value(Name::Privacy), "id");
        assert_eq!(sent.value(Name::Diversion), "<sip:3@x>, <sip:4@x>");
        assert_eq!(sent.value(Name::ReferredBy), "<sip:5@x>");
        assert_eq!(sent.values().filter(|value| !value.is_empty()).count(), 4);
        let long = format!("Diversion: {}\r\nDiversion: ä\r\n", "ä".repeat(SENT_MAX));
        let sent = Sent::of(long.as_bytes());
        assert_eq!(sent.value(Name::Diversion).trim_end_matches(", ").len(), SENT_MAX, "cut");
    }
}
