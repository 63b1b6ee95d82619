//! One stream connection, plain or under TLS: bytes in, whole messages out, and back.
//!
//! Non-blocking and without a clock; rustls is driven by hand, so that no connection has a task or
//! thread of its own. A connection never decides that it has lived long enough: that is
//! [`crate::pool`]'s. Enter through [`Stream::accepted`] and [`Stream::dialled`].

mod close;

pub(crate) use close::Close;

use crate::tls::verify;
use base::Time;
use rustls::Connection;
use sip_core::{Flow, SendError, SendToken};
use sip_msg::{Frame, Framer, Leniency, Limits};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Bytes waiting for a slow reader, at most; beyond, the connection is closed.
const QUEUE_MAX: usize = 512 * 1024;
/// Memory of the queue that is kept while it is empty, bytes.
const QUEUE_KEPT: usize = 16 * 1024;
/// Reads per turn, at most; what waits longer is reported again by the poll.
const READS_PER_TURN: usize = 4;
/// Tokens of messages handed to the kernel that are remembered, in case the connection is reset.
const RECENT_MAX: usize = 64;

/// How far a connection has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// The TCP connect is under way.
    Connecting,
    /// The TLS handshake is under way.
    Handshaking,
    /// Messages flow.
    Open,
}

/// What a connection hands up for the answer to a ping (RFC 5626 §4.4.1).
pub(crate) const PONG: &[u8] = b"\r\n";

/// What a connection hands up: one message, or [`PONG`], and the peer's verified names.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(Flow, &[String], &[u8]);

/// One connection.
pub(crate) struct Stream {
    socket: TcpStream,
    tls: Option<Box<Connection>>,
    framer: Framer,
    stage: Stage,
    /// Where it leads; `conn` names this connection.
    pub(crate) flow: Flow,
    /// The peer opened it.
    pub(crate) inbound: bool,
    /// A whole message has come over it.
    pub(crate) proven: bool,
    /// It belongs to a trunk; what does not is never answered, not even a ping.
    pub(crate) known: bool,
    /// When it was accepted or dialled.
    pub(crate) opened: Time,
    /// When it became open for messages.
    pub(crate) ready: Time,
    /// When the message began that is not whole yet.
    pub(crate) begun: Option<Time>,
    /// When bytes last went either way.
    pub(crate) used: Time,
    /// Whether the poll watches for room to write.
    pub(crate) watching: bool,
    /// Whether it is in this turn's list of connections to flush.
    pub(crate) listed: bool,
    verified: Vec<String>,
    /// Pings that wait for their answers.
    pings: u16,
    queue: Vec<u8>,
    /// Bytes of `queue` that have been handed on.
    head: usize,
    /// Bytes handed on since birth, up to `head`.
    handed: u64,
    /// Ends, counted since birth, of messages whose sender wants to know of failure.
    tokens: VecDeque<(u64, SendToken)>,
    recent: VecDeque<SendToken>,
}

impl Stream {
    /// A connection that a peer opened.
    pub(crate) fn accepted(
        socket: TcpStream,
        tls: Option<Connection>,
        flow: Flow,
        limits: &Limits,
        now: Time,
        known: bool,
    ) -> Stream {
        let stage = if tls.is_some() { Stage::Handshaking } else { Stage::Open };
        Stream { known, ..Stream::new(socket, tls, flow, limits, now, stage, true) }
    }

    /// A connection that we open; its connect is under way.
    pub(crate) fn dialled(
        socket: TcpStream,
        tls: Option<Connection>,
        flow: Flow,
        limits: &Limits,
        now: Time,
    ) -> Stream {
        Stream::new(socket, tls, flow, limits, now, Stage::Connecting, false)
    }

    fn new(
        socket: TcpStream,
        tls: Option<Connection>,
        flow: Flow,
        limits: &Limits,
        now: Time,
        stage: Stage,
        inbound: bool,
    ) -> Stream {
        Stream {
            socket,
            tls: tls.map(Box::new),
            framer: Framer::new(limits, Leniency::default()),
            stage,
            flow,
            inbound,
            proven: false,
            known: true,
            opened: now,
            ready: now,
            begun: None,
            used: now,
            watching: stage == Stage::Connecting,
            listed: false,
            verified: Vec::new(),
            pings: 0,
            queue: Vec::new(),
            head: 0,
            handed: 0,
            tokens: VecDeque::new(),
            recent: VecDeque::new(),
        }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// The names in the peer's verified certificate.
    pub(crate) fn verified(&self) -> &[String] {
        &self.verified
    }

    /// The peer belongs to a trunk after all: what it is owed is queued.
    pub(crate) fn befriend(&mut self) -> Result<(), Close> {
        self.known = true;
        self.answer_pings()
    }

    /// Whether bytes wait to be written.
    pub(crate) fn is_waiting(&self) -> bool {
        self.head < self.queue.len() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Queues a message.
    ///
    /// # Errors
    /// The peer reads too slowly: the connection is to be closed.
    pub(crate) fn enqueue(&mut self, bytes: &[u8], token: Option<SendToken>) -> Result<(), Close> {
        if self.queue.len() - self.head + bytes.len() > QUEUE_MAX {
            return Err(Close::SlowReader);
        }
        self.queue.extend_from_slice(bytes);
        if let Some(token) = token {
            self.tokens.push_back((self.handed + (self.queue.len() - self.head) as u64, token));
        }
        Ok(())
    }

    /// The connect is over, well or not.
    pub(crate) fn connected(&mut self) -> Result<(), Close> {
        if self.stage != Stage::Connecting {
            return Ok(());
        }
        match self.socket.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => return Err(Close::of_connect(&error)),
        }
        self.stage = if self.tls.is_some() { Stage::Handshaking } else { Stage::Open };
        Ok(())
    }

    /// Reads what waits, up to a budget, and hands up the whole messages in it. `scratch` is any
    /// buffer. An end of the stream is an error too, after what came before it was handed up.
    pub(crate) fn read(&mut self, now: Time, scratch: &mut [u8], sink: Sink<'_>) -> Result<(), Close> {
        if self.stage == Stage::Connecting {
            return Ok(());
        }
        for _ in 0..READS_PER_TURN {
            let progress = if self.tls.is_some() {
                self.read_tls(now, scratch, sink)?
            } else {
                self.read_plain(now, scratch, sink)?
            };
            if !progress {
                break;
            }
        }
        Ok(())
    }

    fn read_plain(&mut self, now: Time, scratch: &mut [u8], sink: Sink<'_>) -> Result<bool, Close> {
        let Some(count) = progress(self.socket.read(scratch))? else { return Ok(false) };
        self.framed(now, scratch.get(..count).unwrap_or_default(), sink)?;
        Ok(count == scratch.len())
    }

    fn read_tls(&mut self, now: Time, scratch: &mut [u8], sink: Sink<'_>) -> Result<bool, Close> {
        let Some(tls) = self.tls.as_deref_mut() else { return Ok(false) };
        let Some(_) = progress(tls.read_tls(&mut self.socket))? else { return Ok(false) };
        let state = match tls.process_new_packets() {
            Ok(state) => state,
            Err(error) => {
                // The alert that says why; nothing is lost when it does not leave.
                let _ = tls.write_tls(&mut self.socket);
                return Err(Close::of_tls(&error));
            }
        };
        let waiting = state.plaintext_bytes_to_read();
        if self.stage == Stage::Handshaking && !tls.is_handshaking() {
            (self.stage, self.ready) = (Stage::Open, now);
            let leaf = tls.peer_certificates().and_then(<[_]>::first);
            if let (true, Some(leaf)) = (self.inbound, leaf) {
                self.verified = verify::names(leaf);
            }
        }
        let mut left = waiting;
        while left > 0 {
            let Some(tls) = self.tls.as_deref_mut() else { break };
            let count = match tls.reader().read(scratch) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            left = left.saturating_sub(count);
            self.framed(now, scratch.get(..count).unwrap_or_default(), sink)?;
        }
        if state.peer_has_closed() { Err(Close::Ended) } else { Ok(true) }
    }

    /// Feeds the framer and hands up what is whole.
    fn framed(&mut self, now: Time, bytes: &[u8], sink: Sink<'_>) -> Result<(), Close> {
        self.used = now;
        self.framer.push(bytes).map_err(|_| Close::Framing)?;
        loop {
            match self.framer.next() {
                Ok(Some(Frame::Message(message))) => {
                    self.proven = true;
                    self.begun = None;
                    sink(self.flow, &self.verified, message);
                }
                Ok(Some(Frame::Ping)) => self.pings = self.pings.saturating_add(1),
                // Of a ping of ours; peers that connect have none to answer.
                Ok(Some(Frame::Pong)) if !self.inbound => sink(self.flow, &self.verified, PONG),
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => return Err(Close::Framing),
            }
        }
        let whole = self.framer.pending().is_empty();
        self.begun = if whole { None } else { self.begun.or(Some(now)) };
        if self.known { self.answer_pings() } else { Ok(()) }
    }

    /// A CRLF ping is answered at once (RFC 5626 §4.4.1).
    fn answer_pings(&mut self) -> Result<(), Close> {
        for _ in 0..std::mem::take(&mut self.pings) {
            self.enqueue(b"\r\n", None)?;
        }
        Ok(())
    }

    /// Writes what waits, as far as the socket takes it.
    pub(crate) fn flush(&mut self, now: Time) -> Result<(), Close> {
        if self.stage == Stage::Connecting {
            return Ok(());
        }
        let before = self.handed;
        let written = if self.tls.is_some() { self.flush_tls() } else { self.flush_plain() };
        if self.handed != before {
            self.used = now;
        }
        self.retire();
        written
    }

    fn flush_plain(&mut self) -> Result<(), Close> {
        while let Some(rest) = self.queue.get(self.head..).filter(|rest| !rest.is_empty()) {
            let Some(count) = progress(self.socket.write(rest))? else { break };
            self.head += count;
            self.handed += count as u64;
        }
        Ok(())
    }

    fn flush_tls(&mut self) -> Result<(), Close> {
        let Some(tls) = self.tls.as_deref_mut() else { return Ok(()) };
        loop {
            while tls.wants_write() {
                if progress(tls.write_tls(&mut self.socket))?.is_none() {
                    return Ok(());
                }
            }
            let rest = self.queue.get(self.head..).unwrap_or_default();
            if tls.is_handshaking() || rest.is_empty() {
                return Ok(());
            }
            let count = tls.writer().write(rest).unwrap_or(0);
            if count == 0 {
                return Ok(());
            }
            self.head += count;
            self.handed += count as u64;
        }
    }

    /// Forgets what has been handed on.
    fn retire(&mut self) {
        while let Some(&(end, token)) = self.tokens.front() {
            if end > self.handed {
                break;
            }
            self.tokens.pop_front();
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(token);
        }
        if self.head == self.queue.len() {
            self.head = 0;
            self.queue.clear();
            self.queue.shrink_to(QUEUE_KEPT);
        } else if self.head > QUEUE_KEPT {
            self.queue.drain(..self.head);
            self.head = 0;
        }
    }

    /// Says goodbye, as far as that is possible at once, and tells whose messages did not leave: those
    /// still queued, and after a reset also those that were handed on last.
    pub(crate) fn close(&mut self, why: Close, failures: &mut Vec<(SendToken, SendError)>) {
        if let (Stage::Open, Some(tls), true) = (self.stage, self.tls.as_deref_mut(), why.is_orderly()) {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
        let error = why.send_error();
        failures.extend(self.tokens.drain(..).map(|(_, token)| (token, error)));
        if why.loses_what_was_sent() {
            failures.extend(self.recent.drain(..).map(|token| (token, error)));
        }
    }
}

/// How many bytes moved; `None`: not now. An end of the stream is an error.
fn progress(result: io::Result<usize>) -> Result<Option<usize>, Close> {
    match result {
        Ok(0) => Err(Close::Ended),
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(Close::of_error(&error)),
        },
    }
}
