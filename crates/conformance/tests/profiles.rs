//! Built-in profiles against peers that do what each profile is for: SIPp plays the PBX or the provider,
//! checks what it is told and does what such a peer does; one running program has all of a group as trunks.

mod peers_of_profiles;

use conformance::config::{INSIDE, ITSP, OUTSIDE, PBX};
use conformance::sipp::Running;
use conformance::{Place, Server, Sipp, server};
use peers_of_profiles::{INSIDE as PBXS, OUTSIDE as PROVIDERS, Play};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Address of the first profile's peer; the others follow.
const FIRST: u8 = 30;

/// Interfaces, and a neutral peer on either side.
fn common(place: &Place) -> String {
    let (ip, folder) = (|host| place.ip(host), place.folder().display());
    format!(
        "version = 1\ncountry = \"DE\"\n\
         [listen.inside]\naddress = \"{}\"\nsip = [\"udp:5060\"]\nrtp = \"20000-23999\"\n\
         [listen.outside]\naddress = \"{}\"\nadvertise = \"sbc.example.com\"\nmedia_advertise = \"{}\"\n\
         sip = [\"udp:5060\"]\nrtp = \"30000-33999\"\n\
         [trunk.pbx]\nkind = \"direct\"\nlisten = \"inside\"\ngateways = [\"{}:5060\"]\noptions_interval = 0\ndeny_unknown = []\n\
         [trunk.itsp]\nkind = \"itsp\"\nlisten = \"outside\"\ngateways = [\"{}:5060\"]\noptions_interval = 0\n\
         override = {{ diversion = \"pass\", history_info = \"pass\" }}\n\
         [records]\npath = \"{folder}/data\"\njsonl = \"{folder}/records.jsonl\"\n[api]\nsocket = \"{folder}/tronco.sock\"\n",
        ip(INSIDE),
        ip(OUTSIDE),
        ip(OUTSIDE),
        ip(PBX),
        ip(ITSP),
    )
}

/// The configuration of a group: each play has a trunk of its own, and numbers or a route that lead there.
fn config(place: &Place, plays: &[Play]) -> String {
    let mut text = common(place);
    let mut ways = String::from("[[numbers]]\nrange = \"+493023125000..+493023125999\"\ndeliver = \"pbx\"\n");
    for (at, play) in plays.iter().enumerate() {
        let (kind, listen) = if play.inside { ("direct", "inside") } else { (play.kind, "outside") };
        let host = place.ip(host(at));
        let _ = writeln!(
            text,
            "[trunk.peer{at}]\nkind = \"{kind}\"\nprofile = \"{}\"\nlisten = \"{listen}\"\ngateways = [\"{host}:5060\"]\n\
             options_interval = 0\ndeny_unknown = []\n{}",
            play.profile,
            play.more.replace("PEER", &host)
        );
        if play.inside {
            let _ = writeln!(
                ways,
                "[[numbers]]\nrange = \"+4930232{at:02}000..+4930232{at:02}999\"\ndeliver = \"peer{at}\""
            );
        } else {
            let _ = writeln!(
                ways,
                "[[route]]\nname = \"to{at}\"\nmatch = {{ called = \"+44{}*\" }}\nto = \"peer{at}\"",
                at + 10
            );
        }
    }
    text + &ways + "[[route]]\nname = \"world\"\nmatch = { called = \"+1*\" }\nto = \"itsp\"\n"
}

fn host(at: usize) -> u8 {
    FIRST + u8::try_from(at).expect("few plays")
}

/// One play's peers: who waits for the call, and who places it.
fn cast<'a>(place: &'a Place, at: usize, play: &Play) -> (Running, Sipp<'a>, String, String) {
    let (own, other) = (place.sip(host(at)), place.sip(if play.inside { ITSP } else { PBX }));
    let ours = |inside: bool| place.sip(if inside { INSIDE } else { OUTSIDE });
    let number = match (play.calls, play.inside) {
        (true, true) => "+12125550100".to_owned(),
        (true, false) => "+493023125100".to_owned(),
        (false, true) => format!("+4930232{at:02}100"),
        (false, false) => format!("+44{}7000000", at + 10),
    };
    let from = match (play.calls, play.inside) {
        (_, true) => format!("+4930232{at:02}100"),
        (true, false) => "+442079460000".to_owned(),
        (false, false) => "+493023125100".to_owned(),
    };
    let (waits, calls) = if play.calls { (&other, &own) } else { (&own, &other) };
    let (peer, neutral) = ((play.peer)(), (play.other)());
    let (called, calling) = if play.calls { (&neutral, &peer) } else { (&peer, &neutral) };
    let waiting = Sipp::of_script(place, &format!("called{at}"), called, waits).keep_messages();
    let waiting = waiting.calls(play.taken).from(&from).answer();
    let caller =
        Sipp::of_script(place, &format!("calling{at}"), calling, calls).from(&from).with(&["-d", "20"]);
    (waiting, caller, number, ours(play.calls == play.inside))
}

/// Plays all of a group, one after the other.
fn play(name: &str, plays: &[Play]) {
    let place = Place::new(name);
    // A provider is there before we register with it.
    let early = |play: &Play| play.more.contains("register");
    let mut first: Vec<_> =
        plays.iter().enumerate().filter(|(_, p)| early(p)).map(|(at, p)| (at, cast(&place, at, p))).collect();
    let running = Server::start(&place, &config(&place, plays));
    for (at, play) in plays.iter().enumerate() {
        let place_of = first.iter().position(|(own, _)| *own == at);
        let (waiting, caller, number, target) = match place_of {
            Some(found) => first.remove(found).1,
            None => cast(&place, at, play),
        };
        if early(play) {
            waiting.await_received("Authorization: ");
        }
        println!("{}: {}", play.profile, play.quirk);
        caller.call(&number, &target).finish();
        waiting.finish();
    }
    running.kill();
}

#[test]
fn ip_pbxs_do_what_their_profiles_are_for() {
    play("profiles-inside", PBXS);
}

#[test]
fn providers_do_what_their_profiles_are_for() {
    play("profiles-outside", PROVIDERS);
}

#[test]
fn every_profile_has_its_peer() {
    let listed = server::tronco(&["profile", "list", "--json"]);
    let profiles: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let names = profiles.as_array().or(profiles["profiles"].as_array()).expect("a list").iter();
    let all: BTreeSet<&str> = names.filter_map(|profile| profile["name"].as_str()).collect();
    let played: BTreeSet<&str> = PBXS.iter().chain(PROVIDERS).map(|play| play.profile).collect();
    let missing: Vec<_> = all.difference(&played).filter(|name| !name.starts_with("generic-")).collect();
    assert!(all.len() >= 22 && missing.is_empty(), "without a peer: {missing:?} of {all:?}");
}
