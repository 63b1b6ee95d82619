//! How long a packet of 20 ms takes in each codec and resampler on this machine; prints nanoseconds.
//!
//! `cargo run --release -p codec --example speed`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use codec::{Concealer, Law, Resampler, Tone, g722, opus};
use std::hint::black_box;
use std::time::Instant;

/// Seconds of sound that each pass works on, and packets of a second.
const SECONDS: usize = 4;
const PACKETS: usize = 50;
/// Passes of which the fastest counts.
const PASSES: usize = 40;

/// Something like speech: tones that come and go over some noise.
fn sound(rate: u32) -> Vec<i16> {
    let mut samples = vec![0; rate as usize * SECONDS];
    let mut state = 1u32;
    for (number, block) in samples.chunks_mut(rate as usize / 8).enumerate() {
        let (hz, dbm0) = (150.0 + 370.0 * (number % 7) as f64, -14.0 - 6.0 * (number % 4) as f64);
        Tone::pair(hz, 2.3 * hz, dbm0, rate).fill(block);
        for sample in block {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = sample.saturating_add((state >> 24) as i16 - 128);
        }
    }
    samples
}

/// The fastest of some passes over all packets of `whole`, per packet.
fn measure<T>(name: &str, whole: &[T], mut work: impl FnMut(&[T])) {
    let packet = whole.len() / SECONDS / PACKETS;
    let pass = |work: &mut dyn FnMut(&[T])| {
        let begin = Instant::now();
        whole.chunks_exact(packet).for_each(|block| work(black_box(block)));
        begin.elapsed().as_nanos() / (SECONDS * PACKETS) as u128
    };
    let best = (0..PASSES).map(|_| pass(&mut work)).min().unwrap_or(0);
    println!("{name:<32} {best:>6} ns");
}

fn main() {
    let (narrow, wide) = (sound(8_000), sound(16_000));
    let mut octets = vec![0u8; narrow.len()];
    let (mut codes, mut samples, mut out) = ([0u8; 1_500], [0i16; 960], Vec::new());
    for law in [Law::Mu, Law::A] {
        law.encode_slice(&narrow, &mut octets);
        measure(&format!("G.711 {law:?}: decode"), &octets, |block| {
            black_box(law.decode_slice(block, &mut samples));
        });
        measure(&format!("G.711 {law:?}: encode"), &narrow, |block| {
            black_box(law.encode_slice(block, &mut codes));
        });
        measure(&format!("G.711 {law:?}: to the other law"), &octets, |block| {
            let place = &mut codes[..block.len()];
            place.copy_from_slice(block);
            law.convert_in_place(black_box(place));
        });
    }
    let mut encoder = g722::Encoder::new();
    measure("G.722: encode", &wide, |block| _ = black_box(encoder.encode(block, &mut codes)));
    g722::Encoder::new().encode(&wide, &mut octets);
    let mut decoder = g722::Decoder::new();
    measure("G.722: decode", &octets, |block| _ = black_box(decoder.decode(block, &mut samples)));
    for (from, to, source) in [(8_000, 16_000, &narrow), (16_000, 8_000, &wide), (8_000, 48_000, &narrow)] {
        let Some(mut resampler) = Resampler::new(from, to) else { continue };
        measure(&format!("{from} to {to} Hz"), source, |block| {
            out.clear();
            resampler.process(block, &mut out);
            black_box(&out);
        });
    }
    let mut concealer = Concealer::new(8_000);
    measure("concealer: a packet heard", &narrow, |block| {
        let place = &mut samples[..block.len()];
        place.copy_from_slice(block);
        concealer.heard(black_box(place));
    });
    opus_speed(&narrow);
}

fn opus_speed(narrow: &[i16]) {
    let mut packet = [0u8; 1_500];
    let Some(mut encoder) = opus::Encoder::new(8_000, opus::Wish::default()) else { return };
    let mut packets = Vec::new();
    measure("Opus at 8 kHz: encode", narrow, |block| {
        let length = encoder.encode(block, &mut packet).unwrap_or(0);
        packets.push(packet[..length].to_vec());
    });
    let Some(mut decoder) = opus::Decoder::new(8_000) else { return };
    let mut samples = [0i16; 960];
    let mut next = packets.iter().cycle();
    measure("Opus at 8 kHz: decode", narrow, |_| {
        let Some(packet) = next.next() else { return };
        black_box(decoder.decode(packet, &mut samples));
    });
}
