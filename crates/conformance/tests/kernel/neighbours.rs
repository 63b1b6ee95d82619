//! Next hops under a call that the kernel relays: an entry of the operator's that nobody answers for stays as he made it, a
//! new hardware address is followed, and a neighbour that is lost takes the direction back to the socket.

use super::{DEVICES, EXTENSION, Lab, OURS, PEERS, WORLD, await_engine, number};
use conformance::hearing::find;
use conformance::lab::Host;
use conformance::moving::Moving;
use conformance::phone::{Phone, call};
use conformance::server::Server;
use conformance::{Place, await_some};
use std::time::{Duration, Instant};

/// Longer than the kernel is left without word that its neighbours are in use.
const LONG: Duration = Duration::from_secs(11);
const PACKET: Duration = Duration::from_millis(20);

fn mac(host: &Host, device: &str) -> String {
    let told = host.run(&format!("ip -o link show {device}"));
    let mut words = told.split_whitespace().skip_while(|word| *word != "link/ether");
    words.nth(1).expect("a hardware address").to_owned()
}

/// The callee answers no question for its address any more; the operator says where it is.
fn make_permanent(lab: &Lab) {
    lab.callee.run("echo 8 > /proc/sys/net/ipv4/conf/all/arp_ignore");
    let ways =
        [(&lab.server, "s1", PEERS[1], &lab.callee, "b0"), (&lab.callee, "b0", OURS[1], &lab.server, "s1")];
    for (host, device, other, there, theirs) in ways {
        let at = mac(there, theirs);
        host.run(&format!("ip neigh replace {other} lladdr {at} dev {device} nud permanent"));
    }
}

fn entry(lab: &Lab) -> String {
    lab.server.run(&format!("ip neigh show {} dev s1", PEERS[1]))
}

/// Both talk until the kernel relays both.
fn until_lent(pair: &mut Moving<'_>, phone: &Phone, place: &Place) {
    let lent = await_some(|| {
        (0..10).for_each(|_| pair.talk(&phone.rtp));
        (number(&super::engine(place), "directions") == 2).then_some(())
    });
    assert!(lent.is_some(), "the kernel does not relay: {}", super::engine(place));
}

fn stays_permanent(lab: &Lab, pair: &mut Moving<'_>, phone: &Phone, place: &Place) {
    let before = entry(lab);
    assert!(before.contains("PERMANENT"), "{before}");
    let begun = Instant::now();
    while begun.elapsed() < LONG {
        pair.talk(&phone.rtp);
        // Nothing comes: the time between two packets.
        assert_eq!(find(&phone.rtp, PACKET, |_, _| Some(())), None);
    }
    assert_eq!(entry(lab), before);
    assert_eq!(number(&super::engine(place), "directions"), 2);
}

fn is_replaced(lab: &Lab, pair: &mut Moving<'_>, phone: &Phone, place: &Place) {
    lab.callee.run(&format!("ip link set {} address 02:00:00:00:77:01", DEVICES[1]));
    make_permanent(lab);
    pair.moves_to(&phone.rtp);
    until_lent(pair, phone, place);
    (0..20).for_each(|_| pair.talk(&phone.rtp));
}

fn is_lost(lab: &Lab, pair: &mut Moving<'_>, phone: &Phone, place: &Place) {
    lab.server.run(&format!("ip neigh change {} dev s1 nud failed", PEERS[1]));
    await_engine(place, "the direction stays with the kernel", |told| number(told, "directions") == 1);
    lab.callee.run("echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore");
    let heard = await_some(|| {
        pair.sequence += 1;
        let wanted = pair.sequence.to_be_bytes();
        phone.send_rtp(pair.caller.1.relay, 0x1111, pair.sequence, 0xA5);
        // What waited for the neighbour comes before.
        find(&pair.callee.0.rtp, 5 * PACKET, |bytes, _| (bytes[2..4] == wanted).then_some(()))
    });
    assert!(heard.is_some(), "nothing is heard any more: {}", entry(lab));
    until_lent(pair, phone, place);
}

#[test]
fn a_permanent_neighbour_that_answers_nobody_is_heard_and_stays_permanent_and_a_changed_or_lost_one_is_followed()
 {
    let place = Place::new("kernel-neighbours");
    let Some(lab) = Lab::new() else { return };
    let Some(server): Option<Server> = lab.serve(&place, "tcx") else { return };
    make_permanent(&lab);
    let phone = |host: &Host, n: usize| host.inside(|| Phone::at(PEERS[n], &format!("{}:5060", OURS[n])));
    let (caller, callee) = (phone(&lab.caller, 0), phone(&lab.callee, 1));
    let (a, b) = call(&caller, &callee, WORLD, EXTENSION, "neighbours");
    let mut pair =
        Moving { caller: (&caller, a), callee: (&callee, b), keys: None, sequence: 0, said_from: 1 };
    until_lent(&mut pair, &caller, &place);
    stays_permanent(&lab, &mut pair, &caller, &place);
    is_replaced(&lab, &mut pair, &caller, &place);
    is_lost(&lab, &mut pair, &caller, &place);
    assert_eq!(server.stop(), 0);
}
