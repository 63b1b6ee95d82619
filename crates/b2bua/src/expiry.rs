//! How long the caller's invitation holds (RFC 3261 §13.3.1): its `Expires`.

use crate::call::{Call, Phase};
use crate::context::{Alarm, Context};
use crate::record::ReleasedBy;
use base::{ReasonId, Time};
use sip_msg::Msg;
use std::time::Duration;

/// An expiry further away than this is looked at again after it, so that no alarm outlives its call by
/// more.
const LOOK_EVERY: Duration = Duration::from_secs(60);

impl Call {
    /// Takes the `Expires` of the INVITE (RFC 3261 §13.3.1); `false`: it had run out on arrival and the
    /// call is refused. One that cannot be read bounds nothing.
    pub(crate) fn heed_expires(&mut self, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        match msg.expires() {
            None => true,
            Some(0) => {
                self.refuse(cx, ReasonId::InviteExpired, b"");
                false
            }
            Some(seconds) => {
                let at = cx.now + Duration::from_secs(u64::from(seconds));
                self.watch_expiry(at, cx);
                true
            }
        }
    }

    fn watch_expiry(&self, at: Time, cx: &mut Context<'_>) {
        cx.wheel.insert(at.min(cx.now + LOOK_EVERY), Alarm::Expires(self.me, at));
    }

    /// The invitation ran out before a final response: 487, and every attempt is cancelled (RFC 3261
    /// §13.3.1).
    pub(crate) fn on_expires(&mut self, at: Time, cx: &mut Context<'_>) {
        if self.phase != Phase::Setup {
            return;
        }
        if cx.now < at {
            return self.watch_expiry(at, cx);
        }
        self.release(ReasonId::InviteExpired, ReleasedBy::Caller, cx);
    }
}
