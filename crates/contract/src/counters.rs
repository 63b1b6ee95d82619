//! What a switchboard counts beside the figures of its trunks.

/// What happened that no other counter tells.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub accepted: u64,
    pub answered: u64,
    pub ended: u64,
    pub unknown_sources: u64,
    pub malformed: u64,
    pub outside_dialog: u64,
    pub acks_unsent: u64,
    pub late_answers: u64,
    pub early_dialogs_refused: u64,
    pub attempts_refused: u64,
    pub media_reports_missed: u64,
    pub failovers: u64,
    /// Attempts that began side by side.
    pub forks: u64,
    pub calls_refused: u64,
    pub challenges_answered: u64,
    pub digits_lost: u64,
    /// Sides that were not heard any more, or never, while the other was.
    pub one_way: u64,
    /// Calls in which somebody heard nothing of what it was to hear from us.
    pub sounds_unheard: u64,
    pub flows_lost: u64,
    pub registrations_taken: u64,
    pub registrations_refused: u64,
    pub registrar_full: u64,
    pub transfers: u64,
    pub transfers_refused: u64,
    pub transfers_failed: u64,
    /// Calls that a recorder took.
    pub recordings: u64,
    /// Calls whose recorder could not be had.
    pub recordings_failed: u64,
    /// Recorders that were lost while they took part.
    pub recordings_lost: u64,
    /// Recordings that went on after a gap.
    pub recordings_resumed: u64,
}

impl Counters {
    /// Those that have no place of their own in the status, by name; with those of its transactions.
    pub fn further(&self, t: &sip_core::Counters) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let own = [
            ("failovers", self.failovers),
            ("forks", self.forks),
            ("challenges_answered", self.challenges_answered),
            ("requests_outside_dialog", self.outside_dialog),
            ("acks_unsent", self.acks_unsent),
            ("late_answers", self.late_answers),
            ("early_dialogs_refused", self.early_dialogs_refused),
            ("attempts_refused", self.attempts_refused),
            ("media_reports_missed", self.media_reports_missed),
            ("retransmissions_in", t.retransmissions_in),
            ("retransmissions_out", t.retransmissions_out),
            ("stray_responses", t.stray_responses),
            ("server_transactions", t.server_live as u64),
            ("client_transactions", t.client_live as u64),
            ("transactions_refused", t.server_limit.hits + t.client_limit.hits),
            ("timeouts", t.timeouts),
            ("oversize_udp", t.oversize_udp),
        ];
        let users = [
            ("digits_lost", self.digits_lost),
            ("one_way", self.one_way),
            ("sounds_unheard", self.sounds_unheard),
            ("flows_lost", self.flows_lost),
            ("registrations_taken", self.registrations_taken),
            ("registrations_refused", self.registrations_refused),
            ("registrar_full", self.registrar_full),
            ("transfers", self.transfers),
            ("transfers_refused", self.transfers_refused),
            ("transfers_failed", self.transfers_failed),
            ("recordings", self.recordings),
            ("recordings_failed", self.recordings_failed),
            ("recordings_lost", self.recordings_lost),
            ("recordings_resumed", self.recordings_resumed),
        ];
        own.into_iter().chain(users)
    }
}
