//! REFER whose target is the peer's own to know (`refer_target = "peer"`): the call goes back to that peer, under the URI
//! of Refer-To and with its Referred-By.

use crate::common::{ANSWER, GW1, PBX, World, answered};
use crate::common::{from_callee, response};
use crate::transfers::{TARGET, config, fine, lines, refer};
use b2bua::TransferHow;

const BACK: &str = "refer = \"local\", refer_target = \"peer\"";
const URI: &str = "sip:sip.pstnhub.example:5061;transport=tls;x-m=8:orgid:fce2158f;x-t=2d88";
const BY: &str = "<sip:sip.pstnhub.example:5061;x-m=8:orgid:bdc0;x-ti=9cfa;x-tt=aHR0cHM%3d>";

#[test]
fn a_target_without_a_number_is_called_at_the_peer_that_named_it() {
    let mut world = World::new(&config(BACK, ""));
    let (first, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, &format!("<{URI}>"), &format!("Referred-By: {BY}\r\n"));
    assert_eq!(
        lines(&left),
        [
            (PBX.into(), "SIP/2.0 202 Accepted".into()),
            (PBX.into(), "NOTIFY sip:alice@10.0.0.21:5060".into()),
            (PBX.into(), format!("INVITE {URI}")),
        ]
    );
    fine(&mut world, &left[1]);
    let target = left[2].clone();
    assert_eq!(target.header("To"), format!("<{URI}>"));
    assert_eq!(target.header("Referred-By"), BY);
    assert!(target.header("From").contains("+4420700000"), "who stays calls: {}", target.header("From"));
    world.receive(PBX, &response(&target, "200 OK", "tc", "", &TARGET.replace("192.0.2.90", "10.0.0.90")));
    let sent = world.expect(&[(PBX, "ACK"), (GW1, "INVITE sip:bob@192.0.2.7")]);
    assert_eq!(sent[1].header("Call-ID"), first.header("Call-ID"));
    world.receive(GW1, &response(&sent[1], "200 OK", "tb", "", ANSWER));
    let sent = world.expect(&[(GW1, "ACK"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 200 OK\r\n");
    fine(&mut world, &sent[1]);
    let bye = world.expect(&[(PBX, "BYE sip:alice@10.0.0.21:5060")]).remove(0);
    fine(&mut world, &bye);
    world.receive(GW1, &from_callee("BYE", 8, &first, "tb", "b1", ""));
    let sent = world.expect(&[(GW1, "SIP/2.0 200"), (PBX, "BYE")]);
    fine(&mut world, &sent[1]);
    world.settle();
    let transfer = &world.records[0].transfers[0];
    assert_eq!(
        (transfer.how, transfer.status, &*transfer.to),
        (TransferHow::Blind, 200, "sip.pstnhub.example")
    );
    assert!(world.records[0].decision.contains("route refer"), "{}", world.records[0].decision);
}

#[test]
fn a_number_goes_back_as_well_and_headers_in_the_uri_do_not() {
    let mut world = World::new(&config(BACK, ""));
    let (_, ok) = answered(&mut world);
    let uri = "sip:+4420711111@sip.pstnhub.example:5061;user=phone;x-m=8:orgid:fce2";
    let left = refer(&mut world, &ok, 2, &format!("<{uri}?Priority=urgent>"), "");
    assert_eq!(lines(&left)[2], (PBX.into(), format!("INVITE {uri}")));
    assert_eq!(left[2].header("Referred-By"), "", "there was none");
    assert_eq!(left[2].header("Priority"), "");
}

#[test]
fn a_target_that_refuses_there_leaves_the_call_as_it_was() {
    let mut world = World::new(&config(BACK, ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, &format!("<{URI}>"), "");
    fine(&mut world, &left[1]);
    world.receive(PBX, &response(&left[2], "404 Not Found", "tc", "", ""));
    let sent = world.expect(&[(PBX, "ACK"), (PBX, "NOTIFY")]);
    assert_eq!(sent[1].body(), "SIP/2.0 404 Not Found\r\n");
    assert_eq!(world.board.live_calls(), 1);
}

#[test]
fn where_targets_are_routed_one_without_a_number_is_refused() {
    let mut world = World::new(&config("refer = \"local\"", ""));
    let (_, ok) = answered(&mut world);
    let left = refer(&mut world, &ok, 2, &format!("<{URI}>"), "");
    assert_eq!(left.len(), 1, "{:?}", lines(&left));
    assert!(left[0].start().starts_with("SIP/2.0 4"), "{}", left[0].start());
}
