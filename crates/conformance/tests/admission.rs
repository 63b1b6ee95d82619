//! Admission by the WAN link of a site: calls that fit leave by the provider, the next one by the site's own gateway, whose
//! media bypass the server and cross nothing; what ends gives its place back.

use conformance::baresip::Baresip;
use conformance::capture::Capture;
use conformance::config::{INSIDE, ITSP, PBX, Setup};
use conformance::lab::Host;
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
    let calling = calls(&place, "caller", 4, "5000");
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
        assert!(records::word(record, "decision").contains("; itsp on the link to london"), "{record}");
    }
    for record in by("local") {
        let decision = records::word(record, "decision");
        assert!(decision.contains("itsp skipped: link to london full, 2 of 2"), "{decision}");
        assert!(!decision.contains("on the link"), "bypassed: {decision}");
    }
    assert_eq!(link(&place), (0, 0, 2), "given back, and nobody was refused");
    let story = route_test(&place);
    assert!(story.contains("; itsp on the link to london\""), "{story}");
    calls(&place, "after", 1, "50").finish();
    provider.finish();
    assert_eq!(server.stop(), 0);
}

/// Hosts on two switches, in London and outside, and the server with a cable to each. Addresses end as in other tests.
struct Wan {
    london: Host,
    server: Host,
    hosts: Vec<(u8, Host)>,
    outside: Host,
}

/// Net by net: in London, and outside.
const NETS: [&str; 2] = ["10.92.1", "10.92.2"];
/// Callers in London; their calls go to one provider each.
const CALLERS: [u8; 3] = [PBX, 11, 12];
const PROVIDERS: [u8; 2] = [ITSP, 21];
/// What the first two callers call, and the third.
const CALLED: [&str; 3] = [WORLD, "+33140000001", WORLD];

impl Wan {
    fn new() -> Wan {
        let host = || Host::new().expect("a host");
        let switch = || Host::switch().expect("a switch");
        let wan = Wan { london: switch(), server: host(), hosts: Vec::new(), outside: switch() };
        let mut hosts = Vec::new();
        for (n, (net, switch)) in NETS.iter().zip([&wan.london, &wan.outside]).enumerate() {
            wan.server.plug((&format!("wan{n}"), &format!("{net}.1/24")), switch, "server");
            let there: &[u8] = if n == 0 { &[PBX, 11, 12, LOCAL] } else { &PROVIDERS };
            for last in there {
                let one = host();
                one.plug((&format!("h{last}"), &format!("{net}.{last}/24")), switch, &format!("p{last}"));
                hosts.push((*last, one));
            }
        }
        Wan { hosts, ..wan }
    }

    fn host(&self, last: u8) -> &Host {
        &self.hosts.iter().find(|(at, _)| *at == last).expect("a host").1
    }

    /// A phone with a number; the tone that it sends is told by where it is.
    fn phone(&self, place: &Place, last: u8, number: &str, dial: Option<&str>) -> Baresip {
        let ip = ip(last);
        let account = format!("<sip:{number}@{ip}>;regint=0");
        let voice = conformance::baresip::Voice::tone(tone(last));
        let name = format!("phone{last}");
        let start = || Baresip::at(place, (&name, &ip), &voice, &account, dial);
        let phone = self.host(last).inside(start);
        phone.process().line("baresip is ready");
        phone
    }
}

fn ip(last: u8) -> String {
    let net = NETS[usize::from(PROVIDERS.contains(&last))];
    format!("{net}.{last}")
}

fn tone(last: u8) -> f64 {
    400.0 + 50.0 * f64::from(last % 20)
}

/// Both providers are outside; London has its own gateway, whose media may bypass the server.
fn wan_config(place: &Place) -> String {
    let sip = |last: u8| format!("\"{}:5060\"", ip(last));
    let mut setup = Setup::new(place);
    // The phones vanish without a word.
    setup.drain = "1s";
    setup.address = (format!("{}.1", NETS[0]), format!("{}.1", NETS[1]));
    let direct = "override = { media = \"direct\" }\n";
    let sources: Vec<String> = CALLERS.iter().map(|last| format!("\"{}\"", ip(*last))).collect();
    (setup.pbx, setup.itsp) = (vec![ip(PBX)], vec![ip(ITSP)]);
    setup.pbx_more = format!("sources = [{}]\n{direct}", sources.join(", "));
    setup.more = format!(
        "[media]\nbypass = \"match\"\n[site.london]\nsubnets = [\"{}.0/24\"]\nwan_calls_max = 2\n\
         [trunk.south]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [{}]\noptions_interval = 0\n\
         [trunk.local]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [{}]\noptions_interval = 0\n{direct}\
         [[route]]\nname = \"south\"\npriority = 1\nmatch = {{ called = \"+33*\" }}\nto = [[\"south\"], [\"local\"]]\n",
        NETS[0],
        sip(21),
        sip(LOCAL),
    );
    let text = setup.text().replace("to = \"itsp\"", "to = [[\"itsp\"], [\"local\"]]");
    text.replace("name = \"conformance\"", "name = \"conformance\", site = \"hq\"")
}

#[test]
fn the_third_call_is_heard_by_the_branchs_gateway_and_nothing_of_it_crosses_the_wan() {
    let place = Place::new("admission-wan");
    let wan = Wan::new();
    let server = wan.server.inside(|| Server::start(&place, &wan_config(&place)));
    let wire = |host: &Host, device: &str, net: &str, [from, to]: [u8; 2]| {
        let addresses = [format!("{net}.{from}"), format!("{net}.{to}")];
        host.inside(|| Capture::at(&place, device, &format!("{net}.0/24"), [&addresses[0], &addresses[1]]))
    };
    let far = wire(&wan.server, "wan0", NETS[0], [1, 12]);
    let near = wire(wan.host(LOCAL), "h30", NETS[0], [LOCAL, 1]);
    let callees: Vec<Baresip> =
        PROVIDERS.iter().zip(CALLED).map(|(last, number)| wan.phone(&place, *last, number, None)).collect();
    let local = wan.phone(&place, LOCAL, WORLD, None);
    let mut callers = Vec::new();
    for (n, (last, number)) in CALLERS.into_iter().zip(CALLED).enumerate() {
        let uri = format!("sip:{number}@{}.1:5060", NETS[0]);
        callers.push(wan.phone(&place, last, &format!("+49302312510{n}"), Some(&uri)));
        let heard = if n < 2 { &callees[n] } else { &local };
        let (theirs, other) = (tone([PROVIDERS[0], PROVIDERS[1], LOCAL][n]), tone(last));
        callers[n].hears(theirs, other);
        heard.hears(other, theirs);
        assert_eq!(link(&place).0, n.min(1) as u64 + 1, "calls on the link after call {n}");
    }
    assert_eq!(link(&place), (2, 0, 1));
    judge_wires(&far, &near);
    drop((callers, callees, local));
    assert_eq!(server.stop(), 0);
}

/// From and to whom there is sound on a wire.
fn heard_on(capture: &Capture) -> Vec<String> {
    let mut pairs = capture.end("udp.port >= 20000 && udp.length > 100 && !icmp", &["ip.src", "ip.dst"]);
    pairs.sort();
    pairs.dedup();
    pairs
}

/// What is wanted on the server's wire to London, and on that of London's gateway.
fn judge_wires(far: &Capture, near: &Capture) {
    let (ours, third, gateway) = (format!("{}.1", NETS[0]), ip(12), ip(LOCAL));
    let crossing = heard_on(far);
    let both = |one: &str, other: &str| [format!("{one}\t{other}"), format!("{other}\t{one}")];
    for last in [PBX, 11] {
        assert!(both(&ip(last), &ours).iter().all(|way| crossing.contains(way)), "{crossing:?}");
    }
    assert!(!crossing.iter().any(|way| way.contains(&*third) || way.contains(&*gateway)), "{crossing:?}");
    let mut direct = both(&third, &gateway).to_vec();
    direct.sort();
    assert_eq!(heard_on(near), direct, "phone and gateway alone");
}
