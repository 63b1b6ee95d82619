//! A gateway, its addresses and how its calls go.

use serde::{Deserialize, Serialize};

/// One gateway.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Gateway {
    /// As configured.
    pub name: String,
    /// `disabled` or `draining` by an operator; `poor` by the trunk's `quality`; else the best of its
    /// addresses' states: `up`, `unknown`, `cooling` (it asked to be left alone), `down`; `unresolved`
    /// without an address, `unregistered` for a user that has not registered.
    pub state: String,
    /// Live calls and attempts that go to it.
    pub calls: u64,
    /// How its calls went of late, where the trunk has `quality`.
    pub quality: Option<Quality>,
    /// Present addresses and ports.
    pub targets: Vec<String>,
    /// What is wrong with its name, when something is.
    pub trouble: Option<String>,
    /// Shortest round trip of the last answered OPTIONS, milliseconds.
    pub rtt_ms: Option<f64>,
    /// OPTIONS and calls unanswered in a row at the best of its addresses.
    pub misses: u32,
    /// Each of its addresses.
    pub addresses: Vec<Address>,
    /// Where its user registered, when it is one.
    pub bindings: Vec<Binding>,
}

/// One place where a user registered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// The registered URI.
    pub contact: String,
    /// Where the REGISTER came from, and calls go to.
    pub source: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// For how many more seconds it stands.
    pub expires_s: u64,
    /// Which of the client's flows it is (RFC 5626).
    pub flow: Option<u32>,
    /// Who registered.
    pub agent: String,
}

/// How the calls of a gateway went of late.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Attempts that are judged together.
    pub window: u32,
    /// Attempts known.
    pub sample: u32,
    /// Answer-seizure ratio, percent.
    pub answer_ratio: Option<f64>,
    /// Mean post-dial delay, milliseconds.
    pub post_dial_delay_ms: Option<f64>,
    /// Mean duration of the last calls, seconds, where the trunk judges it.
    pub call_duration_s: Option<f64>,
    /// For how many more seconds others are tried first.
    pub poor_s: Option<u64>,
}

/// One address of a gateway.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Address and port.
    pub target: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// `up`, `unknown`, `cooling` or `down`.
    pub state: String,
    /// Lower ranks are tried first (NAPTR, SRV priority).
    pub rank: u16,
    /// SRV weight inside the rank.
    pub weight: u16,
    /// Round trip of the last answered OPTIONS, milliseconds.
    pub rtt_ms: Option<f64>,
    /// OPTIONS and calls unanswered in a row.
    pub misses: u32,
    /// For how many more seconds it asked to be left alone.
    pub cooling_s: Option<u64>,
}
