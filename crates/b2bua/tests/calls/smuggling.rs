//! Ninety ways to write a protected header: from an untrusted trunk none reaches the other leg. Nor does a host in
//! the words of headers that cross.

use crate::common::{ANSWER, GW1, OFFER, PBX, World, invite, response};
use crate::identity::config;

/// The mark of a smuggler, in every spelling below.
const EVIL: &str = "666666";

const NAMES: [&str; 9] = [
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Privacy",
    "Diversion",
    "History-Info",
    "P-Charge-Info",
    "P-Called-Party-ID",
    "Referred-By",
];

/// Ten spellings of one header.
fn spellings(name: &str) -> [String; 10] {
    let value = format!("<sip:+49{EVIL}@x>");
    [
        format!("{name}: {value}\r\n"),
        format!("{}:{value}\r\n", name.to_lowercase()),
        format!("{}\t: {value}\r\n", name.to_uppercase()),
        format!("{name} :\r\n {value}\r\n"),
        format!("{name}:\r\n\t{value}\r\n ;reason=away;index=1\r\n"),
        format!("{name}: <sip:a@x>\r\n{name}: {value}\r\n"),
        format!("{name}: <sip:a@x>, {value}\r\n"),
        format!("{name}: \"{name}: {value}\" {value};party=calling;screen=yes\r\n"),
        format!("X-Odd: a\r\n {name}: {value}\r\n"),
        format!("Subject: a\r\n\t\r\n {name}: {value}\r\n"),
    ]
}

/// Whether a row of its own, or of another header, tells the number.
fn leaks(text: &str) -> bool {
    let protected = |row: &str| NAMES.iter().any(|n| row.to_lowercase().starts_with(&n.to_lowercase()));
    text.split("\r\n").any(|row| row.contains(EVIL) && (protected(row) || !row.starts_with("Subject: ")))
}

#[test]
fn none_of_ninety_spellings_crosses_from_an_untrusted_trunk() {
    let untrusted = "identity = \"strip\", diversion = \"strip\", history_info = \"strip\"";
    let open = "identity = \"pass\", diversion = \"pass\", history_info = \"pass\", caller = { write = [\"from\", \"pai\", \"rpid\"], charge = \"pass\", called_party = \"pass\", referred_by = \"pass\" }, headers_pass = [\"P-Charge-Info\", \"P-Called-Party-ID\", \"Referred-By\"], forwarding = { write = \"both\" }";
    let all: Vec<String> = NAMES.iter().flat_map(|name| spellings(name)).collect();
    assert_eq!(all.len(), 90);
    for rows in all {
        let mut world = World::new(&config(untrusted, open));
        world.receive(PBX, &invite("+4420700000", OFFER, &rows));
        let sent = world.take();
        let out = sent.iter().find(|s| s.start().starts_with("INVITE"));
        assert!(out.is_none_or(|out| !leaks(&out.text)), "{rows}\n{}", out.map_or("", |o| &o.text));
        // The same in an answer.
        let mut world = World::new(&config(open, untrusted));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]);
        world.receive(GW1, &response(&out[0], "200 OK", "tb", &rows, ANSWER));
        let back = world.take();
        assert!(back.iter().all(|s| !leaks(&s.text)), "{rows}\n{back:#?}");
    }
}

#[test]
fn no_spelling_of_a_header_in_words_names_a_host_on_the_other_side() {
    let told = |name: &str| -> Vec<String> {
        let values = |rows: String| match name {
            "Alert-Info" => rows.replace("sip:+49666666@x", "http://h666666.corp.example/x"),
            "Reason" => rows.replace("<sip:+49666666@x>", "SIP;cause=200;text=\"h666666.corp.example\""),
            _ => rows.replace("<sip:+49666666@x>", "399 gw \"h666666.corp.example\""),
        };
        spellings(name).into_iter().map(values).collect()
    };
    for rows in told("Alert-Info").into_iter().chain(told("Reason")) {
        let mut world = World::new(&config("", "headers_pass = [\"Reason\", \"X-Harmless\"]"));
        world.receive(PBX, &invite("+4420700000", OFFER, &rows));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        let shown: Vec<&str> =
            out.text.split("\r\n").filter(|row| row.contains(EVIL) && !row.starts_with("Subject")).collect();
        assert_eq!(shown, [""; 0], "{rows}");
    }
    for rows in told("Warning").into_iter().chain(told("Reason")).chain(told("Alert-Info")) {
        let mut world = World::new(&config("", ""));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        world.receive(GW1, &response(&out, "486 Busy Here", "tb", &rows, ""));
        let back = world.take().into_iter().find(|s| s.to.to_string() == PBX).expect("a refusal");
        let mut shown =
            back.text.split("\r\n").filter(|row| row.contains(EVIL) && !row.starts_with("Subject"));
        assert_eq!(shown.next(), None, "{rows}\n{}", back.text);
    }
}

#[test]
fn uris_and_names_carry_no_row_across() {
    let open =
        "caller = { write = [\"from\", \"pai\", \"ppi\", \"rpid\"] }, forwarding = { write = \"both\" }";
    for from in [
        "\"x\\\r\n P-Asserted-Identity: <sip:666666@x>\" <sip:+493023125100@x>",
        "<sip:+493023125100%0d%0aP-Asserted-Identity:%20%3csip:666666@x>",
        "<sip:+493023125100@x?P-Asserted-Identity=%3Csip:666666%3E>",
        "\"\u{85}\u{2028}P-Asserted-Identity: <sip:666666@x>\" <sip:+493023125100@x>",
    ] {
        let mut world = World::new(&config("", open));
        let text = invite("+4420700000", OFFER, "");
        world.receive(PBX, &text.replace("\"Alice\" <sip:+493023125100@10.0.0.21>", from));
        for out in world.take() {
            for row in out.text.split("\r\n").filter(|row| row.starts_with("P-Asserted-Identity")) {
                let uri = row.rsplit_once('<').map_or("", |(_, uri)| uri);
                assert!(!uri.contains("sip:666666"), "{from}\n{row}");
            }
            assert!(out.text.matches("\r\nP-Asserted-Identity:").count() <= 1, "{}", out.text);
        }
    }
}
