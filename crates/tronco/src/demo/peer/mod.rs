//! The scripted peers: an IP-PBX and a provider, each one thread with a SIP socket and one thread for each
//! audio stream, and a gateway that is dead. Enter through [`Sockets::bind`] and [`Peers::start`].

mod audio;
mod called;
mod calling;
mod leg;
pub(super) mod message;
mod wire;

use super::board::{Board, Side};
use super::ground::Ground;
use super::script::{Role, Script, Way};
use audio::{Line, Progress};
use leg::{Leg, Part, Stage, Talks};
use message::{Message, response};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wire::Wire;

/// How long a leg is remembered after its end, for messages that come again.
const REMEMBERED: Duration = Duration::from_secs(5);
/// Calls of visitors at a time, for each peer.
const VISITORS_MAX: usize = 100;
/// How often the dead gateway looks whether the demo is over.
const DEAD_TICK: Duration = Duration::from_millis(50);
/// How long one datagram on loopback may take.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// Largest datagram.
const DATAGRAM_MAX: usize = 65_535;

/// The peers' SIP sockets.
pub(super) struct Sockets {
    pbx: UdpSocket,
    itsp: UdpSocket,
    dead: UdpSocket,
}

impl Sockets {
    /// Binds them all, or none.
    pub(super) fn bind(ground: &Ground) -> io::Result<Sockets> {
        Ok(Sockets {
            pbx: UdpSocket::bind(ground.pbx())?,
            itsp: UdpSocket::bind(ground.itsp())?,
            dead: UdpSocket::bind(ground.dead())?,
        })
    }

    /// Whether a datagram gets from one to another: loopback may be down, or filtered.
    pub(super) fn can_talk(&self) -> bool {
        let word = b"\r\n\r\n";
        let talk = || -> io::Result<usize> {
            self.itsp.set_read_timeout(Some(PROBE_WITHIN))?;
            self.pbx.send_to(word, self.itsp.local_addr()?)?;
            self.itsp.recv_from(&mut [0; 16]).map(|(length, _)| length)
        };
        talk().is_ok_and(|length| length == word.len())
    }
}

/// What the peers and the demo tell each other while they run.
#[derive(Debug, Default)]
struct Signals {
    /// The scripts are done; visitors are welcome.
    open: AtomicBool,
    /// Legs that still stand are to be told as they are.
    close: AtomicBool,
    stop: AtomicBool,
}

/// The running peers. Dropping them ends them.
pub(super) struct Peers {
    signals: Arc<Signals>,
    threads: Vec<JoinHandle<()>>,
}

impl Peers {
    /// Starts them; calls are placed from `begin` on.
    pub(super) fn start(
        sockets: Sockets,
        ground: &Ground,
        scripts: &Arc<[Script]>,
        board: &Arc<Board>,
        begin: Instant,
    ) -> io::Result<Peers> {
        let signals = Arc::new(Signals::default());
        let talks: Arc<[(Arc<Progress>, Arc<Progress>)]> =
            scripts.iter().map(|_| Default::default()).collect();
        let mut peers = Peers { signals: Arc::clone(&signals), threads: Vec::new() };
        let outer = [ground.outside(), ground.itsp(), ground.dead()].map(|a| a.ip().to_string());
        let inner = [ground.inside(), ground.pbx()].map(|a| a.ip().to_string());
        let pbx = Wire::new(sockets.pbx, ground.inside(), Side::Pbx, Arc::clone(board), outer.into())?;
        let itsp = Wire::new(sockets.itsp, ground.outside(), Side::Itsp, Arc::clone(board), inner.into())?;
        for (name, wire) in [("demo-pbx", pbx), ("demo-itsp", itsp)] {
            let peer = Peer {
                wire,
                scripts: Arc::clone(scripts),
                talks: Arc::clone(&talks),
                signals: Arc::clone(&signals),
                begin,
                placed: 0,
                legs: Vec::new(),
                next_port: 0,
            };
            peers.threads.push(std::thread::Builder::new().name(name.into()).spawn(move || peer.run())?);
        }
        let (dead, board) = (sockets.dead, Arc::clone(board));
        dead.set_read_timeout(Some(DEAD_TICK))?;
        let lies = move || lie_dead(&dead, &board, &signals);
        peers.threads.push(std::thread::Builder::new().name("demo-dead".into()).spawn(lies)?);
        Ok(peers)
    }

    /// Makes every scripted leg that is not over tell how it stands.
    pub(super) fn close(&self) {
        self.signals.close.store(true, Ordering::Relaxed);
    }

    /// From now on every call is answered with a tone.
    pub(super) fn open(&self) {
        self.signals.open.store(true, Ordering::Relaxed);
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.signals.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic of its own has been told by its thread.
            let _ = thread.join();
        }
    }
}

/// Takes everything, says nothing.
fn lie_dead(socket: &UdpSocket, board: &Board, signals: &Signals) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while !signals.stop.load(Ordering::Relaxed) {
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
        let bytes = buffer.get(..length).unwrap_or_default();
        let message = Message(String::from_utf8_lossy(bytes).into_owned());
        if message.method() != "OPTIONS" {
            board.knocked(message);
        }
    }
}

struct Peer {
    wire: Wire,
    scripts: Arc<[Script]>,
    /// The caller's and the callee's audio of each script.
    talks: Arc<[(Arc<Progress>, Arc<Progress>)]>,
    signals: Arc<Signals>,
    begin: Instant,
    /// Scripts that have been looked at.
    placed: usize,
    legs: Vec<Leg>,
    next_port: u16,
}

impl Peer {
    fn run(mut self) {
        let mut buffer = Vec::new();
        while !self.signals.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            self.place_due(now);
            if self.signals.close.load(Ordering::Relaxed) {
                self.legs.iter_mut().filter(|leg| leg.part.script.is_some()).for_each(close);
            }
            self.legs.iter_mut().for_each(|leg| leg.tick(now, &self.wire));
            self.legs.retain(|leg| !matches!(leg.stage, Stage::Over(since) if now > since + REMEMBERED));
            if let Some((message, from)) = self.wire.receive(&mut buffer)
                && from == self.wire.server
            {
                self.take(&message);
            }
        }
        self.legs.iter_mut().for_each(Leg::end);
    }

    /// Places the calls of this side that are due.
    fn place_due(&mut self, now: Instant) {
        let own = if self.wire.side == Side::Pbx { Way::Out } else { Way::In };
        let scripts = Arc::clone(&self.scripts);
        while let Some(script) = scripts.get(self.placed) {
            if now < self.begin + script.start {
                return;
            }
            if script.way == own
                && let Some(line) = self.line()
            {
                let talks = self.talks_of(script, Role::Caller);
                self.legs.push(Leg::place(script, line, talks, &self.wire));
            }
            self.placed += 1;
        }
    }

    fn line(&mut self) -> Option<Line> {
        let opened = Line::open(self.wire.me.ip(), &mut self.next_port);
        opened.map_err(|error| self.wire.board.stray(format!("no ports for audio: {error}"))).ok()
    }

    fn talks_of(&self, script: &Script, role: Role) -> Talks {
        let Some((caller, callee)) = self.talks.get(script.number - 1).cloned() else {
            return Talks::default();
        };
        match role {
            Role::Caller => Talks { own: caller, other: callee },
            Role::Callee => Talks { own: callee, other: caller },
        }
    }

    fn take(&mut self, message: &Message) {
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.owns(message)) {
            return leg.take(message, &self.wire);
        }
        match message.method() {
            "" | "ACK" => {}
            "INVITE" if !message.is_within() => self.take_invite(message),
            "OPTIONS" => self.reply(message, "200 OK"),
            _ => self.reply(message, "481 Call/Transaction Does Not Exist"),
        }
    }

    fn reply(&self, message: &Message, status: &str) {
        let text = response(message, status, &self.wire.token(), "", "");
        self.wire.send(None, &text, self.wire.server);
    }

    /// A new call: one of the scripts', or after them a visitor's.
    fn take_invite(&mut self, message: &Message) {
        let open = self.signals.open.load(Ordering::Relaxed);
        let own = if self.wire.side == Side::Pbx { Way::In } else { Way::Out };
        let scripts = Arc::clone(&self.scripts);
        let expected = scripts.iter().find(|s| s.way == own && s.called_shown == message.called());
        let (part, talks) = match (expected.filter(|_| !open), message.media()) {
            (Some(script), _) => (Part::scripted(script, Role::Callee), self.talks_of(script, Role::Callee)),
            (None, Some((_, law))) if open && self.visitors() < VISITORS_MAX => {
                let own = Arc::<Progress>::default();
                (Part::open(law), Talks { own: Arc::clone(&own), other: own })
            }
            (None, _) if open => return self.reply(message, "486 Busy Here"),
            (None, _) => {
                let (side, called) = (self.wire.side.name(), message.called());
                self.wire.board.stray(format!("the {side} got a call to {called}, which no script expects"));
                return self.reply(message, "404 Not Found");
            }
        };
        match (message.media(), self.line()) {
            (Some((wants, law)), Some(line)) if law == part.law => {
                self.legs.push(Leg::take_call(message, wants, part, line, talks, &self.wire));
            }
            (None, _) | (Some(_), Some(_)) => self.reply(message, "488 Not Acceptable Here"),
            (Some(_), None) => self.reply(message, "500 Server Internal Error"),
        }
    }

    fn visitors(&self) -> usize {
        self.legs.iter().filter(|leg| leg.part.script.is_none()).count()
    }
}

fn close(leg: &mut Leg) {
    if !matches!(leg.stage, Stage::Ending | Stage::Over(_)) {
        leg.fail("not over when the demo's time was".into());
    }
}
