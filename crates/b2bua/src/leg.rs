//! One leg of a call: a dialog with one peer and what we agreed with it.

use crate::context::{Context, User};
use crate::epoch::Epoch;
use base::{ListenId, Time, Transport, TrunkId};
use config::{RefreshBy, Update};
use identity::abilities;
use media::Side;
use negotiation::LocalSdp;
use peers::Purse;
use sip_core::dialog::Dialog;
use sip_core::session_timer::SessionTimer;
use sip_core::{ClientTxn, Flow, Request, RequestError, ServerTxn, target_address};
use sip_msg::{Msg, Name};

pub(crate) use identity::abilities::Abilities;

/// How often 422 may raise the session interval of one leg: limit `session_raises`.
const SESSION_RAISES_MAX: u8 = 3;

/// A 2xx of ours that waits for its ACK.
#[derive(Clone, Copy)]
pub(crate) struct AwaitAck {
    pub(crate) txn: ServerTxn,
    pub(crate) cseq: u32,
    /// The ACK carries the answer to an offer of the other side (RFC 3261 §13.2.1, late offer).
    pub(crate) answers: Option<LateAnswer>,
    /// It answers the INVITE that made the dialog: no BYE may leave before its ACK (RFC 3261 §15).
    pub(crate) initial: bool,
}

/// Where the answer in an ACK goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LateAnswer {
    /// On to the other leg, whose own 2xx still waits for its ACK.
    PassOn,
    /// Nowhere: we made the offer, the other leg has answered already.
    Ours,
}

/// One leg; see the module text.
pub(crate) struct Leg {
    pub(crate) side: Side,
    pub(crate) dialog: Dialog,
    pub(crate) flow: Flow,
    pub(crate) trunk: TrunkId,
    /// TLS is demanded on it, by a `sips:` URI (RFC 5630).
    pub(crate) secure: bool,
    pub(crate) abilities: Abilities,
    pub(crate) session: Option<SessionTimer>,
    /// When the leg's session alarm fires.
    pub(crate) session_alarm: Option<Time>,
    /// How often a 422 has raised its interval.
    pub(crate) session_raises: u8,
    /// An UPDATE of ours was refused with 405 or 501, whatever the peer's Allow says.
    pub(crate) update_refused: bool,
    /// What the peer's last refresh asks for, until it has its 2xx.
    pub(crate) session_asked: Option<Option<SessionTimer>>,
    pub(crate) sdp: LocalSdp,
    /// The other peer has moved its media in an answer, and this one has yet to hear of it: how many such moves
    /// have led to it.
    pub(crate) untold: Option<u8>,
    /// What the peer described last, in an offer or answer that holds.
    pub(crate) described: Box<[u8]>,
    /// CSeq of the last INVITE that we sent: its ACK bears the same.
    pub(crate) invite_cseq: u32,
    /// The body of the last ACK of ours that had one, and its CSeq, for repeated 2xx.
    pub(crate) ack_body: Option<(u32, Box<[u8]>)>,
    /// The ACK to the peer's 2xx is not sent yet: it waits for the other leg's answer.
    pub(crate) ack_held: bool,
    /// A 2xx of ours is not yet acknowledged by this peer.
    pub(crate) await_ack: Option<AwaitAck>,
    /// The rows of a BYE that waits for the ACK to our 2xx.
    pub(crate) bye_held: Option<Box<[u8]>>,
    /// An INVITE of ours to this peer has no final response.
    pub(crate) inviting: bool,
    /// An INVITE of this peer inside the dialog has no final response.
    pub(crate) invited: bool,
    pub(crate) purse: Purse,
    /// Its session is over for this call: the peer hung up while it was transferring, or the leg went to
    /// another call.
    pub(crate) gone: bool,
}

impl Leg {
    pub(crate) fn new(side: Side, dialog: Dialog, flow: Flow, trunk: TrunkId, abilities: Abilities) -> Leg {
        Leg {
            side,
            dialog,
            flow,
            trunk,
            secure: false,
            abilities,
            session: None,
            session_alarm: None,
            session_raises: 0,
            update_refused: false,
            session_asked: None,
            sdp: LocalSdp::default(),
            untold: None,
            described: Box::default(),
            invite_cseq: 0,
            ack_body: None,
            ack_held: false,
            await_ack: None,
            bye_held: None,
            inviting: false,
            invited: false,
            purse: Purse::default(),
            gone: false,
        }
    }

    /// Where requests inside the dialog go: the next hop of RFC 3261 §12.2.1.1 when it is an
    /// address this interface can reach, else where the peer's messages come from (a name that
    /// only the peer's own network resolves, or a peer behind NAT).
    pub(crate) fn route(&mut self, epoch: &Epoch) {
        // Who registered is reached where it came from (RFC 5626 §5.3).
        let registers = epoch.trunk(self.trunk).users.registrar.is_some();
        if registers || epoch.policy(self.trunk).latch == config::Latch::Nat {
            return;
        }
        let Some((address, transport)) = target_address(self.dialog.next_hop()) else { return };
        if self.secure && transport != Transport::Tls {
            return;
        }
        let face = epoch.face(self.flow.listen);
        let same_family = address.is_ipv4() == self.flow.remote.is_ipv4();
        if !same_family || face.sent_by(transport).is_none() {
            return;
        }
        // A stream that stands between the two hosts is used on, whatever ports it has.
        let keep = transport.is_reliable()
            && transport == self.flow.transport
            && address.ip() == self.flow.remote.ip();
        if !keep {
            self.flow = Flow { remote: address, transport, conn: None, ..self.flow };
        }
    }

    /// Sends a request inside the dialog; `rows` come after the dialog's own.
    pub(crate) fn request(
        &mut self,
        cx: &mut Context<'_>,
        epoch: &Epoch,
        request: InnerRequest<'_>,
        user: User,
    ) -> Result<ClientTxn, RequestError> {
        let cseq = self.dialog.next_cseq();
        if request.method == b"INVITE" {
            self.invite_cseq = cseq;
        }
        let mut rows = cx.take_rows();
        self.write_rows(&mut rows, cseq, &request, cx, epoch);
        let face = epoch.face(self.flow.listen);
        let whole = Request {
            method: request.method,
            uri: self.dialog.request_uri(),
            flow: self.flow,
            sent_by: face.sent_by(self.flow.transport).unwrap_or(face.host().as_bytes()),
            rows: &rows,
            content_type: request.content_type,
            body: request.body,
            udp_max: face.udp_max,
            alternative: face.stream_alternative(&self.flow).filter(|_| !epoch.is_pinned_to_udp(self.trunk)),
        };
        let result = cx.send(epoch, self.trunk, self.purse.account, user, &whole);
        cx.give_rows(rows);
        if let (b"INVITE", Ok(client)) = (request.method, &result) {
            cx.watch_invite(user, *client);
        }
        result
    }

    /// Whether a request inside the dialog belongs here: its tags do, and it came on the leg's own
    /// interface; over TLS where that is demanded.
    pub(crate) fn hears(&self, msg: &Msg<'_>, flow: &Flow) -> bool {
        let way = flow.listen == self.flow.listen && (!self.secure || flow.transport == Transport::Tls);
        way && !self.gone && self.dialog.matches(msg)
    }

    /// Appends our Contact towards this peer (RFC 3261 §8.1.1.8, §12.1.1): with the account that the call is placed
    /// with where its trunk wants that, else with `user`. Each Contact of a dialog names the same (§12.2).
    pub(crate) fn push_contact(&self, rows: &mut Vec<u8>, epoch: &Epoch, user: &[u8]) {
        let user = epoch.account_contact(self.trunk, self.purse.account).map_or(user, str::as_bytes);
        epoch.face(self.flow.listen).push_contact(rows, self.flow.transport, self.secure, user);
    }

    /// Contact, Allow and Supported of a request that may change the session (RFC 3261 §14.1, RFC 3311 §5.1).
    pub(crate) fn push_abilities(&self, rows: &mut Vec<u8>, epoch: &Epoch) {
        self.push_contact(rows, epoch, b"");
        abilities::push(epoch.policy(self.trunk), false, rows);
    }

    /// Acknowledges the peer's 2xx to our last INVITE (RFC 3261 §13.2.2.4), or does so again.
    pub(crate) fn acknowledge(&mut self, cx: &mut Context<'_>, epoch: &Epoch) {
        self.acknowledge_invite(self.invite_cseq, cx, epoch);
    }

    /// A 2xx to this INVITE of ours came again: its ACK was lost. A 2xx whose ACK is still held
    /// waits on.
    pub(crate) fn acknowledge_again(&mut self, cseq: u32, cx: &mut Context<'_>, epoch: &Epoch) {
        if !(self.ack_held && cseq == self.invite_cseq) {
            self.acknowledge_invite(cseq, cx, epoch);
        }
    }

    fn acknowledge_invite(&mut self, cseq: u32, cx: &mut Context<'_>, epoch: &Epoch) {
        let mut rows = cx.take_rows();
        self.dialog.write_rows(&mut rows, cseq, b"ACK");
        rows.extend_from_slice(epoch.agent_row(self.trunk));
        if cseq == self.invite_cseq {
            rows.extend_from_slice(&self.purse.rows);
        }
        let body = self.ack_body.as_ref().filter(|(of, _)| *of == cseq).map_or(&b""[..], |(_, body)| body);
        let face = epoch.face(self.flow.listen);
        let request = Request {
            method: b"ACK",
            uri: self.dialog.request_uri(),
            flow: self.flow,
            sent_by: face.sent_by(self.flow.transport).unwrap_or(face.host().as_bytes()),
            rows: &rows,
            content_type: if body.is_empty() { b"" } else { b"application/sdp" },
            body,
            udp_max: face.udp_max,
            alternative: face.stream_alternative(&self.flow).filter(|_| !epoch.is_pinned_to_udp(self.trunk)),
        };
        if cx.txns.send_stateless(&request, &mut cx.out.sip).is_err() {
            cx.counters.acks_unsent += 1;
        }
        cx.give_rows(rows);
    }

    /// Takes what a target refresh request or its 2xx says (RFC 3261 §12.2.1.2, §12.2.2).
    pub(crate) fn refresh(&mut self, msg: Msg<'_>, epoch: &Epoch) {
        self.dialog.refresh_target(&msg);
        if msg.first(Name::Allow).is_some() {
            let Abilities { timer, early_end, record_aware, .. } = self.abilities;
            self.abilities = Abilities { timer, early_end, record_aware, ..Abilities::of(msg) };
        }
        self.route(epoch);
    }

    /// Whether an UPDATE of ours may go to the peer (RFC 3311 §4).
    pub(crate) fn takes_update(&self, epoch: &Epoch) -> bool {
        let wanted = epoch.policy(self.trunk).dialog.update == Update::Auto;
        wanted && self.abilities.update && !self.update_refused
    }

    /// Whether refreshes of ours go as UPDATE (RFC 4028 §7.4).
    pub(crate) fn refreshes_by_update(&self, epoch: &Epoch) -> bool {
        match epoch.policy(self.trunk).session_timer.refresh_by {
            RefreshBy::Auto => self.takes_update(epoch),
            RefreshBy::Update => !self.update_refused,
            RefreshBy::Reinvite => false,
        }
    }

    /// A 422 answered a request of ours with this timer's interval: whether it is worth asking again with
    /// what the peer wants (RFC 4028 §7.4), so many times at most.
    pub(crate) fn heeds_422(&mut self, msg: Msg<'_>) -> bool {
        let raised = self.session_raises < SESSION_RAISES_MAX
            && self.session.as_mut().is_some_and(|timer| timer.raise_min_se(&msg));
        self.session_raises += u8::from(raised);
        raised
    }

    /// Whether an INVITE in either direction is not finished on this leg.
    pub(crate) fn is_negotiating(&self) -> bool {
        self.inviting || self.invited || self.await_ack.is_some() || self.ack_held
    }
}

/// A request inside a dialog, as given to [`Leg::request`].
pub(crate) struct InnerRequest<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) rows: &'a [u8],
    pub(crate) content_type: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<'a> InnerRequest<'a> {
    pub(crate) fn bare(method: &'a [u8], rows: &'a [u8]) -> InnerRequest<'a> {
        InnerRequest { method, rows, content_type: b"", body: b"" }
    }
}

/// The interface that a trunk of this epoch lives on.
pub(crate) fn listen_of(epoch: &Epoch, trunk: TrunkId) -> ListenId {
    epoch.trunk(trunk).listen
}
