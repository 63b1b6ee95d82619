//! Descriptions of ours: what the other peer said, anchored on our ports or passed untouched, and offers of our own.

use crate::codecs::{self, Rules};
use crate::direct;
use crate::dtmf::{converts, toward, wants_events};
use crate::end::{self, End, Seat};
use crate::fax;
use crate::ice;
use crate::local::LocalSdp;
use crate::notice;
use crate::numbers::Numbers;
use crate::repair;
use crate::secure::{self, Covers};
use crate::trouble::{SdpTrouble, parse};
use crate::xr;
use base::Rng;
use config::{Hold, Policy, RtcpXr};
use sdp::{Anchor, CodecName, HoldForm, Reveal, SdpError, Session};
use srtp::Mint;

/// M-lines of a description that may get a port; the engine's limit lies below.
const LINES_MAX: usize = 64;

/// Where session ids and keys of ours come from.
pub struct Draws<'a> {
    /// What may be guessed.
    pub rng: &'a mut Rng,
    /// What may not.
    pub mint: &'a mut Mint,
}

/// Makes the description for a peer out of what the other one sent; it is kept in `local`. The origin's version
/// rises only when something changed (RFC 3264 §8). `offer`: what this peer offered, when this is the answer to
/// it; else empty. `from`: how the other peer's streams are to be secured, whose offer this is otherwise.
///
/// # Errors
/// Why it cannot be made.
pub fn describe(
    end: &End<'_>,
    from: &end::Rules<'_>,
    (text, offer): (&[u8], &[u8]),
    local: &mut LocalSdp,
    draws: Draws<'_>,
) -> Result<(), SdpTrouble> {
    let fitted = fax::fitted(end, text, offer.is_empty())?;
    let text = &*fitted;
    local.standing = None;
    let Some(seat) = end.seat else {
        return direct::pass([&end.rules(), from], (text, offer), local);
    };
    let offer = local.read_offer(offer)?;
    let unrepaired = repair::left_out([&end.rules(), from], text, offer.is_some())?;
    let recast = recast(end, &unrepaired, offer.as_ref(), local)?;
    let session = parse(recast.as_deref().unwrap_or(&unrepaired))?;
    let mut chosen = [None; LINES_MAX];
    choose_ports(&session, seat, offer.is_none().then_some(from), &mut chosen);
    let lines = &mut chosen[..session.media().len().min(LINES_MAX)];
    let Covers { covers, taken } = Covers::of(end, (&session, offer.as_ref()), lines, local, draws.mint)?;
    local.take(taken, &covers, offer.is_none());
    local.begin(draws.rng);
    let plan = ice::plan(end, offer.as_ref(), &mut local.ice, draws.mint);
    let told = local.ice.clone();
    let mut anchor = Anchor {
        address: end.told_address(),
        ports: lines,
        origin_id: local.id,
        origin_version: local.version.max(1),
        hold: hold_form(end, &session),
        reveal: reveal(end.policy),
        covers: &covers,
    };
    say(local, &mut anchor, text.len() + 128, |anchor, out| {
        put(end, (&session, offer.as_ref()), anchor, out)?;
        ice::weave(&plan, end, told.as_deref(), anchor.ports, out);
        Ok(())
    })
}

/// What the other peer said with what must be ours: an offer, or the answer to one.
fn put(
    end: &End<'_>,
    (session, offer): (&Session<'_>, Option<&Session<'_>>),
    anchor: &Anchor<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SdpError> {
    match offer {
        Some(offer) => sdp::anchor_answer(session, offer, anchor, out),
        None => sdp::anchor(session, anchor, out),
    }?;
    xr::weave(end.policy, Some(session), offer, out);
    Ok(())
}

/// What the other peer said, by the rules of both trunks about codecs and digits; none where they ask for nothing.
fn recast(
    end: &End<'_>,
    text: &[u8],
    offer: Option<&Session<'_>>,
    local: &mut LocalSdp,
) -> Result<Option<Vec<u8>>, SdpTrouble> {
    let numbers = &local.numbers;
    let recast = with_codecs(end, text, offer, numbers)?;
    let shaped = with_digits(end, recast.as_deref().unwrap_or(text), offer, numbers)?;
    let made = shaped.or(recast);
    if !numbers.clash(made.as_deref().unwrap_or(text)) {
        return Ok(made);
    }
    let fitted = numbers.fitted(&parse(made.as_deref().unwrap_or(text))?);
    local.renumbered = true;
    Ok(Some(fitted))
}

fn with_codecs(
    end: &End<'_>,
    text: &[u8],
    offer: Option<&Session<'_>>,
    numbers: &Numbers,
) -> Result<Option<Vec<u8>>, SdpTrouble> {
    let Some(rules) = end.beyond.map(|beyond| Rules { here: end.policy, beyond }).filter(Rules::is_any)
    else {
        return Ok(None);
    };
    let session = parse(text)?;
    match offer {
        Some(offer) => codecs::answered(rules, &session, offer),
        None => codecs::offered(rules, &session, numbers),
    }
}

/// The same with named events as this peer is to see them; none where the trunks leave that to their peers.
fn with_digits(
    end: &End<'_>,
    text: &[u8],
    offer: Option<&Session<'_>>,
    numbers: &Numbers,
) -> Result<Option<Vec<u8>>, SdpTrouble> {
    match end.beyond.filter(|beyond| converts(end.policy, beyond)) {
        Some(_) => Ok(Some(toward(&parse(text)?, end.policy, offer, numbers))),
        None => Ok(None),
    }
}

/// Writes a description under the version that it deserves.
fn say(
    local: &mut LocalSdp,
    anchor: &mut Anchor<'_>,
    length: usize,
    write: impl Fn(&Anchor<'_>, &mut Vec<u8>) -> Result<(), SdpError>,
) -> Result<(), SdpTrouble> {
    let mut made = Vec::with_capacity(length);
    write(anchor, &mut made)?;
    notice::weave(local.notice, true, &mut made);
    if local.has_foreign_origin() {
        local.continue_with(&made);
        return Ok(());
    }
    if local.text.is_empty() {
        local.version = 1;
    } else if *made != *local.text {
        local.version += 1;
        anchor.origin_version = local.version;
        made.clear();
        write(anchor, &mut made)?;
        notice::weave(local.notice, true, &mut made);
    }
    local.text = made.into_boxed_slice();
    Ok(())
}

/// Our port of each m-line that can be carried, and that who offers it may offer.
fn choose_ports(
    session: &Session<'_>,
    seat: Seat,
    from: Option<&end::Rules<'_>>,
    chosen: &mut [Option<u16>],
) {
    let relayed = seat.ports.streams().len();
    for ((index, media), place) in session.media().iter().enumerate().zip(chosen) {
        let secured = from.is_none_or(|from| secure::admits(from, media).is_ok());
        let usable = sdp::can_anchor(media).is_ok() && secured;
        let stream = if usable { fax::stream_of(session, index, relayed) } else { None };
        *place = stream.and_then(|stream| seat.ports.rtp(seat.side, stream));
    }
}

/// An offer of our own (late offer made early).
pub fn make_offer(end: &End<'_>, local: &mut LocalSdp, draws: Draws<'_>) {
    let Some(seat) = end.seat else { return };
    local.id = draws.rng.next_u64() >> 2 | 1;
    local.version = 1;
    local.taken.clear();
    let fits = |codec: &CodecName| *codec != CodecName::TelephoneEvent || wants_events(end.policy);
    let codecs = end.policy.offer_codecs.iter().filter_map(|c| CodecName::from_name(c));
    let codecs: Vec<CodecName> = codecs.filter(fits).collect();
    let cover = secure::offered(&end.rules(), None, draws.mint);
    local.proved = cover.has_proof();
    local.awaits = local.proved;
    let anchor = Anchor {
        address: end.told_address(),
        ports: &[seat.ports.rtp(seat.side, 0)],
        origin_id: local.id,
        origin_version: 1,
        hold: HoldForm::Pass,
        reveal: Reveal::default(),
        covers: &[cover],
    };
    let mut made = sdp::offer(&codecs, &anchor);
    let plan = ice::plan(end, None, &mut local.ice, draws.mint);
    ice::weave(&plan, end, local.ice.as_deref(), anchor.ports, &mut made);
    xr::weave(end.policy, None, None, &mut made);
    local.text = made.into_boxed_slice();
}

/// How this peer is told that it is held. Where it is to hear music it has to listen, unless its trunk says otherwise; music
/// can only be made in a codec that is spoken here.
fn hold_form(end: &End<'_>, session: &Session<'_>) -> HoldForm {
    let spoken =
        || session.media().iter().any(|media| media.codecs().any(|c| codecs::sound_of(&c).is_some()));
    let music = end.beyond.is_some_and(|beyond| beyond.sounds.hold_music.is_some()) && spoken();
    match end.policy.hold {
        Hold::Pass | Hold::Sendonly if music => HoldForm::SendonlyOnly,
        Hold::Pass => HoldForm::Pass,
        Hold::Sendonly => HoldForm::Sendonly,
        Hold::Inactive => HoldForm::Inactive,
        Hold::Zero => HoldForm::Zero,
        Hold::SendonlyOnly => HoldForm::SendonlyOnly,
    }
}

fn reveal(policy: &Policy) -> Reveal {
    let topology = policy.headers.topology;
    Reveal {
        session: topology.session,
        attributes: topology.attributes,
        hides_reports: policy.rtcp.extended != RtcpXr::Pass,
    }
}
