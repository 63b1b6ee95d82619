//! The limits of connections, with a clock that the test moves and foreign peers on loopback.

mod strangers;
mod times;

use super::*;
use crate::node::start::raise_descriptor_limit;
use crate::poll::News;
use crate::secrets::Secrets;
use crate::shard::tests::bench::{PATIENCE, config};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A pool with one port, and what comes of it.
struct Ground {
    poll: Poll,
    pool: Pool,
    rules: TlsRules,
    port: SocketAddr,
    /// The networks (first three bytes of IPv4) whose peers belong to a trunk.
    known: Vec<[u8; 3]>,
    heard: Vec<Vec<u8>>,
    failures: Vec<(SendToken, SendError)>,
}

/// So many milliseconds after the birth.
fn at(ms: u64) -> Time {
    Time::from_millis(ms)
}

impl Ground {
    /// A TCP port; peers of 127.0.0.0/24 are known.
    fn new() -> Ground {
        Ground::with(
            Transport::Tcp,
            &config("\"udp:5060\", \"tcp:5060\"", "", "gateways = [\"127.0.0.1:9\"]"),
        )
    }

    fn with(transport: Transport, config: &config::Config) -> Ground {
        raise_descriptor_limit();
        let listener =
            Listener::bind(ListenId(0), transport, SocketAddr::from(([127, 0, 0, 1], 0)), 0).unwrap();
        let port = listener.local;
        let poll = Poll::new().unwrap();
        let pool = Pool::new(vec![listener], 1, (1, 2), Limits::default());
        pool.watch(&poll).unwrap();
        let rules = TlsRules::build(config, &Secrets::default()).unwrap();
        Ground { poll, pool, rules, port, known: vec![[127, 0, 0]], heard: Vec::new(), failures: Vec::new() }
    }

    /// Waits until something has come, and takes it.
    fn turn(&mut self, now: Time) {
        let mut news = News::new();
        self.poll.wait(Some(PATIENCE), &mut news).unwrap();
        assert!(!news.ready.is_empty(), "something comes");
        let known = self.known.clone();
        let whose = |flow: &Flow, _: &[String]| match flow.remote.ip() {
            IpAddr::V4(v4) => known.iter().any(|net| v4.octets().starts_with(net)),
            IpAddr::V6(_) => false,
        };
        let reached = Reached::new();
        let interfaces = [(IpAddr::from([127, 0, 0, 1]), 0)];
        for one in &news.ready {
            match one.source {
                Source::Listener(index) => {
                    let net = Net {
                        poll: &self.poll,
                        rules: &self.rules,
                        reached: &reached,
                        interfaces: &interfaces,
                    };
                    self.pool.accept(index, now, &net, &whose);
                }
                Source::Stream(id) => {
                    let heard = &mut self.heard;
                    self.pool.ready(id, *one, now, &mut |_, _, bytes| heard.push(bytes.to_vec()));
                    self.pool.met(id, &whose);
                }
                _ => {}
            }
        }
        self.pool.finish(now, &self.poll, &mut self.failures);
    }

    /// Turns until the pool has accepted so many.
    fn accepted(&mut self, now: Time, count: u64) {
        while self.pool.counters.accepted < count {
            self.turn(now);
        }
    }

    /// Turns until so many whole messages were heard.
    fn heard(&mut self, now: Time, count: usize) {
        while self.heard.len() < count {
            self.turn(now);
        }
    }

    /// Looks at the limits of time, with so many live calls.
    fn look(&mut self, now: Time, calls: usize) {
        let known = self.known.clone();
        self.pool.sweep(now, calls, &self.poll, &|flow, _| match flow.remote.ip() {
            IpAddr::V4(v4) => known.iter().any(|net| v4.octets().starts_with(net)),
            IpAddr::V6(_) => false,
        });
        self.pool.finish(now, &self.poll, &mut self.failures);
    }

    fn closed_by(&self, cause: &str) -> u64 {
        self.pool.counters.closed_by(cause)
    }

    fn open(&self) -> usize {
        self.pool.streams.len()
    }

    fn limit_hits(&self, name: &str) -> u64 {
        self.pool.limits().iter().find(|limit| limit.name == name).unwrap().hits
    }

    /// A peer of this address connects.
    fn connect(&self, from: [u8; 4]) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect(&self.port.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// All that a peer was sent until its connection was closed.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A connection that is closed with unread bytes is reset; what came before counts.
    let _ = stream.read_to_end(&mut all);
    all
}
