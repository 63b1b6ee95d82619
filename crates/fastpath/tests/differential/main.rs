//! The kernel's program against the portable engine, packet by packet: bytes, verdicts and counters.
//!
//! Two sessions hear the same packets. One is alone; the other has lent its direction to the program, which is run on
//! frames that are on no wire. After each packet both must have counted the same, to the last figure. Where the program
//! cannot be loaded this is said and nothing is tried; `TRONCO_KERNEL_TIER=1` makes that a failure.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod bench;
mod frames;

use base::Rng;
use bench::{Bench, MTU, SSRC, TWENTY, kernel, rtp};
use fastpath::{Hook, Tried};
use frames::{Checksum, Manner, frame};
use media::{FastPath, Opening, Report, Side};
use std::net::SocketAddr;
use std::time::Duration;

const HOOKS: [Hook; 2] = [Hook::Xdp, Hook::Tcx];

/// By both programs, the whole one and the one for kernels without AF_XDP.
fn everywhere(mut test: impl FnMut(Bench<'_>)) {
    for whole in [true, false] {
        let Some(kernel) = kernel(whole) else { return };
        for hook in HOOKS {
            for six in [false, true] {
                test(Bench::new(&kernel, hook, six));
            }
        }
    }
}

/// A report without what nobody counts in the kernel: what only the bytes tell, and the clock, of which it sees less.
fn counted(mut report: Report) -> Report {
    for stream in report.a.iter_mut().chain(&mut report.b) {
        (stream.silent, stream.noise_packets, stream.drift_ppm) = (None, 0, None);
    }
    report
}

#[test]
fn a_steady_stream_is_relayed_with_its_bytes_and_counted_alike() {
    everywhere(|mut bench| {
        for n in 0..300 {
            let packet = bench.next(8);
            let checksum =
                if n % 3 == 0 && bench.ends.a.is_ipv4() { Checksum::None } else { Checksum::Right };
            let manner = Manner { checksum, behind: n % 5, ..Manner::default() };
            assert!(bench.arrive(bench.ends.a, &packet, &manner, TWENTY), "packet {n}");
            if n % 100 == 99 {
                bench.end_span();
            }
        }
        bench.recall();
        let report = bench.alone.report(bench.now);
        assert_eq!(counted(bench.lender.report(bench.now)), counted(report.clone()));
        assert_eq!((report.a[0].packets, report.a[0].lost), (313, 0));
    });
}

#[test]
fn loss_disorder_duplicates_late_packets_and_restarts_are_counted_alike() {
    let mut rng = Rng::new((11, 12));
    everywhere(|mut bench| {
        for n in 0..3_000u32 {
            let base = (bench.sequence, bench.timestamp);
            let mut packet = bench.next([8, 8, 8, 0, 101][rng.below(5) as usize]);
            match rng.below(12) {
                // Lost, many lost, or so many that it is another stream.
                0 => bench.sequence = bench.sequence.wrapping_add(rng.below(200) as u16),
                1 if n % 7 == 0 => bench.sequence = bench.sequence.wrapping_add(rng.below(10_000) as u16),
                // Late, again, or from long before; the stream goes on where it was.
                2..=4 => {
                    let back = rng.below(160) as u16;
                    packet =
                        rtp(SSRC, base.0.wrapping_sub(back), 8, base.1.wrapping_sub(160 * u32::from(back)));
                    (bench.sequence, bench.timestamp) = base;
                }
                // An event repeats its timestamp; another origin of timestamps.
                5 => bench.timestamp = base.1,
                6 if n % 5 == 0 => bench.timestamp = bench.timestamp.wrapping_add(rng.below(1 << 32) as u32),
                _ => {}
            }
            let pause = match rng.below(40) {
                0 => Duration::from_secs(rng.below(20)),
                _ => Duration::from_micros(rng.below(60_000)),
            };
            assert!(bench.arrive(bench.ends.a, &packet, &Manner::default(), pause), "packet {n}");
            let ends = u32::from(n % 250 == 249) + u32::from(n % 500 == 499);
            (0..ends).for_each(|_| bench.end_span());
        }
        bench.recall();
        let report = bench.alone.report(bench.now);
        assert_eq!(counted(bench.lender.report(bench.now)), counted(report.clone()));
        let heard = &report.a[0];
        assert!(
            heard.lost > 0 && heard.out_of_order > 0 && heard.duplicates > 0 && heard.late > 0,
            "{heard:?}"
        );
    });
}

#[test]
fn options_of_rtp_are_relayed_where_they_fit_and_go_up_where_not() {
    let cases: &[(u8, &[u8], bool)] = &[
        (0x82, b"11112222x", true),
        (0x8f, b"1111", false),
        (0x90, &[0xbe, 0xde, 0, 1, 9, 9, 9, 9, 7], true),
        (0x90, &[0xbe, 0xde, 0, 9, 9, 9, 9, 9, 7], false),
        (0x90, &[0xbe, 0xde, 0xff, 0xff], false),
        (0xa0, &[7, 0, 0, 3], true),
        (0xa0, &[7, 0, 0, 5], false),
        (0xa0, &[7, 0], false),
        (0xb1, &[1, 1, 1, 1, 0, 0, 0, 0, 5, 1], true),
        (0x40, b"version 1", false),
        (0xc0, b"version 3", false),
        (0x00, b"like STUN", false),
        (0x16, b"like DTLS", false),
    ];
    everywhere(|mut bench| {
        for (first, rest, passes) in cases {
            bench.lend_again();
            let mut packet = bench.next(8);
            packet[0] = *first;
            packet.truncate(12);
            packet.extend(*rest);
            let relayed = bench.arrive(bench.ends.a, &packet, &Manner::default(), TWENTY);
            assert_eq!(relayed, *passes, "{first:02x} {rest:?}");
        }
    });
}

#[test]
fn what_is_not_plainly_of_the_flow_goes_up_as_it_came() {
    let whole = Manner::default;
    everywhere(|mut bench| {
        let (a, four) = (bench.ends.a, bench.ends.a.is_ipv4());
        let other_port = SocketAddr::new(a.ip(), 4001);
        let other_host = SocketAddr::new(bench.ends.b.ip(), a.port());
        let good = bench.next(8);
        let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut packet = good.clone();
            edit(&mut packet);
            packet
        };
        let mut cases = vec![
            ("another port", other_port, good.clone(), whole()),
            ("another host", other_host, good.clone(), whole()),
            ("a payload type that was not agreed", a, edited(&|p| p[1] = 18), whole()),
            ("the same with its marker", a, edited(&|p| p[1] = 0x80 | 96), whole()),
            ("RTCP on the port of RTP", a, edited(&|p| p[1] = 200), whole()),
            ("another source of synchronisation", a, edited(&|p| p[8] = 1), whole()),
            ("shorter than a header", a, edited(&|p| p.truncate(11)), whole()),
            ("nothing", a, Vec::new(), whole()),
            ("larger than the way", a, edited(&|p| p.resize(1480, 1)), whole()),
            ("at the end of its life", a, good.clone(), Manner { ttl: 1, ..whole() }),
            ("of another length than UDP says", a, good.clone(), Manner { udp_excess: 4, ..whole() }),
        ];
        if four {
            cases.push(("with options", a, good.clone(), Manner { options: 1, ..whole() }));
            cases.push(("a first fragment", a, good.clone(), Manner { fragment: 0x2000, ..whole() }));
            cases.push(("a later fragment", a, good.clone(), Manner { fragment: 0x0010, ..whole() }));
        } else {
            cases.push(("without its sum", a, good.clone(), Manner { checksum: Checksum::None, ..whole() }));
        }
        for (what, source, packet, manner) in cases {
            bench.lend_again();
            assert!(!bench.arrive(source, &packet, &manner, TWENTY), "{what}");
        }
    });
}

#[test]
fn a_marker_a_wrong_sum_and_an_agreed_event_are_relayed() {
    everywhere(|mut bench| {
        for (payload_type, checksum) in
            [(0x80 | 8, Checksum::Right), (101, Checksum::Right), (8, Checksum::Wrong), (0, Checksum::Right)]
        {
            let packet = bench.next(payload_type);
            let manner = Manner { checksum, fragment: 0x4000, ..Manner::default() };
            assert!(bench.arrive(bench.ends.a, &packet, &manner, TWENTY), "{payload_type} {checksum:?}");
        }
    });
}

#[test]
fn a_flow_whose_sender_leaves_sums_to_a_device_is_never_relayed_at_the_driver() {
    let Some(kernel) = kernel(true) else { return };
    let mut bench = Bench::new(&kernel, Hook::Xdp, false);
    bench.recall();
    let lane = bench.lender.lane(Side::A, 0).unwrap();
    let number = kernel.watch_by(&lane, &bench.ends.road, (1, MTU), bench.now).unwrap();
    let packet = bench.next(8);
    let manner = Manner { checksum: Checksum::Wrong, ..Manner::default() };
    let sent = frame(bench.ends.a, bench.ends.road.local, &packet, &manner);
    assert_eq!(kernel.attempt(Hook::Xdp, &sent), Ok(Tried::Up(sent.clone())));
    bench.both_hear(bench.ends.a, &packet);
    assert_eq!(kernel.open(number, &bench.lender.ledger(Side::A, 0).unwrap()), Opening::Never);
    assert_eq!(kernel.close(number), None);
}

#[test]
fn random_packets_and_headers_are_judged_alike() {
    let mut rng = Rng::new((21, 22));
    everywhere(|mut bench| {
        for _ in 0..40 {
            bench.lend_again();
            for _ in 0..60 {
                let mut packet = bench.next(8);
                for _ in 0..rng.below(3) {
                    let place = rng.below(16) as usize;
                    packet[place] = rng.below(256) as u8;
                }
                packet.truncate(rng.below(180) as usize + 4);
                if !bench.arrive(bench.ends.a, &packet, &Manner::default(), TWENTY) {
                    break;
                }
            }
            bench.recall();
        }
        assert!(bench.relayed > 20 && bench.up > 20, "{} {}", bench.relayed, bench.up);
    });
}
