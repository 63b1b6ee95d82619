//! RFC 3263 against a real name server (dnsmasq) with records of its own.

mod changing;
#[allow(unreachable_pub, reason = "the file is a public room of the conformance suites")]
#[path = "../../../conformance/src/dnsmasq.rs"]
mod dnsmasq;

use super::*;
use base::Transport::{Tcp, Tls, Udp};
use std::net::{TcpListener, UdpSocket};
use std::sync::mpsc::channel;

/// A guard against a test that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The records of the tests: `order,preference,flags,service,regexp,replacement` for NAPTR.
const RECORDS: &[&str] = &[
    // Everything: NAPTR prefers TCP, then UDP of the same order; TLS only in a later order.
    "--naptr-record=full.test,10,20,s,SIP+D2U,,_sip._udp.full.test",
    "--naptr-record=full.test,10,10,S,sip+d2t,,_sip._tcp.full.test",
    "--naptr-record=full.test,50,1,s,SIPS+D2T,,_sips._tcp.full.test",
    "--naptr-record=full.test,1,1,u,E2U+sip,!^.*$!sip:x@y!,",
    "--srv-host=_sip._udp.full.test,a.test,5070,10,5",
    "--srv-host=_sip._tcp.full.test,b.test,5081,20,0",
    "--srv-host=_sip._tcp.full.test,a.test,5080,10,0",
    "--srv-host=_sips._tcp.full.test,a.test,5061,1,0",
    // No NAPTR: SRV for the first transport of ours that has any.
    "--srv-host=_sip._tcp.srv.test,a.test,5090,1,0",
    "--srv-host=_sips._tcp.srv.test,a.test,5091,1,0",
    // Neither: the name's own addresses.
    "--host-record=bare.test,127.0.1.9,::9",
    "--host-record=a.test,127.0.1.1,::1,120",
    "--host-record=b.test,127.0.1.2",
    "--host-record=six.test,::6",
    // Two addresses.
    "--host-record=two.test,127.0.2.1",
    "--host-record=two.test,127.0.2.2",
    // Decidedly not offered.
    "--srv-host=_sip._udp.closed.test",
    "--host-record=closed.test,127.0.1.9",
    // One SRV target is dead, the other lives.
    "--srv-host=_sip._udp.half.test,gone.test,5060,1,0",
    "--srv-host=_sip._udp.half.test,b.test,5060,2,0",
    // SRV records that lead nowhere, beside an address.
    "--srv-host=_sip._udp.dangle.test,gone.test,5060,1,0",
    "--host-record=dangle.test,127.0.1.9",
    // Priorities and weights.
    "--srv-host=_sip._udp.share.test,a.test,5060,2,10",
    "--srv-host=_sip._udp.share.test,b.test,5060,1,30",
    "--srv-host=_sip._udp.share.test,two.test,5060,1,70",
    // An address in a domain for which every other question is refused.
    "--host-record=refusing.example,127.0.1.9",
    // An alias.
    "--cname=alias.test,a.test",
    "--local-ttl=120",
];
/// A name server on loopback.
struct Server {
    running: dnsmasq::NameServer,
    address: SocketAddr,
}

impl Server {
    fn start() -> Server {
        let records: Vec<String> = RECORDS.iter().map(ToString::to_string).collect();
        Server::start_with(&records)
    }

    fn start_with(records: &[String]) -> Server {
        // A port free for both; another program may take it meanwhile, then the next is tried.
        for _ in 0..20 {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = tcp.local_addr().unwrap();
            if UdpSocket::bind(address).is_err() {
                continue;
            }
            drop(tcp);
            if let Some(server) = Server::at(address, records) {
                return server;
            }
        }
        panic!("dnsmasq does not start");
    }

    fn at(address: SocketAddr, records: &[String]) -> Option<Server> {
        let running = dnsmasq::NameServer::at(address, records)?;
        Some(Server { address: running.address(), running })
    }
}

/// Host, port, transport, transports of ours, family.
type Asked<'a> = (&'a str, Option<u16>, Option<Transport>, &'a [Transport], Family);
/// The same with the answer expected.
type Case<'a> =
    (&'a str, Option<u16>, Option<Transport>, &'a [Transport], Family, Result<&'a [&'a str], &'a str>);
type Answered = Result<(Vec<String>, Duration), String>;

/// Asks in order, gives the targets as text.
fn ask(server: &Server, questions: Vec<Asked<'_>>) -> Vec<Answered> {
    let (sender, answers) = channel();
    let sender = std::sync::Mutex::new(sender);
    let servers = DnsServers::Fixed(vec![server.address]);
    let dns = Dns::start(servers, move |answer| sender.lock().unwrap().send(answer).unwrap()).unwrap();
    let count = questions.len();
    for (index, (host, port, transport, ours, family)) in questions.into_iter().enumerate() {
        let gateway = GatewayId(index as u32);
        let (host, ours) = (host.to_owned(), ours.to_vec());
        assert!(dns.ask(Question {
            servers: Vec::new(),
            revision: 1,
            gateway,
            host,
            port,
            transport,
            ours,
            family
        }));
    }
    let mut all: Vec<_> = (0..count).map(|_| answers.recv_timeout(PATIENCE).unwrap()).collect();
    all.sort_by_key(|a| a.gateway);
    all.into_iter()
        .map(|answer| match answer.resolution {
            Resolution::Found { choices, ttl, .. } => {
                let text = |c: &b2bua::Choice| format!("{} {}", c.target.transport, c.target.address);
                Ok((choices.iter().map(text).collect(), ttl))
            }
            Resolution::Failed { reason, .. } => Err(reason),
        })
        .collect()
}

#[test]
fn naptr_then_srv_then_addresses_in_order() {
    let server = Server::start();
    let all = [Udp, Tcp, Tls];
    let cases: Vec<Case<'_>> = vec![
        (
            "full.test",
            None,
            None,
            &all,
            Family::V4,
            Ok(&["tcp 127.0.1.1:5080", "tcp 127.0.1.2:5081", "udp 127.0.1.1:5070"]),
        ),
        ("full.test", None, None, &[Udp], Family::V4, Ok(&["udp 127.0.1.1:5070"])),
        ("full.test", None, None, &[Tls], Family::V4, Ok(&["tls 127.0.1.1:5061"])),
        ("full.test", None, None, &all, Family::V6, Ok(&["tcp [::1]:5080", "udp [::1]:5070"])),
        ("full.test", None, Some(Tls), &all, Family::V4, Ok(&["tls 127.0.1.1:5061"])),
        ("srv.test", None, None, &all, Family::V4, Ok(&["tcp 127.0.1.1:5090"])),
        ("srv.test", None, None, &[Tls, Tcp], Family::V4, Ok(&["tls 127.0.1.1:5091"])),
        ("bare.test", None, None, &all, Family::V4, Ok(&["udp 127.0.1.9:5060"])),
        ("bare.test", None, None, &[Tls], Family::V4, Ok(&["tls 127.0.1.9:5061"])),
        ("bare.test", None, Some(Tls), &all, Family::V4, Ok(&["tls 127.0.1.9:5061"])),
        ("bare.test", Some(5999), None, &all, Family::V4, Ok(&["udp 127.0.1.9:5999"])),
        (
            "full.test",
            Some(5999),
            None,
            &all,
            Family::V4,
            Err("the name has no address that this interface can reach"),
        ),
        (
            "six.test",
            None,
            None,
            &all,
            Family::V4,
            Err("the name has no address that this interface can reach"),
        ),
        ("six.test", None, None, &all, Family::V6, Ok(&["udp [::6]:5060"])),
        ("half.test", None, None, &all, Family::V4, Ok(&["udp 127.0.1.2:5060"])),
        ("alias.test", None, None, &all, Family::V4, Ok(&["udp 127.0.1.1:5060"])),
        ("absent.test", None, None, &all, Family::V4, Err("no such name")),
        ("localhost", Some(5060), None, &all, Family::V4, Ok(&["udp 127.0.0.1:5060"])),
        ("bad name", None, None, &all, Family::V4, Err("the name is no domain name")),
    ];
    let questions =
        cases.iter().map(|&(host, port, transport, ours, family, _)| (host, port, transport, ours, family));
    let answers = ask(&server, questions.collect());
    for ((host, port, transport, ours, _, expected), answer) in cases.iter().zip(answers) {
        let answer = answer.map(|(targets, _)| targets);
        let expected =
            expected.map(|e| e.iter().map(ToString::to_string).collect()).map_err(ToString::to_string);
        assert_eq!(answer, expected, "{host} {port:?} {transport:?} {ours:?}");
    }
}

#[test]
fn never_an_address_of_the_name_itself_while_srv_has_or_may_have_records() {
    let server = Server::start();
    let plain = |host, port| (host, port, None, &[Udp, Tcp][..], Family::V4);
    let questions = vec![
        plain("dangle.test", None),
        plain("refusing.example", None),
        plain("refusing.example", Some(5060)),
    ];
    let answers = ask(&server, questions).into_iter().map(|answer| answer.map(|(targets, _)| targets));
    let expected = [
        Err("the name's SRV records lead to no address".to_owned()),
        Err("the DNS answers with an error".to_owned()),
        Ok(vec!["udp 127.0.1.9:5060".to_owned()]),
    ];
    assert_eq!(answers.collect::<Vec<_>>(), expected);
}

#[test]
fn a_service_that_is_not_offered_is_not_replaced_by_the_address() {
    let server = Server::start();
    let answers = ask(&server, vec![("closed.test", None, Some(Udp), &[Udp], Family::V4)]);
    assert_eq!(answers, [Err("the domain says that it does not offer this service".to_owned())]);
}

#[test]
fn answers_hold_as_long_as_their_records() {
    let server = Server::start();
    let answers = ask(&server, vec![("two.test", Some(5060), None, &[Udp], Family::V4)]);
    let (mut targets, ttl) = answers[0].clone().unwrap();
    targets.sort();
    assert_eq!(targets, ["udp 127.0.2.1:5060", "udp 127.0.2.2:5060"]);
    assert!(ttl <= Duration::from_secs(120) && ttl >= TTL_MIN, "{ttl:?}");
}

#[test]
fn an_interface_may_have_servers_of_its_own() {
    let (node, own) = (Server::start(), Server::start_with(&["--host-record=a.test,127.0.9.9".to_owned()]));
    let (sender, answers) = channel();
    let sender = std::sync::Mutex::new(sender);
    let servers = DnsServers::Fixed(vec![node.address]);
    let dns = Dns::start(servers, move |answer| sender.lock().unwrap().send(answer).unwrap()).unwrap();
    let address = |servers: &[SocketAddr]| {
        let (host, ours, servers) = ("a.test".to_owned(), vec![Udp], servers.to_vec());
        let (gateway, port, family) = (GatewayId(0), Some(5060), Family::V4);
        assert!(dns.ask(Question {
            servers,
            revision: 1,
            gateway,
            host,
            port,
            transport: None,
            ours,
            family
        }));
        match answers.recv_timeout(PATIENCE).unwrap().resolution {
            Resolution::Found { choices, .. } => choices[0].target.address.ip().to_string(),
            Resolution::Failed { reason, .. } => reason,
        }
    };
    assert_eq!(address(&[]), "127.0.1.1");
    assert_eq!(address(&[own.address]), "127.0.9.9", "another line, another truth");
    assert_eq!(address(&[]), "127.0.1.1");
    drop(own);
}

#[test]
fn a_silent_server_is_said_to_be_silent() {
    // Bound and never read.
    let mute = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (sender, answers) = channel();
    let sender = std::sync::Mutex::new(sender);
    let servers = DnsServers::Fixed(vec![mute.local_addr().unwrap()]);
    let dns = Dns::start(servers, move |answer| sender.lock().unwrap().send(answer).unwrap()).unwrap();
    let host = "a.test".to_owned();
    let (ours, family) = (vec![Udp], Family::V4);
    dns.ask(Question {
        servers: Vec::new(),
        revision: 1,
        gateway: GatewayId(0),
        host,
        port: Some(1),
        transport: None,
        ours,
        family,
    });
    match answers.recv_timeout(PATIENCE).unwrap().resolution {
        Resolution::Failed { reason, retry, denied } => {
            assert_eq!((reason.as_str(), retry, denied), ("the DNS does not answer", RETRY, false));
        }
        Resolution::Found { .. } => panic!("nobody answered"),
    }
}
