//! History-Info (RFC 7044; also as RFC 4244 wrote it): every target of the call in order.

use crate::forwarding::{FORWARDINGS_MAX, Forwarded, Why};
use crate::headers::push_row;
use crate::party::Party;
use crate::privacy::Privacy;
use crate::rows::{Scene, push_user_at};
use sip_msg::{Msg, Name, NameAddr, Params, Reason, Uri, percent_decode};

/// The longest index that is kept, in bytes.
const INDEX_MAX: usize = 64;

/// The most levels that one forwarding may count for in an index.
const LEVELS_MAX: u16 = 10;

/// One target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Whom it names; the number is empty for a URI without user.
    pub party: Party,
    /// Why the call was sent here (RFC 4458 §2).
    pub cause: Option<u16>,
    /// Why the call left here, as RFC 4244 §4.1 has it.
    pub left: Option<u16>,
    /// Its place in the tree: `1.1`.
    pub index: Box<str>,
    /// How the target was found and from which entry: `mp`, `rc` or `np` (RFC 7044 §5).
    pub link: Option<(&'static str, Box<str>)>,
    /// It is not to be shown.
    pub private: bool,
}

/// Reads all rows; what is malformed is left out. `privacy` of the message holds for every entry.
pub(crate) fn read(msg: Msg<'_>, privacy: Privacy) -> Vec<Entry> {
    let all: Vec<Entry> =
        msg.list(Name::HistoryInfo).filter_map(|element| entry(element, privacy.hides_history())).collect();
    let mut kept = all.split_at(all.len().saturating_sub(FORWARDINGS_MAX)).1.to_vec();
    if kept.iter().any(|entry| entry.index.is_empty()) {
        renumber(&mut kept);
    }
    kept
}

fn entry(element: &[u8], private: bool) -> Option<Entry> {
    let address = NameAddr::parse(element).ok()?;
    let uri = Uri::parse(address.uri).ok()?;
    let cause = uri.params.get("cause").and_then(number);
    let mut headers = Vec::new();
    percent_decode(uri.headers, &mut headers);
    let header = |name: &[u8]| {
        headers.split(|c| *c == b'&').find_map(|header| {
            let at = header.iter().position(|c| *c == b'=')?;
            header[..at].eq_ignore_ascii_case(name).then(|| &header[at + 1..])
        })
    };
    let left = header(b"Reason").map(Reason::parse).filter(|r| r.protocol.eq_ignore_ascii_case(b"SIP"));
    let hidden = header(b"Privacy").is_some_and(|value| {
        value.split(|c| matches!(c, b';' | b',')).any(|v| v.trim_ascii().eq_ignore_ascii_case(b"history"))
    });
    let link = ["mp", "rc", "np"].into_iter().find_map(|kind| {
        let index = index(address.params, kind);
        (!index.is_empty()).then_some((kind, index))
    });
    let party = Party::of(&address).unwrap_or_default();
    Some(Entry {
        party,
        cause,
        left: left.and_then(|r| r.cause),
        index: index(address.params, "index"),
        link,
        private: private || hidden,
    })
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// An index parameter; empty when it is none (RFC 7044 §5 `index-val`).
fn index(params: Params<'_>, name: &str) -> Box<str> {
    let text = params.get(name).and_then(|v| std::str::from_utf8(v).ok()).unwrap_or_default();
    let whole = text.len() <= INDEX_MAX
        && text.split('.').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit()));
    if whole { text.into() } else { Box::default() }
}

/// Gives a chain of indexes to entries that have none.
fn renumber(entries: &mut [Entry]) {
    let mut index = "1".to_owned();
    for entry in entries {
        entry.index = index.as_str().into();
        entry.link = None;
        index.push_str(".1");
    }
}

/// Whether an entry says that somebody forwarded the call.
pub(crate) fn names_forwarding(entries: &[Entry]) -> bool {
    (1..entries.len()).any(|at| forwarder(entries, at).is_some())
}

/// Who forwarded the call to the entry at `at`, and why (RFC 7544 §6): the entry that `mp` names,
/// else the one before.
fn forwarder(entries: &[Entry], at: usize) -> Option<(&Entry, Why)> {
    let (before, here) = (entries.get(at.checked_sub(1)?)?, entries.get(at)?);
    let cause = here.cause.or(before.left)?;
    // A service number that was translated was not forwarded (RFC 8119 §5).
    if cause == 380 {
        return None;
    }
    let named = here.link.as_ref().filter(|(kind, _)| *kind == "mp");
    let from = named.and_then(|(_, index)| entries.iter().take(at).find(|e| e.index == *index));
    let from = from.unwrap_or(before);
    (!from.party.number.is_empty()).then(|| (from, Why::from_cause(cause)))
}

/// The forwardings in a history, the oldest first (RFC 7544 §6). Levels that an index skips stand for
/// forwardings that left no entry.
pub(crate) fn forwarded(entries: &[Entry]) -> Vec<Forwarded> {
    let levels = |index: &str| u16::try_from(index.split('.').count()).unwrap_or(1);
    let one = |at: usize| {
        let (from, why) = forwarder(entries, at)?;
        let deeper = levels(&entries.get(at)?.index).saturating_sub(levels(&from.index));
        Some(Forwarded { party: from.party.clone(), why, counter: deeper.max(1), private: from.private })
    };
    (1..entries.len()).filter_map(one).collect()
}

/// A history made from forwardings, the oldest first, and the number called now (RFC 7544 §5).
pub(crate) fn from_forwarded(forwarded: &[Forwarded], called: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(forwarded.len() + 1);
    let (mut index, mut parent) = ("1".to_owned(), None::<Box<str>>);
    let mut cause = None;
    let target = Party { number: called.into(), display: Box::default() };
    let parties = forwarded.iter().map(|f| (&f.party, Some(f))).chain([(&target, None)]);
    for (party, one) in parties {
        entries.push(Entry {
            party: party.clone(),
            cause: cause.take(),
            left: None,
            index: index.as_str().into(),
            link: parent.take().map(|parent| ("mp", parent)),
            private: one.is_some_and(|f| f.private),
        });
        if let Some(one) = one {
            cause = Some(one.why.cause());
            parent = Some(index.as_str().into());
            (0..one.counter.min(LEVELS_MAX)).for_each(|_| index.push_str(".1"));
        }
    }
    entries
}

/// Appends one row for each entry.
pub(crate) fn push(out: &mut Vec<u8>, entries: &[Entry], scene: &Scene<'_>) {
    for entry in entries {
        let mut value = Vec::with_capacity(96);
        // The name of a target is of no use, and one name less that could leak.
        value.push(b'<');
        push_user_at(&mut value, &entry.party, entry.private, scene);
        if let Some(cause) = entry.cause {
            value.extend_from_slice(format!(";cause={cause}").as_bytes());
        }
        let left = entry.left.map(|cause| format!("Reason=SIP%3Bcause%3D{cause}"));
        let private = entry.private.then(|| "Privacy=history".to_owned());
        let headers: Vec<String> = left.into_iter().chain(private).collect();
        if !headers.is_empty() {
            value.push(b'?');
            value.extend_from_slice(headers.join("&").as_bytes());
        }
        value.extend_from_slice(format!(">;index={}", entry.index).as_bytes());
        if let Some((kind, index)) = &entry.link {
            value.extend_from_slice(format!(";{kind}={index}").as_bytes());
        }
        push_row(out, b"History-Info", &value);
    }
}
