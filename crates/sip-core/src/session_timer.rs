//! Session timers: RFC 4028, both roles, for one leg.
//!
//! Pure values: what to put into headers, who refreshes, and when. The owner sends the refresh (re-INVITE or
//! UPDATE) and the BYE. Enter at [`SessionTimer::uas`] for a request, [`SessionTimer::uac`] for the 2xx to
//! ours; a later refresh negotiates anew and replaces the timer.

use crate::text::push_number;
use base::Time;
use sip_msg::{Msg, Name, Refresher};
use std::time::Duration;

/// The smallest interval there is, in seconds (RFC 4028 §4).
const INTERVAL_MIN: u32 = 90;

/// Who is to refresh where the choice is ours (RFC 4028 §7.1, §9 table 2).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Preference {
    /// The peer as the caller of a request that names none; we where only we asked for a timer.
    #[default]
    Open,
    /// We.
    Us,
    /// The peer, if it knows session timers.
    Peer,
}

/// What we want for a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionPolicy {
    /// The interval that we ask for, in seconds; `None`: we ask for none and obey the peer's.
    pub expires: Option<u32>,
    /// The smallest interval that we accept, in seconds; 90 at least.
    pub min_se: u32,
    /// Whether to refresh by UPDATE when the peer allows it.
    pub prefer_update: bool,
    /// Who is to refresh.
    pub refresher: Preference,
}

impl Default for SessionPolicy {
    fn default() -> SessionPolicy {
        SessionPolicy {
            expires: None,
            min_se: INTERVAL_MIN,
            prefer_update: false,
            refresher: Preference::Open,
        }
    }
}

impl SessionPolicy {
    fn floor(&self) -> u32 {
        self.min_se.max(INTERVAL_MIN)
    }

    /// The same where a 422 asked for this Min-SE; 0: none did.
    #[must_use]
    pub fn above(self, floor: u32) -> SessionPolicy {
        let expires = self.expires.map(|expires| expires.max(floor));
        SessionPolicy { expires, min_se: self.min_se.max(floor), ..self }
    }

    /// Session-Expires and Min-SE for a request that starts a session. RFC 4028 §7.1. Nothing when we ask
    /// for none; `Supported: timer` is the caller's.
    pub fn request_rows(&self, out: &mut Vec<u8>) {
        let Some(expires) = self.expires else { return };
        let refresher = match self.refresher {
            Preference::Open => None,
            Preference::Us => Some(Refresher::Uac),
            Preference::Peer => Some(Refresher::Uas),
        };
        push_session_expires(out, expires.max(self.floor()), refresher);
        push_min_se(out, self.floor());
    }

    /// A 422 came: takes over its Min-SE for the next try. RFC 4028 §7.3. False when it asks for nothing
    /// more than we offered, so that trying again would not help.
    pub fn raise_min_se(&mut self, response_422: &Msg<'_>) -> bool {
        let Ok(Some(wanted)) = response_422.min_se() else { return false };
        let offered = self.expires.map(|e| e.max(self.floor()));
        if offered.is_some_and(|o| wanted <= o) && wanted <= self.floor() {
            return false;
        }
        self.min_se = self.floor().max(wanted);
        self.expires = Some(offered.unwrap_or(0).max(self.min_se));
        true
    }
}

/// A request's interval is below ours: answer 422 with this Min-SE. RFC 4028 §6, §9.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the session interval is too small; at least {min_se} seconds")]
pub struct TooSmall {
    /// Seconds.
    pub min_se: u32,
}

impl TooSmall {
    /// The Min-SE row of the 422.
    pub fn response_rows(&self, out: &mut Vec<u8>) {
        push_min_se(out, self.min_se);
    }
}

/// What the owner does now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionAct {
    /// Refresh the session.
    Refresh,
    /// Nobody refreshed it: end it with BYE.
    Expired,
}

/// The negotiated, running timer of one leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    /// The session interval, in seconds.
    interval: u32,
    we_refresh: bool,
    /// Whether we answered the request that negotiated it.
    answered_by_us: bool,
    peer_supports: bool,
    min_se: u32,
    prefer_update: bool,
    refresh_at: Option<Time>,
    expire_at: Option<Time>,
}

impl SessionTimer {
    /// What a request that starts or refreshes a session makes of our timer. RFC 4028 §9, table 2.
    ///
    /// `None`: no timer runs. A peer that knows timers refreshes unless it asked us to; for one that does
    /// not, we do.
    ///
    /// # Errors
    /// The interval is below ours, and the peer knows timers: 422.
    pub fn uas(request: &Msg<'_>, policy: &SessionPolicy) -> Result<Option<SessionTimer>, TooSmall> {
        let peer_supports = request.has_token(Name::Supported, "timer");
        let asked = request.session_expires().ok().flatten();
        let peer_floor = request.min_se().ok().flatten().unwrap_or(INTERVAL_MIN);
        let floor = policy.floor();
        // Our own wish may shorten the peer's interval, never below either side's least (§9).
        let wish = policy.expires.map(|e| e.max(floor).max(peer_floor));
        let (interval, refresher) = match (asked, wish) {
            (Some(asked), _) if asked.seconds < floor && peer_supports => {
                return Err(TooSmall { min_se: floor });
            }
            (Some(asked), wish) => {
                let seconds = asked.seconds.max(INTERVAL_MIN);
                (wish.map_or(seconds, |w| w.min(seconds)), asked.refresher)
            }
            (None, Some(wish)) => (wish, None),
            (None, None) => return Ok(None),
        };
        // A refresher that the request names stays (table 2); else the choice is ours.
        let refresher = refresher.or(match policy.refresher {
            Preference::Us => Some(Refresher::Uas),
            Preference::Open if asked.is_none() => Some(Refresher::Uas),
            Preference::Open | Preference::Peer => None,
        });
        let we_refresh = !peer_supports || refresher == Some(Refresher::Uas);
        Ok(Some(SessionTimer {
            interval,
            we_refresh,
            answered_by_us: true,
            peer_supports,
            min_se: floor,
            prefer_update: policy.prefer_update,
            refresh_at: None,
            expire_at: None,
        }))
    }

    /// What the 2xx to our request makes of our timer. RFC 4028 §7.2.
    ///
    /// Without Session-Expires in it, the peer does not know timers: then we refresh alone if we asked for
    /// an interval (and said that we support timers).
    #[must_use]
    pub fn uac(response_2xx: &Msg<'_>, policy: &SessionPolicy, we_supported: bool) -> Option<SessionTimer> {
        if !we_supported {
            return None;
        }
        let (interval, we_refresh, peer_supports) = match response_2xx.session_expires().ok().flatten() {
            Some(agreed) => {
                (agreed.seconds.max(INTERVAL_MIN), agreed.refresher != Some(Refresher::Uas), true)
            }
            None => (policy.expires?.max(policy.floor()), true, false),
        };
        Some(SessionTimer {
            interval,
            we_refresh,
            answered_by_us: false,
            peer_supports,
            min_se: policy.floor(),
            prefer_update: policy.prefer_update,
            refresh_at: None,
            expire_at: None,
        })
    }

    /// Session-Expires for the 2xx that we send, and `Require: timer` when the peer must act on it. RFC 4028
    /// §9. Nothing when the peer was the one that answered.
    pub fn response_rows(&self, out: &mut Vec<u8>) {
        if !self.answered_by_us {
            return;
        }
        let refresher = if self.we_refresh { Refresher::Uas } else { Refresher::Uac };
        push_session_expires(out, self.interval, Some(refresher));
        if self.peer_supports {
            out.extend_from_slice(b"Require: timer\r\n");
        }
    }

    /// Session-Expires and Min-SE for a request of ours inside the session: the roles stay as they are.
    /// RFC 4028 §7.4.
    pub fn refresh_rows(&self, out: &mut Vec<u8>) {
        let refresher = if self.we_refresh { Refresher::Uac } else { Refresher::Uas };
        push_session_expires(out, self.interval, Some(refresher));
        push_min_se(out, self.min_se);
    }

    /// The session starts, or was just refreshed by this negotiation.
    pub fn start(&mut self, now: Time) {
        self.refreshed(now);
    }

    /// A refresh succeeded. RFC 4028 §10: we refresh at half of the interval; without a refresh the session
    /// ends a little early, by a third of the interval but 32 seconds at most.
    pub fn refreshed(&mut self, now: Time) {
        let early = (self.interval / 3).min(32);
        self.refresh_at = self.we_refresh.then(|| now + Duration::from_secs(u64::from(self.interval / 2)));
        self.expire_at = Some(now + Duration::from_secs(u64::from(self.interval - early)));
    }

    /// When [`SessionTimer::handle_timeout`] is due: for a refresh or the session's end.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.refresh_at.into_iter().chain(self.expire_at).min()
    }

    /// What is due now, each once.
    pub fn handle_timeout(&mut self, now: Time) -> Option<SessionAct> {
        if self.expire_at.is_some_and(|at| at <= now) {
            self.expire_at = None;
            self.refresh_at = None;
            return Some(SessionAct::Expired);
        }
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh_at = None;
            return Some(SessionAct::Refresh);
        }
        None
    }

    /// Whether the refreshes are ours to send.
    #[must_use]
    pub fn we_refresh(&self) -> bool {
        self.we_refresh
    }

    /// The session interval, in seconds.
    #[must_use]
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// Whether to refresh by UPDATE when the peer allows it.
    #[must_use]
    pub fn prefer_update(&self) -> bool {
        self.prefer_update
    }

    /// Whether the peer knows session timers itself.
    #[must_use]
    pub fn peer_supports(&self) -> bool {
        self.peer_supports
    }

    /// A 422 answered our refresh: takes over its Min-SE; false when trying again would not help.
    pub fn raise_min_se(&mut self, response_422: &Msg<'_>) -> bool {
        let Ok(Some(wanted)) = response_422.min_se() else { return false };
        if wanted <= self.interval && wanted <= self.min_se {
            return false;
        }
        self.min_se = self.min_se.max(wanted);
        self.interval = self.interval.max(wanted);
        true
    }
}

fn push_session_expires(out: &mut Vec<u8>, seconds: u32, refresher: Option<Refresher>) {
    out.extend_from_slice(b"Session-Expires: ");
    push_number(out, u64::from(seconds));
    match refresher {
        Some(Refresher::Uac) => out.extend_from_slice(b";refresher=uac"),
        Some(Refresher::Uas) => out.extend_from_slice(b";refresher=uas"),
        None => {}
    }
    out.extend_from_slice(b"\r\n");
}

fn push_min_se(out: &mut Vec<u8>, seconds: u32) {
    out.extend_from_slice(b"Min-SE: ");
    push_number(out, u64::from(seconds));
    out.extend_from_slice(b"\r\n");
}
