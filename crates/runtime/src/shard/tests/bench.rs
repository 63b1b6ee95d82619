//! A brain that returns what it gets and sends what it is told, and a node around it.

use crate::brain::Brain;
use crate::dns::DnsServers;
use crate::node::{Node, NodeOptions, StartError};
use crate::secrets::Secrets;
use crate::{JournalError, JournalSink};
use b2bua::view::{CallView, StatusView, TrunkView};
use b2bua::{CallKey, Command, Input, JournalEvent, Outbox, Resolution, Snapshot};
use base::{ListenId, Time, Transport, TrunkId, WallTime};
use config::{Config, Format};
use sip_core::{Flow, SendError, SendToken, Transmit};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A guard against a test that hangs; nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the brain saw.
#[derive(Debug)]
pub(super) enum Seen {
    Message(Flow, Vec<String>, Vec<u8>),
    Failed(SendToken, SendError),
    Resolved(Result<Vec<b2bua::Target>, String>),
    Drain,
    EndAll,
}

/// What the brain is told to send; a connection without bytes is to be closed.
pub(super) struct Order {
    pub(super) flow: Flow,
    pub(super) bytes: Vec<u8>,
    pub(super) token: Option<SendToken>,
}

struct Echo {
    seen: Sender<Seen>,
    orders: Arc<Mutex<VecDeque<Order>>>,
    live: Arc<AtomicUsize>,
    strangers: Arc<AtomicBool>,
    deadline: Option<Time>,
}

impl Echo {
    fn send(out: &mut Outbox, flow: Flow, bytes: &[u8], token: Option<SendToken>) {
        if bytes.is_empty() {
            return out.sip.closes.extend(flow.conn);
        }
        let start = out.sip.bytes.len();
        out.sip.bytes.extend_from_slice(bytes);
        out.sip.transmits.push(Transmit { flow, range: start..out.sip.bytes.len(), token });
    }
}

impl Brain for Echo {
    fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox) {
        match input {
            Input::Message { bytes, .. } if bytes.starts_with(b"PANIC") => panic!("asked for"),
            Input::Message { flow, verified, bytes } => {
                out.journal.push(JournalEvent::Progress {
                    call: CallKey(0),
                    at: WallTime::default(),
                    attempt: 1,
                    status: 180,
                });
                if !bytes.starts_with(b"SIP/2.0") && self.knows(&flow, verified) {
                    Echo::send(out, flow, bytes, None);
                }
                let _ = self.seen.send(Seen::Message(flow, verified.to_vec(), bytes.to_vec()));
            }
            Input::SendFailed { token, error } => drop(self.seen.send(Seen::Failed(token, error))),
            Input::Resolved { resolution, .. } => {
                let seen = match resolution {
                    Resolution::Found { choices, .. } => Ok(choices.iter().map(|c| c.target).collect()),
                    Resolution::Failed { reason, .. } => Err(reason),
                };
                let _ = self.seen.send(Seen::Resolved(seen));
            }
            Input::Command(Command::Drain) => {
                let _ = self.seen.send(Seen::Drain);
                self.deadline = Some(now + Duration::from_millis(1));
            }
            Input::Command(Command::EndAll) => {
                let _ = self.seen.send(Seen::EndAll);
                self.live.store(0, Ordering::SeqCst);
            }
            Input::Command(_) => {
                for order in self.orders.lock().unwrap().drain(..) {
                    Echo::send(out, order.flow, &order.bytes, order.token);
                }
            }
            Input::Timeout => self.deadline = None,
            Input::Media(_) | Input::Closed(_) | Input::Pong(_) => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn live_calls(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    fn knows(&self, _: &Flow, verified: &[String]) -> bool {
        !self.strangers.load(Ordering::SeqCst) || !verified.is_empty()
    }

    fn calls(&self) -> Vec<CallView> {
        Vec::new()
    }

    fn trunks(&self, _: Time) -> Vec<TrunkView> {
        Vec::new()
    }

    fn status(&self) -> StatusView {
        StatusView::default()
    }
}

/// Counts what it was given.
struct Counting(Arc<AtomicUsize>);

impl JournalSink for Counting {
    fn append(&mut self, events: &[JournalEvent]) -> Result<(), JournalError> {
        self.0.fetch_add(events.len(), Ordering::SeqCst);
        Ok(())
    }
}

/// A node with an echo in it.
pub(super) struct Bench {
    pub(super) node: Option<Node>,
    seen: Receiver<Seen>,
    orders: Arc<Mutex<VecDeque<Order>>>,
    pub(super) live: Arc<AtomicUsize>,
    /// Whoever shows no certificate belongs to no trunk.
    pub(super) strangers: Arc<AtomicBool>,
    pub(super) journalled: Arc<AtomicUsize>,
    pub(super) config: Config,
}

/// One interface on loopback with free ports, one trunk; `extra` is added to the text.
pub(crate) fn config(sip: &str, listen_extra: &str, trunk_extra: &str) -> Config {
    let text = format!(
        "version = 1\ncountry = \"DE\"\n\
         [listen.inside]\naddress = \"127.0.0.1\"\nsip = [{sip}]\n{listen_extra}\n\
         [trunk.pbx]\nkind = \"direct\"\nlisten = \"inside\"\noverride = {{ media = \"direct\" }}\n{trunk_extra}\n\
         [[route]]\nname = \"all\"\nmatch = {{ called = \"*\" }}\nto = \"pbx\"\n"
    );
    let loaded = config::parse(&text, "test.toml", Format::Toml).unwrap_or_else(|d| panic!("{d:?}\n{text}"));
    let mut config = loaded.config;
    for sip in config.listens.iter_mut().flat_map(|l| &mut l.sip) {
        sip.port = 0;
    }
    config
}

/// UDP and TCP.
pub(super) fn plain() -> Bench {
    Bench::start(config("\"udp:5060\", \"tcp:5060\"", "", "gateways = [\"127.0.0.1:9\"]"))
}

impl Bench {
    pub(super) fn start(config: Config) -> Bench {
        Bench::try_start(config).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(super) fn try_start(config: Config) -> Result<Bench, StartError> {
        Bench::start_with_dns(config, DnsServers::System)
    }

    pub(super) fn start_with_dns(config: Config, servers: DnsServers) -> Result<Bench, StartError> {
        let (sender, seen) = channel();
        let orders = Arc::new(Mutex::new(VecDeque::new()));
        let (live, journalled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let options = NodeOptions {
            snapshot: Arc::new(Snapshot::new(config.clone(), 1)),
            secrets: Secrets::default(),
            journal: Box::new(Counting(journalled.clone())),
            seed: Some((1, 2)),
            cpu: None,
            fast_path: Err("not asked for".to_owned()),
        };
        let (for_echo, for_live) = (orders.clone(), live.clone());
        let strangers = Arc::new(AtomicBool::new(false));
        let for_knows = strangers.clone();
        let certificate = Arc::new(dtls::Certificate::make().unwrap());
        let node =
            crate::node::start::launch(options, (servers, certificate), move |_, _, snapshot, _, out| {
                for (index, gateway) in snapshot.config.gateways.iter().enumerate() {
                    if let config::Host::Name(_) = gateway.host {
                        out.resolve.push(b2bua::ResolveRequest {
                            revision: snapshot.revision,
                            gateway: base::GatewayId(index as u32),
                            host: gateway.host.clone(),
                            port: gateway.port,
                            transport: gateway.transport,
                        });
                    }
                }
                Echo { seen: sender, orders: for_echo, live: for_live, strangers: for_knows, deadline: None }
            })?;
        Ok(Bench { node: Some(node), seen, orders, live, strangers, journalled, config })
    }

    pub(super) fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    pub(super) fn address(&self, transport: Transport) -> SocketAddr {
        self.node().local_addresses().iter().find(|a| a.transport == transport).unwrap().address
    }

    pub(super) fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).expect("the brain sees something")
    }

    /// Sends over a new or pooled way.
    pub(super) fn send(&self, orders: impl IntoIterator<Item = Order>) {
        self.orders.lock().unwrap().extend(orders);
        self.node().handle().command(Command::HangUp(CallKey(0))).unwrap();
    }

    pub(super) fn counters(&self) -> crate::TransportStatus {
        self.node().handle().transport_status().unwrap()
    }
}

/// A way to an address for the first trunk.
pub(crate) fn flow(transport: Transport, remote: SocketAddr) -> Flow {
    Flow { listen: ListenId(0), transport, remote, conn: None, trunk: Some(TrunkId(0)) }
}

/// A request of about the size asked for, numbered.
pub(crate) fn request(number: usize, body: usize) -> Vec<u8> {
    let body = "x".repeat(body);
    format!(
        "OPTIONS sip:tronco SIP/2.0\r\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK{number}\r\n\
         From: <sip:a@a.example>;tag=1\r\nTo: <sip:tronco>\r\nCall-ID: {number}@a.example\r\nCSeq: {number} OPTIONS\r\n\
         Max-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
