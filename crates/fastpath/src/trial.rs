//! Whether what was loaded works: one packet through each program before it stands on any device.

use crate::hops::Hop;
use crate::kernel::Kernel;
use crate::layout::gate;
use crate::program::{Hook, LoadError, Tried};
use base::Time;
use media::{FastPath, Lane, Road};
use std::net::SocketAddr;

impl Kernel {
    /// Whether the loaded program relays: a packet between addresses of RFC 5737.
    pub(crate) fn pass_a_packet(&self, hook: Hook) -> Result<(), String> {
        let at = |host: u8, port: u16| SocketAddr::from(([192, 0, 2, host], port));
        let lane = Lane {
            expect: at(1, 4000),
            to: at(4, 5000),
            payload_types: [u64::MAX; 2],
            ssrc: 7,
            rate: 8000,
            changed: Time::ZERO,
            touched: false,
        };
        let road = Road { local: at(2, 4002), from: at(3, 5002), dscp: 46, home: None };
        let hop = Hop { device: 1, next: lane.to.ip(), to: [2; 6], from: [4; 6], mtu: 1500 };
        let number = self.take(&lane, &road, self.known(hop), Time::ZERO).ok_or("no lane is free")?;
        let opened = self.memory.open(number, gate::WATCH, gate::OPEN);
        let tried = self.attempt(hook, &probe_frame());
        let counted = self.close(number).map(|ledger| ledger.packets);
        match tried {
            Ok(Tried::Relayed(_)) if opened && counted == Some(1) => Ok(()),
            Ok(_) => Err(format!("the {} program does not relay a packet that is tried", hook.name())),
            Err(error) => Err(error),
        }
    }
}

/// An error with what caused it, in one line; of a verifier's words the last, which say what it refuses.
pub(crate) fn whole(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error).and_then(std::error::Error::source);
    while let Some(cause) = next {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        next = cause.source();
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let first = first.split(" Verifier output").next().unwrap_or(first);
    match lines.rfind(|line| !line.starts_with("processed ")) {
        Some(last) => format!("{first} {last}"),
        None => first.to_owned(),
    }
}

/// One packet of RTP from 192.0.2.1:4000 to 192.0.2.2:4002, without a UDP checksum.
fn probe_frame() -> Vec<u8> {
    let mut frame = vec![4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 8, 0];
    frame.extend([0x45, 0, 0, 40 + 12, 0, 0, 0x40, 0, 64, 17, 0, 0]);
    frame.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend([4000u16, 4002, 32, 0].map(u16::to_be_bytes).as_flattened());
    frame.extend([0x80, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 7]);
    frame.extend([0xd5; 12]);
    frame
}
