//! More records than one answer of the daemon holds: asked for page after page.

use api::wire::{RecordPage, RecordQuery};
use store::{LIMIT_MAX, StoredCall};

/// The newest `limit` that match, oldest of them first; `next` is the `before` of those that were left out,
/// when there may be any. `ask` asks the daemon.
pub(super) fn newest<E>(
    filters: RecordQuery,
    limit: usize,
    ask: impl Fn(&RecordQuery) -> Result<RecordPage, E>,
) -> Result<RecordPage, E> {
    let mut records: Vec<StoredCall> = Vec::new();
    let mut query = RecordQuery { newest: Some(true), ..filters };
    let mut next = None;
    while records.len() < limit {
        query.limit = Some((limit - records.len()).min(LIMIT_MAX));
        let page = ask(&query)?;
        records.extend(page.records);
        next = page.next;
        if next.is_none() {
            break;
        }
        query.before = next;
    }
    records.reverse();
    Ok(RecordPage { records, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A daemon with this many records, which gives no more at once than the true one.
    fn daemon(stored: i64) -> impl Fn(&RecordQuery) -> Result<RecordPage, ()> {
        move |query| {
            let limit = query.limit.unwrap_or(0);
            assert!(limit > 0 && limit <= LIMIT_MAX && query.newest == Some(true), "{limit}");
            let newest = query.before.map_or(stored, |before| before - 1);
            let ids = (1..=newest).rev().take(limit);
            let records: Vec<StoredCall> = ids.map(record).collect();
            let next = records.last().filter(|_| records.len() == limit).map(|record| record.id);
            Ok(RecordPage { records, next })
        }
    }

    fn record(id: i64) -> StoredCall {
        StoredCall { id, ..StoredCall::default() }
    }

    #[test]
    fn a_limit_beyond_one_answer_is_kept_and_the_next_page_is_told() {
        let ask = daemon(25_000);
        let all = |limit, before| {
            let page = newest(RecordQuery { before, ..RecordQuery::default() }, limit, &ask);
            let page = page.unwrap_or(RecordPage { records: Vec::new(), next: None });
            let ids = (page.records.first().map(|r| r.id), page.records.last().map(|r| r.id));
            (page.records.len(), ids, page.next)
        };
        assert_eq!(all(20_000, None), (20_000, (Some(5_001), Some(25_000)), Some(5_001)));
        assert_eq!(all(20_000, Some(5_001)), (5_000, (Some(1), Some(5_000)), None));
        assert_eq!(all(3, None), (3, (Some(24_998), Some(25_000)), Some(24_998)));
        assert_eq!(all(0, None), (0, (None, None), None));
    }
}
