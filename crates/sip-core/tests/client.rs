//! The client side: every timer, ACK, CANCEL, and the races around them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base::{Time, Transport};
use common::{End, flow, response_to, short};
use sip_core::{Incoming, RequestError, SendError, shard_of_branch};

fn status(incoming: &Incoming<u32>) -> Option<u16> {
    match incoming {
        Incoming::Response { status, .. } => Some(*status),
        _ => None,
    }
}

#[test]
fn invite_over_udp_repeats_by_timer_a_and_ends_by_timer_b() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    assert_eq!(end.sent_short(), ["INVITE"]);
    assert_eq!(
        end.until(60_000),
        [
            "500 INVITE",
            "1500 INVITE",
            "3500 INVITE",
            "7500 INVITE",
            "15500 INVITE",
            "31500 INVITE",
            "32000 timeout 42"
        ]
    );
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn invite_over_tcp_never_repeats_and_ends_by_timer_b() {
    let mut end = End::new(Transport::Tcp);
    end.send("INVITE");
    end.sent();
    assert_eq!(end.until(60_000), ["32000 timeout 42"]);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn other_requests_repeat_by_timer_e_up_to_t2_and_end_by_timer_f() {
    let mut end = End::new(Transport::Udp);
    end.send("OPTIONS");
    end.sent();
    assert_eq!(
        end.until(60_000),
        [
            "500 OPTIONS",
            "1500 OPTIONS",
            "3500 OPTIONS",
            "7500 OPTIONS",
            "11500 OPTIONS",
            "15500 OPTIONS",
            "19500 OPTIONS",
            "23500 OPTIONS",
            "27500 OPTIONS",
            "31500 OPTIONS",
            "32000 timeout 42"
        ]
    );
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_provisional_slows_timer_e_to_t2_and_the_final_starts_timer_k() {
    let mut end = End::new(Transport::Udp);
    end.send("OPTIONS");
    let request = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&request, 100, "")), Some(100));
    assert_eq!(end.until(9_000), ["500 OPTIONS", "4500 OPTIONS", "8500 OPTIONS"]);
    assert_eq!(status(&end.answer_to(&request, 200, "")), Some(200));
    assert!(matches!(end.answer_to(&request, 200, ""), Incoming::Absorbed));
    assert_eq!(end.live(), (0, 1));
    assert!(end.until(13_990).is_empty());
    assert_eq!(end.live(), (0, 1));
    assert!(end.until(14_004).is_empty());
    assert_eq!(end.live(), (0, 0));
    assert!(matches!(end.answer_to(&request, 200, ""), Incoming::Absorbed));
    assert_eq!(end.txns.counters().stray_responses, 1);
}

#[test]
fn over_a_stream_timers_d_and_k_are_zero() {
    let mut end = End::new(Transport::Tls);
    end.send("BYE");
    let bye = end.sent().remove(0);
    assert!(bye.contains("Via: SIP/2.0/TLS 198.51.100.1:5060;rport;branch=z9hG4bK"));
    assert_eq!(status(&end.answer_to(&bye, 200, "")), Some(200));
    assert_eq!(end.live(), (0, 0));
    end.send("INVITE");
    let invite = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&invite, 486, "")), Some(486));
    assert_eq!(end.sent_short(), ["ACK"]);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_provisional_stops_timers_a_and_b() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    let invite = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&invite, 183, "")), Some(183));
    assert_eq!(status(&end.answer_to(&invite, 183, "")), Some(183), "each provisional goes to the TU");
    assert!(end.until(600_000).is_empty());
    assert_eq!(end.live(), (0, 1));
}

#[test]
fn a_failure_is_acknowledged_each_time_and_reported_once() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    let invite = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&invite, 486, "")), Some(486));
    let ack = end.sent().remove(0);
    let via = invite.split("\r\n").nth(1).unwrap();
    for row in [
        "ACK sip:b@b.example SIP/2.0",
        via,
        "Route: <sip:proxy.example;lr>",
        "To: <sip:b@b.example>;tag=theirs",
        "From: <sip:a@a.example>;tag=mine",
        "Call-ID: out",
        "CSeq: 1 ACK",
        "Max-Forwards: 70",
    ] {
        assert!(ack.contains(&format!("{row}\r\n")), "{row} in {ack}");
    }
    assert!(!ack.contains("X-Else"));
    assert!(matches!(end.answer_to(&invite, 486, ""), Incoming::Absorbed));
    assert_eq!(end.sent(), [ack]);
    assert!(matches!(end.answer_to(&invite, 200, ""), Incoming::Absorbed));
    assert!(end.until(31_990).is_empty());
    assert_eq!(end.live(), (0, 1), "timer D");
    end.until(32_004);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn repeated_and_forked_2xx_reach_the_tu_until_timer_m() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    let invite = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&invite, 200, "")), Some(200));
    assert_eq!(status(&end.answer_to(&invite, 200, "")), Some(200));
    assert_eq!(status(&end.receive(&response_to(&invite, 200, "fork", ""))), Some(200));
    assert!(matches!(end.answer_to(&invite, 486, ""), Incoming::Absorbed));
    assert!(matches!(end.answer_to(&invite, 180, ""), Incoming::Absorbed));
    assert!(end.sent().is_empty());
    end.until(31_990);
    assert_eq!(end.live(), (0, 1));
    end.until(32_004);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn cancel_waits_for_a_provisional_and_487_ends_it() {
    let mut end = End::new(Transport::Udp);
    let txn = end.send("INVITE");
    let invite = end.sent().remove(0);
    end.txns.cancel(end.now, txn, b"Reason: SIP;cause=200\r\n", &mut end.out);
    assert!(end.sent().is_empty());
    assert_eq!(end.until(500), ["500 INVITE"]);
    assert_eq!(status(&end.answer_to(&invite, 100, "")), Some(100));
    let cancel = end.sent().remove(0);
    let via = invite.split("\r\n").nth(1).unwrap();
    for row in [
        "CANCEL sip:b@b.example SIP/2.0",
        via,
        "Route: <sip:proxy.example;lr>",
        "To: <sip:b@b.example>",
        "CSeq: 1 CANCEL",
        "Reason: SIP;cause=200",
        "Content-Length: 0",
    ] {
        assert!(cancel.contains(&format!("{row}\r\n")), "{row} in {cancel}");
    }
    assert_eq!(end.until(2_000), ["1000 CANCEL", "2000 CANCEL"]);
    assert!(matches!(end.answer_to(&cancel, 200, ""), Incoming::Absorbed));
    assert!(end.until(20_000).is_empty(), "an answered CANCEL is not repeated");
    assert_eq!(status(&end.answer_to(&invite, 487, "")), Some(487));
    assert_eq!(end.sent_short(), ["ACK"]);
    end.until(60_000);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_cancelled_invite_without_final_times_out() {
    let mut end = End::new(Transport::Udp);
    let txn = end.send("INVITE");
    let invite = end.sent().remove(0);
    end.answer_to(&invite, 180, "");
    end.txns.cancel(end.now, txn, b"", &mut end.out);
    end.txns.cancel(end.now, txn, b"", &mut end.out);
    assert_eq!(end.sent_short(), ["CANCEL"]);
    let diary = end.until(100_000);
    assert_eq!(diary.last().map(String::as_str), Some("32000 timeout 42"));
    assert_eq!(end.live(), (0, 0));
    assert!(matches!(end.answer_to(&invite, 487, ""), Incoming::Absorbed), "a late 487 is stray");
}

#[test]
fn a_200_crossing_the_cancel_reaches_the_tu() {
    let mut end = End::new(Transport::Udp);
    let txn = end.send("INVITE");
    let invite = end.sent().remove(0);
    end.answer_to(&invite, 180, "");
    end.txns.cancel(end.now, txn, b"", &mut end.out);
    let cancel = end.sent().remove(0);
    assert_eq!(status(&end.answer_to(&invite, 200, "")), Some(200));
    assert!(matches!(end.answer_to(&cancel, 481, ""), Incoming::Absorbed));
    assert!(end.until(31_000).is_empty(), "no CANCEL after a final response");
    end.txns.cancel(end.now, txn, b"", &mut end.out);
    assert!(end.sent().is_empty());
    // A 200 that came before any provisional: the CANCEL that waited never leaves.
    let txn = end.send("INVITE");
    let invite = end.sent().remove(0);
    end.txns.cancel(end.now, txn, b"", &mut end.out);
    assert_eq!(status(&end.answer_to(&invite, 200, "")), Some(200));
    assert!(end.sent().is_empty());
}

#[test]
fn reliable_provisionals_reach_the_tu_once_and_in_order_per_early_dialog() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    let invite = end.sent().remove(0);
    let mut reliable = |tag: &str, rseq: u32| {
        let rows = format!("Require: 100rel\r\nRSeq: {rseq}\r\n");
        status(&end.receive(&response_to(&invite, 183, tag, &rows)))
    };
    assert_eq!(reliable("a", 10), Some(183));
    assert_eq!(reliable("a", 10), None);
    assert_eq!(reliable("b", 77), Some(183));
    assert_eq!(reliable("a", 12), None, "a gap");
    assert_eq!(reliable("a", 11), Some(183));
    assert_eq!(reliable("a", 12), Some(183));
    assert_eq!(reliable("b", 77), None);
    assert_eq!(end.txns.counters().rseq_gaps, 1);
}

#[test]
fn a_failed_send_is_reported_at_once() {
    for (transport, error, reported) in [
        (Transport::Tcp, SendError::Refused, true),
        (Transport::Tls, SendError::QueueFull, true),
        (Transport::Udp, SendError::Unreachable, true),
        (Transport::Udp, SendError::QueueFull, false),
    ] {
        let mut end = End::new(transport);
        end.send("INVITE");
        end.sent();
        let mut events = Vec::new();
        end.txns.send_failed(end.now, end.last_token.unwrap(), error, &mut events);
        assert_eq!(events.len(), usize::from(reported), "{transport} {error}");
        assert_eq!(end.live(), (0, usize::from(!reported)));
    }
}

#[test]
fn a_large_request_takes_the_stream_and_comes_back_when_that_fails() {
    let mut end = End::new(Transport::Udp);
    let tcp = flow(Transport::Tcp);
    end.send_sized("INVITE", 2_000, Some((tcp, b"198.51.100.1:5062"))).unwrap();
    assert_eq!(end.out.transmits[0].flow.transport, Transport::Tcp);
    let first = end.sent().remove(0);
    assert!(first.contains("Via: SIP/2.0/TCP 198.51.100.1:5062;"));
    let mut events = Vec::new();
    end.txns.send_failed(end.now, end.last_token.unwrap(), SendError::Refused, &mut events);
    assert!(events.is_empty());
    end.now = Time::from_millis(4);
    end.txns.handle_timeout(end.now, &mut end.out, &mut events);
    assert_eq!(end.out.transmits[0].flow.transport, Transport::Udp);
    let second = end.sent().remove(0);
    assert_eq!(second, first.replace("TCP 198.51.100.1:5062", "UDP 198.51.100.1:5060"));
    assert_eq!(end.until(504), ["504 INVITE"], "timer A runs now");
    assert_eq!(status(&end.answer_to(&second, 486, "")), Some(486));
    assert_eq!(end.sent_short(), ["ACK"]);
}

#[test]
fn a_large_invite_that_is_cancelled_or_forgotten_does_not_come_back_over_udp() {
    for cancelled in [true, false] {
        let mut end = End::new(Transport::Udp);
        let tcp = flow(Transport::Tcp);
        let txn = end.send_sized("INVITE", 2_000, Some((tcp, b"198.51.100.1:5062"))).unwrap();
        end.sent();
        match cancelled {
            true => end.txns.cancel(end.now, txn, b"", &mut end.out),
            false => end.txns.forget(txn),
        }
        let mut events = Vec::new();
        end.txns.send_failed(end.now, end.last_token.unwrap(), SendError::Refused, &mut events);
        assert_eq!(events.len(), usize::from(cancelled), "whoever cancelled hears that it is over");
        assert!(end.until(60_000).is_empty(), "nobody rings for it");
        assert_eq!(end.live(), (0, 0));
    }
}

#[test]
fn sizes_and_table_limits_are_refused_without_a_trace() {
    let mut end = End::sized(Transport::Udp, 1, 1);
    assert!(matches!(end.send_sized("MESSAGE", 70_000, None), Err(RequestError::TooLarge { .. })));
    assert!(end.sent().is_empty());
    assert_eq!(end.live(), (0, 0));
    end.send_sized("MESSAGE", 2_000, None).unwrap();
    assert_eq!(end.txns.counters().oversize_udp, 1);
    assert_eq!(end.send_sized("MESSAGE", 0, None), Err(RequestError::TableFull("client_transactions")));
    assert_eq!(end.txns.counters().client_limit.hits, 1);
}

#[test]
fn forged_and_foreign_branches_find_nothing() {
    let mut end = End::new(Transport::Udp);
    end.send("INVITE");
    let invite = end.sent().remove(0);
    let branch = invite.split("branch=").nth(1).unwrap().split("\r\n").next().unwrap();
    assert_eq!(shard_of_branch(branch.as_bytes()), Some(base::ShardId(3)));
    let last = branch.chars().nth(branch.len() - 2).unwrap();
    let forged = format!(
        "{}{}{}",
        &branch[..branch.len() - 2],
        if last == 'a' { 'b' } else { 'a' },
        &branch[branch.len() - 1..]
    );
    for other in [forged.as_str(), "z9hG4bK77", "1"] {
        let text = response_to(&invite.replace(branch, other), 200, "x", "");
        assert!(matches!(end.receive(&text), Incoming::Absorbed));
    }
    let wrong_method = response_to(&invite, 200, "x", "").replace("1 INVITE", "1 OPTIONS");
    assert!(matches!(end.receive(&wrong_method), Incoming::Absorbed));
    let two_vias = response_to(&invite, 200, "x", "Via: SIP/2.0/UDP other;branch=z9hG4bK1\r\n");
    assert!(matches!(end.receive(&two_vias), Incoming::Absorbed));
    assert_eq!(end.txns.counters().stray_responses, 5);
    assert!(matches!(
        end.receive(&response_to(&invite, 200, "x", "").replace("Call-ID", "X")),
        Incoming::Malformed(_)
    ));
    assert_eq!(short(&invite), "INVITE");
}

#[test]
fn a_forgotten_invite_still_acknowledges_its_failure() {
    let mut end = End::new(Transport::Udp);
    let txn = end.send("INVITE");
    let invite = end.sent().remove(0);
    end.txns.forget(txn);
    assert!(matches!(end.answer_to(&invite, 180, ""), Incoming::Absorbed));
    assert!(matches!(end.answer_to(&invite, 486, ""), Incoming::Absorbed));
    assert_eq!(end.sent_short(), ["ACK"]);
    let txn = end.send("OPTIONS");
    end.txns.forget(txn);
    assert!(end.until(100_000).iter().all(|line| !line.contains("timeout")));
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_forgotten_invite_that_never_ends_is_given_up() {
    let mut end = End::new(Transport::Udp);
    for early in [false, true] {
        let start = end.now.as_millis();
        let txn = end.send("INVITE");
        let invite = end.sent().remove(0);
        if early {
            end.txns.forget(txn);
        }
        end.answer_to(&invite, 180, "");
        end.txns.forget(txn);
        assert!(end.until(start + 179_990).is_empty());
        assert_eq!(end.live(), (0, 1));
        assert!(end.until(start + 180_004).is_empty());
        assert_eq!(end.live(), (0, 0));
    }
}
