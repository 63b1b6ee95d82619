//! Hosts with wires between them, for what happens at a network device: network namespaces, joined by pairs of virtual
//! devices. Descriptors alone hold them, so they go with the test, however it ends. Enter through [`Host::new`].

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd};
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, Stdio};

/// A host.
#[derive(Debug)]
pub struct Host {
    space: File,
}

impl Host {
    /// A host with its loopback device.
    ///
    /// # Errors
    /// This user may make none, in the system's words.
    pub fn new() -> Result<Host, String> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo made; read end"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        if let Some(told) = child.stdout.take() {
            let _ = BufReader::new(told).read_line(&mut line);
        }
        let space = File::open(format!("/proc/{}/ns/net", child.id()));
        // It ends with what it reads from.
        let said = child.wait_with_output().map_err(|error| format!("unshare: {error}"))?;
        if line.trim() != "made" {
            return Err(String::from_utf8_lossy(&said.stderr).trim().to_owned());
        }
        let host = Host { space: space.map_err(|error| error.to_string())? };
        host.run("ip link set lo up");
        Ok(host)
    }

    /// A switch: a host that passes frames between the cables that are plugged into it.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn switch() -> Result<Host, String> {
        let host = Host::new()?;
        host.run("ip link add switch type bridge && ip link set switch up");
        Ok(host)
    }

    /// Does something on the host: what is started and bound there stays there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let there = scope.spawn(|| {
                let moved = move_into_link_name_space(self.space.as_fd(), Some(LinkNameSpaceType::Network));
                assert_eq!(moved, Ok(()), "into the namespace");
                work()
            });
            there.join().unwrap_or_else(|fault| resume_unwind(fault))
        })
    }

    /// Runs a command on the host to its end; what it wrote.
    ///
    /// # Panics
    /// It fails.
    pub fn run(&self, command: &str) -> String {
        let output = self.inside(|| Command::new("sh").args(["-c", command]).output()).expect("a shell");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A cable to a switch: the device at this end with its address, and the name of the switch's end.
    pub fn plug(&self, (device, address): (&str, &str), switch: &Host, port: &str) {
        self.join(device, switch, port);
        self.address(device, address);
        switch.run(&format!("ip link set {port} master switch up"));
    }

    /// A wire to another host: the devices at both ends and their addresses with the length of the net. Sums are made
    /// in software, for there is no hardware that would make them.
    pub fn wire(&self, (device, address): (&str, &str), other: &Host, (theirs, at): (&str, &str)) {
        self.join(device, other, theirs);
        self.address(device, address);
        other.address(theirs, at);
    }

    fn join(&self, device: &str, other: &Host, theirs: &str) {
        let there = format!("/proc/{}/fd/{}", std::process::id(), other.space.as_raw_fd());
        assert!(Path::new(&there).exists(), "the other host");
        self.run(&format!("ip link add {device} type veth peer name {theirs} netns {there}"));
    }

    fn address(&self, device: &str, address: &str) {
        // An address of IPv6 is ours at once.
        let now = if address.contains(':') { "nodad" } else { "" };
        self.run(&format!(
            "ip address add {address} {now} dev {device} && ethtool -K {device} tx off gro on && ip link set {device} up"
        ));
    }
}
