//! What payload numbers have stood for toward one peer: a number never gets another meaning, and a codec that comes
//! back comes back under its number (RFC 3264 §8.3.2).
//!
//! Noted is what was said before by either side; of a call that is described once nothing is kept but what the peer
//! itself offered.

use crate::codecs::event;
use sdp::{Codec, Media, Recast, RtpMap, Session, Written};
use smallvec::SmallVec;

/// Numbers of one peer that are remembered: limit `numbers_remembered`.
const NUMBERS_MAX: usize = 128;

/// Numbers that are for anybody's use, that of named events first.
const EVENTS: u8 = 101;
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;

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
    /// Notes what a description of either side has given a meaning; the first meaning of a number stays. Whether its
    /// sender may want to hear nothing.
    pub(crate) fn note(&mut self, text: &[u8]) -> bool {
        sdp::each_number(text, |line, number, map| {
            let Ok(line) = u8::try_from(line) else { return };
            if self.0.len() < NUMBERS_MAX && self.meaning(line, number).is_none() {
                self.0.push(Stood { line, number, encoding: encoding(&map) });
            }
        })
    }

    fn meaning(&self, line: u8, number: u8) -> Option<u32> {
        self.0.iter().find(|one| one.line == line && one.number == number).map(|one| one.encoding)
    }

    /// Whether a description gives a number another meaning than it had.
    pub(crate) fn clash(&self, text: &[u8]) -> bool {
        let mut clash = false;
        if !self.0.is_empty() {
            sdp::each_number(text, |line, number, map| {
                let before = u8::try_from(line).ok().and_then(|line| self.meaning(line, number));
                clash |= before.is_some_and(|before| before != encoding(&map));
            });
        }
        clash
    }

    /// A description of the other peer without that: named events get another number, other codecs are left out, as
    /// long as there is one beside them.
    pub(crate) fn fitted(&self, session: &Session<'_>) -> Vec<u8> {
        let lines = session.media().iter().enumerate();
        let recasts: Vec<_> = lines.map(|(at, media)| fitted(media, self.of_line(at))).collect();
        sdp::recast(session, &recasts)
    }

    /// What has stood in one m= line.
    pub(crate) fn of_line(&self, line: usize) -> Line<'_> {
        Line { all: self, line: u8::try_from(line).unwrap_or(u8::MAX) }
    }
}

fn fitted(media: &Media<'_>, stood: Line<'_>) -> Option<Recast> {
    let list: Vec<Codec<'_>> = media.codecs().collect();
    if list.iter().all(|codec| stood.fits(codec.pt, codec)) {
        return None;
    }
    let alone = !list.iter().any(|codec| codec.is_primary() && stood.fits(codec.pt, codec));
    let mut formats: Vec<Written> = Vec::new();
    for codec in &list {
        let taken =
            |pt: u8| list.iter().any(|c| c.pt == pt) || formats.iter().any(|f| f.payload_type() == pt);
        match () {
            () if stood.fits(codec.pt, codec) || (alone && codec.is_primary()) => {
                formats.push(Written::Kept(codec.pt));
            }
            () if codec.is_telephone_event() => {
                let number = stood.pick(codec, taken, [EVENTS].into_iter().chain(DYNAMIC));
                formats.extend(number.map(|pt| event(pt, codec.clock)));
            }
            () => {}
        }
    }
    Some(Recast { formats, ptime: None })
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
    fn what_would_give_a_number_another_meaning_is_left_out_or_numbered_anew() {
        let mut numbers = Numbers::default();
        noted(&mut numbers, &[(96, "opus/48000/2"), (101, "telephone-event/8000"), (97, "AMR/8000")]);
        let fit = |maps: &str, formats: &str| {
            let text = format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{maps}"
            );
            let fitted = numbers.fitted(&crate::parse(text.as_bytes()).unwrap());
            let line = String::from_utf8(fitted).unwrap();
            let formats =
                line.split("RTP/AVP ").nth(1).unwrap_or_default().split("\r\n").next().unwrap_or_default();
            (numbers.clash(text.as_bytes()), formats.to_owned())
        };
        let same = "a=rtpmap:96 OPUS/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n";
        assert_eq!(fit(same, "8 96 101"), (false, "8 96 101".to_owned()));
        let events = "a=rtpmap:96 telephone-event/8000\r\n";
        assert_eq!(fit(events, "8 96"), (true, "8 101".to_owned()), "by the number that they had");
        let codec = "a=rtpmap:101 opus/48000/2\r\na=rtpmap:98 AMR/8000\r\n";
        assert_eq!(fit(codec, "101 98"), (true, "98".to_owned()));
        assert_eq!(
            fit("a=rtpmap:101 opus/48000/2\r\n", "101"),
            (true, "101".to_owned()),
            "there is nothing else"
        );
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
