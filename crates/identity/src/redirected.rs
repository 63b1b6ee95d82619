//! Who was called before, when one that we called sends the call on.

use crate::forwarding::{FORWARDINGS_MAX, Forwarded, History, Why};
use crate::history::{Entry, from_forwarded};
use crate::party::Party;
use config::ForwardingHeader;

impl History {
    /// This history with one forwarding more: `by` sent the call on to `called` (RFC 5806 §5, RFC 7044 §10.3).
    /// Where nobody has told of any yet, both headers can.
    pub fn redirected(&self, by: &str, why: Why, called: &str) -> History {
        let party = |number: &str| Party { number: number.into(), display: Box::default() };
        let mut history = self.clone();
        let one = Forwarded { party: party(by), why, counter: 1, private: false };
        match history.info.last() {
            Some(last) => {
                let from = last.index.clone();
                history.info.push(Entry {
                    party: party(called),
                    cause: Some(why.cause()),
                    left: None,
                    index: format!("{from}.1").into(),
                    link: Some(("mp", from)),
                    private: false,
                });
            }
            None if self.from.is_none() => {
                history.info = from_forwarded(std::slice::from_ref(&one), called);
            }
            None => {}
        }
        let only_info = self.from == Some(ForwardingHeader::HistoryInfo) && self.diversion.is_empty();
        if !only_info {
            history.diversion.push(one);
        }
        keep_last(&mut history.diversion);
        keep_last(&mut history.info);
        history
    }
}

fn keep_last<T>(all: &mut Vec<T>) {
    all.drain(..all.len().saturating_sub(FORWARDINGS_MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_redirect_is_one_entry_in_what_is_told() {
        let once = History::default().redirected("+491", Why::Unconditional, "+492");
        let twice = once.redirected("+492", Why::Deflection, "+493");
        let by: Vec<(&str, Why)> = twice.diversion.iter().map(|f| (&*f.party.number, f.why)).collect();
        assert_eq!(by, [("+491", Why::Unconditional), ("+492", Why::Deflection)]);
        let entries: Vec<(&str, &str, Option<u16>)> =
            twice.info.iter().map(|e| (&*e.party.number, &*e.index, e.cause)).collect();
        assert_eq!(entries, [("+491", "1", None), ("+492", "1.1", Some(302)), ("+493", "1.1.1", Some(480))]);
    }

    #[test]
    fn the_header_that_came_is_the_one_that_goes_on() {
        let only_info = History { from: Some(ForwardingHeader::HistoryInfo), ..once_by_info() };
        let more = only_info.redirected("+492", Why::Unconditional, "+493");
        assert_eq!((more.diversion.len(), more.info.len()), (0, 3));
        let only_diversion = History {
            from: Some(ForwardingHeader::Diversion),
            info: Vec::new(),
            ..History::default().redirected("+491", Why::Unconditional, "+492")
        };
        let more = only_diversion.redirected("+492", Why::Unconditional, "+493");
        assert_eq!((more.diversion.len(), more.info.len()), (2, 0));
    }

    fn once_by_info() -> History {
        let once = History::default().redirected("+491", Why::Unconditional, "+492");
        History { diversion: Vec::new(), ..once }
    }
}
