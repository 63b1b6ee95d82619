//! Calls by the hundred between two SIPp, over each transport, one side and the other.

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::{Place, Server, Sipp, records};

const DID: &str = "+493023125100";
const WORLD: &str = "+441632960001";

/// Calls from the IP-PBX to the provider, each side over its transport; every call has its record.
fn outgoing(name: &str, calls: u32, rate: u32, transports: (&str, &str)) {
    let place = Place::new(name);
    let mut setup = Setup::new(&place);
    if transports.1 == "t1" {
        setup.itsp = vec![format!("{};transport=tcp", place.sip(ITSP))];
    }
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP))
        .calls(calls)
        .with(&["-t", transports.1])
        .answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX))
        .calls(calls)
        .rate(rate)
        .with(&["-t", transports.0, "-d", "50", "-l", "800"])
        .call(WORLD, &place.sip(INSIDE));
    caller.finish();
    callee.finish();
    one_good_record_each(&place, calls);
    assert_eq!(server.stop(), 0);
}

fn one_good_record_each(place: &Place, calls: u32) {
    let records = records::await_count(place, calls as usize);
    assert_eq!(records::by_call_id(&records).len(), calls as usize, "a record for each Call-ID");
    for record in &records {
        assert_eq!(records::number(record, "status"), 200, "{record}");
        assert_eq!(records::word(record, "released_by"), "caller", "{record}");
    }
}

#[test]
fn two_thousand_calls_over_udp_without_one_failure() {
    outgoing("udp", 2000, 150, ("u1", "u1"));
}

#[test]
fn two_thousand_calls_over_tcp_without_one_failure() {
    outgoing("tcp", 2000, 150, ("t1", "t1"));
}

#[test]
fn calls_from_a_hundred_tcp_connections() {
    outgoing("tcp-many", 100, 100, ("tn", "u1"));
}

#[test]
fn calls_cross_from_udp_to_tcp() {
    outgoing("udp-tcp", 100, 50, ("u1", "t1"));
}

#[test]
fn calls_cross_from_tcp_to_udp() {
    outgoing("tcp-udp", 100, 50, ("t1", "u1"));
}

#[test]
fn calls_of_the_provider_reach_the_number_they_are_for() {
    let place = Place::new("incoming");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(PBX)).calls(20).keep_messages().answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(ITSP))
        .calls(20)
        .from("+441632960001")
        .with(&["-d", "50"])
        .call(DID, &place.sip(OUTSIDE));
    caller.finish();
    callee.finish();
    for invite in callee.received().iter().filter(|m| m.starts_with("INVITE ")) {
        assert!(invite.starts_with(&format!("INVITE sip:{DID}@")), "{invite}");
        assert!(invite.contains("sip:+441632960001@"), "the caller's number:\n{invite}");
        assert!(!invite.contains(&place.ip(ITSP)), "the provider's address stays outside:\n{invite}");
        assert!(!invite.contains(&place.ip(OUTSIDE)), "our outer address stays outside:\n{invite}");
    }
}

#[test]
fn the_callee_hangs_up_and_the_record_says_so() {
    let place = Place::new("callee-ends");
    let _server = Server::start(&place, &Setup::new(&place).text());
    let callee =
        Sipp::new(&place, "callee", "uas_hangs_up", &place.sip(ITSP)).calls(10).with(&["-d", "50"]).answer();
    let caller =
        Sipp::new(&place, "caller", "uac_hung_up", &place.sip(PBX)).calls(10).call(WORLD, &place.sip(INSIDE));
    caller.finish();
    callee.finish();
    for record in records::await_count(&place, 10) {
        assert_eq!(records::word(&record, "released_by"), "callee", "{record}");
    }
}

/// IPv6 shares one loopback address, so ports tell the parties apart.
fn over_ipv6(name: &str, both: bool) {
    let place = Place::new(name);
    let base = place.shared_ports();
    let mut setup = Setup::new(&place);
    setup.address.0 = "::1".into();
    let (pbx, inner) = (format!("[::1]:{}", base + 2), format!("[::1]:{base}"));
    let inner_sip: &'static str = Box::leak(format!("\"udp:{base}\"").into_boxed_str());
    setup.sip.0 = inner_sip;
    setup.rtp.0 = format!("{}-{}", base + 10, base + 299);
    setup.pbx = vec![pbx.clone()];
    let mut itsp = place.sip(ITSP);
    if both {
        itsp = format!("[::1]:{}", base + 4);
        setup.address.1 = "::1".into();
        setup.sip.1 = Box::leak(format!("\"udp:{}\"", base + 6).into_boxed_str());
        setup.rtp.1 = format!("{}-{}", base + 300, base + 599);
        setup.itsp = vec![itsp.clone()];
    }
    let _server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &itsp).calls(100).keep_messages().answer();
    let caller = Sipp::new(&place, "caller", "uac", &pbx)
        .calls(100)
        .rate(50)
        .with(&["-d", "20", "-l", "20"])
        .call(WORLD, &inner);
    caller.finish();
    callee.finish();
    let family = if both { "c=IN IP6 ::1" } else { "c=IN IP4 127." };
    let invites: Vec<String> = callee.received().into_iter().filter(|m| m.starts_with("INVITE ")).collect();
    assert!(
        !invites.is_empty() && invites.iter().all(|i| i.contains(family)),
        "media of the callee's family"
    );
    one_good_record_each(&place, 100);
}

#[test]
fn calls_within_ipv6() {
    over_ipv6("ipv6", true);
}

#[test]
fn calls_cross_from_ipv6_to_ipv4() {
    over_ipv6("ipv6-ipv4", false);
}
