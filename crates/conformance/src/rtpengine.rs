//! rtpengine as the media of a phone: what the phone says in plain RTP it says to us as it is asked, by keys, by
//! handshakes, with ICE. It is driven by its own protocol (ng: a cookie, then a bencoded dictionary).

use crate::place::Place;
use crate::process::Process;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

/// A value of its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text or bytes.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A dictionary.
    Map(BTreeMap<String, Value>),
    /// A number.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<&[&str]> for Value {
    fn from(words: &[&str]) -> Value {
        Value::List(words.iter().map(|word| Value::from(*word)).collect())
    }
}

/// How one side is secured: what its trunk says, how rtpengine is asked, and what the record tells.
#[derive(Debug)]
pub struct Way {
    /// What its trunk says.
    pub rules: String,
    /// How rtpengine is asked.
    pub how: Vec<(&'static str, Value)>,
    /// What the record tells.
    pub told: String,
}

impl Way {
    /// Not at all.
    #[must_use]
    pub fn plain() -> Way {
        let how = vec![("transport-protocol", "RTP/AVP".into()), ("ICE", "remove".into())];
        Way { rules: "srtp = \"off\"".into(), how, told: "none".into() }
    }

    /// With keys in the description.
    #[must_use]
    pub fn keys(suite: &str) -> Way {
        Way {
            rules: format!("srtp = \"required\", srtp_suites = [\"{suite}\"]"),
            how: vec![
                ("transport-protocol", "RTP/SAVP".into()),
                ("ICE", "remove".into()),
                ("DTLS", "off".into()),
            ],
            told: format!("sdes {suite}"),
        }
    }

    /// With handshakes; `more` of the trunk's rules.
    #[must_use]
    pub fn shaken(suite: &str, ice: bool, more: &str) -> Way {
        let lite = if ice { ", ice = \"lite\"" } else { "" };
        let mut how = vec![
            ("transport-protocol", if ice { "UDP/TLS/RTP/SAVPF" } else { "UDP/TLS/RTP/SAVP" }.into()),
            ("ICE", if ice { "force" } else { "remove" }.into()),
            ("SDES", (&["off"][..]).into()),
        ];
        if !ice {
            how.push(("rtcp-mux", (&["demux"][..]).into()));
        }
        Way {
            rules: format!(
                "srtp = \"required\", srtp_keys = [\"dtls\"], srtp_suites = [\"{suite}\"]{lite}{more}"
            ),
            how,
            told: format!("dtls {suite}"),
        }
    }

    /// The same with ICE.
    #[must_use]
    pub fn checked(mut self) -> Way {
        self.rules.push_str(", ice = \"lite\"");
        self.how.retain(|(key, _)| *key != "ICE");
        self.how.push(("ICE", "force".into()));
        self
    }

    /// How rtpengine is asked for the plain phone behind it.
    #[must_use]
    pub fn behind(&self) -> Vec<(&'static str, Value)> {
        let same = self.how.iter().filter(|(key, _)| *key != "transport-protocol" && *key != "ICE").cloned();
        let plain = [("transport-protocol", "RTP/AVP".into()), ("ICE", "remove".into())];
        same.chain(plain).collect()
    }
}

/// Where a description wants the sound of one of its streams.
///
/// # Panics
/// It has no such stream.
#[must_use]
pub fn place_of(description: &str, stream: usize) -> SocketAddr {
    let mut ips = description.lines().filter_map(|line| line.strip_prefix("c=IN IP4 "));
    let ip = ips.next().expect("an address").trim().parse().expect("an address");
    let mut ports = description.lines().filter_map(|line| line.strip_prefix("m=audio ")?.split(' ').next());
    let port = ports.nth(stream).and_then(|port| port.parse().ok()).expect("a port");
    SocketAddr::new(ip, port)
}

/// A running rtpengine.
#[derive(Debug)]
pub struct Rtpengine {
    process: Process,
    control: UdpSocket,
    call: String,
    asked: Cell<u32>,
}

impl Rtpengine {
    /// Starts it at `place.ip(host)`, for one call, or for several one after the other.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(place: &Place, host: u8) -> Rtpengine {
        let ip = place.ip(host);
        let mut command = Command::new("rtpengine");
        command.args(["--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=7"]);
        command.args([&format!("--interface={ip}"), &format!("--listen-ng={ip}:2223")]);
        command.args([
            "--port-min=44000",
            "--port-max=44400",
            "--num-threads=2",
            "--dtls-cert-cipher=prime256v1",
        ]);
        command.current_dir(place.folder());
        let process = Process::start("rtpengine", &mut command);
        let control = UdpSocket::bind((ip.as_str(), 0)).expect("a socket");
        control.connect((ip.as_str(), 2223)).expect("its address");
        control.set_read_timeout(Some(std::time::Duration::from_millis(200))).expect("a read timeout");
        let engine = Rtpengine { process, control, call: format!("{host}@{ip}"), asked: Cell::new(0) };
        let ready = engine.ask(&BTreeMap::from([("command".into(), "ping".into())]));
        assert!(ready.is_some(), "rtpengine does not answer:\n{}", engine.process.tail());
        engine
    }

    /// What it is asked from now on is of another call.
    pub fn speak_of(&mut self, call: &str) {
        call.clone_into(&mut self.call);
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What it makes of the offer of one side for the other.
    #[must_use]
    pub fn offer(&self, description: &str, how: &[(&str, Value)]) -> String {
        self.describe("offer", description, how)
    }

    /// What it makes of the answer of the other side.
    #[must_use]
    pub fn answer(&self, description: &str, how: &[(&str, Value)]) -> String {
        self.describe("answer", description, how)
    }

    fn describe(&self, command: &str, description: &str, how: &[(&str, Value)]) -> String {
        let mut words: BTreeMap<String, Value> =
            how.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let fixed =
            [("command", command), ("call-id", &*self.call), ("from-tag", "one"), ("sdp", description)];
        words.extend(fixed.map(|(key, value)| (key.to_owned(), Value::from(value))));
        words.insert("replace".into(), (&["origin"][..]).into());
        if command == "answer" {
            words.insert("to-tag".into(), "two".into());
        }
        let answer = self.ask(&words).unwrap_or_default();
        match answer.get("sdp") {
            Some(Value::Text(sdp)) => sdp.clone(),
            _ => panic!("rtpengine to {command}: {answer:?}\n{}", self.process.tail()),
        }
    }

    /// Asks, and again where no answer comes soon; nothing when none comes at all.
    fn ask(&self, words: &BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
        // Another cookie for another question: the same one gets the same answer again.
        self.asked.set(self.asked.get() + 1);
        let cookie = self.asked.get().to_string();
        let mut bytes = format!("{cookie} ").into_bytes();
        write(&Value::Map(words.clone()), &mut bytes);
        let body = crate::await_some(|| {
            // It may not be there yet.
            self.control.send(&bytes).ok()?;
            self.answer_to(&cookie)
        })?;
        match read(&body)?.0 {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// What comes soon under this cookie; later answers to earlier questions are passed over.
    fn answer_to(&self, cookie: &str) -> Option<String> {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = self.control.recv(&mut buffer).ok()?;
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            match text.split_once(' ') {
                Some((of, body)) if of == cookie => return Some(body.to_owned()),
                _ => {}
            }
        }
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let text = |text: &str, out: &mut Vec<u8>| out.extend(format!("{}:{text}", text.len()).into_bytes());
    match value {
        Value::Text(word) => text(word, out),
        Value::Number(number) => out.extend(format!("i{number}e").into_bytes()),
        Value::List(list) => {
            out.push(b'l');
            list.iter().for_each(|one| write(one, out));
            out.push(b'e');
        }
        Value::Map(map) => {
            out.push(b'd');
            for (key, one) in map {
                text(key, out);
                write(one, out);
            }
            out.push(b'e');
        }
    }
}

/// A value at the start of a text, and what follows it.
fn read(text: &str) -> Option<(Value, &str)> {
    if let Some(rest) = text.strip_prefix('i') {
        let (number, rest) = rest.split_once('e')?;
        return Some((Value::Number(number.parse().ok()?), rest));
    }
    if let Some(mut rest) = text.strip_prefix('l') {
        let mut list = Vec::new();
        while !rest.starts_with('e') {
            let (one, more) = read(rest)?;
            list.push(one);
            rest = more;
        }
        return Some((Value::List(list), &rest[1..]));
    }
    if let Some(mut rest) = text.strip_prefix('d') {
        let mut map = BTreeMap::new();
        while !rest.starts_with('e') {
            let (Value::Text(key), more) = read(rest)? else { return None };
            let (one, more) = read(more)?;
            map.insert(key, one);
            rest = more;
        }
        return Some((Value::Map(map), &rest[1..]));
    }
    let (length, rest) = text.split_once(':')?;
    let (word, rest) = rest.split_at_checked(length.parse().ok()?)?;
    Some((Value::Text(word.into()), rest))
}
