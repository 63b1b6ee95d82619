//! The table of callers: what arrives, and what a trusted and an untrusted side are told (RFC 3323, RFC
//! 3325, RFC 5806, RFC 7044, RFC 7544, RFC 8496, RFC 7315, RFC 3892). Written from these, not from the code.

use conformance::Place;
use conformance::config::{INSIDE, OUTSIDE};

/// Addresses of the two callers: an IP-PBX that is trusted, and one that is not.
pub(crate) const FRIEND: u8 = 10;
pub(crate) const GUEST: u8 = 11;
/// Those of the gateways: a trusted one, and one that is not.
pub(crate) const INNER: u8 = 20;
pub(crate) const OUTER: u8 = 21;

/// Headers that name somebody, in the order of the record's words.
pub(crate) const NAMED: [&str; 10] = [
    "From",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Privacy",
    "Diversion",
    "History-Info",
    "P-Called-Party-ID",
    "P-Charge-Info",
    "Referred-By",
];

/// Rows that left, in their order.
pub(crate) type Seen = Vec<(String, String)>;

/// One caller.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// It comes from the untrusted side.
    pub(crate) guest: bool,
    pub(crate) from: &'static str,
    pub(crate) rows: &'static [&'static str],
    /// What the trusted side sees; `HOST` is our address.
    pub(crate) inner: &'static [(&'static str, &'static str)],
    /// What the untrusted side sees.
    pub(crate) outer: &'static [(&'static str, &'static str)],
}

/// Trunks `friend` and `guest` inside, `inner` and `outer` outside.
pub(crate) fn config(place: &Place) -> String {
    let (ip, folder) = (|host| place.ip(host), place.folder().display());
    format!(
        r#"version = 1
country = "DE"
[listen.inside]
address = "{}"
sip = ["udp:5060"]
rtp = "20000-23999"
[listen.outside]
address = "{}"
sip = ["udp:5060"]
rtp = "30000-33999"
[trunk.friend]
kind = "direct"
listen = "inside"
gateways = ["{}:5060"]
options_interval = 0
deny_unknown = []
[trunk.friend.override]
identity = "pass"
caller = {{ referred_by = "pass" }}
diversion = "pass"
history_info = "pass"
[trunk.guest]
kind = "direct"
listen = "inside"
gateways = ["{}:5060"]
options_interval = 0
deny_unknown = []
[trunk.guest.override]
identity = "strip"
diversion = "strip"
history_info = "strip"
[trunk.inner]
kind = "itsp"
listen = "outside"
gateways = ["{}:5060"]
options_interval = 0
[trunk.inner.override]
identity = "pass"
caller = {{ charge = "pass", called_party = "pass", referred_by = "pass" }}
forwarding = {{ write = "both" }}
[trunk.outer]
kind = "itsp"
listen = "outside"
gateways = ["{}:5060"]
options_interval = 0
[trunk.outer.override]
identity = "strip"
forwarding = {{ write = "both" }}
[[numbers]]
range = "+493023125000..+493023125999"
deliver = "friend"
[[route]]
name = "inner"
match = {{ called = "+441*" }}
to = "inner"
[[route]]
name = "outer"
match = {{ called = "+442*" }}
to = "outer"
[records]
path = "{folder}/data"
jsonl = "{folder}/records.jsonl"
[api]
socket = "{folder}/tronco.sock"
"#,
        ip(INSIDE),
        ip(OUTSIDE),
        ip(FRIEND),
        ip(GUEST),
        ip(INNER),
        ip(OUTER),
    )
}

pub(crate) const ALICE: &str = "\"Alice\" <sip:+493023125100@[local_ip]>";
const NOBODY: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
const PAI: &str = "P-Asserted-Identity: \"Alice B\" <sip:+493023125100@[local_ip]>";

/// Alice in From, and asserted.
const FROM: (&str, &str) = ("From", "\"Alice\" <sip:+493023125100@HOST>");
const HIDDEN: (&str, &str) = ("From", NOBODY);
const ASSERTED: (&str, &str) = ("P-Asserted-Identity", "\"Alice B\" <sip:+493023125100@HOST>");

const USUAL: Case = Case { name: "", guest: false, from: ALICE, rows: &[], inner: &[FROM], outer: &[FROM] };

pub(crate) const CASES: &[Case] = &[
    Case { name: "a caller without more", ..USUAL },
    Case { name: "an asserted caller", rows: &[PAI], inner: &[FROM, ASSERTED], ..USUAL },
    Case {
        name: "Privacy: none stays the user's word",
        rows: &[PAI, "Privacy: none"],
        inner: &[FROM, ASSERTED, ("Privacy", "none")],
        outer: &[FROM, ("Privacy", "none")],
        ..USUAL
    },
    Case {
        name: "Privacy: id is passed on in trust and given at its edge",
        rows: &[PAI, "Privacy: id"],
        inner: &[FROM, ASSERTED, ("Privacy", "id")],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "Privacy: user hides From too",
        rows: &[PAI, "Privacy: user"],
        inner: &[FROM, ASSERTED, ("Privacy", "user;id")],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "Privacy: header and session are given by being in between",
        rows: &[PAI, "Privacy: header;session"],
        inner: &[FROM, ASSERTED, ("Privacy", "header;session")],
        ..USUAL
    },
    Case {
        name: "Privacy: id;critical in another spelling",
        rows: &[PAI, "PRIVACY :\n\\x20ID ; Critical"],
        inner: &[FROM, ASSERTED, ("Privacy", "id;critical")],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "Privacy: history hides who was called before, and nobody else",
        rows: &[PAI, "Privacy: history", "Diversion: <sip:+493023125177@[local_ip]>;reason=no-answer"],
        inner: &[
            FROM,
            ASSERTED,
            ("Privacy", "history"),
            ("Diversion", "<sip:+493023125177@HOST>;reason=no-answer;privacy=full"),
            ("History-Info", "<sip:+493023125177@HOST?Privacy=history>;index=1"),
            ("History-Info", "<sip:CALLED@HOST;cause=408>;index=1.1;mp=1"),
        ],
        outer: &[
            FROM,
            ("Diversion", "<sip:anonymous@anonymous.invalid>;reason=no-answer;privacy=full"),
            ("History-Info", "<sip:anonymous@anonymous.invalid?Privacy=history>;index=1"),
            ("History-Info", "<sip:CALLED@HOST;cause=408>;index=1.1;mp=1"),
        ],
        ..USUAL
    },
    Case {
        name: "an anonymous From is a wish for privacy",
        from: NOBODY,
        rows: &[PAI],
        inner: &[HIDDEN, ASSERTED, ("Privacy", "id")],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "an anonymous From with Privacy: none is none",
        from: NOBODY,
        rows: &[PAI, "Privacy: none"],
        inner: &[HIDDEN, ASSERTED, ("Privacy", "none")],
        outer: &[HIDDEN, ("Privacy", "none")],
        ..USUAL
    },
    Case {
        name: "Remote-Party-ID asks for privacy by its parameter",
        rows: &["Remote-Party-ID: <sip:+493023125100@[local_ip]>;party=calling;screen=yes;privacy=full"],
        inner: &[
            FROM,
            ("Remote-Party-ID", "<sip:+493023125100@HOST>;party=calling;screen=yes;privacy=full"),
            ("Privacy", "id"),
        ],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "a preferred identity is for those who trust",
        rows: &["P-Preferred-Identity: <sip:+493023125133@[local_ip]>"],
        inner: &[FROM, ("P-Preferred-Identity", "\"Alice\" <sip:+493023125133@HOST>")],
        ..USUAL
    },
    Case {
        name: "sip and tel in P-Asserted-Identity are one identity",
        rows: &["P-Asserted-Identity: <tel:+49-30-23125111>, <sip:+493023125111@[local_ip]>"],
        inner: &[FROM, ("P-Asserted-Identity", "<sip:+493023125111@HOST>")],
        ..USUAL
    },
    Case {
        name: "who pays, who was called and who referred stay among those who trust",
        rows: &[
            "P-Charge-Info: <sip:+493023125190@[local_ip]>;noa=3",
            "P-Called-Party-ID: <sip:+493023125177@[local_ip]>",
            "b: <sip:+493023125188@[local_ip]>;cid=\"1@x\"",
        ],
        inner: &[
            FROM,
            ("P-Called-Party-ID", "<sip:+493023125177@HOST>"),
            ("Referred-By", "<sip:+493023125188@HOST>"),
            ("P-Charge-Info", "<sip:+493023125190@HOST>;noa=3"),
        ],
        ..USUAL
    },
    Case {
        name: "Diversion becomes History-Info, a counter its levels",
        rows: &[
            "Diversion: <sip:+493023125178@[local_ip]>;reason=user-busy",
            "Diversion: <sip:+493023125177@[local_ip]>;reason=unconditional;counter=2",
        ],
        inner: &[FROM, LATER, EARLIER, FIRST, SECOND, THIRD],
        outer: &[FROM, LATER, EARLIER, FIRST, SECOND, THIRD],
        ..USUAL
    },
    Case {
        name: "History-Info becomes Diversion",
        rows: &[
            "History-Info: <sip:+493023125177@[local_ip]>;index=1",
            "History-Info: <sip:+493023125178@[local_ip];cause=302>;index=1.1.1;mp=1, <sip:x@[local_ip];cause=486>;index=1.1.1.1;mp=1.1.1",
        ],
        inner: &[FROM, LATER, EARLIER, FIRST, SECOND, AS_CAME],
        outer: &[FROM, LATER, EARLIER, FIRST, SECOND, AS_CAME],
        ..USUAL
    },
    Case {
        name: "History-Info of RFC 4244 says the same by Reason",
        rows: &[
            "History-Info: <sip:+493023125177@[local_ip]?Reason=SIP%3Bcause%3D302>;index=1, <sip:x@[local_ip]>;index=1.1",
        ],
        inner: &[FROM, SENT_ON, OLD_FORM, ("History-Info", "<sip:x@HOST>;index=1.1")],
        outer: &[FROM, SENT_ON, OLD_FORM, ("History-Info", "<sip:x@HOST>;index=1.1")],
        ..USUAL
    },
    Case {
        name: "a private forwarding is nobody's beyond trust",
        rows: &["Diversion: \"Bob\" <sip:+493023125177@[local_ip]>;reason=deflection;privacy=full"],
        inner: &[
            FROM,
            ("Diversion", "\"Bob\" <sip:+493023125177@HOST>;reason=deflection;privacy=full"),
            ("History-Info", "<sip:+493023125177@HOST?Privacy=history>;index=1"),
            ("History-Info", "<sip:CALLED@HOST;cause=480>;index=1.1;mp=1"),
        ],
        outer: &[
            FROM,
            ("Diversion", "<sip:anonymous@anonymous.invalid>;reason=deflection;privacy=full"),
            ("History-Info", "<sip:anonymous@anonymous.invalid?Privacy=history>;index=1"),
            ("History-Info", "<sip:CALLED@HOST;cause=480>;index=1.1;mp=1"),
        ],
        ..USUAL
    },
    Case {
        name: "what a stranger asserts is not believed",
        guest: true,
        rows: &[
            PAI,
            "P-Preferred-Identity: <sip:+493023125133@[local_ip]>",
            "Remote-Party-ID: <sip:+493023125122@[local_ip]>;party=calling;screen=yes",
            "Diversion: <sip:+493023125177@[local_ip]>;reason=user-busy",
            "History-Info: <sip:+493023125177@[local_ip]>;index=1, <sip:x@y;cause=302>;index=1.1",
            "P-Charge-Info: <sip:+493023125190@[local_ip]>",
            "P-Called-Party-ID: <sip:+493023125177@[local_ip]>",
            "Referred-By: <sip:+493023125188@[local_ip]>",
        ],
        ..USUAL
    },
    Case {
        name: "what a stranger asks of privacy is heeded",
        guest: true,
        rows: &[PAI, "Privacy: id"],
        inner: &[FROM, ("Privacy", "id")],
        outer: &[HIDDEN],
        ..USUAL
    },
    Case {
        name: "a stranger who is nobody stays so",
        guest: true,
        from: NOBODY,
        inner: &[HIDDEN],
        outer: &[HIDDEN],
        ..USUAL
    },
];

const LATER: (&str, &str) = ("Diversion", "<sip:+493023125178@HOST>;reason=user-busy");
const EARLIER: (&str, &str) = ("Diversion", "<sip:+493023125177@HOST>;reason=unconditional;counter=2");
const FIRST: (&str, &str) = ("History-Info", "<sip:+493023125177@HOST>;index=1");
const SECOND: (&str, &str) = ("History-Info", "<sip:+493023125178@HOST;cause=302>;index=1.1.1;mp=1");
const THIRD: (&str, &str) = ("History-Info", "<sip:CALLED@HOST;cause=486>;index=1.1.1.1;mp=1.1.1");
const AS_CAME: (&str, &str) = ("History-Info", "<sip:x@HOST;cause=486>;index=1.1.1.1;mp=1.1.1");
const SENT_ON: (&str, &str) = ("Diversion", "<sip:+493023125177@HOST>;reason=unconditional");
const OLD_FORM: (&str, &str) = ("History-Info", "<sip:+493023125177@HOST?Reason=SIP%3Bcause%3D302>;index=1");
