//! What a relayed packet costs, by engine: `bench [--live] [--calls N] [--window N] [--runs N] [--millis N] ENGINE ...`
//! with the engines `portable`, `xdp` and `tcx`; `portable-srtp` protects what it relays, and so does `touched-srtp`, to
//! which packets are brought in memory that is shared with the kernel; `af_xdp` and `af_xdp-srtp` are the least that such
//! an engine could cost (`--live` only). Root, `ip`, `ethtool`, `taskset` and `chrt` are needed.
//!
//! Speaker, relay and hearer are namespaces. At most a window of packets is in flight, over all calls in turn. What a
//! packet costs is the time that the scheduler gave to the relay's worker and to the kernel thread that takes packets
//! from the relay's first device, over the packets that arrived.
//!
//! The speaker is a socket, and all run on one processor, which the speaker gives away only when its window is full: so
//! packets gather as they do on a loaded machine. With `--live` the kernel makes the frames ([`bench::Live`]), on a
//! processor of its own.

use base::ListenId;
use bench::{DEVICES, Host, Live, Touch, World, is_relayed, rtp, run};
use engine::{Engine, MediaListen};
use fastpath::{Hook, Kernel, Wish};
use media::{Command, Keys, Remote, Reply, SessionId, Side, Srtp};
use srtp::{MasterKey, Suite};
use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Fault = Box<dyn std::error::Error>;

/// How long directions have to become lent.
const PATIENCE: Duration = Duration::from_secs(60);
const SUITE: Suite = Suite::AesCm128Sha1_80;
const PROCESSOR: &str = "0";
/// The speaker's when it is the kernel.
const OTHER_PROCESSOR: &str = "1";

struct Options {
    live: bool,
    calls: u16,
    window: usize,
    runs: usize,
    length: Duration,
}

fn main() -> Result<(), Fault> {
    let (mut options, mut engines) = (
        Options { live: false, calls: 1000, window: 128, runs: 5, length: Duration::from_secs(1) },
        Vec::new(),
    );
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--live" => options.live = true,
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
    /// What goes to the hearer is protected.
    secured: bool,
    // It goes last.
    world: World,
}

impl Relay {
    fn start(kind: &str, options: &Options) -> Result<Relay, Fault> {
        let hook = match kind {
            "portable" | "portable-srtp" => None,
            "xdp" | "touched-srtp" => Some(Hook::Xdp),
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
            Some(hook) => {
                let (addresses, touched) = (towards.to_vec(), kind == "touched-srtp");
                Ok(Kernel::start(&Wish { addresses, hook: Some(hook), lanes, touched, workers: 1 })?)
            }
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
        let secured = kind.ends_with("-srtp");
        let ports = open_calls(&mut engine, options.calls, [&speaker, &hearer], towards, secured)?;
        let numbers = vec![0; ports.len()];
        Ok(Relay { engine, speaker, hearer, ports, numbers, secured, world })
    }

    /// One packet of a call from the speaker.
    fn speak(&mut self, call: usize) -> Result<(), Fault> {
        let number = self.numbers[call];
        self.numbers[call] = number.wrapping_add(1);
        self.speaker.send_to(&rtp(call as u32 + 1, number), self.ports[call][0])?;
        Ok(())
    }

    /// Packets that the kernel has relayed or brought to the process.
    fn relayed(&self) -> u64 {
        let status = self.engine.status();
        status.fast_packets + status.fast.touched.received
    }

    /// Lets all calls be heard both ways until the kernel has them all, where there is one.
    fn settle(&mut self) -> Result<(), Fault> {
        for n in 0..12 {
            // What it says is not protected, and would not be heard.
            if !self.secured {
                self.answer(n)?;
            }
            self.round()?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.engine.status().fast.reason.is_none() {
            let before = self.relayed();
            self.round()?;
            self.round()?;
            std::thread::park_timeout(Duration::from_millis(250));
            if self.relayed() - before >= 2 * self.ports.len() as u64 {
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

    /// Puts the kernel in the place of the speaker and the hearer.
    fn live(&self, window: usize) -> Result<Live, Fault> {
        let ports: Vec<SocketAddr> = self.ports.iter().map(|[towards_speaker, _]| *towards_speaker).collect();
        let live = Live::new(&self.world, &ports, &self.numbers, window).and_then(|mut live| {
            live.listen(&self.world)?;
            Ok(live)
        });
        Ok(live.map_err(|fault| fault.to_string())?)
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
    secured: bool,
) -> Result<Vec<[SocketAddr; 2]>, Fault> {
    let mut ports = Vec::new();
    for n in 0..calls {
        let session = SessionId(n.into());
        let open = Command::Open { session, a: ListenId(0), b: ListenId(1), streams: 1 };
        let Some(Reply::Opened { ports: opened, .. }) = engine.execute(open) else {
            return Err(format!("call {n} has no ports").into());
        };
        for (side, socket) in [(Side::A, peers[0]), (Side::B, peers[1])] {
            let mut remote = Remote { timeout: None, ..Remote::audio(socket.local_addr()?) };
            if let (true, Side::B, Some(key)) = (secured, side, MasterKey::new(SUITE, &[n as u8; 30])) {
                remote.srtp = Srtp::On(Box::new(Keys { receive: key.clone(), send: key }));
                // It only hears: nobody waits for what it says.
                remote.receive = false;
            }
            engine.execute(Command::Set { session, side, stream: 0, remote });
        }
        let port = |side: Side| opened.rtp(side, 0).unwrap_or_default();
        ports.push([SocketAddr::new(towards[0], port(Side::A)), SocketAddr::new(towards[1], port(Side::B))]);
    }
    Ok(ports)
}

/// Nanoseconds that a packet costs, run by run, sorted.
fn measure(kind: &str, options: &Options) -> Result<Vec<f64>, Fault> {
    if let Some(secured) = ["af_xdp", "af_xdp-srtp"].iter().position(|name| *name == kind) {
        return measure_touched(secured == 1, options);
    }
    let mut relay = Relay::start(kind, options)?;
    let counted = Counted::of(&relay.world, "media-0")?;
    relay.settle()?;
    let mut live = match options.live {
        true => Some(relay.live(options.window)?),
        false => None,
    };
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    run(&["chrt", "-f", "-p", "40", &me])?;
    let costs = counted.costs(options, || match &mut live {
        Some(live) => pressed(live, &relay.world, options),
        None => relay.press(options.window, options.length),
    });
    run(&["chrt", "-o", "-p", "0", &me])?;
    if let Some(lost) = live.map(|live| live.lost).filter(|lost| *lost > 0) {
        println!("{kind}: {lost} packets were lost");
    }
    costs
}

/// The same of a relay that touches packets in memory that is shared with the kernel.
fn measure_touched(secured: bool, options: &Options) -> Result<Vec<f64>, Fault> {
    let plain = |fault: Box<dyn std::error::Error + Send + Sync>| Fault::from(fault.to_string());
    let world = World::new("touch", false)?;
    world.enter(Host::Relay)?;
    let touch = Touch::start(&world, options.calls, secured).map_err(plain)?;
    let mut live =
        Live::new(&world, &touch.ports, &vec![1; touch.ports.len()], options.window).map_err(plain)?;
    live.hand(&world, touch.socket).map_err(plain)?;
    let (speaker, hearer) = (world.socket(Host::Speaker, 4000)?, world.socket(Host::Hearer, 5000)?);
    speaker.send_to(&rtp(1, 0), touch.ports[0])?;
    hearer.set_read_timeout(Some(Duration::from_secs(2)))?;
    let (mut heard, source) =
        ([0; 256], SocketAddr::new(world.address(Host::Relay, Host::Hearer), touch.ports[0].port()));
    let (length, from) = hearer.recv_from(&mut heard)?;
    if !is_relayed(&mut heard[..length], secured) || from != source {
        return Err(format!("what was said is not heard: {length} bytes from {from}").into());
    }
    live.listen(&world).map_err(plain)?;
    let counted = Counted::of(&world, "touch-0")?;
    let costs = counted.costs(options, || pressed(&mut live, &world, options));
    if live.lost > 0 {
        println!("{} packets were lost", live.lost);
    }
    costs
}

fn pressed(live: &mut Live, world: &World, options: &Options) -> Result<u64, Fault> {
    live.press(world, OTHER_PROCESSOR, options.length).map_err(|fault| fault.to_string().into())
}

/// Whose time is counted: files of the scheduler's.
struct Counted(Vec<String>);

impl Counted {
    /// The relay's worker by its name, and the kernel's thread of its first device; with the kernel's other threads and
    /// the caller they are put on one processor.
    fn of(world: &World, worker: &str) -> Result<Counted, Fault> {
        for (host, device) in [
            (Host::Relay, DEVICES[0]),
            (Host::Relay, DEVICES[1]),
            (Host::Speaker, "va"),
            (Host::Hearer, "vb"),
        ] {
            world.inside(host, &format!("echo 1 > /sys/class/net/{device}/threaded"))?;
        }
        let me = rustix::thread::gettid().as_raw_nonzero().to_string();
        let worker = thread_of_process(worker)?;
        let polls = kernel_threads("napi/")?;
        for thread in polls.iter().map(|(_, thread)| thread).chain([&worker, &me]) {
            // One of a network that is just going away may be gone.
            let _ = run(&["taskset", "-cp", PROCESSOR, thread]);
        }
        let first = format!("napi/{}-", DEVICES[0]);
        let polls = polls.iter().filter(|(name, _)| name.starts_with(&first));
        let files = polls.map(|(_, thread)| format!("/proc/{thread}/schedstat"));
        Ok(Counted(files.chain([format!("/proc/self/task/{worker}/schedstat")]).collect()))
    }

    fn spent(&self) -> Result<u64, Fault> {
        self.0.iter().map(|path| run_time(path)).sum()
    }

    fn costs(
        &self,
        options: &Options,
        mut press: impl FnMut() -> Result<u64, Fault>,
    ) -> Result<Vec<f64>, Fault> {
        let mut costs = Vec::new();
        for _ in 0..options.runs {
            let before = self.spent()?;
            let arrived = press()?;
            costs.push((self.spent()? - before) as f64 / arrived.max(1) as f64);
        }
        costs.sort_by(f64::total_cmp);
        Ok(costs)
    }
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
