//! How long reading and rewriting a description takes on this machine; prints nanoseconds.
//!
//! `cargo run --release -p sdp --example speed`

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use sdp::{Anchor, HoldForm, Limits, anchor, can_anchor_any, check_answer, parse};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 200_000;

fn measure(name: &str, mut work: impl FnMut()) {
    let begin = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    println!("{name:<40} {:>6} ns", begin.elapsed().as_nanos() / u128::from(ROUNDS));
}

fn main() {
    let limits = Limits::default();
    for (name, bytes) in [
        ("plain offer", &include_bytes!("../testdata/plain_offer.sdp")[..]),
        ("lync_ice_and_sdes", include_bytes!("../testdata/lync_ice_and_sdes.sdp")),
    ] {
        let ours = Anchor {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            ports: &[Some(30_000), Some(30_002)],
            origin_id: 1,
            origin_version: 1,
            hold: HoldForm::Sendonly,
            reveal: sdp::Reveal::default(),
            covers: &[],
        };
        let Ok(session) = parse(bytes, &limits) else { continue };
        let mut out = Vec::new();
        println!("{name}, {} bytes", bytes.len());
        measure("  parse", || {
            let _ = black_box(parse(black_box(bytes), &limits));
        });
        measure("  judge what can be carried", || {
            let _ = black_box(can_anchor_any(black_box(&session)));
        });
        measure("  rewrite", || {
            out.clear();
            let _ = black_box(anchor(black_box(&session), &ours, &mut out));
        });
        measure("  check as an answer to itself", || {
            let _ = black_box(check_answer(black_box(&session), black_box(&session)));
        });
    }
}
