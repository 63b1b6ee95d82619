//! One handshake: datagrams and time in, datagrams and keys out.

use crate::certificate::{Certificate, is_named, key_of};
use crate::client::Client;
use crate::cookie::first_hello;
use crate::crypto::{Cipher, verify};
use crate::flight::{Flight, Line};
use crate::keys::Secrets;
use crate::messages::{Kind, Signed, read_certificate, whole};
use crate::reader::Reader;
use crate::reassembly::{Message, Reassembly, Taken};
use crate::record::{Content, Record, Window};
use crate::server::Server;
use crate::trouble::Trouble;
use aws_lc_rs::constant_time;
use base::Time;
use media::{Dtls, Keys};
use std::fmt;
use std::sync::Arc;

/// What was agreed on.
pub type Agreed = Keys;
/// Whom we expect, and what we offer.
pub type Terms = Dtls;

/// Records of one datagram that are looked at: limit `dtls_records`.
const RECORDS_MAX: usize = 16;
/// The highest number of a ClientHello after which a handshake's messages have numbers of their own.
const NUMBER_MAX: u16 = u16::MAX - 16;
/// An alert that ends a handshake (RFC 5246 §7.2).
const FATAL: u8 = 2;

/// What both roles need: what was said, and how one speaks.
pub(crate) struct Wire {
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) terms: Terms,
    /// Every message so far, ours and the peer's.
    pub(crate) transcript: Vec<u8>,
    pub(crate) opening: Option<Cipher>,
    pub(crate) line: Line,
    flight: Flight,
    number: u16,
}

impl Wire {
    /// Begins to say something: what was said before was heard.
    pub(crate) fn begin(&mut self) {
        self.flight = Flight::default();
    }

    pub(crate) fn say(&mut self, kind: Kind, body: &[u8]) {
        let message = whole(kind, self.number, body);
        self.number += 1;
        self.transcript.extend_from_slice(&message);
        self.flight.add(Content::Handshake, u16::from(kind == Kind::Finished), message);
    }

    /// Says that all is sealed from here on, and the checksum of all before.
    pub(crate) fn finish(&mut self, secrets: &Secrets, client: bool) {
        self.flight.add(Content::ChangeCipherSpec, 0, vec![1]);
        let checksum = secrets.finished(client, &self.transcript);
        self.say(Kind::Finished, &checksum);
    }

    pub(crate) fn send(&mut self, now: Time, awaits: bool) -> Result<(), Trouble> {
        self.flight.send(now, &mut self.line, awaits)
    }

    /// Takes both directions' keys: of the client first.
    pub(crate) fn seal(&mut self, secrets: &Secrets, client: bool) -> Result<(), Trouble> {
        let [of_client, of_server] = secrets.ciphers()?;
        let (own, theirs) = if client { (of_client, of_server) } else { (of_server, of_client) };
        (self.line.sealing, self.opening) = (Some(own), Some(theirs));
        Ok(())
    }

    /// The peer's certificate, which must be the one that signalling named.
    pub(crate) fn believed<'b>(&self, body: &'b [u8]) -> Result<&'b [u8], Trouble> {
        let der = read_certificate(body)?;
        if is_named(der, &self.terms.fingerprints) { Ok(der) } else { Err(Trouble::Fingerprint) }
    }
}

/// Whether the holder of a certificate has signed this.
pub(crate) fn check_signed(der: &[u8], message: &[u8], signed: &Signed<'_>) -> Result<(), Trouble> {
    verify(key_of(der)?, signed.scheme, message, signed.signature)
}

/// Whether a Finished message fits what was said before it.
pub(crate) fn check_finished(wanted: &[u8], body: &[u8]) -> Result<(), Trouble> {
    constant_time::verify_slices_are_equal(wanted, body).map_err(|_| Trouble::Signature)
}

enum Role {
    Client(Client),
    Server(Server),
    /// A ClientHello with which nothing can be done.
    Refused([u8; 32]),
}

/// See the module text.
pub struct Shake {
    wire: Wire,
    role: Role,
    incoming: Reassembly,
    window: Window,
    /// An alert that nobody had to prove; it may be a stranger's.
    alert: Option<u8>,
    ended: Option<Result<Agreed, Trouble>>,
    /// The keys were handed on.
    told: bool,
}

impl Shake {
    /// A handshake that we begin (`a=setup:active`).
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn client(now: Time, certificate: Arc<Certificate>, terms: Terms) -> Result<Shake, Trouble> {
        let mut wire = wire(certificate, terms, (0, 0));
        let client = Client::begin(now, &mut wire)?;
        Ok(Shake::new(wire, Role::Client(client), 0))
    }

    /// A handshake that a peer begins with this datagram, which [`crate::Doorman`] has admitted.
    ///
    /// # Errors
    /// It begins with no ClientHello.
    pub fn server(
        now: Time,
        certificate: Arc<Certificate>,
        terms: Terms,
        datagram: &[u8],
    ) -> Result<Shake, Trouble> {
        let (sequence, number, hello) = first_hello(datagram).ok_or(Trouble::Malformed)?;
        // Ours go on from there, and all of a handshake need numbers.
        let next = number.checked_add(1).filter(|next| *next <= NUMBER_MAX).ok_or(Trouble::Malformed)?;
        let mut wire = wire(certificate, terms, (sequence, number));
        let record = Record::next(&mut Reader(datagram)).ok_or(Trouble::Malformed)?;
        wire.transcript.extend_from_slice(record.body);
        let begun = Server::begin(now, &hello, &mut wire);
        let refusal = begun.as_ref().err().copied();
        let role = begun.map_or(Role::Refused(hello.random), Role::Server);
        let mut shake = Shake::new(wire, role, next);
        refusal.into_iter().for_each(|trouble| shake.fail(trouble));
        Ok(shake)
    }

    fn new(wire: Wire, role: Role, next: u16) -> Shake {
        let incoming = Reassembly::from(next);
        Shake { wire, role, incoming, window: Window::default(), alert: None, ended: None, told: false }
    }

    /// Takes a datagram; whether something new was in it.
    pub fn receive(&mut self, now: Time, datagram: &[u8]) -> bool {
        let mut reader = Reader(datagram);
        let mut taken = Taken::default();
        let ended = self.ended.is_some();
        for _ in 0..RECORDS_MAX {
            let Some(record) = Record::next(&mut reader) else { break };
            let more = self.take(&record);
            taken.fresh |= more.fresh;
            taken.repeated |= more.repeated;
            // Before the next record, which the keys that come of it may open.
            while let Some(message) = self.incoming.next().filter(|_| self.ended.is_none()) {
                if let Err(trouble) = self.handle(now, &message) {
                    self.fail(trouble);
                }
            }
        }
        let repeated = taken.repeated && !taken.fresh && !matches!(self.ended, Some(Err(_)));
        if taken.fresh && !ended {
            self.wire.flight.heard(now);
        } else if repeated && let Err(trouble) = self.wire.flight.repeat(now, &mut self.wire.line) {
            self.fail(trouble);
        }
        taken.fresh
    }

    fn take(&mut self, record: &Record<'_>) -> Taken {
        let opened;
        let body = match (record.epoch, &self.wire.opening) {
            (0, _) => record.body,
            (1, Some(cipher)) => match record.open(cipher) {
                Ok(bytes) if self.window.takes(record.sequence) => {
                    opened = bytes;
                    &opened
                }
                _ => return Taken::default(),
            },
            _ => return Taken::default(),
        };
        match (record.content, body) {
            (Content::Handshake, body) => self.incoming.take(record.epoch, body),
            (Content::Alert, [FATAL, code]) => {
                self.alert = Some(*code);
                if record.epoch > 0 && self.ended.is_none() {
                    self.ended = Some(Err(Trouble::Alert(*code)));
                }
                Taken::default()
            }
            _ => Taken::default(),
        }
    }

    fn handle(&mut self, now: Time, message: &Message) -> Result<(), Trouble> {
        if (message.epoch > 0) != (message.kind == Kind::Finished) {
            return Err(Trouble::Malformed);
        }
        let before = self.wire.transcript.len();
        self.wire.transcript.extend_from_slice(&message.whole);
        let agreed = match &mut self.role {
            Role::Client(client) => client.take(now, message, before, &mut self.wire)?,
            Role::Server(server) => server.take(now, message, before, &mut self.wire)?,
            Role::Refused(_) => None,
        };
        if let Some(agreed) = agreed {
            self.ended = Some(Ok(agreed));
            self.wire.transcript = Vec::new();
        }
        Ok(())
    }

    fn fail(&mut self, trouble: Trouble) {
        self.ended = Some(Err(trouble));
        let epoch = u16::from(self.wire.line.sealing.is_some());
        let mut datagram = Vec::new();
        if let Some(code) = trouble.alert()
            && self.wire.line.write(Content::Alert, epoch, &[FATAL, code], &mut datagram).is_ok()
        {
            self.wire.line.outgoing.push_back(datagram);
        }
    }

    /// Time goes on: call a few times a second.
    pub fn on_tick(&mut self, now: Time) {
        if self.ended.is_none() && self.wire.flight.on_tick(now, &mut self.wire.line).is_err() {
            self.fail(self.alert.map_or(Trouble::Silent, Trouble::Alert));
        }
    }

    /// The next datagram to send.
    pub fn poll(&mut self) -> Option<Vec<u8>> {
        self.wire.line.outgoing.pop_front()
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&Result<Agreed, Trouble>> {
        self.ended.as_ref()
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    pub(crate) fn tell(&mut self) {
        self.told = true;
    }

    /// The random value of the client.
    pub(crate) fn client_random(&self) -> &[u8; 32] {
        match &self.role {
            Role::Client(client) => client.random(),
            Role::Server(server) => server.client_random(),
            Role::Refused(random) => random,
        }
    }
}

fn wire(certificate: Arc<Certificate>, terms: Terms, (sequence, number): (u64, u16)) -> Wire {
    Wire {
        certificate,
        terms,
        transcript: Vec::new(),
        opening: None,
        line: Line::from(sequence),
        flight: Flight::default(),
        number,
    }
}

impl fmt::Debug for Shake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if matches!(self.role, Role::Client(_)) { "client" } else { "server" };
        f.debug_struct("Shake").field("role", &role).field("over", &self.ended.is_some()).finish()
    }
}
