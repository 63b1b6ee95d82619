//! What a peer's description asks of the media engine.

use crate::dtls;
use crate::end::End;
use crate::fax;
use crate::ice;
use crate::secure;
use crate::trouble::{SdpTrouble, parse};
use crate::xr;
use base::ReasonId;
use config::{Latch, PayloadTypes, Policy, RtcpSource, RtpKeepalive};
use media::{Care, CodecKind, Keepalive, Remote};
use sdp::{Address, Kind, Media, Session};
use std::net::{IpAddr, SocketAddr};

/// The number of comfort noise that is fixed (RFC 3551 §6).
const COMFORT_NOISE: u8 = 13;

/// Hands over, stream by stream, of what a peer described (`theirs`) and was told by us (`ours`, empty before) where a peer listens and what it may send, without any timeout; or why the engine
/// could not reach it. Nothing where media are not anchored.
///
/// # Errors
/// The first that `take` gives back, or that the description cannot be read.
pub fn each_stream(
    end: &End<'_>,
    (theirs, ours): (&[u8], &[u8]),
    mut take: impl FnMut(u8, Result<Remote, SdpTrouble>) -> Result<(), SdpTrouble>,
) -> Result<(), SdpTrouble> {
    let Some(relayed) = end.relayed() else { return Ok(()) };
    let (session, local, rules) = (parse(theirs)?, end.media_address(), end.rules());
    let told = if ours.is_empty() { None } else { Some(parse(ours)?) };
    for (index, media) in session.media().iter().enumerate() {
        let Some(stream) = fax::stream_of(&session, index, relayed) else { continue };
        let ours = told.as_ref().and_then(|told| told.media().get(index));
        let answers = dtls::check_answer(&rules, media, ours);
        let remote = answers.and_then(|()| remote_of(&session, media, end.policy, local));
        let remote = remote.map(|mut remote| {
            remote.care.extended = xr::between(end.policy, (&session, media), told.as_ref().zip(ours));
            let payload_types = types_of(end.policy, media, ours);
            Remote { payload_types, srtp: secure::between(&rules, (&session, media), ours), ..remote }
        });
        take(stream, remote)?;
    }
    Ok(())
}

/// Whether the engine could reach where a peer wants its media, and the peer secures them as its trunk wants it.
///
/// # Errors
/// Why not.
pub fn check_offer(end: &End<'_>, text: &[u8]) -> Result<(), SdpTrouble> {
    each_stream(end, (text, b""), |_, remote| remote.map(drop))?;
    if end.seat.is_some() { secure::admits_any(&end.rules(), &parse(text)?) } else { Ok(()) }
}

/// What one media line of a peer means for the engine, whose sockets have the family of `local`.
pub(crate) fn remote_of<'a>(
    session: &Session<'a>,
    media: &Media<'a>,
    policy: &Policy,
    local: IpAddr,
) -> Result<Remote, SdpTrouble> {
    use sdp::Direction::{RecvOnly, SendOnly, SendRecv};
    let direction = media.direction();
    let null = media.is_null_hold();
    let ice = ice::peer_of(policy, session, media);
    let (rtp, rtcp) = if ice.is_some() { checked_places_of(media, local) } else { places_of(media, local) }?;
    // Said by a peer with ICE it is agreed: we offer it, and answer it.
    let rtcp = if ice.is_some() && media.rtcp_mux() { rtp } else { rtcp };
    let first = media.codecs().find(|c| !c.is_telephone_event());
    let assigned = media.codecs().find(|c| c.is_primary() && media::static_clock(c.pt).is_none());
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
        payload_types: Remote::ANY_PAYLOAD_TYPE,
        clock_rate: assigned.map_or(8_000, |c| c.clock),
        ptime_ms: media.ptime().and_then(|p| u8::try_from(p).ok()).filter(|p| *p > 0).unwrap_or(20),
        timeout: None,
        udptl,
        codec: first.map_or(CodecKind::Other, |c| codec_kind(c.name)),
        srtp: media::Srtp::Off,
        beside: false,
        other: false,
        care: care_of(policy, (session, media), ice.is_some()),
        ice,
    })
}

/// Where a peer with ICE wants RTP and RTCP. Its checks show where it is; until then it is somewhere, unlike one that holds.
fn checked_places_of(media: &Media<'_>, local: IpAddr) -> Result<Places, SdpTrouble> {
    if media.is_null_connection() && !media.is_null_hold() {
        return Ok(ice::unknown_places(media, local));
    }
    places_of(media, local).or_else(|why| ice::places_of(media, local).ok_or(why))
}

/// What a peer may send: by our numbers (RFC 3264 §5.1), or by its own, as some do; and comfort noise, which many send
/// without a word under the number that is fixed for it (RFC 3389 §4). Before anything was said to it: anything.
fn types_of(policy: &Policy, theirs: &Media<'_>, ours: Option<&Media<'_>>) -> [u64; 2] {
    let strict = policy.codecs.payload_types == PayloadTypes::Agreed;
    let Some(ours) = ours.filter(|_| strict) else { return Remote::ANY_PAYLOAD_TYPE };
    Remote::bitmap(theirs.payload_types().chain(ours.payload_types()).chain([COMFORT_NOISE]))
}

/// How a peer is kept alive, and judged by its silence.
fn care_of(policy: &Policy, (session, media): (&Session<'_>, &Media<'_>), checks: bool) -> Care {
    let rtcp = policy.rtcp;
    let forbidden =
        ["RS", "RR"].iter().all(|kind| media.bandwidth(kind).or_else(|| session.bandwidth(kind)) == Some(0));
    let named = |pt: &u8| media.codecs().any(|codec| codec.pt == *pt);
    let noise = media.codecs().find(|codec| codec.is_comfort_noise() && codec.clock == 8_000);
    let empty = (96..=127).rev().find(|pt| !named(pt)).map_or(Keepalive::Off, Keepalive::Empty);
    let keepalive = match rtcp.keepalive {
        // Its checks keep everything awake that it knows of (RFC 6263 is not for ICE).
        _ if checks => Keepalive::Off,
        RtpKeepalive::Off => Keepalive::Off,
        RtpKeepalive::Empty => empty,
        RtpKeepalive::Noise => noise.map_or(empty, |codec| Keepalive::Noise(codec.pt)),
    };
    Care {
        live: false,
        judge_active: rtcp.active,
        judge_held: rtcp.held,
        reports: rtcp.source == RtcpSource::Make,
        forbidden,
        keepalive,
        extended: media::Extended::default(),
    }
}

/// Where a peer wants RTP and RTCP, if anywhere.
type Places = (Option<SocketAddr>, Option<SocketAddr>);

/// See [`Places`]; the sockets have the family of `local`.
fn places_of(media: &Media<'_>, local: IpAddr) -> Result<Places, SdpTrouble> {
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
