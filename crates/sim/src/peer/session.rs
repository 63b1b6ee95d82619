//! Session timers of the peers (RFC 4028), in their own words.

use super::{Agent, Alarm, Desk, State};
use crate::text::{Message, parameter};
use std::time::Duration;

/// A running session timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Session {
    seconds: u64,
    mine: bool,
}

impl Agent {
    /// The rows of our 2xx about the timer that a request asks for.
    pub(super) fn session_answer(
        &mut self,
        dialog: usize,
        request: &Message,
        desk: &mut Desk,
    ) -> Vec<(&'static str, String)> {
        let asked = request.row("Session-Expires").map(read);
        let peer_knows = request.has("Supported", "timer");
        if !self.manner.timer {
            self.set_session(dialog, None, desk);
            return Vec::new();
        }
        let (seconds, who) = match (asked, self.manner.session) {
            (Some((seconds, who)), _) => {
                let mine = self.manner.session.map_or("uac", |(_, who)| who);
                let mine = if mine.is_empty() { "uas" } else { mine };
                (seconds, if who.is_empty() { mine.to_owned() } else { who })
            }
            (None, Some((seconds, _))) if peer_knows => (u64::from(seconds), "uas".to_owned()),
            _ => {
                self.set_session(dialog, None, desk);
                return Vec::new();
            }
        };
        self.set_session(dialog, Some(Session { seconds, mine: who == "uas" }), desk);
        let mut rows = vec![("Session-Expires", format!("{seconds};refresher={who}"))];
        if who == "uac" {
            rows.push(("Require", "timer".to_owned()));
        }
        rows
    }

    /// What a 2xx to a request of ours says of the timer.
    pub(super) fn session_from(&mut self, dialog: usize, response: &Message, first: bool, desk: &mut Desk) {
        let Some(row) = response.row("Session-Expires") else {
            return self.set_session(dialog, None, desk);
        };
        let (seconds, who) = read(row);
        if first && !self.manner.timer && who == "uac" {
            desk.faults.push("a peer without timers is told to refresh".to_owned());
        }
        let session = Session { seconds, mine: who == "uac" };
        self.set_session(dialog, self.manner.timer.then_some(session), desk);
    }

    fn set_session(&mut self, dialog: usize, session: Option<Session>, desk: &mut Desk) {
        let d = &mut self.dialogs[dialog];
        d.session = session;
        d.generation += 1;
        let Some(session) = session else { return };
        let wait = Duration::from_secs(session.seconds);
        let alarm = if session.mine {
            (desk.now + wait / 2, Alarm::Refresh(dialog, d.generation))
        } else {
            (desk.now + wait, Alarm::Expire(dialog, d.generation))
        };
        desk.alarms.push(alarm);
    }

    /// The timer's rows in a request of ours inside the call.
    pub(super) fn session_rows(&self, dialog: usize) -> Vec<(&'static str, String)> {
        let Some(session) = self.dialogs[dialog].session else { return Vec::new() };
        let who = if session.mine { "uac" } else { "uas" };
        vec![("Session-Expires", format!("{};refresher={who}", session.seconds))]
    }

    pub(super) fn refresh_due(&mut self, dialog: usize, generation: u32, desk: &mut Desk) {
        let d = &self.dialogs[dialog];
        let mine = d.session.is_some_and(|s| s.mine);
        if d.generation != generation || d.state != State::Up || !self.manner.refreshes || !mine {
            return;
        }
        if self.is_busy(dialog) {
            return desk.alarms.push((desk.now + Duration::from_secs(1), Alarm::Refresh(dialog, generation)));
        }
        let mut rows = self.abilities();
        rows.extend(self.session_rows(dialog));
        let method = if self.manner.update && !self.barred { "UPDATE" } else { "INVITE" };
        let body = if method == "INVITE" { self.describe(dialog) } else { String::new() };
        self.request(dialog, method, rows, &body, desk);
    }

    pub(super) fn refresh_missed(&mut self, dialog: usize, generation: u32, desk: &mut Desk) {
        let d = &self.dialogs[dialog];
        if d.generation != generation || d.state != State::Up {
            return;
        }
        desk.faults.push(format!("the house did not refresh the session of {}", self.call_id));
        self.hang_up(dialog, desk);
    }
}

fn read(row: &str) -> (u64, String) {
    let seconds = row.split(';').next().and_then(|s| s.trim().parse().ok()).unwrap_or(0);
    (seconds, parameter(row, "refresher").unwrap_or_default().to_owned())
}
