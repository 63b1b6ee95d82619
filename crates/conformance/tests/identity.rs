//! Who calls, on the wire: SIPp calls through the running program from a trusted and an untrusted side to
//! a trusted and an untrusted one; `tshark` says what crossed, and the records say the same.

mod identities;

use conformance::capture::Capture;
use conformance::config::{INSIDE, OUTSIDE};
use conformance::script::SDP;
use conformance::{Place, Script, Server, Sipp, records};
use identities::{ALICE, CASES, Case, FRIEND, GUEST, INNER, NAMED, OUTER, Seen, config};
use std::collections::BTreeMap;

/// How many callers one scenario has: SIPp takes files up to 64 KiB.
const TOGETHER: usize = 12;

/// A caller: which one it is, From, and further rows.
type Caller = (usize, &'static str, String);

/// The number called; its beginning chooses the gateway.
fn number(trusted: bool, case: usize) -> String {
    format!("+44{}7000{case:04}", if trusted { 1 } else { 2 })
}

/// Lets these callers call the trusted and the untrusted gateway from one address, each refused with 486.
fn let_call(place: &Place, host: u8, callers: &[Caller]) {
    let count = u32::try_from(callers.len()).expect("few");
    let gateways = [INNER, OUTER].map(|gateway| {
        let name = format!("gateway{gateway}-{host}");
        Sipp::new(place, &name, "uas_refuses_486", &place.sip(gateway)).calls(count).answer()
    });
    for (part, callers) in callers.chunks(TOGETHER).enumerate() {
        let both = callers.iter().flat_map(|caller| [(caller, true), (caller, false)]);
        let script = both.fold(Script::default(), |script, ((at, from, rows), trusted)| {
            script.call(&number(trusted, *at), from, rows, SDP).expect(486, &[]).refused()
        });
        let caller = Sipp::of_script(place, &format!("caller{host}-{part}"), &script, &place.sip(host));
        caller.call("-", &place.sip(INSIDE)).finish();
    }
    for gateway in &gateways {
        gateway.finish();
    }
}

/// What `tshark` saw leave towards the gateways, by number called.
fn seen(place: &Place, capture: &Capture) -> BTreeMap<String, Seen> {
    let filter = format!("sip.Method == \"INVITE\" && ip.src == {}", place.ip(OUTSIDE));
    let lines = capture.end(&filter, &["sip.r-uri.user", "sip.msg_hdr"]);
    let one = |line: &String| {
        let (user, head) = line.split_once('\t').expect("two fields");
        let rows = head.split("\\r\\n").filter_map(|row| row.split_once(": "));
        let named = rows.filter(|(name, _)| NAMED.contains(name));
        let own = place.ip(OUTSIDE);
        let row = |(name, value): (&str, &str)| {
            let value = if name == "From" { value.split(";tag=").next().unwrap_or(value) } else { value };
            (name.to_owned(), value.replace(&own, "HOST").replace(user, "CALLED"))
        };
        (user.to_owned(), named.map(row).collect())
    };
    lines.iter().map(one).collect()
}

#[test]
fn what_each_side_is_told_of_a_caller_is_what_the_table_says() {
    let place = Place::new("identity");
    let server = Server::start(&place, &config(&place));
    let capture = Capture::start(&place);
    for (host, guest) in [(FRIEND, false), (GUEST, true)] {
        let own = CASES.iter().enumerate().filter(|(_, case)| case.guest == guest);
        let rows = |case: &Case| case.rows.iter().map(|row| format!("{row}\n")).collect();
        let callers: Vec<Caller> = own.map(|(at, case)| (at, case.from, rows(case))).collect();
        let_call(&place, host, &callers);
    }
    let seen = seen(&place, &capture);
    let mut faults = Vec::new();
    for (at, case) in CASES.iter().enumerate() {
        for (trusted, told) in [(true, case.inner), (false, case.outer)] {
            let wanted: Seen = told.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            let left = seen.get(&number(trusted, at)).cloned().unwrap_or_default();
            if left != wanted {
                let edge = if trusted { "trusted" } else { "untrusted" };
                faults.push(format!("{}, {edge} side:\nleft   {left:#?}\nwanted {wanted:#?}", case.name));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), 2 * CASES.len(), faults.join("\n"));
    records_say_the_same(&place, &seen);
    assert_eq!(server.stop(), 0);
}

/// The record of each call has in `sent` what was on the wire.
fn records_say_the_same(place: &Place, seen: &BTreeMap<String, Seen>) {
    let words = [
        "from",
        "asserted",
        "preferred",
        "remote_party",
        "privacy",
        "diversion",
        "history",
        "called_party",
        "charge",
        "referred_by",
    ];
    for record in records::await_count(place, seen.len()) {
        let attempt = &record["attempts"][0];
        let called = records::word(attempt, "called_sent");
        for (word, header) in words.iter().zip(NAMED) {
            let rows = seen[called].iter().filter(|(name, _)| name == header);
            let left: Vec<&str> = rows.map(|(_, value)| value.as_str()).collect();
            let kept = records::word(&attempt["sent"], word).replace(&place.ip(OUTSIDE), "HOST");
            assert_eq!(kept.replace(called, "CALLED"), left.join(", "), "{word} of {record}");
        }
    }
}

/// Ten spellings of a header that names the smuggled number; SIPp sends `\x20` and `\x09` as they are.
fn spellings(name: &str) -> [String; 10] {
    let value = "<sip:+49666666@x>";
    [
        format!("{name}: {value}"),
        format!("{}:{value}", name.to_lowercase()),
        format!("{}\\x09: {value}", name.to_uppercase()),
        format!("{name} :\n\\x20{value}"),
        format!("{name}:\n\\x09{value}\n\\x20;reason=away;index=1"),
        format!("{name}: <sip:a@x>\n{name}: {value}"),
        format!("{name}: <sip:a@x>, {value}"),
        format!("{name}: \"{name}: {value}\" {value};party=calling;screen=yes"),
        format!("X-Odd: a\n\\x20{name}: {value}"),
        format!("Subject: a\n\\x09\n\\x20{name}: {value}"),
    ]
}

#[test]
fn no_spelling_of_a_protected_header_crosses_from_an_untrusted_side() {
    let place = Place::new("smuggling");
    let server = Server::start(&place, &config(&place));
    let capture = Capture::start(&place);
    let rows: Vec<String> = NAMED[1..].iter().flat_map(|name| spellings(name)).collect();
    assert_eq!(rows.len(), 90);
    let callers: Vec<Caller> =
        rows.iter().enumerate().map(|(at, row)| (at, ALICE, format!("{row}\n"))).collect();
    let_call(&place, GUEST, &callers);
    let filter = format!("sip && (ip.dst == {} || ip.dst == {})", place.ip(INNER), place.ip(OUTER));
    let lines = capture.end(&filter, &["sip.Method", "sip.msg_hdr"]);
    assert!(lines.len() >= 2 * 2 * rows.len(), "an INVITE and an ACK for each call, to either side");
    for line in lines {
        // Subject is the caller's own word, whatever stands in it.
        let told = line.split("\\r\\n").filter(|row| !row.starts_with("Subject: "));
        let smuggled: Vec<&str> = told.filter(|row| row.contains("666666")).collect();
        assert!(smuggled.is_empty(), "{smuggled:?}\n{line}");
    }
    assert_eq!(server.stop(), 0);
}
