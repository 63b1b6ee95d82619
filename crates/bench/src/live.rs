//! Frames as a network card hands them over: made in the kernel, and counted there at the other end. A socket's packets
//! would first be copied at a virtual device, which no card does. The program is `bpf/frames.c`. Enter through
//! [`Live::new`].

use crate::{DEVICES, Host, World, rtp};
use aya::maps::{Array, MapData, XskMap};
use aya::programs::{TestRun, TestRunAttrs, TestRunOptions, Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Frames that one order makes; giving the order takes some 20 ms.
const FRAMES: u32 = 100_000;
/// Frames that are made between two looks at whether somebody else may run.
const BATCH: u32 = 64;
const HEADERS: usize = 54;

static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/frames.o");

/// Places in the program's cells.
#[derive(Clone, Copy)]
enum Cell {
    Sent,
    Arrived,
    Window,
    Calls,
    Device,
}

/// See the module text.
#[derive(Debug)]
pub struct Live {
    ebpf: Ebpf,
    /// A frame whose headers say nothing of a call.
    frame: Vec<u8>,
    /// Frames that never arrived.
    pub lost: u64,
}

impl Live {
    /// Takes the place of the world's speaker, and of its hearer when [`Live::listen`] is called: at most `window`
    /// packets are under way to the relay's `ports`, whose calls go on with `numbers`.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn new(world: &World, ports: &[SocketAddr], numbers: &[u16], window: usize) -> Result<Live, Fault> {
        let mut ebpf = EbpfLoader::new().btf(None).load(OBJECT)?;
        let mut head: Array<_, [u8; HEADERS + 2]> = taken(&mut ebpf, "HEAD")?;
        let mut calls: Array<_, u64> = taken(&mut ebpf, "CALLS")?;
        let frame = frame(world)?;
        let mut headers = [0; HEADERS + 2];
        headers[..HEADERS].copy_from_slice(&frame[..HEADERS]);
        head.set(0, headers, 0)?;
        for (n, (port, number)) in (0..).zip(ports.iter().zip(numbers)) {
            calls.set(n, u64::from(port.port().to_be()) | u64::from(*number) << 16, 0)?;
        }
        for name in ["speak", "hear", "touch"] {
            program(&mut ebpf, name)?.load()?;
        }
        let mut live = Live { ebpf, frame, lost: 0 };
        live.set(Cell::Window, window as u64)?;
        live.set(Cell::Calls, ports.len() as u64)?;
        let device = world.inside(Host::Speaker, "cat /sys/class/net/va/ifindex")?;
        live.set(Cell::Device, device.trim().parse()?)?;
        Ok(live)
    }

    /// Counts what arrives at the hearer from now on, and gives it to nobody else.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn listen(&mut self, world: &World) -> Result<(), Fault> {
        on(world, Host::Hearer, || {
            program(&mut self.ebpf, "hear")?.attach("vb", XdpMode::Driver)?;
            Ok(())
        })
    }

    /// Hands what comes to the relay to a socket of the kind AF_XDP.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn hand(&mut self, world: &World, socket: i32) -> Result<(), Fault> {
        let mut sockets: XskMap<_> = self.ebpf.map_mut("SOCKETS").ok_or("a map is missing")?.try_into()?;
        sockets.set(0, socket, 0)?;
        on(world, Host::Relay, || {
            program(&mut self.ebpf, "touch")?.attach(DEVICES[0], XdpMode::Driver)?;
            Ok(())
        })
    }

    /// Packets that arrive within a time.
    ///
    /// # Errors
    /// What the kernel said; nothing arrives.
    pub fn press(&mut self, world: &World, processor: &str, length: Duration) -> Result<u64, Fault> {
        let before = self.get(Cell::Arrived)?;
        on(world, Host::Speaker, || {
            let me = rustix::thread::gettid().as_raw_nonzero().to_string();
            crate::run(&["taskset", "-cp", processor, &me])?;
            let began = Instant::now();
            while began.elapsed() < length {
                self.order()?;
            }
            Ok(())
        })?;
        Ok(self.get(Cell::Arrived)? - before)
    }

    fn order(&mut self) -> Result<(), Fault> {
        let options = TestRunOptions {
            data_in: Some(&self.frame),
            repeat: FRAMES,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..TestRunOptions::new()
        };
        let before = self.get(Cell::Arrived)?;
        program(&mut self.ebpf, "speak")?.test_run(options)?;
        // What is still under way has arrived long before this has gone by.
        let (deadline, sent) = (Instant::now() + Duration::from_millis(100), self.get(Cell::Sent)?);
        while self.get(Cell::Arrived)? < sent && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let arrived = self.get(Cell::Arrived)?;
        if arrived == before {
            return Err("no frame arrives".into());
        }
        self.lost += sent - arrived;
        self.set(Cell::Sent, arrived)
    }

    fn get(&self, cell: Cell) -> Result<u64, Fault> {
        let cells: Array<_, u64> = self.ebpf.map("CELLS").ok_or("a map is missing")?.try_into()?;
        Ok(cells.get(&(cell as u32), 0)?)
    }

    fn set(&mut self, cell: Cell, value: u64) -> Result<(), Fault> {
        let mut cells: Array<_, u64> = self.ebpf.map_mut("CELLS").ok_or("a map is missing")?.try_into()?;
        Ok(cells.set(cell as u32, value, 0)?)
    }
}

fn taken<V: aya::Pod>(ebpf: &mut Ebpf, name: &str) -> Result<Array<MapData, V>, Fault> {
    Ok(Array::try_from(ebpf.take_map(name).ok_or("a map is missing")?)?)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp, Fault> {
    Ok(ebpf.program_mut(name).ok_or("a program is missing")?.try_into()?)
}

/// Does something on a host.
fn on<T: Send>(
    world: &World,
    host: Host,
    work: impl FnOnce() -> Result<T, Fault> + Send,
) -> Result<T, Fault> {
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            world.enter(host)?;
            work()
        });
        there.join().unwrap_or_else(|_| Err("the thread has died".into()))
    })
}

/// A packet of a call from the speaker's port 4000, without a UDP checksum, as a card says that it was right.
fn frame(world: &World) -> Result<Vec<u8>, Fault> {
    let (IpAddr::V4(from), IpAddr::V4(to)) =
        (world.address(Host::Speaker, Host::Speaker), world.address(Host::Relay, Host::Speaker))
    else {
        return Err("only over IPv4".into());
    };
    let sound = rtp(0, 0);
    let mut ip = [0x45, 0, 0, 28 + sound.len() as u8, 0, 0, 0x40, 0, 64, 17].to_vec();
    ip.extend([0, 0]);
    ip.extend(from.octets());
    ip.extend(to.octets());
    let sum: u32 = ip.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = Vec::new();
    for (host, device) in [(Host::Relay, DEVICES[0]), (Host::Speaker, "va")] {
        let mac = world.mac(host, device)?;
        for byte in mac.split(':') {
            frame.push(u8::from_str_radix(byte, 16)?);
        }
    }
    frame.extend([8, 0]);
    frame.extend(ip);
    frame.extend([4000, 0, 8 + sound.len() as u16, 0].map(u16::to_be_bytes).as_flattened());
    frame.extend(sound);
    Ok(frame)
}
