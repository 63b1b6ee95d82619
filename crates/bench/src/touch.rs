//! A relay that touches its packets in memory shared with the kernel (AF_XDP, copies): what such an engine would cost.
//! It does what the portable engine does with a packet and no more: looks the flow up, checks source and version,
//! counts, protects, and writes new headers with right sums. Enter through [`Touch::start`].

use crate::rings::{ENTRIES, PLACE, Socket, Umem};
use crate::{DEVICES, Host, World, rtp};
use ::rtp::stats::Reception;
use srtp::{MasterKey, Opener, Protector, Suite};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Packets that are taken at once.
const BATCH: usize = 64;
/// Times that the kernel is asked to send, for a batch.
const KICKS: usize = 3;
const HEADERS: usize = 42;
const FIRST_PORT: u16 = 10_000;

struct Flow {
    reception: Reception,
    protector: Option<Protector>,
}

fn key(call: u16) -> Option<MasterKey> {
    MasterKey::new(Suite::AesCm128Sha1_80, &[call as u8; 30])
}

/// Whether a packet that came out is the first call's first one.
pub fn is_relayed(packet: &mut [u8], secured: bool) -> bool {
    let sound = rtp(1, 0);
    match key(0).filter(|_| secured).map(Opener::new) {
        Some(mut opener) => opener.rtp(packet) == Ok(sound.len()) && packet.starts_with(&sound),
        None => *packet == sound,
    }
}

/// A running relay.
#[derive(Debug)]
pub struct Touch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Where the calls' packets arrive.
    pub ports: Vec<SocketAddr>,
    /// Of the socket that packets are to be handed to.
    pub socket: i32,
}

impl Touch {
    /// Starts it on the calling thread's host, which is the relay; its thread is called `touch-0`.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn start(world: &World, calls: u16, secured: bool) -> Result<Touch, Fault> {
        let number = |device: &str| -> Result<u32, Fault> {
            Ok(world.inside(Host::Relay, &format!("cat /sys/class/net/{device}/ifindex"))?.trim().parse()?)
        };
        let umem = Umem::new()?;
        let mut arriving = Socket::new(number(DEVICES[0])?, &umem, None)?;
        let leaving = Socket::new(number(DEVICES[1])?, &umem, Some(&arriving))?;
        for place in 0..u64::from(ENTRIES) {
            arriving.fill.push(place * PLACE);
        }
        let flow = |n: u16| {
            let master = key(n).filter(|_| secured);
            Flow { reception: Reception::default(), protector: master.map(Protector::new) }
        };
        let at = world.address(Host::Relay, Host::Speaker);
        let ports = (0..calls).map(|n| SocketAddr::new(at, FIRST_PORT + 2 * n)).collect();
        let (stop, socket) = (Arc::new(AtomicBool::new(false)), arriving.fd.as_raw_fd());
        let relay = Relay {
            umem,
            arriving,
            leaving,
            flows: (0..calls).map(flow).collect(),
            head: head(world)?,
            speaker: four(world.address(Host::Speaker, Host::Speaker))?,
            began: Instant::now(),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("touch-0".into()).spawn(move || relay.run(&stopped))?;
        Ok(Touch { stop, thread: Some(thread), ports, socket })
    }
}

impl Drop for Touch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Relay {
    umem: Umem,
    arriving: Socket,
    leaving: Socket,
    flows: Vec<Flow>,
    head: [u8; HEADERS],
    speaker: [u8; 4],
    began: Instant,
}

impl Relay {
    fn run(mut self, stopped: &AtomicBool) {
        while !stopped.load(Ordering::SeqCst) {
            let mut taken = 0;
            let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            while taken < BATCH {
                let Some(frame) = self.arriving.received.pop() else { break };
                taken += 1;
                match self.pass(frame.addr, frame.len as usize, now) {
                    Some(len) if self.leaving.sending.push(libc::xdp_desc { len, ..frame }) => {}
                    _ => {
                        self.arriving.fill.push(frame.addr);
                    }
                }
            }
            // The kernel takes 32 at a time. A few times for each batch: who spins here starves the peer.
            for _ in 0..KICKS {
                if self.leaving.sending.is_drained() {
                    break;
                }
                self.leaving.kick();
            }
            while let Some(address) = self.leaving.completed.pop() {
                self.arriving.fill.push(address / PLACE * PLACE);
            }
            if taken == 0 {
                self.arriving.wait(if self.leaving.sending.is_drained() { 50 } else { 0 });
            }
        }
    }

    /// Judges and rewrites a frame; its new length.
    fn pass(&mut self, address: u64, length: usize, now: u64) -> Option<u32> {
        let place = self.umem.place(address);
        let frame = place.get_mut(..length)?;
        let port = u16::from_be_bytes([*frame.get(36)?, *frame.get(37)?]);
        let flow = self.flows.get_mut(usize::from(port.wrapping_sub(FIRST_PORT) / 2))?;
        let sound = frame.get(HEADERS..)?;
        let is_expected = frame[26..30] == self.speaker && frame[34..36] == 4000_u16.to_be_bytes();
        if !is_expected || sound.len() < 12 || sound[0] >> 6 != 2 {
            return None;
        }
        let sequence = u16::from_be_bytes([sound[2], sound[3]]);
        let timestamp = u32::from_be_bytes([sound[4], sound[5], sound[6], sound[7]]);
        flow.reception.hear(sequence, timestamp, now, 8_000);
        let mut bytes = sound.len();
        if let Some(protector) = &mut flow.protector {
            bytes = protector.rtp(place.get_mut(HEADERS..)?, bytes).ok()?;
        }
        let frame = place.get_mut(..HEADERS + bytes)?;
        frame[..HEADERS].copy_from_slice(&self.head);
        frame[16..18].copy_from_slice(&(28 + bytes as u16).to_be_bytes());
        frame[34..36].copy_from_slice(&port.to_be_bytes());
        frame[38..40].copy_from_slice(&(8 + bytes as u16).to_be_bytes());
        let ip = !fold(sum(&frame[14..34]));
        frame[24..26].copy_from_slice(&ip.to_be_bytes());
        let whole = !fold(sum(&frame[26..]) + 17 + 8 + bytes as u64);
        frame[40..42].copy_from_slice(&whole.max(1).to_be_bytes());
        u32::try_from(frame.len()).ok()
    }
}

/// The headers of what leaves, without lengths, ports and sums.
fn head(world: &World) -> Result<[u8; HEADERS], Fault> {
    let mut head = Vec::new();
    for (host, device) in [(Host::Hearer, "vb"), (Host::Relay, DEVICES[1])] {
        for byte in world.mac(host, device)?.split(':') {
            head.push(u8::from_str_radix(byte, 16)?);
        }
    }
    head.extend([8, 0, 0x45, 46 << 2, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    for address in [world.address(Host::Relay, Host::Hearer), world.address(Host::Hearer, Host::Hearer)] {
        head.extend(four(address)?);
    }
    head.extend([0, 0]);
    head.extend(5000_u16.to_be_bytes());
    head.extend([0; 4]);
    head.try_into().map_err(|_| "the headers have another length".into())
}

fn four(address: IpAddr) -> Result<[u8; 4], Fault> {
    match address {
        IpAddr::V4(four) => Ok(four.octets()),
        IpAddr::V6(_) => Err("only over IPv4".into()),
    }
}

/// Sum of the 16-bit words of a packet (RFC 1071), four at a time.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut all: u64 = words.iter().map(|&four| u64::from(u32::from_be_bytes(four))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    all += u64::from(u32::from_be_bytes(last));
    all
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
