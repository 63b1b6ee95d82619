//! The two numbers of an attempt as its trunk wants to see them.
//!
//! First the trunk's number format, then what it does with extensions, at last its translations.
//! Enter through [`write`].

use crate::dialplan::Normal;
use crate::number::wire;
use crate::table::TrunkFacts;
use crate::trace::{Side, Trace, Way};
use crate::translate::{List, push_extension};
use config::{Country, NumberFormat};

/// Writes one number; `None` when the trunk's translations leave no number that can be sent.
pub(crate) fn write(
    trunk: &TrunkFacts,
    side: Side,
    normal: &Normal,
    country: Option<&Country>,
    trace: &mut dyn Trace,
) -> Option<String> {
    let whole = matches!(trunk.format, NumberFormat::E164Plus | NumberFormat::AsRouted);
    // An extension means something to a PBX only, and only beside a whole number (R66).
    let extension = normal.extension.as_deref().filter(|_| trunk.direct && whole);
    let mut text = wire(&normal.number, trunk.format, country);
    push_extension(&mut text, extension);
    let translator = match side {
        Side::Called => &trunk.called_out,
        Side::Caller => &trunk.caller_out,
    };
    if translator.is_empty() || normal.emergency {
        return Some(text);
    }
    let list = List { trunk: &trunk.name, side, way: Way::Out };
    let result = match translator.run(&text, list, trace) {
        Ok(None) => return Some(text),
        Ok(Some(result)) => result,
        Err(_) => return None,
    };
    // Who calls may be hidden so; who is called may not.
    (side == Side::Caller || !result.is_empty()).then_some(result)
}
