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

    /// A wire to another host: the devices at both ends and their addresses with the length of the net. Sums are made
    /// in software, for there is no hardware that would make them.
    pub fn wire(&self, (device, address): (&str, &str), other: &Host, (theirs, at): (&str, &str)) {
        let there = format!("/proc/{}/fd/{}", std::process::id(), other.space.as_raw_fd());
        assert!(Path::new(&there).exists(), "the other host");
        self.run(&format!("ip link add {device} type veth peer name {theirs} netns {there}"));
        for (host, device, address) in [(self, device, address), (other, theirs, at)] {
            host.run(&format!(
                "ip address add {address} dev {device} && ethtool -K {device} tx off gro on && ip link set {device} up"
            ));
        }
    }
}
