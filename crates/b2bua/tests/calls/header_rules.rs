//! Header rules of a trunk, both directions, and what no key lets cross.

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, World, from_callee, inside, invite, response};

const IN: &str = r#"
[[trunk.pbx.override.header_rules_in]]
on = ["INVITE"]
header = "X-Account"
do = "replace"
match = "acct-([0-9]+)"
to = "$1"
[[trunk.pbx.override.header_rules_in]]
header = "X-Old"
do = "rename"
to = "X-New"
"#;

const OUT: &str = r#"
[trunk.one.override]
headers_pass = ["X-Account", "X-New"]
headers_strip = ["Subject"]
[[trunk.one.override.header_rules_out]]
on = ["INVITE"]
header = "X-Token"
do = "add"
value = "abc"
[[trunk.one.override.header_rules_out]]
on = ["request"]
header = "User-Agent"
do = "set"
value = "PBX 1"
[[trunk.one.override.header_rules_out]]
on = ["response"]
header = "Server"
do = "set"
value = "hidden"
[[trunk.one.override.header_tests]]
rules = "out"
given = ["Subject: x"]
expect = ["Subject: x", "X-Token: abc", "User-Agent: PBX 1"]
"#;

#[test]
fn rules_rewrite_what_comes_and_what_goes() {
    let mut world = World::new(&format!("{CONFIG}{IN}{OUT}"));
    let rows = "X-Account: acct-77\r\nX-Old: yes\r\nX-Secret: no\r\nSubject: hello\r\n";
    world.receive(PBX, &invite("+4420700000", OFFER, rows));
    let first = world.expect(&[(GW1, "INVITE")]);
    let row = |name| first[0].header(name);
    assert_eq!((row("X-Account"), row("X-New"), row("X-Token")), ("77", "yes", "abc"), "{}", first[0].text);
    assert_eq!((row("User-Agent"), row("X-Secret"), row("X-Old"), row("Subject")), ("PBX 1", "", "", ""));
    world.receive(GW1, &response(&first[0], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
    assert_eq!(sent[1].header("Server"), "", "the rules are the other trunk's");
    world.receive(PBX, &inside("ACK", 1, sent[1].header("To"), "ack1", "", ""));
    world.receive(GW1, &from_callee("OPTIONS", 8, &first[0], "tb", "opt", ""));
    assert_eq!(world.expect(&[(GW1, "SIP/2.0 200")])[0].header("Server"), "hidden");
    world.receive(PBX, &inside("BYE", 2, sent[1].header("To"), "bye1", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]);
    assert_eq!((sent[1].header("User-Agent"), sent[1].header("X-Token")), ("PBX 1", ""));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.settle();
}
