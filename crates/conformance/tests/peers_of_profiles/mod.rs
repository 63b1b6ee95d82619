//! The plays: for each profile a peer that does what the profile is for, and a neutral peer on the other
//! side. What is checked bears the source that the profile names.

mod inside;
mod outside;

pub(crate) use inside::INSIDE;
pub(crate) use outside::OUTSIDE;

use conformance::Script;
use conformance::script::SDP;

/// One peer of a profile in one call.
pub(crate) struct Play {
    pub(crate) profile: &'static str,
    /// What it shows, in a sentence.
    pub(crate) quirk: &'static str,
    /// The peer is on our inner interface.
    pub(crate) inside: bool,
    pub(crate) kind: &'static str,
    /// Further keys of the trunk; `PEER` is the peer's address.
    pub(crate) more: &'static str,
    /// The peer calls; else it is called.
    pub(crate) calls: bool,
    /// How many dialogs and registrations the called one takes.
    pub(crate) taken: u32,
    /// What the peer does.
    pub(crate) peer: fn() -> Script,
    /// What the one on the other side does.
    pub(crate) other: fn() -> Script,
}

const FROM: &str = "\"Alice\" <sip:[from]@[local_ip]>";

/// A caller who is refused with 486: most is seen in the INVITE.
fn busy_for(rows: &str, body: &str) -> Script {
    Script::default().call("[service]", FROM, rows, body).expect(486, &[]).refused()
}

fn caller() -> Script {
    busy_for("", SDP)
}

fn late_caller() -> Script {
    busy_for("", "")
}

/// A caller whose PBX asserts it, and who was forwarded.
fn forwarded() -> Script {
    busy_for(
        "P-Asserted-Identity: <sip:[from]@[local_ip]>\nDiversion: <sip:+493023125177@[local_ip]>;reason=user-busy\n",
        SDP,
    )
}

/// A caller who withholds the number.
fn withheld() -> Script {
    busy_for("P-Asserted-Identity: <sip:[from]@[local_ip]>\nPrivacy: id\n", SDP)
}

/// A callee who finds this in the INVITE and is busy.
fn finds(checks: &[(&str, &str)]) -> Script {
    Script::default().receive("INVITE", checks).answer("486 Busy Here", "", "").receive("ACK", &[])
}

/// A callee who finds this, answers, and takes the BYE; no other request may come.
fn talks(checks: &[(&str, &str)]) -> Script {
    let answered = Script::default().receive("INVITE", checks).answer("200 OK", "", SDP).receive("ACK", &[]);
    answered.hung_up()
}

fn neutral() -> Script {
    talks(&[])
}

fn busy() -> Script {
    finds(&[])
}

/// The description with another port: what media between the phones themselves changes.
fn moved() -> String {
    SDP.replace("o=- 1 1", "o=- 1 2").replace("[audio]", "40002")
}

const PBX: Play = Play {
    profile: "",
    quirk: "",
    inside: true,
    kind: "direct",
    more: "",
    calls: true,
    taken: 1,
    peer: caller,
    other: busy,
};
