//! Media ports of a call in setup: asked for before an attempt, between the interfaces of both trunks.

use crate::call::{Call, Failure};
use crate::context::Context;
use crate::leg::listen_of;
use crate::offer::{self, State};
use crate::output::Level;
use base::{ListenId, ReasonId, TrunkId};
use media::{OpenError, Reply, Side};

impl Call {
    /// Whether an attempt towards a trunk needs media ports that it does not have; asks for them.
    /// `Err`: the call was refused.
    pub(crate) fn prepare_media(&mut self, b: TrunkId, cx: &mut Context<'_>) -> Result<bool, ()> {
        let epoch = self.epoch.clone();
        if !offer::anchored_between(&epoch, self.trunk_in, b, self.record.route) {
            if self.media.is_anchored() {
                self.drop_media(cx);
            }
            self.media.state = State::Direct;
            return Ok(false);
        }
        let listen = listen_of(&epoch, b);
        match self.media.state {
            State::Open { b: held, .. } if held == listen => return Ok(false),
            State::Open { .. } | State::Opening { .. } => self.drop_media(cx),
            _ => {}
        }
        let offer = self.arrived.as_ref().map_or(&b""[..], |a| &a.offer);
        let rules = self.media.end(&epoch, (Side::A, self.trunk_in)).rules();
        let streams = if offer.is_empty() { Ok(1) } else { negotiation::count_streams(offer, &rules) };
        match streams {
            Ok(streams) => {
                self.open_media(listen, streams, cx);
                Ok(true)
            }
            Err(trouble) => {
                self.refuse_sdp(&trouble, cx);
                Err(())
            }
        }
    }

    /// The engine's answer to `Open`.
    pub(crate) fn on_media_opened(&mut self, reply: &Reply, cx: &mut Context<'_>) {
        if self.on_moving_ports(reply, cx) {
            return;
        }
        let State::Opening { session, b } = self.media.state else { return };
        match reply {
            Reply::Opened { session: id, ports } if *id == session => {
                self.media.state = State::Open { session, b, ports: *ports };
                let arrived = self.arrived.take();
                let told = match arrived.as_deref().map_or(&b""[..], |a| &a.offer) {
                    b"" => Ok(()),
                    offer => self.tell_engine(Side::A, self.trunk_in, (offer, b""), false, cx),
                };
                self.arrived = arrived;
                match told {
                    _ if self.media.parting.is_some() => self.announce(cx),
                    Ok(()) => self.try_next(cx),
                    Err(trouble) => self.refuse_sdp(&trouble, cx),
                }
            }
            Reply::OpenFailed { session: id, reason } if *id == session => {
                cx.sessions.close(session);
                self.media.state = State::Undecided;
                if self.media.parting.is_some() {
                    return self.on_parted(cx);
                }
                cx.note(Level::Warn, "no media ports", format!("call {}: {reason}", self.key));
                self.pass_over_ports(b, *reason, cx);
            }
            _ => {}
        }
    }

    /// No ports for the attempt that is next: it fails, and what cannot fare better goes with it. Ports of
    /// another interface, or none at all where the peers speak directly, may still be had.
    fn pass_over_ports(&mut self, b: ListenId, error: OpenError, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let (trunk_in, a) = (self.trunk_in, listen_of(&epoch, self.trunk_in));
        let (why, anywhere_else) = match error {
            OpenError::PortsExhausted(side) | OpenError::Bind(side, _) => {
                (ReasonId::RtpPorts, side == Side::B && a != b)
            }
            OpenError::NoRange(listen) => (ReasonId::RtpPorts, listen != a),
            _ => (ReasonId::MediaSessionsMax, false),
        };
        let failure = Failure::ours(why);
        self.failure = Some(failure);
        let Some(candidate) = self.queue.pop_front() else { return self.fail(cx) };
        self.attempt_unsent(&candidate, failure, cx);
        self.queue.retain(|next| {
            let elsewhere = anywhere_else && listen_of(&epoch, next.trunk) != b;
            elsewhere || !offer::anchored_between(&epoch, trunk_in, next.trunk, next.record)
        });
        if self.queue.is_empty() { self.fail(cx) } else { self.fail_over(candidate.trunk, failure, cx) }
    }
}
