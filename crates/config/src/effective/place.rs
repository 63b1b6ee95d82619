//! Where the callers of a trunk are: by its own word, by its gateways, or each by its address.

use crate::model::{Config, Networks};
use base::TrunkId;
use std::fmt;

/// Where the callers of a trunk are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Whereabouts {
    /// Where the trunk is; dial rules and rights of this site are shown.
    pub site: Option<String>,
    /// The trunk names no site: its gateways are in networks of this one.
    pub by_gateways: bool,
    /// Sites whose networks callers of the trunk may be in: who is has what that site says.
    pub others: Vec<String>,
}

impl Whereabouts {
    pub(super) fn of(config: &Config, trunk: TrunkId) -> Whereabouts {
        let Some(trunk) = config.trunk(trunk) else { return Whereabouts::default() };
        let networks = Networks::of(&config.sites);
        let all = (config.sites.as_slice(), config.gateways.as_slice());
        let home = networks.home(trunk, all);
        let name = |at: usize| config.sites.get(at).map(|site| site.name.clone());
        let around = networks.around(trunk, all);
        Whereabouts {
            site: trunk.site.clone().or_else(|| name(home?)),
            by_gateways: trunk.site.is_none() && home.is_some(),
            others: around.into_iter().filter(|at| *at != home).filter_map(|at| name(at?)).collect(),
        }
    }
}

impl fmt::Display for Whereabouts {
    /// What is worth a line: nothing where the trunk's own word is all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site.as_deref().unwrap_or("no site");
        if self.by_gateways {
            write!(f, "The trunk is at {site}: its gateways are in the `subnets` of that site.")?;
        }
        if !self.others.is_empty() {
            let (space, others) = (if self.by_gateways { " " } else { "" }, self.others.join(", "));
            write!(
                f,
                "{space}Shown is what holds at {site}; dial rules and rights of callers whose address is in the \
                 `subnets` of another site ({others}) are those of that site."
            )?;
        }
        Ok(())
    }
}
