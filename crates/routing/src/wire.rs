//! The two numbers of an attempt as its trunk wants to see them.
//!
//! First the trunk's number format, then what it does with extensions, at last its translations.
//! Enter through [`write`].

use crate::dialplan::Normal;
use crate::number::wire;
use crate::table::TrunkFacts;
use crate::trace::{Side, Trace, Way};
use crate::translate::{List, push_extension};
use config::{Country, Extension};

/// Writes one number; `None` when the trunk's translations leave no number that can be sent.
pub(crate) fn write(
    trunk: &TrunkFacts,
    side: Side,
    normal: &Normal,
    country: Option<&Country>,
    trace: &mut dyn Trace,
) -> Option<String> {
    let text = with_extension(trunk, normal, country);
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

/// A number in the trunk's form, its extension as the trunk takes it (R66, INTEROP 28).
fn with_extension(trunk: &TrunkFacts, normal: &Normal, country: Option<&Country>) -> String {
    let Normal { number, extension, .. } = normal;
    let extension = extension.as_deref();
    let pilot = trunk.pilot.as_ref().filter(|_| extension.is_none());
    let of_pilot = pilot.and_then(|pilot| Some((&*pilot.number, pilot.extension(number)?)));
    match (trunk.extension, of_pilot, extension) {
        (Extension::Short, Some((_, short)), _) => return short.to_owned(),
        (Extension::Append, _, Some(extension)) => {
            return wire(&format!("{number}{extension}"), trunk.format, country);
        }
        _ => {}
    }
    let (number, extension) = match (trunk.extension, of_pilot) {
        (Extension::Add, Some((pilot, short))) => (pilot, Some(short)),
        (Extension::Pass | Extension::Add, _) => (number.as_str(), extension),
        (Extension::Strip | Extension::Append | Extension::Short, _) => (number.as_str(), None),
    };
    let mut text = wire(number, trunk.format, country);
    push_extension(&mut text, extension);
    text
}
