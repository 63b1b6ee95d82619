//! Descriptions for a recorder: what each side of a call says, as streams of ours that it may take (RFC 7866 §8.1.1).
//!
//! Line `2 * stream + side` bears what a side says of a stream, by the numbers that it says it with. Enter through
//! [`offer_recorded`]; what the recorder answers means, by line, what [`each_recorded`] hands over.

use crate::end::End;
use crate::local::LocalSdp;
use crate::plan::Standing;
use crate::trouble::{SdpTrouble, parse};
use crate::{describe::Draws, judge, remote, secure};
use base::ReasonId;
use media::{MAX_STREAMS, Ports, Remote, Side, Srtp};
use sdp::{Codec, Cover, Direction, Media, Session, Wrap};
use std::io::Write;
use std::net::IpAddr;

/// What one side says of a stream.
struct Said<'a> {
    kind: &'a [u8],
    codecs: Vec<Codec<'a>>,
    ptime: Option<u16>,
    flows: bool,
}

/// Describes what is recorded, in `local`, whose version rises when something changed. `sides`: what holds with the
/// two peers; `paused`: nothing is to be sent (RFC 7866 §7.1.1.1); `ports`: ours towards the recorder, by stream and side. Tells whether a side's words flow, by stream.
///
/// # Errors
/// A description of a peer's cannot be read.
pub fn offer_recorded(
    end: &End<'_>,
    (sides, paused): (&[Standing<'_>; 2], bool),
    ports: &Ports,
    local: &mut LocalSdp,
    draws: Draws<'_>,
) -> Result<Vec<[bool; 2]>, SdpTrouble> {
    let [a, b] = sides;
    let theirs = [parse(a.theirs)?, parse(b.theirs)?];
    let ours = [parse(a.ours)?, parse(b.ours)?];
    let before = std::mem::take(&mut local.text);
    let held = if before.is_empty() { None } else { parse(&before).ok() };
    let (rules, mut flowing, mut lines) = (end.rules(), Vec::new(), Vec::new());
    for (stream, at) in ports.streams().iter().enumerate() {
        let said = Side::BOTH.map(|side| said(&theirs, &ours, stream, side));
        flowing.push([&said[0], &said[1]].map(|said| said.as_ref().is_some_and(|said| said.flows)));
        for (side, said) in Side::BOTH.into_iter().zip(said) {
            let index = 2 * stream + side.index();
            let held = held.as_ref().and_then(|held| held.media().get(index));
            let held = held.filter(|media| media.port == at.rtp(side));
            let said = said.map(|said| Said { flows: said.flows && !paused, ..said });
            let cover = said.as_ref().map(|_| secure::offered(&rules, held, draws.mint));
            lines.push((index, said.map(|said| (said, at.rtp(side))), cover.unwrap_or_default()));
        }
    }
    if local.id == 0 {
        (local.id, local.version) = (draws.rng.next_u64() >> 2 | 1, 1);
    }
    let address = end.listen.sdp_address();
    let mut text = write(address, (local.id, local.version), &lines);
    if !before.is_empty() && text != *before {
        local.version += 1;
        text = write(address, (local.id, local.version), &lines);
    }
    local.text = text.into();
    Ok(flowing)
}

/// By which payload type each side's words flow, by stream, as its agreement has it first; none: nothing is said.
///
/// # Errors
/// A description of a peer's cannot be read.
pub fn spoken(sides: &[Standing<'_>; 2], streams: usize) -> Result<Vec<[Option<u8>; 2]>, SdpTrouble> {
    let [a, b] = sides;
    let theirs = [parse(a.theirs)?, parse(b.theirs)?];
    let ours = [parse(a.ours)?, parse(b.ours)?];
    let first = |said: Said<'_>| said.codecs.first().filter(|_| said.flows).map(|codec| codec.pt);
    let of = |stream| Side::BOTH.map(|side| said(&theirs, &ours, stream, side).and_then(first));
    Ok((0..streams).map(of).collect())
}

/// What a side says of a stream; none where there is nothing to record.
fn said<'a>(
    theirs: &[Session<'a>; 2],
    ours: &[Session<'a>; 2],
    stream: usize,
    side: Side,
) -> Option<Said<'a>> {
    let line = |session: &Session<'a>| session.media().get(stream).copied();
    let live = |media: &Media<'a>| media.port != 0 && media.is_rtp();
    let (at, other) = (side.index(), side.other().index());
    let (them, us) = (line(&theirs[at]).filter(live)?, line(&ours[at]).filter(live)?);
    let known: Vec<Codec<'a>> = them.codecs().collect();
    let codecs: Vec<_> =
        us.codecs().filter(|us| known.iter().any(|them| them.is_same_encoding(us))).collect();
    let hears = line(&theirs[other]).filter(live).is_some_and(|media| {
        matches!(media.direction(), Direction::SendRecv | Direction::RecvOnly) && !media.is_null_hold()
    });
    let says = matches!(them.direction(), Direction::SendRecv | Direction::SendOnly);
    if codecs.is_empty() {
        return None;
    }
    Some(Said { kind: them.kind_token(), codecs, ptime: us.ptime(), flows: says && hears })
}

type Line<'a> = (usize, Option<(Said<'a>, u16)>, Cover);

fn transport(cover: &Cover) -> &'static str {
    match cover.wrap {
        Wrap::Plain => "RTP/AVP",
        Wrap::Savp => "RTP/SAVP",
        Wrap::Dtls => "UDP/TLS/RTP/SAVP",
    }
}

fn write(address: IpAddr, (id, version): (u64, u64), lines: &[Line<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    let _ = write!(
        out,
        "v=0\r\no=- {id} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
    );
    for (index, said, cover) in lines {
        let label = index + 1;
        let Some((said, port)) = said else {
            let _ = write!(out, "m=audio 0 RTP/AVP 0\r\na=label:{label}\r\na=inactive\r\n");
            continue;
        };
        out.extend_from_slice(b"m=");
        out.extend_from_slice(said.kind);
        let _ = write!(out, " {port} {}", transport(cover));
        said.codecs.iter().for_each(|codec| _ = write!(out, " {}", codec.pt));
        out.extend_from_slice(b"\r\n");
        for codec in &said.codecs {
            let _ = write!(out, "a=rtpmap:{} ", codec.pt);
            out.extend_from_slice(codec.name);
            let _ = write!(out, "/{}", codec.clock);
            if codec.channels > 1 {
                let _ = write!(out, "/{}", codec.channels);
            }
            if let Some(fmtp) = codec.fmtp {
                let _ = write!(out, "\r\na=fmtp:{} ", codec.pt);
                out.extend_from_slice(fmtp);
            }
            out.extend_from_slice(b"\r\n");
        }
        if let Some(ptime) = said.ptime {
            let _ = write!(out, "a=ptime:{ptime}\r\n");
        }
        out.extend_from_slice(&cover.lines);
        let _ = write!(out, "a=label:{label}\r\na={}\r\n", if said.flows { "sendonly" } else { "inactive" });
    }
    out
}

/// Hands over where a recorder wants each side's words of each stream, by what it answered to `local`, and the
/// payload types that it was offered to be sent.
///
/// # Errors
/// It answered badly, or takes nothing at all.
pub fn each_recorded(
    end: &End<'_>,
    local: &LocalSdp,
    answer: &[u8],
    mut take: impl FnMut(u8, Side, Remote, [u64; 2]),
) -> Result<(), SdpTrouble> {
    judge::judge(&local.text, answer)?;
    let (ours, theirs, rules) = (parse(&local.text)?, parse(answer)?, end.rules());
    let (mut some, mut any) = (false, false);
    for (index, (media, told)) in theirs.media().iter().zip(ours.media()).enumerate().take(2 * MAX_STREAMS) {
        let side = Side::BOTH[index % 2];
        let mut remote = remote::remote_of(&theirs, media, end.policy, end.media_address())?;
        let wanted = media.port != 0 && told.port != 0;
        (any, some) = (any || wanted, some || told.port != 0);
        remote.send &= wanted;
        remote.payload_types = Remote::bitmap(media.codecs().map(|codec| codec.pt));
        remote.srtp = if wanted { secure::between(&rules, (&theirs, media), Some(told)) } else { Srtp::Off };
        let offered = told.codecs().filter(|_| told.port != 0 && told.direction().sends());
        let offered = Remote::bitmap(offered.map(|codec| codec.pt));
        take(u8::try_from(index / 2).unwrap_or(u8::MAX), side, remote, offered);
    }
    let nothing = SdpTrouble { reason: ReasonId::SdpAnswerBad, warning: (304, "Media type not available") };
    if any || !some { Ok(()) } else { Err(nothing) }
}
