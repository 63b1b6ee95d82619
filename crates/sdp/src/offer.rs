//! An offer of our own: when a call comes without one and the other side wants one early.

use crate::anchor::Anchor;
use crate::codec::CodecName;
use crate::wrap::proto_of;
use std::io::Write;

/// Payload type of DTMF events at the narrow-band clock; what most peers expect to see.
const EVENT_PAYLOAD_TYPE: u8 = 101;
/// Payload type of DTMF events at the Opus clock (RFC 4733 §2.1: events share the audio's clock).
const WIDE_EVENT_PAYLOAD_TYPE: u8 = 102;
/// The first dynamic payload type (RFC 3551 §3).
const FIRST_DYNAMIC: u8 = 96;

/// Writes an offer of one audio stream with these codecs, in this order (RFC 3264 §5).
///
/// The port is the first of `anchor.ports`; without one the stream is offered disabled. A codec
/// named twice is offered once. No codec at all offers G.711 A-law and µ-law.
#[must_use]
pub fn offer(codecs: &[CodecName], anchor: &Anchor<'_>) -> Vec<u8> {
    const FALLBACK: [CodecName; 2] = [CodecName::Pcma, CodecName::Pcmu];
    let codecs = if codecs.is_empty() { &FALLBACK[..] } else { codecs };
    let port = anchor.ports.first().copied().flatten().unwrap_or(0);
    let mut out = Vec::with_capacity(384);
    out.extend_from_slice(b"v=0\r\n");
    anchor.write_origin(&mut out);
    out.extend_from_slice(b"s=-\r\n");
    anchor.write_connection(&mut out);
    let _ = write!(out, "t=0 0\r\nm=audio {port} {}", proto_of(anchor.wrap(0), false));
    let mut lines = Vec::with_capacity(192);
    let mut seen = [false; 128];
    let wide = codecs.contains(&CodecName::Opus);
    for codec in codecs {
        write_codec(*codec, wide, &mut seen, &mut out, &mut lines);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&lines);
    out.extend_from_slice(b"a=ptime:20\r\na=sendrecv\r\n");
    anchor.write_keys(0, &mut out);
    out
}

/// Adds a codec's payload type to the m= line and its attributes to `lines`.
fn write_codec(codec: CodecName, wide: bool, seen: &mut [bool; 128], out: &mut Vec<u8>, lines: &mut Vec<u8>) {
    let mut add = |pt: u8, map: &str, fmtp: &str| {
        let Some(taken) = seen.get_mut(usize::from(pt)).filter(|taken| !**taken) else {
            return;
        };
        *taken = true;
        // Writing to a Vec cannot fail.
        let _ = write!(out, " {pt}");
        let _ = write!(lines, "a=rtpmap:{pt} {map}\r\n");
        if !fmtp.is_empty() {
            let _ = write!(lines, "a=fmtp:{pt} {fmtp}\r\n");
        }
    };
    match codec {
        CodecName::Pcmu => add(0, "PCMU/8000", ""),
        CodecName::Pcma => add(8, "PCMA/8000", ""),
        CodecName::G722 => add(9, "G722/8000", ""),
        CodecName::G729 => add(18, "G729/8000", "annexb=no"),
        CodecName::ComfortNoise => add(13, "CN/8000", ""),
        CodecName::Opus => add(FIRST_DYNAMIC, "opus/48000/2", "useinbandfec=1"),
        CodecName::TelephoneEvent => {
            add(EVENT_PAYLOAD_TYPE, "telephone-event/8000", "0-15");
            if wide {
                add(WIDE_EVENT_PAYLOAD_TYPE, "telephone-event/48000", "0-15");
            }
        }
    }
}
