//! What a peer writes of its own network stays there, wherever it stands, unless `topology_pass` lets it go on.

use crate::common::{ANSWER, GW1, OFFER, PBX, World, answered, from_callee, inside, invite, response};
use crate::transfers::config;

/// Names and addresses of the inside that no message to the outside may hold.
const INSIDE: [&str; 5] = ["corp.example", "10.9.8.7", "2001:db8:9::7", "Geheim-PBX", "10.0.0.21"];

const ROWS: &str = "Alert-Info: <http://ring.corp.example/a.wav>, <urn:alert:source:internal>\r\nAlert-Info: <http://10.9.8.7/b.wav>\r\nSubject: about 5 pm\r\n";

const REASON: &str = "Reason: Q.850;cause=16;text=\"by sbc2.corp.example\", SIP;cause=200;text=\"at 10.9.8.7; bye\"\r\nReason: Q.850;cause=17;text=\"[2001:db8:9::7] said so\"\r\n";

/// A description with the inside in every line that a peer may write.
fn telling(text: &str) -> String {
    let head = "i=Geheim-PBX of corp.example\r\nu=http://corp.example/x\r\ne=admin@corp.example\r\np=+49 30 10.9.8.7\r\nc=";
    let attributes = "a=tool:Geheim-PBX 7\r\na=x-node:sbc2.corp.example\r\na=rtcp:4001 IN IP4 10.9.8.7\r\na=candidate:1 1 UDP 1 10.9.8.7 4000 typ host\r\na=remote-candidates:1 10.9.8.7 4000\r\na=x-local:2001:db8:9::7\r\na=x-harmless:1.2\r\na=ptime:20\r\na=fmtp:101 0-15;at=10.9.8.7\r\nx=sbc2.corp.example\r\nm=application 0 x/y sbc2.corp.example\r\n";
    let text = text.replacen("s=", "s=Geheim-PBX ", 1).replacen("c=", head, 1);
    format!("{text}i=Geheim-PBX audio\r\n{attributes}").replacen(
        "t=0 0\r\n",
        "t=0 0\r\na=tool:Geheim-PBX 7\r\na=x-site:10.9.8.7\r\n",
        1,
    )
}

fn leaks(text: &str) -> Vec<&'static str> {
    INSIDE.into_iter().filter(|secret| text.contains(secret)).collect()
}

#[test]
fn nothing_that_a_peer_writes_of_its_network_reaches_the_other_side() {
    let mut world = World::new(&config("", ""));
    world.receive(PBX, &invite("004420700000", &telling(OFFER), ROWS));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert_eq!(leaks(&out.text), [""; 0], "{}", out.text);
    assert_eq!(out.header("Alert-Info"), "<urn:alert:source:internal>");
    assert_eq!(out.header("Subject"), "about 5 pm");
    let body = out.body();
    assert!(body.contains("s=-\r\n") && body.contains("a=x-harmless:1.2\r\na=ptime:20\r\n"), "{body}");
    assert!(body.contains("a=rtcp:30001\r\n") || body.contains("a=rtcp:3"), "{body}");
    world.receive(
        PBX,
        &invite("", "", "")
            .replacen("INVITE", "CANCEL", 2)
            .replace("To: <sip:@10.0.0.5>", "To: <sip:004420700000@10.0.0.5>")
            .replace("sip:@10.0.0.5", "sip:004420700000@10.0.0.5")
            .replace("Content-Length", &format!("{REASON}Content-Length")),
    );
    world.receive(GW1, &response(&out, "180 Ringing", "tb", "", ""));
    for sent in world.seen.iter().filter(|s| s.to.to_string() == GW1) {
        assert_eq!(leaks(&sent.text), [""; 0], "{}", sent.text);
    }
    let cancel = world.seen.iter().find(|s| s.start().starts_with("CANCEL")).expect("a CANCEL");
    assert_eq!(cancel.header("Reason"), "Q.850;cause=16, SIP;cause=200");
}

#[test]
fn answers_and_ends_tell_as_little() {
    let mut world = World::new(&config("", ""));
    let (out, ok) = answered(&mut world);
    world
        .receive(GW1, &from_callee("INVITE", 1, &out, "tb", "r1", &telling(&ANSWER.replace("6000", "6002"))));
    let again = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(leaks(again.body()), [""; 0], "{}", again.text);
    world.receive(PBX, &response(&again, "488 Not Acceptable Here", "", REASON, ""));
    let refused = world.take().into_iter().find(|s| s.to.to_string() == GW1).expect("a refusal");
    assert_eq!(refused.header("Reason"), "Q.850;cause=16, SIP;cause=200", "{}", refused.text);
    assert_eq!(leaks(&refused.text), [""; 0]);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "b1", REASON, ""));
    let bye = world.take().into_iter().find(|s| s.start().starts_with("BYE")).expect("a BYE");
    assert_eq!(bye.header("Reason"), "Q.850;cause=16, SIP;cause=200");
    assert_eq!(leaks(&bye.text), [""; 0]);
}

#[test]
fn each_word_of_topology_pass_lets_its_own_go_on() {
    for (word, shown, hidden) in [
        ("alert-info", &["ring.corp.example", "10.9.8.7/b.wav"][..], &["Geheim-PBX", "x-node"][..]),
        (
            "session",
            &[
                "s=Geheim-PBX ",
                "i=Geheim-PBX of",
                "u=http",
                "e=admin",
                "p=+49",
                "a=tool:Geheim-PBX 7",
                "i=Geheim-PBX audio",
            ],
            &["ring.corp.example", "x-node", "x-site"],
        ),
        (
            "attributes",
            &["a=x-node:sbc2.corp.example", "a=x-local:2001:db8:9::7", "a=x-site:10.9.8.7"],
            &["Geheim-PBX", "ring.corp.example"],
        ),
    ] {
        let mut world = World::new(&config("", &format!("topology_pass = [\"{word}\"]")));
        world.receive(PBX, &invite("+4420700000", &telling(OFFER), ROWS));
        let out = world.expect(&[(GW1, "INVITE")]).remove(0);
        for text in shown {
            assert!(out.text.contains(text), "{word}: {text}\n{}", out.text);
        }
        for text in hidden.iter().chain(&["candidate", "IN IP4 10.9.8.7"]) {
            assert!(!out.text.contains(text), "{word}: {text}\n{}", out.text);
        }
    }
}

#[test]
fn texts_of_reasons_go_on_whole_where_the_trunk_lets_them() {
    let mut world = World::new(&config("", "topology_pass = [\"text\"]"));
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("BYE", 2, ok.header("To"), "b1", REASON, ""));
    let bye = world.take().into_iter().find(|s| s.start().starts_with("BYE")).expect("a BYE");
    assert!(
        bye.text.contains("by sbc2.corp.example") && bye.text.contains("at 10.9.8.7; bye"),
        "{}",
        bye.text
    );
}

#[test]
fn a_warning_keeps_its_code_and_loses_a_text_that_names_a_host() {
    let mut world = World::new(&config("", ""));
    world.receive(PBX, &invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let rows = "Warning: 399 gw \"down at core7.provider.example\", 370 gw \"Insufficient bandwidth\"\r\n";
    world.receive(GW1, &response(&out, "486 Busy Here", "tb", rows, ""));
    let refused = world.take().into_iter().find(|s| s.start().starts_with("SIP/2.0 486")).expect("a refusal");
    assert_eq!(refused.header("Warning"), "399 10.0.0.5 \"-\", 370 10.0.0.5 \"Insufficient bandwidth\"");
}
