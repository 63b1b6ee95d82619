//! What leaves inside the dialog.

use super::{Env, Session};
use sip_core::{ClientTxn, Request, RequestError};

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
}

/// Sends a request of ours; it is kept where credentials may be asked for.
pub(super) fn send<U: Copy>(request: &Request<'_>, env: &mut Env<'_, U>) -> Result<ClientTxn, RequestError> {
    let txn = env.txns.request(env.now, env.user, request, env.out)?;
    if let Some(note) = env.keep {
        env.txns.keep(txn, request.flow, note, env.out);
    }
    Ok(txn)
}
