//! How a peer is kept alive, and what its silence is worth.

/// See the module text. The default: silence counts, and nothing is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Care {
    /// The call is answered: reports for a silent side and keepalives are made from here on.
    pub live: bool,
    /// Its silence counts while media may flow in at least one direction.
    pub judge_active: bool,
    /// Its silence counts while media may flow in none.
    pub judge_held: bool,
    /// It gets reports of ours where the other side sends none.
    pub reports: bool,
    /// It forbids RTCP (RFC 3556 §2): it gets none of ours, whoever speaks.
    pub forbidden: bool,
    /// What it gets where nothing was sent to it for a while.
    pub keepalive: Keepalive,
    /// What it hears beyond plain reports.
    pub extended: Extended,
}

/// Extended reports (RFC 3611) toward a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extended {
    /// The other side's are taken out of the RTCP that passes.
    pub strip: bool,
    /// Reports of ours tell how the peer's stream sounds (§4.7).
    pub voip_metrics: bool,
    /// Reference times of whoever sends no media (§4.4).
    pub round_trip: RoundTrip,
}

/// Who answers reference times, as agreed (RFC 3611 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RoundTrip {
    /// Nobody.
    #[default]
    Off,
    /// Whoever sends media.
    Sender,
    /// Both.
    All,
}

/// What keeps address translators and timers of peers awake while no media flow (RFC 6263 §4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Keepalive {
    /// Nothing.
    #[default]
    Off,
    /// RTP without a payload, of a payload type that the peer has not named (§4.6).
    Empty(u8),
    /// Comfort noise (RFC 3389) of this payload type, as quiet as it can be said (§4.2).
    Noise(u8),
}

impl Default for Care {
    fn default() -> Care {
        Care {
            live: false,
            judge_active: true,
            judge_held: true,
            reports: false,
            forbidden: false,
            keepalive: Keepalive::Off,
            extended: Extended::default(),
        }
    }
}
