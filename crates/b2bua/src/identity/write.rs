//! The rows of an attempt that tell who calls and who was called before.

use super::decide::{Numbers, Shown};
use super::forwarding::{Forwarded, History};
use super::history::{self, Entry};
use super::party::Party;
use super::rows::{self, Scene};
use super::{Identity, Screening, diversion};
use crate::attempt::Candidate;
use crate::call::Call;
use crate::offer::State;
use base::{ReasonId, TrunkId};
use config::{FirstIs, ForwardingWrite, PassStrip, Policy};
use routing::Table;

/// What an attempt tells.
pub(crate) struct Told {
    /// From without its tag.
    pub(crate) from: Vec<u8>,
    /// The rows beside From.
    pub(crate) rows: Vec<u8>,
    /// From names nobody: neither may Contact.
    pub(crate) anonymous: bool,
    /// Headers of the user's own are taken off as well.
    pub(crate) hides_user: bool,
}

impl Call {
    /// What an attempt tells of the caller, by the policy of its trunk.
    ///
    /// # Errors
    /// The caller may not be shown to this peer, or asks for privacy that cannot be given.
    pub(crate) fn tell(&self, candidate: &Candidate) -> Result<Told, ReasonId> {
        let (epoch, to) = (&self.epoch, candidate.trunk);
        let (trunk, nobody) = (epoch.trunk(to), Identity::default());
        let policy = &trunk.policy;
        let who = self.arrived.as_ref().map_or(&nobody, |arrived| &arrived.identity);
        // RFC 3323 §5: what is critical and cannot be given ends the call.
        let exposed = matches!(self.media.state, State::Direct) && !policy.caller.trust;
        if who.privacy.critical && who.privacy.session && exposed {
            return Err(ReasonId::PrivacyUnmet);
        }
        let lines = Lines { table: &epoch.snapshot.table, on: self.trunk_in, to };
        let screening = epoch.screening(to);
        let number = |party: Option<&Party>| lines.number(party?, (&self.caller, &candidate.caller));
        let numbers = Numbers {
            caller: candidate.caller.clone(),
            asserted: number(who.believed()),
            preferred: number(who.preferred.as_ref()),
        };
        let shown = Shown::decide(who, &numbers, &policy.caller, screening)?;
        let face = epoch.face(trunk.listen);
        let host = trunk.domain.as_deref().unwrap_or(face.host());
        let scene = Scene { host, user_phone: policy.user_phone, trust: policy.caller.trust };
        let mut told = Told {
            from: rows::from_value(&shown, policy, &scene),
            rows: Vec::new(),
            anonymous: shown.from.is_none(),
            hides_user: shown.hides_user,
        };
        rows::push(&mut told.rows, &shown, &policy.caller, &scene);
        let forwarding = Written { history: &who.history, policy, lines: &lines, screening };
        forwarding.push(&mut told.rows, &candidate.called, &scene);
        Ok(told)
    }
}

/// Numbers of one trunk in the form of another.
struct Lines<'a> {
    table: &'a Table,
    on: TrunkId,
    to: TrunkId,
}

impl Lines<'_> {
    /// A party's number; where it is the caller's, as routing wants that shown.
    fn number(&self, party: &Party, (caller, shown): (&str, &str)) -> Option<Box<str>> {
        let number = self.table.read_number(&party.number, self.on);
        match &*number {
            "" => None,
            same if same == caller => Some(shown.into()),
            other => Some(self.table.write_number(other, self.to).into()),
        }
    }

    fn restate(&self, party: &mut Party) {
        let number = self.table.read_number(&party.number, self.on);
        party.number = self.table.write_number(&number, self.to).into();
    }
}

/// Who was called before, on its way to a trunk.
struct Written<'a> {
    history: &'a History,
    policy: &'a Policy,
    lines: &'a Lines<'a>,
    screening: &'a Screening,
}

impl Written<'_> {
    /// Appends what the policy writes.
    fn push(&self, out: &mut Vec<u8>, called: &str, scene: &Scene<'_>) {
        let write = self.policy.forwarding.write;
        let arrived = write == ForwardingWrite::AsArrived;
        let (has_diversion, has_info) = (!self.history.diversion.is_empty(), !self.history.info.is_empty());
        let diverts = match write {
            ForwardingWrite::AsArrived => has_diversion && self.policy.diversion == PassStrip::Pass,
            other => matches!(other, ForwardingWrite::Diversion | ForwardingWrite::Both),
        };
        let tells = match write {
            ForwardingWrite::AsArrived => has_info && self.policy.history_info == PassStrip::Pass,
            other => matches!(other, ForwardingWrite::HistoryInfo | ForwardingWrite::Both),
        };
        if !diverts && !tells {
            return;
        }
        let chosen = self.history.forwarded();
        if diverts {
            let source = if arrived { &self.history.diversion } else { &chosen };
            diversion::push(out, &self.adapted(source), scene);
        }
        if tells {
            let from_info = self.history.from == Some(config::ForwardingHeader::HistoryInfo);
            let kept = self.policy.forwarding.first_is == FirstIs::Keep && (arrived || from_info);
            let entries = match kept {
                true => self.restated(&self.history.info),
                false if chosen.is_empty() => return,
                false => history::from_forwarded(&self.adapted(&chosen), called),
            };
            history::push(out, &entries, scene);
        }
    }

    /// Forwardings in the trunk's form, the last of them as `first_is` wants it.
    fn adapted(&self, forwarded: &[Forwarded]) -> Vec<Forwarded> {
        let mut forwarded = forwarded.to_vec();
        for one in &mut forwarded {
            self.lines.restate(&mut one.party);
        }
        let pilot = self.screening.pilot.as_ref();
        let owned = || forwarded.iter().rev().find(|f| self.screening.owns(&f.party.number));
        let proof = match self.policy.forwarding.first_is {
            FirstIs::Keep => None,
            FirstIs::Pilot => pilot.cloned(),
            FirstIs::Did => owned().map(|f| f.party.number.clone()).or_else(|| pilot.cloned()),
        };
        if let (Some(number), Some(last)) = (proof, forwarded.last_mut())
            && last.party.number != number
        {
            // The pilot is no secret of the one who forwarded.
            last.private &= pilot != Some(&number);
            last.party = Party { number, display: Box::default() };
        }
        forwarded
    }

    fn restated(&self, entries: &[Entry]) -> Vec<Entry> {
        let mut entries = entries.to_vec();
        for entry in &mut entries {
            self.lines.restate(&mut entry.party);
        }
        entries
    }
}
