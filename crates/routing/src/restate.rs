//! Further numbers of a call (an asserted identity, who was called before), read and written as its
//! caller is.

use crate::dialplan::Normal;
use crate::number::is_possible;
use crate::table::Table;
use crate::trace::{NoTrace, Side};
use crate::wire;
use base::TrunkId;

impl Table {
    /// A number that arrived by the trunk `on`, normalised; empty when it cannot be one.
    #[must_use]
    pub fn read_number(&self, received: &str, on: TrunkId) -> String {
        if !is_possible(received) {
            return String::new();
        }
        self.dialplan.normalise(received, Side::Caller, on.index(), &mut NoTrace).unwrap_or_default().number
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
