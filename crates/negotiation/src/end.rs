//! Our end toward one peer: the interface and the rules of its trunk, and the ports that the engine holds.

use config::{
    Config, DtlsAnswer, DtlsSetup, Ice, Latch, Listen, Policy, SrtpKeys, SrtpMode, SrtpSuite, SrtpT38,
    TrunkId,
};
use media::{Ports, Side};
use std::net::IpAddr;

/// The ports of a session, and the engine's side that a peer is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seat {
    /// Held by the engine.
    pub ports: Ports,
    /// Where the peer sits.
    pub side: Side,
}

/// Our end toward one peer.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The interface of its trunk.
    pub listen: &'a Listen,
    /// The policy of its trunk.
    pub policy: &'a Policy,
    /// The policy of the other peer's trunk, whose descriptions go here; `None`: descriptions of our own.
    pub beyond: Option<&'a Policy>,
    /// Where media are anchored; `None`: the peers speak to each other directly.
    pub seat: Option<Seat>,
    /// The signalling with this peer is TLS.
    pub tls: bool,
    /// The peer's user is inside: it reaches the interface at its own address.
    pub inside: bool,
}

/// How streams of a peer are to be secured.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whether; never [`SrtpMode::Auto`].
    pub srtp: SrtpMode,
    /// With what, in our order.
    pub suites: &'a [SrtpSuite],
    /// How keys are agreed on, in our order.
    pub keys: &'a [SrtpKeys],
    /// We begin a handshake where the peer leaves it to us.
    pub begins: bool,
    /// An answer may leave open who begins.
    pub open: bool,
    /// T.38 may be, though nothing secures it.
    pub t38: bool,
    /// Its checks prove where it is.
    pub checks: bool,
}

impl<'a> End<'a> {
    /// The end toward a peer of a trunk.
    #[must_use]
    pub fn new(config: &'a Config, trunk: TrunkId, seat: Option<Seat>, tls: bool) -> End<'a> {
        let trunk = &config.trunks[trunk.index()];
        let listen = &config.listens[trunk.listen.index()];
        End { listen, policy: &trunk.policy, beyond: None, seat, tls, inside: false }
    }

    /// The same for what a peer of another trunk describes.
    #[must_use]
    pub fn facing(self, beyond: &'a Policy) -> End<'a> {
        End { beyond: Some(beyond), ..self }
    }

    /// The same where the peer's user is inside, or not.
    #[must_use]
    pub fn within(self, inside: bool) -> End<'a> {
        End { inside, ..self }
    }

    /// The address that the peer is told.
    pub(crate) fn told_address(&self) -> IpAddr {
        if self.inside { self.media_address() } else { self.listen.sdp_address() }
    }

    /// How its streams are to be secured.
    #[must_use]
    pub fn rules(&self) -> Rules<'a> {
        let srtp = &self.policy.srtp;
        let begins = match srtp.setup {
            DtlsSetup::Auto => self.policy.latch != Latch::Nat,
            DtlsSetup::Active => true,
            DtlsSetup::Passive => false,
        };
        let (mode, plain) = (srtp.over(self.tls), srtp.t38 == SrtpT38::Plain);
        let t38 = plain || mode != SrtpMode::Required;
        let open = srtp.answer == DtlsAnswer::Take;
        let checks = self.policy.ice == Ice::Lite;
        Rules { srtp: mode, suites: &srtp.suites, keys: &srtp.keys, begins, open, t38, checks }
    }

    /// The address that media sockets are bound to.
    pub(crate) fn media_address(&self) -> IpAddr {
        self.listen.media_address.unwrap_or(self.listen.address)
    }

    /// How many streams are relayed; `None`: the peers' own business.
    pub(crate) fn relayed(&self) -> Option<usize> {
        self.seat.map(|seat| seat.ports.streams().len())
    }
}
