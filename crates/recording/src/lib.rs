//! The recording of one call: what a recorder is to hear of it, told again whenever that changes.
//!
//! Floor 4, pure. It never touches the call. After every input the owner shows how the call stands
//! ([`Recording::attend`]); what the recorder was told is compared with it, and what is new is said. A recorder that
//! fails or is lost is followed by another at once, and asked again for as long as the call lasts. Media are copied by
//! the engine, into ports of ours towards the recorder; the dialog is `siprec`'s, descriptions are `negotiation`'s.

mod copied;
mod losing;
mod picture;
mod story;
mod taken;

pub use picture::{Lent, Picture};
pub use siprec::{Env, News, Party, Session, Way};
pub use story::Tally;

use base::{ListenId, Rng, Time, WallTime};
use copied::{Copied, Uncopied};
use media::{Command, OpenError, Reply};
use negotiation::{Draws, End, LocalSdp, Notice};
use sip_core::Flow;
use sip_msg::Msg;
use siprec::{Cast, Scene};
use std::collections::VecDeque;
use std::time::Duration;
use story::{Story, Trouble};
use taken::Taken;

/// Addresses of a recorder that are tried in one go: limit `recorder_addresses`.
pub const ADDRESSES_MAX: usize = 4;
/// How long after a failure the recording is begun again; doubled each time.
pub const PAUSE: Duration = Duration::from_secs(5);
/// The longest such time: limit `recording_pause`.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long a recorder has to take part to count as one that works, not as a failure: limit `recording_lived`.
pub const LIVED: Duration = PAUSE_MAX;
/// How often the health of the recorder's address is looked at while it takes part.
pub const CHECK: Duration = Duration::from_secs(2);

/// See the module text. `G` names where a session counts.
#[derive(Debug)]
pub struct Recording<G> {
    tag: Box<[u8]>,
    scene: Scene,
    session: Option<Session>,
    at: Option<G>,
    ways: VecDeque<(G, Way)>,
    copied: Option<Copied>,
    uncopied: Uncopied,
    sdp: LocalSdp,
    /// The version of it that the recorder knows, or is told now, and whether that pauses.
    told: (u64, bool),
    /// Its addresses were known once.
    asked: bool,
    /// Rounds without a recorder that lived.
    vain: u32,
    rest: Option<Time>,
    /// Nothing more is recorded.
    over: bool,
    /// The owner wants it no more.
    dismissed: bool,
    /// The recorder takes part.
    live: bool,
    /// Since then.
    since: Time,
    /// Where it was lost: tried last.
    avoid: Option<G>,
    taken: Taken,
    /// The engine has refused ports.
    refused: Option<OpenError>,
    check_at: Time,
    /// When the owner's alarm fires.
    alarm: Option<Time>,
    story: Story,
}

impl<G: Copy + PartialEq> Recording<G> {
    /// Of a call that was answered, or is to be recorded from now on; `tag`: ours in the dialogs with the recorder.
    pub fn new(tag: &[u8], (now, start): (Time, WallTime), rng: &mut Rng) -> Recording<G> {
        Recording {
            tag: tag.into(),
            scene: Scene::new(start, rng),
            session: None,
            at: None,
            ways: VecDeque::new(),
            copied: None,
            uncopied: Uncopied::default(),
            sdp: LocalSdp::default(),
            told: (0, false),
            asked: false,
            vain: 0,
            rest: None,
            over: false,
            dismissed: false,
            live: false,
            since: Time::ZERO,
            avoid: None,
            taken: Taken::default(),
            refused: None,
            check_at: Time::ZERO,
            alarm: None,
            story: Story::new(now),
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
        self.live && !self.over
    }

    /// What peers may hear of it.
    #[must_use]
    pub fn notice(&self) -> Notice {
        match self.is_live() {
            true if self.story.is_resting() => Notice::Paused,
            true => Notice::On,
            false => Notice::Off,
        }
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
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.story.tally)
    }

    /// How it went, for the record.
    #[must_use]
    pub fn verdict(&self) -> String {
        self.story.verdict() + &self.uncopied.said(self.copied.as_ref())
    }

    /// When the owner should show the call again, or let time pass.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        let due = self.session.as_ref().and_then(Session::next_deadline);
        let rest = self.rest.filter(|_| !self.over && self.session.is_none());
        due.into_iter().chain(rest).chain(self.is_live().then_some(self.check_at)).min()
    }

    /// Whether no recorder has been asked yet: then it is asked even where it is known to be down.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.asked
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
        let avoided = self.avoid.take();
        let (lost, others): (Vec<_>, Vec<_>) = ways.partition(|(at, _)| Some(*at) == avoided);
        self.ways = others.into_iter().chain(lost).take(ADDRESSES_MAX).collect();
        self.asked |= !self.ways.is_empty();
    }

    /// Brings it in line with how the call stands; `None`: nothing is to be recorded any more.
    pub fn attend<U: Copy>(&mut self, picture: Option<&Picture<'_>>, lent: &mut Lent<'_, '_, U>) {
        let Some(picture) = picture.filter(|_| !self.over) else {
            match picture {
                None if self.over => self.story.end(lent.env.now),
                None => self.end(lent.env),
                Some(picture) => self.story.pauses(picture.paused, lent.env.now),
            }
            return self.close(lent.media);
        };
        if let Some(reason) = self.refused.take() {
            self.ways.clear();
            self.leave(Trouble::Ports(reason), lent.env.now, lent);
        }
        self.story.pauses(picture.paused, lent.env.now);
        self.keep_quiet(picture.paused, lent.media);
        self.tell(picture, lent);
        if let Some(ports) = self.copied.as_ref().and_then(|copied| copied.ports).filter(|_| picture.settled)
        {
            let spoken = negotiation::spoken(&picture.sides, ports.streams().len());
            self.taken.spoken = spoken.unwrap_or_default();
        }
        self.story.takes(self.taken.taking(), lent.env.now);
    }

    /// Says what is new, as soon as it can be said.
    fn tell<U: Copy>(&mut self, picture: &Picture<'_>, lent: &mut Lent<'_, '_, U>) {
        if !self.has_ports(picture, lent) {
            return;
        }
        // What is being told stands until it is answered (RFC 3264 §4), and what is being agreed on is told when it is.
        let busy = |session: &Session| !picture.settled || !session.is_open(lent.env.now);
        let busy = self.session.as_ref().is_some_and(busy);
        let ports = self.copied.as_ref().and_then(|copied| copied.ports).filter(|_| !busy);
        let Some(ports) = ports else { return };
        let (draws, told) = (Draws { rng: lent.env.rng, mint: lent.mint }, (&picture.sides, picture.paused));
        let flowing = negotiation::offer_recorded(&picture.end, told, &ports, &mut self.sdp, draws);
        let Ok(flowing) = flowing else { return };
        let cast = Cast { parties: picture.parties.clone(), flowing };
        match &mut self.session {
            None => {
                self.begin(&cast, lent);
                if self.session.is_none() {
                    self.close(lent.media);
                }
            }
            Some(session) => {
                let news = self.scene.tell(&cast, lent.wall, lent.env.rng);
                if news.is_some() || self.sdp.version != self.told.0 {
                    self.told = (self.sdp.version, picture.paused);
                    if !session.change(&self.sdp.text, news.as_deref(), lent.env) {
                        // It could not leave: all of it is told again.
                        self.scene.forget();
                        self.told.0 = 0;
                    }
                }
            }
        }
    }

    /// Sees to it that there are ports for what is recorded, or that they are asked for; false: not now.
    fn has_ports<U: Copy>(&mut self, picture: &Picture<'_>, lent: &mut Lent<'_, '_, U>) -> bool {
        if let Some(copied) = self.copied.as_mut().filter(|copied| copied.of == picture.of) {
            // What is being agreed on is told when it is.
            let more = picture.settled && picture.streams > copied.streams && copied.ports.is_some();
            if more {
                let (session, at, streams) = (copied.session, picture.listen, picture.streams);
                copied.streams = streams;
                lent.media.push(Command::Grow { session, a: at, b: at, streams });
            }
            return !more;
        }
        if self.session.is_none() && self.ways.is_empty() && self.rest.is_some_and(|rest| lent.env.now < rest)
        {
            return false;
        }
        self.close(lent.media);
        let (session, of, seed) = ((lent.open)(), picture.of, lent.env.rng.next_u64());
        let (listen, streams): (ListenId, u8) = (picture.listen, picture.streams);
        lent.media.push(Command::Copy { session, of, listen, streams, seed });
        self.copied = Some(Copied { session, of, streams, ports: None, lost: 0 });
        true
    }

    /// Gives the ports back.
    fn close(&mut self, media: &mut Vec<Command>) {
        self.taken.clear();
        if let Some(copied) = self.copied.take() {
            self.uncopied.close(&copied, media);
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
                (self.at, self.told) = (Some(at), (self.sdp.version, self.story.paused));
                return;
            }
        }
        self.failed(Trouble::Nowhere, lent.env.now, lent.env.now);
    }

    /// The recorder could not be had, or was lost: it is asked elsewhere at once, or again after a while. `since`: it keeps
    /// nothing since then, as far as is known.
    fn failed(&mut self, why: Trouble, since: Time, now: Time) {
        let lost = std::mem::take(&mut self.live);
        // Whoever is asked next is given other keys.
        self.sdp = LocalSdp::default();
        self.story.failed(why, (lost.then_some(since.max(self.since)), !self.over && !self.ways.is_empty()));
        if self.over {
            return;
        }
        // What is left of a lost session ends by itself.
        self.session = None;
        if lost {
            self.avoid = self.at;
        }
        if lost && now.since(self.since) >= LIVED {
            (self.vain, self.rest) = (0, None);
            self.ways.clear();
        } else if self.ways.is_empty() {
            let pause = PAUSE * 2_u32.pow(self.vain.min(8));
            self.rest = Some(now + pause.min(PAUSE_MAX));
            self.vain = self.vain.saturating_add(1);
        }
    }

    /// Takes what the engine says of ports, to act on it when the call is shown next; `false`: it is about something else.
    pub fn on_ports(&mut self, reply: &Reply) -> bool {
        self.uncopied.hear(reply);
        let Some(copied) = self.copied.as_mut().filter(|copied| copied.session == reply.session()) else {
            return false;
        };
        match reply {
            Reply::Opened { ports, .. } | Reply::Grown { ports: Ok(ports), .. } => {
                copied.ports = Some(*ports);
            }
            Reply::OpenFailed { reason, .. } => {
                (self.copied, self.refused) = (None, Some(*reason));
            }
            Reply::Uncopied { packets, .. } => copied.lost = *packets,
            Reply::Grown { ports: Err(_), .. } => {}
            _ => return false,
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
            News::Failed(status) => {
                let lost = self.live;
                self.failed(Trouble::Status(status), lent.env.now, lent.env.now);
                if lost {
                    self.close(lent.media);
                }
            }
            News::Stopped => {
                (self.over, self.live) = (true, false);
                self.story.stopped(lent.env.now);
            }
            News::Snapshot => {
                self.scene.forget();
                self.told.0 = 0;
            }
        }
    }
}
