//! Relays calls between two fixed peers: what the portable media engine costs per packet.
//!
//! `media_relay --calls N --list FILE [--socks 8] [--workers 1] [--ip 127.0.0.1] [--port 10000]` opens N
//! calls between `127.0.0.2:20000+2*(i%socks)` and `127.0.0.3:20000+2*(i%socks)`, writes one line
//! `A_IP:PORT B_IP:PORT` per call to FILE, prints its process id, and relays until standard input
//! ends; then it closes all calls and prints totals.

use base::ListenId;
use engine::{Engine, MediaListen};
use media::{Command, Remote, Reply, SessionId, Side};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

fn option<T: std::str::FromStr>(name: &str, default: T) -> Result<T, String> {
    let mut args = std::env::args().skip_while(|a| a.strip_prefix("--") != Some(name));
    match (args.next(), args.next()) {
        (Some(_), Some(value)) => value.parse().map_err(|_| format!("--{name} {value}: not understood")),
        (Some(_), None) => Err(format!("--{name} needs a value")),
        _ => Ok(default),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let calls: u64 = option("calls", 500)?;
    let socks: u64 = option("socks", 8)?;
    let workers: usize = option("workers", 1)?;
    let address: IpAddr = option("ip", Ipv4Addr::LOCALHOST.into())?;
    let first: u16 = option("port", 10_000)?;
    let list: String = option("list", "calls.txt".into())?;
    let (inside, outside) = (ListenId(0), ListenId(1));
    let half = first + (65_535 - first) / 2;
    let listen = |id, range| MediaListen { id, address, range, dscp: 46 };
    let listens = vec![listen(inside, first..=half), listen(outside, half + 1..=65_535)];
    let (ring, bell) = std::sync::mpsc::channel();
    let ring = std::sync::Mutex::new(ring);
    let notify = move || {
        let _ = ring.lock().map(|r| r.send(()));
    };
    let mut engine = Engine::new(listens, workers, dtls::Certificate::make()?.into(), Box::new(notify))?;
    let began = Instant::now();
    let mut lines = String::new();
    for n in 0..calls {
        let session = SessionId(n);
        let opened = engine.execute(Command::Open { session, a: inside, b: outside, streams: 1 });
        let Some(Reply::Opened { ports, .. }) = opened else {
            return Err(format!("call {n}: {opened:?}").into());
        };
        let port = 20_000 + 2 * (n % socks.max(1)) as u16;
        for (side, ip) in [(Side::A, Ipv4Addr::new(127, 0, 0, 2)), (Side::B, Ipv4Addr::new(127, 0, 0, 3))] {
            let remote = Remote { timeout: None, ..Remote::audio(SocketAddr::new(ip.into(), port)) };
            engine.execute(Command::Set { session, side, stream: 0, remote });
        }
        for ports in ports.streams() {
            lines += &format!("{address}:{} {address}:{}\n", ports.a_rtp, ports.b_rtp);
        }
    }
    std::fs::write(&list, lines)?;
    println!("{}", std::process::id());
    eprintln!("opened {calls} calls in {:?}", began.elapsed());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let began = Instant::now();
    for n in 0..calls {
        engine.execute(Command::Close { session: SessionId(n) });
    }
    let (mut closed, mut packets, mut lost) = (0, 0, 0);
    while closed < calls {
        while let Some(reply) = engine.poll_reply() {
            let Reply::Closed { report, .. } = reply else { continue };
            closed += 1;
            for s in report.a.iter().chain(&report.b) {
                packets += s.packets;
                lost += s.lost;
            }
        }
        if closed < calls {
            bell.recv_timeout(Duration::from_secs(10))?;
        }
    }
    eprintln!("closed {calls} calls in {:?}: {packets} packets, {lost} lost", began.elapsed());
    eprintln!("{:?}", engine.status());
    Ok(())
}
