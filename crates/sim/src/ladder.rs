//! Messages as lines of a ladder, and the dialogs that somebody may name.

use crate::peer::{Letter, Other, State};
use crate::plan::{Act, Plan};
use crate::world::{World, is_house};

pub(crate) fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split("\r\n").next().unwrap_or_default().chars().take(120).collect()
}

pub(crate) fn picture(letter: &Letter, fate: &str) -> String {
    let text = String::from_utf8_lossy(&letter.bytes).into_owned();
    let row = |name: &str| text.split("\r\n").find_map(|l| l.strip_prefix(name)).unwrap_or("").to_owned();
    let sdp = if text.contains("\r\n\r\nv=0") { " +sdp" } else { "" };
    let arrow = if is_house(letter.from) { "<=" } else { "=>" };
    let peer = if is_house(letter.from) { letter.to } else { letter.from };
    format!(
        "{peer:<18} {arrow} {}{fate} [cseq{} id{}{}]",
        first_line(&letter.bytes),
        row("CSeq:"),
        row("Call-ID:").chars().take(12).collect::<String>(),
        sdp
    )
}

impl World {
    /// The dialogs of all peers, where somebody names those of others.
    pub(crate) fn others(&self) -> Vec<Other> {
        if !self.plan.names_dialogs() {
            return Vec::new();
        }
        let standing = self.agents.iter().flat_map(|agent| agent.dialogs.iter().map(move |d| (agent, d)));
        let standing = standing.filter(|(_, d)| d.state != State::Down && !d.remote_tag.is_empty());
        let other = standing.map(|(agent, d)| Other {
            call: agent.call,
            caller: agent.is_caller,
            early: d.state == State::Early,
            replaces: format!("{};to-tag={};from-tag={}", agent.call_id, d.remote_tag, d.local_tag),
        });
        other.collect()
    }
}

impl Plan {
    /// Whether somebody names a dialog of another call.
    #[must_use]
    pub fn names_dialogs(&self) -> bool {
        let joins = |(_, act): &(u64, Act)| matches!(act, Act::Join(_));
        self.calls.iter().any(|c| c.caller.takes.is_some() || c.caller.after.iter().any(joins))
    }
}
