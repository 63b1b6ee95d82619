//! A registrar's table, as sentences.

use super::*;
use crate::Flow;
use base::{ListenId, Time, Transport};
use sip_msg::{Index, Leniency, Limits};

const RULES: Rules = Rules {
    expires_min: Duration::from_secs(60),
    expires_max: Duration::from_secs(3_600),
    expires: Duration::from_secs(600),
    contacts_max: 3,
    replace: true,
    outbound: true,
};

fn at(seconds: u64) -> Time {
    Time::from_millis(seconds * 1_000)
}

fn flow(port: u16) -> Flow {
    let remote = std::net::SocketAddr::from(([192, 0, 2, 1], port));
    Flow { listen: ListenId(0), transport: Transport::Udp, remote, conn: None, trunk: None }
}

/// Registers with Call-ID `id`, CSeq and these rows.
fn try_with(aor: &mut Aor, now: Time, id: &str, cseq: u32, rows: &str, rules: &Rules) -> Result<(), Refusal> {
    let text = format!(
        "REGISTER sip:pbx SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: {id}\r\nCSeq: {cseq} REGISTER\r\n{rows}Content-Length: 0\r\n\r\n"
    );
    let mut index = Index::new();
    let msg = sip_msg::parse(text.as_bytes(), &mut index, &Limits::default(), Leniency::default()).unwrap();
    let asked = Asked::read(msg, rules)?;
    aor.register(now, &asked, &|_| flow(5060), rules)
}

fn register(aor: &mut Aor, now: Time, id: &str, cseq: u32, rows: &str) -> Result<(), Refusal> {
    try_with(aor, now, id, cseq, rows, &RULES)
}

fn contacts(aor: &Aor, now: Time) -> String {
    let mut rows = Vec::new();
    aor.write_contacts(now, &mut rows);
    String::from_utf8(rows).unwrap()
}

#[test]
fn a_contact_is_bound_for_what_is_asked_within_bounds() {
    for (rows, granted) in [
        ("Contact: <sip:a@h>\r\n", 600),
        ("Contact: <sip:a@h>\r\nExpires: 120\r\n", 120),
        ("Contact: <sip:a@h>;expires=90\r\nExpires: 120\r\n", 90),
        ("Contact: <sip:a@h>;expires=7200\r\n", 3_600),
        ("Contact: <sip:a@h>;expires=99999999999\r\n", 3_600),
        ("Contact: <sip:a@h>;expires=soon\r\n", 600),
    ] {
        let mut aor = Aor::default();
        assert_eq!(register(&mut aor, at(5), "c", 1, rows), Ok(()), "{rows}");
        assert_eq!(contacts(&aor, at(5)), format!("Contact: <sip:a@h>;expires={granted}\r\n"));
        assert_eq!(aor.next_deadline(), Some(at(5 + granted)));
        assert!(!aor.expire(at(4 + granted)) && aor.expire(at(5 + granted)) && aor.is_empty());
    }
    let mut aor = Aor::default();
    let brief = register(&mut aor, at(0), "c", 1, "Contact: <sip:a@h>;expires=59\r\n");
    assert_eq!((brief, brief.unwrap_err().status()), (Err(Refusal::TooBrief(60)), 423));
    assert!(aor.is_empty());
}

#[test]
fn a_refresh_keeps_its_place_in_the_order_of_requests() {
    let mut aor = Aor::default();
    let refresh =
        |aor: &mut Aor, id: &str, cseq| register(aor, at(1), id, cseq, "Contact: <sip:a@h>;expires=60\r\n");
    assert_eq!(refresh(&mut aor, "c", 7), Ok(()));
    assert_eq!(refresh(&mut aor, "c", 7), Err(Refusal::OutOfOrder));
    assert_eq!(refresh(&mut aor, "c", 6), Err(Refusal::OutOfOrder));
    assert_eq!(refresh(&mut aor, "c", 8), Ok(()));
    assert_eq!(refresh(&mut aor, "other", 1), Ok(()), "a phone that was started anew");
    assert_eq!(aor.bindings().len(), 1);
    let stale = register(&mut aor, at(2), "other", 1, "Contact: <sip:a@H>;expires=0\r\n");
    assert_eq!(stale, Err(Refusal::OutOfOrder));
    assert_eq!(register(&mut aor, at(2), "other", 2, "Contact: <sip:a@H>;expires=0\r\n"), Ok(()));
    assert!(aor.is_empty());
}

#[test]
fn all_bindings_are_given_up_at_once_and_only_so() {
    let mut aor = Aor::default();
    register(&mut aor, at(0), "c", 1, "Contact: <sip:a@h>, <sip:b@h>;q=0.25\r\n").unwrap();
    assert_eq!(aor.bindings()[1].q, 250);
    assert!(contacts(&aor, at(0)).ends_with("Contact: <sip:b@h>;expires=600;q=0.250\r\n"));
    for bad in ["Contact: *\r\n", "Contact: *\r\nExpires: 60\r\n", "Contact: *, <sip:a@h>\r\nExpires: 0\r\n"]
    {
        assert_eq!(register(&mut aor, at(1), "c", 2, bad), Err(Refusal::Broken), "{bad}");
    }
    assert_eq!(register(&mut aor, at(1), "c", 1, "Contact: *\r\nExpires: 0\r\n"), Err(Refusal::OutOfOrder));
    assert_eq!(aor.bindings().len(), 2, "nothing was changed");
    assert_eq!(register(&mut aor, at(1), "c", 2, ""), Ok(()), "a question");
    assert_eq!(aor.bindings().len(), 2);
    assert_eq!(register(&mut aor, at(1), "c", 3, "Contact: *\r\nExpires: 0\r\n"), Ok(()));
    assert!(aor.is_empty());
}

#[test]
fn what_cannot_all_be_done_is_not_done_at_all() {
    let mut aor = Aor::default();
    register(&mut aor, at(0), "c", 5, "Contact: <sip:a@h>\r\n").unwrap();
    let mixed = "Contact: <sip:b@h>, <sip:a@h>\r\n";
    assert_eq!(register(&mut aor, at(1), "c", 5, mixed), Err(Refusal::OutOfOrder));
    for bad in
        ["Contact: <sip:b@h>, <tel:+49>\r\n", "Contact: <sip:b@h>, <mailto:b@h>\r\n", "Contact: <sip:b@\r\n"]
    {
        assert_eq!(register(&mut aor, at(1), "c", 6, bad), Err(Refusal::Broken), "{bad}");
    }
    assert_eq!(aor.bindings().len(), 1);
    let many = "Contact: <sip:b@h>\r\n".repeat(CONTACTS_READ_MAX + 1);
    assert_eq!(register(&mut aor, at(1), "c", 6, &many), Err(Refusal::Broken));
    let paths = "Path: <sip:p;lr>\r\n".repeat(PATH_VALUES_MAX + 1);
    assert_eq!(register(&mut aor, at(1), "c", 6, &paths), Err(Refusal::Broken));
}

#[test]
fn a_new_contact_takes_the_oldest_place_or_is_refused() {
    let mut aor = Aor::default();
    for (second, user) in [(0, "a"), (1, "b"), (2, "c")] {
        register(&mut aor, at(second), user, 1, &format!("Contact: <sip:{user}@h>\r\n")).unwrap();
    }
    register(&mut aor, at(3), "a", 2, "Contact: <sip:a@h>\r\n").unwrap();
    register(&mut aor, at(4), "d", 1, "Contact: <sip:d@h>\r\n").unwrap();
    let left: Vec<&[u8]> = aor.bindings().iter().map(|b| &*b.contact).collect();
    assert_eq!(left, [&b"sip:c@h"[..], b"sip:a@h", b"sip:d@h"], "b was refreshed longest ago");
    let mut places: Vec<u16> = aor.bindings().iter().map(|b| b.place).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
    let strict = Rules { replace: false, ..RULES };
    let full = try_with(&mut aor, at(5), "e", 1, "Contact: <sip:e@h>\r\n", &strict);
    assert_eq!((full, full.unwrap_err().status()), (Err(Refusal::Full), 403));
    assert_eq!(
        try_with(&mut aor, at(5), "d", 2, "Contact: <sip:d@h>\r\n", &strict),
        Ok(()),
        "a refresh fits"
    );
    let four = "Contact: <sip:1@h>, <sip:2@h>, <sip:3@h>, <sip:4@h>\r\n";
    assert_eq!(register(&mut aor, at(6), "f", 1, four), Err(Refusal::Full), "more than ever fit");
}

#[test]
fn a_flow_is_known_by_its_instance_and_number() {
    let mut aor = Aor::default();
    let row = |port: u16, id: u32| {
        format!(
            "Supported: path, outbound\r\nContact: <sip:a@10.0.0.1:{port}>;reg-id={id};+sip.instance=\"<urn:uuid:1>\"\r\n"
        )
    };
    register(&mut aor, at(0), "c", 1, &row(1, 1)).unwrap();
    register(&mut aor, at(1), "d", 1, &row(2, 2)).unwrap();
    register(&mut aor, at(2), "e", 1, &row(3, 1)).unwrap();
    assert_eq!(aor.bindings().len(), 2, "the first flow was made anew");
    let end = ";reg-id=1\r\n";
    assert!(
        contacts(&aor, at(2))
            .ends_with(&format!("<sip:a@10.0.0.1:3>;expires=600;+sip.instance=\"<urn:uuid:1>\"{end}"))
    );
    // Without the option tag it is a contact like any other.
    let plain = row(3, 1).replace("path, outbound", "path");
    register(&mut aor, at(3), "f", 1, &plain).unwrap();
    assert_eq!(aor.bindings().iter().filter(|b| b.reg_id.is_none()).count(), 1);
    let two = "Supported: outbound\r\nContact: <sip:a@h>;reg-id=1;+sip.instance=\"<urn:1>\", <sip:b@h>;reg-id=2;+sip.instance=\"<urn:1>\"\r\n";
    assert_eq!(register(&mut aor, at(4), "g", 1, two), Err(Refusal::Broken));
}

#[test]
fn a_flow_needs_a_first_hop_that_keeps_it() {
    let flow = "Supported: outbound\r\nContact: <sip:a@h>;reg-id=1;+sip.instance=\"<urn:1>\"\r\n";
    let hop = "Via: SIP/2.0/UDP far;branch=z9hG4bK2\r\n";
    let through = |path: &str| register(&mut Aor::default(), at(0), "c", 1, &format!("{hop}{path}{flow}"));
    assert_eq!(through(""), Err(Refusal::FirstHop));
    assert_eq!(through("Path: <sip:edge;lr>\r\n"), Err(Refusal::FirstHop));
    assert_eq!(through("Path: <sip:inner;lr>, <sip:edge;lr;ob>\r\n"), Ok(()));
    let plain = Rules { outbound: false, ..RULES };
    let mut aor = Aor::default();
    assert_eq!(try_with(&mut aor, at(0), "c", 1, &format!("{hop}{flow}"), &plain), Ok(()));
    assert_eq!(aor.bindings()[0].reg_id, None);
}

#[test]
fn a_bulk_contact_has_no_user_and_says_so_twice() {
    let bulk = "Require: gin\r\nContact: <sip:198.51.100.1;bnc>\r\n";
    let mut aor = Aor::default();
    assert_eq!(register(&mut aor, at(0), "c", 1, bulk), Ok(()));
    assert!(aor.bindings()[0].bulk);
    for bad in [
        "Contact: <sip:198.51.100.1;bnc>\r\n",
        "Require: gin\r\nContact: <sip:198.51.100.1>\r\n",
        "Require: gin\r\nContact: <sip:user@198.51.100.1;bnc>\r\n",
    ] {
        assert_eq!(register(&mut Aor::default(), at(0), "c", 1, bad), Err(Refusal::Broken), "{bad}");
    }
}
