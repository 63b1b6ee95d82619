//! Requests inside a call that only have to be answered.

use super::{Agent, Desk, Other, is_inside};

impl Agent {
    /// A request without a body.
    pub(super) fn ask(&mut self, dialog: usize, method: &str, desk: &mut Desk) {
        drop(self.request(dialog, method, Vec::new(), "", desk));
    }

    /// REFER to a number that leads to a further callee of the same call.
    pub(super) fn refer(&mut self, dialog: usize, desk: &mut Desk) {
        let call = self.call;
        let number =
            if is_inside(self.addr) { format!("+4420701{call:05}") } else { format!("+493023125{call:03}") };
        let rows = vec![("Refer-To", format!("<sip:{number}@house.example>"))];
        drop(self.request(dialog, "REFER", rows, "", desk));
    }

    /// re-INVITE that offers one more stream, three in all at most.
    pub(super) fn add(
        &mut self,
        dialog: usize,
        kind: &str,
        rows: Vec<(&'static str, String)>,
        desk: &mut Desk,
    ) -> String {
        let d = &mut self.dialogs[dialog];
        if d.lines.len() < 3 {
            d.lines.push(kind.to_owned());
            d.version += 1;
        }
        let body = self.describe(dialog);
        self.request(dialog, "INVITE", rows, &body, desk)
    }

    /// REFER of the other party to that of another call, whose caller sits here too (RFC 5589 §7.3).
    pub(super) fn join(&mut self, dialog: usize, call: usize, desk: &mut Desk) {
        let found = desk.others.iter().find(|o| o.call == call && o.caller && !o.early);
        let Some(Other { replaces, .. }) = found else { return };
        let replaces = replaces.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
        let rows = vec![("Refer-To", format!("<sip:+4420701{call:05}@house.example?Replaces={replaces}>"))];
        drop(self.request(dialog, "REFER", rows, "", desk));
    }

    /// Takes a REFER that was handed on, and says that it comes to nothing.
    pub(super) fn take_refer(&mut self, key: &(String, String), dialog: usize, desk: &mut Desk) {
        let Some(request) = self.servers.get(key).map(|server| server.request.clone()) else { return };
        let message = self.dialog_rows(request.reply(202, ""));
        self.reply(key, &message, dialog, None, desk);
        let rows = vec![
            ("Event", "refer".to_owned()),
            ("Subscription-State", "terminated;reason=noresource".to_owned()),
        ];
        drop(self.request(dialog, "NOTIFY", rows, "", desk));
    }
}
