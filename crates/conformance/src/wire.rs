//! SIP as text on a socket: what a test says to the server word for word, and what comes back.
//! No SIP library stands between, least of all ours.

use crate::PATIENCE;
use crate::hearing::await_datagram;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// A message as it came, with `\r\n` line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub String);

impl Message {
    /// The status code; `None` for a request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method; empty for a response.
    #[must_use]
    pub fn method(&self) -> &str {
        if self.status().is_some() { "" } else { self.0.split(' ').next().unwrap_or_default() }
    }

    /// The Request-URI of a request.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of that name (long form), without blanks; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers(name).first().copied().unwrap_or_default()
    }

    /// All headers of that name.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let pairs = head.lines().filter_map(|l| l.split_once(':'));
        pairs.filter(|(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).collect()
    }

    /// What follows the empty line.
    #[must_use]
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Address and port of the first medium of a body that is SDP.
    #[must_use]
    pub fn media(&self) -> Option<SocketAddr> {
        let body = self.body();
        let ip =
            body.lines().find_map(|l| l.strip_prefix("c=IN IP4 ").or_else(|| l.strip_prefix("c=IN IP6 ")))?;
        let port = body.lines().find_map(|l| l.strip_prefix("m="))?.split(' ').nth(1)?;
        Some(SocketAddr::new(ip.trim().parse().ok()?, port.parse().ok()?))
    }
}

/// A UDP socket that speaks SIP to one server.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Datagrams {
    /// Bound to `local`, speaking to `server`.
    ///
    /// # Panics
    /// The addresses cannot be used.
    #[must_use]
    pub fn new(local: &str, server: &str) -> Datagrams {
        let socket = UdpSocket::bind(local).unwrap_or_else(|e| panic!("{local}: {e}"));
        socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        Datagrams { socket, server: server.parse().expect("the server's address") }
    }

    /// Sends bytes as one datagram.
    ///
    /// # Panics
    /// The socket refuses.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.socket.send_to(bytes.as_ref(), self.server).expect("a datagram sent");
    }

    /// The next message from the server.
    ///
    /// # Panics
    /// None comes.
    #[must_use]
    pub fn receive(&self) -> Message {
        self.await_any("message", Some)
    }

    /// Messages from the server until `found` gives something of one.
    ///
    /// # Panics
    /// It does not in time.
    pub fn await_any<T>(&self, what: &str, mut found: impl FnMut(Message) -> Option<T>) -> T {
        await_datagram(&self.socket, what, |bytes, from| {
            let message = Message(String::from_utf8_lossy(bytes).into_owned());
            (from == self.server).then_some(message).and_then(&mut found)
        })
    }

    /// Messages until one of that method or status (`"INVITE"`, `"200"`) whose text holds `also`.
    ///
    /// # Panics
    /// None comes.
    #[must_use]
    pub fn await_message(&self, what: &str, also: &str) -> Message {
        self.await_any(what, |message| {
            let is = message.method() == what || message.status().is_some_and(|s| s.to_string() == what);
            (is && message.0.contains(also)).then_some(message)
        })
    }

    /// Sends an OPTIONS and collects all that comes before its answer: what the server had to say to
    /// whatever was sent before, since it takes one datagram after another.
    #[must_use]
    pub fn all_until_options_answered(&self, mark: &str) -> Vec<Message> {
        self.send(options(&self.local(), &self.server.to_string(), "UDP", mark));
        let mut before = Vec::new();
        self.await_any("answer to OPTIONS", |message| {
            let done = message.status().is_some() && message.header("Call-ID").starts_with(mark);
            if !done {
                before.push(message);
            }
            done.then_some(())
        });
        before
    }

    /// Whether nothing has come.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let _ = self.socket.set_nonblocking(true);
        let nothing = self.socket.peek_from(&mut [0; 1]).is_err();
        let _ = self.socket.set_nonblocking(false);
        nothing
    }

    /// Its own address.
    ///
    /// # Panics
    /// The socket has none.
    #[must_use]
    pub fn local(&self) -> String {
        self.socket.local_addr().expect("bound").to_string()
    }
}

/// An OPTIONS request; `mark` begins its Call-ID and its branch.
#[must_use]
pub fn options(local: &str, server: &str, transport: &str, mark: &str) -> String {
    format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};rport;branch=z9hG4bK{mark}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:probe@{local}>;tag={mark}\r\nTo: <sip:{server}>\r\n\
         Call-ID: {mark}@probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A request outside any dialog, without body.
#[must_use]
pub fn request(method: &str, uri: &str, local: &str, mark: &str, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{mark}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+493023125100@{local}>;tag={mark}\r\nTo: <{uri}>\r\n\
         Call-ID: {mark}@probe\r\nCSeq: 1 {method}\r\nContact: <sip:probe@{local}>\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// What a TCP connection gave until it was closed or the marked OPTIONS was answered.
#[derive(Debug)]
pub struct Said {
    /// All bytes, as text.
    pub text: String,
    /// Whether the server closed the connection.
    pub closed: bool,
}

impl Said {
    /// Status codes in order, without that of the OPTIONS.
    #[must_use]
    pub fn statuses(&self, mark: &str) -> Vec<u16> {
        let mut starts: Vec<usize> = self.text.match_indices("SIP/2.0 ").map(|(at, _)| at).collect();
        starts.push(self.text.len());
        let messages = starts.windows(2).filter_map(|w| self.text.get(*w.first()?..*w.get(1)?));
        messages
            .map(|m| Message(m.into()))
            .filter(|m| !m.header("Call-ID").starts_with(mark))
            .filter_map(|m| m.status())
            .collect()
    }
}

/// Connects from `local` (an address), sends `bytes` and a marked OPTIONS, and hears the server out.
///
/// # Panics
/// The connection cannot be made.
#[must_use]
pub fn over_tcp(local: &str, server: &str, bytes: &[u8], mark: &str) -> Said {
    let mut stream = connect_from(local, server);
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a read timeout");
    let here = stream.local_addr().expect("connected").to_string();
    let mut all = bytes.to_vec();
    all.extend_from_slice(options(&here, server, "TCP", mark).as_bytes());
    // A server that closes early resets what is still being sent; what it said stays readable.
    let _ = stream.write_all(&all);
    let (mut heard, end) = (Vec::new(), Instant::now() + PATIENCE);
    let mut buffer = [0; 8192];
    loop {
        assert!(Instant::now() < end, "the server says more and more");
        let text = String::from_utf8_lossy(&heard).into_owned();
        if text.contains(&format!("Call-ID: {mark}@probe")) && text.ends_with("\r\n\r\n") {
            return Said { text, closed: false };
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Said { text, closed: true },
            Ok(length) => heard.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Said { text, closed: true };
            }
            // A message that never ends leaves the server waiting for the rest of it: it says nothing.
            Err(_) => return Said { text, closed: false },
        }
    }
}

/// A TCP connection to `server` from the address `local`.
///
/// # Panics
/// It cannot be made.
#[must_use]
pub fn connect_from(local: &str, server: &str) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let local = SocketAddr::new(local.parse().expect("an address"), 0);
    let server: SocketAddr = server.parse().expect("the server's address");
    let family = if local.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let made = socket(family, SocketType::STREAM, None).expect("a socket");
    bind(&made, &local).expect("bound");
    connect(&made, &server).expect("connected");
    TcpStream::from(made)
}
