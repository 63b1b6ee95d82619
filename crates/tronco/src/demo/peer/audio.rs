//! Audio of one end of a call: a tone is sent in real time, what comes is kept.

use crate::demo::heard::{FRAME, Heard, write};
use crate::demo::script::TONE_DBM0;
use codec::{Law, Tone};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The time of one packet.
pub(super) const FRAME_TIME: Duration = Duration::from_millis(20);
/// Shortest wait that the operating system is asked for.
const WAIT_MIN: Duration = Duration::from_micros(200);
/// Ports that are tried for one line.
const TRIES_MAX: u16 = 2_000;
/// The first port for audio.
const FIRST_PORT: u16 = 40_000;
/// The ports wrap around here.
const LAST_PORT: u16 = 59_998;
/// Largest packet that is looked at.
const PACKET_MAX: usize = 2_048;

/// A pair of ports: RTP and, next to it, RTCP (RFC 3550 §11).
#[derive(Debug)]
pub(super) struct Line {
    rtp: UdpSocket,
    /// Held so that reports meet an open port; the demo does not read them.
    _rtcp: UdpSocket,
    pub(super) address: SocketAddr,
}

impl Line {
    /// Opens the next free pair from `next` on.
    pub(super) fn open(ip: IpAddr, next: &mut u16) -> io::Result<Line> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES_MAX {
            let port = (*next).clamp(FIRST_PORT, LAST_PORT);
            *next = if port >= LAST_PORT { FIRST_PORT } else { port + 2 };
            let pair =
                UdpSocket::bind((ip, port)).and_then(|rtp| Ok((rtp, UdpSocket::bind((ip, port + 1))?)));
            match pair {
                Ok((rtp, rtcp)) => return Ok(Line { rtp, _rtcp: rtcp, address: SocketAddr::new(ip, port) }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// What an end is to say.
pub(super) struct Speech {
    /// To whom, and from whom alone packets are taken.
    pub(super) remote: SocketAddr,
    pub(super) law: Law,
    /// The tone, Hz.
    pub(super) hertz: f64,
    /// Packets to send.
    pub(super) packets: u32,
    /// Whether to keep what is heard.
    pub(super) keep: bool,
    /// SSRC and first sequence number are made of it.
    pub(super) seed: u64,
}

/// How far the audio of one end has come.
#[derive(Debug, Default)]
pub(in crate::demo) struct Progress {
    sent: AtomicU32,
    received: AtomicU32,
    stop: AtomicBool,
}

impl Progress {
    /// Whether all was said and as much was heard.
    pub(super) fn is_complete(&self, packets: u32) -> bool {
        self.has_said(packets) && self.received.load(Ordering::Relaxed) >= packets
    }

    /// Whether all was said.
    pub(super) fn has_said(&self, packets: u32) -> bool {
        self.sent.load(Ordering::Relaxed) >= packets
    }

    /// Ends the audio.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Sends and receives in a thread of its own until it is stopped.
pub(super) fn talk(line: Line, speech: Speech, progress: Arc<Progress>) -> io::Result<JoinHandle<Heard>> {
    std::thread::Builder::new().name("demo-audio".into()).spawn(move || run(&line, &speech, &progress))
}

fn run(line: &Line, speech: &Speech, progress: &Progress) -> Heard {
    let begin = Instant::now();
    let origin = ((speech.seed >> 32) as u16, speech.seed as u32);
    let mut tone = Tone::sine(speech.hertz, TONE_DBM0, 8_000);
    let (mut samples, mut packet, mut buffer) = ([0; FRAME], Vec::new(), [0; PACKET_MAX]);
    let mut heard = Heard::default();
    while !progress.stop.load(Ordering::Relaxed) {
        let due = begin + FRAME_TIME * heard.sent;
        let more = heard.sent < speech.packets;
        if more && Instant::now() >= due {
            tone.fill(&mut samples);
            write(&mut packet, speech.law, heard.sent == 0, heard.sent, origin, &samples);
            // What cannot be sent is missed, and counted, at the far end.
            let _ = line.rtp.send_to(&packet, speech.remote);
            heard.sent += 1;
            progress.sent.store(heard.sent, Ordering::Relaxed);
            continue;
        }
        let wait = if more { due.saturating_duration_since(Instant::now()) } else { FRAME_TIME };
        if line.rtp.set_read_timeout(Some(wait.clamp(WAIT_MIN, FRAME_TIME))).is_err() {
            break;
        }
        let Ok((length, from)) = line.rtp.recv_from(&mut buffer) else { continue };
        let datagram = buffer.get(..length).unwrap_or_default();
        if from != speech.remote {
            heard.strange += 1;
        } else if speech.keep {
            heard.take(datagram, speech.law, begin.elapsed().as_secs_f64());
        }
        progress.received.store(heard.received, Ordering::Relaxed);
    }
    heard.finish();
    heard
}
