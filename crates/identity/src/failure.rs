//! How attempts fail, and which of several refusals the caller hears (RFC 3261 §16.7 step 6).

use base::{ReasonId, TrunkId};

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// The peer's final response; 0 when none came.
    pub status: u16,
    /// What it counts as.
    pub reason: ReasonId,
    /// The cause in its Reason header.
    pub q850: Option<u8>,
    /// Its Retry-After, seconds.
    pub retry_after: Option<u32>,
}

impl Failure {
    /// A failure that no response tells of.
    #[must_use]
    pub fn ours(reason: ReasonId) -> Failure {
        Failure { status: 0, reason, q850: None, retry_after: None }
    }
}

/// How a branch failed.
pub struct Refused {
    /// The trunk of the branch.
    pub trunk: TrunkId,
    /// Its failure.
    pub failure: Failure,
    /// What the caller would hear.
    pub status: u16,
    /// The rows that go with it; `None` when no response came.
    pub rows: Option<Box<[u8]>>,
}

impl Refused {
    /// A failure that no response tells of.
    #[must_use]
    pub fn ours(trunk: TrunkId, failure: Failure) -> Refused {
        Refused { trunk, failure, status: failure.reason.status(), rows: None }
    }

    /// A redirect for the caller, with its Contacts.
    #[must_use]
    pub fn redirect(trunk: TrunkId, failure: Failure, rows: Box<[u8]>) -> Refused {
        let q850 = Some(failure.reason.q850());
        Refused { trunk, status: failure.status, failure: Failure { q850, ..failure }, rows: Some(rows) }
    }

    /// The better of two; the earlier among equals.
    #[must_use]
    pub fn or_better(self, other: Refused) -> Refused {
        if rank(&other) < rank(&self) { other } else { self }
    }
}

/// 6xx first, then the lowest class; inside it what helps the caller to ask anew, and what a peer said before
/// what we found.
fn rank(refused: &Refused) -> (u16, bool, bool) {
    let class = match refused.status / 100 {
        6 => 0,
        class => class,
    };
    let helps = matches!(refused.status, 415 | 420 | 484);
    (class, !helps, refused.rows.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(statuses: &[u16]) -> u16 {
        let refused = |status: &u16| Refused {
            trunk: TrunkId(0),
            failure: Failure::ours(ReasonId::from_sip_status(*status)),
            status: *status,
            rows: Some(Box::default()),
        };
        let best = statuses.iter().map(refused).reduce(Refused::or_better);
        best.map_or(0, |best| best.status)
    }

    #[test]
    fn the_caller_hears_6xx_before_all_and_else_the_lowest_class() {
        assert_eq!(heard(&[503, 404, 486]), 404);
        assert_eq!(heard(&[486, 404]), 486, "the earlier of one class");
        assert_eq!(heard(&[486, 484, 404]), 484, "what helps to ask anew");
        assert_eq!(heard(&[404, 302, 500]), 302);
        assert_eq!(heard(&[302, 603]), 603);
    }

    #[test]
    fn what_a_peer_said_comes_before_what_we_found() {
        let silent = Refused::ours(TrunkId(0), Failure::ours(ReasonId::FailoverSilent));
        let said =
            Refused { status: 503, rows: Some(Box::default()), ..Refused::ours(TrunkId(1), silent.failure) };
        assert_eq!(silent.or_better(said).status, 503);
    }
}
