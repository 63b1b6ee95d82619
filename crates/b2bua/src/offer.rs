//! The media of a call: where they stand, and what the engine is told. What descriptions mean is decided in
//! `negotiation`.

use crate::call::{Call, Phase};
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::listen_of;
use crate::parting::Parting;
use crate::relay::Growing;
use base::{ListenId, Transport, TrunkId};
use config::Recorder;
use media::{Command, NotHeard, Ports, Remote, Report, Security, SessionId, Side, Sound, Yields};
use negotiation::{End, Joining, LocalSdp, SdpTrouble, Seat, Stage, Standing};
use sip_core::DigitLine;
use sip_msg::Msg;

/// The media of one call.
#[derive(Default)]
pub(crate) struct CallMedia {
    pub(crate) state: State,
    /// The codec agreed for the first audio stream, as SDP names it, and what became of a fax.
    pub(crate) codec: Box<str>,
    /// The engine's last report; of a call that was transferred, with those of earlier sessions.
    pub(crate) report: Option<Box<Report>>,
    /// The engine's side A is the call's side B: a session that was opened for a transfer of the caller's.
    pub(crate) crossed: bool,
    /// How the engine joins the two sides.
    pub(crate) joining: Joining,
    /// Digits on their way in INFO requests, once there were any.
    pub(crate) lines: Option<Box<[DigitLine; 2]>>,
    /// What the caller hears from us before the answer.
    pub(crate) own: Option<(Sound, Yields)>,
    /// The refusal that follows an announcement.
    pub(crate) parting: Option<Box<Parting>>,
    /// The next description is of a fork beside another one; of another party than was described before.
    pub(crate) beside: bool,
    pub(crate) other: bool,
    /// What `other` was before the answer that is judged, and by it.
    pub(crate) turned: (bool, bool),
    /// Why a side is not heard, by the call's sides.
    pub(crate) unheard: [Option<NotHeard>; 2],
    /// What the peers described before the answer.
    early: [Box<[u8]>; 2],
    /// A request that adds streams and waits for their ports.
    pub(crate) growing: Option<Box<Growing>>,
    /// Whose signalling is TLS, by the call's sides.
    pub(crate) tls: [bool; 2],
    /// Whose user is inside, likewise.
    pub(crate) inside: [bool; 2],
    /// What handshakes agreed on, by the engine's sides.
    pub(crate) shaken: [Option<Security>; 2],
}

/// Where the media of a call stand.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Nothing is decided yet.
    #[default]
    Undecided,
    /// The peers speak to each other directly.
    Direct,
    /// Ports were asked for.
    Opening { session: SessionId, b: ListenId },
    /// Ports are held.
    Open { session: SessionId, b: ListenId, ports: Ports },
    /// The report was asked for.
    Closing { session: SessionId },
    /// The engine knows nothing of this call any more.
    Closed,
}

impl CallMedia {
    /// Of a call whose caller is reached by this transport.
    pub(crate) fn over(caller: Transport) -> CallMedia {
        CallMedia { tls: [caller == Transport::Tls, false], ..CallMedia::default() }
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        use State::{Closing, Open, Opening};
        match self.state {
            Opening { session, .. } | Open { session, .. } | Closing { session } => Some(session),
            _ => None,
        }
    }

    pub(crate) fn is_anchored(&self) -> bool {
        matches!(self.state, State::Opening { .. } | State::Open { .. })
    }

    fn ports(&self) -> Option<Ports> {
        if let State::Open { ports, .. } = self.state { Some(ports) } else { None }
    }

    /// The engine's side for a side of the call.
    pub(crate) fn seat(&self, side: Side) -> Side {
        if self.crossed { side.other() } else { side }
    }

    /// Our end toward the peer of a side.
    pub(crate) fn end<'a>(&self, epoch: &'a Epoch, (side, trunk): (Side, TrunkId)) -> End<'a> {
        let seat = self.ports().map(|ports| Seat { ports, side: self.seat(side) });
        End::new(&epoch.snapshot.config, trunk, seat, self.tls[side.index()])
            .within(self.inside[side.index()])
    }

    /// Makes the description for `toward` out of what the peer of `beyond` sent ([`negotiation::describe`]).
    pub(crate) fn describe(
        &self,
        epoch: &Epoch,
        (toward, beyond): ((Side, TrunkId), TrunkId),
        text: &[u8],
        offer: &[u8],
        local: &mut LocalSdp,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let from = self.end(epoch, (toward.0.other(), beyond)).rules();
        let end = self.end(epoch, toward).facing(epoch.policy(beyond));
        negotiation::describe(&end, &from, (text, offer), local, cx.draws())?;
        cx.out.media.extend(local.before_it_leaves(self.session(), self.seat(toward.0)));
        Ok(())
    }

    /// Whether an answer fits the offer that we sent. What is not anchored is the peers' own business.
    pub(crate) fn judge(&self, sent: &[u8], answer: &[u8]) -> Result<(), SdpTrouble> {
        if sent.is_empty() || !self.is_anchored() { Ok(()) } else { negotiation::judge(sent, answer) }
    }

    /// Tells the engine where a side's peer listens and what it may send, by what it said and was told.
    pub(crate) fn set_remotes(
        &mut self,
        side: Side,
        (epoch, trunk): (&Epoch, TrunkId),
        said: (&[u8], &[u8]),
        live: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let beside = std::mem::take(&mut self.beside);
        let other = side == Side::B && !beside && std::mem::take(&mut self.other);
        let State::Open { session, .. } = self.state else { return Ok(()) };
        let (end, side) = (self.end(epoch, (side, trunk)), self.seat(side));
        let timeout = end.policy.media_timeout.filter(|_| live);
        negotiation::each_stream(&end, said, |stream, remote| {
            let remote = Remote { timeout, beside, other, ..remote? }.answered(live);
            cx.out.media.push(Command::Set { session, side, stream, remote });
            Ok(())
        })
    }

    /// How many streams the engine relays; `None`: the peers' own business.
    pub(crate) fn relayed(&self) -> Option<usize> {
        self.ports().map(|ports| ports.streams().len())
    }
}

impl Call {
    /// [`CallMedia::describe`] with the media that the call has.
    pub(crate) fn describe(
        &self,
        toward: Side,
        trunk: TrunkId,
        text: &[u8],
        offer: &[u8],
        local: &mut LocalSdp,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let there = ((toward, trunk), self.trunk_of(toward.other()));
        self.media.describe(&self.epoch, there, text, offer, local, cx)
    }

    /// [`CallMedia::judge`] with the media that the call has.
    pub(crate) fn judge(&self, sent: &[u8], answer: &[u8]) -> Result<(), SdpTrouble> {
        self.media.judge(sent, answer)
    }

    /// An offer of our own towards a trunk (late offer made early).
    pub(crate) fn make_offer(&self, trunk: TrunkId, local: &mut LocalSdp, cx: &mut Context<'_>) {
        negotiation::make_offer(&self.media.end(&self.epoch, (Side::B, trunk)), local, cx.draws());
        cx.out.media.extend(local.before_it_leaves(self.media.session(), self.media.seat(Side::B)));
    }

    /// Tells the engine what a side's peer described, and was told by us (nothing yet: empty). `live`: the call is
    /// answered, so that silence counts from here on.
    pub(crate) fn tell_engine(
        &mut self,
        side: Side,
        trunk: TrunkId,
        said: (&[u8], &[u8]),
        live: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        self.media.set_remotes(side, (&self.epoch, trunk), said, live, cx)?;
        if !live {
            let said = Standing { theirs: said.0, ..self.standing(side) };
            self.media.early[side.index()] = self.media.joining.early(&said, &self.standing(side.other()));
        }
        if let Some(leg) = self.leg_mut(side) {
            leg.sdp.note_peer(said.0, cx.wall());
            if live {
                leg.described = said.0.into();
            }
        }
        self.media.joining.retold = true;
        Ok(())
    }

    /// Tells the engine how packets must be changed between the sides, when something was described.
    pub(crate) fn join_codecs(&mut self, cx: &mut Context<'_>) {
        let retold = std::mem::take(&mut self.media.joining.retold);
        let (true, State::Open { session, .. }) = (retold, self.media.state) else { return };
        let mut joining = std::mem::take(&mut self.media.joining);
        let seats = Side::BOTH.map(|seat| self.standing(self.media.seat(seat)));
        let stage = match self.phase {
            Phase::Setup => Stage::Early(self.media.seat(Side::A), self.media.own.as_ref()),
            _ => Stage::Talking(&self.epoch.snapshot.sounds),
        };
        let unheard = joining.follow(session, seats, stage, cx.rng, |command| cx.out.media.push(command));
        let silent = !joining.is_heard(self.media.seat(Side::A));
        self.media.joining = joining;
        self.unheard(unheard, cx);
        if silent {
            // Of an announcement that cannot be heard no end would be told.
            self.on_parted(cx);
        }
    }

    /// Takes what a peer says of where its user is.
    pub(crate) fn heed_location(&mut self, side: Side, msg: Msg<'_>) {
        let (epoch, trunk) = (&self.epoch, self.trunk_of(side));
        let inside =
            identity::is_inside(msg, epoch.policy(trunk), epoch.face(listen_of(epoch, trunk)).host());
        self.media.inside[side.index()] = inside.unwrap_or(self.media.inside[side.index()]);
    }

    /// What holds between us and the peer of a side.
    pub(crate) fn standing(&self, side: Side) -> Standing<'_> {
        let trying = || self.live.iter().find(|a| a.number == self.current).map(|a| &a.sdp);
        let leg = self.leg(side);
        let described = leg.map(|leg| &*leg.described).filter(|text| !text.is_empty());
        let early = Some(&*self.media.early[side.index()]).filter(|text| !text.is_empty());
        let offered = self.arrived.as_ref().filter(|_| side == Side::A).map(|arrived| &*arrived.offer);
        let theirs = described.or(early).or(offered).unwrap_or_default();
        let told = leg.map(|leg| &leg.sdp).or_else(trying);
        Standing::new(self.epoch.policy(self.trunk_of(side)), theirs, told)
    }

    /// Notes codec and fax of an answer, for the record.
    pub(crate) fn note_codec(&mut self, answer: &[u8]) {
        let noted = negotiation::codec_noted(&self.media.codec, answer);
        noted.into_iter().for_each(|codec| self.media.codec = codec);
    }

    /// Asks for media ports between the trunks' interfaces.
    pub(crate) fn open_media(&mut self, b: ListenId, streams: u8, cx: &mut Context<'_>) {
        let session = cx.sessions.open(cx.shard, self.me);
        let a = listen_of(&self.epoch, self.trunk_in);
        self.media.state = State::Opening { session, b };
        cx.out.media.push(Command::Open { session, a, b, streams });
    }

    /// Media of a fork are authorised no more before the answer, or it is gone: nothing of it is heard.
    pub(crate) fn hush(&self, trunk: TrunkId, said: (&[u8], &[u8]), cx: &mut Context<'_>) {
        let State::Open { session, .. } = self.media.state else { return };
        let end = self.media.end(&self.epoch, (Side::B, trunk));
        let _ = negotiation::each_stream(&end, said, |stream, remote| {
            if let Ok(remote) = remote {
                let remote = Remote { receive: false, send: false, beside: true, ..remote };
                cx.out.media.push(Command::Set { session, side: Side::B, stream, remote });
            }
            Ok(())
        });
    }
}

/// Whether the media of a call between two trunks go through this node. `route`: who records it, as its route says.
pub(crate) fn anchored_between(epoch: &Epoch, a: TrunkId, b: TrunkId, route: Option<Recorder>) -> bool {
    !epoch.snapshot.table.media_path(a, b, route).is_direct()
}
