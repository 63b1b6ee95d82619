//! ICE toward a peer: what we say of ourselves, and what the peer's description means for the engine
//! (RFC 8445, RFC 8839).
//!
//! We are a lite agent: a server whose address is known. A peer that speaks ICE makes the checks; one that does not
//! is where its description says, as without ICE. RTCP is multiplexed (RFC 5761) where the peer wants it too.

use crate::end::End;
use crate::trouble::parse;
use ::ice::{CANDIDATES_MAX, Candidates, Credentials, PeerDescription, RANDOM_BYTES};
use config::Policy;
use sdp::{ICE_LITE, Kind, LocalIce, Media, Session};
use srtp::Mint;
use std::net::{IpAddr, SocketAddr};
use zeroize::Zeroizing;

/// What we are known by to a peer.
#[derive(Clone, Debug)]
pub struct IceTold {
    /// Fragment and password of ours.
    pub credentials: Credentials,
    /// The peer's fragment, once it has said one.
    theirs: Box<str>,
    /// Our first port: another one needs new checks (RFC 8839 §4.4.1.1.1).
    port: Option<u16>,
    /// The peer has begun anew: so do we with our next description (RFC 8445 §9).
    restart: bool,
}

/// What a description of ours says of ICE.
pub(crate) enum Plan<'a, 't> {
    /// Nothing.
    Silent,
    /// An offer: every stream.
    Offer,
    /// An answer: the streams that were offered with ICE.
    Answer(&'a Session<'t>),
}

impl IceTold {
    /// The same for a further peer.
    pub(crate) fn beside(&self) -> IceTold {
        IceTold { credentials: self.credentials.clone(), theirs: "".into(), port: self.port, restart: false }
    }

    fn note(&mut self, theirs: &str) {
        self.restart |= !self.theirs.is_empty() && *self.theirs != *theirs;
        if *self.theirs != *theirs {
            self.theirs = theirs.into();
        }
    }
}

/// Notes by which fragment the peer is known, so that a restart of its ICE is seen.
pub(crate) fn note(told: &mut Option<Box<IceTold>>, session: &Session<'_>) {
    let theirs = session.media().iter().find_map(|media| session.ice(media));
    if let (Some(told), Some(theirs)) = (told, theirs) {
        told.note(theirs.ufrag);
    }
}

/// Decides what a description says of ICE, and under which credentials. `offer`: what the peer offered, when this is
/// the answer to it.
pub(crate) fn plan<'a, 't>(
    end: &End<'_>,
    offer: Option<&'a Session<'t>>,
    told: &mut Option<Box<IceTold>>,
    mint: &mut Mint,
) -> Plan<'a, 't> {
    let spoken = offer.is_none_or(|offer| offer.media().iter().any(|media| offer.ice(media).is_some()));
    let Some(seat) = end.seat.filter(|_| end.policy.ice == config::Ice::Lite && spoken) else {
        return Plan::Silent;
    };
    let port = seat.ports.rtp(seat.side, 0);
    if let Some(offer) = offer {
        note(told, offer);
    }
    if told.as_ref().is_none_or(|told| told.restart || told.port != port) {
        *told = Some(Box::new(IceTold { credentials: draw(mint), theirs: "".into(), port, restart: false }));
        if let Some(offer) = offer {
            note(told, offer);
        }
    }
    offer.map_or(Plan::Offer, Plan::Answer)
}

/// Credentials that nobody had before.
fn draw(mint: &mut Mint) -> Credentials {
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    mint.fill(&mut *random);
    Credentials::from_random(&random)
}

/// Puts what is planned into a description of ours.
pub(crate) fn weave(
    plan: &Plan<'_, '_>,
    end: &End<'_>,
    told: Option<&IceTold>,
    ports: &[Option<u16>],
    made: &mut Vec<u8>,
) {
    let (offer, told) = match (plan, told) {
        (Plan::Silent, _) | (_, None) => return,
        (Plan::Offer, Some(told)) => (None, told),
        (Plan::Answer(offer), Some(told)) => (Some(*offer), told),
    };
    let Ok(kinds) = parse(made).map(|s| s.media().iter().map(|media| media.kind).collect::<Vec<_>>()) else {
        return;
    };
    let write = |index: usize, out: &mut Vec<u8>| {
        let Some(port) = ports.get(index).copied().flatten() else { return };
        if !matches!(kinds.get(index), Some(Kind::Audio | Kind::Video)) {
            return;
        }
        let mut rtcp_mux = true;
        if let Some(offer) = offer {
            let Some(media) = offer.media().get(index) else { return };
            if offer.ice(media).is_none() {
                return;
            }
            if media.is_ice_mismatch() {
                return out.extend_from_slice(b"a=ice-mismatch\r\n");
            }
            rtcp_mux = media.rtcp_mux();
        }
        let (ufrag, password) = (told.credentials.ufrag(), told.credentials.password());
        // An offer does not know yet whether RTCP will have a port of its own.
        let alone = rtcp_mux && offer.is_some();
        LocalIce { ufrag, password, address: end.told_address(), port, rtcp_mux: alone }.write(out);
        if rtcp_mux {
            out.extend_from_slice(b"a=rtcp-mux\r\n");
        }
    };
    *made = sdp::with_lines(made, ICE_LITE, write);
}

/// Places for RTP and RTCP of a peer that has named none yet, for sockets of the family of `local`.
pub(crate) fn unknown_places(media: &Media<'_>, local: IpAddr) -> (Option<SocketAddr>, Option<SocketAddr>) {
    let any = match local {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    let at = |port| Some(SocketAddr::new(any, port));
    (at(media.port), at(media.port.saturating_add(1)))
}

/// Where a peer of both IP versions is that names an address of the other one first: the best of its candidates that our
/// sockets reach, for RTP and for RTCP (RFC 8421).
pub(crate) fn places_of(
    media: &Media<'_>,
    local: IpAddr,
) -> Option<(Option<SocketAddr>, Option<SocketAddr>)> {
    let reached =
        |c: &sdp::Candidate| c.address.ip().to_canonical().is_ipv4() == local.to_canonical().is_ipv4();
    let best = |component| {
        let all = media.candidates().filter(|c| c.component == component && reached(c));
        all.max_by_key(|c| c.priority).map(|c| c.address)
    };
    let rtp = best(1)?;
    Some((Some(rtp), best(2)))
}

/// What a peer's description of one stream says of its checks; `None`: it makes none.
pub(crate) fn peer_of<'a>(
    policy: &Policy,
    session: &Session<'a>,
    media: &Media<'a>,
) -> Option<Box<PeerDescription>> {
    let on = policy.ice == config::Ice::Lite && matches!(media.kind, Kind::Audio | Kind::Video);
    let theirs = session.ice(media).filter(|theirs| on && !theirs.lite && !media.is_ice_mismatch())?;
    let candidates: Candidates =
        media.candidates().take(CANDIDATES_MAX).map(|c| (c.component, c.address, c.priority)).collect();
    Some(Box::new(PeerDescription { ufrag: theirs.ufrag.into(), candidates }))
}
