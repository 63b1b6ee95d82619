//! Policies of identity.

use super::view::View;
use crate::forms::number;
use crate::keys::{CALLER, FORWARDING, SCREEN};
use crate::model::{Caller, CallerWritten, Forwarding, ForwardingHeader, PassStrip, Screen, Words};

/// Reads who calls; `identity` says what holds where the table says nothing.
pub(super) fn caller(policy: &View<'_>) -> Option<Caller> {
    let view = policy.inner(&CALLER, "caller");
    let passes = policy.word::<PassStrip>("identity")? == PassStrip::Pass;
    let write = match (view.value("write").is_some(), passes) {
        (true, _) => Some(words(&view, "write")?),
        (false, true) => None,
        (false, false) => Some(vec![CallerWritten::From]),
    };
    Some(Caller {
        trust: if view.value("trust").is_some() { view.truth("trust")? } else { passes },
        read: words(&view, "read")?,
        write,
        pai: view.word("pai")?,
        withheld: view.word("withheld")?,
        withheld_from: view.word("withheld_from")?,
        anonymous_host: view.word("anonymous_host")?,
        display: view.word("display")?,
        display_name: view.string("display_name"),
        replaced: view.word("replaced")?,
        charge: view.word("charge")?,
        charge_number: view.string("charge_number"),
        called_party: view.word("called_party")?,
        referred_by: view.word("referred_by")?,
        screen: screen(&view.inner(&SCREEN, "screen"))?,
    })
}

fn screen(view: &View<'_>) -> Option<Screen> {
    let ranges = || view.strings("owned").iter().map(|text| number::range(text).ok()).collect::<Option<_>>();
    Some(Screen {
        owned: if view.value("owned").is_some() { Some(ranges()?) } else { None },
        pilot: view.string("pilot"),
        not_owned: view.word("not_owned")?,
    })
}

/// Reads who was called before; the words `diversion` and `history_info` say what holds where the
/// table says nothing.
pub(super) fn forwarding(policy: &View<'_>) -> Option<Forwarding> {
    let view = policy.inner(&FORWARDING, "forwarding");
    let read = if view.value("read").is_some() {
        words(&view, "read")?
    } else {
        let pairs =
            [("diversion", ForwardingHeader::Diversion), ("history_info", ForwardingHeader::HistoryInfo)];
        let passing = |key| policy.word::<PassStrip>(key) == Some(PassStrip::Pass);
        pairs.into_iter().filter(|(key, _)| passing(key)).map(|(_, header)| header).collect()
    };
    Some(Forwarding { read, write: view.word("write")?, first_is: view.word("first_is")? })
}

/// A list of words.
fn words<W: Words>(view: &View<'_>, key: &str) -> Option<Vec<W>> {
    view.strings(key).iter().map(|text| W::from_token(text)).collect()
}
