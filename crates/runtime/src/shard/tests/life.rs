//! Birth, questions, faults and death of a node.

use super::bench::*;
use crate::{ApplyError, NoJournal, Node, NodeOptions, Secrets, StartError};
use b2bua::Snapshot;
use base::Transport::{Tcp, Udp};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn a_taken_port_is_the_environments_fault_and_names_itself() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config("\"udp:5060\", \"tcp:5060\"", "", "gateways = [\"127.0.0.1:9\"]");
    config.listens[0].sip[1].port = taken.local_addr().unwrap().port();
    let error = Bench::try_start(config).err().unwrap();
    assert!(
        matches!(&error, StartError::PortInUse { listen, transport: Tcp, .. } if listen == "inside"),
        "{error}"
    );
    assert!(!error.is_configuration());
}

#[test]
fn a_foreign_address_and_a_missing_certificate_are_the_configurations_fault() {
    let mut foreign = config("\"udp:5060\"", "", "gateways = [\"127.0.0.1:9\"]");
    foreign.listens[0].address = "192.0.2.77".parse().unwrap();
    let error = Bench::try_start(foreign).err().unwrap();
    assert!(matches!(error, StartError::AddressNotOurs { .. }) && error.is_configuration(), "{error}");

    let tls = "tls = { cert = \"/nonexistent/chain.pem\", key = { file = \"/nonexistent/key.pem\" } }";
    let missing = config("\"tls:5061\"", tls, "gateways = [\"127.0.0.1:9;transport=tls\"]");
    let error = Bench::try_start(missing).err().unwrap();
    assert!(error.is_configuration() && error.to_string().contains("listen.inside.tls.cert"), "{error}");
}

#[test]
fn a_panic_costs_one_input() {
    let bench = plain();
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    ours.send_to(b"PANIC", bench.address(Udp)).unwrap();
    ours.send_to(&request(1, 0), bench.address(Udp)).unwrap();
    assert_eq!(ours.recv(&mut [0; 1500]).unwrap(), request(1, 0).len());
    assert_eq!(bench.counters().shard.panics, 1);
}

#[test]
fn a_stop_waits_for_calls_and_cuts_those_that_stay() {
    let mut bench = plain();
    let handle = bench.node().handle();
    let stopped = bench.node.take().unwrap().stop(Duration::from_secs(60));
    assert_eq!((stopped.ended_calls, stopped.cut_calls), (0, 0));
    assert!(matches!(bench.next(), Seen::Drain));
    assert!(handle.status().is_err());

    let mut bench = plain();
    bench.live.store(3, Ordering::SeqCst);
    let stopped = bench.node.take().unwrap().stop(Duration::ZERO);
    assert_eq!((stopped.ended_calls, stopped.cut_calls), (0, 3));
    assert!(matches!((bench.next(), bench.next()), (Seen::Drain, Seen::EndAll)));
}

#[test]
fn what_needs_a_restart_is_not_applied() {
    let bench = plain();
    let handle = bench.node().handle();
    let mut other = bench.config.clone();
    other.trunks[0].calls_max = Some(7);
    handle.apply(Arc::new(Snapshot::new(other.clone(), 2))).unwrap();
    assert_eq!(handle.snapshot().unwrap().revision, 2);
    other.listens[0].sip[0].port = 5999;
    let error = handle.apply(Arc::new(Snapshot::new(other, 3))).unwrap_err();
    assert!(matches!(error, ApplyError::NeedsRestart { .. }), "{error}");
    assert_eq!(handle.snapshot().unwrap().revision, 2);
}

#[test]
fn a_gateways_name_is_resolved_for_its_interface() {
    let bench = Bench::start(config("\"udp:5060\"", "", "gateways = [\"localhost:5070\"]"));
    match bench.next() {
        Seen::Resolved(Ok(targets)) => {
            let address = "127.0.0.1:5070".parse().unwrap();
            assert_eq!(targets, [b2bua::Target { address, transport: Udp }]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_node_answers_its_gateways_options() {
    let config =
        config("\"udp:5060\", \"tcp:5060\"", "", "gateways = [\"127.0.0.1:9\"]\noptions_interval = 0");
    let node = Node::start(NodeOptions {
        snapshot: Arc::new(Snapshot::new(config, 1)),
        secrets: Secrets::from_env(),
        journal: Box::new(NoJournal),
        seed: None,
        cpu: Some(0),
        fast_path: Err("not asked for".to_owned()),
    })
    .unwrap();
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = node.local_addresses()[0].address;
    let request = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n\
         To: <sip:{to}>\r\nCall-ID: 1@a.example\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        ours.local_addr().unwrap()
    );
    ours.send_to(request.as_bytes(), to).unwrap();
    let mut buffer = [0; 4096];
    let length = ours.recv(&mut buffer).unwrap();
    assert!(buffer[..length].starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&buffer[..length]));
    assert_eq!(node.handle().trunks().unwrap().len(), 1);
    assert_eq!(node.handle().calls().unwrap().len(), 0);
    assert_eq!(node.handle().engine_status().unwrap().sessions, 0);
    assert_eq!(node.stop(Duration::ZERO).cut_calls, 0);
}
