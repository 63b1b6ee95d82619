//! WAV files: 16-bit linear samples and G.711, one channel, 8, 16 or 48 kHz. Enter through [`parse`].

use bridge::Samples;
use codec::Law;
use std::fmt;

/// Rates that are taken, samples in a second.
pub const RATES: [u32; 3] = [8_000, 16_000, 48_000];

/// Format tags (RFC 2361).
const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
/// The true tag stands at the head of a GUID behind the other fields.
const EXTENSIBLE: u16 = 0xfffe;

/// Why a file is no sound for us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WavError {
    /// It does not begin as a WAV file does, or says nothing of its format.
    NoWav,
    /// It holds something else than linear samples or G.711.
    Coding(u16),
    /// It has more channels than one.
    Channels(u16),
    /// Samples of another size.
    Bits(u16),
    /// A rate that is not taken.
    Rate(u32),
    /// It has no samples.
    Empty,
    /// It is longer than [`crate::SECONDS_MAX`].
    Long,
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WavError::NoWav => f.write_str("no WAV file"),
            WavError::Coding(tag) => write!(f, "format {tag} is neither linear (1) nor G.711 (6 or 7)"),
            WavError::Channels(count) => write!(f, "{count} channels; one is needed"),
            WavError::Bits(bits) => write!(f, "samples of {bits} bits; linear ones need 16, G.711 has 8"),
            WavError::Rate(rate) => write!(f, "{rate} samples a second; 8000, 16000 and 48000 are taken"),
            WavError::Empty => f.write_str("no samples"),
            WavError::Long => write!(f, "longer than {} s", crate::SECONDS_MAX),
        }
    }
}

impl std::error::Error for WavError {}

/// What the format chunk says.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

/// Reads a whole file.
///
/// # Errors
/// Why it cannot be played.
pub fn parse(bytes: &[u8]) -> Result<Samples, WavError> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NoWav);
    }
    let (mut format, mut rest) = (None, bytes.get(12..).unwrap_or_default());
    while let Some((name, body, behind)) = chunk(rest) {
        match name {
            b"fmt " => format = Some(read_format(body).ok_or(WavError::NoWav)?),
            b"data" => return samples(format.ok_or(WavError::NoWav)?, body),
            _ => {}
        }
        rest = behind;
    }
    Err(if format.is_some() { WavError::Empty } else { WavError::NoWav })
}

/// The first chunk, and what stands behind it. The last one may be cut off.
fn chunk(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, length) = (bytes.get(..4)?, u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?));
    let body = bytes.get(8..)?;
    let end = (length as usize).min(body.len());
    // Chunks begin at even places.
    Some((name, body.get(..end)?, body.get(end + (end & 1)..).unwrap_or_default()))
}

fn read_format(body: &[u8]) -> Option<Format> {
    let word = |at: usize| Some(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?));
    let rate = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
    let tag = match word(0)? {
        EXTENSIBLE => word(24)?,
        tag => tag,
    };
    Some(Format { tag, channels: word(2)?, rate, bits: word(14)? })
}

fn samples(format: Format, data: &[u8]) -> Result<Samples, WavError> {
    let Format { tag, channels, rate, bits } = format;
    let wanted = match tag {
        PCM => 16,
        A_LAW | MU_LAW => 8,
        _ => return Err(WavError::Coding(tag)),
    };
    match () {
        () if channels != 1 => return Err(WavError::Channels(channels)),
        () if bits != wanted => return Err(WavError::Bits(bits)),
        () if !RATES.contains(&rate) => return Err(WavError::Rate(rate)),
        () => {}
    }
    let count = data.len() / usize::from(bits / 8);
    if count == 0 {
        return Err(WavError::Empty);
    }
    if count > rate as usize * crate::SECONDS_MAX as usize {
        return Err(WavError::Long);
    }
    let samples = match tag {
        PCM => data.chunks_exact(2).filter_map(|b| b.try_into().ok()).map(i16::from_le_bytes).collect(),
        tag => {
            let law = if tag == A_LAW { Law::A } else { Law::Mu };
            data.iter().map(|byte| law.decode(*byte)).collect()
        }
    };
    Ok(Samples { rate, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&channels.to_le_bytes());
        bytes.extend_from_slice(&rate.to_le_bytes());
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&bits.to_le_bytes());
        bytes.extend_from_slice(b"data");
        bytes.extend_from_slice(&(data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn linear_samples_and_both_laws_are_read() {
        let linear = parse(&file(1, 1, 16_000, 16, &[1, 0, 0xff, 0xff])).unwrap();
        assert_eq!((linear.rate, &*linear.samples), (16_000, &[1, -1][..]));
        let law = parse(&file(6, 1, 8_000, 8, &[0xd5, 0x55])).unwrap();
        assert_eq!(&*law.samples, &[Law::A.decode(0xd5), Law::A.decode(0x55)]);
        assert_eq!(parse(&file(7, 1, 8_000, 8, &[0xff])).unwrap().samples[0], Law::Mu.decode(0xff));
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        let of = |tag, channels, rate, bits| parse(&file(tag, channels, rate, bits, &[0; 4])).err();
        assert_eq!(of(1, 2, 8_000, 16), Some(WavError::Channels(2)));
        assert_eq!(of(1, 1, 44_100, 16), Some(WavError::Rate(44_100)));
        assert_eq!(of(1, 1, 8_000, 8), Some(WavError::Bits(8)));
        assert_eq!(of(85, 1, 8_000, 16), Some(WavError::Coding(85)));
        assert_eq!(parse(&file(1, 1, 8_000, 16, &[])).err(), Some(WavError::Empty));
        assert_eq!(parse(b"ID3").err(), Some(WavError::NoWav));
        let long = vec![0; 8_000 * crate::SECONDS_MAX as usize + 1];
        assert_eq!(parse(&file(7, 1, 8_000, 8, &long)).err(), Some(WavError::Long));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = file(1, 1, 8_000, 16, &[0; 8]);
        for end in 0..whole.len() {
            let _ = parse(&whole[..end]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[end] = value;
                let _ = parse(&bytes);
            }
        }
    }
}
