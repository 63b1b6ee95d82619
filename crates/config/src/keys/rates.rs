//! `[rates.NAME]`.

use super::Effect::Reload;
use super::Need::{Absent, Required};
use super::{Family, Key, Section, Shape};
use crate::forms::{calendar, plain};

pub(crate) static RATES: Section = Section {
    title: "rates.NAME",
    doc: "A file of rates: what trunks charge for calls to numbers of one beginning.",
    keys: &[
        Key {
            name: "file",
            shape: Shape::Text(&plain::PATH),
            need: Required,
            effect: Reload,
            doc: "A CSV file whose first line names its columns: `prefix` and `price` (for a minute), and where wanted `trunk`, `connect` (for each call), `increments` (seconds that are charged at least, and steps after those: `60/60`; `1/1` without), `valid_from`, `valid_until`, `days`, `hours`, `destination`, `note`. Columns are separated by `,`, `;` or tabs. A path that is not absolute begins at the configuration's directory. Read again with each reload.",
        },
        Key {
            name: "trunk",
            shape: Shape::Name(Family::Trunk),
            need: Absent("the column `trunk` names it in each row"),
            effect: Reload,
            doc: "The trunk whose rates they are.",
        },
        Key {
            name: "currency",
            shape: Shape::Text(&plain::CURRENCY),
            need: Absent("not named"),
            effect: Reload,
            doc: "What the prices are in, for those who read the trace; the same in all tables.",
        },
        Key {
            name: "zone",
            shape: Shape::Text(&calendar::ZONE),
            need: Absent("no row may hold at times only"),
            effect: Reload,
            doc: "The time zone of `valid_from`, `valid_until`, `days` and `hours`.",
        },
    ],
};
