//! What goes into a switchboard.

use crate::view::KeptBinding;
use base::{GatewayId, TrunkId};
use peers::{Duty, Resolution};
use records::CallKey;
use routing::Snapshot;
use sip_core::{ConnId, Flow, SendError, SendToken};
use std::sync::Arc;

/// One input; see `b2bua::Switchboard::handle`.
pub enum Input<'a> {
    /// One datagram, or one message framed from a stream.
    Message {
        /// Where it came from and on what.
        flow: Flow,
        /// The names in the peer's verified client certificate; empty without mutual TLS.
        verified: &'a [String],
        /// The message.
        bytes: &'a [u8],
    },
    /// The media engine's answer or event.
    Media(media::Reply),
    /// A message could not be sent.
    SendFailed {
        /// The token of the [`sip_core::Transmit`].
        token: SendToken,
        /// Why.
        error: SendError,
    },
    /// The answer to a [`crate::ResolveRequest`].
    Resolved {
        /// The configuration revision the request belonged to.
        revision: u64,
        /// The gateway whose name was resolved.
        gateway: GatewayId,
        /// What the name stands for now.
        resolution: Resolution,
    },
    /// A stream connection has ended.
    Closed(ConnId),
    /// A ping of ours was answered on this connection (RFC 5626 §4.4.1).
    Pong(ConnId),
    /// What an operator or the process asks.
    Command(Command),
    /// A deadline may have passed; see `b2bua::Switchboard::next_deadline`.
    Timeout,
}

/// What an operator wants of the recording of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordWish {
    /// By this trunk of the present configuration, of kind `recorder`.
    By(TrunkId),
    /// None.
    Off,
    /// That it pauses, whoever records.
    Pause,
    /// That it goes on.
    Resume,
}

/// What an operator has said of the recording of a call.
#[derive(Clone, Copy, Default)]
pub struct RecordOrders {
    /// By whom, or not; nothing was said of that otherwise.
    pub by: Option<Option<TrunkId>>,
    /// That it pauses.
    pub paused: bool,
}

impl RecordOrders {
    /// Takes what an operator wants; `by`: whom it named, where the call's own configuration has it: else all stays.
    pub fn take(&mut self, wish: RecordWish, by: Option<TrunkId>) {
        match wish {
            RecordWish::By(_) if by.is_some() => self.by = Some(by),
            RecordWish::By(_) => {}
            RecordWish::Off => *self = RecordOrders { by: Some(None), paused: false },
            RecordWish::Pause | RecordWish::Resume => self.paused = wish == RecordWish::Pause,
        }
    }
}

/// What an operator or the process asks of a switchboard.
pub enum Command {
    /// Use this configuration for new calls; present calls keep theirs.
    Apply(Arc<Snapshot>),
    /// Take no new calls (503 with Retry-After); present ones go on.
    Drain,
    /// End every call now (BYE, CANCEL or 503 as its state asks).
    EndAll,
    /// Take over what users had registered with an earlier process.
    Restore(Vec<KeptBinding>),
    /// End one call.
    HangUp(CallKey),
    /// Have one call recorded, or not.
    Record {
        /// The call.
        call: CallKey,
        /// What is wanted.
        wish: RecordWish,
    },
    /// Whether a trunk, or one gateway of it, takes new calls. Holds until said otherwise, over every
    /// `Apply` in which it keeps its name. What the configuration disables stays so.
    SetDuty {
        /// The trunk.
        trunk: TrunkId,
        /// One of its gateways; `None` is for the trunk.
        gateway: Option<GatewayId>,
        /// What is wanted.
        duty: Duty,
    },
}
