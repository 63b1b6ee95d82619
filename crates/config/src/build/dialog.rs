//! Rules between the two dialogs of a call.

use super::view::View;
use crate::keys::{RINGING, SESSION_TIMER};
use crate::model::{Absorb, Dialog, Ringing, SessionTimer, Words};
use std::time::Duration;

/// Reads the dialog keys of a policy.
pub(super) fn dialog(view: &View<'_>) -> Option<Dialog> {
    let absorb = view.strings("absorb");
    let absorbs = |what: Absorb| absorb.iter().any(|word| word == what.token());
    Some(Dialog {
        update: view.word("update")?,
        absorb_refresh: absorbs(Absorb::Refresh),
        absorb_hold: absorbs(Absorb::Hold),
        absorb_codec: absorbs(Absorb::Codec),
        late_reinvite: view.word("late_reinvite")?,
        early_media: view.word("early_media")?,
        early_dialogs: view.word("early_dialogs")?,
        early_dialogs_max: view.integer("early_dialogs_max"),
        ringing: ringing(&view.inner(&RINGING, "ringing"))?,
    })
}

fn ringing(view: &View<'_>) -> Option<Ringing> {
    Some(Ringing {
        map_180: view.word("map_180")?,
        map_181: view.word("map_181")?,
        map_183: view.word("map_183")?,
        late_180: view.word("late_180")?,
        after: view.duration_or_off("after"),
    })
}

/// Reads the session timer of a policy.
pub(super) fn session_timer(view: &View<'_>) -> Option<SessionTimer> {
    let view = view.inner(&SESSION_TIMER, "session_timer");
    let seconds = |length: Duration| u32::try_from(length.as_secs()).ok();
    Some(SessionTimer {
        expires: view.duration_or_off("expires").and_then(seconds),
        min_se: view.duration("min_se").and_then(seconds)?,
        refresher: view.word("refresher")?,
        refresh_by: view.word("refresh_by")?,
    })
}
