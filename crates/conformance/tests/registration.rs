//! Registration in both directions, with other people's programs: baresip registers with us and is called, Kamailio
//! is the registrar of our accounts.

use conformance::baresip::Baresip;
use conformance::config::{INSIDE, ITSP, ITSP_2, OUTSIDE, PBX, Setup};
use conformance::kamailio::Kamailio;
use conformance::{Place, Server, Sipp, records};

const ANNA: &str = "+493023125100";
const BERT: &str = "+493023125101";
/// baresip 1.0 gives up at the sight of a better algorithm, even beside one that it knows.
const MD5: &str = "authenticate = { algorithms = [\"md5\"] }\n";

/// A trunk with two users, who may register from anywhere in the place.
fn phones(place: &Place, more: &str) -> Setup {
    let mut setup = Setup::new(place);
    let network = place.ip(0);
    setup.more = format!(
        "[trunk.phones]\nkind = \"direct\"\nlisten = \"inside\"\nsources = [\"{network}/24\"]\n\
         override = {{ latch = \"nat\" }}\nregistrar = {{ expires_min = 5, expires = 10 }}\n{more}\
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

/// What `tronco trunk show` says of a trunk.
fn shown(place: &Place, trunk: &str) -> String {
    let socket = place.path("tronco.sock").display().to_string();
    let output = conformance::server::tronco(&["trunk", "show", trunk, "--socket", &socket]);
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn account(place: &Place, aor: &str, user: &str, password: &str, more: &str) -> String {
    format!("<sip:{aor}@{}>;auth_user={user};auth_pass={password};regint=10{more}", place.sip(INSIDE))
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
    anna.hears(700.0, 440.0);
    bert.hears(440.0, 700.0);
    let shown = shown(&place, "phones");
    assert!(shown.contains("baresip") && shown.contains(&place.ip(31)), "{shown}");
    drop(anna);
    drop(bert);
    assert_eq!(server.stop(), 0);
    let _ = records::await_count(&place, 1);
}

const PILOT: &str = "+493023125100";
const WORLD: &str = "+441632960001";

/// The trunk `itsp` registers the pilot account with this password.
fn registers(place: &Place, password: &str, more: &str) -> Setup {
    let mut setup = Setup::new(place);
    // Each request is counted once, also where the registrar is held up.
    setup.signalling = "t1_ms = 2000\n".into();
    setup.itsp_more = format!(
        "account = \"{PILOT}@tel.example\"\nusername = \"pilot\"\npassword = \"{password}\"\ndomain = \"tel.example\"\n\
         realm = \"tel.example\"\n{more}"
    );
    setup
}

/// Lines of Kamailio that hold a text.
fn count(kamailio: &Kamailio, text: &str) -> usize {
    kamailio.process().lines().iter().filter(|line| line.contains(text)).count()
}

/// Waits until Kamailio has said a text so often.
fn await_lines(kamailio: &Kamailio, text: &str, times: usize) {
    let came = conformance::await_some(|| (count(kamailio, text) >= times).then_some(()));
    assert!(came.is_some(), "{times} times `{text}`:\n{}", kamailio.process().tail());
}

/// Registers, is called, calls, refreshes, and comes back after the registrar was started anew.
fn kamailio_is_the_registrar(name: &str, algorithm: &str, register: &str) {
    let place = Place::new(name);
    let inner = format!("sip:{}", place.sip(ITSP_2));
    let start = || Kamailio::registrar(&place, ITSP, &place.ip(OUTSIDE), &inner, algorithm, 4);
    let kamailio = start();
    let mut setup = registers(&place, "geheim", &format!("register = {{ {register} }}\n"));
    if register.contains("outbound") {
        setup.itsp = vec![format!("{};transport=tcp", place.sip(ITSP))];
    }
    let server = Server::start(&place, &setup.text());
    await_lines(&kamailio, "saved: ", 1);
    assert_eq!(
        count(&kamailio, "asked: "),
        2,
        "once without credentials and once with:\n{}",
        kamailio.process().tail()
    );
    await_lines(&kamailio, "saved: ", 3);
    let refreshes = count(&kamailio, "asked: ");
    assert!(refreshes <= 5, "credentials go unasked with a refresh:\n{}", kamailio.process().tail());

    let callee = Sipp::new(&place, "callee-in", "uas", &place.sip(PBX)).calls(5).answer();
    let caller = Sipp::new(&place, "caller-in", "uac", &place.sip(ITSP_2)).calls(5).with(&["-d", "50"]);
    caller.call(PILOT, &place.sip(ITSP)).finish();
    callee.finish();
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP_2)).calls(5).keep_messages().answer();
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX)).calls(5).with(&["-d", "50"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    assert!(!callee.await_received("INVITE ").contains("Proxy-Authorization"), "consumed by the provider");

    kamailio.stop();
    let kamailio = start();
    await_lines(&kamailio, "saved: ", 1);
    assert_eq!(server.stop(), 0);
    await_lines(&kamailio, "expires=0", 1);
}

#[test]
fn kamailio_registers_us_with_md5() {
    kamailio_is_the_registrar("reg-md5", "MD5", "");
}

#[test]
fn kamailio_registers_us_with_sha_256() {
    kamailio_is_the_registrar("reg-sha", "SHA-256", "");
}

#[test]
fn kamailio_registers_our_connection() {
    kamailio_is_the_registrar("reg-tcp", "SHA-256", "outbound = true, keepalive = 10");
}

#[test]
fn a_wrong_password_is_tried_once_and_not_again() {
    let place = Place::new("reg-wrong");
    let kamailio = Kamailio::registrar(&place, ITSP, &place.ip(OUTSIDE), "sip:127.0.0.1:9", "MD5", 60);
    let setup = registers(&place, "falsch", "register = {}\n");
    let server = Server::start(&place, &setup.text());
    let _ = server.process().line("not registered");
    // What it says of itself may be read later than what it has sent.
    await_lines(&kamailio, "asked: ", 2);
    assert_eq!((count(&kamailio, "asked: "), count(&kamailio, "saved: ")), (2, 0));
    let shown = shown(&place, "itsp");
    assert!(shown.contains("forbidden") && shown.contains("P-CREDENTIALS"), "{shown}");
    // The next try is about an hour away.
    assert!((3_500..=3_600).any(|left| shown.contains(&format!(" {left} s"))), "{shown}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn several_accounts_of_one_trunk_register_by_themselves() {
    let place = Place::new("reg-many");
    let kamailio = Kamailio::registrar(&place, ITSP, &place.ip(OUTSIDE), "sip:127.0.0.1:9", "SHA-256", 60);
    let more = "register = {}\n\
        accounts = [{ username = \"two\", account = \"+493023125200\", password = \"geheim\" }, \
        { username = \"three\", account = \"+493023125300\", password = \"falsch\" }]\n";
    let server = Server::start(&place, &registers(&place, "geheim", more).text());
    await_lines(&kamailio, "saved: ", 2);
    let _ = server.process().line("not registered");
    for (account, times) in [(PILOT, 1), ("+493023125200", 1), ("+493023125300", 0)] {
        assert_eq!(count(&kamailio, &format!("saved: {account} ")), times, "{}", kamailio.process().tail());
    }
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_registered_phone_is_called_after_a_kill_and_secrets_come_from_where_they_are() {
    let place = Place::new("reg-kill");
    let setup = phones(&place, MD5);
    let server = Server::start(&place, &text(&setup));
    let own = account(&place, "100", "anna", "geheim", "");
    let anna = Baresip::with_account(&place, "anna", 30, 440.0, &own, None);
    let _ = server.process().line("user registered");
    let file = place.path("data/registered.json");
    let written = || std::fs::read_to_string(&file).ok().filter(|text| text.contains("baresip"));
    assert!(conformance::await_some(written).is_some(), "what is registered is kept");
    server.kill();
    let server = server.restart();
    let shown_again =
        conformance::await_some(|| Some(shown(&place, "phones")).filter(|s| s.contains("baresip")));
    assert!(shown_again.is_some(), "{}", shown(&place, "phones"));
    let caller = Sipp::new(&place, "caller", "uac", &place.sip(PBX)).calls(1).with(&["-d", "300"]);
    caller.call(ANNA, &place.sip(INSIDE)).finish();

    // A new password in the file holds after a reload: the phone with the old one is not let in again.
    place.write("anna.password", "anders\n");
    let from = server.reload(&text(&setup));
    let _ = server.process().line_after(from, "wrong credentials");
    assert!(anna.process().runs());
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_account_stands_in_from_and_contact_of_calls_that_pass_the_registrar() {
    let place = Place::new("reg-from");
    let inner = format!("sip:{}", place.sip(ITSP_2));
    let kamailio = Kamailio::registrar(&place, ITSP, &place.ip(OUTSIDE), &inner, "MD5", 60);
    let wants = "from_user = \"trunk-77\"\nregister = { contact_user = \"c77\" }\n\
                 override = { contact = \"account\", caller = { write = [\"from\", \"pai\"] } }\n";
    let server = Server::start(&place, &registers(&place, "geheim", wants).text());
    await_lines(&kamailio, "saved: ", 1);
    let callee = Sipp::new(&place, "callee", "uas", &place.sip(ITSP_2)).keep_messages().answer();
    let caller =
        Sipp::new(&place, "caller", "uac", &place.sip(PBX)).from("+493023125100").with(&["-d", "50"]);
    caller.call(WORLD, &place.sip(INSIDE)).finish();
    callee.finish();
    let invite = callee.await_received("INVITE ");
    let row = |name: &str| invite.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(row("From: ").contains("sip:trunk-77@tel.example"), "{invite}");
    assert!(row("Contact: ").contains("sip:c77@"), "{invite}");
    assert!(row("P-Asserted-Identity: ").contains("sip:+493023125100@tel.example"), "{invite}");
    assert_eq!(server.stop(), 0);
    kamailio.stop();
}

#[test]
fn a_phone_that_calls_by_its_account_is_shown_with_its_number_as_the_dry_run_says() {
    let place = Place::new("reg-number");
    let mut setup = phones(&place, MD5);
    setup.more = setup.more.replace("account = \"100\"", "account = \"anna.home\"");
    let server = Server::start(&place, &text(&setup).replace("on = \"pbx\"", "on = [\"pbx\", \"phones\"]"));
    let callee = Sipp::new(&place, "callee", "uas_refuses_486", &place.sip(ITSP)).keep_messages().answer();
    let uri = format!("sip:{WORLD}@{}", place.sip(INSIDE));
    let own = account(&place, "anna.home", "anna", "geheim", "");
    let anna = Baresip::with_account(&place, "anna", 30, 440.0, &own, Some(&uri));
    let invite = callee.await_received("INVITE ");
    let from = |text: &str| {
        let row = text.lines().find(|line| line.starts_with("From: ")).unwrap_or_default();
        row.split(";tag=").next().unwrap_or_default().to_owned()
    };
    assert!(from(&invite).contains(&format!("<sip:{ANNA}@")), "{invite}");
    assert!(!invite.contains("anna.home"), "{invite}");
    let socket = place.path("tronco.sock").display().to_string();
    let ask =
        ["route", "test", "--json", "--on", "phones", "--user", "anna", "--to", WORLD, "--socket", &socket];
    let said = conformance::server::tronco(&ask);
    let said = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.contains(&format!("<sip:{ANNA}@")), "{said}");
    assert!(said.contains("user anna may call as"), "{said}");
    callee.finish();
    drop(anna);
    assert_eq!(server.stop(), 0);
}
