//! From payloads to samples: decoders, what is made up for lost packets, and the rate of the other side.

use crate::plan::Codec;
use codec::opus::PACKET_MAX_MS;
use codec::{Concealer, Gain, Resampler, g722, opus};

/// The longest packet that is heard, milliseconds; G.711 and G.722 fill datagrams of 1,500 bytes with more.
const HEARD_MAX_MS: usize = 200;

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
    current: Option<(Codec, Ear)>,
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
        Hearing { rate, gain, current: None, samples: Vec::new() }
    }

    /// Forgets what was heard: another source speaks.
    pub(crate) fn reset(&mut self) {
        self.current = None;
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
        if self.current.as_ref().is_none_or(|(current, _)| !current.is_same(codec)) {
            self.current = Some((codec, Ear::new(codec, self.rate)?));
        }
        let (_, ear) = self.current.as_mut()?;
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
    /// Adds so many milliseconds to `out` that are made up while nothing comes; false: nothing has been heard yet.
    pub(crate) fn go_on(&mut self, ms: u8, out: &mut Vec<i16>) -> bool {
        let Some((_, ear)) = &mut self.current else { return false };
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
