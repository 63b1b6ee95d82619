//! The record as it is stored and shown: the store's own format, apart from the types of calls.
//!
//! Strings are borrowed from the journal where a record is only passing through, and owned where
//! it comes back from SQLite ([`StoredCall`]). Enter through [`CallRow`].

mod attempt;
mod direction;
mod transfer;

pub use attempt::AttemptRow;
pub use direction::DirectionRow;
pub use transfer::TransferRow;

use crate::moment::Moment;
use b2bua::CallKey;
use base::ReasonId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the shape below, in every JSON line; fields may be added within a version.
pub const FORMAT: u16 = 1;

/// A record that owns its text, as queries give it.
pub type StoredCall = CallRow<'static>;

/// One call: the CDR.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct CallRow<'a> {
    /// [`FORMAT`].
    pub format: u16,
    /// Counts records of this node in the order in which they were stored, from 1.
    pub id: i64,
    /// The call, over restarts and nodes: 32 hex digits.
    #[serde(with = "as_text")]
    pub call: CallKey,
    /// The node that carried it.
    pub node: Cow<'a, str>,
    /// The configuration revision that it was routed with.
    pub revision: u64,
    /// Names the session over all nodes that it crosses (RFC 7989): 32 hex digits.
    #[serde(default)]
    pub trace_id: Cow<'a, str>,
    /// The trunk it came in on.
    pub trunk_in: Cow<'a, str>,
    /// That trunk's site; empty when it has none.
    #[serde(default)]
    pub site_in: Cow<'a, str>,
    /// The trunk of the last attempt; empty when none was made.
    pub trunk_out: Cow<'a, str>,
    /// That trunk's site; empty when it has none.
    #[serde(default)]
    pub site_out: Cow<'a, str>,
    /// The peer's address and port.
    pub source: Cow<'a, str>,
    /// Call-ID of the caller's leg.
    pub sip_call_id: Cow<'a, str>,
    /// The route; empty when none was found.
    pub route: Cow<'a, str>,
    /// The caller's number as received.
    pub caller_received: Cow<'a, str>,
    /// The called number as received.
    pub called_received: Cow<'a, str>,
    /// The caller's number, normalised.
    pub caller: Cow<'a, str>,
    /// The called number, normalised.
    pub called: Cow<'a, str>,
    /// P-Asserted-Identity as received, else empty.
    pub asserted_received: Cow<'a, str>,
    /// P-Preferred-Identity as received, else empty.
    #[serde(default)]
    pub preferred_received: Cow<'a, str>,
    /// Diversion as received, else empty.
    pub diversion_received: Cow<'a, str>,
    /// INVITE accepted.
    pub start: Moment,
    /// First provisional response other than 100 to the caller.
    pub progress: Option<Moment>,
    /// First provisional response with media to the caller.
    pub early_media: Option<Moment>,
    /// Answered.
    pub answer: Option<Moment>,
    /// Over.
    pub end: Moment,
    /// `end` is not the true one: the process ended during the call and this is the last moment
    /// at which it is known to have lived.
    pub end_estimated: bool,
    /// INVITE to the first progress or answer, milliseconds.
    pub post_dial_delay_ms: Option<u64>,
    /// Answer to end, milliseconds; 0 when not answered.
    pub duration_ms: u64,
    /// Final response sent to the caller (200 when answered); 0 when none was sent.
    pub status: u16,
    /// Q.850 cause with which the call ended.
    pub q850: u8,
    /// Stable reason id (`P-BUSY`).
    pub reason: Cow<'a, str>,
    /// Who has to act: `peer`, `us`, `caller`, `callee`, `operator`.
    pub blame: Cow<'a, str>,
    /// `caller`, `callee`, `tronco` or `operator`.
    pub released_by: Cow<'a, str>,
    /// How the route was found and what was skipped.
    pub decision: Cow<'a, str>,
    /// The recorder and how the recording went (`rec: ok`); empty where nobody recorded.
    #[serde(default)]
    pub recording: Cow<'a, str>,
    /// Media, when it was anchored here.
    pub media: Option<MediaRow<'a>>,
    /// Attempts in order; those of transfers are among them.
    pub attempts: Vec<AttemptRow<'a>>,
    /// Transfers in order.
    #[serde(default)]
    pub transfers: Vec<TransferRow<'a>>,
}

/// What the media of a call looked like, by direction.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct MediaRow<'a> {
    /// Codec agreed for the first audio stream.
    pub codec: Cow<'a, str>,
    /// From opening to closing of the media session, milliseconds.
    pub duration_ms: u64,
    /// What the caller's side sent.
    pub from_caller: DirectionRow<'a>,
    /// What the called side sent.
    pub from_callee: DirectionRow<'a>,
}

impl<'a> CallRow<'a> {
    /// Fills the fields that follow from others: delay, duration and blame.
    pub(crate) fn derive(&mut self) {
        self.post_dial_delay_ms = self.progress.or(self.answer).map(|first| first.millis_since(self.start));
        self.duration_ms = self.answer.map_or(0, |answer| self.end.millis_since(answer));
        self.blame = Cow::Borrowed(ReasonId::from_id(&self.reason).map_or("", |r| r.blame().as_str()));
    }

    /// Takes the trunk out and its site from the attempt that carried the call, else the last.
    pub(crate) fn follow_last_attempt(&mut self) {
        let found = self.last_attempt().map(|last| (last.trunk.clone(), last.site.clone()));
        if let Some(found) = found {
            (self.trunk_out, self.site_out) = found;
        }
    }

    /// The attempt that carried the call, or the last that was tried.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&AttemptRow<'a>> {
        self.attempts.iter().find(|attempt| attempt.answer.is_some()).or(self.attempts.last())
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(mut self) -> StoredCall {
        let (attempts, transfers) = (std::mem::take(&mut self.attempts), std::mem::take(&mut self.transfers));
        CallRow {
            attempts: attempts.into_iter().map(AttemptRow::into_owned).collect(),
            transfers: transfers.into_iter().map(TransferRow::into_owned).collect(),
            media: self.media.take().map(MediaRow::into_owned),
            ..self.own_texts()
        }
    }

    /// All but the lists and the media.
    fn own_texts(self) -> StoredCall {
        CallRow {
            format: self.format,
            id: self.id,
            call: self.call,
            node: own(self.node),
            revision: self.revision,
            trace_id: own(self.trace_id),
            trunk_in: own(self.trunk_in),
            site_in: own(self.site_in),
            trunk_out: own(self.trunk_out),
            site_out: own(self.site_out),
            source: own(self.source),
            sip_call_id: own(self.sip_call_id),
            route: own(self.route),
            caller_received: own(self.caller_received),
            called_received: own(self.called_received),
            caller: own(self.caller),
            called: own(self.called),
            asserted_received: own(self.asserted_received),
            preferred_received: own(self.preferred_received),
            diversion_received: own(self.diversion_received),
            start: self.start,
            progress: self.progress,
            early_media: self.early_media,
            answer: self.answer,
            end: self.end,
            end_estimated: self.end_estimated,
            post_dial_delay_ms: self.post_dial_delay_ms,
            duration_ms: self.duration_ms,
            status: self.status,
            q850: self.q850,
            reason: own(self.reason),
            blame: own(self.blame),
            released_by: own(self.released_by),
            decision: own(self.decision),
            recording: own(self.recording),
            ..CallRow::default()
        }
    }
}

impl MediaRow<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> MediaRow<'static> {
        MediaRow {
            codec: own(self.codec),
            duration_ms: self.duration_ms,
            from_caller: self.from_caller.into_owned(),
            from_callee: self.from_callee.into_owned(),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

mod as_text {
    use b2bua::CallKey;
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(key: &CallKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CallKey, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Numbers kept as whole parts and shown as decimals of a larger unit.
macro_rules! decimal {
    ($name:ident, $kind:ty, $per_unit:literal) => {
        mod $name {
            use serde::{Deserialize, Deserializer, Serializer};

            #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
            pub(super) fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                super::Decimal::serialize(*value, $per_unit, serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                Ok(super::Decimal::from_shown(Deserialize::deserialize(deserializer)?, $per_unit))
            }
        }
    };
}

decimal!(as_millis, u32, 1_000.0);
decimal!(as_millis_option, Option<u32>, 1_000.0);
decimal!(as_hundredths, Option<u16>, 100.0);

/// A number that is shown as `value / per_unit`.
trait Decimal: Sized {
    fn serialize<S: serde::Serializer>(self, per_unit: f64, serializer: S) -> Result<S::Ok, S::Error>;
    fn from_shown(shown: Option<f64>, per_unit: f64) -> Self;
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates here")]
impl Decimal for u32 {
    fn serialize<S: serde::Serializer>(self, per_unit: f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self) / per_unit)
    }
    fn from_shown(shown: Option<f64>, per_unit: f64) -> u32 {
        (shown.unwrap_or(0.0) * per_unit).round() as u32
    }
}

impl Decimal for Option<u32> {
    fn serialize<S: serde::Serializer>(self, per_unit: f64, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => Decimal::serialize(value, per_unit, serializer),
            None => serializer.serialize_none(),
        }
    }
    fn from_shown(shown: Option<f64>, per_unit: f64) -> Option<u32> {
        shown.map(|_| u32::from_shown(shown, per_unit))
    }
}

impl Decimal for Option<u16> {
    fn serialize<S: serde::Serializer>(self, per_unit: f64, serializer: S) -> Result<S::Ok, S::Error> {
        Decimal::serialize(self.map(u32::from), per_unit, serializer)
    }
    fn from_shown(shown: Option<f64>, per_unit: f64) -> Option<u16> {
        shown.map(|_| u16::try_from(u32::from_shown(shown, per_unit)).unwrap_or(u16::MAX))
    }
}
