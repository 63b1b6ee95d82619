//! The INVITE of an attempt: its offer, its rows, its journal entry.

use crate::attempt::{Attempt, Candidate, Offered};
use crate::call::{Call, Failure};
use crate::context::{Alarm, Context, User};
use crate::epoch::Epoch;
use crate::journal::JournalEvent;
use crate::leg::listen_of;
use crate::record::{AttemptFacts, AttemptRecord};
use crate::registrar::way_of;
use crate::tag::Tag;
use base::ReasonId;
use config::{HeaderOn, Policy, Prack, UriScheme};
use identity::Told;
use identity::abilities;
use identity::header_rules::shape;
use identity::headers::{pass_kept, push_number, push_parts, push_row};
use identity::push_uri;
use identity::referral::push_asked;
use identity::session_policy;
use media::Side;
use negotiation::LocalSdp;
use peers::Purse;
use records::Sent;
use sip_core::{Request, RequestError};
use std::sync::Arc;

impl Call {
    /// Sends the INVITE of one attempt (RFC 3261 §13.2.1); `false` when it could not leave.
    pub(crate) fn invite(&mut self, candidate: Candidate, cx: &mut Context<'_>) -> bool {
        let epoch = self.epoch.clone();
        let number = u16::try_from(self.attempts.len() + 1).unwrap_or(u16::MAX);
        let listen = listen_of(&epoch, candidate.trunk);
        let face = epoch.face(listen);
        let transport = candidate.target.transport;
        let Some(sent_by) = face.sent_by(transport) else {
            return self.unsent(ReasonId::TransportMissing);
        };
        let account = epoch.account_for(candidate.trunk, &self.caller);
        let Some((offered, sdp)) = self.first_offer(&candidate, cx) else { return false };
        let tag = Tag::new(cx.shard, Side::B, self.me, cx.rng);
        let call_id = cx.rng.call_id();
        let Some(told) = self.told(&candidate, &tag, cx) else { return false };
        let mut rows = cx.take_rows();
        let way = match way_of(&epoch, &candidate, account, self.a.secure, cx, &mut rows) {
            Ok(way) => way,
            Err(why) => return self.unsent(why),
        };
        let (uri, flow) = (self.back_or(way.uri), way.flow);
        let to = way.to.as_deref().unwrap_or(&uri);
        self.invite_rows(&mut rows, &candidate, &told, to, &call_id, offered);
        let request = Request {
            method: b"INVITE",
            uri: &uri,
            flow,
            sent_by,
            rows: &rows,
            content_type: if sdp.text.is_empty() { b"" } else { b"application/sdp" },
            body: &sdp.text,
            udp_max: face.udp_max,
            alternative: tcp_if_free(&epoch, &candidate).and_then(|()| face.stream_alternative(&flow)),
        };
        let named = Sent::of(&rows);
        let sent = cx.send(&epoch, candidate.trunk, account, User::Invite(self.me, number), &request);
        cx.give_rows(rows);
        let invite = match sent {
            Ok(invite) => invite,
            Err(error) => return self.unsent(why_unsent(&error)),
        };
        self.attempt_begun(&candidate, number, (&call_id, named), cx);
        let trunk = candidate.trunk;
        self.live.push(Box::new(Attempt {
            number,
            candidate,
            trunk,
            invite,
            call_id,
            from: told.from.into_boxed_slice(),
            flow,
            secure: self.a.secure,
            offered,
            sdp,
            progressed: false,
            cancelled: false,
            given_up: None,
            early: Vec::new(),
            cseq: 1,
            purse: Purse { account, ..Purse::default() },
            verdict: None,
        }));
        true
    }

    /// The Request-URI: where the call goes back to who asked for it, as that one wrote it.
    fn back_or(&self, uri: Vec<u8>) -> Vec<u8> {
        let back = self.arrived.as_ref().and_then(|arrived| arrived.back.as_deref());
        back.map_or(uri, |back| back.uri.to_vec())
    }

    /// An INVITE could not leave.
    fn unsent(&mut self, why: ReasonId) -> bool {
        self.failure = Some(Failure::ours(why));
        false
    }

    /// What an attempt tells of the caller, From with its tag; `None` when it may not be made.
    fn told(&mut self, candidate: &Candidate, tag: &Tag, cx: &mut Context<'_>) -> Option<Told> {
        match self.tell(candidate, cx) {
            Ok(mut told) => {
                told.from.extend_from_slice(b";tag=");
                told.from.extend_from_slice(tag.as_bytes());
                Some(told)
            }
            Err(reason) => {
                self.failure = Some(Failure::ours(reason));
                self.skip(candidate, reason, cx);
                None
            }
        }
    }

    /// The offer of an attempt; `None` when the caller's cannot be used (the call is refused).
    fn first_offer(&mut self, candidate: &Candidate, cx: &mut Context<'_>) -> Option<(Offered, LocalSdp)> {
        let others = self.live.iter().map(|attempt| &attempt.sdp);
        let mut sdp = LocalSdp::beside(self.epoch.policy(candidate.trunk), others);
        self.media.tls[Side::B.index()] = candidate.target.transport == base::Transport::Tls;
        let arrived = self.arrived.take();
        let made = match arrived.as_deref() {
            Some(a) if !a.offer.is_empty() && self.withholds(candidate.trunk) => Ok(Offered::Withheld),
            Some(a) if !a.offer.is_empty() => {
                self.describe(Side::B, candidate.trunk, &a.offer, b"", &mut sdp, cx).map(|()| Offered::Caller)
            }
            _ => Ok(Offered::Nobody),
        };
        self.arrived = arrived;
        match made {
            Ok(Offered::Nobody) if self.makes_offer(candidate.trunk) => {
                self.make_offer(candidate.trunk, &mut sdp, cx);
                Some((Offered::Us, sdp))
            }
            Ok(offered) => Some((offered, sdp)),
            Err(trouble) => {
                self.refuse_sdp(&trouble, cx);
                None
            }
        }
    }

    fn invite_rows(
        &self,
        rows: &mut Vec<u8>,
        candidate: &Candidate,
        told: &Told,
        to: &[u8],
        call_id: &[u8],
        offered: Offered,
    ) {
        let epoch = &self.epoch;
        let policy = epoch.policy(candidate.trunk);
        let face = epoch.face(listen_of(epoch, candidate.trunk));
        let hops_max = epoch.snapshot.config.signalling.max_forwards;
        // A B2BUA keeps the hop count, so that loops through it end (RFC 7332 §2).
        let seen = self.arrived.as_ref().and_then(|a| a.hops).unwrap_or(hops_max);
        push_number(rows, b"Max-Forwards", u64::from(seen.min(hops_max).saturating_sub(1)));
        push_row(rows, b"From", &told.from);
        push_parts(rows, b"To", &[b"<", to, b">"]);
        push_row(rows, b"Call-ID", call_id);
        push_row(rows, b"CSeq", b"1 INVITE");
        let contact = told.contact_user(&candidate.caller);
        face.push_contact(rows, candidate.target.transport, self.a.secure, contact);
        // Without an offer of ours a reliable provisional bears the callee's, to be answered in PRACK
        // (RFC 3262 §5): only where the caller can be asked for the answer.
        let answerable = offered != Offered::Nobody || self.shows_offers(candidate.trunk);
        let reliable = policy.prack != Prack::Off && answerable;
        abilities::push(policy, reliable, rows);
        if policy.prack == Prack::Required && answerable {
            push_row(rows, b"Require", b"100rel");
        }
        session_policy(epoch.policy(candidate.trunk), true).above(self.min_se).request_rows(rows);
        rows.extend_from_slice(epoch.agent_row(candidate.trunk));
        self.push_kept(candidate, told, rows);
        rows.extend_from_slice(&told.rows);
        shape(&policy.headers.rules_out, HeaderOn::Invite, rows);
    }

    /// What crosses of the caller's INVITE, and whose place it is to take.
    fn push_kept(&self, candidate: &Candidate, told: &Told, rows: &mut Vec<u8>) {
        if let Some(arrived) = &self.arrived {
            pass_kept(&arrived.kept, told.hides_user, self.epoch.policy(candidate.trunk), rows);
            push_asked(arrived.replaces.as_ref(), arrived.back.as_deref(), rows);
        }
    }

    /// Counts, journals and arms the timers of an attempt whose INVITE has left.
    fn attempt_begun(
        &mut self,
        candidate: &Candidate,
        number: u16,
        sent: (&[u8], Sent),
        cx: &mut Context<'_>,
    ) {
        self.note_attempt(candidate, sent, cx);
        let epoch = &self.epoch;
        self.current = number;
        cx.runs.begun(candidate.at.gateway, cx.now);
        let patience = epoch.trunk(candidate.trunk).failover_after;
        cx.wheel.insert(cx.now + patience, Alarm::Silence(self.me, number));
    }

    /// Journals an attempt, and begins its entry in the record; `sent`: its Call-ID and who it named.
    fn note_attempt(&mut self, candidate: &Candidate, (call_id, sent): (&[u8], Sent), cx: &mut Context<'_>) {
        let epoch = &self.epoch;
        let facts = Arc::new(AttemptFacts {
            number: u16::try_from(self.attempts.len() + 1).unwrap_or(u16::MAX),
            tier: candidate.tier,
            trunk: epoch.trunk_name(candidate.trunk),
            site: epoch.snapshot.table.site_of(candidate.trunk, candidate.target.address.ip()),
            gateway: epoch.gateway_name(candidate.gateway),
            target: candidate.target.address,
            transport: candidate.target.transport.token(),
            sip_call_id: String::from_utf8_lossy(call_id).into_owned().into_boxed_str(),
            caller_sent: candidate.caller.clone(),
            called_sent: candidate.called.clone(),
            sent,
        });
        cx.out.journal.push(JournalEvent::Attempt { call: self.key, at: cx.wall(), facts: facts.clone() });
        self.attempts.push(AttemptRecord {
            facts,
            start: cx.wall(),
            progress: None,
            answer: None,
            end: None,
            status: 0,
            q850: None,
            reason: ReasonId::TimerB,
        });
        self.places.push(candidate.at.gateway);
    }

    /// An attempt that failed before its INVITE could leave.
    pub(crate) fn attempt_unsent(&mut self, candidate: &Candidate, failure: Failure, cx: &mut Context<'_>) {
        self.note_attempt(candidate, (b"", Sent::default()), cx);
        let at = cx.wall();
        let Some(record) = self.attempts.last_mut() else { return };
        record.end = Some(at);
        record.reason = failure.reason;
        let number = record.facts.number;
        self.journal_attempt_failed(cx, number, failure);
    }
}

/// Why an INVITE could not leave.
fn why_unsent(error: &RequestError) -> ReasonId {
    match error {
        RequestError::TableFull(_) => ReasonId::TransactionsMax,
        RequestError::TooLarge { .. } => ReasonId::UdpSize,
    }
}

/// The Request-URI of an attempt: the number at the trunk's domain, or at the gateway itself. `secure`: with
/// the scheme that demands TLS on the hops beyond (RFC 5630 §5.1.1).
pub(crate) fn request_uri(epoch: &Epoch, candidate: &Candidate, secure: bool) -> Vec<u8> {
    let trunk = epoch.trunk(candidate.trunk);
    let gateway = &epoch.snapshot.config.gateways[candidate.gateway.index()];
    let host = match (&trunk.domain, gateway.port) {
        (Some(domain), _) => domain.clone(),
        (None, Some(port)) => format!("{}:{port}", gateway.host),
        (None, None) => gateway.host.to_string(),
    };
    let params: &[u8] = match candidate.target.transport {
        base::Transport::Tcp => b";transport=tcp",
        base::Transport::Tls => b";transport=tls",
        base::Transport::Udp => b"",
    };
    let mut uri = Vec::with_capacity(64);
    if secure {
        // A tel URI cannot demand anything.
        let policy = Policy { uri: UriScheme::Sip, ..trunk.policy.clone() };
        push_uri(&mut uri, &candidate.called, &host, b"", &policy);
        uri.splice(..b"sip".len(), *b"sips");
    } else {
        push_uri(&mut uri, &candidate.called, &host, params, &trunk.policy);
    }
    uri
}

/// Large messages may leave UDP only where the configuration does not pin the gateway to it.
fn tcp_if_free(epoch: &Epoch, candidate: &Candidate) -> Option<()> {
    let gateway = &epoch.snapshot.config.gateways[candidate.gateway.index()];
    (gateway.transport.is_none() && gateway.user.is_none()).then_some(())
}
