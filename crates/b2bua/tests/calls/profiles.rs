//! Built-in profiles: what each promises, seen on the wire in calls with a peer that it is for. A profile
//! without a row here fails.

use crate::common::{
    ANSWER, CONFIG, GW1, GW2, OFFER, PBX, Sent, World, from_callee, inside, invite, response,
};
use std::time::Duration;

/// What a profile promises of the trunk `one`; `..USUAL` is what most do.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    /// User part of the called number, and its URI's parameters.
    called: (&'static str, &'static str),
    /// User part of From.
    from: &'static str,
    /// Headers that name a caller who is asserted by the PBX.
    named: &'static [&'static str],
    /// Whether Diversion and History-Info go out.
    forwarding: (bool, bool),
    /// Whether an INVITE without SDP goes out with an offer.
    offer: bool,
    /// What the PBX's `a=sendonly` becomes.
    hold: &'static str,
    /// Whether a re-INVITE of the peer that changes its address alone stays on its leg.
    absorbs: bool,
    /// Whose number the caller has who names others in P-Preferred-Identity (4), Remote-Party-ID (3),
    /// P-Asserted-Identity (2) and From (1).
    reads: char,
    /// Whether 408 lets the next trunk be tried.
    retries_408: bool,
    /// What a Session-Expires of 200 s gets at once.
    short_timer: &'static str,
}

const USUAL: Row = Row {
    name: "generic-itsp",
    called: ("+4420700000", ""),
    from: "+493023125100",
    named: &["P-Asserted-Identity"],
    forwarding: (false, false),
    offer: true,
    hold: "a=sendonly",
    absorbs: false,
    reads: '1',
    retries_408: true,
    short_timer: "",
};
const INSIDE: Row = Row { name: "generic-pbx", forwarding: (true, true), offer: false, ..USUAL };
const MANY: &[&str] = &["P-Asserted-Identity", "Remote-Party-ID"];
const PREFERRED: &[&str] = &["P-Preferred-Identity"];
const PHONE: (&str, &str) = ("+4420700000", ";user=phone");

const ROWS: &[Row] = &[
    USUAL,
    INSIDE,
    Row { name: "generic-gateway", called: PHONE, ..USUAL },
    Row { name: "asterisk", absorbs: true, reads: '2', ..INSIDE },
    Row { name: "freeswitch", absorbs: true, reads: '4', ..INSIDE },
    Row { name: "3cx", ..INSIDE },
    Row { name: "cisco-cucm", named: MANY, reads: '2', ..INSIDE },
    Row { name: "avaya", absorbs: true, reads: '2', ..INSIDE },
    Row { name: "lync-2013", named: &[], offer: false, hold: "a=inactive", retries_408: false, ..USUAL },
    Row {
        name: "teams-direct-routing",
        called: PHONE,
        forwarding: (false, true),
        hold: "a=inactive",
        short_timer: "SIP/2.0 422",
        ..USUAL
    },
    Row { name: "twilio-elastic", ..USUAL },
    Row { name: "telnyx", ..USUAL },
    Row { name: "telekom-companyflex", named: PREFERRED, ..USUAL },
    Row { name: "vodafone-de", ..USUAL },
    Row { name: "tim-it", ..USUAL },
    Row { name: "fastweb-it", ..USUAL },
    Row { name: "orange-btip", ..USUAL },
    Row { name: "swisscom", ..USUAL },
    Row { name: "bt", ..USUAL },
    Row { name: "gamma", called: PHONE, ..USUAL },
    Row {
        name: "sipgate",
        called: ("4420700000", ""),
        from: "493023125100",
        named: PREFERRED,
        forwarding: (true, false),
        ..USUAL
    },
    Row { name: "bandwidth", ..USUAL },
];

const PAI: &str = "P-Asserted-Identity: <sip:+493023125100@10.0.0.21>\r\n";
const IDENTITIES: [&str; 3] = ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"];

/// The configuration with the row's profile for the trunk `one`.
fn world(row: &Row) -> World {
    // The peer of these tests speaks plain RTP; `secure` has the other ones.
    let lines = format!("[trunk.one]\nprofile = \"{}\"\noverride = {{ srtp = \"off\" }}\n", row.name);
    World::new(&CONFIG.replacen("[trunk.one]\n", &lines, 1))
}

/// The INVITE that the peer gets for one from the PBX.
fn sent(row: &Row, world: &mut World, body: &str, rows: &str) -> Sent {
    world.receive(PBX, &invite("+4420700000", body, rows));
    let sent = world.take();
    let out = sent.into_iter().find(|s| s.to.to_string() == GW1 && s.start().starts_with("INVITE"));
    out.expect(row.name)
}

/// A call answered by the peer; gives its INVITE and the caller's To.
fn answered(row: &Row, world: &mut World) -> (Sent, String) {
    let out = sent(row, world, OFFER, "");
    world.receive(GW1, &response(&out, "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    let to = sent[1].header("To").to_owned();
    world.receive(PBX, &inside("ACK", 1, &to, "ack1", "", ""));
    world.take();
    (out, to)
}

/// An INVITE of the peer to one of our numbers.
fn from_peer(rows: &str) -> String {
    invite("+493023125100", OFFER, rows)
        .replace("10.0.0.21", "192.0.2.7")
        .replace("@10.0.0.5", "@192.0.2.1")
        .replace("\"Alice\" <sip:+493023125100@192.0.2.7>", "<sip:+442071000001@192.0.2.7>")
}

#[test]
fn every_profile_has_its_row() {
    let built_in: Vec<&str> = config::profile::profiles().iter().map(|p| p.name.as_str()).collect();
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    let missing: Vec<_> = built_in.iter().filter(|name| !rows.contains(name)).collect();
    assert!(missing.is_empty() && rows.len() == built_in.len(), "no row for {missing:?}");
}

/// Who sends REFER and bridges nothing itself is heard; who can transfer by its own means is not tempted.
#[test]
fn peers_that_cannot_do_without_refer_are_heard() {
    let mut heard = Vec::new();
    for row in ROWS {
        if sent(row, &mut world(row), OFFER, "").header("Allow").contains("REFER") {
            heard.push(row.name);
        }
    }
    assert_eq!(heard, ["asterisk", "freeswitch", "lync-2013", "teams-direct-routing"]);
}

#[test]
fn numbers_and_callers_are_written_as_the_profile_says() {
    for row in ROWS {
        let out = sent(row, &mut world(row), OFFER, PAI);
        let (user, parameters) = row.called;
        let uri = format!("sip:{user}@192.0.2.7{parameters}");
        assert_eq!(out.start(), format!("INVITE {uri} SIP/2.0"), "{}", row.name);
        assert!(out.header("To").contains(&uri), "{}: {}", row.name, out.header("To"));
        let caller = format!("<sip:{}@192.0.2.1{parameters}>", row.from);
        assert!(out.header("From").contains(&caller), "{}: {}", row.name, out.header("From"));
        assert!(out.header("Contact").contains("192.0.2.1"), "{}", row.name);
        for name in IDENTITIES {
            let value = out.header(name);
            assert_eq!(value.contains(&caller), row.named.contains(&name), "{}: {name}: {value}", row.name);
        }
    }
}

#[test]
fn forwardings_are_told_as_the_profile_says() {
    let diversion = "Diversion: <sip:+493023125101@10.0.0.21>;reason=unconditional\r\n";
    let history =
        "History-Info: <sip:+493023125101@10.0.0.21>;index=1, <sip:+4420700000@10.0.0.21>;index=1.1\r\n";
    for row in ROWS {
        let out = sent(row, &mut world(row), OFFER, diversion);
        assert_eq!(out.header("Diversion").contains("23125101"), row.forwarding.0, "{}", row.name);
        let out = sent(row, &mut world(row), OFFER, history);
        assert_eq!(out.header("History-Info").contains("23125101"), row.forwarding.1, "{}", row.name);
    }
}

#[test]
fn late_offers_are_made_early_as_the_profile_says() {
    for row in ROWS {
        let out = sent(row, &mut world(row), "", "");
        assert_eq!(out.body().contains("m=audio"), row.offer, "{}", row.name);
    }
}

#[test]
fn hold_has_the_form_of_the_profile() {
    let hold = OFFER.replace("alice 1 1", "alice 1 2").replace("a=sendrecv", "a=sendonly");
    for row in ROWS {
        let mut world = world(row);
        let (_, to) = answered(row, &mut world);
        world.receive(PBX, &inside("INVITE", 2, &to, "hold", "", &hold));
        let sent = world.take();
        let out = sent.iter().find(|s| s.to.to_string() == GW1).map_or("", |s| s.body());
        assert!(out.contains(row.hold), "{}: {out}", row.name);
    }
}

#[test]
fn a_moved_address_of_the_peer_crosses_or_stays_as_the_profile_says() {
    let moved = ANSWER.replace("bob 5 5", "bob 5 6").replace("192.0.2.70", "192.0.2.71");
    for row in ROWS {
        let mut world = world(row);
        let (out, _) = answered(row, &mut world);
        world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "moved", &moved));
        let sent = world.take();
        let has = |peer: &str, start: &str| {
            sent.iter().any(|s| s.to.to_string() == peer && s.start().starts_with(start))
        };
        assert_eq!(has(GW1, "SIP/2.0 200"), row.absorbs, "{}", row.name);
        assert_eq!(has(PBX, "INVITE"), !row.absorbs, "{}", row.name);
    }
}

#[test]
fn callers_are_read_where_the_profile_says() {
    let rows = "P-Asserted-Identity: <sip:+442071000002@192.0.2.7>\r\nRemote-Party-ID: <sip:+442071000003@192.0.2.7>;party=calling\r\nP-Preferred-Identity: <sip:+442071000004@192.0.2.7>\r\n";
    for row in ROWS {
        let mut world = world(row);
        world.receive(GW1, &from_peer(rows));
        let sent = world.take();
        let out = sent.iter().find(|s| s.to.to_string() == PBX && s.start().starts_with("INVITE"));
        let out = out.unwrap_or_else(|| panic!("{}: no INVITE", row.name));
        assert!(out.start().contains("+493023125100@10.0.0.21"), "{}: {}", row.name, out.start());
        let caller = format!("+44207100000{}@", row.reads);
        assert!(out.header("From").contains(&caller), "{}: {}", row.name, out.header("From"));
    }
}

#[test]
fn short_session_timers_get_what_the_profile_says() {
    for row in ROWS {
        let mut world = world(row);
        world.receive(GW1, &from_peer("Supported: timer\r\nSession-Expires: 200\r\n"));
        let sent = world.take();
        let said = sent.iter().find(|s| s.to.to_string() == GW1).map_or("", |s| s.start());
        let fits = said.starts_with(row.short_timer) && said.is_empty() == row.short_timer.is_empty();
        assert!(fits, "{}: {said}", row.name);
    }
}

#[test]
fn the_next_trunk_is_tried_after_the_profiles_codes() {
    for row in ROWS {
        for (status, retries) in [("503 Service Unavailable", true), ("408 Request Timeout", row.retries_408)]
        {
            let mut world = world(row);
            let out = sent(row, &mut world, OFFER, "");
            world.receive(GW1, &response(&out, status, "x", "", ""));
            let next =
                world.take().iter().any(|s| s.to.to_string() == GW2 && s.start().starts_with("INVITE"));
            assert_eq!(next, retries, "{}: {status}", row.name);
        }
    }
}

#[test]
fn every_profile_asks_its_peer_once_a_minute_whether_it_lives() {
    let without = "gateways = [\"192.0.2.7\"]\n";
    for row in ROWS {
        let config = CONFIG.replacen(&format!("{without}options_interval = \"0s\"\n"), without, 1);
        let config =
            config.replacen("[trunk.one]\n", &format!("[trunk.one]\nprofile = \"{}\"\n", row.name), 1);
        let mut world = World::new(&config);
        // One that is sent again before the second is over is the same.
        let mut asked = std::collections::BTreeSet::new();
        for _ in 0..300 {
            world.pass(Duration::from_secs(1));
            for out in world.take().iter().filter(|s| s.start().starts_with("OPTIONS")) {
                asked.insert(out.header("Call-ID").to_owned());
                world.receive(GW1, &response(out, "200 OK", "o", "", ""));
            }
        }
        let asked = asked.len();
        assert!((4..=6).contains(&asked), "{}: {asked} in five minutes", row.name);
    }
}
