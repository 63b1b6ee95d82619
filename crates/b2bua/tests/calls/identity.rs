//! Who calls, as the other side sees it: each test is one rule.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, invite, response};

/// The configuration with more policy for the trunks `pbx` and `one`.
pub(crate) fn config(pbx: &str, one: &str) -> String {
    let with = |text: &str, trunk: &str, policy: &str| match policy {
        "" => text.to_owned(),
        _ => text.replacen(
            &format!("[trunk.{trunk}]\n"),
            &format!("[trunk.{trunk}]\noverride = {{ {policy} }}\n"),
            1,
        ),
    };
    // Strangers may call abroad here: what they are shown as is the matter.
    let open = CONFIG.replacen("[trunk.pbx]\n", "[trunk.pbx]\ndeny_unknown = []\n", 1);
    with(&with(&open, "pbx", pbx), "one", one)
}

/// The INVITE that the provider gets for one with these rows.
fn sent(pbx: &str, one: &str, rows: &str) -> Sent {
    let mut world = World::new(&config(pbx, one));
    world.receive(PBX, &invite("+4420700000", OFFER, rows));
    world.expect(&[(GW1, "INVITE")]).remove(0)
}

/// The same for an INVITE with another From.
fn sent_from(pbx: &str, one: &str, from: &str, rows: &str) -> Sent {
    let mut world = World::new(&config(pbx, one));
    let text = invite("+4420700000", OFFER, rows);
    world.receive(PBX, &text.replace("\"Alice\" <sip:+493023125100@10.0.0.21>", from));
    world.expect(&[(GW1, "INVITE")]).remove(0)
}

fn from_of(sent: &Sent) -> &str {
    sent.header("From").split(";tag=").next().unwrap_or_default()
}

const PAI: &str = "P-Asserted-Identity: \"Alice B\" <sip:+493023125100@10.0.0.21>\r\n";

#[test]
fn identities_cross_between_trusted_trunks_under_our_host() {
    let out = sent("", "", &format!("{PAI}Privacy: none\r\n"));
    assert_eq!(from_of(&out), "\"Alice\" <sip:+493023125100@192.0.2.1>");
    assert_eq!(out.header("P-Asserted-Identity"), "\"Alice B\" <sip:+493023125100@192.0.2.1>");
    assert_eq!(out.header("Privacy"), "none");
    assert!(!out.text.contains("10.0.0."), "{}", out.text);
}

#[test]
fn identities_do_not_cross_where_a_trunk_strips_them() {
    for (pbx, one) in [("identity = \"strip\"", ""), ("", "identity = \"strip\"")] {
        let rows = format!("{PAI}P-Preferred-Identity: <sip:+491@x>\r\nRemote-Party-ID: <sip:+491@x>\r\n");
        let out = sent(pbx, one, &rows);
        for name in ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"] {
            assert_eq!(out.header(name), "", "{name}");
        }
        assert_eq!(from_of(&out), "\"Alice\" <sip:+493023125100@192.0.2.1>");
    }
}

#[test]
fn a_caller_who_asks_for_privacy_is_anonymous_at_an_untrusted_edge() {
    let rows = format!("{PAI}Privacy: id\r\nSubject: from Alice\r\n");
    let out = sent("", "caller = { trust = false }", &rows);
    assert_eq!(from_of(&out), "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
    assert_eq!(out.header("Contact"), "<sip:192.0.2.1:5060>");
    for name in ["P-Asserted-Identity", "Privacy", "Subject"] {
        assert_eq!(out.header(name), "", "{name}");
    }
    assert!(!out.text.contains("23125100") && !out.text.contains("Alice"), "{}", out.text);
}

#[test]
fn a_trusted_peer_is_told_in_confidence() {
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    let out = sent_from("", "", anonymous, PAI);
    assert_eq!(from_of(&out), anonymous);
    assert_eq!(out.header("P-Asserted-Identity"), "\"Alice B\" <sip:+493023125100@192.0.2.1>");
    assert_eq!(out.header("Privacy"), "id", "anonymous in From is a wish");
    let out = sent("", "", &format!("{PAI}Privacy: id;critical\r\n"));
    assert_eq!(from_of(&out), "\"Alice\" <sip:+493023125100@192.0.2.1>", "the peer hides From");
    assert_eq!(out.header("Privacy"), "id;critical");
    let out = sent(
        "",
        "caller = { withheld_from = \"anonymous\", anonymous_host = \"domain\" }",
        &format!("{PAI}Privacy: id\r\n"),
    );
    assert_eq!(from_of(&out), "\"Anonymous\" <sip:anonymous@192.0.2.1>");
    assert_eq!(out.header("P-Asserted-Identity"), "\"Alice B\" <sip:+493023125100@192.0.2.1>");
    let out = sent("", "caller = { withheld = \"drop\" }", &format!("{PAI}Privacy: id\r\n"));
    assert_eq!(
        (from_of(&out), out.header("P-Asserted-Identity"), out.header("Privacy")),
        (anonymous, "", "id")
    );
}

#[test]
fn the_caller_is_read_where_the_policy_says() {
    let read = "caller = { read = [\"pai\", \"rpid\", \"ppi\", \"from\"] }";
    let rows = "P-Asserted-Identity: <tel:+493023125111>\r\n";
    assert_eq!(from_of(&sent(read, "", rows)), "\"Alice\" <sip:+493023125111@192.0.2.1>");
    let rows = "Remote-Party-ID: <sip:030-23125112@x>;party=calling\r\n";
    assert_eq!(from_of(&sent(read, "", rows)), "\"Alice\" <sip:+493023125112@192.0.2.1>");
    let untrusted = "caller = { trust = false, read = [\"pai\", \"ppi\", \"from\"] }";
    let rows = "P-Asserted-Identity: <tel:+493023125111>\r\nP-Preferred-Identity: <sip:+493023125113@x>\r\n";
    assert_eq!(from_of(&sent(untrusted, "", rows)), "\"Alice\" <sip:+493023125113@192.0.2.1>");
    assert_eq!(from_of(&sent(read, "", "")), "\"Alice\" <sip:+493023125100@192.0.2.1>");
}

#[test]
fn every_header_of_the_list_is_written_once() {
    let one =
        "caller = { write = [\"from\", \"pai\", \"ppi\", \"rpid\"], pai = \"both\" }, user_phone = true";
    let out = sent(
        "",
        one,
        "P-Asserted-Identity: <sip:030 1@x>\r\nP-Asserted-Identity: <sip:03023125111@x>, <tel:+4999>\r\n",
    );
    let uri = "<sip:+493023125111@192.0.2.1;user=phone>";
    assert_eq!(out.header("P-Asserted-Identity"), format!("{uri}, <tel:+493023125111>"));
    assert_eq!(out.header("P-Preferred-Identity"), uri);
    assert_eq!(out.header("Remote-Party-ID"), format!("{uri};party=calling;screen=yes;privacy=off"));
    for name in ["P-Asserted-Identity:", "P-Preferred-Identity:", "Remote-Party-ID:"] {
        assert_eq!(out.text.matches(name).count(), 1, "{name}");
    }
}

#[test]
fn the_pilot_stands_for_numbers_that_are_not_owned() {
    let screen = |not_owned: &str| {
        format!(
            "caller = {{ write = [\"from\", \"pai\"], screen = {{ pilot = \"+493023125000\", not_owned = \"{not_owned}\" }} }}, number_format = \"e164\""
        )
    };
    let foreign = "\"Bob\" <sip:+4420111@x>";
    let out = sent_from("", &screen("pilot-asserted"), foreign, "");
    assert_eq!(from_of(&out), "\"Bob\" <sip:4420111@192.0.2.1>");
    assert_eq!(out.header("P-Asserted-Identity"), "\"Bob\" <sip:493023125000@192.0.2.1>");
    let out = sent_from("", &screen("pilot"), foreign, "");
    assert_eq!(from_of(&out), "\"Bob\" <sip:493023125000@192.0.2.1>");
    let out = sent("", &screen("pilot"), "");
    assert_eq!(from_of(&out), "\"Alice\" <sip:493023125100@192.0.2.1>", "owned by [[numbers]]");
    assert_eq!(out.header("P-Asserted-Identity"), "\"Alice\" <sip:493023125100@192.0.2.1>");
}

#[test]
fn a_number_that_is_not_owned_is_refused_with_403() {
    let one = "caller = { screen = { owned = [\"+493023125200..+493023125299\"], not_owned = \"refuse\" } }";
    let text = config("", one).replace("to = [\"one\", \"two\"]", "to = \"one\"");
    let mut world = World::new(&text);
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(PBX, "SIP/2.0 403")]);
    assert!(out[0].header("Warning").contains("C-CALLER-NOT-OWNED"), "{}", out[0].text);
    let ack = "ACK sip:+4420700000@10.0.0.5 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.21:5060;rport;branch=z9hG4bKa1\r\nFrom: \"Alice\" <sip:+493023125100@10.0.0.21>;tag=fa\r\nTo: TO\r\nCall-ID: call-a\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n";
    world.receive(PBX, &ack.replace("TO", out[0].header("To")));
    world.settle();
}

#[test]
fn privacy_that_is_critical_and_cannot_be_given_ends_the_call() {
    let text = config("media = \"direct\"", "media = \"direct\", caller = { trust = false }");
    let mut world = World::new(&text.replace("to = [\"one\", \"two\"]", "to = \"one\""));
    world.receive(PBX, &invite("+4420700000", OFFER, "Privacy: session;critical\r\n"));
    let out = world.expect(&[(PBX, "SIP/2.0 500")]);
    assert!(out[0].header("Warning").contains("C-PRIVACY"), "{}", out[0].text);
    let anchored = sent("", "caller = { trust = false }", "Privacy: session;critical\r\n");
    assert_eq!(anchored.header("Privacy"), "", "given here");
}

#[test]
fn an_untrusted_callers_number_is_asserted_only_when_it_is_screened() {
    let pbx = "caller = { trust = false }";
    let out = sent(pbx, "caller = { write = [\"from\", \"pai\", \"rpid\"] }", PAI);
    assert_eq!(out.header("P-Asserted-Identity"), "");
    assert!(out.header("Remote-Party-ID").contains(";screen=no"), "{}", out.text);
    let screen = "screen = { pilot = \"+493023125000\", not_owned = \"pilot\" }";
    let out = sent(pbx, &format!("caller = {{ write = [\"from\", \"pai\"], {screen} }}"), PAI);
    assert_eq!(out.header("P-Asserted-Identity"), "\"Alice\" <sip:+493023125100@192.0.2.1>");
}

#[test]
fn display_names_follow_the_policy() {
    let odd = "\"J\\\"ürgen, \\\\ <x>\" <sip:+493023125100@x>";
    assert_eq!(
        from_of(&sent_from("", "", odd, "")),
        "\"J\\\"ürgen, \\\\ <x>\" <sip:+493023125100@192.0.2.1>"
    );
    let with = |policy: &str| from_of(&sent("", &format!("caller = {{ {policy} }}"), PAI)).to_owned();
    assert_eq!(with("display = \"strip\""), "<sip:+493023125100@192.0.2.1>");
    assert_eq!(with("display = \"asserted\""), "\"Alice B\" <sip:+493023125100@192.0.2.1>");
    assert_eq!(
        with("display = \"replace\", display_name = \"ACME\""),
        "\"ACME\" <sip:+493023125100@192.0.2.1>"
    );
}

#[test]
fn the_callees_identity_reaches_the_caller_by_the_same_rules() {
    let rows = "P-Asserted-Identity: \"Bob\" <sip:+4420700000@192.0.2.7>\r\nPrivacy: id\r\n";
    for (pbx, asserted, privacy) in [
        ("", "\"Bob\" <sip:+4420700000@10.0.0.5>", "id"),
        ("identity = \"strip\"", "", ""),
        ("caller = { trust = false }", "", ""),
    ] {
        let mut world = World::new(&config(pbx, ""));
        world.receive(PBX, &invite("+4420700000", OFFER, ""));
        let out = world.expect(&[(GW1, "INVITE")]);
        world.receive(GW1, &response(&out[0], "200 OK", "tb", rows, ANSWER));
        let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
        assert_eq!(sent[1].header("P-Asserted-Identity"), asserted);
        assert_eq!(sent[1].header("Privacy"), privacy);
    }
}

#[test]
fn the_record_says_who_each_attempt_named() {
    let mut world =
        World::new(&config("", "caller = { trust = false }, forwarding = { write = \"diversion\" }"));
    let rows = format!("{PAI}Privacy: id\r\nDiversion: <sip:+493023125177@x>;reason=user-busy\r\n");
    world.receive(PBX, &invite("+4420700000", OFFER, &rows));
    let first = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&first, "503 No", "tb", "", ""));
    let second = world.take().into_iter().find(|s| s.start().starts_with("INVITE")).expect("the other trunk");
    world.receive(crate::common::GW2, &response(&second, "486 Busy", "tb", "", ""));
    let record = world.records.pop().expect("a record");
    let told: Vec<Vec<(&str, &str)>> = record
        .attempts
        .iter()
        .map(|a| {
            let words = b2bua::SENT.iter().map(|(_, word)| *word);
            words.zip(a.facts.sent.values()).filter(|(_, value)| !value.is_empty()).collect()
        })
        .collect();
    let diversion = ("diversion", "<sip:+493023125177@192.0.2.1>;reason=user-busy");
    assert_eq!(told[0], [("from", "\"Anonymous\" <sip:anonymous@anonymous.invalid>"), diversion]);
    let named = [
        ("from", "\"Alice\" <sip:+493023125100@192.0.2.1>"),
        ("asserted", "\"Alice B\" <sip:+493023125100@192.0.2.1>"),
        ("privacy", "id"),
    ];
    assert_eq!(told[1], named);
}

#[test]
fn who_pays_who_was_called_and_who_referred_are_told_between_trusted_peers() {
    let rows = "P-Charge-Info: \"ACME\" <tel:+493023125190>;noa=3;npi=1;x=y\r\nP-Called-Party-ID: <sip:030-23125177@10.0.0.21>\r\nReferred-By: <sip:03023125188@10.0.0.21>;cid=\"2UWQ@x\"\r\n";
    let pass = "charge = \"pass\", called_party = \"pass\", referred_by = \"pass\"";
    let pbx = "caller = { referred_by = \"pass\" }";
    let out = sent(pbx, &format!("caller = {{ {pass} }}"), rows);
    assert_eq!(out.header("P-Charge-Info"), "<sip:+493023125190@192.0.2.1>;noa=3;npi=1");
    assert_eq!(out.header("P-Called-Party-ID"), "<sip:+493023125177@192.0.2.1>");
    assert_eq!(out.header("Referred-By"), "<sip:+493023125188@192.0.2.1>");
    for (pbx, one) in [
        ("identity = \"strip\"", format!("caller = {{ {pass} }}")),
        (pbx, "headers_pass = [\"P-Charge-Info\", \"P-Called-Party-ID\", \"Referred-By\"]".to_owned()),
    ] {
        let out = sent(pbx, &one, rows);
        for name in ["P-Charge-Info", "P-Called-Party-ID", "Referred-By"] {
            assert_eq!(out.header(name), "", "{name}");
        }
    }
    let own = "user_phone = true, caller = { charge = \"replace\", charge_number = \"+493023125999\", called_party = \"called\" }";
    let out = sent("", own, "");
    assert_eq!(out.header("P-Charge-Info"), "<sip:+493023125999@192.0.2.1;user=phone>");
    assert_eq!(out.header("P-Called-Party-ID"), "<sip:+4420700000@192.0.2.1;user=phone>");
}

#[test]
fn the_number_of_a_route_hides_every_identity_or_from_alone() {
    let rows = "P-Asserted-Identity: <sip:+493023125111@x>\r\nRemote-Party-ID: <sip:+493023125112@x>;party=calling\r\nP-Preferred-Identity: <sip:+493023125113@x>\r\n";
    for (replaced, identity) in [("everywhere", "+493023125000"), ("from", "+493023125111")] {
        let one = format!("caller = {{ write = [\"from\", \"pai\", \"rpid\"], replaced = \"{replaced}\" }}");
        let text = config("", &one).replacen(
            "name = \"world\"\n",
            "name = \"world\"\ncaller_id = \"+493023125000\"\n",
            1,
        );
        let mut world = World::new(&text);
        world.receive(PBX, &invite("+4420700000", OFFER, rows));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        assert!(from_of(&out).contains("<sip:+493023125000@"), "{}", from_of(&out));
        let named = format!("<sip:{identity}@192.0.2.1>");
        assert!(out.header("P-Asserted-Identity").contains(&named), "{}", out.text);
        assert!(out.header("Remote-Party-ID").contains(&named), "{}", out.text);
        let hidden = ["125100", "125111", "125112", "125113"].iter().all(|number| !out.text.contains(number));
        assert_eq!(hidden, replaced == "everywhere", "{}", out.text);
    }
}

#[test]
fn a_number_that_nobody_verified_is_not_said_to_be() {
    let out = |screen: &str| {
        let rows = format!("Remote-Party-ID: <sip:+493023125111@x>;party=calling{screen}\r\n");
        let out = sent("", "caller = { write = [\"from\", \"rpid\"] }", &rows);
        out.header("Remote-Party-ID").to_owned()
    };
    assert!(out(";screen=yes").contains(";screen=yes"));
    assert!(out(";screen=no").contains(";screen=no"));
    assert!(out("").contains(";screen=no"));
}
