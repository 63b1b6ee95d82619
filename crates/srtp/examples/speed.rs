//! How long protecting and opening a packet of 20 ms of G.711 takes on this machine, by suite; prints nanoseconds.
//!
//! `cargo run --release -p srtp --example speed`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use srtp::{MasterKey, Opener, Protector, Suite};
use std::hint::black_box;
use std::time::Instant;

/// Packets of a pass: so few that some passes are disturbed by nobody.
const PACKETS: u16 = 1_000;
/// Passes of which the fastest counts.
const PASSES: usize = 500;
/// Header and payload.
const LENGTH: usize = 172;

fn measure(name: &str, mut pass: impl FnMut()) {
    let timed = |pass: &mut dyn FnMut()| {
        let begin = Instant::now();
        pass();
        begin.elapsed().as_nanos() / u128::from(PACKETS)
    };
    let best = (0..PASSES).map(|_| timed(&mut pass)).min().unwrap_or(0);
    println!("{name:<44} {best:>6} ns");
}

fn packet(sequence: u16) -> [u8; 256] {
    let mut packet = [0; 256];
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[8..12].copy_from_slice(&77u32.to_be_bytes());
    packet
}

/// The primitives alone, as a floor: ten blocks of key stream, and a sum over a packet with a key that is kept.
fn primitives() {
    let (aes, hmac) = (Aes128::new(&Array([7; 16])), Hmac::<Sha1>::new(&Array([9; 64])));
    let mut blocks = [Array([0; 16]); 10];
    measure("AES-128, 160 bytes of key stream", || {
        for _ in 0..PACKETS {
            aes.encrypt_blocks(black_box(&mut blocks));
        }
    });
    let bytes = packet(1);
    measure("HMAC-SHA1, 176 bytes", || {
        for _ in 0..PACKETS {
            let mut sum = Hmac::clone(&hmac);
            sum.update(black_box(&bytes[..LENGTH + 4]));
            black_box(sum.finalize());
        }
    });
}

fn main() {
    primitives();
    for suite in Suite::ALL {
        let key: Vec<u8> = (0..(suite.key_length() + suite.salt_length()) as u8).collect();
        let Some(master) = MasterKey::new(suite, &key) else { continue };
        let name = suite.name();
        measure(&format!("{name}: protect"), || {
            let mut protector = Protector::new(master.clone());
            for sequence in 0..PACKETS {
                _ = black_box(protector.rtp(black_box(&mut packet(sequence)), LENGTH));
            }
        });
        measure(&format!("{name}: protect and open"), || {
            let (mut protector, mut opener) = (Protector::new(master.clone()), Opener::new(master.clone()));
            for sequence in 0..PACKETS {
                let mut packet = packet(sequence);
                let length = protector.rtp(&mut packet, LENGTH).unwrap_or(0);
                assert!(opener.rtp(black_box(&mut packet[..length])).is_ok(), "it is what was protected");
            }
        });
    }
}
