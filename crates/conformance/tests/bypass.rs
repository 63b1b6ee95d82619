//! Media between the peers, by the mode and by the ids of their places: two baresip hear each other, and no packet of
//! theirs comes to the server; or all do.

use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX, Setup};
use conformance::island::on_an_island_of_both;
use conformance::script::{SDP, Script};
use conformance::server::tronco;
use conformance::{Place, Server, Sipp};

const WORLD: &str = "+441632960001";
const DID: &str = "+493023125100";
/// Another telephone of the PBX, and its number.
const DESK: u8 = 11;
const COLLEAGUE: &str = "+493023125101";
const DIRECT: &str = "override = { media = \"direct\", latch = \"nat\" }\n";

/// Two trunks whose media may go; what each says besides, and what `[media]` says.
fn setup(place: &Place, (pbx, itsp): (&str, &str), mode: &str) -> Setup {
    let mut setup = Setup::new(place);
    (setup.pbx_more, setup.itsp_more) = (format!("{pbx}\n{DIRECT}"), format!("{itsp}\n{DIRECT}"));
    // The phones vanish without a word.
    setup.drain = "1s";
    setup.more = format!("[media]\nbypass = \"{mode}\"\n");
    setup
}

fn ids(place: &Place, (pbx, itsp): (&str, &str)) -> Setup {
    setup(place, (&format!("bypass = {pbx}"), &format!("bypass = {itsp}")), "match")
}

fn phone(place: &Place, (number, host): (&str, u8), hertz: f64, dial: Option<&str>) -> Baresip {
    let phone = Baresip::start(place, number, host, hertz, dial);
    phone.process().line("baresip is ready");
    phone
}

/// How many packets of media went to each host.
fn counted<const N: usize>(place: &Place, capture: &Capture, hosts: [u8; N]) -> [usize; N] {
    let lines = capture.end("udp.dstport >= 20000 && !icmp && !icmpv6", &["ip.dst", "ipv6.dst"]);
    hosts.map(|host| lines.iter().filter(|line| line.trim() == place.ip(host)).count())
}

/// A call of two phones that hear each other; how many packets of media went to the server, and to the callee.
fn speak_to(place: &Place, (number, host): (&str, u8)) -> (usize, usize) {
    let capture = Capture::start(place);
    let callee = phone(place, (number, host), 700.0, None);
    let uri = format!("sip:{number}@{}", place.sip(INSIDE));
    let caller = phone(place, (DID, PBX), 440.0, Some(&uri));
    caller.hears(700.0, 440.0);
    callee.hears(440.0, 700.0);
    let [inside, outside, theirs] = counted(place, &capture, [INSIDE, OUTSIDE, host]);
    (inside + outside, theirs)
}

/// Whether media pass by the server where it is set up so.
fn pass_by(place: &Place, setup: &Setup) -> bool {
    let server = Server::start(place, &setup.text());
    let (ours, theirs) = speak_to(place, (WORLD, ITSP));
    assert!(
        ours == 0 && theirs > 50 || ours > 100,
        "{ours} packets came to the server, {theirs} to the callee"
    );
    assert_eq!(server.stop(), 0);
    ours == 0
}

fn test_route(place: &Place, config: &str) -> String {
    let file = place.write("tested.toml", config).display().to_string();
    let told = tronco(&["route", "test", "--config", &file, "--on", "pbx", "--from", DID, "--to", WORLD]);
    String::from_utf8_lossy(&told.stdout).into_owned()
}

#[test]
fn peers_that_share_a_place_hear_each_other_past_the_server() {
    let place = Place::new("bypass");
    assert!(pass_by(&place, &ids(&place, ("[\"berlin\"]", "[\"berlin\"]"))));
}

#[test]
fn peers_of_different_places_hear_each_other_through_the_server() {
    let place = Place::new("bypass-apart");
    let setup = ids(&place, ("[\"berlin\"]", "[\"munich\"]"));
    assert!(!pass_by(&place, &setup));
    let told = test_route(&place, &setup.text());
    assert!(told.contains("itsp: media through this node: no common bypass id"), "{told}");
}

#[test]
fn a_second_id_joins_what_the_first_leaves_apart() {
    let place = Place::new("bypass-second");
    assert!(pass_by(&place, &ids(&place, ("[\"berlin\"]", "[\"munich\", \"berlin\"]"))));
}

#[test]
fn the_mode_says_for_all_whether_media_may_pass_by() {
    let place = Place::new("bypass-always");
    let apart = ("bypass = [\"berlin\"]", "bypass = [\"munich\"]");
    assert!(pass_by(&place, &setup(&place, apart, "always")), "whatever the ids are");
    let place = Place::new("bypass-off");
    let alike = ("bypass = [\"berlin\"]", "bypass = [\"berlin\"]");
    assert!(!pass_by(&place, &setup(&place, alike, "off")), "whatever the ids are");
}

#[test]
fn sites_are_ids_by_name_by_network_and_by_the_address_that_stands_for_the_media() {
    let place = Place::new("bypass-sites");
    let sites = |setup: &mut Setup, subnet: &str| {
        setup.more.push_str(&format!("[site.berlin]\nsubnets = [\"{subnet}\"]\n[site.munich]\n"));
    };
    let mut by_network = setup(&place, ("site = \"berlin\"", ""), "match");
    sites(&mut by_network, &format!("{}/32", place.ip(ITSP)));
    assert!(pass_by(&place, &by_network), "the gateway's address is in Berlin");
    // The provider signals from elsewhere; an address says where its media are.
    let place = Place::new("bypass-address");
    let media = format!("site = \"munich\"\nmedia_address = \"{}\"", place.ip(ITSP));
    let mut by_address = setup(&place, ("site = \"berlin\"", &media), "match");
    sites(&mut by_address, &format!("{}/32", place.ip(ITSP)));
    assert!(pass_by(&place, &by_address), "its media are in Berlin");
    let place = Place::new("bypass-elsewhere");
    let mut elsewhere = setup(&place, ("site = \"berlin\"", "site = \"munich\""), "match");
    sites(&mut elsewhere, &format!("{}/32", place.ip(ITSP)));
    assert!(!pass_by(&place, &elsewhere), "its trunk says Munich");
}

#[test]
fn a_call_that_leaves_as_it_came_makes_no_hairpin() {
    let place = Place::new("bypass-hairpin");
    let mut setup = ids(&place, ("[\"berlin\"]", "[\"munich\"]"));
    setup.pbx = vec![place.sip(DESK)];
    setup.pbx_more.insert_str(0, &format!("sources = [\"{}\"]\n", place.ip(PBX)));
    let server = Server::start(&place, &setup.text());
    let (ours, theirs) = speak_to(&place, (COLLEAGUE, DESK));
    assert!(ours == 0 && theirs > 50, "{ours} packets came to the server, {theirs} to the colleague");
    assert_eq!(server.stop(), 0);
}

#[test]
fn peers_of_ipv6_hear_each_other_past_the_server() {
    on_an_island_of_both("peers_of_ipv6_hear_each_other_past_the_server", || {
        let place = Place::six("bypass-six", &[INSIDE, PBX, OUTSIDE, ITSP]);
        assert!(pass_by(&place, &ids(&place, ("[\"berlin\"]", "[\"berlin\"]"))));
    });
}

#[test]
fn a_peer_of_ipv4_and_one_of_ipv6_hear_each_other_through_the_server() {
    on_an_island_of_both("a_peer_of_ipv4_and_one_of_ipv6_hear_each_other_through_the_server", || {
        let place = Place::six("bypass-mixed", &[OUTSIDE, ITSP]);
        let setup = setup(&place, ("", ""), "always");
        assert!(!pass_by(&place, &setup));
        let told = test_route(&place, &setup.text());
        assert!(told.contains("itsp: media through this node: IPv4 and IPv6"), "{told}");
    });
}

/// SIPp calls a phone and transfers it to another one, at the desk; the two hear each other. How many packets went to the
/// server, and to the desk. By ids of their places.
fn transferred(name: &str, desk: &str) -> (usize, usize) {
    let place = Place::new(name);
    let mut setup = ids(&place, ("[\"berlin\"]", "[\"berlin\"]"));
    setup.pbx_more = setup.pbx_more.replace("latch", "refer = \"local\", latch");
    setup.more.push_str(&format!(
        "[trunk.desk]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [\"{}\"]\noptions_interval = 0\n\
         bypass = [\"{desk}\"]\n{DIRECT}[[numbers]]\nrange = \"+493023126000..+493023126999\"\ndeliver = \"desk\"\n",
        place.sip(DESK)
    ));
    let server = Server::start(&place, &setup.text());
    let target = "+493023126001";
    let (stays, comes) =
        (phone(&place, (WORLD, ITSP), 700.0, None), phone(&place, (target, DESK), 440.0, None));
    let capture = Capture::start(&place);
    // It wants to hear nothing of how the transfer goes (RFC 4488).
    let rows = format!("Refer-To: <sip:{target}@{}>\nRefer-Sub: false\n", place.ip(INSIDE));
    let script = Script::default()
        .call(WORLD, &format!("<sip:{DID}@[local_ip]:[local_port]>"), "", SDP)
        .expect(200, &[])
        .inside("ACK", "", "")
        .inside("REFER", &rows, "")
        .expect(202, &[])
        .hung_up();
    Sipp::of_script(&place, "caller", &script, &place.sip(PBX)).call(WORLD, &place.sip(INSIDE)).finish();
    comes.hears(700.0, 440.0);
    stays.hears(440.0, 700.0);
    let [inside, outside, desk] = counted(&place, &capture, [INSIDE, OUTSIDE, DESK]);
    assert_eq!(server.stop(), 0);
    (inside + outside, desk)
}

#[test]
fn a_call_that_is_transferred_out_of_its_place_is_heard_through_the_server_from_then_on() {
    let (ours, desk) = transferred("bypass-out", "munich");
    // On loopback the server finds the desk at another address than it named, where its first packets go.
    assert!(ours > 100 && desk < 60, "{ours} packets came to the server, {desk} to the desk");
}

#[test]
fn a_call_that_is_transferred_within_its_place_goes_on_past_the_server() {
    let (ours, desk) = transferred("bypass-within", "berlin");
    assert!(ours == 0 && desk > 50, "{ours} packets came to the server, {desk} to the desk");
}

/// Microsoft Teams with local media optimization, as its documents tell: where the user is stands in the INVITE.
#[test]
fn a_teams_user_is_told_the_inner_address_where_it_is_within_and_the_outer_one_elsewhere() {
    let place = Place::new("bypass-location");
    let mut setup = Setup::new(&place);
    let outer = place.ip(200);
    setup.listen_more.0 = format!("advertise = \"sbc.example.com\"\nmedia_advertise = \"{outer}\"\n");
    setup.pbx_more = "override = { media_location = \"teams\" }\n".into();
    let server = Server::start(&place, &setup.text());
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP)).calls(3).answer();
    for (name, at, path, told) in [
        ("within", "internal", "sbc.example.com", place.ip(INSIDE)),
        ("beyond", "external", "sbc.example.com", outer.clone()),
        ("branch", "internal", "branch.example.com, sbc.example.com", outer.clone()),
    ] {
        let rows = format!("X-MS-UserLocation: {at}\nX-MS-MediaPath: {path}\n");
        let from = format!("<sip:{DID}@[local_ip]:[local_port]>");
        let script = Script::default().call(WORLD, &from, &rows, SDP).expect(200, &[]).inside("ACK", "", "");
        let script = script.inside("BYE", "", "").expect(200, &[]);
        let teams = Sipp::of_script(&place, name, &script, &place.sip(PBX)).keep_messages();
        let teams = teams.call(WORLD, &place.sip(INSIDE));
        teams.finish();
        let answer = teams.received().into_iter().find(|m| m.contains("m=audio")).expect("an answer");
        assert!(answer.contains(&format!("c=IN IP4 {told}\n")), "{name}: {answer}");
    }
    callee.finish();
    assert_eq!(server.stop(), 0);
}
