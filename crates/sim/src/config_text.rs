//! The configurations of simulated worlds: one organisation with a PBX inside and providers outside.

use crate::dice::Dice;
use crate::names::Names;
use std::fmt::Write as _;

/// What differs from the plain configuration.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// Rows of `override` of the PBX's trunk.
    pub inside: String,
    /// Rows of `override` of the providers' trunks.
    pub outside: String,
    /// Rows of every trunk.
    pub trunks: String,
    /// Rows of the first provider's trunk alone.
    pub first: String,
    /// Time between OPTIONS, seconds; 0 is off.
    pub options: u32,
    /// The first provider's second gateway, written as a name.
    pub named: bool,
    /// What the DNS says of that name at first.
    pub names: Names,
    /// The second provider is reached over TCP.
    pub tcp: bool,
    /// Who rings at once.
    pub hunt: Hunt,
    /// Calls that the link of the first provider's site takes; without it there are no sites.
    pub link: Option<u32>,
}

/// Whose gateways ring at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Hunt {
    /// Nobody's.
    #[default]
    Order,
    /// The first provider's, which has one more then.
    First,
    /// All trunks', both providers' in one tier.
    All,
}

impl Variant {
    /// A variant.
    #[must_use]
    pub fn draw(dice: &mut Dice) -> Variant {
        let mut variant = Variant {
            inside: policy(dice),
            outside: policy(dice),
            options: if dice.percent(25) { dice.between(5, 20) as u32 } else { 0 },
            named: dice.percent(25),
            tcp: dice.percent(20),
            ..Variant::default()
        };
        let failover = dice.pick(&[2, 4, 10]);
        let ring = dice.pick(&[10, 20, 180]);
        let _ = writeln!(variant.trunks, "failover_after = \"{failover}s\"\nring_timeout = \"{ring}s\"");
        if dice.percent(10) {
            let _ = writeln!(variant.first, "calls_max = {}", dice.between(1, 2));
        }
        if dice.percent(10) {
            let _ = writeln!(variant.first, "cps_max = 1");
        }
        variant
    }

    /// The text of the `edition`th configuration of this world: 0 the first, others slightly changed.
    #[must_use]
    pub fn text(&self, edition: usize, options: u32) -> String {
        let Variant { inside, outside, trunks, first, .. } = self;
        let common = format!("options_interval = \"{options}s\"\noptions_misses = 2\n{trunks}");
        let named = if self.named { ", \"gw.one.example\"" } else { "" };
        let tcp = if self.tcp { ":5060;transport=tcp" } else { "" };
        let (to, name) = match (edition, self.hunt) {
            (2, _) => ("\"two\"", "single"),
            (_, Hunt::All) => ("[\"one\", \"two\"]", "together"),
            (1, _) => ("\"two\", \"one\"", "reversed"),
            _ => ("\"one\", \"two\"", "world"),
        };
        let parallel = "hunt = \"parallel\"\n";
        let (also, one_hunts, hunts) = match self.hunt {
            Hunt::Order => ("", "", ""),
            Hunt::First => (", \"192.0.2.11\"", parallel, ""),
            Hunt::All => (", \"192.0.2.11\"", parallel, parallel),
        };
        let one = format!(
            "[trunk.one]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.7\"{named}{also}]\n{common}{first}{one_hunts}override = {{ {outside} }}\n"
        );
        let one = if edition == 2 { String::new() } else { one };
        let sites = self.link.map_or(String::new(), |max| format!(
            "[site.far]\nsubnets = [\"192.0.2.7\", \"192.0.2.11\"]\nwan_calls_max = {max}\n[site.near]\nsubnets = [\"10.0.0.0/24\"]\n"
        ));
        format!(
            "version = 1\ncountry = \"DE\"\n\
             [listen.inside]\naddress = \"10.0.0.5\"\nsip = [\"udp:5060\", \"tcp:5060\"]\nrtp = \"20000-29999\"\n\
             [listen.outside]\naddress = \"192.0.2.1\"\nsip = [\"udp:5060\", \"tcp:5060\"]\nrtp = \"30000-39999\"\n\
             [trunk.pbx]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [\"10.0.0.21\", \"10.0.0.22\"]\n{common}{hunts}override = {{ {inside} }}\n\
             {one}\
             [trunk.two]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"192.0.2.8{tcp}\"]\n{common}{hunts}override = {{ {outside} }}\n\
             [[numbers]]\nrange = \"+493023125000..+493023125999\"\ndeliver = [\"pbx\"]\n\
             [[route]]\nname = \"{name}\"\nmatch = {{ called = \"+*\" }}\nto = [{to}]\n{sites}"
        )
    }
}

fn policy(dice: &mut Dice) -> String {
    let mut rows = vec![
        format!("early_offer = \"{}\"", dice.pick(&["pass", "make", "withhold"])),
        format!("prack = \"{}\"", dice.pick(&["supported", "supported", "off"])),
        format!("hold = \"{}\"", dice.pick(&["pass", "pass", "pass", "sendonly", "inactive", "zero"])),
    ];
    if dice.percent(30) {
        let seconds = dice.between(90, 200);
        let refresher = dice.pick(&["auto", "us", "peer"]);
        let by = dice.pick(&["auto", "update", "reinvite"]);
        rows.push(format!(
            "session_timer = {{ expires = \"{seconds}s\", refresher = \"{refresher}\", refresh_by = \"{by}\" }}"
        ));
    }
    if dice.percent(50) {
        dialog(dice, &mut rows);
    }
    rows.join(", ")
}

/// Keys that fit the two dialogs of a call to each other.
fn dialog(dice: &mut Dice, rows: &mut Vec<String>) {
    let absorb = dice.pick(&["", "\"refresh\"", "\"refresh\", \"hold\"", "\"refresh\", \"hold\", \"codec\""]);
    rows.push(format!("absorb = [{absorb}]"));
    rows.push(format!("late_reinvite = \"{}\"", dice.pick(&["pass", "answer"])));
    rows.push(format!("early_media = \"{}\"", dice.pick(&["pass", "pass", "gate", "strip"])));
    rows.push(format!("early_dialogs = \"{}\"", dice.pick(&["all", "one"])));
    rows.push(format!("early_dialogs_max = {}", dice.between(4, 20)));
    let ringing = [
        format!("map_180 = \"{}\"", dice.pick(&["pass", "183"])),
        format!("map_181 = \"{}\"", dice.pick(&["pass", "drop"])),
        format!("map_183 = \"{}\"", dice.pick(&["pass", "180", "drop"])),
        format!("late_180 = \"{}\"", dice.pick(&["pass", "drop"])),
        format!("after = \"{}s\"", dice.pick(&[0, 1, 5])),
    ];
    rows.push(format!("ringing = {{ {} }}", ringing.join(", ")));
}
