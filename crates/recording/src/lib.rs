//! The recording of one call: what a recorder is to hear of it, told again whenever that changes.
//!
//! Floor 4, pure. It never touches the call. After every input the owner shows how the call stands
//! ([`Recording::attend`]); what the recorder was told is compared with it, and what is new is said. A recorder that
//! fails is asked elsewhere at once, and again later, some times. Media are copied by the engine, into ports of ours
//! towards the recorder; the dialog is `siprec`'s, descriptions are `negotiation`'s.

mod picture;

pub use picture::{Lent, Picture};
pub use siprec::{Env, News, Party, Session, Way};

use base::{ListenId, Rng, Time, WallTime};
use media::{Command, OpenError, Ports, Reply, SessionId};
use negotiation::{Draws, End, LocalSdp};
use sip_core::Flow;
use sip_msg::Msg;
use siprec::{Cast, Scene};
use std::collections::VecDeque;
use std::time::Duration;

/// Addresses of a recorder that are tried in one go: limit `recorder_addresses`.
pub const ADDRESSES_MAX: usize = 4;
/// How often in a row the recording of one call is begun in vain: limit `recording_begins`.
pub const BEGINS_MAX: u32 = 4;
/// How long after the first failure it is begun again; doubled each time.
pub const PAUSE: Duration = Duration::from_secs(5);

/// Ports towards the recorder, for one media session of the call.
#[derive(Debug)]
struct Copied {
    session: SessionId,
    of: SessionId,
    /// How many streams that had.
    streams: u8,
    ports: Option<Ports>,
}

/// Why nothing is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    /// The recorder's final response; 0: none came.
    Status(u16),
    /// The recorder answered with media that do not fit.
    Answer,
    /// No address of it takes calls.
    Nowhere,
    /// No ports towards it.
    Ports(OpenError),
    /// The recorder ended it.
    Stopped,
}

/// See the module text. `G` names where a session counts.
#[derive(Debug)]
pub struct Recording<G> {
    tag: Box<[u8]>,
    scene: Scene,
    session: Option<Session>,
    at: Option<G>,
    ways: VecDeque<(G, Way)>,
    copied: Option<Copied>,
    sdp: LocalSdp,
    /// The version of it that the recorder knows.
    told: u64,
    begins: u32,
    rest: Option<Time>,
    /// Nothing more is recorded.
    over: bool,
    was_live: bool,
    trouble: Option<Trouble>,
    /// Failures and beginnings that nobody has fetched.
    news: (u32, u32),
}

impl<G: Copy> Recording<G> {
    /// Of a call that was answered; `tag`: ours in the dialogs with the recorder.
    pub fn new(tag: &[u8], start: WallTime, rng: &mut Rng) -> Recording<G> {
        Recording {
            tag: tag.into(),
            scene: Scene::new(start, rng),
            session: None,
            at: None,
            ways: VecDeque::new(),
            copied: None,
            sdp: LocalSdp::default(),
            told: 0,
            begins: 0,
            rest: None,
            over: false,
            was_live: false,
            trouble: None,
            news: (0, 0),
        }
    }

    /// Whether no message of it is owed any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.session.as_ref().is_none_or(Session::is_over)
    }

    /// Whether the recorder takes part now.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_live) && self.trouble.is_none()
    }

    /// Whether a request belongs to it.
    #[must_use]
    pub fn hears(&self, msg: Msg<'_>, flow: &Flow) -> bool {
        self.session.as_ref().is_some_and(|session| session.hears(&msg, flow))
    }

    /// Whether it is reached by TLS, or will be next.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        let next = || self.ways.front().is_some_and(|(_, way)| way.is_tls());
        self.session.as_ref().map_or_else(next, Session::is_tls)
    }

    /// Where its session counts now.
    #[must_use]
    pub fn at(&self) -> Option<G> {
        self.at.filter(|_| !self.is_done())
    }

    /// Failures and beginnings since this was asked last.
    pub fn take_news(&mut self) -> (u32, u32) {
        std::mem::take(&mut self.news)
    }

    /// How it went, for the record.
    #[must_use]
    pub fn verdict(&self) -> String {
        let when = if self.was_live { "lost" } else { "failed" };
        match self.trouble {
            None if self.was_live => "ok".to_owned(),
            None => "none".to_owned(),
            Some(Trouble::Status(0)) => format!("{when}, no answer"),
            Some(Trouble::Status(status)) => format!("{when}, {status}"),
            Some(Trouble::Answer) => format!("{when}, media refused"),
            Some(Trouble::Nowhere) => format!("{when}, no gateway"),
            Some(Trouble::Ports(error)) => format!("{when}, {}", error.id()),
            Some(Trouble::Stopped) => "stopped by the recorder".to_owned(),
        }
    }

    /// When the owner should show the call again, or let time pass.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let due = self.session.as_ref().and_then(Session::next_deadline);
        due.into_iter().chain(self.rest.filter(|_| !self.over && self.session.is_none())).min()
    }

    /// Whether addresses of the recorder are wanted before it is shown the call.
    #[must_use]
    pub fn wants_ways(&self, now: Time) -> bool {
        !self.over
            && self.session.is_none()
            && self.ways.is_empty()
            && self.rest.is_none_or(|rest| rest <= now)
    }

    /// Takes them, the best first; none: the recorder cannot be had.
    pub fn take_ways(&mut self, ways: impl Iterator<Item = (G, Way)>) {
        self.ways = ways.take(ADDRESSES_MAX).collect();
        self.begins += 1;
    }

    /// Ends it.
    pub fn end<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        self.over = true;
        if let Some(session) = &mut self.session {
            session.end(env);
        }
    }

    /// Brings it in line with how the call stands; `None`: nothing is to be recorded any more.
    pub fn attend<U: Copy>(&mut self, picture: Option<&Picture<'_>>, lent: &mut Lent<'_, '_, U>) {
        let Some(picture) = picture.filter(|_| !self.over) else {
            if !self.over {
                self.end(lent.env);
            }
            return self.close(lent.media);
        };
        if !self.has_ports(picture, lent) {
            return;
        }
        let Some(ports) = self.copied.as_ref().and_then(|copied| copied.ports) else { return };
        let draws = Draws { rng: lent.env.rng, mint: lent.mint };
        let flowing = negotiation::offer_recorded(&picture.end, &picture.sides, &ports, &mut self.sdp, draws);
        let Ok(flowing) = flowing else { return };
        let cast = Cast { parties: picture.parties.clone(), flowing };
        match &mut self.session {
            None => {
                self.begin(&cast, lent);
                if self.session.is_none() {
                    self.close(lent.media);
                }
            }
            Some(session) if session.is_open(lent.env.now) => {
                let news = self.scene.tell(&cast, lent.wall, lent.env.rng);
                if news.is_some() || self.sdp.version != self.told {
                    self.told = self.sdp.version;
                    session.change(&self.sdp.text, news.as_deref(), lent.env);
                }
            }
            Some(_) => {}
        }
    }

    /// Sees to it that there are ports for what is recorded, or that they are asked for; false: not now.
    fn has_ports<U: Copy>(&mut self, picture: &Picture<'_>, lent: &mut Lent<'_, '_, U>) -> bool {
        if self
            .copied
            .as_ref()
            .is_some_and(|copied| (copied.of, copied.streams) == (picture.of, picture.streams))
        {
            return true;
        }
        if self.session.is_none() && self.ways.is_empty() && self.rest.is_some_and(|rest| lent.env.now < rest)
        {
            return false;
        }
        self.close(lent.media);
        let (session, of, seed) = ((lent.open)(), picture.of, lent.env.rng.next_u64());
        let (listen, streams): (ListenId, u8) = (picture.listen, picture.streams);
        lent.media.push(Command::Copy { session, of, listen, streams, seed });
        self.copied = Some(Copied { session, of, streams, ports: None });
        true
    }

    /// Gives the ports back.
    fn close(&mut self, media: &mut Vec<Command>) {
        if let Some(copied) = self.copied.take() {
            media.push(Command::Close { session: copied.session });
        }
    }

    /// Invites the recorder at the next of its addresses.
    fn begin<U: Copy>(&mut self, cast: &Cast, lent: &mut Lent<'_, '_, U>) {
        if self.rest.is_some_and(|rest| lent.env.now < rest) {
            return;
        }
        self.rest = None;
        while let Some((at, way)) = self.ways.pop_front() {
            self.scene.forget();
            let metadata = self.scene.tell(cast, lent.wall, lent.env.rng).unwrap_or_default();
            self.session = Session::begin(way, &self.tag, (&self.sdp.text, &metadata), lent.env);
            if self.session.is_some() {
                (self.at, self.told) = (Some(at), self.sdp.version);
                return;
            }
        }
        self.failed(Trouble::Nowhere, lent.env.now);
    }

    /// The recorder could not be had, or was lost: it is asked elsewhere at once, or again after a while.
    fn failed(&mut self, why: Trouble, now: Time) {
        self.trouble = Some(why);
        // Whoever is asked next is given other keys.
        self.sdp = LocalSdp::default();
        if !self.over && !self.ways.is_empty() {
            self.session = None;
            return;
        }
        self.news.0 += 1;
        if self.over || self.begins >= BEGINS_MAX {
            self.over = true;
            return;
        }
        // What is left of a lost session ends by itself.
        self.session = None;
        self.rest = Some(now + PAUSE * 2_u32.pow(self.begins.saturating_sub(1)));
    }

    /// Takes what the engine says of ports; `false`: they are none of these.
    pub fn on_ports(&mut self, reply: &Reply, now: Time) -> bool {
        let Some(copied) = self.copied.as_mut().filter(|copied| copied.session == reply.session()) else {
            return false;
        };
        match reply {
            Reply::Opened { ports, .. } => copied.ports = Some(*ports),
            Reply::OpenFailed { reason, .. } => {
                self.copied = None;
                self.ways.clear();
                self.failed(Trouble::Ports(*reason), now);
            }
            _ => {}
        }
        true
    }

    /// Lets its dialog act on something that came, or did not come.
    pub fn act<U: Copy>(
        &mut self,
        end: &End<'_>,
        lent: &mut Lent<'_, '_, U>,
        act: impl FnOnce(&mut Session, &[u8], &mut Env<'_, U>) -> News,
    ) {
        let Some(session) = &mut self.session else { return };
        match act(session, &self.sdp.text, lent.env) {
            News::Nothing => {}
            News::Answered(answer) | News::Described(answer) => self.heed(&answer, end, lent),
            News::Failed(status) => self.failed(Trouble::Status(status), lent.env.now),
            News::Stopped => (self.over, self.trouble) = (true, Some(Trouble::Stopped)),
            News::Snapshot => {
                self.scene.forget();
                self.told = 0;
            }
        }
    }

    /// The recorder says where it wants what.
    fn heed<U: Copy>(&mut self, answer: &[u8], end: &End<'_>, lent: &mut Lent<'_, '_, U>) {
        let Some(Copied { session, ports: Some(_), .. }) = self.copied else { return };
        let told = negotiation::each_recorded(end, &self.sdp, answer, |stream, side, remote| {
            lent.media.push(Command::Set { session, side, stream, remote });
        });
        if told.is_err() {
            self.end(lent.env);
            return self.failed(Trouble::Answer, lent.env.now);
        }
        self.news.1 += u32::from(!self.was_live);
        (self.was_live, self.trouble, self.begins, self.rest) = (true, None, 0, None);
        self.ways.clear();
    }

    /// Its dialog, for credentials.
    pub fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }
}
