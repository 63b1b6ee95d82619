//! Packet times that nobody uses, and rules of codecs where no media are anchored.

use super::value_at;
use crate::build::Draft;
use crate::model::{EarlyOffer, Ice, Policy, RtcpXr, SrtpKeys, Transcode};
use crate::report::{Finding, Report};
use crate::text::{Entry, Table, Value};

/// What says nothing where the peers have their media between them.
const OF_MEDIA: &str = "codecs codecs_locked ptime payload_types dtls_setup dtls_answer dtmf latch gain \
                        rtp_keepalive media_timeout";

/// What packets are made anew for, which a trunk may forbid.
const MADE_ANEW: [(&str, &str); 2] = [
    ("gain", "sound stays as loud as it comes"),
    ("ptime", "packets of another length, whatever peers are asked for, stay as long as they come"),
];

pub(super) fn judge(root: &Table, draft: &Draft, report: &mut Report<'_>) {
    for (entry, trunk) in root.entries_of("trunk").iter().zip(&draft.trunks) {
        let Some(table) = entry.value.table().and_then(|trunk| trunk.table("override")) else { continue };
        let path = |key: &str| format!("trunk.{}.override.{key}", entry.key);
        let written = table.value("ptime").and_then(|value| value.integer());
        if let Some(ptime) = written.filter(|ptime| (10..=60).contains(ptime) && ptime % 10 != 0) {
            let at = value_at(table, "ptime", entry.key_span.start);
            let message = format!("`ptime` is {ptime}");
            let finding = Finding::new(at, path("ptime"), "out-of-range", message);
            report.error(finding.expected("10, 20, 30, 40, 50 or 60"));
        }
        if let Some(trunk) = trunk {
            offered(&trunk.policy, table.value("offer_codecs").is_some(), |message, expected| {
                let at = value_at(table, "offer_codecs", value_at(table, "codecs", entry.key_span.start));
                let finding = Finding::new(at, path("offer_codecs"), "conflict", message);
                report.warning(finding.expected(expected));
            });
        }
        let direct = trunk.as_ref().and_then(super::bypass::goes).is_some();
        for key in OF_MEDIA.split(' ') {
            let asks = |value: &Value| !matches!(value.text(), Some("auto" | "off"));
            if direct && table.value(key).is_some_and(asks) {
                let at = value_at(table, key, entry.key_span.start);
                let message = format!("`{key}` says nothing between trunks whose `media` is `direct`");
                let finding = Finding::new(at, path(key), "no-effect", message);
                report.warning(finding.expected("`media = \"anchor\"`"));
            }
        }
        if let Some(trunk) = trunk.as_ref().filter(|_| !direct) {
            made_anew(&trunk.policy, (entry, table), report);
        }
        if let Some(trunk) = trunk.as_ref().filter(|_| direct) {
            between_peers(&trunk.policy, |key, message| {
                let at = value_at(table, key, entry.key_span.start);
                let finding = Finding::new(at, path(key), "no-effect", message);
                report.warning(finding.expected("`media = \"anchor\"`"));
            });
        }
    }
}

/// What is asked of packets that nothing may change.
fn made_anew(policy: &Policy, (trunk, table): (&Entry, &Table), report: &mut Report<'_>) {
    let never = policy.codecs.transcode == Transcode::Never;
    for (key, what) in MADE_ANEW.into_iter().filter(|_| never) {
        if table.value(key).is_some_and(|value| value.integer() != Some(0)) {
            let at = value_at(table, key, trunk.key_span.start);
            let message = format!("`{key}` and `transcode = \"never\"`: {what}");
            let finding =
                Finding::new(at, format!("trunk.{}.override.{key}", trunk.key), "no-effect", message);
            report.warning(finding.expected(format!("`transcode = \"needed\"`, or no `{key}`")));
        }
    }
}

/// Whoever takes an offer of ours answers with a codec of it, which must be one that the trunk may use.
fn offered(policy: &Policy, is_written: bool, mut warn: impl FnMut(String, &str)) {
    let allowed = &policy.codecs.allowed;
    let is_sound = |codec: &&String| *codec != "telephone-event";
    let mut sound = policy.offer_codecs.iter().filter(is_sound);
    let is_taken = |codec: &String| allowed.is_empty() || allowed.contains(codec);
    if policy.early_offer == EarlyOffer::Make && !sound.clone().any(is_taken) {
        let message = "none of `offer_codecs` is among the trunk's `codecs`: no call that comes without an offer can \
                       have sound";
        warn(message.to_owned(), "one of `codecs` in `offer_codecs`");
    } else if let Some(other) = sound.find(|codec| is_written && !is_taken(codec)) {
        warn(
            format!("`offer_codecs` with `{other}`, which is not among the trunk's `codecs`"),
            "`codecs` with it",
        );
    }
}

/// What a trunk says of media that nobody but this node could do: between the peers they answer for themselves.
fn between_peers(policy: &Policy, mut warn: impl FnMut(&str, String)) {
    if policy.ice == Ice::Lite {
        let message = "`ice = \"lite\"` says nothing between trunks whose `media` is `direct`: the peers make their own checks";
        warn("ice", message.to_owned());
    }
    if policy.rtcp.extended == RtcpXr::Make {
        let message = "`rtcp_xr = \"make\"` says nothing between trunks whose `media` is `direct`: reports are the peers'";
        warn("rtcp_xr", message.to_owned());
    }
    if policy.srtp.keys.contains(&SrtpKeys::Dtls) {
        let message = "`srtp_keys` with `dtls` between trunks whose `media` is `direct`: no handshake is made by this node, \
                       and descriptions alone are judged";
        warn("srtp_keys", message.to_owned());
    }
}
