//! The Privacy header: what the caller wants kept from the other side.

use sip_msg::{Msg, Name};

/// What Privacy asks for (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §9.1).
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Privacy {
    /// Headers that the caller cannot hide itself; a B2BUA hides them always.
    pub header: bool,
    /// Session descriptions; anchored media hide them.
    pub session: bool,
    /// From and what else names the user.
    pub user: bool,
    /// The asserted identity.
    pub id: bool,
    /// History-Info.
    pub history: bool,
    /// No privacy, whatever was arranged.
    pub none: bool,
    /// Refuse rather than fall short.
    pub critical: bool,
}

impl Privacy {
    /// Reads all rows; values unknown here are left out.
    pub fn of(msg: Msg<'_>) -> Privacy {
        let mut privacy = Privacy::default();
        // Semicolons separate values (RFC 3323 §4.2); commas occur.
        let values = msg.rows(Name::Privacy).flat_map(|row| row.split(|c| matches!(c, b';' | b',')));
        for value in values {
            privacy.take(value.trim_ascii());
        }
        // Asking for privacy and for none at once: the careful reading holds.
        privacy.none &= !(privacy.id || privacy.user || privacy.header || privacy.session || privacy.history);
        privacy
    }

    fn take(&mut self, value: &[u8]) {
        for (word, flag) in self.flags_mut() {
            *flag |= value.eq_ignore_ascii_case(word.as_bytes());
        }
    }

    fn flags_mut(&mut self) -> [(&'static str, &mut bool); 7] {
        [
            ("header", &mut self.header),
            ("session", &mut self.session),
            ("user", &mut self.user),
            ("id", &mut self.id),
            ("history", &mut self.history),
            ("none", &mut self.none),
            ("critical", &mut self.critical),
        ]
    }

    /// Whether all of History-Info is to be kept secret (RFC 7044 §10.1.1).
    pub fn hides_history(self) -> bool {
        self.history || self.header || self.session
    }

    /// The header's value; empty when nothing is asked.
    pub fn value(mut self) -> String {
        let flags = self.flags_mut().into_iter().filter(|(_, set)| **set).map(|(word, _)| word);
        flags.collect::<Vec<_>>().join(";")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_msg::{Index, Leniency, Limits, parse};

    fn check(rows: &str, value: &str) {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{rows}\r\n");
        let mut index = Index::new();
        let msg = parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap();
        assert_eq!(Privacy::of(msg).value(), value, "{rows}");
    }

    #[test]
    fn values_are_read_in_every_spelling() {
        check("", "");
        check("Privacy: id\r\n", "id");
        check("privacy : ID ; Critical\r\n", "id;critical");
        check("Privacy: user\r\nPRIVACY:\r\n id,history\r\n", "user;id;history");
        check("Privacy: none\r\n", "none");
        check("Privacy: none;id\r\n", "id");
        check("Privacy: x-own;header;session\r\n", "header;session");
    }
}
