//! The server side: every timer, reliable provisionals, CANCEL, addresses of responses, limits.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use base::Transport;
use common::{End, request, short};
use sip_core::{Incoming, Response, SendError};

const B: &str = "z9hG4bKpeer";

#[test]
fn a_100_leaves_after_200_ms_only_if_nothing_else_did() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, "Timestamp: 54\r\n"));
    assert_eq!(end.until(199).len(), 0);
    end.now = base::Time::from_millis(200);
    end.txns.handle_timeout(end.now, &mut end.out, &mut Vec::new());
    let trying = end.sent().remove(0);
    assert!(trying.starts_with("SIP/2.0 100 Trying\r\n") && trying.contains("Timestamp: 54\r\n"));
    assert!(!trying.contains("To: <sip:us@198.51.100.1>;tag"));
    end.respond(txn, 180);
    assert_eq!(end.sent_short(), ["180"]);
    let txn = end.request_in(&request("INVITE", "z9hG4bKb", ""));
    end.respond(txn, 180);
    assert_eq!(end.sent_short(), ["180"]);
    assert!(end.until(60_000).is_empty());
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_again() {
    let mut end = End::new(Transport::Udp);
    let text = request("INVITE", B, "");
    let txn = end.request_in(&text);
    assert!(matches!(end.receive(&text), Incoming::Absorbed));
    assert!(end.sent().is_empty(), "nothing to repeat yet");
    end.respond(txn, 180);
    let first = end.sent();
    assert!(matches!(end.receive(&text), Incoming::Absorbed));
    assert_eq!(end.sent(), first);
}

#[test]
fn a_failure_repeats_by_timer_g_and_gives_up_by_timer_h() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.respond(txn, 486);
    assert_eq!(end.sent_short(), ["486"]);
    assert!(end.txns.is_answered(txn));
    let times: Vec<String> = end.until(60_000);
    assert_eq!(
        times,
        [
            "500 486",
            "1500 486",
            "3500 486",
            "7500 486",
            "11500 486",
            "15500 486",
            "19500 486",
            "23500 486",
            "27500 486",
            "31500 486"
        ]
    );
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn the_ack_of_a_failure_is_absorbed_until_timer_i() {
    let mut end = End::new(Transport::Udp);
    let text = request("INVITE", B, "");
    let txn = end.request_in(&text);
    end.respond(txn, 486);
    end.sent();
    assert!(matches!(end.receive(&request("ACK", B, "")), Incoming::Absorbed));
    assert!(matches!(end.receive(&request("ACK", B, "")), Incoming::Absorbed));
    assert!(matches!(end.receive(&text), Incoming::Absorbed));
    assert!(end.until(4_990).is_empty());
    assert_eq!(end.live(), (1, 0));
    end.until(5_004);
    assert_eq!(end.live(), (0, 0));
    assert!(matches!(end.receive(&request("ACK", B, "")), Incoming::Ack), "belongs to nothing any more");
}

#[test]
fn over_a_stream_timers_g_i_and_j_are_zero() {
    let mut end = End::new(Transport::Tcp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.respond(txn, 486);
    end.sent();
    assert!(end.until(31_000).is_empty());
    assert!(matches!(end.receive(&request("ACK", B, "")), Incoming::Absorbed));
    assert_eq!(end.live(), (0, 0));
    let txn = end.request_in(&request("BYE", "z9hG4bKbye", ""));
    end.respond(txn, 200);
    assert_eq!(end.live(), (0, 0));
    let txn = end.request_in(&request("INVITE", "z9hG4bKc", ""));
    end.respond(txn, 503);
    end.sent();
    assert!(end.until(62_996).is_empty());
    assert_eq!(end.live(), (1, 0), "timer H runs on streams too");
    end.until(63_004);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_2xx_repeats_on_every_transport_until_its_ack_or_64_t1() {
    for transport in [Transport::Udp, Transport::Tls] {
        let mut end = End::new(transport);
        let text = request("INVITE", B, "");
        let txn = end.request_in(&text);
        end.txns.bind(txn, 9);
        end.respond(txn, 200);
        assert_eq!(end.sent_short(), ["200"]);
        assert!(matches!(end.receive(&text), Incoming::Absorbed));
        assert!(end.sent().is_empty(), "RFC 6026: only the TU repeats its 2xx");
        let diary = end.until(60_000);
        assert_eq!(diary[..4], ["500 200", "1500 200", "3500 200", "7500 200"]);
        assert_eq!(diary.last().map(String::as_str), Some("32000 ack missing Some(9)"));
        assert_eq!((diary.len(), end.live()), (11, (0, 0)));
    }
}

#[test]
fn an_acknowledged_2xx_stays_quiet_and_absorbs_until_timer_l() {
    let mut end = End::new(Transport::Udp);
    let text = request("INVITE", B, "");
    let txn = end.request_in(&text);
    end.respond(txn, 200);
    end.sent();
    assert_eq!(end.until(600), ["500 200"]);
    assert!(matches!(end.receive(&request("ACK", "z9hG4bKack", "")), Incoming::Ack));
    end.txns.acked(txn);
    assert!(end.until(31_990).is_empty());
    assert!(matches!(end.receive(&text), Incoming::Absorbed), "a late repeat makes no second call");
    assert!(matches!(end.receive(&request("ACK", B, "")), Incoming::Ack), "RFC 6026: ACKs go to the TU");
    assert_eq!(end.live(), (1, 0));
    end.until(32_004);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn other_requests_are_answered_again_until_timer_j() {
    let mut end = End::new(Transport::Udp);
    let text = request("BYE", B, "");
    let txn = end.request_in(&text);
    assert!(matches!(end.receive(&text), Incoming::Absorbed));
    assert!(end.sent().is_empty());
    end.respond(txn, 200);
    let first = end.sent();
    end.respond(txn, 500);
    assert_eq!(end.txns.counters().late_responses, 1);
    assert!(matches!(end.receive(&text), Incoming::Absorbed));
    assert_eq!(end.sent(), first);
    end.until(31_990);
    assert_eq!(end.live(), (1, 0));
    end.until(32_004);
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_request_that_nobody_answers_does_not_stay() {
    let mut end = End::new(Transport::Udp);
    end.request_in(&request("OPTIONS", B, ""));
    assert!(end.until(40_000).is_empty());
    assert_eq!((end.live(), end.txns.counters().unanswered), ((0, 0), 1));
}

#[test]
fn cancel_is_answered_each_time_and_reported_once() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.txns.bind(txn, 5);
    end.respond(txn, 180);
    end.sent();
    let incoming = end.receive(&request("CANCEL", B, ""));
    assert!(matches!(incoming, Incoming::Cancel { invite, user: Some(5) } if invite == txn));
    let ok = end.sent().remove(0);
    assert!(ok.contains("To: <sip:us@198.51.100.1>;tag=ours\r\n") && ok.contains("CSeq: 1 CANCEL\r\n"));
    assert!(matches!(end.receive(&request("CANCEL", B, "")), Incoming::Absorbed));
    assert_eq!(end.sent(), [ok]);
    end.respond(txn, 487);
    assert_eq!(end.sent_short(), ["487"]);
}

#[test]
fn a_cancel_after_the_200_changes_nothing() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.respond(txn, 200);
    end.sent();
    assert!(matches!(end.receive(&request("CANCEL", B, "")), Incoming::Absorbed));
    assert_eq!(end.sent_short(), ["200"]);
    assert!(matches!(end.receive(&request("CANCEL", "z9hG4bKnone", "")), Incoming::Absorbed));
    assert_eq!(end.sent_short(), ["481"]);
    assert_eq!(end.txns.counters().stray_cancels, 1);
}

#[test]
fn reliable_provisionals_repeat_until_prack_and_queue_in_order() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    let first = end.reliably(txn, 183, true);
    let second = end.reliably(txn, 180, false);
    assert_eq!(second, first + 1);
    let sent = end.sent();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains("Require: 100rel\r\n") && sent[0].contains(&format!("RSeq: {first}\r\n")));
    assert_eq!(end.until(3_600), ["500 183", "1500 183", "3500 183"]);
    assert!(!end.prack(txn, second), "not in flight yet");
    assert!(end.prack(txn, first));
    assert_eq!(end.sent_short(), ["180"]);
    assert!(!end.prack(txn, first));
    assert!(end.prack(txn, second));
    assert!(end.until(30_000).is_empty());
    end.respond(txn, 200);
    assert_eq!(end.sent_short(), ["200"]);
}

#[test]
fn a_2xx_waits_for_the_prack_of_a_provisional_with_sdp() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    let rseq = end.reliably(txn, 183, true);
    end.sent();
    end.respond(txn, 200);
    assert!(end.sent().is_empty() && !end.txns.is_answered(txn));
    assert!(end.prack(txn, rseq));
    assert_eq!(end.sent_short(), ["200"]);
    assert!(end.txns.is_answered(txn));
    assert_eq!(end.until(1_000), ["500 200"]);
    // Without SDP nothing waits, and the late PRACK is still known.
    let txn = end.request_in(&request("INVITE", "z9hG4bKb", ""));
    let rseq = end.reliably(txn, 180, false);
    end.respond(txn, 200);
    assert_eq!(end.sent_short(), ["180", "200"]);
    end.txns.acked(txn);
    assert!(end.prack(txn, rseq));
}

#[test]
fn a_cancel_ends_an_invite_whose_2xx_still_waits() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.reliably(txn, 183, true);
    end.respond(txn, 200);
    assert!(matches!(end.receive(&request("CANCEL", B, "")), Incoming::Cancel { .. }));
    end.respond(txn, 487);
    assert_eq!(end.sent_short(), ["183", "200", "487"]);
}

#[test]
fn a_lost_prack_is_reported_after_64_t1() {
    let mut end = End::new(Transport::Tcp);
    let txn = end.request_in(&request("INVITE", B, ""));
    end.txns.bind(txn, 1);
    end.reliably(txn, 183, true);
    end.sent();
    assert_eq!(
        end.until(100_000),
        [
            "500 183",
            "1500 183",
            "3500 183",
            "7500 183",
            "15500 183",
            "31500 183",
            "32000 prack missing Some(1)"
        ]
    );
    end.respond(txn, 504);
    assert_eq!(end.sent_short(), ["504"]);
}

#[test]
fn the_queue_of_reliable_provisionals_has_a_limit() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("INVITE", B, ""));
    for _ in 0..9 {
        end.reliably(txn, 183, false);
    }
    let response = Response { status: 183, to_tag: b"ours", ..Response::default() };
    let hit = end.txns.respond_reliably(end.now, txn, &response, &mut end.out).unwrap_err();
    assert_eq!(hit.limit, "reliable_provisionals_queued");
    assert_eq!(end.txns.counters().reliable_limit.hits, 1);
}

#[test]
fn responses_go_where_rfc_3581_and_3261_say() {
    let mut end = End::new(Transport::Udp);
    let txn = end.request_in(&request("OPTIONS", B, ""));
    end.respond(txn, 200);
    assert_eq!(end.out.transmits[0].flow.remote, "192.0.2.7:5099".parse().unwrap());
    let text = end.sent().remove(0);
    assert!(text.contains(";received=192.0.2.7;rport=5099\r\n"), "{text}");
    let plain = request("OPTIONS", "z9hG4bKb", "").replace(";rport", "");
    let txn = end.request_in(&plain);
    end.respond(txn, 200);
    assert_eq!(end.out.transmits[0].flow.remote, "192.0.2.7:5066".parse().unwrap());
    let text = end.sent().remove(0);
    assert!(text.contains("Via: SIP/2.0/UDP 192.0.2.7:5066;branch=z9hG4bKb\r\n"), "{text}");
    let named = plain.replace("z9hG4bKb", "z9hG4bKc").replace("192.0.2.7:5066;", "host.example;");
    let txn = end.request_in(&named);
    end.respond(txn, 200);
    assert_eq!(end.out.transmits[0].flow.remote, "192.0.2.7:5060".parse().unwrap());
    let text = end.sent().remove(0);
    assert!(text.contains("Via: SIP/2.0/UDP host.example;branch=z9hG4bKc;received=192.0.2.7\r\n"), "{text}");
    let mut end = End::new(Transport::Tcp);
    let txn = end.request_in(&request("OPTIONS", B, ""));
    end.respond(txn, 200);
    let flow = end.out.transmits[0].flow;
    assert_eq!((flow.conn, flow.remote), (Some(sip_core::ConnId(7)), "192.0.2.7:5066".parse().unwrap()));
}

#[test]
fn responses_copy_all_vias_and_record_routes() {
    let mut end = End::new(Transport::Udp);
    let rows = "Via: SIP/2.0/TCP second;branch=1, SIP/2.0/UDP third\r\nRecord-Route: <sip:r1;lr>\r\nRecord-Route: <sip:r2;lr>\r\n";
    let txn = end.request_in(&request("INVITE", B, rows));
    let response = Response {
        status: 183,
        reason: b"Hm\r\nX: y",
        to_tag: b"t",
        rows: b"Contact: <sip:us>\r\n",
        record_route: true,
        content_type: b"application/sdp",
        body: b"v=0\r\n",
    };
    end.txns.respond(end.now, txn, &response, &mut end.out);
    assert_eq!(
        end.sent().remove(0),
        "SIP/2.0 183 Hm  X: y\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5066;branch=z9hG4bKpeer;received=192.0.2.7;rport=5099\r\n\
         Via: SIP/2.0/TCP second;branch=1\r\nVia: SIP/2.0/UDP third\r\n\
         From: <sip:p@p.example>;tag=theirs\r\nCall-ID: in\r\nCSeq: 1 INVITE\r\n\
         To: <sip:us@198.51.100.1>;tag=t\r\nRecord-Route: <sip:r1;lr>\r\nRecord-Route: <sip:r2;lr>\r\n\
         Contact: <sip:us>\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    );
}

#[test]
fn peers_without_the_magic_cookie_are_matched_by_the_old_rules() {
    let mut end = End::new(Transport::Udp);
    let old = |method: &str, extra: &str| request(method, "77", extra);
    let txn = end.request_in(&old("INVITE", ""));
    assert!(matches!(end.receive(&old("INVITE", "")), Incoming::Absorbed));
    assert!(matches!(end.receive(&old("INVITE", "").replace("CSeq: 1", "CSeq: 2")), Incoming::Request(_)));
    end.respond(txn, 486);
    end.sent();
    let ack = old("ACK", "").replace("To: <sip:us@198.51.100.1>", "To: <sip:us@198.51.100.1>;tag=ours");
    assert!(matches!(end.receive(&ack), Incoming::Absorbed));
    assert!(end.until(300).iter().all(|l| !l.contains("486")));
}

#[test]
fn a_full_table_refuses_but_lets_calls_end() {
    let mut end = End::sized(Transport::Udp, 8, 8);
    for n in 0..8 {
        end.request_in(&request("INVITE", &format!("z9hG4bK{n}"), ""));
    }
    assert!(matches!(end.receive(&request("INVITE", "z9hG4bKx", "")), Incoming::Refused));
    let text = end.sent().remove(0);
    assert!(text.starts_with("SIP/2.0 503 ") && text.contains("Retry-After: ") && text.contains(";tag="));
    let bye = |n: u32| {
        request("BYE", &format!("z9hG4bKbye{n}"), "")
            .replace("To: <sip:us@198.51.100.1>", "To: <sip:us@198.51.100.1>;tag=ours")
    };
    end.request_in(&bye(1));
    assert!(matches!(end.receive(&bye(2)), Incoming::Refused));
    assert_eq!(end.txns.counters().server_limit.hits, 2);
    assert!(matches!(end.receive(&request("ACK", "z9hG4bKy", "")), Incoming::Ack));
}

#[test]
fn unreadable_requests_are_answered_400_and_unreadable_acks_dropped() {
    let mut end = End::new(Transport::Udp);
    let broken = |method: &str| request(method, B, "").replace("From: ", "X-From: ");
    assert!(matches!(end.receive(&broken("INVITE")), Incoming::Malformed(_)));
    assert_eq!(end.sent_short(), ["400"]);
    assert!(matches!(end.receive(&broken("ACK")), Incoming::Malformed(_)));
    assert!(end.sent().is_empty());
    let other = request("INVITE", B, "").replace("1 INVITE", "1 OPTIONS");
    assert!(matches!(end.receive(&other), Incoming::Malformed(_)));
    assert_eq!(end.live(), (0, 0));
}

#[test]
fn a_response_that_cannot_be_sent_ends_only_what_rfc_says() {
    let mut end = End::new(Transport::Udp);
    let invite = end.request_in(&request("INVITE", B, ""));
    end.respond(invite, 200);
    end.sent();
    let mut events = Vec::new();
    end.txns.send_failed(end.now, end.last_token.unwrap(), SendError::Unreachable, &mut events);
    assert_eq!(end.live(), (1, 0), "RFC 6026: Accepted goes on");
    let bye = end.request_in(&request("BYE", "z9hG4bKb", ""));
    end.respond(bye, 200);
    end.sent();
    end.txns.send_failed(end.now, end.last_token.unwrap(), SendError::Unreachable, &mut events);
    assert_eq!((end.live(), events.len()), ((1, 0), 0));
    assert_eq!(short("SIP/2.0 200 OK"), "200");
}

#[test]
fn a_dropped_request_leaves_nothing() {
    let mut end = End::new(Transport::Udp);
    let text = request("INVITE", B, "");
    let txn = end.request_in(&text);
    end.txns.drop_server(txn);
    assert_eq!(end.live(), (0, 0));
    assert!(end.until(60_000).is_empty());
    end.request_in(&text);
}
