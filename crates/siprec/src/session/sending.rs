//! What leaves inside the dialog.

use super::{Env, Session, Stage};
use sip_core::{ClientTxn, Dialog, Request, RequestError};
use sip_msg::{Method, Msg};

impl Session {
    pub(super) fn acknowledge<U: Copy>(&mut self, env: &mut Env<'_, U>) {
        let Some(dialog) = &self.dialog else { return };
        let mut rows = Vec::with_capacity(512);
        dialog.write_rows(&mut rows, self.cseq, b"ACK");
        rows.extend_from_slice(&self.credentials);
        let request = Request {
            method: b"ACK",
            uri: dialog.request_uri(),
            flow: self.way.flow,
            sent_by: &self.way.sent_by,
            rows: &rows,
            content_type: b"",
            body: b"",
            udp_max: self.way.udp_max,
            alternative: self.way.alternative(),
        };
        let _ = env.txns.send_stateless(&request, env.out);
    }

    /// Sends a request inside the dialog.
    pub(super) fn request<U: Copy>(
        &mut self,
        method: &[u8],
        more: &[u8],
        (kind, body): (&[u8], &[u8]),
        env: &mut Env<'_, U>,
    ) -> Result<ClientTxn, RequestError> {
        let Some(dialog) = &mut self.dialog else { return Err(RequestError::TableFull("dialog")) };
        let cseq = dialog.next_cseq();
        if method == b"INVITE" {
            (self.cseq, self.credentials) = (cseq, Box::default());
        }
        let mut rows = Vec::with_capacity(1_024);
        dialog.write_rows(&mut rows, cseq, method);
        rows.extend_from_slice(more);
        rows.extend_from_slice(&self.way.rows);
        let request = Request {
            method,
            uri: dialog.request_uri(),
            flow: self.way.flow,
            sent_by: &self.way.sent_by,
            rows: &rows,
            content_type: kind,
            body,
            udp_max: self.way.udp_max,
            alternative: self.way.alternative(),
        };
        send(&request, env)
    }

    /// A request of ours is challenged: its number when it is sent again with credentials (RFC 3261 §22), which its ACK
    /// bears. `None`: it is given up, so that the challenge is its end.
    pub fn on_challenge(&mut self, msg: Msg<'_>) -> Option<u32> {
        let cseq = msg.cseq().ok()?;
        match self.stage {
            Stage::Inviting(_) | Stage::Changing(_) if cseq.number == self.cseq => {}
            Stage::Ending(_) if cseq.method == Method::Bye => {}
            _ => return None,
        }
        Some(self.dialog.as_mut().map_or(self.cseq + 1, Dialog::next_cseq))
    }

    /// It was sent again in this transaction.
    pub fn sent_again(&mut self, cseq: u32, txn: ClientTxn, credentials: Box<[u8]>) {
        match &mut self.stage {
            Stage::Inviting(of) | Stage::Changing(of) => {
                *of = txn;
                (self.cseq, self.credentials) = (cseq, credentials);
            }
            Stage::Ending(of) => *of = txn,
            Stage::Live | Stage::Cancelled(_) | Stage::Over => {}
        }
    }
}

/// Sends a request of ours; it is kept where credentials may be asked for.
pub(super) fn send<U: Copy>(request: &Request<'_>, env: &mut Env<'_, U>) -> Result<ClientTxn, RequestError> {
    let txn = env.txns.request(env.now, env.user, request, env.out)?;
    if let Some(note) = env.keep {
        env.txns.keep(txn, request.flow, note, env.out);
    }
    Ok(txn)
}
