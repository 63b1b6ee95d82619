//! The subscription that a REFER makes (RFC 3515 §2.4), from the side that carries it out: what its peer is
//! still to be told, one NOTIFY at a time.
//!
//! Values only: the owner sends each [`Notice`] in the REFER's dialog and reports what became of it.

use base::Time;
use sip_msg::reason_phrase;
use std::time::Duration;

/// How long a subscription stands unless it is renewed: long enough for any callee to answer.
const EXPIRES: Duration = Duration::from_secs(600);

/// One NOTIFY to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notice {
    /// The status that it tells.
    pub status: u16,
    /// It ends the subscription.
    pub last: bool,
}

/// One subscription; see the module text.
#[derive(Clone, Debug)]
pub struct ReferSubscription {
    /// The REFER's CSeq number.
    cseq: u32,
    /// Whether notices name it: all but those of a dialog's first REFER must (RFC 3515 §2.4.6).
    named: bool,
    until: Time,
    status: u16,
    told: Option<u16>,
    waiting: bool,
    over: bool,
}

impl ReferSubscription {
    /// The subscription of an accepted REFER. `named`: it is not the first of its dialog. `wanted`: the peer
    /// has not renounced it (RFC 4488 §4).
    #[must_use]
    pub fn new(cseq: u32, named: bool, wanted: bool, now: Time) -> ReferSubscription {
        ReferSubscription {
            cseq,
            named,
            until: now + EXPIRES,
            status: 100,
            told: None,
            waiting: false,
            over: !wanted,
        }
    }

    /// How the referred request stands: a provisional or final status. Gives what is to be told now.
    pub fn report(&mut self, status: u16) -> Option<Notice> {
        if self.status < 200 {
            self.status = status;
        }
        self.next()
    }

    /// A NOTIFY of ours got a final response; 0: none came. Whoever knows of no such subscription, or does
    /// not answer, is told nothing more (RFC 6665 §4.2.2).
    pub fn notified(&mut self, status: u16) -> Option<Notice> {
        self.waiting = false;
        if !(200..300).contains(&status) {
            self.over = true;
        }
        self.next()
    }

    /// Whether a SUBSCRIBE inside the dialog means this subscription: by `id`, the CSeq number, or by none
    /// (RFC 3515 §2.4.4, §2.4.6).
    #[must_use]
    pub fn is_meant(&self, id: Option<u32>) -> bool {
        !self.over && id.map_or(!self.named, |id| id == self.cseq)
    }

    /// It is renewed; `false`: given up, and the notice that is given ends it.
    pub fn renew(&mut self, goes_on: bool, now: Time) -> Option<Notice> {
        if goes_on {
            self.until = now + EXPIRES;
            self.told = None;
            return self.next();
        }
        self.over = true;
        Some(Notice { status: self.status, last: true })
    }

    /// Whether a NOTIFY has no answer yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Seconds until it would end unrenewed.
    #[must_use]
    pub fn expires(&self, now: Time) -> u64 {
        self.until.since(now).as_secs()
    }

    fn next(&mut self) -> Option<Notice> {
        if self.over || self.waiting || self.told == Some(self.status) {
            return None;
        }
        self.told = Some(self.status);
        self.waiting = true;
        let last = self.status >= 200;
        self.over = last;
        Some(Notice { status: self.status, last })
    }

    /// The value of a notice's Event.
    #[must_use]
    pub fn event(&self) -> String {
        if self.named { format!("refer;id={}", self.cseq) } else { "refer".to_owned() }
    }

    /// The value of a notice's Subscription-State (RFC 6665 §8.2.3, RFC 3515 §2.4.7).
    #[must_use]
    pub fn state(&self, notice: Notice, now: Time) -> String {
        if notice.last {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={}", self.expires(now))
        }
    }
}

impl Notice {
    /// The body: a `message/sipfrag` of the status line alone (RFC 3420, RFC 3515 §2.4.5).
    #[must_use]
    pub fn body(&self) -> String {
        format!("SIP/2.0 {} {}\r\n", self.status, reason_phrase(self.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn told(status: u16, last: bool) -> Option<Notice> {
        Some(Notice { status, last })
    }

    #[test]
    fn one_notice_is_on_its_way_at_a_time_and_the_last_ends_it() {
        let mut one = ReferSubscription::new(7, false, true, Time::ZERO);
        assert_eq!(one.report(100), told(100, false));
        assert_eq!(one.report(180), None, "the first has no answer yet");
        assert_eq!(one.report(183), None);
        assert_eq!(one.notified(200), told(183, false), "what is old is not told");
        assert_eq!(one.notified(200), None);
        assert_eq!(one.report(183), None, "nothing new");
        assert_eq!(one.report(486), told(486, true));
        assert_eq!(one.report(200), None, "it is over");
        assert_eq!(one.notified(200), None);
        assert_eq!(
            (one.event(), one.state(Notice { status: 486, last: true }, Time::ZERO)),
            ("refer".to_owned(), "terminated;reason=noresource".to_owned())
        );
    }

    #[test]
    fn whoever_wants_or_knows_none_is_told_nothing() {
        let mut renounced = ReferSubscription::new(7, false, false, Time::ZERO);
        assert_eq!(renounced.report(100), None);
        assert_eq!(renounced.report(200), None);
        let mut gone = ReferSubscription::new(7, true, true, Time::ZERO);
        assert_eq!(gone.report(100), told(100, false));
        assert_eq!(gone.notified(481), None);
        assert_eq!(gone.report(200), None);
        assert_eq!(gone.event(), "refer;id=7");
    }

    #[test]
    fn it_is_renewed_and_given_up_by_subscribe() {
        let mut one = ReferSubscription::new(7, true, true, Time::ZERO);
        assert!(one.is_meant(Some(7)) && !one.is_meant(None) && !one.is_meant(Some(8)));
        assert_eq!(one.report(100), told(100, false));
        assert_eq!(one.notified(200), None);
        let later = Time::ZERO + Duration::from_secs(500);
        assert_eq!((one.expires(later), one.renew(true, later)), (100, told(100, false)));
        assert_eq!(one.expires(later), 600);
        assert_eq!(one.renew(false, later), told(100, true));
        assert!(!one.is_meant(Some(7)));
        assert_eq!(Notice { status: 180, last: false }.body(), "SIP/2.0 180 Ringing\r\n");
    }
}
