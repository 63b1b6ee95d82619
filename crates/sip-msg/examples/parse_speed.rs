//! Prints what parsing one trunk INVITE costs on this machine, in nanoseconds and allocations.
//!
//! Not a test: figures move with the machine. Run with `cargo run --release -p sip-msg --example parse_speed`.

#![allow(clippy::disallowed_methods, reason = "measures")]

use std::hint::black_box;
use std::time::Instant;

use sip_msg::{Edit, Framer, Index, Leniency, Limits, Msg, Name, NameAddr, Uri, Via, parse, verify};

const ROUNDS: u32 = 500;
const REPEATS: u32 = 2_000;

fn main() {
    let bytes = include_bytes!("../testdata/trunk_invite.sip");
    let (limits, leniency) = (Limits::default(), Leniency::default());
    let mut index = Index::new();
    let headers = parse(bytes, &mut index, &limits, leniency).map(|message| message.headers().count());
    println!("INVITE of {} bytes, {:?} headers", bytes.len(), headers);
    report("framing and split (datagram)", || {
        black_box(parse(black_box(bytes), &mut index, &limits, leniency)).is_ok()
    });
    report("split and typed Via, From, To, Contact, CSeq, Call-ID, Record-Route", || {
        parse(black_box(bytes), &mut index, &limits, leniency).is_ok_and(|message| typed(message).is_some())
    });
    report("the same with every URI in them", || {
        parse(black_box(bytes), &mut index, &limits, leniency)
            .is_ok_and(|message| with_uris(message).is_some())
    });
    report("split and verify", || {
        parse(black_box(bytes), &mut index, &limits, leniency)
            .is_ok_and(|message| verify(message, leniency).is_ok())
    });
    let mut out = Vec::with_capacity(4_096);
    report("split, new Via, no Route, other Request-URI, print", || {
        out.clear();
        parse(black_box(bytes), &mut index, &limits, leniency).is_ok_and(|message| {
            let mut edit = Edit::new(message);
            edit.push_top(Name::Via, &b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"[..]).remove(Name::Route);
            edit.set_request_uri(&b"sip:+4930123@198.51.100.7"[..]).write_to(&mut out);
            black_box(&out).len() > 1_000
        })
    });
    let mut framer = Framer::new(&limits, leniency);
    report("stream framing alone", || {
        framer.push(black_box(bytes)).is_ok() && matches!(framer.next(), Ok(Some(_)))
    });
}

/// Every typed reader of the target, one value each.
fn typed(message: Msg<'_>) -> Option<usize> {
    let via: Via<'_> = message.via().ok()?;
    let (from, to) = (message.from().ok()?, message.to().ok()?);
    let contact = message.contact().ok()??;
    let (cseq, call_id) = (message.cseq().ok()?, message.call_id().ok()?);
    let mut sum = via.branch.len() + from.tag()?.len() + to.uri.len() + contact.uri.len() + cseq.token.len();
    for element in message.list(Name::RecordRoute) {
        sum += NameAddr::parse_in(Name::RecordRoute, element).ok()?.uri.len();
    }
    Some(black_box(sum + call_id.len()))
}

fn with_uris(message: Msg<'_>) -> Option<usize> {
    let mut sum = typed(message)?;
    let addresses = [message.from().ok()?, message.to().ok()?, message.contact().ok()??];
    for address in addresses {
        sum += Uri::parse(address.uri).ok()?.host.len();
    }
    Some(black_box(sum + Uri::parse(message.request_uri()).ok()?.host.len()))
}

/// The fastest of some repeats: the one least disturbed by the rest of the machine.
fn report(what: &str, mut once: impl FnMut() -> bool) {
    let mut best = f64::MAX;
    for _ in 0..REPEATS {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            assert!(once(), "{what} works");
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
    }
    println!("{best:8.0} ns  {what}");
}
