//! Opus (RFC 6716, RFC 7587): speech in one channel, at the rate at which the other codec works.
//!
//! An Opus coder takes and gives 8, 16 or 48 kHz whatever the packets hold, so no resampler stands between
//! it and G.711 or G.722. The codec itself is `opus-pure`, a port of libopus without foreign code.

use opus_pure::{Application, MAX_PACKET_BYTES, OpusDecoder, OpusEncoder, RateControl, Signal};
use std::fmt;

/// The longest packet, milliseconds (RFC 6716 §2.1.4).
pub const PACKET_MAX_MS: usize = 120;
/// The RTP clock whatever the sound holds (RFC 7587 §4.1).
pub const CLOCK: u32 = 48_000;
/// How hard the encoder tries, 0 to 10: what telephones use.
const COMPLEXITY: i32 = 5;
/// The bit rate for narrow, wide and full band speech: above the "sweet spots" of RFC 7587 §3.1.1, for what
/// comes from another codec carries its noise too.
const BITRATES: [(u32, i32); 3] = [(8_000, 32_000), (16_000, 32_000), (48_000, 32_000)];
/// Narrow band sound of so many bits a second comes out nearest to what went in when its spectrum is coded (CELT) and
/// not a model of the voice; at less the model is better, and it alone can carry copies against loss.
const SPECTRUM_FROM: i32 = 28_000;
/// Loss against which the encoder protects when the peer wants it, in percent.
const LOSS_EXPECTED: i32 = 10;

/// What a peer has asked of packets to it (RFC 7587 §6.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// The highest bit rate it takes, bit/s; 0 when it said none.
    pub bitrate_max: u32,
    /// Whether it uses the copy of the packet before that a packet may carry.
    pub fec: bool,
    /// Whether every packet shall be of one size.
    pub constant: bool,
}

/// Makes packets.
pub struct Encoder(Box<OpusEncoder>);

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Encoder {
    /// For `rate` samples a second; none for a rate that Opus does not take.
    #[must_use]
    pub fn new(rate: u32, wish: Wish) -> Option<Encoder> {
        let (_, bitrate) = BITRATES.into_iter().find(|(known, _)| *known >= rate)?;
        let limit = i32::try_from(wish.bitrate_max).ok().filter(|limit| *limit >= 6_000);
        let bitrate = limit.map_or(bitrate, |limit| bitrate.min(limit));
        let spectrum = rate == 8_000 && bitrate >= SPECTRUM_FROM && !wish.fec;
        let application = if spectrum { Application::RestrictedLowDelay } else { Application::Voip };
        let mut encoder = OpusEncoder::new(i32::try_from(rate).ok()?, 1, application).ok()?;
        encoder.bitrate_bps = bitrate;
        encoder.complexity = COMPLEXITY;
        encoder.signal_type = Some(Signal::Voice);
        encoder.use_inband_fec = wish.fec;
        encoder.packet_loss_perc = if wish.fec { LOSS_EXPECTED } else { 0 };
        if wish.constant {
            encoder.rate_control = RateControl::Cbr;
        }
        Some(Encoder(Box::new(encoder)))
    }

    /// One packet of 10, 20, 40 or 60 ms; its length, none when the samples are not such a time or the
    /// packet is too small for anything.
    pub fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> Option<usize> {
        let room = packet.len().min(MAX_PACKET_BYTES);
        self.0.encode_s16(samples, samples.len(), packet.get_mut(..room)?).ok()
    }
}

/// Hears packets.
pub struct Decoder(Box<OpusDecoder>);

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("rate", &self.0.sample_rate()).finish_non_exhaustive()
    }
}

impl Decoder {
    /// Gives `rate` samples a second, in one channel; none for a rate that Opus does not give.
    #[must_use]
    pub fn new(rate: u32) -> Option<Decoder> {
        OpusDecoder::new(i32::try_from(rate).ok()?, 1).ok().map(|decoder| Decoder(Box::new(decoder)))
    }

    /// How many samples at `rate` a packet holds; none for what is no packet.
    #[must_use]
    pub fn samples(packet: &[u8], rate: u32) -> Option<usize> {
        opus_pure::packet::samples(packet, i32::try_from(rate).ok()?).ok().filter(|count| *count > 0)
    }

    /// Decodes a packet into at most `samples.len()` samples; how many they are, none for what is no packet
    /// or does not fit.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> Option<usize> {
        if packet.is_empty() {
            return None;
        }
        self.0.decode_s16(packet, samples.len(), samples).ok()
    }

    /// Makes up what a lost packet held; `next` is the one behind it when that has come: it may carry a copy
    /// (RFC 6716 §2.1.7).
    pub fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        let length = samples.len();
        let made = match next.filter(|packet| !packet.is_empty()) {
            Some(packet) => self.0.decode_fec_s16(packet, length, samples),
            None => self.0.decode_s16(&[], length, samples),
        };
        let made = made.unwrap_or(0).min(length);
        samples[made..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{level_dbm0, tone_level_dbm0};
    use crate::tone::Tone;

    fn packets(rate: u32, ms: usize, wish: Wish) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(rate, wish).unwrap();
        let mut tone = Tone::pair(440.0, 1_000.0, -16.0, rate);
        let mut packet = [0u8; 1_500];
        (0..1_000 / ms)
            .map(|_| {
                let mut samples = vec![0i16; rate as usize * ms / 1_000];
                tone.fill(&mut samples);
                let length = encoder.encode(&samples, &mut packet).unwrap();
                packet[..length].to_vec()
            })
            .collect()
    }

    #[test]
    fn tones_come_back_at_every_rate_and_packet_time() {
        for rate in [8_000, 16_000, 48_000] {
            for ms in [10, 20, 40, 60] {
                let mut heard = Vec::new();
                let mut decoder = Decoder::new(rate).unwrap();
                let mut samples = vec![0i16; rate as usize * PACKET_MAX_MS / 1_000];
                for packet in packets(rate, ms, Wish::default()) {
                    let count = decoder.decode(&packet, &mut samples).unwrap();
                    assert_eq!(Decoder::samples(&packet, rate), Some(count));
                    assert_eq!(count, rate as usize * ms / 1_000);
                    heard.extend(&samples[..count]);
                }
                for hz in [440.0, 1_000.0] {
                    let level = tone_level_dbm0(&heard[rate as usize / 4..], hz, rate);
                    assert!((level + 16.0).abs() < 1.5, "{rate} Hz, {ms} ms: {hz} Hz at {level}");
                }
            }
        }
    }

    #[test]
    fn a_packet_for_another_rate_is_heard_at_ours() {
        let mut decoder = Decoder::new(8_000).unwrap();
        let mut heard = Vec::new();
        let mut samples = [0i16; 960];
        for packet in packets(48_000, 20, Wish::default()) {
            let count = decoder.decode(&packet, &mut samples).unwrap();
            assert_eq!(count, 160);
            heard.extend(&samples[..count]);
        }
        assert!((tone_level_dbm0(&heard[2_000..], 1_000.0, 8_000) + 16.0).abs() < 1.5);
    }

    #[test]
    fn a_lost_packet_is_made_up_and_what_the_peer_wants_is_kept() {
        let wish = Wish { fec: true, ..Wish::default() };
        let sent = packets(16_000, 20, wish);
        let mut decoder = Decoder::new(16_000).unwrap();
        let mut samples = [0i16; 320];
        for packet in &sent[..20] {
            decoder.decode(packet, &mut samples).unwrap();
        }
        let before = level_dbm0(&samples);
        decoder.conceal(Some(&sent[21]), &mut samples);
        assert!((level_dbm0(&samples) - before).abs() < 6.0);
        decoder.decode(&sent[21], &mut samples).unwrap();
        decoder.conceal(None, &mut samples);
        assert!(level_dbm0(&samples) > before - 12.0);
        let small = Wish { bitrate_max: 8_000, constant: true, ..Wish::default() };
        let sent = packets(16_000, 20, small);
        assert!(sent.iter().all(|packet| packet.len() == 20), "{:?}", sent[0].len());
    }

    #[test]
    fn what_is_no_packet_is_told() {
        let mut decoder = Decoder::new(8_000).unwrap();
        let mut samples = [0i16; 960];
        assert_eq!(decoder.decode(&[], &mut samples), None);
        assert_eq!(Decoder::samples(&[], 8_000), None);
        assert!(Encoder::new(44_100, Wish::default()).is_none() && Decoder::new(1).is_none());
        assert_eq!(Encoder::new(8_000, Wish::default()).unwrap().encode(&[0; 77], &mut [0; 100]), None);
        let mut state = 9u32;
        for length in 1..400usize {
            let packet: Vec<u8> = (0..length % 90)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            let _ = decoder.decode(&packet, &mut samples);
            decoder.conceal(Some(&packet), &mut samples[..160]);
        }
    }
}
