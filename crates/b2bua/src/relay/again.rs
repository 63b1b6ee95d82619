//! Requests that were passed on and refused for what *we* put into them: asked again otherwise.

use super::Relay;
use crate::call::{Call, Phase};
use crate::context::{Context, User};
use crate::leg::InnerRequest;
use media::Side;
use sip_core::{ClientTxn, RequestError};
use sip_msg::{Method, Msg};

impl Call {
    /// Sends a request on to a side; `rows` are those that cross, this leg's own session timer is added
    /// (R35: refreshes of one leg are hidden from the other).
    pub(crate) fn send_on(
        &mut self,
        to: Side,
        sent: Method,
        rows: &[u8],
        body: (&[u8], &[u8]),
        cx: &mut Context<'_>,
    ) -> Result<ClientTxn, RequestError> {
        let (epoch, user) = (self.epoch.clone(), User::Relay(self.me, to));
        let gone = RequestError::TableFull("relays");
        let answered = self.phase == Phase::Answered;
        let mut all = cx.take_rows();
        all.extend_from_slice(rows);
        let Some(leg) = self.next_leg_mut(to) else { return Err(gone) };
        if let Some(session) =
            leg.session.filter(|_| answered && matches!(sent, Method::Invite | Method::Update))
        {
            session.refresh_rows(&mut all);
        }
        let (content_type, body) = body;
        let request = InnerRequest {
            method: sent.as_str().as_bytes(),
            rows: &all,
            content_type: if body.is_empty() { b"" } else { content_type },
            body,
        };
        let result = leg.request(cx, &epoch, request, user);
        leg.inviting |= sent == Method::Invite && result.is_ok();
        cx.give_rows(all);
        result
    }

    /// A refusal that is about us and not about what the other side wants: 422 to our session interval
    /// (RFC 4028 §7.4), 405 or 501 to UPDATE where the peer had allowed it (RFC 3311 §5.1: a re-INVITE does the
    /// same). `true`: asked again, the other side waits on.
    pub(super) fn ask_again(&mut self, relay: &Relay, msg: Msg<'_>, cx: &mut Context<'_>) -> bool {
        let to = relay.from.other();
        let answered = self.phase == Phase::Answered;
        let Some(leg) = self.leg_mut(to).filter(|_| answered) else { return false };
        let sent = match (msg.status(), relay.sent) {
            (422, sent @ (Method::Invite | Method::Update)) if leg.heeds_422(msg) => sent,
            (405 | 501, Method::Update) => {
                leg.update_refused = true;
                Method::Invite
            }
            _ => return false,
        };
        // What was described for the refused request stands in the leg and goes again.
        let body: Box<[u8]> = if relay.offer.is_empty() { Box::default() } else { leg.sdp.text.clone() };
        match self.send_on(to, sent, &relay.rows, (b"application/sdp", &body), cx) {
            Ok(client) => {
                self.relays.push(Relay { client, sent, ..relay.clone() });
                if let Some(here) = self.leg_mut(relay.from).filter(|_| relay.method == Method::Invite) {
                    here.invited = true;
                }
                true
            }
            Err(_) => false,
        }
    }
}
