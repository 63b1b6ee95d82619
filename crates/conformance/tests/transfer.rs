//! Transfers with SIPp as every party: by REFER to a number, to a party of another call, and refused.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::script::{SDP, Script};
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;

const WORLD: &str = "+441632960001";
const DESK: u8 = 11;
const TARGET: &str = "+493023126001";

/// The IP-PBX may transfer; behind another inner trunk are more numbers of ours.
fn setup(place: &Place) -> Setup {
    let mut setup = Setup::new(place);
    setup.pbx_more = "override = { refer = \"local\" }\n".into();
    setup.more = format!(
        "[trunk.desk]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [\"{}\"]\noptions_interval = 0\n\
         [[numbers]]\nrange = \"+493023126000..+493023126999\"\ndeliver = \"desk\"\n",
        place.sip(DESK)
    );
    setup
}

/// A callee at an address, its session at a port of its own.
fn callee(place: &Place, name: &str, scenario: &str, host: u8, audio: u16) -> Running {
    callee_after(place, name, scenario, (host, audio), "300")
}

/// One that takes so many milliseconds for what its scenario pauses.
fn callee_after(place: &Place, name: &str, scenario: &str, (host, audio): (u8, u16), pause: &str) -> Running {
    let callee = Sipp::new(place, name, scenario, &place.sip(host)).audio(audio).keep_messages();
    callee.with(&["-d", pause]).answer()
}

fn caller(place: &Place, scenario: &str) -> Running {
    let caller = Sipp::new(place, "caller", scenario, &place.sip(PBX)).keep_messages().key("target", TARGET);
    // Without `@` its Call-ID may stand in a URI as it is.
    caller.with(&["-d", "100", "-cid_str", "%u-%p"]).call(WORLD, &place.sip(INSIDE))
}

fn told(caller: &Running) -> Vec<String> {
    let notices = caller.received().into_iter().filter(|m| m.starts_with("NOTIFY "));
    notices.filter_map(|m| m.lines().find(|l| l.starts_with("SIP/2.0 ")).map(str::to_owned)).collect()
}

fn transfer(record: &Value) -> &Value {
    let all = record.get("transfers").and_then(Value::as_array).expect("transfers");
    assert_eq!(all.len(), 1, "{record}");
    &all[0]
}

#[test]
fn a_callee_is_transferred_to_a_number_and_both_go_on_without_the_caller() {
    let place = Place::new("transfer-blind");
    let server = Server::start(&place, &setup(&place).text());
    let stays = callee(&place, "stays", "uas_moved_hangs_up", ITSP, 41_000);
    let target = callee(&place, "target", "uas_at_once", DESK, 42_000);
    let caller = caller(&place, "uac_transfers");
    caller.finish();
    stays.finish();
    target.finish();
    let told = told(&caller);
    assert_eq!(told.first().map(String::as_str), Some("SIP/2.0 100 Trying"), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("SIP/2.0 200 OK"), "{told:?}");
    let invite = target.received().remove(0);
    assert!(invite.contains(&format!("From: <sip:{WORLD}@")), "who stays calls:\n{invite}");
    let moved =
        stays.received().into_iter().filter(|m| m.starts_with("INVITE ")).nth(1).expect("a re-INVITE");
    assert!(moved.contains("m=audio 3") && !moved.contains("42000"), "our ports:\n{moved}");
    for message in stays.received() {
        assert!(!message.contains(&place.ip(DESK)) && !message.contains(&place.ip(PBX)), "{message}");
    }
    let record = records::await_count(&place, 1).remove(0);
    let transfer = transfer(&record);
    assert_eq!((records::word(transfer, "how"), records::number(transfer, "status")), ("blind", 200));
    assert_eq!((records::word(transfer, "by"), records::word(transfer, "to")), ("caller", TARGET));
    assert_eq!(records::word(&record, "released_by"), "callee", "{record}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_caller_may_hang_up_before_the_target_answers_and_is_told_all_the_same() {
    let place = Place::new("transfer-leaves");
    let _server = Server::start(&place, &setup(&place).text());
    let stays = callee(&place, "stays", "uas_moved_hangs_up", ITSP, 41_000);
    // Late enough for a caller that is held up before it hangs up.
    let target = callee_after(&place, "target", "uas_answers_late", (DESK, 42_000), "3000");
    let caller = caller(&place, "uac_transfers_and_leaves");
    caller.finish();
    stays.finish();
    target.finish();
    let byes = caller.received().into_iter().filter(|m| m.starts_with("BYE ")).count();
    assert_eq!(byes, 0, "it has hung up itself");
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::number(transfer(&record), "status"), 200, "{record}");
}

#[test]
fn a_target_that_is_busy_leaves_the_call_as_it_was() {
    let place = Place::new("transfer-busy");
    let _server = Server::start(&place, &setup(&place).text());
    let stays = callee(&place, "stays", "uas", ITSP, 41_000);
    let target = callee(&place, "target", "uas_refuses_486", DESK, 42_000);
    let caller = caller(&place, "uac_transfer_fails");
    caller.finish();
    stays.finish();
    target.finish();
    assert_eq!(told(&caller).last().map(String::as_str), Some("SIP/2.0 486 Busy Here"));
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::number(transfer(&record), "status"), 486, "{record}");
    assert_eq!(records::word(&record, "released_by"), "caller", "{record}");
}

#[test]
fn the_callees_of_two_calls_are_joined() {
    let place = Place::new("transfer-attended");
    let _server = Server::start(&place, &setup(&place).text());
    let stays = callee(&place, "stays", "uas_moved_hangs_up", ITSP, 41_000);
    let comes = callee(&place, "comes", "uas_moved", DESK, 42_000);
    let caller = caller(&place, "uac_joins");
    caller.finish();
    stays.finish();
    comes.finish();
    assert_eq!(told(&caller).last().map(String::as_str), Some("SIP/2.0 200 OK"));
    let records = records::await_count(&place, 2);
    let joined =
        records.iter().find(|r| records::word(r, "reason") == "P-TRANSFERRED").expect("a joined call");
    let other = records.iter().find(|r| records::word(r, "reason") != "P-TRANSFERRED").expect("the call");
    let transfer = transfer(other);
    assert_eq!((records::word(transfer, "how"), records::number(transfer, "status")), ("attended", 200));
    assert_eq!(records::word(transfer, "with"), records::word(joined, "call"));
}

#[test]
fn an_invite_takes_the_place_of_a_leg() {
    let place = Place::new("transfer-replaces");
    let mut setup = setup(&place);
    setup.pbx_more = "override = { replaces = \"own\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let stays = callee(&place, "stays", "uas_moved_hangs_up", ITSP, 41_000);
    let caller = caller(&place, "uac_takes_over");
    caller.finish();
    stays.finish();
    let records = records::await_count(&place, 2);
    let taken =
        records.iter().find(|r| records::word(r, "reason") == "P-TRANSFERRED").expect("the INVITE's own");
    assert_eq!(records::number(taken, "status"), 200, "{taken}");
    let other = records.iter().find(|r| records::word(r, "reason") != "P-TRANSFERRED").expect("the call");
    assert_eq!(records::word(transfer(other), "how"), "replaced");
}

#[test]
fn a_ringing_call_is_picked_up_by_another_telephone() {
    let place = Place::new("transfer-pickup");
    let mut setup = setup(&place);
    setup.pbx_more = "override = { replaces = \"own\" }\n".into();
    let _server = Server::start(&place, &setup.text());
    let rings = Sipp::new(&place, "rings", "uas_picked_up", &place.sip(PBX)).keep_messages();
    let rings = rings.answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(ITSP)).keep_messages().with(&["-d", "200"]);
    let caller = caller.call("+493023125100", &place.sip(OUTSIDE));
    caller.finish();
    rings.finish();
    let ok = caller.received().into_iter().find(|m| m.starts_with("SIP/2.0 200")).expect("an answer");
    assert!(
        ok.contains("RTP/AVP 0 8 96"),
        "what both have, under the numbers of the one who picks up:\n{ok}"
    );
    let records = records::await_count(&place, 2);
    let other = records.iter().find(|r| records::word(r, "reason") != "P-TRANSFERRED").expect("the call");
    assert_eq!(
        (records::word(transfer(other), "how"), records::number(transfer(other), "status")),
        ("replaced", 200)
    );
    assert_eq!(records::number(other, "status"), 200, "{other}");
}

#[test]
fn a_kill_while_the_target_rings_leaves_one_record_that_tells_of_the_transfer() {
    let place = Place::new("transfer-kill");
    let text = setup(&place).text();
    let server = Server::start(&place, &text);
    let _stays = callee(&place, "stays", "uas", ITSP, 41_000);
    let target = callee(&place, "target", "uas_silent", DESK, 42_000);
    let caller = caller(&place, "uac_transfers");
    target.await_received("INVITE ");
    caller.await_received("SIP/2.0 100 Trying");
    server.kill();
    let _again = Server::start(&place, &text);
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(&record, "reason"), "X-CRASHED", "{record}");
    let transfer = transfer(&record);
    assert_eq!((records::word(transfer, "to"), records::number(transfer, "status")), (TARGET, 0));
    assert_eq!(record.get("attempts").and_then(Value::as_array).map(Vec::len), Some(2), "{record}");
}

/// Teams beside the PBX: this peer has no SRTP; calls go to the first host, from the second it calls.
fn teams_setup(place: &Place, from: u8) -> Setup {
    let mut setup = Setup::new(place);
    setup.more = format!(
        "[trunk.teams]\nkind = \"direct\"\nprofile = \"teams-direct-routing\"\nlisten = \"inside\"\ngateways = [\"{}\"]\n\
         sources = [\"{}\"]\noptions_interval = 0\noverride = {{ srtp = \"off\" }}\n",
        place.sip(DESK),
        place.ip(from)
    );
    setup
}

/// Microsoft Teams as its documents tell: its REFER names a user of its own and no number, and it wants an INVITE back
/// whose Request-URI and Referred-By are what it wrote.
#[test]
fn a_teams_user_transfers_to_another_one() {
    const TEAMS: u8 = 12;
    const URI: &str =
        "sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:fce2158f-0e99;x-t=2d88cb42";
    const BY: &str =
        "<sip:sip.pstnhub.microsoft.com:5061;x-m=8:orgid:bdc0511a-4a8d;x-ti=9cfa2ad6;x-tt=aHR0cHM6Ly9h%3d>";
    let place = Place::new("transfer-teams");
    let setup = teams_setup(&place, TEAMS);
    let server = Server::start(&place, &setup.text());
    let stays = callee(&place, "stays", "uas_moved_hangs_up", ITSP, 41_000);
    let target = callee(&place, "target", "uas_at_once", DESK, 42_000);
    let from = "<sip:+493023125100@[local_ip]:[local_port];user=phone>";
    let script = Script::default()
        .call(WORLD, from, "", SDP)
        .expect(200, &[("Allow", "REFER")])
        .inside("ACK", "", "")
        .inside("REFER", &format!("Refer-To: <{URI}>\nReferred-By: {BY}\n"), "")
        .expect(202, &[])
        .receive("NOTIFY", &[("", "SIP/2.0 100")])
        .agree("")
        .receive("NOTIFY", &[("", "SIP/2.0 200")])
        .agree("")
        .hung_up();
    let teams = Sipp::of_script(&place, "teams", &script, &place.sip(TEAMS)).keep_messages();
    let teams = teams.call(WORLD, &place.sip(INSIDE));
    teams.finish();
    stays.finish();
    target.finish();
    let invite = target.received().remove(0);
    assert!(invite.starts_with(&format!("INVITE {URI} SIP/2.0")), "{invite}");
    assert!(invite.contains(&format!("Referred-By: {BY}")), "{invite}");
    assert!(invite.contains(&format!("From: <sip:{WORLD}@")), "who stays calls:\n{invite}");
    let record = records::await_count(&place, 1).remove(0);
    assert_eq!(records::word(transfer(&record), "to"), "sip.pstnhub.microsoft.com", "{record}");
    assert_eq!(server.stop(), 0);
}
