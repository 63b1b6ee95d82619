//! A name server whose answers change, fail and come back while questions are asked.

use super::dnsmasq::Hosts;
use super::*;
use std::sync::mpsc::Receiver;

/// Questions under way at a time.
const LOAD: usize = 12;

/// A resolver and what it answers.
struct Asker {
    dns: Dns,
    answers: Receiver<Answer>,
    asked: u32,
}

impl Asker {
    fn new(server: &Server) -> Asker {
        let (sender, answers) = channel();
        let sender = std::sync::Mutex::new(sender);
        let servers = DnsServers::Fixed(vec![server.address]);
        let dns = Dns::start(servers, move |answer| drop(sender.lock().unwrap().send(answer))).unwrap();
        Asker { dns, answers, asked: 0 }
    }

    fn send(&mut self, host: &str, port: Option<u16>) {
        self.asked += 1;
        let question = Question {
            servers: Vec::new(),
            revision: 1,
            gateway: GatewayId(self.asked),
            host: host.to_owned(),
            port,
            transport: Some(Udp),
            ours: vec![Udp],
            family: Family::V4,
        };
        assert!(self.dns.ask(question));
    }

    fn next(&self) -> Resolution {
        self.answers.recv_timeout(PATIENCE).expect("an answer").resolution
    }

    fn ask(&mut self, host: &str, port: Option<u16>) -> Resolution {
        self.send(host, port);
        self.next()
    }
}

/// Sorted addresses and the trouble, or the reason and whether it is a denial.
fn told(resolution: &Resolution) -> Result<(Vec<String>, Option<String>), (String, bool)> {
    match resolution {
        Resolution::Found { choices, trouble, .. } => {
            let mut all: Vec<String> = choices.iter().map(|c| c.target.address.to_string()).collect();
            all.sort();
            Ok((all, trouble.clone()))
        }
        Resolution::Failed { reason, denied, .. } => Err((reason.clone(), *denied)),
    }
}

fn found(addresses: &[&str]) -> Result<(Vec<String>, Option<String>), (String, bool)> {
    Ok((addresses.iter().map(ToString::to_string).collect(), None))
}

fn hosts(name: &str, lines: &str) -> Hosts {
    Hosts::new(&std::env::temp_dir().join(format!("tronco-dns-{}-{name}", std::process::id())), lines)
}

fn with_srv(more: &[&str]) -> Vec<String> {
    let mut records = vec![
        "--srv-host=_sip._udp.live.test,one.test,5060,1,10".to_owned(),
        "--srv-host=_sip._udp.live.test,two.test,5070,1,10".to_owned(),
        "--local-ttl=0".to_owned(),
    ];
    records.extend(more.iter().map(ToString::to_string));
    records
}

#[test]
fn answers_that_change_under_load_are_followed_without_a_gap() {
    let before = "127.0.3.1 one.test\n127.0.3.2 two.test\n";
    let file = hosts("load", before);
    let server = Server::start_with(&with_srv(&[&file.option()]));
    let mut asker = Asker::new(&server);
    let old = found(&["127.0.3.1:5060", "127.0.3.2:5070"]);
    for _ in 0..LOAD {
        asker.send("live.test", None);
    }
    for _ in 0..5 * LOAD {
        assert_eq!(told(&asker.next()), old);
        asker.send("live.test", None);
    }
    file.change(&server.running, "127.0.3.3 one.test\n127.0.3.2 two.test\n");
    let new = found(&["127.0.3.2:5070", "127.0.3.3:5060"]);
    let mut in_a_row = 0;
    while in_a_row < 2 * LOAD {
        let answer = told(&asker.next());
        assert!(answer == old || answer == new, "{answer:?}");
        in_a_row = if answer == new { in_a_row + 1 } else { 0 };
        asker.send("live.test", None);
    }
}

#[test]
fn a_host_that_loses_its_address_takes_no_other_with_it() {
    let file = hosts("lost", "127.0.3.1 one.test\n127.0.3.2 two.test\n");
    let server = Server::start_with(&with_srv(&[&file.option()]));
    let mut asker = Asker::new(&server);
    assert_eq!(told(&asker.ask("live.test", None)), found(&["127.0.3.1:5060", "127.0.3.2:5070"]));
    file.change(&server.running, "127.0.3.2 two.test\n");
    let new = found(&["127.0.3.2:5070"]);
    while told(&asker.ask("live.test", None)) != new {}
}

#[test]
fn while_the_server_is_away_its_last_answer_is_used() {
    let records = with_srv(&["--host-record=one.test,127.0.3.1", "--host-record=two.test,127.0.3.2"]);
    let server = Server::start_with(&records);
    let address = server.address;
    let mut asker = Asker::new(&server);
    assert_eq!(told(&asker.ask("live.test", None)), found(&["127.0.3.1:5060", "127.0.3.2:5070"]));
    drop(server);
    let (addresses, trouble) = told(&asker.ask("live.test", None)).unwrap();
    assert_eq!(addresses, ["127.0.3.1:5060", "127.0.3.2:5070"]);
    assert_eq!(trouble.as_deref(), Some("the DNS does not answer; its last known answer is used"));
    assert_eq!(
        told(&asker.ask("never.test", Some(5060))),
        Err(("the DNS does not answer".to_owned(), false))
    );
    // It comes back with other records: they count as soon as it is asked again.
    let records = with_srv(&["--host-record=one.test,127.0.3.4", "--host-record=two.test,127.0.3.2"]);
    let _server = Server::at(address, &records).expect("the same port");
    let new = found(&["127.0.3.2:5070", "127.0.3.4:5060"]);
    while told(&asker.ask("live.test", None)) != new {}
}

#[test]
fn a_denial_is_an_answer_and_forgets_what_was_known() {
    let server = Server::start_with(&with_srv(&["--host-record=one.test,127.0.3.1"]));
    let address = server.address;
    let mut asker = Asker::new(&server);
    assert_eq!(told(&asker.ask("one.test", Some(5060))), found(&["127.0.3.1:5060"]));
    drop(server);
    let server = Server::at(address, &with_srv(&[])).expect("the same port");
    while told(&asker.ask("one.test", Some(5060))) != Err(("no such name".to_owned(), true)) {}
    drop(server);
    let away = told(&asker.ask("one.test", Some(5060)));
    assert_eq!(away, Err(("the DNS does not answer".to_owned(), false)));
}

#[test]
fn priorities_and_weights_reach_whoever_draws() {
    let server = Server::start();
    let mut asker = Asker::new(&server);
    let Resolution::Found { choices, .. } = asker.ask("share.test", None) else { panic!("found") };
    let mut shares: Vec<(String, u16, u16)> =
        choices.iter().map(|c| (c.target.address.ip().to_string(), c.rank, c.weight)).collect();
    shares.sort();
    let expected = [("127.0.1.1", 2, 10), ("127.0.1.2", 1, 30), ("127.0.2.1", 1, 70), ("127.0.2.2", 1, 70)];
    assert_eq!(shares, expected.map(|(ip, rank, weight)| (ip.to_owned(), rank, weight)));
    let host = |last: &str| choices.iter().find(|c| c.target.address.ip().to_string() == last).unwrap().host;
    assert_eq!(host("127.0.2.1"), host("127.0.2.2"), "addresses of one host share its weight");
    assert_ne!(host("127.0.2.1"), host("127.0.1.2"));
}
