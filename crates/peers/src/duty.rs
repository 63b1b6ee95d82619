//! Whether a peer takes new calls, as an operator wants it.

/// What an operator said of a trunk or gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Duty {
    /// It takes new calls.
    #[default]
    Enabled,
    /// It takes none; who calls from there is refused for good (403).
    Disabled,
    /// It takes none; who calls from there is sent elsewhere (503 with Retry-After).
    Draining,
}

impl Duty {
    /// The word in views and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Duty::Enabled => "enabled",
            Duty::Disabled => "disabled",
            Duty::Draining => "draining",
        }
    }
}
