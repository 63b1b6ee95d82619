//! Limits for each direction, response mapping and quality rules of a trunk.

use super::view::View;
use crate::keys::{MAPPING, MEASURE};
use crate::model::{EachWay, Hunting, Mapping, Quality};
use crate::text::Table;

/// Limits for each direction.
pub(super) fn each_way(trunk: &View<'_>) -> EachWay {
    EachWay {
        calls_in_max: trunk.integer("calls_in_max"),
        calls_out_max: trunk.integer("calls_out_max"),
        cps_in_max: trunk.integer("cps_in_max"),
        cps_out_max: trunk.integer("cps_out_max"),
    }
}

/// How gateways are tried.
pub(super) fn hunting(trunk: &View<'_>) -> Option<Hunting> {
    Some(Hunting { way: trunk.word("hunt")?, forks_max: trunk.integer("forks_max")? })
}

/// The rules of `map_response`, in order.
pub(super) fn mappings(trunk: &View<'_>) -> Option<Vec<Mapping>> {
    trunk.items("map_response").iter().map(|rule| mapping(rule.table()?)).collect()
}

fn mapping(rule: &Table) -> Option<Mapping> {
    let view = View::new(&MAPPING, [Some(rule)]);
    let status: u16 = view.integer("status")?;
    Some(Mapping {
        status: Some(status).filter(|s| *s != 0),
        cause: view.integer("cause"),
        to: view.integer("to")?,
    })
}

/// The rules of `quality`; the outer `None` is a fault.
pub(super) fn quality(trunk: &View<'_>) -> Option<Option<Quality>> {
    if trunk.value("quality").is_none() {
        return Some(None);
    }
    let view = trunk.inner(&MEASURE, "quality");
    if view.truth("enabled") == Some(false) {
        return Some(None);
    }
    Some(Some(Quality {
        asr_min: view.integer("asr_min"),
        pdd_max: view.duration("pdd_max"),
        acd_min: view.duration("acd_min"),
        window: view.integer("window")?,
        hold: view.duration("hold")?,
    }))
}
