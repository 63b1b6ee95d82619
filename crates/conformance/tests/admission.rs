//! Admission by the WAN link of a site: calls that fit leave by the provider, the next one by the site's own gateway, whose
//! media bypass the server and cross nothing; what ends gives its place back.

use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::server::tronco;
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, records};
use serde_json::Value;

const WORLD: &str = "+441632960001";
/// The gateway of the branch.
const LOCAL: u8 = 30;

/// The PBX and a gateway are in London, whose link takes two calls; the server is elsewhere, the provider outside.
fn config(place: &Place) -> String {
    let mut setup = Setup::new(place);
    let direct = "override = { media = \"direct\" }\n";
    setup.pbx_more = direct.into();
    setup.more = format!(
        "[media]\nbypass = \"match\"\n\
         [site.london]\nsubnets = [\"{}\", \"{}\"]\nwan_calls_max = 2\n\
         [trunk.local]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [\"{}\"]\noptions_interval = 0\n{direct}",
        place.ip(PBX),
        place.ip(LOCAL),
        place.sip(LOCAL),
    );
    let text = setup.text().replace("to = \"itsp\"", "to = [\"itsp\", [\"local\"]]");
    text.replace("name = \"conformance\"", "name = \"conformance\", site = \"hq\"")
}

fn told(place: &Place, command: &[&str]) -> Value {
    let socket = place.path("tronco.sock").display().to_string();
    let arguments: Vec<&str> = command.iter().copied().chain(["--json", "--socket", &socket]).collect();
    serde_json::from_slice(&tronco(&arguments).stdout).unwrap_or_default()
}

/// What a dry run tells of a call to the world.
fn route_test(place: &Place) -> String {
    told(place, &["route", "test", "--on", "pbx", "--from", "+493023125100", "--to", WORLD]).to_string()
}

/// Calls on the link, calls that were refused for it, and attempts that were left out.
fn link(place: &Place) -> (u64, u64, u64) {
    let status = told(place, &["status"]);
    let links = status["links"].as_array().cloned().unwrap_or_default();
    let london = links.iter().find(|link| link["site"] == "london").cloned().unwrap_or_default();
    let [calls, refused, skipped] =
        ["calls", "refused", "skipped"].map(|name| records::number(&london, name));
    (calls, refused, skipped)
}

fn gateway(place: &Place, host: u8, calls: u32) -> Running {
    Sipp::new(place, &format!("gateway-{host}"), "uas", &place.sip(host)).calls(calls).answer()
}

fn calls(place: &Place, name: &str, count: u32, length: &str) -> Running {
    let caller = Sipp::new(place, name, "uac", &place.sip(PBX)).calls(count);
    caller.rate(20).with(&["-d", length]).call(WORLD, &place.sip(INSIDE))
}

#[test]
fn the_third_call_of_a_branch_with_room_for_two_leaves_by_its_own_gateway() {
    let place = Place::new("admission");
    let server = Server::start(&place, &config(&place));
    let (provider, local) = (gateway(&place, ITSP, 3), gateway(&place, LOCAL, 2));
    let calling = calls(&place, "caller", 4, "1500");
    let full = conformance::await_some(|| Some(link(&place)).filter(|seen| *seen == (2, 0, 2)));
    assert!(full.is_some(), "two on the link, two beside it: {:?}", link(&place));
    let story = route_test(&place);
    assert!(story.contains("trunk itsp is left out: link to london full, 2 of 2"), "{story}");
    calling.finish();
    local.finish();
    let records = records::await_count(&place, 4);
    let by =
        |trunk: &str| records.iter().filter(|r| records::word(r, "trunk_out") == trunk).collect::<Vec<_>>();
    assert_eq!((by("itsp").len(), by("local").len()), (2, 2), "{records:?}");
    for record in by("itsp") {
        assert!(records::word(record, "decision").contains("; on the link to london"), "{record}");
    }
    for record in by("local") {
        let decision = records::word(record, "decision");
        assert!(decision.contains("itsp skipped: link to london full, 2 of 2"), "{decision}");
        assert!(!decision.contains("; on the link"), "bypassed: {decision}");
    }
    assert_eq!(link(&place), (0, 0, 2), "given back, and nobody was refused");
    let story = route_test(&place);
    assert!(story.contains("; on the link to london\""), "{story}");
    calls(&place, "after", 1, "50").finish();
    provider.finish();
    assert_eq!(server.stop(), 0);
}
