//! Requests inside a call that only have to be answered.

use super::{Agent, Desk, is_inside};

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
}
