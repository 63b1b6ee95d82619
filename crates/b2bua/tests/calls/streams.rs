//! Streams that are added to a call that goes on (RFC 3264 §8.1), removed, and whose places are used again (§8.2).

use crate::common::{ANSWER, CONFIG, GW1, OFFER, PBX, Sent, World, answered, from_callee, inside, response};
use media::{Command, Side, Srtp};
use std::net::SocketAddr;

const SECOND: &str = "m=audio 4010 RTP/AVP 0\r\na=label:2\r\n";
const VIDEO: &str = "m=video 4020 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
const T38: &str = "m=image 4030 udptl t38\r\na=T38FaxVersion:0\r\n";

/// Alice's further offer: what she had, and these lines.
fn more(version: u8, lines: &str) -> String {
    format!("{}{lines}", OFFER.replace("alice 1 1", &format!("alice 1 {version}")))
}

/// Bob's answer: what he had, and these lines with his ports.
fn taken(version: u8, lines: &str) -> String {
    let lines = lines.replace(" 40", " 60");
    format!("{}{lines}", ANSWER.replace("bob 5 5", &format!("bob 5 {version}")))
}

/// Our ports of the m-lines of a description.
fn ports(sent: &Sent) -> Vec<u16> {
    let lines = sent.body().lines().filter(|line| line.starts_with("m="));
    lines.map(|line| line.split(' ').nth(1).and_then(|port| port.parse().ok()).expect("a port")).collect()
}

/// Where the engine was told last that a side's stream goes.
fn told(world: &World, of: Side, at: u8) -> Option<SocketAddr> {
    world.media.iter().rev().find_map(|command| match command {
        Command::Set { side, stream, remote, .. } if (*side, *stream) == (of, at) => Some(remote.rtp),
        _ => None,
    })?
}

fn grown(world: &World) -> Vec<u8> {
    let streams = |command: &Command| match command {
        Command::Grow { streams, .. } => Some(*streams),
        _ => None,
    };
    world.media.iter().filter_map(streams).collect()
}

/// Alice offers, Bob answers; gives our offer to him and our answer to her.
fn change(world: &mut World, to: &str, cseq: u32, offer: &str, answer: &str) -> (Sent, Sent) {
    world.receive(PBX, &inside("INVITE", cseq, to, &format!("s{cseq}"), "", offer));
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", answer));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", cseq, to, &format!("a{cseq}"), "", ""));
    (asked, ok)
}

fn hang_up(world: &mut World, to: &str) {
    world.receive(PBX, &inside("BYE", 90, to, "bye", "", ""));
    let bye = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE")]).remove(1);
    world.receive(GW1, &response(&bye, "200 OK", "", "", ""));
    world.settle();
}

#[test]
fn an_added_stream_gets_ports_of_its_own_and_the_first_keeps_its() {
    for (lines, name) in [(SECOND, "audio"), (VIDEO, "video"), (T38, "fax")] {
        let mut world = World::new(CONFIG);
        let (out, ok) = answered(&mut world);
        let (b, a) = (ports(&out)[0], ports(&ok)[0]);
        let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, lines), &taken(6, lines));
        let (there, here) = (ports(&asked), ports(&said));
        assert_eq!((there[0], here[0]), (b, a), "{name}");
        assert!(there[1] > b && here[1] > a, "{name}: {there:?} {here:?}");
        assert_eq!(asked.header("Call-ID"), out.header("Call-ID"));
        let attribute = lines.lines().nth(1).expect("an attribute");
        assert!(asked.body().ends_with(&format!("{attribute}\r\n")), "{name}: {}", asked.body());
        let place = lines.split(' ').nth(1).expect("a port");
        assert_eq!(told(&world, Side::A, 1), format!("10.0.0.21:{place}").parse().ok(), "{name}");
        let place = place.replace("40", "60");
        assert_eq!(told(&world, Side::B, 1), format!("192.0.2.70:{place}").parse().ok(), "{name}");
        assert_eq!(told(&world, Side::A, 0), "10.0.0.21:4000".parse().ok());
        assert_eq!(grown(&world), [2], "asked for once");
        hang_up(&mut world, ok.header("To"));
        let codec = world.records[0].media.as_ref().map(|media| media.codec.to_string());
        assert_eq!(codec.as_deref(), Some(if name == "fax" { "PCMA+t38" } else { "PCMA" }));
    }
}

#[test]
fn the_callee_adds_a_stream_as_well() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "s1", &taken(6, VIDEO)));
    let asked = world.expect(&[(PBX, "INVITE")]).remove(0);
    assert_eq!(ports(&asked)[0], ports(&ok)[0]);
    assert!(ports(&asked)[1] > ports(&ok)[0], "{}", asked.body());
    world.receive(PBX, &response(&asked, "200 OK", "", "", &more(2, VIDEO)));
    let said = world.expect(&[(PBX, "ACK"), (GW1, "SIP/2.0 200")]).remove(1);
    world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "a1", ""));
    assert!(ports(&said)[1] > ports(&out)[0]);
    assert_eq!(told(&world, Side::A, 1), "10.0.0.21:4020".parse().ok());
    assert_eq!(told(&world, Side::B, 1), "192.0.2.70:6020".parse().ok());
}

#[test]
fn an_update_adds_a_stream_as_a_re_invite_does() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    world.receive(PBX, &inside("UPDATE", 2, ok.header("To"), "u1", "", &more(2, SECOND)));
    let asked = world.take().remove(0);
    assert!(ports(&asked)[1] != 0, "{}", asked.text);
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", &taken(6, SECOND)));
    let said = world.take().into_iter().find(|s| s.to.to_string() == PBX).expect("an answer");
    assert!(said.header("CSeq").ends_with("UPDATE") && ports(&said)[1] != 0, "{}", said.text);
}

#[test]
fn a_removed_stream_leaves_its_place_to_another() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let to = ok.header("To").to_owned();
    let (asked, said) = change(&mut world, &to, 2, &more(2, SECOND), &taken(6, SECOND));
    let gone = SECOND.replace("4010", "0");
    let (without, _) = change(&mut world, &to, 3, &more(3, &gone), &taken(7, &gone));
    assert_eq!(ports(&without)[1], 0);
    assert_eq!(told(&world, Side::A, 1), None, "nothing goes there any more");
    let (again, back) = change(&mut world, &to, 4, &more(4, VIDEO), &taken(8, VIDEO));
    assert_eq!((ports(&again), ports(&back)), (ports(&asked), ports(&said)), "the same ports");
    assert_eq!(told(&world, Side::B, 1), "192.0.2.70:6020".parse().ok());
    assert_eq!(grown(&world), [2]);
    hang_up(&mut world, &to);
}

#[test]
fn an_added_stream_that_the_other_peer_refuses_stays_refused() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let refused = VIDEO.replace("4020", "0");
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, VIDEO), &taken(6, &refused));
    assert!(ports(&asked)[1] != 0);
    assert_eq!((ports(&said)[0], ports(&said)[1]), (ports(&ok)[0], 0));
    // Refused as a whole, what was before holds.
    world.receive(PBX, &inside("INVITE", 3, ok.header("To"), "s3", "", &more(3, SECOND)));
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    world.receive(GW1, &response(&asked, "488 Not Acceptable Here", "tb", "", ""));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 488")]);
    world.receive(PBX, &inside("ACK", 3, ok.header("To"), "s3", "", ""));
    assert_eq!(told(&world, Side::A, 0), "10.0.0.21:4000".parse().ok());
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn no_more_than_four_streams_have_ports_and_the_rest_is_refused() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    let lines = format!("{SECOND}{VIDEO}{T38}{}", VIDEO.replace("4020", "4040"));
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, &lines), &{
        let refused = VIDEO.replace("4020", "0");
        taken(6, &format!("{SECOND}{VIDEO}{T38}{refused}"))
    });
    assert_eq!(grown(&world), [4]);
    let there = ports(&asked);
    assert!(there[..4].iter().all(|port| *port != 0) && there[4] == 0, "{there:?}");
    assert_eq!(ports(&said)[4], 0);
}

#[test]
fn without_ports_an_added_stream_is_refused_and_the_call_goes_on() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    world.media_fails = true;
    let refused = SECOND.replace("4010", "0");
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, SECOND), &taken(6, &refused));
    assert_eq!((ports(&asked)[1], ports(&said)[1]), (0, 0));
    assert!(world.notes.iter().any(|note| note.starts_with("no ports for a further stream")));
    // Offered again when there are some, it has them.
    world.media_fails = false;
    let (asked, _) = change(&mut world, ok.header("To"), 3, &more(3, SECOND), &taken(7, SECOND));
    assert!(ports(&asked)[1] != 0);
    hang_up(&mut world, ok.header("To"));
}

#[test]
fn a_trunk_without_t38_needs_no_ports_for_it() {
    let text = CONFIG.replace("[trunk.one]", "[trunk.one]\noverride = { fax = \"passthrough\" }");
    let mut world = World::new(&text);
    let (_, ok) = answered(&mut world);
    let refused = T38.replace("4030", "0");
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, T38), &taken(6, &refused));
    assert_eq!((ports(&asked)[1], ports(&said)[1]), (0, 0));
    assert_eq!(grown(&world), [0; 0]);
}

#[test]
fn while_ports_are_waited_for_nobody_else_may_change_the_session() {
    let mut world = World::new(CONFIG);
    let (out, ok) = answered(&mut world);
    world.grows_late = true;
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "s2", "", &more(2, SECOND)));
    world.expect(&[]);
    world.receive(GW1, &from_callee("INVITE", 7, &out, "tb", "s7", &taken(6, VIDEO)));
    world.expect(&[(GW1, "SIP/2.0 491")]);
    world.receive(GW1, &from_callee("ACK", 7, &out, "tb", "s7", ""));
    let reply = world.late.remove(0);
    world.media_reply(reply);
    let asked = world.expect(&[(GW1, "INVITE")]).remove(0);
    assert!(ports(&asked)[1] != 0);
    world.receive(GW1, &response(&asked, "200 OK", "tb", "", &taken(6, SECOND)));
    world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]);
}

#[test]
fn a_call_that_ends_while_ports_are_waited_for_leaves_nothing_behind() {
    let mut world = World::new(CONFIG);
    let (_, ok) = answered(&mut world);
    world.grows_late = true;
    world.receive(PBX, &inside("INVITE", 2, ok.header("To"), "s2", "", &more(2, SECOND)));
    let reply = world.late.remove(0);
    world.receive(PBX, &inside("BYE", 3, ok.header("To"), "bye", "", ""));
    let sent = world.expect(&[(PBX, "SIP/2.0 200"), (GW1, "BYE"), (PBX, "SIP/2.0 487")]);
    world.receive(PBX, &inside("ACK", 2, ok.header("To"), "s2", "", ""));
    world.receive(GW1, &response(&sent[1], "200 OK", "", "", ""));
    world.media_reply(reply);
    world.expect(&[]);
    world.settle();
}

#[test]
fn an_added_stream_has_keys_of_its_own() {
    let srtp = "override = { srtp = \"required\", srtp_over_plain = \"allow\", srtp_suites = [\"AES_CM_128_HMAC_SHA1_80\"] }";
    let mut world = World::new(&CONFIG.replace("[trunk.one]", &format!("[trunk.one]\n{srtp}")));
    world.receive(PBX, &crate::common::invite("+4420700000", OFFER, ""));
    let out = world.expect(&[(GW1, "INVITE")]).remove(0);
    let key = |sent: &Sent, at: usize| {
        let lines: Vec<&str> = sent.body().lines().filter(|l| l.starts_with("a=crypto:1 ")).collect();
        lines.get(at).map(|line| (*line).to_owned()).expect("a key")
    };
    let secured = |text: &str, keys: &[&str]| {
        let mut lines = text.replace("RTP/AVP", "RTP/SAVP");
        for (at, one) in keys.iter().enumerate() {
            let end = if at + 1 < keys.len() { lines.find("m=video").expect("video") } else { lines.len() };
            let suite = key(&out, 0).split(" inline:").next().unwrap_or_default().to_owned();
            lines.insert_str(end, &format!("{suite} inline:{one}\r\n"));
        }
        lines
    };
    let length = key(&out, 0).split("inline:").nth(1).map_or(0, str::len);
    let (first, second) = ("A".repeat(length), "B".repeat(length));
    world.receive(GW1, &response(&out, "200 OK", "tb", "", &secured(ANSWER, &[&first])));
    let ok = world.expect(&[(GW1, "ACK"), (PBX, "SIP/2.0 200")]).remove(1);
    world.receive(PBX, &inside("ACK", 1, ok.header("To"), "a1", "", ""));
    let answer = secured(&taken(6, VIDEO), &[&first, &second]);
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, VIDEO), &answer);
    assert_eq!(key(&asked, 0), key(&out, 0), "the key of the first stream stays");
    assert_ne!(key(&asked, 1), key(&asked, 0), "the second has its own");
    assert!(!said.body().contains("a=crypto"), "the other leg is plain");
    let secret = |world: &World, at: u8| {
        world.media.iter().rev().find_map(|command| match command {
            Command::Set { side: Side::B, stream, remote, .. } if *stream == at => match &remote.srtp {
                Srtp::On(keys) => Some((keys.send.key_and_salt(), keys.receive.key_and_salt())),
                _ => None,
            },
            _ => None,
        })
    };
    let (one, two) = (secret(&world, 0).expect("keys"), secret(&world, 1).expect("keys"));
    assert!(one.0 != two.0 && one.1 != two.1);
}

#[test]
fn a_stream_added_between_peers_that_speak_directly_asks_for_no_ports() {
    let direct = "override = { media = \"direct\" }";
    let text = CONFIG.replace("[trunk.pbx]", &format!("[trunk.pbx]\n{direct}"));
    let mut world = World::new(&text.replace("[trunk.one]", &format!("[trunk.one]\n{direct}")));
    let (_, ok) = answered(&mut world);
    let (asked, said) = change(&mut world, ok.header("To"), 2, &more(2, VIDEO), &taken(6, VIDEO));
    assert_eq!((ports(&asked), ports(&said)), (vec![4000, 4020], vec![6000, 6020]));
    assert!(world.media.is_empty());
}
