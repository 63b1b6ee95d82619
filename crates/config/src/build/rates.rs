//! Tables of rates, before their files are read.

use super::trunk_id;
use super::view::View;
use crate::forms::calendar;
use crate::keys::RATES;
use crate::model::RateTable;
use crate::names::Names;
use crate::text::Table;

pub(super) fn table(name: &str, table: &Table, names: &Names<'_>) -> Option<RateTable> {
    let view = View::new(&RATES, [Some(table)]);
    Some(RateTable {
        name: name.to_owned(),
        file: view.string("file")?,
        trunk: view.text("trunk").and_then(|trunk| trunk_id(names, trunk)),
        currency: view.string("currency"),
        zone: view.text("zone").and_then(|zone| calendar::zone(zone).ok()),
        rates: Vec::new(),
        times: Vec::new(),
        fingerprint: 0,
    })
}
