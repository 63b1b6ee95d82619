//! What an end heard: packets counted and sound recognised, with nothing but the bytes to go by.

use codec::{Law, level_dbm0, tone_level_dbm0};

/// Samples a second.
const RATE: u32 = 8_000;
/// Samples of one packet.
pub(super) const FRAME: usize = 160;
/// Samples of the spans that the tone must fill, one by one: 200 ms, where multiples of 5 Hz do not
/// disturb each other.
const SPAN: usize = 1_600;
/// Packets that are kept; two minutes.
const KEPT_MAX: usize = 6_000;
/// Frequencies that are looked for, Hz.
const SEARCH: std::ops::RangeInclusive<u32> = 60..=680;

/// A stream as received.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// Packets that this end itself sent.
    pub(super) sent: u32,
    /// Packets received, each once.
    pub(super) received: u32,
    /// Packets that came twice.
    pub(super) repeated: u32,
    /// Datagrams from elsewhere, or that are no RTP with the payload type agreed.
    pub(super) strange: u32,
    /// Jitter at the end (RFC 3550 §6.4.1), in samples.
    jitter: f64,
    transit: Option<f64>,
    first: Option<u16>,
    /// What it sounded like; told by [`Heard::finish`].
    pub(super) sound: Option<Sound>,
    /// Packets missing between the first and the last; likewise.
    pub(super) gaps: usize,
    frames: Vec<Option<[i16; FRAME]>>,
}

/// What a stream sounded like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Sound {
    /// The loudest frequency.
    pub(super) hertz: f64,
    /// Its level over the whole stream.
    pub(super) dbm0: f64,
    /// Its level in the softest span of 200 ms.
    pub(super) softest_dbm0: f64,
    /// The level of all that sounded.
    pub(super) total_dbm0: f64,
}

impl Heard {
    /// Takes one datagram that came `at` seconds after any fixed moment.
    pub(super) fn take(&mut self, datagram: &[u8], law: Law, at: f64) {
        let Some((sequence, timestamp, payload)) = read(datagram, payload_type(law)) else {
            self.strange += 1;
            return;
        };
        // Interarrival jitter (RFC 3550 §6.4.1).
        let transit = at * f64::from(RATE) - f64::from(timestamp);
        let before = *self.transit.get_or_insert(transit);
        self.jitter += ((transit - before).abs() - self.jitter) / 16.0;
        self.transit = Some(transit);
        let first = *self.first.get_or_insert(sequence);
        let place = usize::from(sequence.wrapping_sub(first));
        if place >= KEPT_MAX {
            self.strange += 1;
            return;
        }
        if self.frames.len() <= place {
            self.frames.resize(place + 1, None);
        }
        let Some(slot) = self.frames.get_mut(place) else { return };
        if slot.is_some() {
            self.repeated += 1;
            return;
        }
        let mut samples = [0; FRAME];
        law.decode_slice(payload, &mut samples);
        *slot = Some(samples);
        self.received += 1;
    }

    /// Nothing more comes: what was heard is judged, and the samples are forgotten.
    pub(super) fn finish(&mut self) {
        self.gaps = self.frames.iter().filter(|frame| frame.is_none()).count();
        self.sound = self.listen();
        self.frames = Vec::new();
    }

    /// Jitter at the end, milliseconds.
    pub(super) fn jitter_ms(&self) -> f64 {
        self.jitter * 1_000.0 / f64::from(RATE)
    }

    /// What it sounds like; nothing before 200 ms were heard. Missing packets are silence.
    fn listen(&self) -> Option<Sound> {
        let samples: Vec<i16> = self.frames.iter().flat_map(|f| f.unwrap_or([0; FRAME])).collect();
        let middle = samples.chunks_exact(SPAN).nth(samples.len() / SPAN / 2)?;
        let level = |block: &[i16], hertz: f64| tone_level_dbm0(block, hertz, RATE);
        let hertz = SEARCH
            .map(|step| f64::from(step * 5))
            .map(|hertz| (level(middle, hertz), hertz))
            .max_by(|a, b| a.0.total_cmp(&b.0))?
            .1;
        let spans = samples.chunks_exact(SPAN).map(|span| level(span, hertz));
        Some(Sound {
            hertz,
            dbm0: level(&samples, hertz),
            softest_dbm0: spans.fold(f64::INFINITY, f64::min),
            total_dbm0: level_dbm0(&samples),
        })
    }
}

/// The static payload type (RFC 3551 §6).
pub(super) fn payload_type(law: Law) -> u8 {
    match law {
        Law::Mu => 0,
        Law::A => 8,
    }
}

/// Sequence, timestamp and payload of an RTP packet (RFC 3550 §5.1) with 20 ms of this payload type.
fn read(datagram: &[u8], payload_type: u8) -> Option<(u16, u32, &[u8])> {
    let (head, payload) = datagram.split_at_checked(12)?;
    let plain = *head.first()? == 0x80 && *head.get(1)? & 0x7f == payload_type;
    let sequence = u16::from_be_bytes(head.get(2..4)?.try_into().ok()?);
    let timestamp = u32::from_be_bytes(head.get(4..8)?.try_into().ok()?);
    (plain && payload.len() == FRAME).then_some((sequence, timestamp, payload))
}

/// Writes an RTP packet (RFC 3550 §5.1).
pub(super) fn write(
    out: &mut Vec<u8>,
    law: Law,
    marker: bool,
    place: u32,
    origin: (u16, u32),
    samples: &[i16],
) {
    let (sequence, ssrc) = origin;
    out.clear();
    out.extend_from_slice(&[0x80, payload_type(law) | if marker { 0x80 } else { 0 }]);
    out.extend_from_slice(&sequence.wrapping_add(place as u16).to_be_bytes());
    out.extend_from_slice(&place.wrapping_mul(FRAME as u32).to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend(samples.iter().map(|sample| law.encode(*sample)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Tone;

    fn stream(law: Law, hertz: f64, lost: &[u32]) -> Heard {
        let (mut tone, mut samples, mut packet) = (Tone::sine(hertz, -10.0, RATE), [0; FRAME], Vec::new());
        let mut heard = Heard::default();
        for place in 0..100 {
            tone.fill(&mut samples);
            write(&mut packet, law, place == 0, place, (65_500, 7), &samples);
            if !lost.contains(&place) {
                heard.take(&packet, law, f64::from(place) * 0.02);
            }
        }
        heard.finish();
        heard
    }

    #[test]
    fn a_tone_is_recognised_across_a_wrapping_sequence() {
        for law in [Law::A, Law::Mu] {
            let heard = stream(law, 1_325.0, &[]);
            assert_eq!((heard.received, heard.gaps, heard.strange), (100, 0, 0));
            assert!(heard.jitter_ms() < 0.001);
            let sound = heard.sound.unwrap();
            assert_eq!(sound.hertz, 1_325.0);
            for level in [sound.dbm0, sound.softest_dbm0, sound.total_dbm0] {
                assert!((level + 10.0).abs() < 0.2, "{level}");
            }
        }
    }

    #[test]
    fn a_gap_is_counted_and_heard() {
        let heard = stream(Law::A, 800.0, &[40, 41, 42, 43, 44]);
        assert_eq!((heard.received, heard.gaps), (95, 5));
        let sound = heard.sound.unwrap();
        assert!(sound.softest_dbm0 < -15.0 && sound.dbm0 > -11.0, "{sound:?}");
    }

    #[test]
    fn what_is_no_such_packet_is_strange_and_nothing_sounds_like_nothing() {
        let mut heard = Heard::default();
        for datagram in [&[][..], &[0x80, 8], &[0; 172], &[0x80; 172]] {
            heard.take(datagram, Law::A, 0.0);
        }
        assert_eq!((heard.received, heard.strange), (0, 4));
        heard.finish();
        assert_eq!(heard.sound, None);
    }
}
