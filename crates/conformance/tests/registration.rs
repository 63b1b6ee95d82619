//! Registration in both directions, with other people's programs: baresip registers with us and is called, Kamailio
//! is the registrar of our accounts.

use conformance::audio::{level, share};
use conformance::baresip::Baresip;
use conformance::config::{INSIDE, Setup};
use conformance::{Place, Server, records};

const ANNA: &str = "+493023125100";
const BERT: &str = "+493023125101";
/// baresip 1.0 gives up at the sight of a better algorithm, even beside one that it knows.
const MD5: &str = "authenticate = { algorithms = [\"md5\"] }\n";

/// Waits until the phone has heard a second of a tone of `hertz`.
fn hears(phone: &Baresip, hertz: f64, not: f64) {
    let heard = conformance::await_some(|| Some(phone.heard()).filter(|s| s.len() >= 8_000));
    let samples = heard.unwrap_or_else(|| phone.heard());
    let (own, other) = (share(&samples, hertz), share(&samples, not));
    let told = format!("{} samples, level {:.0}, {own:.2}, {other:.2}", samples.len(), level(&samples));
    assert!(samples.len() >= 8_000 && own > 0.8 && other < 0.1, "{told}\n{}", phone.process().tail());
}

/// A trunk with two users, who may register from anywhere in the place.
fn phones(place: &Place, more: &str) -> Setup {
    let mut setup = Setup::new(place);
    let network = place.ip(0);
    setup.more = format!(
        "[trunk.phones]\nkind = \"direct\"\nlisten = \"inside\"\nsources = [\"{network}/24\"]\n\
         override = {{ latch = \"nat\" }}\nregistrar = {{}}\n{more}\
         [[trunk.phones.users]]\nusername = \"anna\"\npassword = {{ file = \"{0}\" }}\naccount = \"100\"\nnumbers = \"{ANNA}\"\n\
         [[trunk.phones.users]]\nusername = \"bert\"\npassword = \"streng\"\naccount = \"101\"\nnumbers = \"{BERT}\"\n",
        place.write("anna.password", "geheim\n").display()
    );
    setup
}

fn text(setup: &Setup) -> String {
    setup.text().replace("+493023125000..+493023125999", "+493023125200..+493023125999").replace(
        "[[numbers]]",
        &format!("[[numbers]]\nrange = \"{ANNA}..{BERT}\"\ndeliver = \"phones\"\n[[numbers]]"),
    )
}

/// What `tronco trunk show phones` says.
fn shown(place: &Place) -> String {
    let socket = place.path("tronco.sock").display().to_string();
    let output = conformance::server::tronco(&["trunk", "show", "phones", "--socket", &socket]);
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn account(place: &Place, aor: &str, user: &str, password: &str, more: &str) -> String {
    format!("<sip:{aor}@{}>;auth_user={user};auth_pass={password};regint=60{more}", place.sip(INSIDE))
}

#[test]
fn two_baresip_register_with_us_and_hear_each_others_tone() {
    let place = Place::new("reg-in");
    let server = Server::start(&place, &text(&phones(&place, MD5)));
    let bert =
        Baresip::with_account(&place, "bert", 31, 700.0, &account(&place, "101", "bert", "streng", ""), None);
    let _ = server.process().line("user registered");
    bert.process().line("1 binding");
    let uri = format!("sip:{BERT}@{}", place.sip(INSIDE));
    let own = account(&place, "100", "anna", "geheim", "");
    let anna = Baresip::with_account(&place, "anna", 30, 440.0, &own, Some(&uri));
    hears(&anna, 700.0, 440.0);
    hears(&bert, 440.0, 700.0);
    let shown = shown(&place);
    assert!(shown.contains("baresip") && shown.contains(&place.ip(31)), "{shown}");
    drop(anna);
    drop(bert);
    assert_eq!(server.stop(), 0);
    let _ = records::await_count(&place, 1);
}
