//! Who was called before, as the other side sees it: Diversion and History-Info in every pair of
//! what arrives and what is written (RFC 5806, RFC 7044, RFC 7544).

use crate::common::{OFFER, PBX, Sent, World, invite};
use crate::identity::config;

/// What the provider gets for a call to a number of its own, with these rows.
fn sent(pbx: &str, one: &str, rows: &str) -> Sent {
    let mut world = World::new(&config(pbx, one));
    world.receive(PBX, &invite("+4420700000", OFFER, rows));
    world.take().pop().expect("an INVITE")
}

/// All values of a header, in order.
fn all<'a>(sent: &'a Sent, name: &str) -> Vec<&'a str> {
    sent.text.split("\r\n").filter_map(|row| row.strip_prefix(name)?.strip_prefix(": ")).collect()
}

/// Two forwardings: +4930…111 was busy and sent the call to …112, which did not answer.
const DIVERSION: &str = "Diversion: \"Two\" <sip:+493023125112@10.0.0.21>;reason=no-answer;counter=1, <tel:+493023125111>;reason=user-busy;privacy=off\r\n";
const HISTORY: &str = "History-Info: <sip:+493023125111@10.0.0.21>;index=1, <sip:+493023125112@10.0.0.21;cause=486>;index=1.1;mp=1\r\nHistory-Info: <sip:+4420700000@10.0.0.5;cause=408>;index=1.1.1;mp=1.1\r\n";
/// The same as RFC 4244 wrote it.
const HISTORY_4244: &str = "History-Info: <sip:+493023125111@10.0.0.21?Reason=SIP%3Bcause%3D486>;index=1,<sip:+493023125112@10.0.0.21?Reason=SIP%3Bcause%3D408%3Btext%3D%22x%22>;index=1.1,<sip:+4420700000@10.0.0.5>;index=1.1.1\r\n";

const AS_DIVERSION: [&str; 2] =
    ["<sip:+493023125112@192.0.2.1>;reason=no-answer", "<sip:+493023125111@192.0.2.1>;reason=user-busy"];
const AS_HISTORY: [&str; 3] = [
    "<sip:+493023125111@192.0.2.1>;index=1",
    "<sip:+493023125112@192.0.2.1;cause=486>;index=1.1;mp=1",
    "<sip:+4420700000@192.0.2.1;cause=408>;index=1.1.1;mp=1.1",
];

#[test]
fn every_form_becomes_every_other() {
    let nothing: [&str; 0] = [];
    for rows in [DIVERSION, HISTORY, HISTORY_4244] {
        for (write, diverts, tells) in [
            ("none", false, false),
            ("diversion", true, false),
            ("history-info", false, true),
            ("both", true, true),
        ] {
            let out = sent("", &format!("forwarding = {{ write = \"{write}\" }}"), rows);
            let unnamed: Vec<String> =
                all(&out, "Diversion").iter().map(|v| v.replace("\"Two\" ", "")).collect();
            assert_eq!(unnamed, if diverts { &AS_DIVERSION[..] } else { &nothing }, "{write}: {rows}");
            let wanted = if tells { &AS_HISTORY[..] } else { &nothing };
            let history = all(&out, "History-Info");
            if rows == HISTORY_4244 && tells {
                assert_eq!(history[0], "<sip:+493023125111@192.0.2.1?Reason=SIP%3Bcause%3D486>;index=1");
                assert_eq!(history.len(), 3, "kept in its own form");
            } else {
                assert_eq!(history, wanted, "{write}: {rows}");
            }
            assert!(!out.text.contains("10.0.0."), "{}", out.text);
        }
    }
}

#[test]
fn what_arrived_crosses_only_where_both_trunks_say_so() {
    let rows = format!("{DIVERSION}{HISTORY}");
    let count = |pbx: &str, one: &str| {
        let out = sent(pbx, one, &rows);
        (all(&out, "Diversion").len(), all(&out, "History-Info").len())
    };
    assert_eq!(count("", ""), (0, 0), "a provider's trunk strips both by default");
    assert_eq!(count("", "diversion = \"pass\""), (2, 0));
    assert_eq!(count("", "diversion = \"pass\", history_info = \"pass\""), (2, 3));
    assert_eq!(count("history_info = \"strip\"", "diversion = \"pass\", history_info = \"pass\""), (2, 0));
    assert_eq!(count("forwarding = { read = [] }", "forwarding = { write = \"both\" }"), (0, 0));
    assert_eq!(
        count("forwarding = { read = [\"history-info\"] }", "forwarding = { write = \"both\" }"),
        (2, 3)
    );
}

#[test]
fn the_first_header_of_the_list_that_names_a_forwarding_counts() {
    let other = "Diversion: <sip:+493023125199@x>;reason=away\r\n";
    let first = |read: &str, rows: &str| {
        let out = sent(
            &format!("forwarding = {{ read = {read} }}"),
            "forwarding = { write = \"diversion\" }",
            rows,
        );
        all(&out, "Diversion").first().map(|v| (*v).to_owned()).unwrap_or_default()
    };
    let rows = format!("{other}{HISTORY}");
    assert!(first("[\"diversion\", \"history-info\"]", &rows).contains("125199"));
    assert!(first("[\"history-info\", \"diversion\"]", &rows).contains("125112"));
    let unforwarded = "History-Info: <sip:+4420700000@10.0.0.5>;index=1\r\n";
    assert!(first("[\"history-info\", \"diversion\"]", &format!("{other}{unforwarded}")).contains("125199"));
}

#[test]
fn counters_become_levels_and_come_back() {
    let rows = "Diversion: <sip:+493023125112@x>;reason=deflection;counter=3\r\n";
    let out = sent("", "forwarding = { write = \"both\" }", rows);
    assert_eq!(all(&out, "Diversion"), ["<sip:+493023125112@192.0.2.1>;reason=deflection;counter=3"]);
    let history = all(&out, "History-Info");
    assert_eq!(
        history,
        ["<sip:+493023125112@192.0.2.1>;index=1", "<sip:+4420700000@192.0.2.1;cause=480>;index=1.1.1.1;mp=1"]
    );
    let rows = format!("History-Info: {}\r\n", history.join(", "));
    let out = sent("", "forwarding = { write = \"diversion\" }", &rows);
    assert_eq!(all(&out, "Diversion"), ["<sip:+493023125112@192.0.2.1>;reason=deflection;counter=3"]);
}

#[test]
fn a_private_forwarding_is_told_to_trusted_peers_alone() {
    let diversion = "Diversion: \"Boss\" <sip:+493023125112@x>;reason=unconditional;privacy=full\r\n";
    let history =
        "History-Info: <sip:+493023125112@x?Privacy=history>;index=1, <sip:+442@x;cause=302>;index=1.1\r\n";
    for rows in [diversion, history] {
        let out = sent("", "forwarding = { write = \"both\" }", rows);
        assert!(
            all(&out, "Diversion")[0]
                .ends_with("<sip:+493023125112@192.0.2.1>;reason=unconditional;privacy=full")
        );
        assert_eq!(all(&out, "History-Info")[0], "<sip:+493023125112@192.0.2.1?Privacy=history>;index=1");
        let out = sent("", "caller = { trust = false }, forwarding = { write = \"both\" }", rows);
        let nobody = "<sip:anonymous@anonymous.invalid>;reason=unconditional;privacy=full";
        assert_eq!(all(&out, "Diversion"), [nobody]);
        assert_eq!(all(&out, "History-Info")[0], "<sip:anonymous@anonymous.invalid?Privacy=history>;index=1");
        assert!(!out.text.contains("125112") && !out.text.contains("Boss"), "{}", out.text);
    }
    // Privacy of the whole message holds for every entry (RFC 7044 §10.1.1).
    let rows = format!("{HISTORY}Privacy: history\r\n");
    let out = sent("", "caller = { trust = false }, forwarding = { write = \"both\" }", &rows);
    assert!(!out.text.contains("125111") && !out.text.contains("125112"), "{}", out.text);
}

#[test]
fn the_number_that_forwarded_last_can_be_a_proof() {
    let pilot = "caller = { screen = { pilot = \"+493023125000\" } }, ";
    // The last one, 100, is an extension that the provider does not know.
    let rows = "Diversion: <sip:100@x>;reason=no-answer, <sip:+493023125111@x>;reason=user-busy, <sip:+4999@x>;reason=away\r\n";
    let first = |more: &str| {
        let out = sent("", &format!("{pilot}forwarding = {{ write = \"diversion\", {more} }}"), rows);
        assert_eq!(all(&out, "Diversion").len(), 3);
        all(&out, "Diversion")[0].to_owned()
    };
    assert_eq!(first("first_is = \"keep\""), "<sip:100@192.0.2.1>;reason=no-answer");
    assert_eq!(first("first_is = \"did\""), "<sip:+493023125111@192.0.2.1>;reason=no-answer");
    assert_eq!(first("first_is = \"pilot\""), "<sip:+493023125000@192.0.2.1>;reason=no-answer");
    let one = format!("{pilot}forwarding = {{ write = \"history-info\", first_is = \"pilot\" }}");
    assert_eq!(
        all(&sent("", &one, HISTORY), "History-Info")[1],
        "<sip:+493023125000@192.0.2.1;cause=486>;index=1.1;mp=1"
    );
    let none_owned = "Diversion: <sip:100@x>;reason=no-answer\r\n";
    let one = format!("{pilot}forwarding = {{ write = \"diversion\", first_is = \"did\" }}");
    assert_eq!(
        all(&sent("", &one, none_owned), "Diversion"),
        ["<sip:+493023125000@192.0.2.1>;reason=no-answer"]
    );
}

#[test]
fn numbers_are_written_as_the_trunk_wants_them() {
    let rows = "Diversion: <sip:030-23125112@x>;reason=\"user-busy\"\r\n";
    let one = "number_format = \"international\", user_phone = true, forwarding = { write = \"both\" }";
    let out = sent("", one, rows);
    assert_eq!(all(&out, "Diversion"), ["<sip:00493023125112@192.0.2.1;user=phone>;reason=user-busy"]);
    assert_eq!(
        all(&out, "History-Info")[1],
        "<sip:00442070 0000@192.0.2.1;user=phone;cause=486>;index=1.1;mp=1".replace(' ', "")
    );
}

#[test]
fn broken_and_endless_histories_do_no_harm() {
    for rows in [
        "Diversion: <sip:\r\n",
        "Diversion: <sip:x@>;reason=, <mailto:a@b>\r\n",
        "History-Info: <sip:+491@x>;index=, <sip:+492@x;cause=x>;index=1..2, <sip:+493@x;cause=70000>;index=a\r\n",
        "History-Info: <sip:+491@x>;index=1;mp=9, <sip:+492@x;cause=380>;index=1.1;mp=7\r\n",
        "History-Info: ,,,\r\nDiversion: ;;;\r\n",
    ] {
        let out = sent("", "forwarding = { write = \"diversion\" }", rows);
        assert_eq!(all(&out, "Diversion").len(), 0, "{rows}");
    }
    // An index that cannot be read costs the order, not the history.
    let rows = "History-Info: <sip:+491@x>;index=z, <sip:+492@x;cause=302>\r\n";
    let out = sent("", "forwarding = { write = \"both\" }", rows);
    assert_eq!(all(&out, "Diversion"), ["<sip:+491@192.0.2.1>;reason=unconditional"]);
    assert_eq!(all(&out, "History-Info")[1], "<sip:+492@192.0.2.1;cause=302>;index=1.1");
    let many: String = (0..40).map(|n| format!("Diversion: <sip:+49{n:03}@x>;reason=away\r\n")).collect();
    let out = sent("", "forwarding = { write = \"diversion\" }", &many);
    let kept = all(&out, "Diversion");
    assert_eq!((kept.len(), kept[0]), (20, "<sip:+49000@192.0.2.1>;reason=away"), "the latest are kept");
}
