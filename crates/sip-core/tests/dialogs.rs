//! Dialogs: identity, sequence numbers, routing loose and strict, the journal.
#![allow(clippy::unwrap_used, clippy::panic)]

use sip_core::{Dialog, JournalError};
use sip_msg::{Index, Leniency, Limits, Msg, parse};

fn with<T>(text: &str, look: impl FnOnce(&Msg<'_>) -> T) -> T {
    let mut index = Index::new();
    look(&parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).expect(text))
}

fn invite(extra: &str) -> String {
    format!(
        "INVITE sip:us@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK1\r\n\
         From: \"P; <x>\" <sip:p@p.example>;x=1;tag=theirs\r\nTo: <sip:us@us.example>\r\nCall-ID: c@p\r\n\
         CSeq: 17 INVITE\r\nContact: <sip:p@192.0.2.7:5066;transport=tcp?X=1>;q=1\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

fn response(status: u16, contact: &str, extra: &str) -> String {
    format!(
        "SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP us;branch=z9hG4bK1\r\nFrom: <sip:us@us.example>;tag=ours\r\n\
         To: <sip:b@b.example>;tag=theirs\r\nCall-ID: c\r\nCSeq: 5 INVITE\r\nContact: <{contact}>\r\n{extra}\
         Content-Length: 0\r\n\r\n"
    )
}

fn uac(status: u16, contact: &str, extra: &str) -> Dialog {
    with(&response(status, contact, extra), |m| {
        Dialog::as_uac(b"<sip:us@us.example>;tag=ours", b"c", 5, m).unwrap()
    })
}

fn rows(dialog: &Dialog, cseq: u32, method: &str) -> String {
    let mut out = Vec::new();
    dialog.write_rows(&mut out, cseq, method.as_bytes());
    String::from_utf8(out).unwrap()
}

#[test]
fn the_answering_side_keeps_the_order_of_record_routes() {
    let text = invite("Record-Route: <sip:r1;lr>, <sip:r2;lr>\r\nRecord-Route: <sip:r3;lr>\r\n");
    let mut dialog = with(&text, |m| Dialog::as_uas(m, b"ours").unwrap());
    assert_eq!(
        (dialog.local_tag(), dialog.remote_tag(), dialog.call_id()),
        (&b"ours"[..], &b"theirs"[..], &b"c@p"[..])
    );
    assert_eq!(dialog.request_uri(), b"sip:p@192.0.2.7:5066;transport=tcp");
    assert_eq!(dialog.next_hop(), b"sip:r1;lr");
    assert_eq!((dialog.next_cseq(), dialog.next_cseq(), dialog.local_cseq()), (1, 2, 2));
    assert_eq!(
        rows(&dialog, 2, "BYE"),
        "Route: <sip:r1;lr>\r\nRoute: <sip:r2;lr>\r\nRoute: <sip:r3;lr>\r\nMax-Forwards: 70\r\n\
         From: <sip:us@us.example>;tag=ours\r\nTo: \"P; <x>\" <sip:p@p.example>;x=1;tag=theirs\r\n\
         Call-ID: c@p\r\nCSeq: 2 BYE\r\n"
    );
    assert!(dialog.accept_cseq(18) && dialog.accept_cseq(18) && !dialog.accept_cseq(17));
}

#[test]
fn the_calling_side_reverses_record_routes() {
    let dialog = uac(180, "sip:b@192.0.2.9", "Record-Route: <sip:r1;lr>,<sip:r2;lr>\r\n");
    assert_eq!(dialog.next_hop(), b"sip:r2;lr");
    assert_eq!(dialog.request_uri(), b"sip:b@192.0.2.9");
    assert!(
        rows(&dialog, 6, "PRACK").starts_with("Route: <sip:r2;lr>\r\nRoute: <sip:r1;lr>\r\nMax-Forwards")
    );
    assert_eq!(dialog.local_cseq(), 5);
}

#[test]
fn a_strict_router_gets_the_request_uri() {
    let dialog =
        uac(200, "sip:b@192.0.2.9", "Record-Route: <sip:r1;lr>,<sip:strict;x=1;method=INVITE?h=1>\r\n");
    assert_eq!(dialog.request_uri(), b"sip:strict;x=1");
    assert!(dialog.next_hop().starts_with(b"sip:strict"));
    assert!(
        rows(&dialog, 6, "BYE").starts_with("Route: <sip:r1;lr>\r\nRoute: <sip:b@192.0.2.9>\r\nMax-Forwards")
    );
}

#[test]
fn without_routes_requests_go_to_the_remote_target() {
    let mut dialog = uac(200, "sip:b@192.0.2.9", "");
    assert_eq!((dialog.next_hop(), dialog.request_uri()), (&b"sip:b@192.0.2.9"[..], &b"sip:b@192.0.2.9"[..]));
    with(&response(200, "sip:b@192.0.2.10", "Record-Route: <sip:late;lr>\r\n"), |m| {
        dialog.update_route_set_on_2xx(m);
    });
    assert_eq!(dialog.next_hop(), b"sip:b@192.0.2.10", "a confirmed dialog keeps its route set");
}

#[test]
fn the_first_2xx_recomputes_an_early_route_set() {
    let mut dialog = uac(180, "sip:b@192.0.2.9", "Record-Route: <sip:r1;lr>\r\n");
    with(&response(200, "sip:b@192.0.2.10", "Record-Route: <sip:r2;lr>\r\n"), |m| {
        dialog.update_route_set_on_2xx(m);
    });
    assert_eq!((dialog.next_hop(), dialog.request_uri()), (&b"sip:r2;lr"[..], &b"sip:b@192.0.2.10"[..]));
    with(&response(200, "sip:b@192.0.2.11", ""), |m| dialog.refresh_target(m));
    assert_eq!((dialog.next_hop(), dialog.request_uri()), (&b"sip:r2;lr"[..], &b"sip:b@192.0.2.11"[..]));
}

#[test]
fn requests_match_by_call_id_and_both_tags() {
    let dialog = with(&invite(""), |m| Dialog::as_uas(m, b"ours").unwrap());
    let inside = invite("").replace("To: <sip:us@us.example>", "To: <sip:us@us.example>;tag=ours");
    assert!(with(&inside, |m| dialog.matches(m)));
    for (from, to) in
        [("tag=theirs", "tag=other"), ("tag=ours", "tag=other"), ("Call-ID: c@p", "Call-ID: C@p")]
    {
        assert!(!with(&inside.replace(from, to), |m| dialog.matches(m)), "{to}");
    }
}

#[test]
fn a_message_without_contact_makes_no_dialog() {
    let text = invite("").replace("Contact: ", "X-Contact: ");
    assert!(with(&text, |m| Dialog::as_uas(m, b"ours").is_err()));
}

#[test]
fn folds_in_a_value_never_become_headers() {
    let text = invite("").replace("\"P; <x>\" ", "\"P\r\n Evil: 1\"\r\n ");
    let dialog = with(&text, |m| Dialog::as_uas(m, b"ours").unwrap());
    assert!(!rows(&dialog, 1, "BYE").contains("\nEvil") && !rows(&dialog, 1, "BYE").contains("\n "));
}

#[test]
fn the_journal_gives_the_same_dialog_back_and_refuses_damage() {
    let text = invite("Record-Route: <sip:r1>, <sip:r2;lr>\r\n");
    let mut dialog = with(&text, |m| Dialog::as_uas(m, b"ours").unwrap());
    dialog.next_cseq();
    let early = uac(180, "sip:b@192.0.2.9", "Record-Route: <sip:r1;lr>\r\n");
    for dialog in [dialog, early] {
        let bytes = dialog.to_bytes();
        assert_eq!(Dialog::from_bytes(&bytes).as_ref(), Ok(&dialog));
        for cut in 0..bytes.len() {
            assert_eq!(Dialog::from_bytes(&bytes[..cut]), Err(JournalError::Short));
        }
        assert_eq!(
            Dialog::from_bytes(&[&bytes[..], b"x"].concat()),
            Err(JournalError::Trailing { bytes: 1 })
        );
        let mut other = bytes.clone();
        other[0] = 9;
        assert_eq!(Dialog::from_bytes(&other), Err(JournalError::Version { found: 9 }));
    }
}
