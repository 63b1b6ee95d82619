//! Whether a call went as it should: every check by name, and what it found instead.
//!
//! What the two ends saw and what the server wrote down are held against the script. Enter through
//! [`judge`].

use super::board::{Board, Ends, Facts};
use super::ground::Ground;
use super::heard::{Heard, Sound};
use super::script::{Kind, PACKETS, Role, Script, TONE_DBM0, Way};
use serde::Serialize;
use std::net::IpAddr;
use store::StoredCall;

/// How far a level may be off, dB; G.711 itself costs less than a tenth of it.
const LEVEL_TOLERANCE_DB: f64 = 1.0;

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) check: &'static str,
    pub(super) passed: bool,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// A call and what is to be said of it.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) script: &'a Script,
    pub(super) ends: Ends,
    /// Records of this call: one, if all is well.
    pub(super) records: Vec<StoredCall>,
    pub(super) checks: Vec<Check>,
}

/// What went one way through a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream<'a> {
    pub(super) sent: u32,
    /// As heard at the far end.
    pub(super) heard: &'a Heard,
    /// The tone sent, Hz.
    pub(super) tone: f64,
    /// The server's estimate.
    pub(super) mos: Option<f64>,
}

impl Case<'_> {
    /// Whether every check passed.
    pub(super) fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    /// The record, when there is one.
    pub(super) fn record(&self) -> Option<&StoredCall> {
        self.records.first()
    }

    /// What the `from` end sent, when the other end heard anything of it.
    pub(super) fn stream(&self, from: Role) -> Option<Stream<'_>> {
        let (caller, callee) = (self.ends.caller.as_ref()?, self.ends.callee.as_ref()?);
        let media = self.record().and_then(|record| record.media.as_ref());
        let (near, far, tone, row) = match from {
            Role::Caller => (caller, callee, self.script.caller_tone, media.map(|m| &m.from_caller)),
            Role::Callee => (callee, caller, self.script.callee_tone, media.map(|m| &m.from_callee)),
        };
        let mos = row.and_then(|row| row.mos_avg).map(|mos| f64::from(mos) / 100.0);
        Some(Stream { sent: near.heard.as_ref()?.sent, heard: far.heard.as_ref()?, tone, mos })
    }
}

type Finding = Result<(), String>;

/// What a check looks at.
struct Look<'a> {
    case: &'a Case<'a>,
    caller: &'a Facts,
    callee: Option<&'a Facts>,
    board: &'a Board,
    ground: &'a Ground,
}

type Checker = fn(&Look<'_>) -> Finding;

/// The checks of every call, of calls that got through, of those that are answered, and of the call that
/// meets a dead gateway.
const ALWAYS: [(&str, Checker); 3] = [("messages", messages), ("status", status), ("record", record)];
const GOT_THROUGH: [(&str, Checker); 2] = [("numbers", numbers), ("topology hidden", hidden)];
const ANSWERED: [(&str, Checker); 4] = [
    ("ringing", ringing),
    ("audio there", |look| audio(look, Role::Caller)),
    ("audio back", |look| audio(look, Role::Callee)),
    ("media record", media),
];
const FAILED_OVER: [(&str, Checker); 1] = [("failover", failover)];

/// Judges one call by what was seen and the records that name it.
pub(super) fn judge<'a>(
    script: &'a Script,
    board: &Board,
    records: &[StoredCall],
    ground: &Ground,
) -> Case<'a> {
    let ends = board.ends(script.number - 1);
    let call_id = ends.caller.as_ref().map_or("", |facts| facts.call_id.as_str());
    let records = records.iter().filter(|record| record.sip_call_id == call_id).cloned().collect();
    let mut case = Case { script, ends, records, checks: Vec::new() };
    case.checks = match &case.ends.caller {
        None => vec![verdict("placed", Err("it was never placed".into()))],
        Some(caller) => {
            let look = Look { case: &case, caller, callee: case.ends.callee.as_ref(), board, ground };
            checks(script, look.callee.is_some()).map(|(name, check)| verdict(name, check(&look))).collect()
        }
    };
    case
}

/// The checks of a call; of one that did not get through only those that have something to look at.
fn checks(script: &Script, got_through: bool) -> impl Iterator<Item = &'static (&'static str, Checker)> {
    let through = |checks: &'static [_], when: bool| if when { checks } else { &[] };
    let answered = through(&ANSWERED, got_through && script.kind != Kind::Busy);
    let failed_over = through(&FAILED_OVER, script.kind == Kind::Failover);
    ALWAYS.iter().chain(through(&GOT_THROUGH, got_through)).chain(answered).chain(failed_over)
}

fn verdict(check: &'static str, finding: Finding) -> Check {
    Check { check, passed: finding.is_ok(), why: finding.err() }
}

fn expect(ok: bool, why: impl FnOnce() -> String) -> Finding {
    if ok { Ok(()) } else { Err(why()) }
}

fn same(what: &str, found: &str, expected: &str) -> Finding {
    expect(found == expected, || format!("{what} is `{found}`, expected `{expected}`"))
}

/// Both ends said and got what belongs to a call, from INVITE to the answer of BYE.
fn messages(look: &Look<'_>) -> Finding {
    for (end, facts) in [("caller", Some(look.caller)), ("callee", look.callee)] {
        if let Some(trouble) = facts.and_then(|facts| facts.trouble.as_ref()) {
            return Err(format!("at the {end}: {trouble}"));
        }
    }
    let status = look.caller.status;
    expect(look.callee.is_some(), || format!("the call did not reach the other end; the caller got {status}"))
}

fn status(look: &Look<'_>) -> Finding {
    let (found, expected) = (look.caller.status, look.case.script.status());
    expect(found == expected, || format!("the caller got {found}, expected {expected}"))
}

fn numbers(look: &Look<'_>) -> Finding {
    let callee = look.callee.ok_or("the call did not reach the other end")?;
    same("the called number at the far end", &callee.called, &look.case.script.called_shown)?;
    same("the caller's number at the far end", &callee.caller, &look.case.script.caller_shown)
}

/// Neither end learns an address of the other: not in any message, not for its audio.
fn hidden(look: &Look<'_>) -> Finding {
    let (inside, outside) = (look.ground.inside().ip(), look.ground.outside().ip());
    let (near, far) = if look.case.script.way == Way::Out { (inside, outside) } else { (outside, inside) };
    let ends = [("caller", Some(look.caller), near), ("callee", look.callee, far)];
    for (end, facts, server) in ends {
        let Some(facts) = facts else { continue };
        if let Some(leak) = &facts.leak {
            return Err(format!("the {end} was told {leak}, which is of the other side"));
        }
        let foreign = facts.media.map(|media| media.ip()).filter(|ip: &IpAddr| *ip != server);
        if let Some(ip) = foreign {
            return Err(format!("the {end} was told to send audio to {ip}, expected {server}"));
        }
    }
    Ok(())
}

fn ringing(look: &Look<'_>) -> Finding {
    expect(look.caller.ringing.is_some(), || "the caller got no 180".into())
}

fn audio(look: &Look<'_>, from: Role) -> Finding {
    let stream = look.case.stream(from).ok_or("none was heard")?;
    let Stream { sent, heard, tone, .. } = stream;
    expect(sent == PACKETS, || format!("{sent} of {PACKETS} packets were sent"))?;
    expect(heard.received == sent && heard.gaps == 0, || {
        format!("{} of {sent} packets arrived", heard.received)
    })?;
    expect(heard.repeated + heard.strange == 0, || {
        format!("{} packets came twice and {} were strange", heard.repeated, heard.strange)
    })?;
    let Sound { hertz, dbm0, softest_dbm0, total_dbm0 } = heard.sound.ok_or("too short to be heard")?;
    expect(hertz == tone, || format!("{hertz:.0} Hz was heard, {tone:.0} Hz was sent"))?;
    let off =
        [dbm0, softest_dbm0, total_dbm0].into_iter().find(|l| (l - TONE_DBM0).abs() > LEVEL_TOLERANCE_DB);
    match off {
        Some(level) => Err(format!("a level of {level:.1} dBm0 was heard, {TONE_DBM0:.1} was sent")),
        None => Ok(()),
    }
}

/// Exactly one record, and it tells the call as it was.
fn record(look: &Look<'_>) -> Finding {
    let script = look.case.script;
    let [record] = look.case.records.as_slice() else {
        return Err(format!("{} records of it, expected 1", look.case.records.len()));
    };
    // The normal form is what the provider's side speaks.
    let (caller, called) = match script.way {
        Way::Out => (&script.caller_shown, &script.called_shown),
        Way::In => (&script.caller, &script.called),
    };
    same("its caller", &record.caller, caller)?;
    same("its called number", &record.called, called)?;
    same("its number as dialled", &record.called_received, &script.called)?;
    same("its trunk in", &record.trunk_in, script.trunk_in())?;
    same("its trunk out", &record.trunk_out, script.trunk_out())?;
    if !script.route.is_empty() {
        same("its route", &record.route, script.route)?;
    }
    same("its status", &record.status.to_string(), &script.status().to_string())?;
    let reason = match (script.kind, script.hangs_up) {
        (Kind::Busy, _) => "P-BUSY",
        (_, Role::Caller) => "P-HANGUP-A",
        (_, Role::Callee) => "P-HANGUP-B",
    };
    same("its reason", &record.reason, reason)?;
    let attempts = if script.kind == Kind::Failover { 2 } else { 1 };
    expect(record.attempts.len() == attempts, || {
        format!("it has {} attempts, expected {attempts}", record.attempts.len())
    })
}

/// The server counted what the ends sent, and rated it.
fn media(look: &Look<'_>) -> Finding {
    let media = look.case.record().and_then(|record| record.media.as_ref());
    let media = media.ok_or("the record holds no media")?;
    for (end, row) in [("caller", &media.from_caller), ("callee", &media.from_callee)] {
        let packets = row.packets;
        expect(packets == u64::from(PACKETS) && row.lost == 0, || {
            format!("{packets} packets from the {end} and {} lost, expected {PACKETS} and 0", row.lost)
        })?;
        expect(row.mos_avg.is_some_and(|mos| mos > 0), || format!("no MOS of the {end}'s audio"))?;
    }
    Ok(())
}

/// The dead gateway was asked first, and given up for its silence.
fn failover(look: &Look<'_>) -> Finding {
    let knocks = look.board.knocks(&look.case.script.called_shown);
    expect(!knocks.is_empty(), || "the dead gateway was never tried".into())?;
    let first = look.case.record().and_then(|record| record.attempts.first());
    let first = first.ok_or("the record holds no attempt")?;
    same("the first attempt's trunk", &first.trunk, "budget")?;
    same("the first attempt's reason", &first.reason, "S-FAILOVER-SILENT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::scripts;
    use std::path::Path;
    use std::time::Instant;

    fn ground() -> Ground {
        Ground::candidates(Path::new("/tmp/x")).next().unwrap()
    }

    fn heard(tone: f64) -> Heard {
        let sound = Sound { hertz: tone, dbm0: -10.0, softest_dbm0: -10.1, total_dbm0: -10.0 };
        let mut heard = Heard::default();
        (heard.sent, heard.received, heard.sound) = (PACKETS, PACKETS, Some(sound));
        heard
    }

    /// Both ends and the record of the first script's call, as they should be.
    fn good(script: &Script) -> (Facts, Facts, serde_json::Value) {
        let caller = Facts {
            call_id: "c".into(),
            ringing: Some(Instant::now()),
            status: 200,
            media: Some(ground().inside()),
            heard: Some(heard(script.callee_tone)),
            ..Facts::default()
        };
        let callee = Facts {
            caller: script.caller_shown.clone(),
            called: script.called_shown.clone(),
            media: Some(ground().outside()),
            heard: Some(heard(script.caller_tone)),
            ..caller.clone()
        };
        (caller, callee, good_record(script))
    }

    fn good_record(script: &Script) -> serde_json::Value {
        let way = serde_json::json!({
            "packets": PACKETS, "expected": PACKETS, "lost": 0, "dropped": 0, "jitter_ms": 0.1,
            "jitter_max_ms": 0.1, "mos_min": 4.4, "mos_avg": 4.4, "one_way": false, "silence_max_ms": 20, "source": ""
        });
        let mut attempt = serde_json::json!({
            "number": 1, "tier": 0, "trunk": "itsp", "start": "2026-03-01T12:30:00Z", "status": 200,
        });
        let mut record = serde_json::json!({
            "format": 1, "id": 1, "call": "0".repeat(32), "revision": 1, "trunk_in": "pbx", "trunk_out": "itsp",
            "sip_call_id": "c", "route": "world", "start": "2026-03-01T12:30:00Z", "end": "2026-03-01T12:30:02Z",
            "end_estimated": false, "duration_ms": 2000, "status": 200, "q850": 16, "reason": "P-HANGUP-A",
        });
        for key in ["gateway", "target", "transport", "sip_call_id", "caller_sent", "called_sent", "reason"] {
            attempt[key] = "".into();
        }
        for key in
            ["node", "source", "asserted_received", "diversion_received", "blame", "released_by", "decision"]
        {
            record[key] = "".into();
        }
        for (key, number) in [("caller", &script.caller_shown), ("called", &script.called_shown)] {
            record[key] = number.as_str().into();
        }
        for (key, number) in [("caller_received", &script.caller), ("called_received", &script.called)] {
            record[key] = number.as_str().into();
        }
        record["attempts"] = vec![attempt].into();
        record["media"] = serde_json::json!({
            "codec": "PCMA", "duration_ms": 2000, "from_caller": way, "from_callee": way
        });
        record
    }

    /// The checks that fail when this is changed.
    fn failed(change: impl FnOnce(&mut Facts, &mut Facts, &mut serde_json::Value)) -> Vec<&'static str> {
        let scripts = scripts(4);
        let script = scripts.first().unwrap();
        let (mut caller, mut callee, mut record) = good(script);
        change(&mut caller, &mut callee, &mut record);
        let board = Board::new(scripts.len());
        board.over(0, Role::Caller, caller);
        board.over(0, Role::Callee, callee);
        let record: StoredCall = serde_json::from_value(record).unwrap();
        let case = judge(script, &board, &[record], &ground());
        case.checks.iter().filter(|check| !check.passed).map(|check| check.check).collect()
    }

    fn sound(facts: &mut Facts) -> &mut Sound {
        facts.heard.as_mut().unwrap().sound.as_mut().unwrap()
    }

    #[test]
    fn a_good_call_passes_and_each_fault_fails_its_own_check() {
        assert_eq!(failed(|_, _, _| {}), [""; 0]);
        assert_eq!(failed(|caller, _, _| caller.trouble = Some("no ACK".into())), ["messages"]);
        assert_eq!(failed(|caller, _, _| caller.status = 202), ["status"]);
        assert_eq!(failed(|_, callee, _| callee.called = "0044".into()), ["numbers"]);
        assert_eq!(failed(|_, callee, _| callee.leak = Some("127.60.1.10".into())), ["topology hidden"]);
        assert_eq!(failed(|caller, _, _| caller.media = Some(ground().itsp())), ["topology hidden"]);
        assert_eq!(failed(|caller, _, _| caller.ringing = None), ["ringing"]);
        assert_eq!(failed(|_, callee, _| callee.heard.as_mut().unwrap().received -= 1), ["audio there"]);
        assert_eq!(failed(|_, callee, _| sound(callee).hertz = 955.0), ["audio there"]);
        assert_eq!(failed(|caller, _, _| sound(caller).softest_dbm0 = -12.0), ["audio back"]);
        assert_eq!(failed(|_, _, record| record["route"] = "france".into()), ["record"]);
        assert_eq!(failed(|_, _, record| record["reason"] = "M-TIMEOUT".into()), ["record"]);
        let lost = failed(|_, _, record| record["media"]["from_caller"]["packets"] = 99.into());
        assert_eq!(lost, ["media record"]);
    }

    #[test]
    fn a_call_without_record_or_never_placed_fails() {
        assert_eq!(failed(|caller, _, _| caller.call_id = "other".into()), ["record", "media record"]);
        let scripts = scripts(4);
        let case = judge(scripts.first().unwrap(), &Board::new(4), &[], &ground());
        assert!(!case.passed());
    }

    #[test]
    fn a_dead_gateway_must_have_been_tried() {
        let scripts = scripts(4);
        let script = scripts.get(3).unwrap();
        let board = Board::new(4);
        board.over(3, Role::Caller, Facts { status: 504, ..Facts::default() });
        let case = judge(script, &board, &[], &ground());
        assert!(case.checks.iter().any(|check| check.check == "failover" && !check.passed));
    }
}
