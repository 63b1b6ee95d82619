//! Where a demo happens: addresses on loopback that nobody else holds, a folder, and the configuration
//! that fits them. Enter through [`Ground::candidates`].

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// SIP ports that are tried, the usual one first: another SIP server may hold it on every address.
const PORTS: [u16; 4] = [5060, 5070, 15_060, 25_060];
/// Second bytes of the loopback networks that are tried: two demos may run at once.
const NETWORKS: std::ops::RangeInclusive<u8> = 60..=79;
/// How long a silent gateway holds a call up, milliseconds; the default of a trunk is 10 s.
pub(super) const FAILOVER_MS: u64 = 1_000;

/// Addresses, all with the same port, and a folder.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    network: u8,
    port: u16,
    /// Holds everything that the demo writes.
    pub(super) folder: PathBuf,
}

impl Ground {
    /// Places to be tried, in order.
    pub(super) fn candidates(folder: &Path) -> impl Iterator<Item = Ground> {
        let on = |port, network| Ground { network, port, folder: folder.to_owned() };
        PORTS.into_iter().flat_map(move |port| NETWORKS.map(move |network| on(port, network)))
    }

    fn at(&self, side: u8, host: u8) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, self.network, side, host), self.port))
    }

    /// The server's inner side.
    pub(super) fn inside(&self) -> SocketAddr {
        self.at(1, 1)
    }

    /// The server's outer side.
    pub(super) fn outside(&self) -> SocketAddr {
        self.at(2, 1)
    }

    /// The scripted IP-PBX.
    pub(super) fn pbx(&self) -> SocketAddr {
        self.at(1, 10)
    }

    /// The scripted provider.
    pub(super) fn itsp(&self) -> SocketAddr {
        self.at(2, 20)
    }

    /// A provider's gateway that takes everything and says nothing.
    pub(super) fn dead(&self) -> SocketAddr {
        self.at(2, 66)
    }

    /// The configuration.
    pub(super) fn config(&self) -> String {
        let folder = self.folder.display();
        let (inside, outside) = (self.inside(), self.outside());
        format!(
            r#"# The configuration of `tronco demo`. Print it with `tronco demo --print-config`.
version = 1
country = "DE"                        # how to read numbers that are not +E.164
node    = {{ name = "demo" }}

[listen.inside]                       # the side of the organisation
address = "{inside_ip}"
sip     = ["udp:{port}", "tcp:{port}"]
rtp     = "20000-23999"

[listen.outside]                      # the side of the providers
address = "{outside_ip}"
sip     = ["udp:{port}", "tcp:{port}"]
rtp     = "30000-33999"

[trunk.pbx]                           # direct SIP to the IP-PBX, which dials and wants numbers as people do
kind     = "direct"
listen   = "inside"
gateways = ["{pbx}"]
sources  = ["127.0.0.0/8"]            # whoever tries the demo from this machine
override = {{ number_format = "national" }}

[trunk.itsp]                          # a provider that speaks +E.164
kind     = "itsp"
listen   = "outside"
gateways = ["{itsp}"]
sources  = ["127.0.0.0/8"]

[trunk.budget]                        # a cheaper provider whose gateway is dead
kind           = "itsp"
listen         = "outside"
gateways       = ["{dead}"]
failover_after = "{FAILOVER_MS}ms"             # 10s unless set; short, for the demo's sake

[[numbers]]                           # our numbers, and where their calls go
range   = "+493023125000..+493023125999"
deliver = ["pbx"]

[[route]]                             # first match wins: the cheap way first, the sure one next
name  = "france"
match = {{ on = "pbx", called = "+33*" }}
to    = ["budget", "itsp"]

[[route]]
name  = "world"
match = {{ on = "pbx", called = "+*" }}
to    = ["itsp"]

[[test]]                              # runs in every check and before every start
call   = {{ on = "pbx", from = "03023125101", to = "00441632960001" }}
expect = {{ route = "world", called = "+441632960001", calling = "+493023125101", trunk = "itsp" }}

[[test]]
call   = {{ on = "itsp", from = "+441632960302", to = "+493023125502" }}
expect = {{ trunk = "pbx" }}

[records]
path = "{folder}/records"

[api]
socket = "{folder}/tronco.sock"

[log]
level = "error"
"#,
            inside_ip = inside.ip(),
            outside_ip = outside.ip(),
            port = self.port,
            pbx = self.pbx(),
            itsp = self.itsp(),
            dead = self.dead(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_has_a_good_configuration() {
        for ground in Ground::candidates(Path::new("/tmp/x")) {
            let parsed = config::parse(&ground.config(), "demo.toml", config::Format::Toml).unwrap();
            assert!(parsed.warnings.is_empty(), "{}", parsed.warnings.first().unwrap());
            let table = routing::Table::compile(&parsed.config);
            assert!(routing::run_tests(&parsed.config, &table).iter().all(routing::TestOutcome::passed));
        }
    }

    #[test]
    fn no_address_is_the_beginning_of_one_on_the_other_side() {
        let ground = Ground::candidates(Path::new("/tmp/x")).next().unwrap();
        for inner in [ground.inside(), ground.pbx()] {
            for outer in [ground.outside(), ground.itsp(), ground.dead()] {
                assert!(!outer.to_string().starts_with(&inner.ip().to_string()));
                assert!(!inner.to_string().starts_with(&outer.ip().to_string()));
            }
        }
    }
}
