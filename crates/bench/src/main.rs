//! What a relayed packet costs, by engine: `bench [--calls N] [--window N] [--runs N] [--millis N] ENGINE ...` with
//! the engines `portable`, `xdp` and `tcx`. Root, `ip`, `ethtool`, `taskset` and `chrt` are needed.
//!
//! Speaker, relay and hearer are namespaces. At most a window of packets is in flight, over all calls in turn. What a
//! packet costs is the time that the scheduler gave to the relay's worker and to the kernel thread that takes packets
//! from the relay's first device, over the packets that arrived. All run on one processor, and the speaker gives it away
//! only when its window is full: so packets gather as they do on a loaded machine.

use base::ListenId;
use bench::{DEVICES, Host, World, rtp, run};
use fastpath::{Hook, Kernel, Wish};
use media::{Command, Remote, Reply, SessionId, Side};
use runtime::media::{Engine, MediaListen};
use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Fault = Box<dyn std::error::Error>;

/// How long directions have to become lent.
const PATIENCE: Duration = Duration::from_secs(60);
const PROCESSOR: &str = "0";

struct Options {
    calls: u16,
    window: usize,
    runs: usize,
    length: Duration,
}

fn main() -> Result<(), Fault> {
    let (mut options, mut engines) =
        (Options { calls: 1000, window: 128, runs: 5, length: Duration::from_secs(1) }, Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--calls" => options.calls = value()?.parse()?,
            "--window" => options.window = value()?.parse()?,
            "--runs" => options.runs = value()?.parse()?,
            "--millis" => options.length = Duration::from_millis(value()?.parse()?),
            _ => engines.push(word),
        }
    }
    if engines.is_empty() {
        engines = ["portable", "xdp", "tcx"].map(str::to_owned).to_vec();
    }
    let mut first = None;
    for engine in engines {
        let costs = std::thread::scope(|scope| {
            let measured = scope.spawn(|| measure(&engine, &options).map_err(|error| error.to_string()));
            measured.join().unwrap_or_else(|_| Err("the thread has died".to_owned()))
        })?;
        let median = costs[costs.len() / 2];
        let (least, most) = (costs[0], costs[costs.len() - 1]);
        let first = *first.get_or_insert(median);
        let ratio = median / first;
        println!("{engine:9} {median:6.0} ns/packet ({least:.0} to {most:.0}), {ratio:.3} of the first");
    }
    Ok(())
}

/// The relay in its namespace, with calls that are all of one speaker and one hearer.
struct Relay {
    engine: Engine,
    speaker: UdpSocket,
    hearer: UdpSocket,
    /// Our ports towards the speaker and the hearer, by call.
    ports: Vec<[SocketAddr; 2]>,
    numbers: Vec<u16>,
    // It goes last.
    world: World,
}

impl Relay {
    fn start(kind: &str, options: &Options) -> Result<Relay, Fault> {
        let hook = match kind {
            "portable" => None,
            "xdp" => Some(Hook::Xdp),
            "tcx" => Some(Hook::Tcx),
            other => return Err(format!("no engine `{other}`").into()),
        };
        let world = World::new(kind, false)?;
        let (speaker, hearer) = (world.socket(Host::Speaker, 4000)?, world.socket(Host::Hearer, 5000)?);
        for socket in [&speaker, &hearer] {
            socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        }
        world.enter(Host::Relay)?;
        let towards = [Host::Speaker, Host::Hearer].map(|host| world.address(Host::Relay, host));
        let lanes = 4 * usize::from(options.calls);
        let fast = match hook {
            Some(hook) => Ok(Kernel::start(&Wish { addresses: towards.to_vec(), hook: Some(hook), lanes })?),
            None => Err("not asked for".to_owned()),
        };
        let listen = |n: usize| MediaListen {
            id: ListenId(n as u16),
            address: towards[n],
            range: 10_000..=60_000,
            dscp: 46,
        };
        let fast = fast.map(|kernel| Arc::new(kernel) as Arc<dyn media::FastPath>);
        let (listens, certificate) = (vec![listen(0), listen(1)], dtls::Certificate::make()?.into());
        let mut engine = Engine::with_fast_path(listens, 1, certificate, Box::new(|| {}), fast)?;
        let ports = open_calls(&mut engine, options.calls, [&speaker, &hearer], towards)?;
        let numbers = vec![0; ports.len()];
        Ok(Relay { engine, speaker, hearer, ports, numbers, world })
    }

    /// One packet of a call from the speaker.
    fn speak(&mut self, call: usize) -> Result<(), Fault> {
        let number = self.numbers[call];
        self.numbers[call] = number.wrapping_add(1);
        self.speaker.send_to(&rtp(call as u32 + 1, number), self.ports[call][0])?;
        Ok(())
    }

    /// Lets all calls be heard both ways until the kernel has them all, where there is one.
    fn settle(&mut self) -> Result<(), Fault> {
        for n in 0..12 {
            self.answer(n)?;
            self.round()?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.engine.status().fast.reason.is_none() {
            let before = self.engine.status().fast_packets;
            self.round()?;
            self.round()?;
            std::thread::park_timeout(Duration::from_millis(250));
            if self.engine.status().fast_packets - before >= 2 * self.ports.len() as u64 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("not all calls went to the kernel: {:?}", self.engine.status()).into());
            }
        }
        Ok(())
    }

    /// One packet of each call from the hearer, a few in flight.
    fn answer(&self, number: u16) -> Result<(), Fault> {
        for (call, ports) in self.ports.iter().enumerate() {
            self.hearer.send_to(&rtp(77, number), ports[1])?;
            if call % 16 == 15 {
                (0..16).take_while(|_| self.speaker.recv(&mut [0; 256]).is_ok()).for_each(drop);
            }
        }
        Ok(())
    }

    /// One packet of each call, a few in flight; and the time that the worker needs to see it.
    fn round(&mut self) -> Result<(), Fault> {
        for call in 0..self.ports.len() {
            self.speak(call)?;
            if call % 16 == 15 {
                self.take(16);
            }
        }
        self.take(self.ports.len() % 16);
        self.speaker.set_nonblocking(true)?;
        while self.speaker.recv(&mut [0; 256]).is_ok() {}
        Ok(self.speaker.set_nonblocking(false)?)
    }

    /// Takes packets at the hearer; how many came.
    fn take(&self, wanted: usize) -> usize {
        (0..wanted).take_while(|_| self.hearer.recv(&mut [0; 256]).is_ok()).count()
    }

    /// Packets that arrived within a time, with at most a window in flight.
    fn press(&mut self, window: usize, length: Duration) -> Result<u64, Fault> {
        let (began, mut arrived, mut call) = (Instant::now(), 0, 0);
        while began.elapsed() < length {
            for _ in 0..window {
                self.speak(call)?;
                call = (call + 1) % self.ports.len();
            }
            arrived += self.take(window) as u64;
        }
        Ok(arrived)
    }
}

/// Opens the calls and says where their peers are; our ports towards both.
fn open_calls(
    engine: &mut Engine,
    calls: u16,
    peers: [&UdpSocket; 2],
    towards: [IpAddr; 2],
) -> Result<Vec<[SocketAddr; 2]>, Fault> {
    let mut ports = Vec::new();
    for n in 0..calls {
        let session = SessionId(n.into());
        let open = Command::Open { session, a: ListenId(0), b: ListenId(1), streams: 1 };
        let Some(Reply::Opened { ports: opened, .. }) = engine.execute(open) else {
            return Err(format!("call {n} has no ports").into());
        };
        for (side, socket) in [(Side::A, peers[0]), (Side::B, peers[1])] {
            let remote = Remote { timeout: None, ..Remote::audio(socket.local_addr()?) };
            engine.execute(Command::Set { session, side, stream: 0, remote });
        }
        let port = |side: Side| opened.rtp(side, 0).unwrap_or_default();
        ports.push([SocketAddr::new(towards[0], port(Side::A)), SocketAddr::new(towards[1], port(Side::B))]);
    }
    Ok(ports)
}

/// Nanoseconds that a packet costs, run by run, sorted.
fn measure(kind: &str, options: &Options) -> Result<Vec<f64>, Fault> {
    let mut relay = Relay::start(kind, options)?;
    for (host, device) in
        [(Host::Relay, DEVICES[0]), (Host::Relay, DEVICES[1]), (Host::Speaker, "va"), (Host::Hearer, "vb")]
    {
        relay.world.inside(host, &format!("echo 1 > /sys/class/net/{device}/threaded"))?;
    }
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    let worker = thread_of_process("media-0")?;
    let polls = kernel_threads("napi/")?;
    for thread in polls.iter().map(|(_, thread)| thread).chain([&worker, &me]) {
        // One of a network that is just going away may be gone.
        let _ = run(&["taskset", "-cp", PROCESSOR, thread]);
    }
    relay.settle()?;
    run(&["chrt", "-f", "-p", "40", &me])?;
    let counted: Vec<String> = polls
        .iter()
        .filter(|(name, _)| name.starts_with(&format!("napi/{}-", DEVICES[0])))
        .map(|(_, thread)| format!("/proc/{thread}/schedstat"))
        .chain([format!("/proc/self/task/{worker}/schedstat")])
        .collect();
    let spent = || counted.iter().map(|path| run_time(path)).sum::<Result<u64, Fault>>();
    let mut costs = Vec::new();
    for _ in 0..options.runs {
        let before = spent()?;
        let arrived = relay.press(options.window, options.length)?;
        costs.push((spent()? - before) as f64 / arrived.max(1) as f64);
    }
    run(&["chrt", "-o", "-p", "0", &me])?;
    costs.sort_by(f64::total_cmp);
    Ok(costs)
}

/// Time that the scheduler has given to a thread, nanoseconds.
fn run_time(path: &str) -> Result<u64, Fault> {
    let told = fs::read_to_string(path)?;
    Ok(told.split_whitespace().next().unwrap_or_default().parse()?)
}

fn thread_of_process(name: &str) -> Result<String, Fault> {
    named("/proc/self/task", |comm| comm == name)?.pop().map(|(_, id)| id).ok_or("no worker".into())
}

/// The kernel's threads of a name that begins so.
fn kernel_threads(begin: &str) -> Result<Vec<(String, String)>, Fault> {
    named("/proc", |comm| comm.starts_with(begin))
}

fn named(folder: &str, is_it: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, Fault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(comm) = fs::read_to_string(entry.path().join("comm")) else { continue };
        if is_it(comm.trim()) {
            found.push((comm.trim().to_owned(), entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(found)
}
