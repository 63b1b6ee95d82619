//! Rewriting a description so that its media flow through us (RFC 3264).
//!
//! Enter through [`can_anchor`] to learn which m= lines we can carry, then [`anchor`] for an
//! offer and [`anchor_answer`] for an answer. Nothing about the far side's addresses, keys or
//! candidates passes; codecs, packet times, bandwidths and lines we do not know do, as far as [`Reveal`] lets them.

use crate::address::{null_of, write_connection};
use crate::crypto::Cover;
use crate::direction::{Direction, HoldForm};
use crate::error::{SdpError, SdpErrorKind};
use crate::line::{Line, Lines, attribute, trim};
use crate::media::{Kind, Media, PTIME_MS_MAX, Proto};
use crate::session::Session;
use crate::topology::Reveal;
use crate::wrap::{Wrap, printed_proto};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

/// What we put in place of the other side's addresses.
#[derive(Clone, Copy, Debug)]
pub struct Anchor<'p> {
    /// The address that we advertise.
    pub address: IpAddr,
    /// Per m= line our RTP port; none (or 0, or missing) refuses that m= line with port 0.
    pub ports: &'p [Option<u16>],
    /// Our session identifier in o=; constant for a dialog.
    pub origin_id: u64,
    /// Our version in o=; one more whenever what we say changes (RFC 3264 §8).
    pub origin_version: u64,
    /// How a hold is written.
    pub hold: HoldForm,
    /// What crosses as it came.
    pub reveal: Reveal,
    /// Per m= line how it is secured; missing ones are plain RTP.
    pub covers: &'p [Cover],
}

impl Anchor<'_> {
    pub(crate) fn wrap(&self, index: usize) -> Wrap {
        self.covers.get(index).map_or(Wrap::Plain, |cover| cover.wrap)
    }

    pub(crate) fn write_keys(&self, index: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.covers.get(index).map_or(&[], |cover| &cover.lines));
    }

    fn port(&self, index: usize) -> u16 {
        self.ports.get(index).copied().flatten().unwrap_or(0)
    }

    pub(crate) fn write_origin(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "o=- {} {} ", self.origin_id, self.origin_version);
        write_connection(self.address, out);
        out.extend_from_slice(b"\r\n");
    }

    pub(crate) fn write_connection(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"c=");
        write_connection(self.address, out);
        out.extend_from_slice(b"\r\n");
    }
}

/// Whether we can carry this media: audio and video over RTP, plain or secured, images over UDPTL. Whether the keys
/// can be used is not judged here.
///
/// # Errors
/// Why not, with the Warning to send (RFC 3261 §20.43); [`SdpErrorKind::Disabled`] for port 0.
pub fn can_anchor(media: &Media<'_>) -> Result<(), SdpError> {
    let refuse = |kind| Err(SdpError::at(media.line, kind));
    if media.port == 0 {
        return refuse(SdpErrorKind::Disabled);
    }
    can_carry(media)?;
    match media.connection() {
        None => return refuse(SdpErrorKind::NoConnection),
        Some(address) if address.is_multicast() => return refuse(SdpErrorKind::Multicast),
        Some(_) => {}
    }
    if media.port_count != 1 {
        return refuse(SdpErrorKind::PortCount);
    }
    if media.formats().next().is_none() {
        return refuse(SdpErrorKind::NoFormat);
    }
    if media.has_absurd_packet_time() {
        return refuse(SdpErrorKind::PacketTime { max: PTIME_MS_MAX });
    }
    Ok(())
}

/// Kind and transport alone.
fn can_carry(media: &Media<'_>) -> Result<(), SdpError> {
    let kind = match (media.kind, media.transport()) {
        (Kind::Audio | Kind::Video, Proto::RtpAvp | Proto::RtpAvpf | Proto::RtpSavp | Proto::DtlsSavp)
        | (Kind::Image, Proto::Udptl) => return Ok(()),
        (Kind::Audio | Kind::Video | Kind::Image, _) => SdpErrorKind::Transport,
        _ => SdpErrorKind::MediaType,
    };
    Err(SdpError::at(media.line, kind))
}

/// Whether at least one m= line can be carried, or all are disabled by their sender.
///
/// # Errors
/// The reason of the first active m= line when all are refused, or that there are none: answer
/// 488 with its Warning.
pub fn can_anchor_any(session: &Session<'_>) -> Result<(), SdpError> {
    if session.media().is_empty() {
        return Err(SdpError::at(0, SdpErrorKind::NoMedia));
    }
    let mut first = Ok(());
    for media in session.media().iter().filter(|media| media.port != 0) {
        match can_anchor(media) {
            Ok(()) => return Ok(()),
            Err(error) if first.is_ok() => first = Err(error),
            Err(_) => {}
        }
    }
    first
}

/// Rewrites an offer for the other leg and appends it to `out`.
///
/// # Errors
/// A port is given for media that we cannot carry; `out` is as before.
pub fn anchor(session: &Session<'_>, anchor: &Anchor<'_>, out: &mut Vec<u8>) -> Result<(), SdpError> {
    rewrite(session, None, anchor, out)
}

/// Rewrites an answer for the leg that made `offer` and appends it to `out`: as [`anchor`], and
/// no direction says more than the offer allows (RFC 3264 §6.1), and the transport of RTP is said as
/// in the offer.
///
/// The offer is the one that this leg sent us, so that a hold translated on the other leg comes
/// back as a lawful answer.
///
/// # Errors
/// A port is given for media that we cannot carry; `out` is as before.
pub fn anchor_answer(
    answer: &Session<'_>,
    offer: &Session<'_>,
    anchor: &Anchor<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SdpError> {
    rewrite(answer, Some(offer), anchor, out)
}

fn rewrite(
    session: &Session<'_>,
    offer: Option<&Session<'_>>,
    anchor: &Anchor<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SdpError> {
    for (index, media) in session.media().iter().enumerate() {
        if media.port != 0 && anchor.port(index) != 0 {
            can_carry(media)?;
        }
    }
    out.reserve(session.bytes.len() + 128);
    Head { anchor, out, origin: false, name: false, connection: false, time: false, time_filled: false }
        .write(session);
    for (index, media) in session.media().iter().enumerate() {
        let port = if media.port == 0 { 0 } else { anchor.port(index) };
        let offered = offer.and_then(|offer| offer.media().get(index));
        write_media_line(media, port, printed_proto(media, port, offered, anchor.wrap(index)), out);
        if port != 0 {
            write_section(media, port, offered.map(Media::effective_direction), anchor, out);
            anchor.write_keys(index, out);
        }
    }
    Ok(())
}

/// The session's lines on their way out; what the grammar demands is filled in where it belongs.
struct Head<'o, 'p> {
    anchor: &'o Anchor<'p>,
    out: &'o mut Vec<u8>,
    origin: bool,
    name: bool,
    connection: bool,
    time: bool,
    time_filled: bool,
}

impl Head<'_, '_> {
    fn write(mut self, session: &Session<'_>) {
        for line in Lines::new(session.head) {
            self.fill_before(line.kind);
            match line.kind {
                b'o' | b'c' | b'k' => {}
                // Ours stands where theirs came too late.
                b't' if self.time_filled => {}
                b's' if self.name => {}
                b's' => {
                    self.name = true;
                    let shown = self.anchor.reveal.session && !trim(line.value).is_empty();
                    let name: &[u8] = if shown { line.value } else { b"-" };
                    write_line(b's', name, self.out);
                }
                b'a' if is_withheld(line.value, self.anchor.reveal) => {}
                kind if !self.anchor.reveal.keeps_line(kind, line.value) => {}
                kind => {
                    self.time |= kind == b't';
                    write_line(kind, line.value, self.out);
                }
            }
        }
        self.fill_before(b'm');
    }

    /// Writes our o=, a missing s=, our c= and a missing t= before a line that comes after them
    /// (RFC 8866 §5).
    fn fill_before(&mut self, kind: u8) {
        let rank = rank(kind);
        if rank >= 1 && !self.origin {
            self.origin = true;
            self.anchor.write_origin(self.out);
        }
        if rank > 2 && !self.name {
            self.name = true;
            write_line(b's', b"-", self.out);
        }
        if rank >= 4 && !self.connection {
            self.connection = true;
            self.anchor.write_connection(self.out);
        }
        if rank > 6 && !self.time {
            self.time = true;
            self.time_filled = true;
            write_line(b't', b"0 0", self.out);
        }
    }
}

/// The place of a line type in a session (RFC 8866 §5); 0 for v=, for k= (never sent on) and for types
/// without a place.
fn rank(kind: u8) -> u8 {
    match kind {
        b'o' => 1,
        b's' => 2,
        b'i' | b'u' | b'e' | b'p' => 3,
        b'c' => 4,
        b'b' => 5,
        b't' => 6,
        b'r' | b'z' => 7,
        b'a' => 8,
        b'm' => 9,
        _ => 0,
    }
}

fn write_line(kind: u8, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[kind, b'=']);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_media_line(media: &Media<'_>, port: u16, proto: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"m=");
    out.extend_from_slice(media.kind_token);
    let _ = write!(out, " {port} ");
    out.extend_from_slice(proto);
    let mut any = false;
    // Formats of media that are refused can be any word.
    for format in media.formats().filter(|format| !base::names_place(format)) {
        any = true;
        out.push(b' ');
        out.extend_from_slice(format);
    }
    if !any {
        // The grammar wants a format even where media is refused (RFC 8866 §5.14).
        out.extend_from_slice(b" 0");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the lines below an m= line that we carry.
fn write_section(
    media: &Media<'_>,
    port: u16,
    offered: Option<Direction>,
    anchor: &Anchor<'_>,
    out: &mut Vec<u8>,
) {
    let (direction, null) = anchor.hold.write(media.direction(), media.is_null_hold(), offered);
    let mut null_owed = null;
    let mut direction_written = false;
    for line in Lines::new(media.section) {
        if null_owed && line.kind != b'i' {
            null_owed = false;
            write_null_connection(anchor.address, out);
        }
        match line.kind {
            b'c' | b'k' => {}
            b'a' => {
                let (name, _) = attribute(line.value);
                if Direction::from_name(name).is_some() {
                    // In the place of the first; a second one would contradict it.
                    if !std::mem::replace(&mut direction_written, true) {
                        write_direction(direction, out);
                    }
                } else {
                    write_attribute(&line, (name, port), anchor.reveal, out);
                }
            }
            // What belongs to the session has no place below m= (RFC 8866 §9): a stray o= would tell the
            // peer's address.
            b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z' => {}
            kind if !anchor.reveal.keeps_line(kind, line.value) => {}
            kind => write_line(kind, line.value, out),
        }
    }
    if null_owed {
        write_null_connection(anchor.address, out);
    }
    let said = direction != Direction::SendRecv || media.session_direction.is_some();
    if said && !direction_written {
        write_direction(direction, out);
    }
}

fn write_null_connection(address: IpAddr, out: &mut Vec<u8>) {
    out.extend_from_slice(b"c=");
    write_connection(null_of(address), out);
    out.extend_from_slice(b"\r\n");
}

fn write_direction(direction: Direction, out: &mut Vec<u8>) {
    write_line(b'a', direction.as_str().as_bytes(), out);
}

/// Writes an attribute as it came, with our RTCP port, or not at all.
fn write_attribute(line: &Line<'_>, (name, port): (&[u8], u16), reveal: Reveal, out: &mut Vec<u8>) {
    if name.eq_ignore_ascii_case(b"rtcp") {
        if let Some(next) = port.checked_add(1) {
            let _ = write!(out, "a=rtcp:{next}\r\n");
        }
    } else if reveal.keeps_attribute(line.value) {
        write_line(b'a', line.value, out);
    }
}

/// Whether a session's attribute stays here: said per media by us, or ours to terminate.
fn is_withheld(value: &[u8], reveal: Reveal) -> bool {
    let (name, _) = attribute(value);
    let ours = Direction::from_name(name).is_some() || name.eq_ignore_ascii_case(b"rtcp");
    ours || !reveal.keeps_attribute(value)
}

/// An answer that refuses every m= line with port 0 (RFC 3264 §6).
///
/// It names no address of ours; for one that does, [`anchor`] the offer without ports. `origin`: id and version of our
/// session toward this peer (§8).
#[must_use]
pub fn reject_all(offer: &Session<'_>, origin: (u64, u64)) -> Vec<u8> {
    let nowhere = Anchor {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ports: &[],
        origin_id: origin.0,
        origin_version: origin.1,
        hold: HoldForm::Pass,
        reveal: Reveal::default(),
        covers: &[],
    };
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"v=0\r\n");
    nowhere.write_origin(&mut out);
    out.extend_from_slice(b"s=-\r\n");
    nowhere.write_connection(&mut out);
    out.extend_from_slice(b"t=0 0\r\n");
    for media in offer.media() {
        write_media_line(media, 0, media.proto, &mut out);
    }
    out
}
