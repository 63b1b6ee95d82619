//! What was on the wire, and what `tshark` thinks of it. Needs the right to capture (root).

use crate::place::Place;
use crate::process::Process;
use rustix::process::Signal;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;

/// A running capture of a place's network.
#[derive(Debug)]
pub struct Capture {
    process: Process,
    file: PathBuf,
    probe: UdpSocket,
    /// Where the probe sends to: nobody listens there.
    nowhere: String,
}

/// What the probe says last; packets stand in the file in the order of the wire.
const LAST: &[u8] = b"the last packet of this capture";

impl Capture {
    /// Starts capturing; returns when packets arrive in the file.
    ///
    /// # Panics
    /// No packet arrives.
    #[must_use]
    pub fn start(place: &Place) -> Capture {
        Capture::at(place, "lo", &place.net(), [&place.ip(250), &place.ip(251)])
    }

    /// The same at a device, of what belongs to `net`; the first of two addresses there is ours, the second another
    /// host's with no service at its port 9.
    ///
    /// # Panics
    /// No packet arrives.
    #[must_use]
    pub fn at(place: &Place, device: &str, net: &str, [from, to]: [&str; 2]) -> Capture {
        let file = place.path(&format!("{device}.pcapng"));
        let mut command = Command::new("dumpcap");
        command.args(["-q", "-i", device, "-B", "64", "-f", &format!("net {net}"), "-w"]).arg(&file);
        let process = Process::start("dumpcap", &mut command);
        let probe = UdpSocket::bind((from, 0)).expect("a socket for the probe");
        let capture = Capture { process, file, probe, nowhere: format!("{to}:9") };
        let flows = crate::await_some(|| {
            // The first refusal comes back on the next call, which is no matter.
            let _ = capture.probe.send_to(&[0; 64], &capture.nowhere);
            let size = std::fs::metadata(&capture.file).map_or(0, |m| m.len());
            (size > 1000).then_some(())
        });
        assert!(flows.is_some(), "nothing is captured:\n{}", capture.process.tail());
        capture
    }

    /// Ends the capture, when all that was sent before is in it, and gives the lines of `tshark` for packets that pass `filter`.
    ///
    /// # Panics
    /// `tshark` fails.
    #[must_use]
    pub fn end(&self, filter: &str, fields: &[&str]) -> Vec<String> {
        // What waits in the kernel when the capture ends would be lost.
        let whole = crate::await_some(|| {
            let _ = self.probe.send_to(LAST, &self.nowhere);
            let file = std::fs::read(&self.file).unwrap_or_default();
            file.windows(LAST.len()).rev().any(|bytes| bytes == LAST).then_some(())
        });
        assert!(whole.is_some(), "the capture stands still:\n{}", self.process.tail());
        self.process.signal(Signal::INT);
        let _ = self.process.exit_code();
        self.lines(&[], filter, fields)
    }

    /// What `tshark`, told `options` of its own, says of a capture that has ended.
    ///
    /// # Panics
    /// `tshark` fails.
    #[must_use]
    pub fn lines(&self, options: &[&str], filter: &str, fields: &[&str]) -> Vec<String> {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(options).args(["-n", "-2", "-R", filter, "-T", "fields"]);
        for field in fields {
            command.args(["-e", field]);
        }
        let output = command.output().expect("tshark starts");
        assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}
