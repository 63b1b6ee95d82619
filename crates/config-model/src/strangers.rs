//! Trunks whose rules for media leave nothing that a call between them could use.

use super::codecs::{Codecs, Transcode};
use super::policy::MediaMode;
use super::srtp::{SrtpKeys, SrtpMode, SrtpPolicy};
use super::trunk::{Kind, Trunk};
use base::TrunkId;

/// Codecs that are turned into each other.
const TRANSCODED: [&str; 4] = ["PCMU", "PCMA", "G722", "opus"];

/// What is wrong, and what would be right.
type Fault = (String, &'static str);

/// Two trunks between which no call could have media.
pub struct Strangers {
    /// Their names, in order.
    pub pair: [String; 2],
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: &'static str,
}

/// Trunks that calls are led to although none could have media there: from one of these trunks, or, where none is named,
/// from any. `bypassed`: media go between the peers wherever both trunks let them.
pub fn strangers(
    from: &[TrunkId],
    to: impl Iterator<Item = TrunkId>,
    trunks: &[Option<Trunk>],
    bypassed: bool,
) -> Vec<Strangers> {
    let all = || trunks.iter().flatten().filter(|trunk| trunk.kind != Kind::Recorder);
    let find = |at: usize| trunks.get(at).and_then(Option::as_ref);
    let froms: Vec<&Trunk> = match from.is_empty() {
        true => all().collect(),
        false => from.iter().filter_map(|id| find(id.index())).collect(),
    };
    let mut faults = Vec::new();
    for to in to.filter_map(|id| find(id.index())) {
        let mut others = froms.iter().filter(|from| from.name != to.name).map(|from| {
            let (message, expected) = apart(from, to, bypassed)?;
            let mut pair = [from.name.clone(), to.name.clone()];
            pair.sort_unstable();
            Some(Strangers { pair, message, expected })
        });
        let fault = match from.is_empty() {
            // Who is not named may not be meant, so one that can is enough.
            true => others.next().flatten().filter(|_| others.all(|fault| fault.is_some())),
            false => others.flatten().next(),
        };
        faults.extend(fault);
    }
    faults
}

/// Why no call between two trunks can have media.
fn apart(from: &Trunk, to: &Trunk, bypassed: bool) -> Option<Fault> {
    let direct = [from, to].map(|trunk| trunk.policy.media) == [MediaMode::Direct; 2];
    let between = format!("between `{}` and `{}`", from.name, to.name);
    if direct && bypassed {
        let what = unsecured(&from.policy.srtp, &to.policy.srtp)?;
        let message = format!(
            "no call {between} can be expected to have media: both are `media = \"direct\"`, and {what}"
        );
        return Some((message, "`srtp`, `srtp_keys` and `srtp_suites` that agree, or `media = \"anchor\"`"));
    }
    if direct || is_heard(&from.policy.codecs, &to.policy.codecs) {
        return None;
    }
    let message = format!(
        "no call {between} can have sound: their `codecs` have none in common, and none is transcoded"
    );
    Some((message, "a codec that both have, or those that are transcoded and `transcode = \"needed\"`"))
}

/// Why peers that key their media themselves could not, by rules of both trunks.
fn unsecured(one: &SrtpPolicy, other: &SrtpPolicy) -> Option<&'static str> {
    let shared = |keys| one.keys.contains(&keys) && other.keys.contains(&keys);
    match [one.mode, other.mode] {
        [SrtpMode::Required, SrtpMode::Off] | [SrtpMode::Off, SrtpMode::Required] => {
            Some("one requires SRTP that the other refuses")
        }
        [SrtpMode::Required, SrtpMode::Required | SrtpMode::Optional]
        | [SrtpMode::Optional, SrtpMode::Required]
            if !shared(SrtpKeys::Dtls) =>
        {
            if !shared(SrtpKeys::Sdes) {
                return Some("their `srtp_keys` have no way in common");
            }
            let none = !one.suites.iter().any(|suite| other.suites.contains(suite));
            none.then_some("their `srtp_suites` have none in common")
        }
        _ => None,
    }
}

/// Whether two lists have a codec in common, or may be brought together.
fn is_heard(one: &Codecs, other: &Codecs) -> bool {
    let needed = [one, other].iter().all(|codecs| codecs.transcode == Transcode::Needed);
    let can = |codecs: &Codecs| codecs.allowed.iter().any(|name| TRANSCODED.contains(&name.as_str()));
    one.allowed.is_empty()
        || other.allowed.is_empty()
        || one.allowed.iter().any(|name| other.allowed.contains(name))
        || needed && can(one) && can(other)
}
