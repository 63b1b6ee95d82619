//! Further numbers of a call (an asserted identity, who was called before), read and written as its
//! caller is.

use crate::dialplan::Normal;
use crate::facts::Facts;
use crate::number::is_possible;
use crate::table::Table;
use crate::trace::{NoTrace, Side};
use crate::wire;
use base::TrunkId;
use config::{SpeaksFor, Users};

impl Table {
    /// A number that arrived by the trunk `on`, normalised; empty when it cannot be one.
    #[must_use]
    pub fn read_number(&self, received: &str, on: TrunkId) -> String {
        self.read_number_of(received, &Facts::new(on, "", ""))
    }

    /// The same, as a number of who calls.
    #[must_use]
    pub fn read_number_of(&self, received: &str, who: &Facts<'_>) -> String {
        if !is_possible(received) {
            return String::new();
        }
        self.normalise(received, Side::Caller, self.origin(who), &mut NoTrace).unwrap_or_default().number
    }

    /// Whether a proven user of the arriving trunk may call as what it says: its numbers as received, `said` and
    /// `named` (empty: none), and `caller`, how `said` was read. All have to be its own; in an emergency nothing is
    /// asked.
    #[must_use]
    pub fn speaks_for_itself<'n>(
        &self,
        users: &Users,
        who: &Facts<'_>,
        (said, caller): (&str, &str),
        mut named: impl Iterator<Item = &'n str>,
    ) -> bool {
        let Some(user) = who.user.map(usize::from) else { return true };
        let owns =
            |number: &str| users.owns(user, number) || users.owns(user, &self.read_number_of(number, who));
        let is_own = |said: &str| said.is_empty() || owns(said);
        users.authenticate.caller == SpeaksFor::Any
            || (users.owns(user, caller) || is_own(said)) && named.all(is_own)
    }

    /// A normalised number in the form that the trunk `to` wants; empty when its translations hide it.
    #[must_use]
    pub fn write_number(&self, number: &str, to: TrunkId) -> String {
        let Some(facts) = self.trunks.get(to.index()) else { return number.to_owned() };
        let normal = Normal { number: number.to_owned(), ..Normal::default() };
        let country = self.dialplan.country();
        wire::write(facts, Side::Caller, &normal, country, &mut NoTrace).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_numbers_are_read_and_written_like_the_callers() {
        let text = r#"
version = 1
country = "DE"
[listen.a]
address = "192.0.2.1"
sip = ["udp:5060"]
rtp = "20000-20099"
[trunk.pbx]
kind = "direct"
listen = "a"
gateways = ["10.0.0.1"]
[trunk.one]
kind = "itsp"
listen = "a"
gateways = ["10.0.0.2"]
override = { number_format = "international" }
[[dialplan]]
name = "extension"
match = "([1-9][0-9]{2})"
to = "+493023125$1"
trunk = "pbx"
"#;
        let loaded = config::parse(text, "t", config::Format::Toml).unwrap_or_else(|e| panic!("{e}"));
        let table = Table::compile(&loaded.config);
        let (pbx, one) = (TrunkId(0), TrunkId(1));
        for (received, read, written) in [
            ("100", "+493023125100", "00493023125100"),
            ("030 23125-100", "+493023125100", "00493023125100"),
            ("alice", "alice", "alice"),
            ("a\u{1}", "", ""),
        ] {
            assert_eq!(table.read_number(received, pbx), read);
            assert_eq!(table.write_number(read, one), written);
        }
        assert_eq!(table.read_number("100", one), "100", "another trunk's rule");
        assert_eq!(table.write_number("+44", TrunkId(9)), "+44");
    }
}
