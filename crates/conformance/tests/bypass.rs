//! Media between the peers by the ids of their places: two baresip hear each other, and no packet of theirs comes to
//! the server.

use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::server::tronco;
use conformance::{Place, Server};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";

fn setup(place: &Place, ids: (&str, &str)) -> Setup {
    let mut setup = Setup::new(place);
    let trunk =
        |id: &str| format!("bypass = [\"{id}\"]\noverride = {{ media = \"direct\", latch = \"nat\" }}\n");
    (setup.pbx_more, setup.itsp_more) = (trunk(ids.0), trunk(ids.1));
    setup.more = "[media]\nbypass = \"match\"\n".into();
    setup
}

/// A call of two phones that hear each other; how many packets of media went to the server, and to the callee.
fn speak(place: &Place) -> (usize, usize) {
    let capture = Capture::start(place);
    let callee = Baresip::start(place, WORLD, ITSP, 700.0, None);
    callee.process().line("baresip is ready");
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let caller = Baresip::start(place, DID, PBX, 440.0, Some(&uri));
    caller.hears(700.0, 440.0);
    callee.hears(440.0, 700.0);
    let lines = capture.end("udp.dstport >= 20000", &["ip.dst"]);
    let to = |host| lines.iter().filter(|line| line.trim() == place.ip(host)).count();
    (to(INSIDE) + to(OUTSIDE), to(ITSP))
}

#[test]
fn peers_that_share_a_place_hear_each_other_past_the_server() {
    let place = Place::new("bypass");
    let server = Server::start(&place, &setup(&place, ("berlin", "berlin")).text());
    let (server_got, callee_got) = speak(&place);
    assert_eq!(server_got, 0, "no packet of media came to the server");
    assert!(callee_got > 50, "{callee_got} packets");
    assert_eq!(server.stop(), 0);
}

#[test]
fn peers_of_different_places_hear_each_other_through_the_server() {
    let place = Place::new("bypass-apart");
    let config = setup(&place, ("berlin", "munich")).text();
    let server = Server::start(&place, &config);
    let (server_got, _) = speak(&place);
    assert!(server_got > 100, "{server_got} packets");
    let file = place.write("tested.toml", &config).display().to_string();
    let told = tronco(&["route", "test", "--config", &file, "--on", "pbx", "--from", DID, "--to", WORLD]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("itsp: media through this node: no common bypass id"), "{told}");
    assert_eq!(server.stop(), 0);
}
