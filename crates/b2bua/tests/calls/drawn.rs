//! A house with everything that routing knows, and numbers drawn for it. Also the tests of `rehearsal` read this file.

use base::Rng;

/// Two providers, an exchange and a gateway with policies, times, classes and translations.
pub(crate) const CONFIG: &str = r#"
version = 1
country = "DE"
default_policy = "guests"
[listen.inside]
address = "10.0.0.5"
sip = ["udp:5060", "tcp:5060"]
rtp = "20000-20099"
[listen.outside]
address = "192.0.2.1"
sip = ["udp:5060", "tcp:5060"]
rtp = "30000-30099"
[policy.guests]
usages = ["home"]
[policy.staff]
usages = ["home", "world", "backup"]
[holidays.de]
dates = ["2023-12-25..2023-12-26", "01-01"]
[trunk.pbx]
kind = "direct"
listen = "inside"
policy = "staff"
gateways = ["10.0.0.21"]
options_interval = "0s"
[trunk.gate]
kind = "direct"
listen = "inside"
gateways = ["10.0.0.22"]
options_interval = "0s"
override = { number_format = "national" }
[trunk.one]
kind = "itsp"
listen = "outside"
gateways = ["192.0.2.7"]
options_interval = "0s"
override = { number_format = "e164" }
[trunk.two]
kind = "itsp"
listen = "outside"
policy = "staff"
deny = ["shared-cost"]
gateways = ["192.0.2.8"]
options_interval = "0s"
[[numbers]]
range = "+493023125000..+493023125999"
deliver = ["pbx", "gate"]
[[route]]
name = "work"
match = { called = "+49*" }
when = { zone = "Europe/Berlin", days = "mon-fri", from = "08:00", to = "18:00", not_holidays = "de" }
except = "+4930*"
usages = ["home"]
to = [["one:70", "two:30"], ["gate"]]
[[route]]
name = "night"
match = { called = "+49*" }
when = { zone = "Europe/Berlin", from = "22:00", to = "05:00" }
usages = ["home"]
caller_id = "+493023125000"
to = "two"
[[route]]
name = "home"
match = { called = "+49*" }
usages = ["home"]
to = ["gate", "two"]
[[route]]
name = "boss"
match = { called = "+*", caller = "+493023125001" }
usages = ["world"]
priority = 1
to = "one"
[[route]]
name = "world"
match = { called = "/\\+(1|44).*/", on = ["pbx", "two"] }
usages = ["world"]
to = [["two:50", "one:50"]]
[[route]]
name = "backup"
match = { called = "+*" }
usages = ["backup"]
to = ["gate"]
retry_on = []
[[route]]
name = "emergency"
match = { called = "112" }
to = ["gate", "one"]
"#;

pub(crate) fn digits(rng: &mut Rng, count: u64) -> String {
    (0..count).map(|_| char::from(b'0' + u8::try_from(rng.below(10)).unwrap_or(0))).collect()
}

/// A number that may be anything: ours, abroad, dear, an emergency, no number at all.
pub(crate) fn number(rng: &mut Rng) -> String {
    let beginnings = [
        "+493023125",
        "03023125",
        "+4930",
        "0351",
        "+4989",
        "+1425555",
        "0044",
        "+44",
        "+881",
        "+4990012",
        "0180",
        "+",
        "00",
        "1",
        "+1876",
    ];
    let at = usize::try_from(rng.below(beginnings.len() as u64 + 2)).unwrap_or(0);
    match beginnings.get(at) {
        Some(beginning) => {
            let count = rng.below(9);
            format!("{beginning}{}", digits(rng, count))
        }
        None if at == beginnings.len() => "112".to_owned(),
        None => "alice".to_owned(),
    }
}
