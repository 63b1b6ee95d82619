//! Named limits: every queue, table and retry has one, and a counter for hitting it.

/// Longest user part that is routed, in bytes; E.164 numbers have 15 digits, names of users more: limit
/// `number`.
pub const NUMBER_MAX: usize = 128;

/// A named bound and how often it was hit.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Stable name, as in metrics and documentation (`calls`, `early_dialogs`).
    pub name: &'static str,
    /// The largest allowed count.
    pub max: u64,
    /// How often something was refused because of it.
    pub hits: u64,
}

impl Limit {
    /// A limit that was never hit.
    #[must_use]
    pub const fn new(name: &'static str, max: u64) -> Limit {
        Limit { name, max, hits: 0 }
    }

    /// Whether one more fits beside `used`; counts the refusal when not.
    pub fn admit(&mut self, used: u64) -> bool {
        let fits = used < self.max;
        if !fits {
            self.hits += 1;
        }
        fits
    }
}
