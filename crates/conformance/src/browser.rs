//! Chromium as a phone: a page of ours asks it for a WebRTC call (UDP/TLS/RTP/SAVPF, ICE, BUNDLE, RTCP on the port of
//! RTP), its descriptions are carried over HTTP, it says what is in a file and tells what it hears.

use crate::audio;
use crate::place::Place;
use crate::process::Process;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// What the browser runs. `CALLS` is replaced.
const PAGE: &str = include_str!("browser.html");

/// Who begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The browser offers.
    Calls,
    /// The browser answers.
    Answers,
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    said: Receiver<String>,
    tells: Sender<String>,
    orders: Sender<&'static str>,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Browser {
    /// Starts it; what it says is a tone of `hertz`.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(place: &Place, name: &str, role: Role, hertz: f64) -> Browser {
        let folder = place.path(name);
        std::fs::create_dir_all(&folder).expect("the browser's folder");
        let tone = folder.join("tone.wav");
        audio::write(&tone, &audio::tone(hertz, 30));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let ((say, said), (tells, told), (orders, ordered)) = (channel(), channel(), channel());
        let heard = Arc::default();
        let (told, ordered) = (Arc::new(Mutex::new(told)), Arc::new(Mutex::new(ordered)));
        let desk = Desk { role, say, told, ordered, heard: Arc::clone(&heard) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let desk = desk.clone();
                std::thread::spawn(move || desk.serve(&stream));
            }
        });
        // Not the script on the path: it would outlive us.
        let mut command = Command::new("/usr/lib/chromium/chromium-headless-shell");
        command.args([
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--disable-audio-output",
        ]);
        command.args(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]);
        command.args([
            "--autoplay-policy=no-user-gesture-required",
            "--disable-features=WebRtcHideLocalIpsWithMdns",
        ]);
        command.arg("--enable-logging=stderr");
        command.arg(format!("--use-file-for-fake-audio-capture={}", tone.display()));
        command.arg(format!("--user-data-dir={}", folder.display()));
        command.arg(format!("http://{address}/")).current_dir(&folder);
        Browser { process: Process::start("chromium", &mut command), said, tells, orders, heard }
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The description that it says next.
    ///
    /// # Panics
    /// It says none.
    #[must_use]
    pub fn described(&self) -> String {
        let said = self.said.recv_timeout(crate::PATIENCE);
        said.unwrap_or_else(|_| panic!("the browser describes nothing:\n{}", self.process.tail()))
    }

    /// Tells it the other side's description.
    ///
    /// # Panics
    /// It is gone.
    pub fn tell(&self, description: &str) {
        self.tells.send(description.into()).expect("the page's desk");
    }

    /// Lets it begin its ICE anew, in the call that it is in: the offer that it makes for that.
    ///
    /// # Panics
    /// It makes none.
    #[must_use]
    pub fn restarts(&self) -> String {
        self.orders.send("restart").expect("the page's desk");
        self.described()
    }

    /// What it has heard so far is not looked at again.
    pub fn forgets(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until it has heard a second of a tone of `hertz` and nothing of the tone of `not`; its level.
    ///
    /// # Panics
    /// It has not.
    pub fn hears(&self, hertz: f64, not: f64) -> f64 {
        let last = || {
            let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.get(heard.len().saturating_sub(audio::RATE as usize)..).unwrap_or_default().to_vec()
        };
        let is_good = |samples: &Vec<i16>| samples.len() == 8_000 && audio::share(samples, hertz) > 0.9;
        let samples = crate::await_some(|| Some(last()).filter(is_good)).unwrap_or_else(last);
        let (own, other) = (audio::share(&samples, hertz), audio::share(&samples, not));
        let told = format!("{} samples, {own:.2} at {hertz}, {other:.2} at {not}", samples.len());
        assert!(own > 0.9 && other < 0.05, "{told}\n{}", self.process.tail());
        audio::level(&samples)
    }
}

/// What the page speaks with.
#[derive(Clone)]
struct Desk {
    role: Role,
    say: Sender<String>,
    told: Arc<Mutex<Receiver<String>>>,
    ordered: Arc<Mutex<Receiver<&'static str>>>,
    heard: Arc<Mutex<Vec<i16>>>,
}

impl Desk {
    /// One request.
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let (mut first, mut length) = (String::new(), 0);
        let _ = reader.read_line(&mut first);
        loop {
            let mut line = String::new();
            let count = reader.read_line(&mut line).unwrap_or(0);
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if count == 0 || line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let answer = self.answer(first.split(' ').take(2).collect::<Vec<_>>().join(" ").as_str(), &body);
        let kind = if first.starts_with("GET / ") { "text/html" } else { "text/plain" };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let mut stream = stream;
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
    }

    fn answer(&self, request: &str, body: &[u8]) -> String {
        match request {
            "GET /" => PAGE.replace("CALLS", if self.role == Role::Calls { "true" } else { "false" }),
            "POST /description" => {
                let _ = self.say.send(String::from_utf8_lossy(body).into_owned());
                String::new()
            }
            "GET /description" => {
                let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.recv_timeout(crate::PATIENCE).unwrap_or_default()
            }
            "GET /order" => {
                let ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
                ordered.recv_timeout(crate::PATIENCE).unwrap_or_default().into()
            }
            "POST /heard" => {
                let samples = body.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]]));
                self.heard.lock().unwrap_or_else(PoisonError::into_inner).extend(samples);
                String::new()
            }
            _ => String::new(),
        }
    }
}
