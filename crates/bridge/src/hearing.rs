//! From payloads to samples: decoders, what is made up for lost packets, and the rate of the other side.

use crate::plan::Codec;
use codec::opus::PACKET_MAX_MS;
use codec::{Concealer, Gain, Resampler, g722, opus};

/// The longest packet that is heard, milliseconds; G.711 and G.722 fill datagrams of 1,500 bytes with more: limit `packet_heard`.
const HEARD_MAX_MS: usize = 200;

/// Codecs of one source whose decoders are kept while another one is heard; of more, that which was heard last goes.
const EARS_MAX: usize = 4;

/// The state of one codec's decoder.
#[derive(Debug)]
enum Decoder {
    G711(codec::Law),
    G722(Box<g722::Decoder>),
    Opus(opus::Decoder),
}

/// See the module text.
#[derive(Debug)]
pub(crate) struct Hearing {
    /// Samples a second that are given.
    rate: u32,
    gain: Option<Gain>,
    /// That of the codec which is heard first.
    ears: Vec<(Codec, Ear)>,
    samples: Vec<i16>,
}

/// What goes with one codec while it is heard.
#[derive(Debug)]
struct Ear {
    decoder: Decoder,
    /// Samples a second of the decoder.
    rate: u32,
    concealer: Concealer,
    resampler: Option<Resampler>,
    /// Samples of the last packet.
    last: usize,
}

impl Ear {
    fn new(codec: Codec, rate: u32) -> Option<Ear> {
        let own = codec.rate().unwrap_or(rate);
        let decoder = match codec {
            Codec::G711(law) => Decoder::G711(law),
            Codec::G722 => Decoder::G722(Box::default()),
            Codec::Opus(_) => Decoder::Opus(opus::Decoder::new(own)?),
        };
        let resampler = Resampler::new(own, rate);
        Some(Ear { decoder, rate: own, concealer: Concealer::new(own), resampler, last: own as usize / 50 })
    }

    /// How many samples a payload holds, at most what is heard of one.
    fn length(&self, payload: &[u8]) -> Option<usize> {
        let count = match &self.decoder {
            Decoder::G711(_) => payload.len(),
            Decoder::G722(_) => payload.len() * g722::SAMPLES_PER_OCTET,
            Decoder::Opus(_) => opus::Decoder::samples(payload, self.rate)?,
        };
        (1..=self.rate as usize * HEARD_MAX_MS / 1_000).contains(&count).then_some(count)
    }

    fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Option<()> {
        match &mut self.decoder {
            Decoder::G711(law) => {
                law.decode_slice(payload, samples);
            }
            Decoder::G722(decoder) => {
                decoder.decode(payload, samples);
            }
            Decoder::Opus(decoder) => return decoder.decode(payload, samples).map(drop),
        }
        self.concealer.heard(samples);
        Some(())
    }

    /// Makes up samples; `next` is the payload behind them, when that has come.
    fn conceal(&mut self, next: Option<&[u8]>, samples: &mut [i16]) {
        let Decoder::Opus(decoder) = &mut self.decoder else { return self.concealer.fill(samples) };
        // A copy of the packet before lies in the next one: it can give only the last of several.
        let step = self.last.clamp(1, self.rate as usize * PACKET_MAX_MS / 1_000);
        let pieces = samples.len().div_ceil(step);
        for (number, piece) in samples.chunks_mut(step).enumerate() {
            decoder.conceal(next.filter(|_| number + 1 == pieces), piece);
        }
    }
}

impl Hearing {
    pub(crate) fn new(rate: u32, gain_tenths_db: i16) -> Hearing {
        let gain = Gain::of_db(f64::from(gain_tenths_db) / 10.0);
        Hearing { rate, gain, ears: Vec::new(), samples: Vec::new() }
    }

    /// Forgets what was heard: another source speaks.
    pub(crate) fn reset(&mut self) {
        self.ears.clear();
    }

    /// Adds the samples of a payload to `out`, before them `missing` ticks of the codec's clock that are made up.
    /// How many ticks the payload itself holds; none for what cannot be heard.
    pub(crate) fn packet(
        &mut self,
        codec: Codec,
        payload: &[u8],
        missing: u32,
        out: &mut Vec<i16>,
    ) -> Option<u32> {
        self.turn_to(codec)?;
        let (_, ear) = self.ears.first_mut()?;
        let length = ear.length(payload)?;
        let made_up = scaled(missing, ear.rate, codec.clock());
        self.samples.clear();
        self.samples.resize(made_up + length, 0);
        let (before, samples) = self.samples.split_at_mut_checked(made_up)?;
        if !before.is_empty() {
            ear.conceal(Some(payload), before);
        }
        ear.decode(payload, samples)?;
        ear.last = length;
        let ticks = u64::from(codec.clock()) * length as u64 / u64::from(ear.rate);
        if let Some(gain) = self.gain {
            gain.apply(&mut self.samples);
        }
        match &mut ear.resampler {
            Some(resampler) => resampler.process(&self.samples, out),
            None => out.extend_from_slice(&self.samples),
        }
        Some(ticks as u32)
    }
}

impl Hearing {
    /// Puts the ear of a codec first.
    fn turn_to(&mut self, codec: Codec) -> Option<()> {
        match self.ears.iter().position(|(known, _)| known.is_same(codec)) {
            Some(0) => {}
            Some(at) => self.ears.swap(0, at),
            None => {
                let ear = Ear::new(codec, self.rate)?;
                self.ears.truncate(EARS_MAX - 1);
                self.ears.insert(0, (codec, ear));
            }
        }
        Some(())
    }

    /// Adds so many milliseconds to `out` that are made up while nothing comes; false: nothing has been heard yet.
    pub(crate) fn go_on(&mut self, ms: u8, out: &mut Vec<i16>) -> bool {
        let Some((_, ear)) = self.ears.first_mut() else { return false };
        self.samples.clear();
        self.samples.resize(ear.rate as usize * usize::from(ms) / 1_000, 0);
        ear.conceal(None, &mut self.samples);
        if let Some(gain) = self.gain {
            gain.apply(&mut self.samples);
        }
        match &mut ear.resampler {
            Some(resampler) => resampler.process(&self.samples, out),
            None => out.extend_from_slice(&self.samples),
        }
        true
    }
}

/// Ticks of one clock in those of another.
pub(crate) fn scaled(ticks: u32, to: u32, from: u32) -> usize {
    (u64::from(ticks) * u64::from(to) / u64::from(from.max(1))) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::{Law, Tone};

    #[test]
    fn a_decoder_goes_on_where_it_was_after_another_codec() {
        let (mut tone, mut encoder) = (Tone::sine(440.0, -12.0, 16_000), g722::Encoder::new());
        let (mut decoder, mut hearing) = (g722::Decoder::new(), Hearing::new(16_000, 0));
        for _ in 0..20 {
            let (mut samples, mut payload) = ([0; 320], [0; 160]);
            tone.fill(&mut samples);
            encoder.encode(&samples, &mut payload);
            let (mut heard, mut expected) = (Vec::new(), [0; 320]);
            assert_eq!(hearing.packet(Codec::G722, &payload, 0, &mut heard), Some(160));
            decoder.decode(&payload, &mut expected);
            assert_eq!(heard, expected);
            hearing.packet(Codec::G711(Law::A), &[0xd5; 160], 0, &mut heard);
            hearing.packet(Codec::G711(Law::Mu), &[0xff; 160], 0, &mut heard);
            assert!(hearing.ears.len() <= EARS_MAX);
        }
        hearing.reset();
        assert!(hearing.ears.is_empty());
    }
}
