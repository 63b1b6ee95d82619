//! What must be true when a world has come to rest.

use crate::Outcome;
use crate::peer::State;
use crate::plan::{Faith, OnCancel, OnOffer};
use crate::world::World;
use b2bua::{Input, Outbox};
use std::fmt::Write as _;

impl World {
    /// Checks the whole and says what became of it.
    #[must_use]
    pub fn conclude(mut self) -> Outcome {
        self.at_rest();
        self.one_record_each();
        if !self.garbled {
            self.finals_agree();
            self.both_ends_agree();
            self.answers_acknowledged();
        }
        let mut faults = std::mem::take(&mut self.faults);
        faults.append(&mut self.judge.faults);
        faults.append(&mut self.journal.faults);
        faults.append(&mut self.engine.faults);
        let records = self.journal.records.iter().map(|r| {
            let mut line =
                format!("{} {} {} {}", r.facts.sip_call_id, r.status, r.reason, r.released_by.word());
            for a in &r.attempts {
                let _ = write!(line, " [{} {} {}]", a.facts.target, a.status, a.reason);
            }
            line
        });
        Outcome {
            records: records.collect(),
            calls_kept: self.journal.records.clone(),
            calls: self.plan.calls.len(),
            grown: self.engine.grown,
            answered: self.journal.records.iter().filter(|r| r.answer.is_some()).count(),
            messages: self.judge.messages,
            ladder: std::mem::take(&mut self.ladder),
            faults,
        }
    }

    /// Feeds one input. No link carries more than it may after it; joining two calls alone may do that.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        let mut out = Outbox::new();
        self.board.handle(self.now, input, &mut out);
        let joins = self.plan.config.inside.contains("replaces");
        if self.plan.config.link.is_some() && !joins {
            for link in
                self.board.status().links.into_iter().filter(|l| l.max.is_some_and(|max| l.calls > max))
            {
                self.faults.push(format!("{} calls on the link to {}", link.calls, link.site));
            }
        }
        self.drain(&mut out);
    }

    /// Every table is empty and every count zero.
    fn at_rest(&mut self) {
        let status = self.board.status();
        let mut faults = Vec::new();
        if self.board.live_calls() != 0 || !self.board.calls().is_empty() {
            faults.push(format!("{} live calls at rest", self.board.live_calls()));
        }
        for (name, count) in &status.counters {
            let must_be_zero =
                ["server_transactions", "client_transactions", "calls_kept", "media_sessions"].contains(name);
            if must_be_zero && *count != 0 {
                faults.push(format!("{name} is {count} at rest"));
            }
        }
        for trunk in self.board.trunks(self.now) {
            if (trunk.calls_in, trunk.calls_out) != (0, 0) {
                faults
                    .push(format!("trunk {} has {} in, {} out", trunk.name, trunk.calls_in, trunk.calls_out));
            }
        }
        for link in status.links.iter().filter(|link| link.calls != 0) {
            faults.push(format!("{} calls on the link to {} at rest", link.calls, link.site));
        }
        let open = self.engine.open_sessions();
        if !open.is_empty() {
            faults.push(format!("media sessions {open:?} open at rest"));
        }
        self.faults.append(&mut faults);
    }

    fn one_record_each(&mut self) {
        if self.journal.unended() != 0 {
            self.faults.push(format!("{} accepted calls without a record", self.journal.unended()));
        }
        if self.garbled {
            return;
        }
        self.reference.transfers =
            ["refer", "replaces"].iter().any(|key| self.plan.config.inside.contains(key));
        let transfers = self.journal.records.iter().flat_map(|record| &record.transfers);
        self.reference.lent = transfers.filter_map(|transfer| transfer.with).collect();
        for (call, agent) in self.agents.iter().enumerate().take(self.plan.calls.len()) {
            let records: Vec<_> =
                self.journal.records.iter().filter(|r| *r.facts.sip_call_id == agent.call_id).collect();
            let seen = self.reference.seen(call);
            // Cut off for longer than a transaction lives, an INVITE that comes again is another call.
            let late = self.net.was_dead(agent.addr.ip(), self.now) && records.len() > 1;
            if records.len() != usize::from(seen.invited) && !late {
                self.faults.push(format!(
                    "call {call}: {} records, invited: {}",
                    records.len(),
                    seen.invited
                ));
            }
            let patient = self.is_patient(call);
            // Whoever was transferred, or came, may have ended a call: the journal's law and the judge hold then.
            for record in records.into_iter().filter(|r| r.transfers.is_empty()) {
                if let Some(fault) = self.reference.check(call, record, patient) {
                    self.faults.push(format!("call {call}: {fault}"));
                }
            }
        }
    }

    /// Whether all peers of a call kept every rule and could be reached.
    fn is_patient(&self, call: usize) -> bool {
        let ends = self.agents.iter().filter(|a| a.call == call);
        ends.into_iter().all(|a| {
            !a.gone
                && !self.net.was_dead(a.addr.ip(), self.now)
                && a.manner.refreshes
                && a.manner.ack != Faith::Never
                && a.manner.prack != Faith::Never
                && a.manner.on_offer == OnOffer::Agree
        })
    }

    /// The caller heard one final response, the one that the record tells of.
    fn finals_agree(&mut self) {
        for (call, agent) in self.agents.iter().enumerate().take(self.plan.calls.len()) {
            let record = self.journal.records.iter().find(|r| *r.facts.sip_call_id == agent.call_id);
            let Some(record) = record else { continue };
            let said = self.judge.finals.iter().filter(|(key, _)| key.0 == agent.call_id && key.1 == 1);
            let said: Vec<u16> = said.map(|(_, (status, _))| *status).collect();
            if said != [record.status] && !self.net.was_dead(agent.addr.ip(), self.now) {
                self.faults.push(format!("call {call}: finals {said:?}, record {}", record.status));
            }
            let cut = agent.gone || self.net.was_dead(agent.addr.ip(), self.now);
            if !cut && agent.final_status != Some(record.status) {
                self.faults.push(format!(
                    "call {call}: the caller heard {:?}, the record says {}",
                    agent.final_status, record.status
                ));
            }
        }
    }

    /// After everything was ended no peer believes that a call is up.
    fn both_ends_agree(&mut self) {
        for agent in &self.agents {
            let cut = agent.gone || self.net.was_dead(agent.addr.ip(), self.now);
            for dialog in &agent.dialogs {
                if dialog.state == State::Up && !cut {
                    self.faults.push(format!("call {}: still up at {}", agent.call, agent.addr));
                }
            }
        }
    }

    fn answers_acknowledged(&mut self) {
        if self.disturbed {
            return;
        }
        // Whoever goes on after a CANCEL may answer when nobody listens any more (RFC 3261 §9.1).
        let stubborn = |id: &str| {
            self.agents.iter().any(|a| a.call_id == id && a.cancelled && a.manner.on_cancel != OnCancel::Obey)
        };
        for (call_id, tag, cseq) in self.judge.owed_acks.iter().filter(|(id, ..)| !stubborn(id)) {
            self.faults.push(format!("no ACK was ever sent for the 2xx {cseq} of {tag} in {call_id}"));
        }
    }
}
