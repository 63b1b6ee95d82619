//! A network of three hosts in namespaces of their own: a speaker, a relay with two devices, a hearer.
//!
//! What is at the ends are plain sockets of the system, with sums made in software: a veth has no device that would
//! make them. Everything goes with the [`World`]. Enter through [`World::new`].

mod live;
mod rings;
mod touch;

pub use live::Live;
pub use touch::{Touch, is_relayed};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;

/// Devices of the relay: towards the speaker and towards the hearer.
pub const DEVICES: [&str; 2] = ["sa", "sb"];

/// The buffer of a socket of an end host, bytes.
const HEARS: usize = 4 << 20;

/// One of the hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host {
    Speaker,
    Relay,
    Hearer,
}

/// See the module text.
#[derive(Debug)]
pub struct World {
    tag: String,
    six: bool,
    /// Of each device.
    queues: u32,
}

impl World {
    /// Makes the network.
    ///
    /// # Errors
    /// The command that failed and what it said.
    pub fn new(name: &str, six: bool) -> Result<World, String> {
        World::with_queues(name, six, 1)
    }

    /// The same with so many queues at each device, both ways.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn with_queues(name: &str, six: bool, queues: u32) -> Result<World, String> {
        let world = World { tag: format!("tronco-{}-{name}", std::process::id()), six, queues };
        for host in [Host::Speaker, Host::Relay, Host::Hearer] {
            run(&["ip", "netns", "add", &world.space(host)])?;
            world.inside(host, "ip link set lo up")?;
        }
        world.join(Host::Speaker, "va", "sa", 1)?;
        world.join(Host::Hearer, "vb", "sb", 2)?;
        world.meet(Host::Speaker)?;
        world.meet(Host::Hearer)?;
        Ok(world)
    }

    /// Makes the wire to an end again that was removed.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn mend(&self, end: Host) -> Result<(), String> {
        let (outer, inner, net) = if end == Host::Speaker { ("va", "sa", 1) } else { ("vb", "sb", 2) };
        self.join(end, outer, inner, net)?;
        self.meet(end)
    }

    /// The relay and an end know each other before the first packet, as hosts do that have exchanged signalling.
    fn meet(&self, host: Host) -> Result<(), String> {
        let (end, device) = if host == Host::Speaker { ("va", "sa") } else { ("vb", "sb") };
        let mac = self.mac(host, end)?;
        self.neighbour(host, device, &mac)?;
        let (relay, mac) = (self.address(Host::Relay, host), self.mac(Host::Relay, device)?);
        self.inside(host, &format!("ip neigh replace {relay} lladdr {mac} dev {end} nud permanent"))?;
        Ok(())
    }

    fn join(&self, end: Host, outer: &str, inner: &str, net: u8) -> Result<(), String> {
        let (there, here) = (self.space(end), self.space(Host::Relay));
        let queues = format!("numtxqueues {0} numrxqueues {0}", self.queues);
        let wire = format!(
            "ip link add {outer} netns {there} {queues} type veth peer name {inner} netns {here} {queues}"
        );
        run(&wire.split(' ').collect::<Vec<_>>())?;
        for (host, device, last) in [(end, outer, 1), (Host::Relay, inner, 2)] {
            self.inside(host, &format!("ip address add 10.77.{net}.{last}/24 dev {device}"))?;
            self.inside(host, &format!("ip address add fd77:{net}::{last}/64 dev {device} nodad"))?;
            self.inside(host, &format!("ip link set {device} up"))?;
            // Only now does the other end learn that frames may be redirected to it.
            self.inside(host, &format!("ethtool -K {device} tx off gro on"))?;
        }
        Ok(())
    }

    fn space(&self, host: Host) -> String {
        format!("{}-{host:?}", self.tag).to_lowercase()
    }

    /// Runs a command on a host.
    ///
    /// # Errors
    /// What it said.
    pub fn inside(&self, host: Host, command: &str) -> Result<String, String> {
        run(&["ip", "netns", "exec", &self.space(host), "sh", "-c", command])
    }

    /// The hardware address of a device.
    ///
    /// # Errors
    /// What `ip` said.
    pub fn mac(&self, host: Host, device: &str) -> Result<String, String> {
        let told = self.inside(host, &format!("ip -o link show {device}"))?;
        let mut words = told.split_whitespace().skip_while(|word| *word != "link/ether");
        words.nth(1).map(str::to_owned).ok_or_else(|| format!("no hardware address in: {told}"))
    }

    /// Tells the relay the hardware address of an end.
    ///
    /// # Errors
    /// What `ip` said.
    pub fn neighbour(&self, end: Host, device: &str, mac: &str) -> Result<(), String> {
        let address = self.address(end, end);
        self.inside(
            Host::Relay,
            &format!("ip neigh replace {address} lladdr {mac} dev {device} nud reachable"),
        )
        .map(drop)
    }

    /// The address of an end, or of the relay towards it.
    #[must_use]
    pub fn address(&self, host: Host, towards: Host) -> IpAddr {
        let (net, last) =
            (if towards == Host::Hearer { 2 } else { 1 }, if host == Host::Relay { 2 } else { 1 });
        match self.six {
            true => IpAddr::from([0xfd77, net, 0, 0, 0, 0, 0, last]),
            false => IpAddr::from([10, 77, net as u8, last as u8]),
        }
    }

    /// Moves the calling thread, and the threads that it starts, to a host.
    ///
    /// # Errors
    /// What the system said.
    pub fn enter(&self, host: Host) -> Result<(), String> {
        let path = format!("/run/netns/{}", self.space(host));
        let file = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| format!("{path}: {error}"))
    }

    /// A socket of an end host.
    ///
    /// # Errors
    /// What the system said.
    pub fn socket(&self, host: Host, port: u16) -> Result<UdpSocket, String> {
        let at = SocketAddr::new(self.address(host, host), port);
        std::thread::scope(|scope| {
            let made = scope.spawn(|| {
                self.enter(host)?;
                let socket = UdpSocket::bind(at).map_err(|error| format!("{at}: {error}"))?;
                // Whoever hears may be held up for longer than the usual buffer lasts.
                set_socket_recv_buffer_size_force(&socket, HEARS)
                    .map_err(|error| format!("{at}: {error}"))?;
                Ok(socket)
            });
            made.join().unwrap_or_else(|_| Err("a thread has died".to_owned()))
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for host in [Host::Speaker, Host::Relay, Host::Hearer] {
            // What was not made cannot be removed.
            let _ = run(&["ip", "netns", "delete", &self.space(host)]);
        }
    }
}

/// Runs a command; what it wrote.
///
/// # Errors
/// What it said.
pub fn run(words: &[&str]) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(String::new()) };
    let done =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr).trim()))
}

/// A packet of G.711, 20 ms.
#[must_use]
pub fn rtp(ssrc: u32, sequence: u16) -> [u8; 172] {
    let mut packet = [0xd5; 172];
    packet[..2].copy_from_slice(&[0x80, 0]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[4..8].copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
    packet
}
