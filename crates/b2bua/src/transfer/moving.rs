//! The media of a transfer: agreed with who comes first, with who stays last. Until both have agreed nothing
//! is changed here, so that a transfer that fails leaves the call as it was.

use super::{Errand, TransferHow};
use crate::call::Call;
use crate::context::{Alarm, Context, Own, User};
use crate::leg::{InnerRequest, listen_of};
use crate::offer::{self, CallMedia, State};
use crate::tag::CallRef;
use base::{ReasonId, Transport, TrunkId};
use media::{Command, Reply, Side};
use negotiation::LocalSdp;
use std::time::Duration;

/// How long a party that is busy with its session is left alone (RFC 3261 §14.1: 2.1 to 4 s).
const BUSY_WAIT: Duration = Duration::from_millis(2_500);

/// How often one that is busy is asked again: limit `transfer_tries`.
const TRIES_MAX: u8 = 6;

/// What is done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The target is being called.
    Calling,
    /// Ports were asked for.
    Ports,
    /// The party that comes is asked.
    Coming,
    /// The party that stays is asked.
    Staying,
    /// The leg may come over.
    Joining,
    /// It has failed; the call that was placed is being given up.
    Over,
}

/// A transfer under way.
pub(super) struct Moving {
    pub(super) how: TransferHow,
    /// The side whose party goes.
    pub(super) goes: Side,
    /// The call that has who comes, and on which side.
    pub(super) other: Option<(CallRef, Side)>,
    /// Who comes, normalised.
    pub(super) number: Box<str>,
    /// The trunk of who comes.
    pub(super) trunk: TrunkId,
    /// Which user of its trunk who comes is.
    pub(super) user: Option<u16>,
    /// What the call will have.
    pub(super) media: CallMedia,
    /// What the party that stays will have been told.
    pub(super) stays: LocalSdp,
    /// What the one that comes will have been told.
    pub(super) comes: LocalSdp,
    /// What the one that comes has described; first, what it offers.
    pub(super) described: Box<[u8]>,
    pub(super) stage: Stage,
    /// A request to one of the parties has no answer.
    pub(super) asked: bool,
    /// An alarm is set to ask again.
    waits: bool,
    tries: u8,
    /// The status that it failed with.
    pub(super) failed: u16,
}

/// The party that comes, as its own call knows it.
pub(super) struct Coming {
    pub(super) call: CallRef,
    pub(super) side: Side,
    pub(super) number: Box<str>,
    pub(super) trunk: TrunkId,
    pub(super) user: Option<u16>,
    pub(super) sdp: LocalSdp,
    /// Its offer, where its INVITE has no answer yet.
    pub(super) offer: Box<[u8]>,
    /// Its signalling is TLS.
    pub(super) tls: bool,
}

impl Moving {
    /// The target is to be called.
    pub(super) fn calling(goes: Side) -> Moving {
        Moving {
            how: TransferHow::Blind,
            goes,
            other: None,
            number: Box::default(),
            trunk: TrunkId(0),
            user: None,
            media: CallMedia::default(),
            stays: LocalSdp::default(),
            comes: LocalSdp::default(),
            described: Box::default(),
            stage: Stage::Calling,
            asked: false,
            waits: false,
            tries: 0,
            failed: 0,
        }
    }

    /// Whether the parties' sessions are being changed.
    pub(super) fn is_settling(&self) -> bool {
        matches!(self.stage, Stage::Coming | Stage::Staying | Stage::Joining)
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }
}

impl Call {
    /// The target of a REFER was called and has answered: what its call agreed on is taken over.
    pub(super) fn target_answered(
        &mut self,
        mut media: CallMedia,
        stays: LocalSdp,
        (number, trunk, user): (Box<str>, TrunkId, Option<u16>),
        cx: &mut Context<'_>,
    ) {
        let me = self.me;
        let Some(moving) = self.moving_mut() else { return };
        if let Some(session) = media.session() {
            cx.sessions.hand(session, me);
        }
        media.crossed = moving.goes == Side::A;
        if media.crossed {
            media.tls.swap(0, 1);
        }
        (moving.media, moving.stays) = (media, stays);
        (moving.number, moving.trunk, moving.user) = (number, trunk, user);
        moving.stage = Stage::Staying;
        self.ask_stays(cx);
    }

    /// Begins to join the party that stays with one of another call.
    pub(super) fn await_party(&mut self, how: TransferHow, goes: Side, coming: Coming, cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let Some(leg) = self.leg(goes.other()) else { return };
        let (trunk, there) = (coming.trunk, leg.trunk);
        let offer = if coming.offer.is_empty() { &leg.described } else { &coming.offer };
        let mut media = CallMedia::over(Transport::Udp);
        media.state = State::Direct;
        media.tls[goes.index()] = coming.tls;
        media.tls[goes.other().index()] = leg.flow.transport == Transport::Tls;
        let offers = if coming.offer.is_empty() { (goes.other(), there) } else { (goes, trunk) };
        let streams = negotiation::count_streams(offer, &media.end(&epoch, offers).rules());
        let mut moving = Moving {
            how,
            other: Some((coming.call, coming.side)),
            number: coming.number,
            trunk,
            user: coming.user,
            stays: LocalSdp { continued: true, ..leg.sdp.clone() },
            comes: LocalSdp { continued: !coming.sdp.text.is_empty(), ..coming.sdp },
            described: coming.offer,
            stage: Stage::Ports,
            media,
            ..Moving::calling(goes)
        };
        let anchored = offer::anchored_between(&epoch, there, trunk, self.record.route);
        if let (true, Ok(streams)) = (anchored, &streams) {
            let session = cx.sessions.open(cx.shard, self.me);
            let (comes, stays) = (listen_of(&epoch, trunk), listen_of(&epoch, there));
            let (a, b) = if goes == Side::A { (comes, stays) } else { (stays, comes) };
            moving.media.state = State::Opening { session, b };
            cx.out.media.push(Command::Open { session, a, b, streams: *streams });
        }
        self.transfers_mut().moving = Some(Box::new(moving));
        match (anchored, streams) {
            (true, Err(trouble)) => self.fail_transfer(trouble.reason.status(), cx),
            (true, Ok(_)) => {} // goes on when the engine has answered
            (false, _) => self.ask_comes(cx),
        }
    }

    /// The engine's answer about ports of a transfer; `false`: it is about others.
    pub(crate) fn on_moving_ports(&mut self, reply: &Reply, cx: &mut Context<'_>) -> bool {
        let Some(moving) = self.moving_mut() else { return false };
        let State::Opening { session, b } = moving.media.state else { return false };
        if reply.session() != session {
            return false;
        }
        if let Reply::Opened { ports, .. } = reply {
            moving.media.state = State::Open { session, b, ports: *ports };
            self.ask_comes(cx);
        } else {
            cx.sessions.close(session);
            moving.media.state = State::Undecided;
            self.fail_transfer(ReasonId::RtpPorts.status(), cx);
        }
        true
    }

    /// Asks the party that comes to take the media of the one that stays; one that offers is not asked.
    fn ask_comes(&mut self, cx: &mut Context<'_>) {
        let Some(moving) = self.moving() else { return };
        if !moving.described.is_empty() {
            let offer = moving.described.clone();
            return self.on_comes(&offer, cx);
        }
        let goes = moving.goes;
        let epoch = self.epoch.clone();
        let there = self.trunk_of(goes.other());
        let theirs = self.leg(goes.other()).map(|leg| sdp::resumed(&leg.described)).unwrap_or_default();
        let Some(moving) = self.moving_mut() else { return };
        moving.stage = Stage::Coming;
        let at = ((goes, moving.trunk), there);
        let described = moving.media.describe(&epoch, at, &theirs, b"", &mut moving.comes, cx);
        match (described, moving.other) {
            (Ok(()), Some((other, _))) => {
                cx.errands.push(Errand::Ask(other, Box::new(moving.comes.clone())));
            }
            _ => self.fail_transfer(488, cx),
        }
    }

    /// What the call with the party that comes says of it.
    pub(super) fn on_said(&mut self, by: CallRef, said: Result<Box<[u8]>, u16>, cx: &mut Context<'_>) {
        let Some(moving) = self.moving_mut().filter(|m| m.other.is_some_and(|(other, _)| other == by)) else {
            return;
        };
        match said {
            _ if moving.stage != Stage::Coming => {}
            Ok(body) => {
                let fits = moving.media.judge(&moving.comes.text, &body);
                if fits.is_err() { self.fail_transfer(502, cx) } else { self.on_comes(&body, cx) }
            }
            Err(491) => self.ask_later(cx),
            Err(status) => self.fail_transfer(status, cx),
        }
    }

    /// The party that comes has described itself: the one that stays is told.
    fn on_comes(&mut self, body: &[u8], cx: &mut Context<'_>) {
        let epoch = self.epoch.clone();
        let Some(goes) = self.moving().map(|moving| moving.goes) else { return };
        let there = self.trunk_of(goes.other());
        let Some(moving) = self.moving_mut() else { return };
        moving.described = body.into();
        moving.stage = Stage::Staying;
        let (comes, at) = ((&*epoch, moving.trunk), ((goes.other(), there), moving.trunk));
        let told = moving
            .media
            .set_remotes(goes, comes, (body, &moving.comes.text), true, cx)
            .and_then(|()| moving.media.describe(&epoch, at, body, b"", &mut moving.stays, cx));
        match told {
            Ok(()) => self.ask_stays(cx),
            Err(_) => self.fail_transfer(488, cx),
        }
    }

    /// Asks the party that stays, when it is not busy.
    fn ask_stays(&mut self, cx: &mut Context<'_>) {
        let Some(moving) = self.moving().filter(|m| m.stage == Stage::Staying && !m.asked) else { return };
        let stays = moving.goes.other();
        let told = match self.leg(stays) {
            Some(leg) => moving.stays.clone().after(&leg.sdp),
            None => moving.stays.clone(),
        };
        let busy = !self.relays.is_empty() || self.leg(stays).is_none_or(|leg| leg.is_negotiating());
        if busy {
            return self.ask_later(cx);
        }
        let sent = self.send_move(stays, told, cx);
        let now = self.leg(stays).map(|leg| LocalSdp { standing: None, ..leg.sdp.clone() });
        match self.moving_mut() {
            Some(moving) if sent => {
                moving.asked = true;
                moving.stays = now.unwrap_or_default();
            }
            _ => self.fail_transfer(503, cx),
        }
    }

    /// A re-INVITE with a description that moves a party's media; what it was told before holds until its
    /// answer is taken (RFC 3261 §14.1).
    pub(super) fn send_move(&mut self, side: Side, told: LocalSdp, cx: &mut Context<'_>) -> bool {
        let (epoch, user) = (self.epoch.clone(), User::Own(self.me, side, Own::Move));
        let mut rows = cx.take_rows();
        let Some(leg) = self.leg_mut(side) else { return false };
        if let Some(session) = &leg.session {
            session.refresh_rows(&mut rows);
        }
        let body = &told.text;
        let request = InnerRequest { method: b"INVITE", rows: &rows, content_type: b"application/sdp", body };
        let sent = leg.request(cx, &epoch, request, user).is_ok();
        leg.inviting |= sent;
        leg.sdp = LocalSdp { standing: Some(leg.sdp.standing().into()), ..told };
        cx.give_rows(rows);
        self.pending += u16::from(sent);
        sent
    }

    /// Whoever is busy is asked again after a while, so often at most.
    pub(super) fn ask_later(&mut self, cx: &mut Context<'_>) {
        let me = self.me;
        let Some(moving) = self.moving_mut() else { return };
        moving.asked = false;
        moving.tries += 1;
        if moving.tries > TRIES_MAX {
            return self.fail_transfer(491, cx);
        }
        moving.waits = true;
        cx.wheel.insert(cx.now + BUSY_WAIT, Alarm::Transfer(me));
    }

    /// Asks again.
    pub(crate) fn on_transfer_alarm(&mut self, cx: &mut Context<'_>) {
        let me = self.me;
        let Some(moving) = self.moving_mut().filter(|moving| moving.waits) else { return };
        moving.waits = false;
        match (moving.stage, moving.other) {
            (Stage::Coming, Some((other, _))) => {
                cx.errands.push(Errand::Ask(other, Box::new(moving.comes.clone())));
            }
            (Stage::Staying, _) => self.ask_stays(cx),
            (Stage::Joining, _) => cx.errands.push(Errand::Join(me)),
            _ => {}
        }
    }
}
