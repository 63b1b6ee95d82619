//! Keys of the policy about redirects.

use super::Effect::Reload;
use super::Need::Default;
use super::Preset::{Bool as Truth, Integer as Int, Text as Word};
use super::{Key, Shape};
use crate::model::{Redirect, Words};

pub(super) const REDIRECT: Key = Key {
    name: "redirect",
    shape: Shape::Word { now: Redirect::TOKENS, later: &[] },
    need: Default(Word("refuse")),
    effect: Reload,
    doc: "What a redirect (300, 301, 302) of this trunk's peer gets. `refuse`: the attempt has failed. `follow`: the numbers in its Contacts are routed here, as calls that the redirecting number places through this trunk. `pass`: the caller gets it, the numbers at our own address.",
};

pub(super) const REDIRECT_MAX: Key = Key {
    name: "redirect_max",
    shape: Shape::Integer { min: 1, max: 20 },
    need: Default(Int(5)),
    effect: Reload,
    doc: "The most redirects that one call follows; one of this trunk beyond is refused.",
};

pub(super) const REDIRECT_TAKEN: Key = Key {
    name: "redirect_taken",
    shape: Shape::Bool,
    need: Default(Truth(true)),
    effect: Reload,
    doc: "Whether this trunk's peer takes a redirect as the answer to its calls. Where it does not, what would be passed to it is followed here.",
};
