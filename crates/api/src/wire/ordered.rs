//! What an order is answered with.

use serde::{Deserialize, Serialize};

/// `DELETE /v1/calls/{key}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HungUp {
    /// The call whose end was ordered; it is carried out at once, its record follows.
    pub call: String,
}
