//! libsrtp as the SRTP of a peer: some lines of Python around the library of Debian's package seal and open what a
//! test gives them. Keys are those of an `a=crypto` line (RFC 4568 §6.1), with lifetimes and identifiers.

use crate::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

const PROGRAM: &str = include_str!("libsrtp.py");

/// The running library.
#[derive(Debug)]
pub struct Libsrtp {
    child: Child,
    asks: ChildStdin,
    answers: Receiver<String>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Others seal with it.
    In,
    /// It seals with it.
    Out,
}

/// The keys of one direction, with all that was sealed and opened under them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys(usize);

impl Libsrtp {
    /// Starts it.
    ///
    /// # Panics
    /// It is not there.
    #[must_use]
    pub fn start() -> Libsrtp {
        // The system's own Python needs no more than its standard library.
        let mut command = Command::new("/usr/bin/python3");
        command.args(["-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let asks = child.stdin.take().expect("its ear");
        let (say, answers) = channel();
        let lines = BufReader::new(child.stdout.take().expect("its mouth")).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).all(|line| say.send(line).is_ok()));
        Libsrtp { child, asks, answers }
    }

    /// The keys of an `a=crypto` line of a description.
    ///
    /// # Panics
    /// It knows no such suite, or the key does not fit.
    pub fn keys(&mut self, way: Way, line: &str) -> Keys {
        let mut words = line.split_whitespace().skip(1);
        let (suite, inlines) = (words.next().expect("a suite"), words.next().expect("keys"));
        let keys: Vec<String> = inlines.split(';').map(told).collect();
        let way = if way == Way::In { "in" } else { "out" };
        let number = self.ask(&format!("key {way} {suite} {}", keys.join(" ")));
        Keys(number.parse().expect("a number"))
    }

    /// RTP packets, sealed in this order under one of the keys.
    pub fn seal(&mut self, keys: Keys, which: usize, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.all("seal", keys, which, packets)
    }

    /// RTP packets that another has sealed, opened in this order.
    ///
    /// # Panics
    /// One is refused.
    pub fn open(&mut self, keys: Keys, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.all("open", keys, 0, packets)
    }

    /// Whether it opens a packet; if so it counts as received.
    pub fn opens(&mut self, keys: Keys, packet: &[u8]) -> bool {
        self.each("open", keys, 0, &[packet.to_vec()])[0].is_ok()
    }

    /// A report, sealed under one of the keys.
    pub fn seal_report(&mut self, keys: Keys, which: usize, report: &[u8]) -> Vec<u8> {
        self.all("seal-control", keys, which, &[report.to_vec()]).remove(0)
    }

    /// A report that another has sealed.
    ///
    /// # Panics
    /// It is refused.
    pub fn open_report(&mut self, keys: Keys, report: &[u8]) -> Vec<u8> {
        self.all("open-control", keys, 0, &[report.to_vec()]).remove(0)
    }

    fn all(&mut self, does: &str, keys: Keys, which: usize, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let done = self.each(does, keys, which, packets).into_iter().enumerate();
        done.map(|(at, one)| one.unwrap_or_else(|status| panic!("libsrtp: {does} {at}: {status}"))).collect()
    }

    fn each(
        &mut self,
        does: &str,
        keys: Keys,
        which: usize,
        packets: &[Vec<u8>],
    ) -> Vec<Result<Vec<u8>, String>> {
        let mut line = format!("{does} {} {which}", keys.0);
        for packet in packets {
            line.push(' ');
            packet.iter().for_each(|byte| push(&mut line, *byte));
        }
        let said = self.ask(&line);
        let done: Vec<_> = said.split(' ').map(result).collect();
        assert_eq!(done.len(), packets.len(), "{said}");
        done
    }

    fn ask(&mut self, line: &str) -> String {
        let _ = writeln!(self.asks, "{line}");
        self.answers.recv_timeout(PATIENCE).expect("an answer of libsrtp's")
    }
}

impl Drop for Libsrtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `inline:KEY|2^20|1:4` as the program wants it: the identifier in hex, then the key.
fn told(inline: &str) -> String {
    let mut parts = inline.trim_start_matches("inline:").split('|');
    let key = parts.next().unwrap_or_default();
    let mki = parts.find_map(|part| part.split_once(':')).map(|(value, length)| {
        let (value, length): (u64, usize) = (value.parse().expect("a value"), length.parse().expect("bytes"));
        format!("{value:0width$x}", width = 2 * length)
    });
    format!("{}:{key}", mki.unwrap_or_default())
}

fn push(line: &mut String, byte: u8) {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    line.extend([digit(byte >> 4), digit(byte)]);
}

fn result(word: &str) -> Result<Vec<u8>, String> {
    match word.strip_prefix('!') {
        Some(status) => Err(status.to_owned()),
        None => Ok(word.as_bytes().chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()),
    }
}

fn value(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn identifiers_are_as_long_as_the_line_says() {
        assert_eq!(told("inline:AAAA"), ":AAAA");
        assert_eq!(told("inline:AAAA|2^20"), ":AAAA");
        assert_eq!(told("inline:AAAA|2^20|1:4"), "00000001:AAAA");
        assert_eq!(told("AAAA|300:2"), "012c:AAAA");
    }
}
