//! Session descriptions between the legs: anchored on our media ports, or passed untouched.

use crate::call::Call;
use crate::context::Context;
use crate::epoch::Epoch;
use crate::leg::{LocalSdp, listen_of};
use base::{ListenId, ReasonId, TrunkId};
use config::{Hold, Latch, MediaMode, Policy};
use media::{CodecKind, Command, Ports, Remote, Report, SessionId, Side};
use sdp::{Address, Anchor, CodecName, HoldForm, Kind, Reveal, SdpError, Session};
use std::net::{IpAddr, SocketAddr};

/// The media of one call.
#[derive(Default)]
pub(crate) struct CallMedia {
    pub(crate) state: State,
    /// The codec agreed for the first audio stream, as SDP names it.
    pub(crate) codec: Box<str>,
    /// The engine's last report; of a call that was transferred, with those of earlier sessions.
    pub(crate) report: Option<Box<Report>>,
    /// The engine's side A is the call's side B: a session that was opened for a transfer of the caller's.
    pub(crate) crossed: bool,
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

/// Why a session description cannot be used, with the Warning that says so (RFC 3261 §20.43).
pub(crate) struct SdpTrouble {
    pub(crate) reason: ReasonId,
    pub(crate) warning: (u16, &'static str),
}

impl From<SdpError> for SdpTrouble {
    fn from(error: SdpError) -> SdpTrouble {
        SdpTrouble { reason: ReasonId::SdpBad, warning: error.warning() }
    }
}

impl CallMedia {
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.state {
            State::Opening { session, .. } | State::Open { session, .. } | State::Closing { session } => {
                Some(session)
            }
            _ => None,
        }
    }

    pub(crate) fn is_anchored(&self) -> bool {
        matches!(self.state, State::Opening { .. } | State::Open { .. })
    }

    fn ports(&self) -> Option<Ports> {
        match self.state {
            State::Open { ports, .. } => Some(ports),
            _ => None,
        }
    }

    /// The engine's side for a side of the call.
    fn seat(&self, side: Side) -> Side {
        if self.crossed { side.other() } else { side }
    }

    /// Makes the description for `toward` out of what the other peer sent; it is kept in that
    /// leg's [`LocalSdp`]. The origin's version rises only when something changed (RFC 3264 §8).
    /// `offer`: what `toward` offered, when this is the answer to it; else empty.
    pub(crate) fn describe(
        &self,
        epoch: &Epoch,
        (toward, trunk): (Side, TrunkId),
        text: &[u8],
        offer: &[u8],
        local: &mut LocalSdp,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        local.standing = None;
        let Some(ports) = self.ports() else {
            local.pass(text);
            return Ok(());
        };
        let session = parse(text)?;
        let offer = if offer.is_empty() { None } else { Some(parse(offer)?) };
        let mut chosen = [None; 64];
        for (index, media) in session.media().iter().enumerate().take(chosen.len()) {
            let usable = u8::try_from(index).ok().filter(|_| sdp::can_anchor(media).is_ok());
            chosen[index] = usable.and_then(|i| ports.rtp(self.seat(toward), i));
        }
        if local.id == 0 {
            local.id = cx.rng.next_u64() >> 2 | 1;
        }
        let mut anchor = Anchor {
            address: epoch.listen(listen_of(epoch, trunk)).sdp_address(),
            ports: &chosen[..session.media().len().min(64)],
            origin_id: local.id,
            origin_version: local.version.max(1),
            hold: hold_form(epoch.policy(trunk).hold),
            reveal: reveal(epoch.policy(trunk)),
        };
        let write = |anchor: &Anchor<'_>, out: &mut Vec<u8>| match &offer {
            Some(offer) => sdp::anchor_answer(&session, offer, anchor, out),
            None => sdp::anchor(&session, anchor, out),
        };
        let mut made = Vec::with_capacity(text.len() + 64);
        write(&anchor, &mut made)?;
        if local.text.is_empty() {
            local.version = 1;
        } else if *made != *local.text {
            local.version += 1;
            anchor.origin_version = local.version;
            made.clear();
            write(&anchor, &mut made)?;
        }
        local.text = made.into_boxed_slice();
        Ok(())
    }

    /// Whether an answer fits the offer that we sent (RFC 3264 §6): as many streams, each of its kind
    /// and with a codec that was offered. What is not anchored is the peers' own business.
    pub(crate) fn judge(&self, sent: &[u8], answer: &[u8]) -> Result<(), SdpTrouble> {
        if sent.is_empty() || !self.is_anchored() {
            return Ok(());
        }
        let (offer, answer) = (parse(sent)?, parse(answer)?);
        match sdp::check_answer(&offer, &answer) {
            Ok(_) => Ok(()),
            Err(error) => Err(SdpTrouble { reason: ReasonId::SdpAnswerBad, warning: error.warning() }),
        }
    }

    /// Tells the engine where a side's peer listens and what it may send.
    pub(crate) fn set_remotes(
        &self,
        side: Side,
        (epoch, trunk): (&Epoch, TrunkId),
        text: &[u8],
        live: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        let State::Open { session: id, ports, .. } = self.state else { return Ok(()) };
        let (session, policy, local) = (parse(text)?, epoch.policy(trunk), media_address(epoch, trunk));
        for (index, media) in session.media().iter().enumerate().take(ports.streams().len()) {
            let timeout = policy.media_timeout.filter(|_| live);
            let remote = Remote { timeout, ..remote_of(media, policy, local)? };
            let stream = u8::try_from(index).unwrap_or(u8::MAX);
            cx.out.media.push(Command::Set { session: id, side: self.seat(side), stream, remote });
        }
        Ok(())
    }
}

impl CallMedia {
    /// Whether the engine could reach where a peer wants its media, before the other peer hears of it.
    pub(crate) fn check_remotes(
        &self,
        (epoch, trunk): (&Epoch, TrunkId),
        text: &[u8],
    ) -> Result<(), SdpTrouble> {
        let State::Open { ports, .. } = self.state else { return Ok(()) };
        let (session, policy, local) = (parse(text)?, epoch.policy(trunk), media_address(epoch, trunk));
        let mut relayed = session.media().iter().take(ports.streams().len());
        relayed.try_for_each(|media| remote_of(media, policy, local).map(drop))
    }

    /// Whether an offer holds a stream that the other peer has refused and that could be relayed.
    pub(crate) fn offers_refused(&self, theirs: &Session<'_>, offer: &Session<'_>) -> bool {
        let relayed = self.ports().map(|ports| ports.streams().len());
        let refused = |at| theirs.media().get(at).is_none_or(|media: &sdp::Media<'_>| media.port == 0);
        let usable = |media: &sdp::Media<'_>| relayed.is_none() || sdp::can_anchor(media).is_ok();
        let mut offered = offer.media().iter().enumerate().take(relayed.unwrap_or(usize::MAX));
        offered.any(|(at, media)| media.port != 0 && refused(at) && usable(media))
    }
}

/// The address that media sockets of a trunk are bound to.
fn media_address(epoch: &Epoch, trunk: TrunkId) -> IpAddr {
    let listen = epoch.listen(listen_of(epoch, trunk));
    listen.media_address.unwrap_or(listen.address)
}

/// Whether a call between two trunks has its media anchored: unless both say `direct`.
pub(crate) fn is_anchored(a: &Policy, b: &Policy) -> bool {
    a.media == MediaMode::Anchor || b.media == MediaMode::Anchor
}

/// Checks that a description can be anchored at all; tells how many streams it needs.
pub(crate) fn count_streams(text: &[u8]) -> Result<u8, SdpTrouble> {
    let session = parse(text)?;
    sdp::can_anchor_any(&session).map_err(|error| {
        let srtp = matches!(error.kind, sdp::SdpErrorKind::Secured);
        let reason = if srtp { ReasonId::SrtpUnsupported } else { ReasonId::MediaStreams };
        SdpTrouble { reason, warning: error.warning() }
    })?;
    Ok(u8::try_from(session.media().len().clamp(1, media::MAX_STREAMS)).unwrap_or(1))
}

pub(crate) fn parse(text: &[u8]) -> Result<Session<'_>, SdpTrouble> {
    Ok(sdp::parse(text, &sdp::Limits::default())?)
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
        self.media.describe(&self.epoch, (toward, trunk), text, offer, local, cx)
    }

    /// [`CallMedia::judge`] with the media that the call has.
    pub(crate) fn judge(&self, sent: &[u8], answer: &[u8]) -> Result<(), SdpTrouble> {
        self.media.judge(sent, answer)
    }

    /// An offer of our own towards a trunk (late offer made early).
    pub(crate) fn make_offer(&self, trunk: TrunkId, local: &mut LocalSdp, cx: &mut Context<'_>) {
        let Some(ports) = self.media.ports() else { return };
        local.id = cx.rng.next_u64() >> 2 | 1;
        local.version = 1;
        let policy = self.epoch.policy(trunk);
        let codecs: Vec<CodecName> =
            policy.offer_codecs.iter().filter_map(|c| CodecName::from_name(c)).collect();
        let anchor = Anchor {
            address: self.epoch.listen(listen_of(&self.epoch, trunk)).sdp_address(),
            ports: &[ports.rtp(Side::B, 0)],
            origin_id: local.id,
            origin_version: 1,
            hold: HoldForm::Pass,
            reveal: Reveal::default(),
        };
        local.text = sdp::offer(&codecs, &anchor).into_boxed_slice();
    }

    /// Tells the engine what a side's peer described: where it listens, what it may send. `live`: the
    /// call is answered, so that silence counts from here on.
    pub(crate) fn tell_engine(
        &mut self,
        side: Side,
        trunk: TrunkId,
        text: &[u8],
        live: bool,
        cx: &mut Context<'_>,
    ) -> Result<(), SdpTrouble> {
        self.media.set_remotes(side, (&self.epoch, trunk), text, live, cx)?;
        if let Some(leg) = self.leg_mut(side).filter(|_| live) {
            leg.described = text.into();
        }
        Ok(())
    }

    /// Notes the first audio codec of an answer, for the record.
    pub(crate) fn note_codec(&mut self, answer: &[u8]) {
        let Ok(session) = sdp::parse(answer, &sdp::Limits::default()) else { return };
        let audio = session.media().iter().find(|m| m.kind == Kind::Audio && m.port != 0);
        let codec = audio.and_then(|m| m.codecs().find(|c| !c.name.eq_ignore_ascii_case(b"telephone-event")));
        if let Some(codec) = codec {
            self.media.codec = String::from_utf8_lossy(codec.name).into_owned().into_boxed_str();
        }
    }

    /// Asks for media ports between the trunks' interfaces.
    pub(crate) fn open_media(&mut self, b: ListenId, streams: u8, cx: &mut Context<'_>) {
        let session = cx.sessions.open(cx.shard, self.me);
        let a = listen_of(&self.epoch, self.trunk_in);
        self.media.state = State::Opening { session, b };
        cx.out.media.push(Command::Open { session, a, b, streams });
    }
}

impl Call {
    /// Media before the answer are authorised no more: nothing of side B is heard.
    pub(crate) fn hush(&mut self, trunk: TrunkId, text: &[u8], cx: &mut Context<'_>) {
        let State::Open { session: id, ports, .. } = self.media.state else { return };
        let (Ok(session), policy) = (parse(text), self.epoch.policy(trunk)) else { return };
        let local = media_address(&self.epoch, trunk);
        for (index, media) in session.media().iter().enumerate().take(ports.streams().len()) {
            let Ok(remote) = remote_of(media, policy, local) else { continue };
            let remote = Remote { receive: false, send: false, ..remote };
            let stream = u8::try_from(index).unwrap_or(u8::MAX);
            cx.out.media.push(Command::Set { session: id, side: Side::B, stream, remote });
        }
    }
}

/// What one media line of a peer means for the engine, whose sockets have the family of `local`.
fn remote_of(media: &sdp::Media<'_>, policy: &Policy, local: IpAddr) -> Result<Remote, SdpTrouble> {
    use sdp::Direction::{RecvOnly, SendOnly, SendRecv};
    let direction = media.direction();
    let null = media.is_null_connection();
    let (rtp, rtcp) = places_of(media, local)?;
    let first = media.codecs().find(|c| !c.name.eq_ignore_ascii_case(b"telephone-event"));
    let udptl = media.kind == Kind::Image;
    Ok(Remote {
        rtp,
        rtcp,
        receive: matches!(direction, SendRecv | SendOnly),
        send: matches!(direction, SendRecv | RecvOnly) && !null,
        latch: match policy.latch {
            Latch::Off => media::Latch::Off,
            Latch::Signalled => media::Latch::Signalled,
            Latch::Nat => media::Latch::Nat,
        },
        // Which types the peer may send is what the *other* side offered or answered; both agree
        // on the numbers only per direction (RFC 3264 §6.1), so the union of none is enforced.
        payload_types: Remote::ANY_PAYLOAD_TYPE,
        clock_rate: first.as_ref().map_or(8_000, |c| c.clock),
        ptime_ms: media.ptime().and_then(|p| u8::try_from(p).ok()).filter(|p| *p > 0).unwrap_or(20),
        timeout: None,
        udptl,
        codec: first.map_or(CodecKind::Other, |c| codec_kind(c.name)),
    })
}

/// Where a peer wants RTP and RTCP, if anywhere; the sockets have the family of `local`.
fn places_of(
    media: &sdp::Media<'_>,
    local: IpAddr,
) -> Result<(Option<SocketAddr>, Option<SocketAddr>), SdpTrouble> {
    let address = match media.connection() {
        Some(Address::Ip(address)) => Some(address),
        Some(Address::Name(_)) => {
            let warning = (301, "Host names are not supported in media addresses");
            return Err(SdpTrouble { reason: ReasonId::MediaAddress, warning });
        }
        None => None,
    };
    let usable = address.filter(|_| media.port != 0 && !media.is_null_connection());
    let reachable = |ip: &IpAddr| ip.to_canonical().is_ipv4() == local.to_canonical().is_ipv4();
    if usable.is_some_and(|ip| !reachable(&ip)) {
        let warning = (301, "Incompatible network address formats");
        return Err(SdpTrouble { reason: ReasonId::MediaAddress, warning });
    }
    let rtp = usable.map(|ip| SocketAddr::new(ip, media.port));
    let rtcp = usable.and_then(|ip| match media.rtcp() {
        Some(rtcp) => Some(SocketAddr::new(
            rtcp.address.and_then(Address::ip).filter(reachable).unwrap_or(ip),
            rtcp.port,
        )),
        None => media.port.checked_add(1).map(|port| SocketAddr::new(ip, port)),
    });
    Ok((rtp, rtcp))
}

fn codec_kind(name: &[u8]) -> CodecKind {
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    match () {
        () if is(b"PCMU") || is(b"PCMA") => CodecKind::G711,
        () if is(b"G722") => CodecKind::G722,
        () if is(b"G729") => CodecKind::G729,
        () if is(b"opus") => CodecKind::Opus,
        () => CodecKind::Other,
    }
}

fn hold_form(hold: Hold) -> HoldForm {
    match hold {
        Hold::Pass => HoldForm::Pass,
        Hold::Sendonly => HoldForm::Sendonly,
        Hold::Inactive => HoldForm::Inactive,
        Hold::Zero => HoldForm::Zero,
        Hold::SendonlyOnly => HoldForm::SendonlyOnly,
    }
}

fn reveal(policy: &Policy) -> Reveal {
    let topology = policy.headers.topology;
    Reveal { session: topology.session, attributes: topology.attributes }
}

/// Whether an epoch's trunk takes part in direct media with another.
pub(crate) fn anchored_between(epoch: &Epoch, a: TrunkId, b: TrunkId) -> bool {
    is_anchored(epoch.policy(a), epoch.policy(b))
}
