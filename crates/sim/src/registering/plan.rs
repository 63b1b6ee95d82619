//! What happens to registrations: drawn from dice before it begins.

use crate::dice::Dice;
use crate::net::Weather;
use base::Time;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// How long a world lasts, seconds.
const END: u64 = 4 * 3_600;
/// Hosts of the provider.
const HOSTS: u8 = 2;

/// How a registrar answers from one second to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusing {
    /// From this second.
    pub from: u64,
    /// To this one.
    pub until: u64,
    /// With this status.
    pub status: u16,
    /// With this Retry-After.
    pub retry_after: Option<u32>,
}

/// One world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What all else follows from.
    pub seed: u64,
    /// The network.
    pub weather: Weather,
    /// Whether the registrar accepts each account's password.
    pub accounts: Vec<bool>,
    /// Seconds that the house asks for.
    pub wanted: u32,
    /// Seconds that the registrar grants at most, and at least.
    pub granted: (u32, u32),
    /// A nonce is good so often before it is stale.
    pub nonce_uses: u32,
    /// Hosts that are dead from one second to another.
    pub deaths: Vec<(u8, u64, u64)>,
    /// When the registrar refuses everybody.
    pub refusing: Vec<Refusing>,
    /// Seconds at which the registrar forgets all bindings and nonces.
    pub amnesia: Vec<u64>,
    /// Seconds at which the house is started anew.
    pub restarts: Vec<u64>,
    /// How long it lasts, seconds.
    pub end: u64,
}

impl Plan {
    /// A world by its seed.
    #[must_use]
    pub fn draw(seed: u64) -> Plan {
        let mut dice = Dice::new(seed);
        let weather = Weather {
            loss: dice.pick(&[0, 5, 20, 40]),
            twice: dice.pick(&[0, 5, 20]),
            delay: dice.pick(&[5, 50, 400]),
            dawdle: dice.pick(&[0, 5]),
        };
        let accounts = (0..dice.between(1, 4)).map(|_| !dice.percent(25)).collect();
        let least = dice.pick(&[180, 300, 900]);
        let moment = |dice: &mut Dice| dice.between(1, END - 3_600);
        let some = |dice: &mut Dice, most: u64| dice.below(most + 1);
        let deaths = (0..some(&mut dice, 4)).map(|_| {
            let (host, from) = (dice.below(u64::from(HOSTS)) as u8, moment(&mut dice));
            (host, from, from + dice.between(5, 1_500))
        });
        let deaths = deaths.collect();
        let refusing = (0..some(&mut dice, 2)).map(|_| {
            let from = moment(&mut dice);
            let status = dice.pick(&[403, 404, 480, 500, 503]);
            let retry_after = (status == 503 && dice.percent(50)).then(|| dice.between(1, 600) as u32);
            Refusing { from, until: from + dice.between(30, 900), status, retry_after }
        });
        let refusing = refusing.collect();
        Plan {
            seed,
            weather,
            accounts,
            wanted: dice.pick(&[120, 600, 3_600]),
            granted: (least + dice.between(0, 600) as u32, least),
            nonce_uses: dice.pick(&[1, 3, 1_000]),
            deaths,
            refusing,
            amnesia: (0..some(&mut dice, 1)).map(|_| moment(&mut dice)).collect(),
            restarts: (0..some(&mut dice, 2)).map(|_| moment(&mut dice)).collect(),
            end: END,
        }
    }

    /// The address of a host of the provider.
    #[must_use]
    pub fn address(&self, host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7 + host], 5060))
    }

    /// The name of an account.
    #[must_use]
    pub fn account(&self, index: usize) -> String {
        format!("user{index}")
    }

    /// The house's configuration: a trunk for each account, all at both hosts of the provider.
    #[must_use]
    pub fn config(&self) -> String {
        let mut text = String::from(
            "version = 1\n[records]\npath = \"off\"\n[listen.outside]\naddress = \"192.0.2.1\"\n\
             sip = [\"udp:5060\"]\nrtp = \"20000-20099\"\n",
        );
        for index in 0..self.accounts.len() {
            let (name, wanted) = (self.account(index), self.wanted);
            let _ = write!(
                text,
                "[trunk.{name}]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.7\", \"192.0.2.8\"]\n\
                 domain = \"tel.example\"\noptions_interval = 0\nusername = \"{name}\"\npassword = \"p\"\n\
                 register = {{ expires = \"{wanted}s\", contact_user = \"{name}\" }}\n",
            );
        }
        text
    }

    /// Whether something was or is wrong with a registrar or the house between two moments.
    #[must_use]
    pub fn disturbed(&self, from: Time, until: Time) -> bool {
        let (from, until) = (from.as_millis() / 1_000, until.as_millis() / 1_000 + 1);
        let meets = |a: u64, b: u64| a <= until && from <= b;
        let moment = |at: &u64| meets(*at, *at);
        self.deaths.iter().any(|(_, a, b)| meets(*a, *b))
            || self.refusing.iter().any(|r| meets(r.from, r.until))
            || self.amnesia.iter().chain(&self.restarts).any(moment)
    }
}
