//! One binding at a registrar, as its client sees it: RFC 3261 §10.2, RFC 5626 §4.5.
//!
//! Values and deadlines only: the owner writes and sends the REGISTERs and reports what became of them.
//! A refusal never loops: what only people can mend waits an hour, all else backs off.

use base::Time;
use std::time::Duration;

/// The first wait after a failure. RFC 5626 §4.5.
const BACKOFF_FIRST: Duration = Duration::from_secs(30);
/// The longest: limit `registration_backoff`.
const BACKOFF_MAX: Duration = Duration::from_secs(1_800);
/// After a refusal that trying again does not mend.
const FORBIDDEN_WAIT: Duration = Duration::from_secs(3_600);
/// The longest Retry-After that is obeyed, in seconds: limit `registration_retry_after`.
const RETRY_AFTER_MAX: u32 = 3_600;
/// The longest binding that a registrar may demand by 423, in seconds: limit `registration_expires`.
const EXPIRES_MAX: u32 = 86_400;

/// Where a registration stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing was sent yet, or the binding was given up.
    Idle,
    /// The first REGISTER is under way.
    Registering,
    /// The binding stands.
    Registered,
    /// The binding stands and is being refreshed.
    Refreshing,
    /// The last REGISTER failed; another follows after a while.
    Waiting,
    /// The registrar refuses us; an hour passes before it is asked again.
    Forbidden,
    /// The binding is being given up.
    Unregistering,
}

impl State {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Registering => "registering",
            State::Registered => "registered",
            State::Refreshing => "refreshing",
            State::Waiting => "waiting",
            State::Forbidden => "forbidden",
            State::Unregistering => "unregistering",
        }
    }
}

/// How a REGISTER failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    /// The registrar's final response; 0 when none came. A 2xx: it took the REGISTER and bound nothing.
    pub status: u16,
    /// Min-Expires of a 423 (RFC 3261 §20.23).
    pub min_expires: Option<u32>,
    /// Retry-After in seconds.
    pub retry_after: Option<u32>,
    /// Another address of the registrar was not tried yet.
    pub more_addresses: bool,
}

/// What the owner does after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Register at once at the same address.
    Again,
    /// Register at once at the next address.
    NextAddress,
    /// Nothing before the next deadline.
    Wait,
}

/// See the module text.
#[derive(Clone, Debug)]
pub struct Registration {
    state: State,
    expires: u32,
    failures: u32,
    /// The registrar asked for a longer binding since the last deadline.
    raised: bool,
    due: Option<Time>,
    good_until: Option<Time>,
}

impl Registration {
    /// Wants a binding of `expires` seconds from `now` on; `dice` spreads the first REGISTERs of many accounts
    /// over half a second.
    #[must_use]
    pub fn new(expires: u32, now: Time, dice: u64) -> Registration {
        let due = Some(now + Duration::from_millis(dice % 500));
        Registration { state: State::Idle, expires, failures: 0, raised: false, due, good_until: None }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The seconds to ask for now; 0 gives the binding up.
    #[must_use]
    pub fn expires(&self) -> u32 {
        if self.state == State::Unregistering { 0 } else { self.expires }
    }

    /// Until when the binding stands, if it does.
    #[must_use]
    pub fn good_until(&self, now: Time) -> Option<Time> {
        self.good_until.filter(|until| *until > now)
    }

    /// When [`Registration::handle_timeout`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.due
    }

    /// Whether a REGISTER is to be sent now.
    pub fn handle_timeout(&mut self, now: Time) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.due = None;
        self.raised = false;
        self.begin(now);
        true
    }

    fn begin(&mut self, now: Time) {
        let stands = self.good_until(now).is_some();
        self.state = if stands { State::Refreshing } else { State::Registering };
    }

    /// Forgets waits: a person or a new configuration asks for another try.
    pub fn retry(&mut self, now: Time) {
        if matches!(self.state, State::Idle | State::Waiting | State::Forbidden) {
            self.failures = 0;
            self.due = Some(now);
        }
    }

    /// The registrar accepted: the binding stands for `granted` seconds. It is refreshed when 70 to 80 % of
    /// them have passed, as `dice` falls (RFC 3261 §10.2.4).
    pub fn accepted(&mut self, now: Time, granted: u32, dice: u64) {
        if self.state == State::Unregistering {
            return self.over();
        }
        self.failures = 0;
        self.state = State::Registered;
        let whole = Duration::from_secs(u64::from(granted.clamp(1, EXPIRES_MAX)));
        self.good_until = Some(now + whole);
        self.due = Some(now + share(whole, 700, 100, dice));
    }

    /// The registrar refused, or said nothing.
    pub fn refused(&mut self, now: Time, why: Refusal, dice: u64) -> Next {
        if self.state == State::Unregistering {
            self.over();
            return Next::Wait;
        }
        if let (423, Some(wanted)) = (why.status, why.min_expires)
            && (self.expires..=EXPIRES_MAX).contains(&wanted)
            && !self.raised
        {
            self.raised = true;
            self.expires = wanted;
            return Next::Again;
        }
        if why.status == 494 && !self.raised {
            // RFC 3329 §2.3.1: once more, with what the server offered.
            self.raised = true;
            return Next::Again;
        }
        let hopeless =
            matches!(why.status, 401..=407 | 410 | 416 | 420 | 600..=699) && why.retry_after.is_none();
        if hopeless {
            self.state = State::Forbidden;
            self.good_until = None;
            self.due = Some(now + FORBIDDEN_WAIT);
            return Next::Wait;
        }
        if why.status / 100 == 2 {
            self.good_until = None;
        }
        if why.more_addresses {
            return Next::NextAddress;
        }
        self.state = State::Waiting;
        let wait = match why.retry_after {
            Some(seconds) => Duration::from_secs(u64::from(seconds.clamp(1, RETRY_AFTER_MAX))),
            // RFC 5626 §4.5: between half of it and all of it.
            None => share((BACKOFF_FIRST * 2_u32.pow(self.failures.min(6))).min(BACKOFF_MAX), 500, 500, dice),
        };
        self.failures = self.failures.saturating_add(1);
        self.due = Some(now + wait);
        Next::Wait
    }

    /// The flow that the binding was made on has ended: it is made anew, within the second that `dice` falls in
    /// (RFC 5626 §4.5).
    pub fn flow_failed(&mut self, now: Time, dice: u64) {
        if self.state == State::Registered {
            self.good_until = None;
            self.due = Some(now + Duration::from_millis(dice % 1_000));
        }
    }

    /// Gives the binding up. `true`: a REGISTER with an expiry of 0 is to be sent (RFC 3261 §10.2.2).
    ///
    /// While one already is under way nothing changes: its answer is still to come.
    pub fn stop(&mut self, now: Time) -> bool {
        if self.state == State::Unregistering {
            return false;
        }
        let stands = self.good_until(now).is_some() || self.state == State::Registering;
        self.due = None;
        self.good_until = None;
        self.state = if stands { State::Unregistering } else { State::Idle };
        stands
    }

    fn over(&mut self) {
        self.state = State::Idle;
        self.due = None;
        self.good_until = None;
    }
}

/// From `least` to `least + span` thousandths of a time, as the dice fall.
fn share(whole: Duration, least: u64, span: u64, dice: u64) -> Duration {
    let thousandths = least + dice % (span + 1);
    Duration::from_nanos(u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX) / 1_000 * thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn status(status: u16) -> Refusal {
        Refusal { status, ..Refusal::default() }
    }

    fn registered() -> Registration {
        let mut one = Registration::new(600, at(0), 0);
        assert!(one.handle_timeout(at(0)));
        one.accepted(at(0), 300, 0);
        one
    }

    #[test]
    fn a_binding_is_refreshed_before_it_ends() {
        let mut one = Registration::new(600, at(0), 750);
        assert_eq!((one.state(), one.next_deadline()), (State::Idle, Some(Time::from_millis(250))));
        assert!(!one.handle_timeout(at(0)) && one.handle_timeout(at(1)));
        assert_eq!((one.state(), one.expires()), (State::Registering, 600));
        one.accepted(at(1), 300, 100);
        assert_eq!((one.state(), one.next_deadline()), (State::Registered, Some(at(241))));
        assert!(one.handle_timeout(at(241)));
        assert_eq!((one.state(), one.good_until(at(241))), (State::Refreshing, Some(at(301))));
        one.accepted(at(242), 300, 0);
        assert_eq!(one.next_deadline(), Some(at(242 + 210)));
    }

    #[test]
    fn a_refusal_that_people_must_mend_waits_an_hour() {
        for code in [403, 404, 401, 603] {
            let mut one = registered();
            one.handle_timeout(at(240));
            let why = Refusal { more_addresses: true, ..status(code) };
            assert_eq!(one.refused(at(240), why, 7), Next::Wait, "{code}");
            assert_eq!((one.state(), one.next_deadline()), (State::Forbidden, Some(at(3_840))));
            assert_eq!(one.good_until(at(240)), None, "it is not reachable any more");
            one.retry(at(300));
            assert_eq!(one.next_deadline(), Some(at(300)));
        }
    }

    #[test]
    fn failures_try_the_next_address_and_then_back_off() {
        let mut one = registered();
        assert!(one.handle_timeout(at(240)));
        let more = Refusal { more_addresses: true, ..status(503) };
        assert_eq!(one.refused(at(240), more, 0), Next::NextAddress);
        let mut now = at(240);
        for expected in [15, 30, 60, 120, 240, 480, 900, 900, 900] {
            assert_eq!(one.refused(now, status(0), 0), Next::Wait);
            let due = one.next_deadline().unwrap();
            assert_eq!(due - now, Duration::from_secs(expected));
            now = due;
            assert!(one.handle_timeout(now));
        }
        assert_eq!(one.good_until(at(299)), Some(at(300)), "the binding stood all the while");
        assert_eq!(one.state(), State::Registering);
        one.accepted(now, 60, 0);
        assert_eq!(one.refused(now, Refusal { retry_after: Some(7), ..status(503) }, 0), Next::Wait);
        assert_eq!(one.next_deadline(), Some(now + Duration::from_secs(7)));
    }

    #[test]
    fn a_registrar_may_ask_for_longer_bindings() {
        let mut one = Registration::new(60, at(0), 0);
        one.handle_timeout(at(0));
        let brief = |seconds| Refusal { min_expires: Some(seconds), ..status(423) };
        assert_eq!(one.refused(at(0), brief(120), 0), Next::Again);
        assert_eq!(one.expires(), 120);
        assert_eq!(one.refused(at(0), brief(120), 0), Next::Wait, "once");
        assert_eq!(one.refused(at(0), brief(1_000_000), 0), Next::Wait, "not for ever");
    }

    #[test]
    fn a_flow_that_ends_is_made_anew_and_a_security_agreement_is_answered_once() {
        let mut one = registered();
        one.flow_failed(at(10), 250);
        assert_eq!((one.good_until(at(10)), one.next_deadline()), (None, Some(Time::from_millis(10_250))));
        assert!(one.handle_timeout(at(11)));
        assert_eq!(one.state(), State::Registering);
        assert_eq!(one.refused(at(11), status(494), 0), Next::Again);
        assert_eq!(one.refused(at(11), status(494), 0), Next::Wait);
        one.flow_failed(at(12), 0);
        assert_eq!(one.state(), State::Waiting, "it waits on");
    }

    #[test]
    fn a_farewell_under_way_is_not_said_again() {
        let mut one = registered();
        assert!(one.stop(at(10)));
        assert!(!one.stop(at(11)));
        assert_eq!(one.state(), State::Unregistering, "its answer gives the binding up, it makes none");
    }

    #[test]
    fn a_binding_is_given_up_once() {
        let mut one = registered();
        assert!(one.stop(at(10)));
        assert_eq!((one.state(), one.expires(), one.next_deadline()), (State::Unregistering, 0, None));
        one.accepted(at(10), 300, 0);
        assert_eq!((one.state(), one.good_until(at(10))), (State::Idle, None));
        assert!(!one.stop(at(11)), "nothing stands");
    }
}
