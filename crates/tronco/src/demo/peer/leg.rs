//! One end of one call: what has been said, what is to be said next, and when.
//!
//! The rules are those of RFC 3261 as far as a peer on loopback meets them: retransmission until an
//! answer (§17.1.1.2, §13.3.1.4), ACK of every final response (§13.2.2.4, §17.1.1.3), CANCEL (§9.2).
//! Calls are placed in [`super::calling`] and taken in [`super::called`].

use super::audio::{FRAME_TIME, Line, Progress, Speech, talk};
use super::message::{Message, response, tail};
use super::wire::Wire;
use crate::demo::board::Facts;
use crate::demo::heard::Heard;
use crate::demo::script::{ANSWER_AFTER, PACKETS, Role, Script};
use codec::Law;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// First retransmission (RFC 3261 §17.1.1.1).
const T1: Duration = Duration::from_millis(500);
/// Longest gap between retransmissions.
const T2: Duration = Duration::from_secs(4);
/// Longest wait for a final response to INVITE.
pub(super) const FINAL_WITHIN: Duration = Duration::from_secs(10);
/// Longest wait for an ACK or for the answer to BYE.
pub(super) const REPLY_WITHIN: Duration = Duration::from_secs(4);
/// Longest wait for missing packets, before hanging up without them.
const GRACE: Duration = Duration::from_millis(1_500);
/// Beyond the audio's length, the other end's BYE is waited for this long.
const BYE_WITHIN: Duration = Duration::from_secs(6);
/// An unscripted call's packets: one minute.
const PACKETS_OPEN: u32 = 3_000;
/// What an unscripted caller hears, Hz.
const TONE_OPEN: f64 = 440.0;

/// Where a leg stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// INVITE sent.
    Inviting,
    /// 180 sent, the answer follows.
    Alerting(Instant),
    /// A final response was sent; true for a refusal.
    AwaitingAck(bool),
    /// Audio flows.
    Talking,
    /// All is said; missing packets may come until then.
    Lingering(Instant),
    /// BYE sent.
    Closing,
    /// All is said but the audio's thread has not ended.
    Ending,
    /// Nothing more to do; since when.
    Over(Instant),
}

/// What this end does.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) role: Role,
    /// The call, from 0; none for a visitor's.
    pub(super) script: Option<usize>,
    pub(super) law: Law,
    tone: f64,
    packets: u32,
    hangs_up: bool,
    pub(super) busy: bool,
    pub(super) answer_after: Duration,
}

impl Part {
    /// One end of a scripted call.
    pub(super) fn scripted(script: &Script, role: Role) -> Part {
        let tone = if role == Role::Caller { script.caller_tone } else { script.callee_tone };
        Part {
            role,
            script: Some(script.number - 1),
            law: script.law,
            tone,
            packets: PACKETS,
            hangs_up: script.hangs_up == role,
            busy: script.status() == 486,
            answer_after: ANSWER_AFTER,
        }
    }

    /// The called end of a visitor's call.
    pub(super) fn open(law: Law) -> Part {
        Part {
            role: Role::Callee,
            script: None,
            law,
            tone: TONE_OPEN,
            packets: PACKETS_OPEN,
            hangs_up: true,
            busy: false,
            answer_after: Duration::from_secs(1),
        }
    }
}

/// A message that is sent again until it is answered.
#[derive(Debug)]
pub(super) struct Repeat {
    text: String,
    at: Instant,
    gap: Duration,
}

/// How far the audio of both ends of a call is.
#[derive(Clone, Debug, Default)]
pub(super) struct Talks {
    pub(super) own: Arc<Progress>,
    pub(super) other: Arc<Progress>,
}

/// One end of one call.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) part: Part,
    /// The values of our and the other's header within the dialog, tags included.
    pub(super) local: String,
    pub(super) remote: String,
    /// The other's Contact.
    pub(super) target: String,
    pub(super) tag: String,
    pub(super) sequence: u32,
    /// The INVITE that began it.
    pub(super) invite: Message,
    pub(super) stage: Stage,
    /// When patience ends.
    pub(super) until: Instant,
    pub(super) repeat: Option<Repeat>,
    /// What answers a repeated INVITE or final response.
    pub(super) last: String,
    pub(super) line: Option<Line>,
    pub(super) audio: Option<JoinHandle<Heard>>,
    pub(super) talks: Talks,
    pub(super) facts: Facts,
}

impl Leg {
    /// Whether a message belongs to it.
    pub(super) fn owns(&self, message: &Message) -> bool {
        self.facts.call_id == message.header("Call-ID")
    }

    /// Sends, and sends again until [`Leg::repeat`] is taken away.
    pub(super) fn send_until_answered(&mut self, text: String, wire: &Wire) {
        wire.send(self.part.script, &text, wire.server);
        self.repeat = Some(Repeat { text, at: Instant::now() + T1, gap: T1 });
    }

    /// A message from the server.
    pub(super) fn take(&mut self, message: &Message, wire: &Wire) {
        wire.note(self.part.script, false, &message.0);
        if self.part.script.is_some() && self.facts.leak.is_none() {
            self.facts.leak = wire.leak(&message.0);
        }
        match (message.method(), message.sequence_method()) {
            ("", "INVITE") => self.on_invite_response(message, wire),
            ("", "BYE") if message.status() >= 200 => self.end(),
            ("", _) => {}
            ("INVITE", _) if message.is_within() => self.answer(message, "488 Not Acceptable Here", wire),
            ("INVITE", _) => wire.send(self.part.script, &self.last, wire.server),
            ("ACK", _) => self.on_ack(wire),
            ("CANCEL", _) => self.on_cancel(message, wire),
            ("BYE", _) => {
                self.answer(message, "200 OK", wire);
                self.end();
            }
            ("OPTIONS" | "INFO", _) => self.answer(message, "200 OK", wire),
            _ => self.answer(message, "501 Not Implemented", wire),
        }
    }

    /// Answers a request without more ado.
    pub(super) fn answer(&self, request: &Message, status: &str, wire: &Wire) {
        let text = response(request, status, &self.tag, "", "");
        wire.send(self.part.script, &text, wire.server);
    }

    /// A request within the dialog (RFC 3261 §12.2.1.1).
    pub(super) fn request(&mut self, method: &str, wire: &Wire) -> String {
        if method != "ACK" {
            self.sequence += 1;
        }
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{};rport\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n{}",
            self.target,
            wire.me,
            wire.token(),
            self.local,
            self.remote,
            self.facts.call_id,
            self.sequence,
            tail("")
        )
    }

    /// Lets audio flow to where the other end wants it.
    pub(super) fn speak(&mut self, remote: SocketAddr, wire: &Wire) {
        let speech = Speech {
            remote,
            law: self.part.law,
            hertz: self.part.tone,
            packets: self.part.packets,
            keep: self.part.script.is_some(),
            seed: wire.draw(),
        };
        self.facts.audio_at = Some(Instant::now());
        self.stage = Stage::Talking;
        self.until = Instant::now() + FRAME_TIME * self.part.packets + BYE_WITHIN;
        let Some(line) = self.line.take() else { return };
        match talk(line, speech, Arc::clone(&self.talks.own)) {
            Ok(audio) => self.audio = Some(audio),
            Err(error) => self.fail(format!("no thread for audio: {error}")),
        }
    }

    /// Looks at the clock.
    pub(super) fn tick(&mut self, now: Instant, wire: &Wire) {
        if let Some(repeat) = &mut self.repeat
            && now >= repeat.at
        {
            repeat.gap = (repeat.gap * 2).min(T2);
            repeat.at = now + repeat.gap;
            wire.send(self.part.script, &repeat.text, wire.server);
        }
        match self.stage {
            Stage::Alerting(at) if now >= at => self.pick_up(wire),
            Stage::Talking if self.part.hangs_up && self.talks.own.has_said(self.part.packets) => {
                self.stage = Stage::Lingering(now + GRACE);
            }
            Stage::Lingering(until) if now >= until || self.all_heard() => self.hang_up(wire),
            Stage::Ending => self.reap(now, wire),
            Stage::Over(_) => {}
            _ if now >= self.until => self.give_up(),
            _ => {}
        }
    }

    fn all_heard(&self) -> bool {
        let Talks { own, other } = &self.talks;
        own.is_complete(self.part.packets) && other.is_complete(self.part.packets)
    }

    /// Says BYE (RFC 3261 §15.1.1).
    pub(super) fn hang_up(&mut self, wire: &Wire) {
        let bye = self.request("BYE", wire);
        self.send_until_answered(bye, wire);
        self.stage = Stage::Closing;
        self.until = Instant::now() + REPLY_WITHIN;
    }

    fn give_up(&mut self) {
        let what = match self.stage {
            Stage::Inviting if self.facts.ringing.is_some() => "ringing, and no final response to INVITE",
            Stage::Inviting => "no response to INVITE but at most 100",
            Stage::AwaitingAck(_) => "no ACK",
            Stage::Talking => "no BYE from the other end",
            Stage::Closing => "no answer to BYE",
            _ => "not over in time",
        };
        self.fail(what.to_owned());
    }

    /// Ends it with something that should not have happened.
    pub(super) fn fail(&mut self, trouble: String) {
        self.facts.trouble.get_or_insert(trouble);
        self.end();
    }

    /// Ends it; the audio's thread follows.
    pub(super) fn end(&mut self) {
        self.repeat = None;
        self.talks.own.stop();
        if !matches!(self.stage, Stage::Over(_)) {
            self.stage = Stage::Ending;
        }
    }

    /// Takes home what the audio's thread heard, once it has ended, and tells the board.
    pub(super) fn reap(&mut self, now: Instant, wire: &Wire) {
        if self.audio.as_ref().is_some_and(|audio| !audio.is_finished()) {
            return;
        }
        self.facts.heard = self.audio.take().and_then(|audio| audio.join().ok());
        self.stage = Stage::Over(now);
        if let Some(script) = self.part.script {
            wire.board.over(script, self.part.role, self.facts.clone());
        }
    }
}
