//! What a call would send, without a call: a copy of the trunks' state lives through it, and nothing leaves.
//!
//! The copy is a switchboard like any other, so the INVITEs are written by the functions that write those of
//! calls. It hears an INVITE made here, is given ports that nobody holds, and each of its attempts fails as
//! soon as its INVITE is written, so that the next one is made. Nothing is sent, journalled or counted; the
//! state that was copied does not change.
//!
//! Floor 5, and pure like the floors below. Enter through [`Rehearsal::with`] or [`Rehearsal::of`].

use b2bua::{
    Input, JournalEvent, Outbox, Resolution, ResolveRequest, Setup, Snapshot, Switchboard, Target, Voucher,
};
use base::time::WallClock;
use base::{ListenId, ReasonId, ShardId, Time, Transport, TrunkId, WallTime};
use config::{Account, CalledFrom, Config, Host};
use media::{Ports, Reply, StreamPorts};
use sip_core::{Flow, SendError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Turns of one rehearsal: each attempt takes two (its ports, its end).
const TURNS_MAX: usize = 64;
/// Seed of what is drawn in a rehearsal.
pub const SEED: (u64, u64) = (0x7265_6865_6172_7361, 0x6c00_0000_0000_0000);

/// The call that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The trunk that it arrives by.
    pub on: TrunkId,
    /// The called number as received.
    pub called: &'a str,
    /// The calling number as received; empty for none, and for a user's own name.
    pub caller: &'a str,
    /// The user of that trunk who has proven to place it, by place.
    pub user: Option<u16>,
    /// Where it comes from; without it where the user registered, else the trunk's first gateway, else somewhere.
    pub source: Option<IpAddr>,
    /// When it arrives.
    pub at: WallTime,
    /// Trunks that are down.
    pub down: &'a [TrunkId],
}

impl<'a> Question<'a> {
    /// A call of nobody in particular, from where the trunk's gateways are.
    #[must_use]
    pub fn new(on: TrunkId, called: &'a str, caller: &'a str, at: WallTime) -> Question<'a> {
        Question { on, called, caller, user: None, source: None, at, down: &[] }
    }
}

/// An INVITE that would leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WouldSend {
    /// By which trunk.
    pub trunk: TrunkId,
    /// To which gateway, as the configuration writes it.
    pub gateway: Arc<str>,
    /// Where to.
    pub target: Target,
    /// How many leave at once with it, itself counted: more than one where gateways ring side by side.
    pub at_once: usize,
    /// Whether that address stands in for one that the DNS would have told.
    pub stand_in: bool,
    /// The message. Branch, tag, Call-ID and what the description's origin counts are drawn anew for each
    /// call, and media ports are those of an idle node.
    pub message: Vec<u8>,
}

/// How a rehearsed call went.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rehearsed {
    /// Its INVITEs in order, one for each address that would be tried.
    pub invites: Vec<WouldSend>,
    /// How the caller is refused when none leaves.
    pub refused: Option<(u16, ReasonId)>,
    /// What the call's record would say of its way.
    pub decision: String,
}

/// A copy of a switchboard's state.
pub struct Rehearsal {
    board: Switchboard,
    now: Time,
    /// Names that nobody has resolved get addresses all the same.
    stand_in: bool,
}

impl Rehearsal {
    /// With a copy of a node's state as it is now ([`Switchboard::copy`]).
    #[must_use]
    pub fn with(copy: Switchboard, now: Time) -> Rehearsal {
        Rehearsal { board: copy, now, stand_in: false }
    }

    /// On a configuration that no node runs: all trunks idle, every gateway's name stands for one address.
    #[must_use]
    pub fn of(snapshot: Arc<Snapshot>) -> Rehearsal {
        let now = Time::ZERO;
        let mut out = Outbox::new();
        let clock = WallClock { birth: WallTime(0) };
        let setup = Setup { shard: ShardId(0), seed: SEED, secret: [0; 32], proof: [0; 32], clock };
        let mut board = Switchboard::new(setup, snapshot, now, &mut out);
        let mut later = Outbox::new();
        for (place, request) in (1_u8..=254).cycle().zip(&out.resolve) {
            let choices = vec![stand_in(&board.snapshot().config, request, place).into()];
            let resolution = Resolution::Found { choices, ttl: Duration::from_secs(3_600), trouble: None };
            let ResolveRequest { revision, gateway, .. } = *request;
            board.handle(now, Input::Resolved { revision, gateway, resolution }, &mut later);
        }
        Rehearsal { board, now, stand_in: true }
    }

    /// Lives through the call.
    #[must_use]
    pub fn ask(mut self, question: &Question<'_>) -> Rehearsed {
        let elapsed = WallClock { birth: WallTime(0) }.at(self.now).0;
        self.board.set_clock(WallClock { birth: WallTime(question.at.0.saturating_sub(elapsed)) });
        for trunk in question.down {
            self.board.suppose_down(*trunk, self.now);
        }
        let mut told = Rehearsed::default();
        let mut out = Outbox::new();
        self.arrive(question, &mut out);
        for _ in 0..TURNS_MAX {
            if out.is_empty() {
                break;
            }
            out = self.turn(out, &mut told);
        }
        if !told.invites.is_empty() {
            told.refused = None;
        }
        told
    }

    /// The INVITE of the caller.
    fn arrive(&mut self, question: &Question<'_>, out: &mut Outbox) {
        let flow = self.flow(question);
        let text = invite(self.config(), question, &flow);
        let voucher = question.user.map_or(Voucher::Source, Voucher::User);
        self.board.arrive(self.now, (flow, question.on, voucher), &text, out);
    }

    /// Where the call would come from.
    #[must_use]
    pub fn source(&self, question: &Question<'_>) -> IpAddr {
        self.flow(question).remote.ip()
    }

    fn flow(&self, question: &Question<'_>) -> Flow {
        let (config, on) = (self.config(), question.on);
        let listen = config.trunk(on).map_or(ListenId(0), |trunk| trunk.listen);
        let user = named(config, question).map(|user| user.username.as_str());
        let trunks = self.board.trunks(self.now);
        let gateways = trunks.iter().filter(|t| t.id == on).flat_map(|t| &t.gateways);
        let targets = gateways.filter(|g| user.is_none_or(|user| *g.name == *user)).flat_map(|g| &g.targets);
        let known = targets.map(|t| Target { address: t.address, transport: t.transport }).next();
        let Target { mut address, transport } = known.unwrap_or_else(|| somewhere(config, listen, 1));
        if let Some(source) = question.source {
            address.set_ip(source);
        }
        Flow { listen, transport, remote: address, conn: None, trunk: Some(on) }
    }

    fn config(&self) -> &Config {
        &self.board.snapshot().config
    }

    /// Hears what the copy has said; gives what it says to that.
    fn turn(&mut self, out: Outbox, told: &mut Rehearsed) -> Outbox {
        let mut next = Outbox::new();
        let gateways = read(out.journal, told);
        let before = told.invites.len();
        for transmit in &out.sip.transmits {
            let message = out.sip.message(transmit);
            if let (Some(token), Some(trunk)) = (transmit.token, transmit.flow.trunk)
                && message.starts_with(b"INVITE ")
            {
                // A copy for another transport is no attempt of its own.
                if let Some((_, gateway)) = gateways.iter().find(|(id, _)| holds(message, id.as_bytes())) {
                    told.invites.push(WouldSend {
                        trunk,
                        gateway: gateway.clone(),
                        target: Target { address: transmit.flow.remote, transport: transmit.flow.transport },
                        at_once: 1,
                        stand_in: self.stand_in && !is_literal(self.config(), trunk, gateway),
                        message: message.to_vec(),
                    });
                }
                let input = Input::SendFailed { token, error: SendError::Refused };
                self.board.handle(self.now, input, &mut next);
            }
        }
        let new = told.invites.iter_mut().skip(before);
        let count = new.len();
        new.for_each(|invite| invite.at_once = count);
        for command in out.media {
            if let Some(reply) = self.engine(&command) {
                self.board.handle(self.now, Input::Media(reply), &mut next);
            }
        }
        next
    }

    /// An idle engine: the first ports of each interface.
    fn engine(&self, command: &media::Command) -> Option<Reply> {
        match *command {
            media::Command::Open { session, a, b, streams } => {
                let config = self.config();
                let first = |id: ListenId| config.listen(id).and_then(|l| l.rtp).map_or(0, |rtp| rtp.first);
                let apart = if a == b { 2 } else { 0 };
                let mut ports = Ports::default();
                for place in 0..u16::from(streams) {
                    let more = place * (2 + apart);
                    ports.push(StreamPorts { a_rtp: first(a) + more, b_rtp: first(b) + more + apart });
                }
                Some(Reply::Opened { session, ports })
            }
            media::Command::Close { session } => Some(Reply::Closed { session, report: Box::default() }),
            _ => None,
        }
    }
}

/// Gateways of attempts by the Call-IDs of their INVITEs; what the record says is told.
fn read(journal: Vec<JournalEvent>, told: &mut Rehearsed) -> Vec<(Box<str>, Arc<str>)> {
    let mut gateways = Vec::new();
    for event in journal {
        match event {
            JournalEvent::Attempt { facts, .. } => {
                gateways.push((facts.sip_call_id.clone(), facts.gateway.clone()))
            }
            JournalEvent::Ended { record } => {
                told.refused = Some((record.status, record.reason));
                told.decision = record.decision.into();
            }
            _ => {}
        }
    }
    gateways
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// Whether a gateway is written as an address.
fn is_literal(config: &Config, trunk: TrunkId, name: &str) -> bool {
    let ids = config.trunk(trunk).map_or(&[][..], |trunk| &trunk.gateways);
    let mut gateways = ids.iter().filter_map(|id| config.gateway(*id));
    gateways.any(|gateway| gateway.text == name && matches!(gateway.host, Host::Ip(_)))
}

/// An address for documents (RFC 5737, RFC 3849) on the family and a transport of an interface.
fn somewhere(config: &Config, listen: ListenId, place: u8) -> Target {
    let listen = config.listen(listen);
    let ip = match listen.map(|listen| listen.address) {
        Some(IpAddr::V6(_)) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(place))),
        _ => IpAddr::V4(Ipv4Addr::new(192, 0, 2, place)),
    };
    let transport =
        listen.and_then(|listen| listen.sip.first()).map_or(Transport::Udp, |port| port.transport);
    Target { address: SocketAddr::new(ip, transport.default_port()), transport }
}

/// What a gateway's name stands for when nobody asks the DNS.
fn stand_in(config: &Config, request: &ResolveRequest, place: u8) -> Target {
    let trunk = config.gateway(request.gateway).and_then(|gateway| config.trunk(gateway.trunk));
    let listen = trunk.map_or(ListenId(0), |trunk| trunk.listen);
    let found = somewhere(config, listen, place);
    let transport = request.transport.unwrap_or(found.transport);
    let port = request.port.unwrap_or(transport.default_port());
    Target { address: SocketAddr::new(found.address.ip(), port), transport }
}

/// What the caller offers: the codecs that everybody has.
const OFFER: &str = "\
    t=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

/// The user who calls.
fn named<'c>(config: &'c Config, question: &Question<'_>) -> Option<&'c Account> {
    config.trunk(question.on)?.users.all.get(usize::from(question.user?))
}

/// The caller's INVITE: both numbers where the trunk's policy looks for them, and nothing unusual.
fn invite(config: &Config, question: &Question<'_>, flow: &Flow) -> Vec<u8> {
    let Question { on, called, caller, .. } = *question;
    let caller = named(config, question).filter(|_| caller.is_empty()).map_or(caller, |user| &user.user);
    let theirs = flow.remote;
    let family = if theirs.is_ipv4() { "IP4" } else { "IP6" };
    let ours = config.listen(flow.listen).map(|listen| listen.sip_host().to_string()).unwrap_or_default();
    let ours = if ours.contains(':') { format!("[{ours}]") } else { ours };
    let (called, caller) = (escaped(called), escaped(caller));
    let from =
        if caller.is_empty() { "anonymous@anonymous.invalid".into() } else { format!("{caller}@{theirs}") };
    let more = match config.trunk(on).map(|trunk| &trunk.policy.called_from) {
        Some(CalledFrom::PCalledPartyId) => format!("P-Called-Party-ID: <sip:{called}@{ours}>\r\n"),
        Some(CalledFrom::Diversion) => format!("Diversion: <sip:{called}@{ours}>\r\n"),
        Some(CalledFrom::Header(name)) => format!("{name}: <sip:{called}@{ours}>\r\n"),
        _ => String::new(),
    };
    let ip = theirs.ip();
    let body = format!("v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\n{OFFER}");
    let via = flow.transport.via_token();
    format!(
        "INVITE sip:{called}@{ours} SIP/2.0\r\nVia: SIP/2.0/{via} {theirs};branch=z9hG4bKrehearsal\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{from}>;tag=rehearsal\r\nTo: <sip:{called}@{ours}>\r\n\
         Call-ID: rehearsal\r\nCSeq: 1 INVITE\r\nContact: <sip:{theirs}>\r\n\
         Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE\r\nSupported: timer, 100rel\r\n{more}\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A number as a user part (RFC 3261 §25.1): what may not stand there is escaped. Parameters stay.
fn escaped(number: &str) -> String {
    let mut text = String::with_capacity(number.len());
    for byte in number.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
