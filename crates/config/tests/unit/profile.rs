//! Tests of `config/src/profile.rs`, which need its private parts.

use super::*;

#[test]
fn every_built_in_profile_reads() {
    for (name, text) in FILES {
        let profile = read(text, name).map_err(|e| e.to_string()).unwrap().unwrap();
        assert_eq!(format!("{}.toml", profile.name), *name);
    }
    assert_eq!(profiles().len(), FILES.len());
}

#[test]
fn every_value_of_a_profile_has_its_source() {
    for profile in profiles() {
        for value in profile.values() {
            assert!(!value.source.is_empty(), "{}: no source of {}", profile.file(), value.key);
        }
    }
}

#[test]
fn a_profile_says_how_to_register_and_the_trunk_whether() {
    let text = "version = 1\ncountry = \"CH\"\n[listen.out]\naddress = \"192.0.2.1\"\nsip = [\"udp:5060\"]\nrtp = \"30000-30099\"\n\
                [trunk.one]\nkind = \"itsp\"\nprofile = \"swisscom\"\nlisten = \"out\"\ngateways = [\"192.0.2.9\"]\nusername = \"u\"\npassword = { env = \"P\" }\n";
    for (more, pin) in
        [("", None), ("register = {}\n", Some(true)), ("register = { pin = false }\n", Some(false))]
    {
        let loaded = crate::parse(&format!("{text}{more}"), "t", crate::Format::Toml).unwrap();
        assert_eq!(loaded.config.trunks[0].login.register.as_ref().map(|r| r.pin), pin, "{more}");
    }
}

#[test]
fn a_profile_writes_each_value_on_a_line_with_its_source() {
    let values = find("generic-gateway").unwrap().values();
    let one = values.iter().find(|v| v.key == "policy.user_phone").unwrap();
    assert_eq!(one.written, "true");
    assert_eq!(one.source, "RFC 3261 §19.1.1: the user part is a telephone number");
}
