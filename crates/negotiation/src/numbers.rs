//! What payload numbers have stood for toward one peer: a number never gets another meaning, and a codec that comes
//! back comes back under its number (RFC 3264 §8.3.2).
//!
//! Noted is what was said before by either side; of a call that is described once nothing is kept but what the peer
//! itself offered.

use sdp::{Codec, RtpMap};
use smallvec::SmallVec;

/// Numbers of one peer that are remembered: limit `numbers_remembered`.
const NUMBERS_MAX: usize = 128;

/// One number of one m= line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stood {
    line: u8,
    number: u8,
    /// Of name, clock and channels.
    encoding: u32,
}

/// See the module text.
#[derive(Clone, Default, Debug)]
pub struct Numbers(SmallVec<[Stood; 6]>);

/// FNV-1a: whoever finds two names for one value mixes up the numbers of its own call.
fn encoding(map: &RtpMap<'_>) -> u32 {
    let rest = map.clock.to_be_bytes().into_iter().chain([map.channels]);
    let bytes = map.name.iter().map(u8::to_ascii_lowercase).chain(rest);
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The encoding of a codec.
fn of(codec: &Codec<'_>) -> u32 {
    encoding(&RtpMap { name: codec.name, clock: codec.clock, channels: codec.channels })
}

impl Numbers {
    /// Notes what a description of either side has given a meaning; the first meaning of a number stays.
    pub(crate) fn note(&mut self, text: &[u8]) {
        sdp::each_number(text, |line, number, map| {
            let Ok(line) = u8::try_from(line) else { return };
            if self.0.len() < NUMBERS_MAX && self.meaning(line, number).is_none() {
                self.0.push(Stood { line, number, encoding: encoding(&map) });
            }
        });
    }

    fn meaning(&self, line: u8, number: u8) -> Option<u32> {
        self.0.iter().find(|one| one.line == line && one.number == number).map(|one| one.encoding)
    }

    /// What has stood in one m= line.
    pub(crate) fn of_line(&self, line: usize) -> Line<'_> {
        Line { all: self, line: u8::try_from(line).unwrap_or(u8::MAX) }
    }
}

/// The numbers of one m= line.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    all: &'a Numbers,
    line: u8,
}

impl Line<'_> {
    /// Whether a number may stand for a codec.
    pub(crate) fn fits(self, number: u8, codec: &Codec<'_>) -> bool {
        self.all.meaning(self.line, number).is_none_or(|known| known == of(codec))
    }

    /// A number for a codec: one that stood for it before, else the first of `tries` that has stood for no other.
    pub(crate) fn pick(
        self,
        codec: &Codec<'_>,
        taken: impl Fn(u8) -> bool,
        tries: impl IntoIterator<Item = u8>,
    ) -> Option<u8> {
        let wanted = of(codec);
        let stood = self.all.0.iter().filter(|one| one.line == self.line && one.encoding == wanted);
        let before = stood.map(|one| one.number).find(|number| !taken(*number));
        before.or_else(|| tries.into_iter().find(|number| !taken(*number) && self.fits(*number, codec)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPUS: Codec<'static> = Codec { pt: 0, name: b"OPUS", clock: 48_000, channels: 2, fmtp: None };
    const EVENTS: Codec<'static> =
        Codec { pt: 0, name: b"telephone-event", clock: 48_000, channels: 1, fmtp: None };

    fn noted(numbers: &mut Numbers, maps: &[(u8, &str)]) {
        let maps: String = maps.iter().map(|(pt, map)| format!("a=rtpmap:{pt} {map}\r\n")).collect();
        numbers.note(format!("v=0\r\nm=audio 4000 RTP/AVP 8\r\n{maps}").as_bytes());
    }

    #[test]
    fn a_codec_keeps_its_number_and_no_number_gets_another_meaning() {
        let mut numbers = Numbers::default();
        noted(&mut numbers, &[(96, "opus/48000/2")]);
        noted(&mut numbers, &[(96, "telephone-event/48000"), (97, "telephone-event/8000")]);
        let line = numbers.of_line(0);
        assert_eq!(line.pick(&OPUS, |_| false, [127]), Some(96));
        assert_eq!(line.pick(&OPUS, |pt| pt == 96, [97, 98]), Some(98), "97 stood for others");
        assert_eq!(line.pick(&EVENTS, |_| false, [96, 97, 99]), Some(99));
        assert_eq!(line.pick(&EVENTS, |_| false, [96, 97]), None);
        assert!(line.fits(96, &OPUS) && !line.fits(96, &EVENTS) && line.fits(100, &EVENTS));
        assert_eq!(numbers.of_line(1).pick(&EVENTS, |_| false, [96]), Some(96), "another line has its own");
    }

    #[test]
    fn so_many_numbers_are_remembered_and_no_more() {
        let mut numbers = Numbers::default();
        for line in 0..4 {
            let head = "m=audio 1 RTP/AVP 8\r\n".repeat(line + 1);
            let maps: String = (35..=127).map(|pt| format!("a=rtpmap:{pt} x{pt}/8000\r\n")).collect();
            numbers.note(format!("v=0\r\n{head}{maps}").as_bytes());
        }
        assert_eq!(numbers.0.len(), NUMBERS_MAX);
    }
}
